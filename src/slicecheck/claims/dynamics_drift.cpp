/// Claim T1 on whole trainings: SGD's path is a perturbed solution of the flow, by no more than a martingale can be.
///
/// WHY. u_t = u_0 − α Σ_{i<t} ∇F(u_i) − α Σ_{i<t} ξ_i with ξ_i = φ_i − ∇F(u_i). Where ∇F exists at the iterates (almost surely), E[ξ_i | past] = 0: the last
/// sum is a martingale, and everything that T1 needs is that α times it vanishes with α, uniformly over t ≤ S/α. How fast can be said without constants that
/// are not known: with Pinelis' inequality (Annals of Probability 22, 1994, theorem 3.4) for martingales M_t in a Hilbert space with jumps ≤ a and Σ E[‖jump‖²
/// | past] ≤ b²,
///
///     P(max_t ‖M_t‖ ≥ r) ≤ 2 exp(r/a − (r/a + b²/a²) ln(1 + ra/b²)) ≤ 2 exp(−r²/(2(b² + ra/3))).
///
/// Both bounds are known at every step before it is made. For T(u, x) = Ax + b, ‖J_a‖² = 1 + ‖x_a‖² ≤ J²:
///
///     E‖ξ‖² ≤ E‖φ‖² ≤ E(J·(2/n) Σ_k |Δ_k|)² ≤ 4J²·E f = 4J² F(u),        ‖ξ‖ ≤ 2 sup‖φ‖ ≤ 4J (max‖T(u, x_a)‖ + max‖y‖).
///
/// They depend on the path, so a and b² are rounded up to powers of two, and the p-value is multiplied by 64 powers of each: for every pair of them the
/// martingale is stopped where it would pass one (union bound). The r that is allowed at a level is √(αS) up to constants: it tends to 0 with α.

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/dynamics_step.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/dynamics/testbeds.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck {

namespace {

constexpr double kStep = 0x1p-9;
constexpr std::uint64_t kSteps = 768;  // S = 1.5

std::shared_ptr<const FiniteLaw> drawn_law(PointDraws& draws, const char* name, Index atoms, double size) {
  Points<double> points(atoms, 2);
  for (double& entry : points.reshaped()) entry = draws.uniform(-size, size);
  return std::make_shared<FiniteLaw>(name, std::move(points));
}

/// 2 exp(−r²/(2(b² + ra/3))).
double pinelis_p_value(double radius, double largest_jump, double variance) {
  return 2.0 * std::exp(-radius * radius / (2.0 * (variance + radius * largest_jump / 3.0)));
}

double next_power_of_two(double value) { return std::exp2(std::ceil(std::log2(value))); }

Trial judge_drift(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index atoms = 2 + std::min(size, 3);
  const auto source = drawn_law(draws, "drawn inputs", atoms, 0.5);
  const auto target = drawn_law(draws, "drawn targets", atoms, 1.0);
  const Index n = 4 + static_cast<Index>(draws.below(static_cast<std::uint64_t>(size)));
  const auto generator = std::make_shared<Affine<double>>(2, 2);
  // Far from the targets, so that the drift is long and a wrong direction shows; with a map of its own, whose images change their order on the way.
  Eigen::VectorXd u0 = 0.7 * normal_vector(draws, 6);
  const double angle = draws.uniform(0.0, 6.283185307179586);
  u0[4] = 3.0 * std::cos(angle);
  u0[5] = 3.0 * std::sin(angle);
  TrainingParts<double> parts;
  parts.seed = draws.below(std::uint64_t{1} << 52);
  parts.replicate = static_cast<std::uint32_t>(draws.below(1000));
  parts.generator = std::make_shared<StartsInBall>(generator, u0, 0.1);
  parts.loss = std::make_shared<CpuLoss<double>>(2.0);
  parts.sampler = std::make_shared<FreshBatches<double>>(source, target, SamplerSettings{n, 1, parts.seed, parts.replicate});
  parts.scheme = std::make_shared<Sgd<double>>();
  parts.schedule = make_schedule({.initial = kStep});
  const std::vector<Eigen::VectorXd> path = subject.path(parts, kSteps);
  expect_size("the path", static_cast<Index>(path.size()), static_cast<Index>(kSteps) + 1);

  const FiniteFlowField field(generator, *source, *target, n);
  const double x_size = field.inputs().rowwise().norm().maxCoeff();
  const double jacobian = std::sqrt(1.0 + x_size * x_size);
  double y_size = 0.0;
  for (Index k = 0; k < target->atom_count(); ++k) y_size = std::max(y_size, target->atom(k).norm());
  const std::vector<int> no_walls;
  Eigen::VectorXd drift = path.front();
  double variance = 0.0;
  double jump = 0.0;
  double observed = 0.0;
  double size_of_path = 0.0;
  for (std::size_t t = 0; t < kSteps; ++t) {
    expect_size("a point of the path", path[t].size(), 6);
    const PieceValue here = field.evaluate(path[t], no_walls);
    variance += kStep * kStep * 4.0 * jacobian * jacobian * here.value;
    const double images = path[t].head(4).norm() * x_size + path[t].tail(2).norm();
    jump = std::max(jump, kStep * 4.0 * jacobian * (images + y_size));
    size_of_path = std::max(size_of_path, path[t].norm() + here.gradient.norm());
    drift -= kStep * here.gradient;
    observed = std::max(observed, (path[t + 1] - drift).norm());
    if (!std::isfinite(observed)) throw Error("the path is not finite");
  }
  constexpr double kPowers = 64.0;
  // A step rounds u and the sum once each, and φ and ∇F to within a few hundred roundings.
  const double rounding = sum_rounding(512.0 * static_cast<double>(kSteps) * kStep + 2.0 * static_cast<double>(kSteps), size_of_path);
  const double radius = std::max(0.0, observed - rounding);
  // The union runs over the powers 2^−31, …, 2^32 of each. A smaller bound may be rounded up to the first of them; no right path comes near the last.
  if (!(jump <= 0x1p32 && variance <= 0x1p32)) throw Error("the path leaves every bound");
  const double least = 0x1p-31;
  const double p =
      std::min(1.0, kPowers * kPowers * pinelis_p_value(radius, next_power_of_two(std::max(jump, least)), next_power_of_two(std::max(variance, least))));
  Points<double> ends(2, 6);
  ends.row(0) = path.front().transpose();
  ends.row(1) = path.back().transpose();
  Trial trial = trial_of_p_value(p, {{"u_0 and the last iterate", ends},
                                     named("alpha", kStep),
                                     named("n", static_cast<double>(n)),
                                     named("u_0 − Σ α ∇F", drift),
                                     named("largest distance from it", observed)});
  Testbed testbed{"", "", generator, source, target, n, u0, 0.0, nullptr};
  testbed.field = std::make_shared<FiniteFlowField>(generator, *source, *target, n);
  Points<double> looks(17, 6);
  for (Index i = 0; i < looks.rows(); ++i) looks.row(i) = path[static_cast<std::size_t>(i) * kSteps / 16].transpose();
  trial.counts["paths against the flow"] = 1;
  trial.counts["exchanges of two images on 16 directions along them"] = static_cast<std::uint64_t>(std::llround(16.0 * order_changes(testbed, looks, 16)));
  return trial;
}

}  // namespace

std::vector<TypedCheck<TrainingSubject>> sgd_drift_checks() {
  TypedCheck<TrainingSubject> check;
  check.name = "follows the flow up to a martingale";
  check.largest = 4;
  check.judge = judge_drift;
  check.randomised = true;
  check.cost = 10;
  return {check};
}

}  // namespace slicecheck
