/// How far from a point without gaps a constant step ends, for experiment `p-not-2`.
///
/// Near such a point the gradient of |gap|^p is of the order of |gap|^{p−1}: it does not fade for p = 1, and for 1 < p < 2 it fades more slowly than the gap
/// (its slope has no bound: A5 fails, claim L8). Where the gaps are linear in u, a step u − αφ is the same at the distance s·α^{1/(2−p)} for every α: so the
/// distance at which a constant step hovers goes like α^{1/(2−p)} for p < 2. For p = 2 it goes on falling by a factor; for p > 2 like (α·steps)^{−1/(p−2)}.

#include <algorithm>
#include <cmath>
#include <functional>

#include "p_not_2.h"
#include "slicecheck/core/error.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck::exponents {

namespace {

/// Root mean square distances.
struct Levels {
  double last_half = 0.0;
  double third_quarter = 0.0;
  double last_quarter = 0.0;
};

constexpr Levels kDivergedLevels{kNoNumber, kNoNumber, kNoNumber};

/// Means of squares over the third and fourth quarter of `steps` steps.
class Quarters {
 public:
  explicit Quarters(std::uint64_t steps) : steps_(steps) {}
  void add(std::uint64_t step, double squared) {
    if (2 * step < steps_) return;
    const std::size_t q = 4 * step < 3 * steps_ ? 0 : 1;
    sum_[q] += squared;
    count_[q] += 1.0;
  }
  [[nodiscard]] Levels levels() const {
    return {std::sqrt((sum_[0] + sum_[1]) / (count_[0] + count_[1])), std::sqrt(sum_[0] / count_[0]), std::sqrt(sum_[1] / count_[1])};
  }

 private:
  std::uint64_t steps_;
  double sum_[2] = {0.0, 0.0};
  double count_[2] = {0.0, 0.0};
};

/// T(u, x) = x + u in the plane, and Y = X: every gap is θ·u, one direction a step, from a u₀ of length 1.
Levels shift(double p, double alpha, std::uint64_t steps, std::uint64_t seed, std::uint32_t stream) {
  constexpr Index kPoints = 4;
  const CpuLoss<double> loss(p);
  Eigen::RowVectorXd u = uniform_directions<double>({seed, Purpose::initial, stream, 0}, 1, 2);
  const auto law = law_by_name("standard-normal");
  LossGradient<double> found;
  Quarters quarters(steps);
  for (std::uint64_t t = 0; t < steps; ++t) {
    const Points<double> x = law->sample<double>({seed, Purpose::source, stream, t}, kPoints);
    const Points<double> z = x.rowwise() + u;
    loss.evaluate_into(z, x, uniform_directions<double>({seed, Purpose::directions, stream, t}, 1, 2), found);
    u -= alpha * found.gradient.colwise().sum();
    if (!u.allFinite()) return kDivergedLevels;
    quarters.add(t, u.squaredNorm());
  }
  return quarters.levels();
}

/// A small network, and Y = T(u*, X) of the same network with the same X: every gap is 0 at u*. From near u*; the distance is √SW_2² to Y on fresh inputs.
Levels teacher(double p, double alpha, std::uint64_t steps, double away, std::uint64_t seed, std::uint32_t stream) {
  constexpr Index kBatch = 32;
  constexpr Index kLooks = 128;  // in the last half
  const DenseMlp<double> network(2, {16, 16}, 2, Activation::relu);
  const CpuLoss<double> loss(p), square(2.0);
  const Vector<double> goal = network.initial({seed, Purpose::initial, stream, 0});
  Vector<double> u = goal;
  add_noise(u, away, {seed, Purpose::initial, stream, 1});
  const auto law = law_by_name("standard-normal");
  Quarters quarters(steps);
  const std::uint64_t every = std::max<std::uint64_t>(1, steps / (2 * static_cast<std::uint64_t>(kLooks)));
  for (std::uint64_t t = 0; t < steps; ++t) {
    const Points<double> x = law->sample<double>({seed, Purpose::source, stream, t}, kBatch);
    const auto at = network.linearise(u, x);
    if (!at->images().allFinite()) return kDivergedLevels;
    u -= alpha *
         at->pullback(loss.evaluate(at->images(), network.forward(goal, x), uniform_directions<double>({seed, Purpose::directions, stream, t}, 1, 2)).gradient);
    if (!u.allFinite()) return kDivergedLevels;
    if (2 * t < steps || t % every != 0) continue;
    const Points<double> fresh = law->sample<double>({seed, Purpose::evaluation_source, stream, t}, kBatch);
    const auto theta = uniform_directions<double>({seed, Purpose::evaluation_directions, stream, t}, 16, 2);
    const Points<double> images = network.forward(u, fresh);
    if (!images.allFinite()) return kDivergedLevels;
    quarters.add(t, square.values(images, network.forward(goal, fresh), theta).mean());
  }
  return quarters.levels();
}

/// NaN throughout where numbers overflowed.
Levels finite_or_diverged(const std::function<Levels()>& run) {
  try {
    const Levels found = run();
    return std::isfinite(found.last_half) ? found : kDivergedLevels;
  } catch (const InputError&) {
    return kDivergedLevels;  // settings are checked before: the only input that a loss can refuse here is one whose powers overflow
  }
}

}  // namespace

