/// T2: almost every step size, not every one.
///
/// On the two-point line, for u ≠ 0 and a batch with m opposite signs after sorting, φ = 2u − 2 sign(u)(1 − 2m/n) (theory/dynamics.md), so
///
///     u⁺ = u − αφ = (1 − 2α)u + 2α sign(u)(1 − 2m/n).
///
/// At α = 1/2 the first term is gone: u⁺ = sign(u)(1 − 2m/n) has n + 1 values at most, whatever the law of u, and for even n one of them is the tie 0. At every
/// other α the map is affine and injective on each side of 0 for each batch, so an absolutely continuous law of u stays one. In the plane with T(u, x) = u all
/// images are equal, every matching gives φ = 2θ θ·(u − ȳ), ȳ the mean of the batch's targets, and
///
///     u⁺ = u − 2αθ θ·(u − ȳ) = (u − αw) + α(w − 2θ θ·w),   w = u − ȳ:
///
/// w − 2θ θ·w is w reflected, at the angle 2·angle(θ) + π − angle(w). So u⁺ is uniform on the circle of radius α‖w‖ around u − αw, for α = 1/2 as for any
/// other.

#include "slicecheck/claims/step_sizes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "slicecheck/claims/dynamics.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck {

namespace {

/// The two-point line from a given u_0.
class LineFrom final : public Generator<double> {
 public:
  explicit LineFrom(double u0) : u0_(u0) {}
  [[nodiscard]] std::string name() const override { return "two-point line from a given start"; }
  [[nodiscard]] Index parameters() const override { return 1; }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 1; }
  [[nodiscard]] Vector<double> initial(const RandomStream&) const override { return Vector<double>::Constant(1, u0_); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override { return line_.linearise(u, x); }

 private:
  TwoPointLine<double> line_;
  double u0_;
};

/// T(u, x) = u in the plane, from a given u_0.
class OnePointFrom final : public Generator<double> {
 public:
  explicit OnePointFrom(Eigen::Vector2d u0) : u0_(std::move(u0)) {}
  [[nodiscard]] std::string name() const override { return "one point of the plane from a given start"; }
  [[nodiscard]] Index parameters() const override { return 2; }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 2; }
  [[nodiscard]] Vector<double> initial(const RandomStream&) const override { return u0_; }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override {
    return std::make_unique<Copies>(u.transpose().replicate(x.rows(), 1));
  }

 private:
  class Copies final : public Linearisation<double> {
   public:
    explicit Copies(Points<double> images) : images_(std::move(images)) {}
    [[nodiscard]] const Points<double>& images() const override { return images_; }
    [[nodiscard]] Vector<double> pullback(PointsView<double> cotangent) const override { return cotangent.colwise().sum().transpose(); }

   private:
    Points<double> images_;
  };
  Eigen::Vector2d u0_;
};

/// SGD with batches of n between two finite laws, without the sampler, which depends on the replicate.
struct Setting {
  std::shared_ptr<const Generator<double>> generator;
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  Index n = 1;
  double alpha = 0.5;
  std::uint64_t seed = 1;

  [[nodiscard]] TrainingParts<double> parts(std::uint32_t replicate) const {
    TrainingParts<double> parts;
    parts.generator = generator;
    parts.loss = std::make_shared<ReferenceLoss>();
    parts.sampler = std::make_shared<FreshBatches<double>>(source, target, SamplerSettings{n, 1, seed, replicate});
    parts.scheme = std::make_shared<Sgd<double>>();
    parts.schedule = make_schedule({.initial = alpha});
    parts.seed = seed;
    parts.replicate = replicate;
    return parts;
  }
};

Setting line_setting(PointDraws& draws, Index n, double alpha) {
  Setting setting;
  setting.source = FiniteLaw::two_points();
  setting.target = setting.source;
  setting.n = n;
  setting.alpha = alpha;
  setting.seed = draws.below(std::uint64_t{1} << 52);  // a double shows it exactly
  return setting;
}

std::vector<Eigen::VectorXd> walked(const TrainingSubject& subject, const TrainingParts<double>& parts, std::uint64_t steps) {
  auto path = subject.path(parts, steps);
  expect_size("the path", static_cast<Index>(path.size()), static_cast<Index>(steps) + 1);
  for (const Eigen::VectorXd& u : path) {
    expect_size("a point of the path", u.size(), parts.generator->parameters());
    if (!u.allFinite()) throw Error("the path is not finite");
  }
  return path;
}

