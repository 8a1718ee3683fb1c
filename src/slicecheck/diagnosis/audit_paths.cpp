/// A7 along curves: the slope of f by its values against ⟨φ, c'⟩, φ the gradient that a training uses; and the ties that batches meet (N6).

#include <algorithm>
#include <cmath>
#include <span>

#include "slicecheck/core/parallel.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/diagnosis/audit_parts.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck {

namespace {

constexpr Index kPlacesOfCurve = 12;
constexpr Index kDirections = 4;

struct Curve {
  std::string what;
  Eigen::VectorXd from, direction;
  double reach = 1.0;
  bool repeated_inputs = false;  ///< every input twice: ties all along
  bool special_start = false;    ///< `from` itself is looked at: there may be a kink or a tie at it
};

std::vector<Curve> curves_of(const AuditContext& c) {
  std::vector<Curve> curves;
  curves.push_back({"a line through u0", c.base, c.dense_direction(10), c.reach, false, false});
  curves.push_back({"a line through u0, every input twice (ties all along)", c.base, c.dense_direction(11), c.reach, true, false});
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(c.u0.size());
  curves.push_back({"a line through 0", zero, c.dense_direction(12), c.radius, false, true});
  std::uint32_t number = 300;
  const auto tensors = c.some_tensors(4);
  for (const TensorRange& tensor : tensors)
    curves.push_back({fmt::format("{} moves, the rest is 0", tensor.name), zero, c.tensor_direction(tensor, number++), c.radius, false, true});
  for (std::size_t k = 0; k < tensors.size() && tensors.size() > 1; ++k) {
    const TensorRange& still = tensors[k];
    const TensorRange& moving = tensors[(k + 1) % tensors.size()];
    Eigen::VectorXd from = c.base;
    from.segment(still.offset, still.size).setZero();
    curves.push_back({fmt::format("{} is 0, {} moves", still.name, moving.name), from, c.tensor_direction(moving, number++), c.reach, false, false});
    curves.push_back({fmt::format("{} through 0", still.name), from, c.tensor_direction(still, number++), c.reach, false, true});
  }
  return curves;
}

struct Slopes {
  double left, right, middle;  ///< difference quotients
  double inner;                ///< ⟨φ, v⟩
  double allowed;              ///< of |middle − inner|, where f has one slope
  bool one_slope;
};

class Objective {
 public:
  Objective(const AuditContext& c, bool repeated) : c_(c), loss_(2.0), x_(c.x), y_(c.y) {
    if (repeated)
      for (Index k = 1; k < x_.rows(); k += 2) x_.row(k) = x_.row(k - 1);
    directions_ = uniform_directions<double>(RandomStream(c.options.seed, Purpose::evaluation_directions, 0xA0D6U, 0), kDirections, c.y.cols());
  }
  [[nodiscard]] double value(const Eigen::VectorXd& u) const {
    const Points<double> z = c_.generator.images(u, x_);
    return z.allFinite() ? loss_.evaluate(z, y_, directions_).value : std::nan("");
  }
  [[nodiscard]] Eigen::VectorXd gradient(const Eigen::VectorXd& u) const { return c_.generator.objective(loss_, u, x_, y_, directions_).gradient; }

  /// The error of a computed f: that of T, measured, moves every gap by at most as much (L2), and the loss adds its own rounding.
  [[nodiscard]] double noise(const Curve& curve, double s) const {
    const ProbedLine line{"", [&](double t) { return c_.generator.images(curve.from + t * curve.direction, x_); }, -curve.reach, curve.reach};
    const double of_images = measured_noise(line, s, c_.unit);
    const double size = line.at(s).rowwise().norm().maxCoeff() + y_.rowwise().norm().maxCoeff();
    const double gap = of_images + tolerance::gap(y_.cols(), size, tolerance::unit_roundoff<double>());
    return tolerance::value(value(curve.from + s * curve.direction), 2.0, gap, y_.rows() * kDirections, tolerance::unit_roundoff<double>());
  }

