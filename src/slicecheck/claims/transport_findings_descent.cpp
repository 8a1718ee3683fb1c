/// F4: the first bullet of Theorem 4.2 as it is printed. An oracle that errs by δ keeps ‖∇h‖ up at every step, and the left side grows with T: both divisions
/// by L have to be by T (R8).

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// ‖x_i + θ − y_j‖²: L = 2, ∇h = 2q and h − inf h = ‖q‖² with q = θ − (E y − E x), for every λ.
struct Translation {
  Vector<double> a;
  Vector<double> b;
  Points<double> x;
  Points<double> y;
  double lambda = 1.0;
  Regulariser regulariser = Regulariser::quadratic;

  [[nodiscard]] Eigen::VectorXd best() const { return y.transpose() * b - x.transpose() * a; }

  /// Σ W ∇C for the weights that the subject gives to potentials that are 0.
  [[nodiscard]] Eigen::VectorXd estimate(const TransportSubject& subject, const Eigen::VectorXd& theta) const {
    const Points<double> moved = x.rowwise() + theta.transpose();
    const TransportProblem problem{a, b, cost_matrix(GroundCost::squared, moved, y), lambda, regulariser};
    const Points<double> weights = subject.transport->weights_of_d(problem, {Vector<double>::Zero(a.size()), Vector<double>::Zero(b.size())});
    expect_size("the rows of the weights of d", weights.rows(), a.size());
    expect_size("the columns of the weights of d", weights.cols(), b.size());
    Eigen::VectorXd g = Eigen::VectorXd::Zero(theta.size());
    for (Index i = 0; i < weights.rows(); ++i)
      for (Index j = 0; j < weights.cols(); ++j) g += 2.0 * weights(i, j) * (moved.row(i) - y.row(j)).transpose();
    return g;
  }
};

/// Size 1: x = 0, y = 1, θ_0 = 0, quadratic, λ = 1, T = 4. Larger: up to as many atoms, either regulariser, longer.
struct PrintedCase {
  Translation of;
  Eigen::VectorXd start;
  Index steps = 4;

  PrintedCase(PointDraws& draws, int size) {
    if (size == 1) {
      of.a = of.b = Vector<double>::Ones(1);
      of.x = Points<double>::Zero(1, 1);
      of.y = Points<double>::Ones(1, 1);
      start = Eigen::VectorXd::Zero(1);
      return;
    }
    const Index d = between(draws, 1, 2);
    of.a = draw_weights(draws, between(draws, 1, size));
    of.b = draw_weights(draws, between(draws, 1, size));
    of.x = draw_atoms(draws, of.a.size(), d);
    of.y = draw_atoms(draws, of.b.size(), d);
    of.regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
    of.lambda = power_of_two(draws, -2.0, 2.0);
    start = of.best() + power_of_two(draws, -1.0, 2.0) * normal_vector(draws, d).normalized();
    steps = between(draws, 4, 8 * size);
  }
};

/// No noise: G is taken whole, so that σ = 0 and every T is in the first regime. The oracle's potentials are 0, as before any training; its error δ is
/// measured.
Trial printed_bullet(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PrintedCase c(draws, size);
  constexpr double L = 2.0;
  Eigen::VectorXd theta = c.start;
  const Eigen::VectorXd best = c.of.best();
  double sum = 0.0;
  double delta = 0.0;
  double largest = (c.start - best).squaredNorm();
  for (Index t = 0; t <= c.steps; ++t) {
    const Eigen::VectorXd gradient = 2.0 * (theta - best);
    if (t > 0) sum += gradient.squaredNorm();
    if (t == c.steps) break;
    const Eigen::VectorXd g = c.of.estimate(subject, theta);
    if (!g.allFinite()) throw Error(fmt::format("the gradient of step {} is not finite", t));
    delta = std::max(delta, (g - gradient).norm());
    theta -= g / L;
    largest = std::max(largest, theta.squaredNorm() + best.squaredNorm());
  }
  const double excess = (c.start - best).squaredNorm();
  const double observed = sum / L;
  const double bound = 2.0 * L * excess / L + delta * delta;
  const double atoms = static_cast<double>(c.of.a.size() * c.of.b.size() + c.steps);
  const double size_of = largest + c.of.x.squaredNorm() + c.of.y.squaredNorm();
  std::vector<NamedValues> values{named("a", c.of.a), named("b", c.of.b), {"x", c.of.x}, {"y", c.of.y}, named("theta_0", c.start)};
  values.push_back(named("lambda", c.of.lambda));
  values.push_back(named("quadratic", c.of.regulariser == Regulariser::quadratic ? 1.0 : 0.0));
  values.push_back(named("phi and psi", 0.0));
  values.push_back(named("L", L));
  values.push_back(named("step", 1.0 / L));
  values.push_back(named("T", static_cast<double>(c.steps)));
  values.push_back(named("Delta", excess));
  values.push_back(named("delta", delta));
  values.push_back(named("sigma", 0.0));
  values.push_back(named("(1/L) sum of |grad h|^2", observed));
  values.push_back(named("2L Delta/L + delta^2 + sigma^2", bound));
  return trial_of(observed, bound + tolerance::gamma(16.0 * atoms + 64.0, tolerance::unit_roundoff<double>()) * static_cast<double>(c.steps) * size_of,
                  std::move(values));
}

}  // namespace

Claim claim_f4() {
  Claim claim;
  claim.id = "F4";
  claim.title = "The first bullet of Theorem 4.2 as printed";
  claim.statement = "With α = 1/L and T < 2ΔL/σ², (1/L) Σ_{t≤T} E‖∇h(θ_t)‖² ≤ 2LΔ/L + δ² + σ².";
  claim.source = "Report 003, Theorem 4.2; theory/regularised_transport.md";
  claim.expected = Outcome::refuted;
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"constant step, an oracle with an error", 4, printed_bullet}};
  return claim;
}

}  // namespace slicecheck