/// Bound on |computed u⁺ − u⁺| on the line. φ is a sum of n terms (2/n)(u x_k − y_l)x_k of norm ≤ (2/n)(|u| + 1), each with a difference, a quotient and a
/// product or two; then a product and a difference. Once for the subject and once for the claim.
double line_rounding(Index n, double u, double alpha) {
  const double phi = 2.0 * (std::abs(u) + 1.0);
  return 2.0 * (alpha * sum_rounding(static_cast<double>(n) + 8.0, phi) + sum_rounding(4.0, std::abs(u) + alpha * phi));
}

/// α = 1/2 from one u_0 ≠ 0: every u_1 is one of n + 1 values, and their counts follow the law of m.
Trial judge_one_half(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  constexpr std::uint32_t kReplicates = 1500;
  const Index n = between(draws, 1, size + 1);
  Setting setting = line_setting(draws, n, 0.5);
  const double sign = draws.below(2) == 0 ? 1.0 : -1.0;
  const double u0 = sign * draws.uniform(0.05, 3.0);
  setting.generator = std::make_shared<LineFrom>(u0);
  const double allowed = line_rounding(n, u0, 0.5);
  std::vector<double> counts(static_cast<std::size_t>(n) + 1, 0.0);
  double elsewhere = 0.0;
  double one_elsewhere = 0.0;
  for (std::uint32_t replicate = 0; replicate < kReplicates; ++replicate) {
    const double u1 = walked(subject, setting.parts(replicate), 1)[1][0];
    const auto size_of_batch = static_cast<double>(n);
    const double m = std::round(std::clamp(0.5 * size_of_batch * (1.0 - sign * u1), 0.0, size_of_batch));
    if (std::abs(u1 - sign * (1.0 - 2.0 * m / size_of_batch)) <= allowed) {
      counts[static_cast<std::size_t>(m)] += 1.0;
    } else {
      elsewhere += 1.0;
      one_elsewhere = u1;
    }
  }
  const std::vector<double> law = law_of_mismatches(n);
  std::vector<NamedValues> values{named("n", static_cast<double>(n)), named("u0", u0),
                                  named("counts of m", Eigen::Map<const Eigen::VectorXd>(counts.data(), n + 1)),
                                  named("probabilities", Eigen::Map<const Eigen::VectorXd>(law.data(), n + 1))};
  if (elsewhere > 0.0) {
    values.push_back(named("other values, one of them", Eigen::Vector2d(elsewhere, one_elsewhere)));
    return trial_of_p_value(0.0, std::move(values));
  }
  return trial_of_p_value(multinomial_p_value(counts, law), std::move(values));
}

/// Two trainings that differ in u_0 alone, with one sign: u⁺ − v⁺ = (1 − 2α)(u − v) as long as the signs agree. At α = 1/2 both are at one point after a step;
/// at every other α they stay apart.
Trial judge_injective(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = between(draws, 1, size + 1);
  const double either_side = draws.below(2) == 0 ? draws.uniform(0.02, 0.48) : draws.uniform(0.52, 0.95);
  const double alpha = draws.below(4) == 0 ? 0.5 : either_side;
  Setting setting = line_setting(draws, n, alpha);
  const double sign = draws.below(2) == 0 ? 1.0 : -1.0;
  const auto steps = static_cast<std::uint64_t>(size);
  const auto path_from = [&](double u0) {
    setting.generator = std::make_shared<LineFrom>(u0);
    return walked(subject, setting.parts(0), steps);
  };
  const double starts[] = {sign * draws.uniform(0.05, 1.5), sign * draws.uniform(1.6, 3.0)};
  const auto first = path_from(starts[0]);
  const auto second = path_from(starts[1]);
  double observed = 0.0;
  double allowed = 1.0;
  for (std::size_t t = 0; t < steps; ++t) {
    const double u = t == 0 ? starts[0] : first[t][0];
    const double v = t == 0 ? starts[1] : second[t][0];
    if (u * v <= 0.0) break;
    const double error = std::abs((first[t + 1][0] - second[t + 1][0]) - (1.0 - 2.0 * alpha) * (u - v));
    const double rounding = line_rounding(n, u, alpha) + line_rounding(n, v, alpha) + sum_rounding(8.0, std::abs(u) + std::abs(v) + 2.0);
    if (error * allowed > observed * rounding) {  // the worst step
      observed = error;
      allowed = rounding;
    }
    if (error > rounding) break;
  }
  Points<double> paths(2, static_cast<Index>(steps) + 1);
  for (Index t = 0; t < paths.cols(); ++t) paths.col(t) << first[static_cast<std::size_t>(t)][0], second[static_cast<std::size_t>(t)][0];
  return trial_of(observed, allowed, {named("n", static_cast<double>(n)), named("alpha", alpha), {"both paths", paths}});
}