  /// A kink within h changes `middle` by half of right − left, exactly so for one kink; f'' changes right − left by h f'' and `middle` by O(h²).
  [[nodiscard]] Slopes slopes(const Curve& curve, double s) const {
    const auto at = [&](double t) -> Eigen::VectorXd { return curve.from + t * curve.direction; };
    const double f = value(at(s));
    const double error = noise(curve, s);
    const double size = std::max(std::abs(f), error);
    const double h = std::max(std::cbrt(error / size), 16.0 * c_.unit) * std::max(curve.reach, std::abs(s)) * 0.25;
    const double before = value(at(s - h));
    const double after = value(at(s + h));
    Slopes out{};
    out.left = (f - before) / h;
    out.right = (after - f) / h;
    out.middle = (after - before) / (2.0 * h);
    const Eigen::VectorXd phi = gradient(at(s));
    out.inner = phi.dot(curve.direction);
    const double rounding = 8.0 * error / h + 64.0 * c_.unit * std::sqrt(static_cast<double>(phi.size())) * phi.norm();
    out.allowed = 4.0 * std::abs(out.right - out.left) + rounding;
    // One slope: the two sides agree to a sixteenth of what is compared.
    out.one_slope = std::abs(out.right - out.left) <= rounding + std::max(std::abs(out.middle), std::abs(out.inner)) / 16.0;
    return out;
  }

 private:
  const AuditContext& c_;
  CpuLoss<double> loss_;
  Points<double> x_, y_, directions_;
};

CurveFinding follow(const AuditContext& c, const Curve& curve, std::uint64_t number, std::vector<std::string>& artefacts) {
  const Objective objective(c, curve.repeated_inputs);
  CurveFinding out;
  out.curve = curve.what;
  const RandomStream stream(c.options.seed, Purpose::cases, 0xA0D7'0000U, 0);
  PointDraws draws(stream, number);
  for (Index k = 0; k < kPlacesOfCurve; ++k) {
    const double s = curve.reach * (2.0 * draws.uniform() - 1.0);
    const Slopes slopes = objective.slopes(curve, s);
    if (!std::isfinite(slopes.middle)) continue;
    if (!std::isfinite(slopes.inner)) {
      ++out.not_finite;
      continue;
    }
    if (!slopes.one_slope) continue;
    ++out.looked_at;
    const double gap = std::abs(slopes.middle - slopes.inner);
    if (gap <= slopes.allowed) continue;
    ++out.disagree;
    if (gap > out.worst) {
      out.worst = gap;
      out.slope_there = slopes.middle;
      out.returned = slopes.inner;
    }
  }
  if (curve.special_start) {
    const Slopes slopes = objective.slopes(curve, 0.0);
    const double gap = std::abs(slopes.middle - slopes.inner);
    // Equal slopes on both sides fix ⟨g, v⟩ for all Clarke subgradients g only where f or −f is regular.
    if (slopes.one_slope && std::isfinite(slopes.middle) && std::isfinite(slopes.inner) && gap > slopes.allowed)
      artefacts.push_back(
          fmt::format("in the middle of \"{}\" f has the slope {:.3g} on both sides, and the derivative returned gives {:.3g}, which differs from that slope: "
                      "an artefact of automatic differentiation (N8), or a point where f is not regular",
                      curve.what, slopes.middle, slopes.inner));
  }
  return out;
}

/// N6 for one block of rows with equal projections, first to last in `order`: harmful where targets of the block differ and J_iᵀθ ≠ J_jᵀθ for some i, j of
/// it, hence for the first one and some j. Which target a row meets is arbitrary, so neighbours alone do not decide.
enum class Tie { harmless, harmful, unjudged };
Tie judge_block(const AuditContext& c, const Points<double>& x, const Points<double>& theta, std::span<const Index> block, std::uint64_t& judged) {
  constexpr std::uint64_t kJudged = 96;
  std::vector<Index> distinct;
  for (const Index i : block)
    if (std::none_of(distinct.begin(), distinct.end(), [&](Index j) { return x.row(i) == x.row(j); })) distinct.push_back(i);
  Points<double> pair(2, x.cols());
  Points<double> cotangent(2, theta.cols());
  for (std::size_t k = 1; k < distinct.size(); ++k) {
    if (judged >= kJudged) return Tie::unjudged;
    ++judged;
    pair << x.row(distinct[0]), x.row(distinct[k]);
    cotangent << theta.row(0), -theta.row(0);
    const double difference = c.generator.pullback(c.u0, pair, cotangent).norm();
    double one = 0.0;
    for (const Index row : {0, 1}) {
      cotangent.setZero();
      cotangent.row(row) = theta.row(0);
      one = std::max(one, c.generator.pullback(c.u0, pair, cotangent).norm());
    }
    // Each of the d_u entries is a sum whose rounding is relative to terms no larger than those of one pullback.
    if (difference > 1024.0 * c.unit * one) return Tie::harmful;
  }
  return Tie::harmless;
}

/// Exact ties of the batches of the training at u0, by one inner product a row: equal rows have equal projections. A tie is a maximal block.
void count_ties(const AuditContext& c, PathFindings& out) {
  constexpr std::uint32_t kBatches = 4;
  const Index n = std::clamp<Index>(c.training.practice.batch, 2, 256);
  std::uint64_t judged = 0;
  for (std::uint32_t b = 0; b < kBatches; ++b) {
    const auto x = c.training.source->sample<double>(RandomStream(c.options.seed, Purpose::evaluation_source, 0xA0D8U, b), n);
    const auto y = c.training.target->sample<double>(RandomStream(c.options.seed, Purpose::evaluation_target, 0xA0D8U, b), n);
    const auto theta = uniform_directions<double>(RandomStream(c.options.seed, Purpose::evaluation_directions, 0xA0D8U, b), 1, y.cols());
    const Points<double> z = c.generator.images(c.u0, x);
    std::vector<double> projected(static_cast<std::size_t>(n)), targets(static_cast<std::size_t>(n));
    std::vector<Index> order(static_cast<std::size_t>(n));
    for (Index k = 0; k < n; ++k) {
      double sum = 0.0;
      for (Index j = 0; j < z.cols(); ++j) sum += z(k, j) * theta(0, j);
      projected[static_cast<std::size_t>(k)] = sum;
      targets[static_cast<std::size_t>(k)] = y.row(k).dot(theta.row(0));
      order[static_cast<std::size_t>(k)] = k;
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](Index i, Index k) { return projected[static_cast<std::size_t>(i)] < projected[static_cast<std::size_t>(k)]; });
    std::sort(targets.begin(), targets.end());
    bool tied = false;
    for (std::size_t first = 0, last = 0; first < order.size(); first = last + 1) {
      last = first;
      while (last + 1 < order.size() && projected[static_cast<std::size_t>(order[last + 1])] == projected[static_cast<std::size_t>(order[first])]) ++last;
      if (last == first) continue;
      tied = true;
      const Tie tie =
          targets[first] == targets[last] ? Tie::harmless : judge_block(c, x, theta, std::span<const Index>(order).subspan(first, last - first + 1), judged);
      ++(tie == Tie::harmful ? out.harmful_ties : tie == Tie::harmless ? out.harmless_ties : out.unjudged_ties);
    }
    if (tied) ++out.tied_batches;
  }
}

}  // namespace