std::vector<Hover> measure_hover(const Design& design, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const Index replicates = s.integer_at_least("hover.replicates", 2);
  const auto count = static_cast<std::size_t>(s.integer_at_least("hover.step_sizes", 3));
  const auto steps = static_cast<std::uint64_t>(s.integer_at_least("hover.steps", 16));
  const auto network_steps = static_cast<std::uint64_t>(s.integer_at_least("hover.network_steps", 16));
  const double away = s.number("hover.away");
  const std::vector<double> alphas[2] = {halved_step_sizes(s.number("hover.first_step_size"), static_cast<Index>(count)),
                                         halved_step_sizes(s.number("hover.network_first_step_size"), static_cast<Index>(count))};
  const std::size_t exponents = design.exponents.size();
  const auto of = [&](std::size_t bed, std::size_t e, std::size_t a) { return (bed * exponents + e) * count + a; };
  constexpr std::uint32_t kTable = 64;  // apart from the testbeds' streams; every p and α has the same draws
  const auto rows =
      replicate_table(context, "hover", static_cast<Index>(2 * exponents * count) * replicates, 2, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
        const auto arm = static_cast<std::size_t>(i / replicates);
        const std::size_t bed = arm / (exponents * count);
        const double p = design.exponents[arm / count % exponents];
        const double alpha = alphas[bed][arm % count];
        const std::uint32_t stream = stream_replicate(kTable + static_cast<std::uint32_t>(bed), i % replicates);
        const Levels found = finite_or_diverged(
            [&] { return bed == 0 ? shift(p, alpha, steps, context.seed, stream) : teacher(p, alpha, network_steps, away, context.seed, stream); });
        row << found.last_half, found.last_quarter / found.third_quarter;
      });
  std::vector<Hover> out;
  for (std::size_t bed = 0; bed < 2; ++bed)
    for (std::size_t e = 0; e < exponents; ++e) {
      Hover hover{bed == 0 ? "shift" : "network and its copy", design.exponents[e], alphas[bed], Points<double>(replicates, count),
                  Points<double>(replicates, count)};
      for (std::size_t a = 0; a < count; ++a)
        for (Index r = 0; r < replicates; ++r) {
          const Index row = static_cast<Index>(of(bed, e, a)) * replicates + r;
          hover.levels(r, static_cast<Index>(a)) = rows(row, 0);
          hover.settled(r, static_cast<Index>(a)) = rows(row, 1);
        }
      out.push_back(std::move(hover));
    }
  return out;
}

bool has_settled(const Hover& hover, std::size_t a) {
  std::vector<double> quotients;
  for (Index r = 0; r < hover.settled.rows(); ++r) quotients.push_back(hover.settled(r, static_cast<Index>(a)));
  return geometric_mean(quotients).mean >= kSettled;
}

MeanEstimate hover_slope(const Hover& hover) {
  constexpr MeanEstimate kNone{kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
  std::vector<Index> used;
  double centre = 0.0;
  for (std::size_t a = 0; a < hover.alphas.size(); ++a)
    if (hover.p >= 2.0 || has_settled(hover, a)) used.push_back(static_cast<Index>(a));
  if (used.size() < 2) return kNone;
  const auto x = [&](Index a) { return std::log(hover.alphas[static_cast<std::size_t>(a)]); };
  for (const Index a : used) centre += x(a) / static_cast<double>(used.size());
  std::vector<double> slopes;
  for (Index r = 0; r < hover.levels.rows(); ++r) {
    double above = 0.0, below = 0.0;
    for (const Index a : used) {
      above += (x(a) - centre) * std::log(hover.levels(r, a));
      below += (x(a) - centre) * (x(a) - centre);
    }
    if (!std::isfinite(above)) return kNone;
    slopes.push_back(above / below);
  }
  return mean_with_t_interval(slopes, kConfidence);
}

}  // namespace slicecheck::exponents