double normal_distribution(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

/// P(a standard normal z is on the side of `sign` and slope·z + shift ≤ value), slope ≠ 0.
double side_probability(double sign, double slope, double shift, double value) {
  const double at = normal_distribution((value - shift) / slope);
  const double low = sign > 0.0 ? 0.5 : 0.0;
  const double high = sign > 0.0 ? 1.0 : 0.5;
  const double reached = std::clamp(at, low, high);
  return slope > 0.0 ? reached - low : high - reached;
}

/// u_0 as `TwoPointLine` draws it, standard normal, and u_1 at an α ≠ 1/2: both laws are continuous, with known distribution functions; u_1 has that of
/// (1 − 2α)u_0 + 2α sign(u_0)(1 − 2m/n).
Trial judge_continuous_law(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  constexpr std::uint32_t kReplicates = 800;
  const Index n = between(draws, 1, size + 1);
  const double alpha = draws.below(2) == 0 ? draws.uniform(0.05, 0.45) : draws.uniform(0.55, 0.95);
  Setting setting = line_setting(draws, n, alpha);
  setting.generator = std::make_shared<TwoPointLine<double>>();
  const std::vector<double> law = law_of_mismatches(n);
  std::vector<double> of_start;
  std::vector<double> of_step;
  Points<double> first(4, 2);
  for (std::uint32_t replicate = 0; replicate < kReplicates; ++replicate) {
    const auto path = walked(subject, setting.parts(replicate), 1);
    const double u0 = path[0][0];
    const double u1 = path[1][0];
    if (replicate < first.rows()) first.row(replicate) << u0, u1;
    double probability = 0.0;
    for (Index m = 0; m <= n; ++m) {
      const double xi = 1.0 - 2.0 * static_cast<double>(m) / static_cast<double>(n);
      for (const double sign : {1.0, -1.0})
        probability += law[static_cast<std::size_t>(m)] * side_probability(sign, 1.0 - 2.0 * alpha, 2.0 * alpha * sign * xi, u1);
    }
    of_start.push_back(normal_distribution(u0));
    of_step.push_back(std::clamp(probability, 0.0, 1.0));
  }
  return trial_of_p_value(smallest_of({kolmogorov_smirnov_p_value(of_start), kolmogorov_smirnov_p_value(of_step)}),
                          {named("n", static_cast<double>(n)), named("alpha", alpha), {"first u_0 and u_1", first}});
}

double angle_of(const Eigen::Vector2d& v) { return std::atan2(v[1], v[0]); }

/// An angle as a part of a turn, in [0, 1).
double part_of_turn(double angle) {
  const double turns = angle / (2.0 * std::numbers::pi);
  return std::clamp(turns - std::floor(turns), 0.0, 1.0);
}

/// T(u, x) = u in the plane, two steps: u⁺ is on its circle, to rounding; 2·angle(θ) as u⁺ has it is uniform at both steps, and so is its change.
Trial judge_plane(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  constexpr std::uint32_t kReplicates = 300;
  Setting setting;
  setting.n = between(draws, 1, size);
  setting.alpha = draws.below(2) == 0 ? 0.5 : draws.uniform(0.1, 0.9);
  setting.seed = draws.below(std::uint64_t{1} << 52);
  setting.source = FiniteLaw::two_points();
  Points<double> atoms(3, 2);
  for (Index i = 0; i < atoms.size(); ++i) atoms.data()[i] = draws.uniform(-1.0, 1.0);
  setting.target = std::make_shared<FiniteLaw>("three points", atoms);
  // Well away from the atoms, so that w is not 0: ‖u_0‖ = 4 and ‖ȳ‖ ≤ √2.
  const double turn = draws.uniform(0.0, 2.0 * std::numbers::pi);
  const Eigen::Vector2d u0(4.0 * std::cos(turn), 4.0 * std::sin(turn));
  setting.generator = std::make_shared<OnePointFrom>(u0);
  std::vector<double> turns[3];
  double worst = 0.0;
  Points<double> first(std::min<Index>(4, kReplicates), 6);
  for (std::uint32_t replicate = 0; replicate < kReplicates; ++replicate) {
    const TrainingParts<double> parts = setting.parts(replicate);
    const auto path = walked(subject, parts, 2);
    if (replicate < first.rows()) first.row(replicate) << path[0].transpose(), path[1].transpose(), path[2].transpose();
    double angles[2] = {0.0, 0.0};
    bool both = true;
    for (std::size_t t = 0; t < 2; ++t) {
      const Eigen::Vector2d u = t == 0 ? u0 : Eigen::Vector2d(path[1]);
      const Eigen::Vector2d mean = parts.sampler->draw(t).y.colwise().mean().transpose();
      const Eigen::Vector2d w = u - mean;
      const Eigen::Vector2d turned = Eigen::Vector2d(path[t + 1]) - (u - setting.alpha * w);
      // φ: n gaps of size ≤ ‖u‖ + √2 with 3 roundings each, ‖θ‖ = 1 to 4 roundings, n terms; ȳ, w, the centre and the norms here: as many again.
      const double scale = u.norm() + 2.0;
      const double rounding = sum_rounding(4.0 * static_cast<double>(setting.n) + 64.0, 4.0 * scale);
      const double error = std::abs(turned.norm() - setting.alpha * w.norm());
      worst = std::max(worst, error / rounding);
      // An angle is known to rounding / (α‖w‖). Where w is small it is not judged: whether that is so does not depend on the step's own θ.
      both = both && w.norm() > 1e-3;
      angles[t] = angle_of(turned) + angle_of(w);
      if (w.norm() > 1e-3) turns[t].push_back(part_of_turn(angles[t]));
    }
    if (both) turns[2].push_back(part_of_turn(angles[1] - angles[0]));
  }
  std::vector<NamedValues> values{named("n", static_cast<double>(setting.n)),
                                  named("alpha", setting.alpha),
                                  {"targets", atoms},
                                  {"first u_0, u_1, u_2", first},
                                  named("worst distance from the circle, in units of rounding", worst)};
  if (worst > 1.0) return trial_of_p_value(0.0, std::move(values));
  std::vector<double> p_values;
  for (auto& one : turns)
    if (!one.empty()) p_values.push_back(kolmogorov_smirnov_p_value(one));
  return trial_of_p_value(smallest_of(p_values), std::move(values));
}

}  // namespace

