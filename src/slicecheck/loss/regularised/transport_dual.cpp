#include "slicecheck/loss/regularised/transport_dual.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/regularised/half_step.h"

namespace slicecheck {

namespace {

using Row = Eigen::Array<double, 1, Eigen::Dynamic>;

void require_sizes(const TransportProblem& problem, const DualPotentials& potentials) {
  if (potentials.phi.size() != problem.n() || potentials.psi.size() != problem.m())
    reject("the potentials have {} and {} entries; expected {} and {}", potentials.phi.size(), potentials.psi.size(), problem.n(), problem.m());
}

void require_plan(const TransportProblem& problem, PointsView<double> plan) {
  if (plan.rows() != problem.n() || plan.cols() != problem.m())
    reject("the plan is {} × {}; expected {} × {}, as the cost matrix", plan.rows(), plan.cols(), problem.n(), problem.m());
}

/// Row i of V/λ.
auto scaled_violation(const TransportProblem& problem, const DualPotentials& potentials, Index i) {
  return ((potentials.phi[i] - problem.cost.row(i).array()) - potentials.psi.transpose().array()) / problem.lambda;
}

/// body(i) for every row, on several threads where there is much to do.
template <class Body>
void each_row(const TransportProblem& problem, Body&& body) {
  half_step::over_rows(problem.n(), problem.m(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) body(i);
  });
}

/// Below, e^{V/λ} may have lost its digits to underflow, and a quotient by it may overflow.
constexpr double kSmall = 1e-280;

/// x ln(x/y) − x + y ≥ 0 without cancellation near x = y; y for x = 0.
double generalised_divergence(double x, double y) {
  if (!(x > 0.0)) return y;
  const double r = (x - y) / (x + y);
  if (std::abs(r) > 0.05) return x * std::log(x / y) - x + y;
  // ln(x/y) = 2(r + r³/3 + r⁵/5 + …), and the first order goes.
  const double s = r * r;
  const double tail = s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s / 13.0)))));
  return 2.0 * r * (0.5 * (x - y) + x * tail);
}

}  // namespace

Points<double> plan_density(const TransportProblem& problem, const DualPotentials& potentials) {
  require_sizes(problem, potentials);
  Points<double> density(problem.n(), problem.m());
  each_row(problem, [&](Index i) {
    if (problem.regulariser == Regulariser::kl)
      density.row(i) = scaled_violation(problem, potentials, i).exp();
    else
      density.row(i) = scaled_violation(problem, potentials, i).max(0.0);
  });
  return density;
}

Points<double> plan_of(const TransportProblem& problem, const DualPotentials& potentials) {
  Points<double> plan = plan_density(problem, potentials);
  each_row(problem, [&](Index i) { plan.row(i).array() *= problem.a[i] * problem.b.transpose().array(); });
  return plan;
}

double dual_value(const TransportProblem& problem, const DualPotentials& potentials) {
  require_sizes(problem, potentials);
  const bool careful = problem.lambda > problem.cost.cwiseAbs().maxCoeff();  // λu would not be below the floor
  Vector<double> rows(problem.n());
  each_row(problem, [&](Index i) {
    const Row v = scaled_violation(problem, potentials, i);
    if (problem.regulariser == Regulariser::quadratic)
      rows[i] = 0.5 * v.max(0.0).square().matrix().dot(problem.b.transpose());
    else
      rows[i] = (careful ? Row(v.expm1()) : Row(v.exp() - 1.0)).matrix().dot(problem.b.transpose());
  });
  return problem.a.dot(potentials.phi) - problem.b.dot(potentials.psi) - problem.lambda * problem.a.dot(rows);
}

double regularisation(const TransportProblem& problem, PointsView<double> plan) {
  require_plan(problem, plan);
  Vector<double> rows(problem.n());
  each_row(problem, [&](Index i) {
    const Row p = plan.row(i);
    const Row density = p / (problem.a[i] * problem.b.transpose().array());
    rows[i] = problem.regulariser == Regulariser::quadratic ? 0.5 * (p * density).sum() : (p > 0.0).select(p * density.log(), 0.0).sum();
  });
  return rows.sum();
}