PathFindings probe_paths(const AuditContext& c, Progress& progress) {
  PathFindings out;
  const std::vector<Curve> curves = curves_of(c);
  out.curves.resize(curves.size());
  std::vector<std::vector<std::string>> artefacts(curves.size());
  parallel_for(static_cast<Index>(curves.size()), [&](Index i) {
    const auto k = static_cast<std::size_t>(i);
    out.curves[k] = follow(c, curves[k], static_cast<std::uint64_t>(i), artefacts[k]);
    progress.update("audit: curves", (static_cast<double>(i) + 1.0) / static_cast<double>(curves.size() + 1));
  });
  for (const auto& some : artefacts) out.artefacts.insert(out.artefacts.end(), some.begin(), some.end());
  count_ties(c, out);
  progress.update("audit: curves", 1.0);
  return out;
}

CouplingFinding probe_coupling(const AuditContext& c) {
  CouplingFinding out;
  const Points<double> before = c.generator.images(c.u0, c.x);
  Points<double> x = c.x;
  const Index last = x.rows() - 1;
  const auto other = c.training.source->sample<double>(RandomStream(c.options.seed, Purpose::evaluation_source, 0xA0D9U, 0), 8);
  const double noise = measured_noise(c.line("", c.u0, c.dense_direction(20), -c.reach, c.reach), 0.0, c.unit);
  out.size = before.rowwise().norm().maxCoeff();
  out.allowed = 64.0 * noise;
  for (Index k = 0; k < other.rows(); ++k) {
    x.row(last) = other.row(k);
    const Points<double> after = c.generator.images(c.u0, x);
    out.change = std::max(out.change, (after - before).topRows(last).rowwise().norm().maxCoeff());
  }
  out.coupled = !(out.change <= out.allowed);
  return out;
}

}  // namespace slicecheck