std::vector<double> law_of_mismatches(Index n) {
  if (n < 1) reject("law of mismatches: n is {}; it must be at least 1", n);
  double term = 1.0;  // C(2n, n − k)/4ⁿ
  for (Index k = 1; k <= n; ++k) term *= (2.0 * static_cast<double>(k) - 1.0) / (2.0 * static_cast<double>(k));
  std::vector<double> law{term};
  for (Index k = 1; k <= n; ++k) {
    term *= static_cast<double>(n - k + 1) / static_cast<double>(n + k);
    law.push_back(2.0 * term);
  }
  return law;
}

std::vector<TypedCheck<TrainingSubject>> step_size_checks() {
  return {{"one half on the two-point line", 6, judge_one_half, true, 4},
          {"every other step is injective", 6, judge_injective},
          {"a continuous law stays one", 6, judge_continuous_law, true, 4},
          {"one half in the plane", 4, judge_plane, true, 4}};
}

Claim claim_t2() {
  Claim claim;
  claim.id = "T2";
  claim.title = "almost every step size";
  claim.statement =
      "The theorems hold for almost every step size, not for every one. On the two-point line α = 1/2 sends every u ≠ 0 to sign(u)(1 − 2m/n) in one step, m "
      "the "
      "mismatches of the batch, whose law is known; at every other α a step is affine and injective on each side of 0 (u⁺ − v⁺ = (1 − 2α)(u − v)), so that a "
      "continuous law of u stays one. With T(u, x) = u in the plane u⁺ is uniform on a circle, for α = 1/2 as for any other: θ averages. Judged on trainings: "
      "one or two steps, many replicates.";
  claim.source = "Bianchi, Hachem & Schechtman, on almost every step size; the example: own derivation (theory/dynamics.md)";
  std::get<std::vector<TypedCheck<TrainingSubject>>>(claim.typed) = step_size_checks();
  return claim;
}

}  // namespace slicecheck