Points<double> feasible_plan(const TransportProblem& problem, const DualPotentials& potentials) {
  Points<double> plan = plan_of(problem, potentials);
  each_row(problem, [&](Index i) {
    const double mass = plan.row(i).sum();
    if (mass > problem.a[i]) plan.row(i) *= problem.a[i] / mass;
  });
  const Vector<double> masses = plan.colwise().sum();
  const Row scale = (masses.array() > problem.b.array()).select(problem.b.array() / masses.array(), 1.0).transpose();
  Vector<double> rows(problem.n());
  each_row(problem, [&](Index i) {
    plan.row(i).array() *= scale;
    rows[i] = std::max(problem.a[i] - plan.row(i).sum(), 0.0);
  });
  const Vector<double> columns = (problem.b - plan.colwise().sum().transpose()).cwiseMax(0.0);
  const double missing = columns.sum();
  if (missing > 0.0) each_row(problem, [&](Index i) { plan.row(i) += (rows[i] / missing) * columns.transpose(); });
  return plan;
}

double duality_gap(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan) {
  require_sizes(problem, potentials);
  require_plan(problem, plan);
  Vector<double> sums(problem.n());
  Vector<double> rows(problem.n());
  each_row(problem, [&](Index i) {
    const Row v = scaled_violation(problem, potentials, i);
    const Row ab = problem.a[i] * problem.b.transpose().array();
    const auto p = plan.row(i).array();
    rows[i] = p.sum() - problem.a[i];
    if (problem.regulariser == Regulariser::quadratic) {
      sums[i] = (0.5 * ab * (p / ab - v.max(0.0)).square() + p * (-v).max(0.0)).sum();
      return;
    }
    const Row own = ab * v.exp();
    double sum = 0.0;
    for (Index j = 0; j < problem.m(); ++j)
      sum += own[j] > kSmall ? generalised_divergence(p[j], own[j]) : (p[j] > 0.0 ? p[j] * (std::log(p[j] / ab[j]) - v[j]) - p[j] + own[j] : own[j]);
    sums[i] = sum;
  });
  const Vector<double> columns = plan.colwise().sum().transpose() - problem.b;
  return problem.lambda * sums.sum() + potentials.phi.dot(rows) - potentials.psi.dot(columns);
}

// V is formed by two roundings at numbers of at most `size` and divided by λ: |δV| ≤ γ₃ size. In D that moves Σ ab f(V) by Σ π |δV| ≤ γ₃ size·mass to first
// order; exactly by λ(e^{δV/λ} − 1)·mass (KL) and δV²/(2λ) more (quadratic). The sums round by γ_{n+m+8} of Σ a|φ| + Σ b|ψ| + Σ ab|f|, and f(V) = λ(e^{V/λ} −
// 1) and V₊²/(2λ) are at most |V| max(1, m): size·(1 + mass) in all. In the gap ∂/∂V is π − π' (quadratic: with V₋ besides), so δV counts (1 + mass) times; the
// exponential and the products round π by a few u more, and λ‖π − π'‖₁ ≤ 4λ Σ ab|m − 1|, which is size·(1 + mass) again; the marginals of π' round by γ_{n+m}.
// The weights are read as a/Σa and b/Σb: what is left of that is of second order, λγ². Relative errors of the gap are below all this while the gap is below
// size.
double certificate_floor(const TransportProblem& problem, const DualPotentials& potentials) {
  require_sizes(problem, potentials);
  const double size = potentials.phi.cwiseAbs().maxCoeff() + potentials.psi.cwiseAbs().maxCoeff() + problem.cost.cwiseAbs().maxCoeff();
  const double u = tolerance::unit_roundoff<double>();
  Vector<double> rows(problem.n());
  each_row(problem, [&](Index i) {
    const auto v = scaled_violation(problem, potentials, i);
    rows[i] = problem.regulariser == Regulariser::kl ? v.exp().matrix().dot(problem.b.transpose()) : v.max(0.0).matrix().dot(problem.b.transpose());
  });
  const double mass = problem.a.dot(rows);
  const double moved = 3.0 * u * size / problem.lambda;
  const double gamma = tolerance::gamma(static_cast<double>(problem.n() + problem.m()) + 16.0, u);
  const double higher_orders = problem.regulariser == Regulariser::quadratic ? moved
                               : moved > 1e-8 ? (std::expm1(moved) / moved - 1.0) * std::max(mass, std::numeric_limits<double>::min())
                                              : 0.0;
  return gamma * size * (1.0 + mass + higher_orders) + gamma * gamma * problem.lambda;
}

}  // namespace slicecheck
