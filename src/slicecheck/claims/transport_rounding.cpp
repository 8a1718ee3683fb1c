#include "slicecheck/claims/transport_rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

constexpr Real kTiny = std::numeric_limits<double>::min();

Real gamma_of(Real k) { return tolerance::gamma(static_cast<double>(k), tolerance::unit_roundoff<double>()); }

Real product(const TransportProblem& problem, Index i, Index j) { return static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]); }

Real entries(const TransportProblem& problem) { return static_cast<Real>(problem.n() * problem.m()); }
Real atoms(const TransportProblem& problem) { return static_cast<Real>(problem.n() + problem.m()); }

Real exponent_rounding(const TransportProblem& problem, const DualPotentials& potentials) {
  return gamma_of(6.0L) * potential_size(problem, potentials) / static_cast<Real>(problem.lambda);
}

/// Σ a|φ| + Σ b|ψ|.
Real linear_size(const TransportProblem& problem, const DualPotentials& potentials) {
  return problem.a.dot(potentials.phi.cwiseAbs()) + problem.b.dot(potentials.psi.cwiseAbs());
}

}  // namespace

Real potential_size(const TransportProblem& problem, const DualPotentials& potentials) {
  return potentials.phi.cwiseAbs().maxCoeff() + potentials.psi.cwiseAbs().maxCoeff() + problem.cost.cwiseAbs().maxCoeff();
}

RealTable density_rounding(const TransportProblem& problem, const DualPotentials& potentials) {
  const Real moved = exponent_rounding(problem, potentials);
  RealTable bound = textbook_density(problem, textbook_potentials(problem, potentials));
  for (Real& m : bound.reshaped<Eigen::RowMajor>()) m = (is_kl(problem) ? m * std::expm1(moved) : moved) + gamma_of(4.0L) * m + kTiny;
  return bound;
}

Real dual_rounding(const TransportProblem& problem, const DualPotentials& potentials) {
  const RealTable m = textbook_density(problem, textbook_potentials(problem, potentials));
  const Real moved = exponent_rounding(problem, potentials);
  Real sum = 0.0L;
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      const Real terms = gamma_of(entries(problem) + 8.0L);
      sum += product(problem, i, j) * (is_kl(problem) ? m(i, j) * std::expm1(moved) + terms * std::abs(m(i, j) - 1.0L)
                                                      : m(i, j) * moved + 0.5L * moved * moved + terms * 0.5L * m(i, j) * m(i, j));
    }
  // e^{V/λ} − 1 may be formed as a difference where λ is not larger than the costs.
  const Real costs = std::min(static_cast<Real>(problem.lambda), static_cast<Real>(problem.cost.cwiseAbs().maxCoeff()));
  const Real mass = textbook_plan(problem, textbook_potentials(problem, potentials)).sum();
  return static_cast<Real>(problem.lambda) * (sum + kTiny) + gamma_of(entries(problem) + 8.0L) * costs * (mass + 1.0L) +
         gamma_of(atoms(problem) + 8.0L) * linear_size(problem, potentials);
}

Real gap_rounding(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan) {
  const RealTable m = textbook_density(problem, textbook_potentials(problem, potentials));
  const auto lambda = static_cast<Real>(problem.lambda);
  const Real moved = exponent_rounding(problem, potentials);
  const Real terms = gamma_of(entries(problem) + 16.0L);
  Real sum = 0.0L;
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      const Real ab = product(problem, i, j);
      const Real p = plan(i, j);
      const Real q = ab * m(i, j);
      if (is_kl(problem)) {
        // q errs by a factor 1 + e, which moves p ln(p/q) − p + q by (q − p) e to first order. The rest is relative to the value, or, where p and q differ by
        // more than a tenth, to p + q ≤ 21 |p − q|.
        const Real e = std::expm1(moved) + gamma_of(4.0L);
        const Real divergence = p > 0.0L ? p * ((q > 0.0L ? std::log(p / q) : std::log(p / ab) + potential_size(problem, potentials) / lambda)) - p + q : q;
        sum += (e + gamma_of(400.0L)) * std::abs(p - q) + terms * divergence + (p + q) * e * e;
      } else {
        const Real error = moved + gamma_of(4.0L) * (m(i, j) + p / ab);
        const Real off = std::abs(p / ab - m(i, j));
        const Real below =
            std::max(0.0L, -(static_cast<Real>(potentials.phi[i]) - static_cast<Real>(potentials.psi[j]) - static_cast<Real>(problem.cost(i, j))));
        sum += ab * (off * error + 0.5L * error * error + terms * 0.5L * off * off) + p * (moved + terms * below / lambda);
      }
    }
  Real linear = 0.0L;
  for (Index i = 0; i < problem.n(); ++i)
    linear += std::abs(static_cast<Real>(potentials.phi[i])) * (static_cast<Real>(plan.row(i).sum()) + static_cast<Real>(problem.a[i]));
  for (Index j = 0; j < problem.m(); ++j)
    linear += std::abs(static_cast<Real>(potentials.psi[j])) * (static_cast<Real>(plan.col(j).sum()) + static_cast<Real>(problem.b[j]));
  return lambda * (sum + kTiny) + gamma_of(atoms(problem) + 8.0L) * linear;
}

Real regularisation_rounding(const TransportProblem& problem, PointsView<double> plan) {
  Real sum = 0.0L;
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      const Real ab = product(problem, i, j);
      const Real p = plan(i, j);
      if (!is_kl(problem))
        sum += 0.5L * p * p / ab;
      else if (p > 0.0L)
        sum += p * (std::abs(std::log(p / ab)) + 1.0L);
    }
  return gamma_of(entries(problem) + 8.0L) * sum + kTiny;
}

Real certificate_rounding(const TransportProblem& problem, const DualPotentials& potentials) {
  const Points<double> plan = textbook_feasible_plan(problem, textbook_potentials(problem, potentials)).cast<double>();
  return dual_rounding(problem, potentials) + gap_rounding(problem, potentials, plan);
}

Real solution_rounding(const TransportProblem& problem, const DualPotentials& potentials) {
  const Points<double> plan = textbook_feasible_plan(problem, textbook_potentials(problem, potentials)).cast<double>();
  const Real transport = gamma_of(entries(problem) + 8.0L) * static_cast<Real>(plan.cwiseProduct(problem.cost.cwiseAbs()).sum());
  return certificate_rounding(problem, potentials) + transport + static_cast<Real>(problem.lambda) * regularisation_rounding(problem, plan);
}

Real exact_dual(const TransportProblem& problem, const DualPotentials& potentials) {
  if (!is_kl(problem)) return textbook_dual(problem, textbook_potentials(problem, potentials));
  const auto lambda = static_cast<Real>(problem.lambda);
  Real sum = 0.0L;
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      const Real v = static_cast<Real>(potentials.phi[i]) - static_cast<Real>(potentials.psi[j]) - static_cast<Real>(problem.cost(i, j));
      sum += product(problem, i, j) * std::expm1(v / lambda);
    }
  return problem.a.cast<Real>().dot(potentials.phi.cast<Real>()) - problem.b.cast<Real>().dot(potentials.psi.cast<Real>()) - lambda * sum;
}

TransportSolution solved(const TransportSubject& subject, const TransportProblem& problem, const SolverSettings& settings) {
  TransportSolution solution = subject.transport->solve(problem, settings);
  expect_size("phi", solution.potentials.phi.size(), problem.n());
  expect_size("psi", solution.potentials.psi.size(), problem.m());
  if (!solution.potentials.phi.allFinite() || !solution.potentials.psi.allFinite()) throw Error("a potential is not finite");
  if (!std::isfinite(solution.dual_value) || !std::isfinite(solution.gap) || !std::isfinite(solution.transport) || !std::isfinite(solution.regularisation))
    throw Error("a value of the solution is not finite");
  return solution;
}

Real suboptimality(const TransportProblem& problem, const TransportSolution& solution) {
  return std::max(0.0L, static_cast<Real>(solution.gap)) + certificate_rounding(problem, solution.potentials);
}

RealInterval textbook_value(const TransportProblem& problem, const TextbookSolution& solution) {
  const auto lambda = static_cast<Real>(problem.lambda);
  const Real a = problem.a.cast<Real>().sum();
  const Real b = problem.b.cast<Real>().sum();
  const RealVector& psi = solution.potentials.psi;
  const RealVector phi = solution.potentials.phi.array() - (is_kl(problem) ? lambda : 0.0L);
  // The common constant is of no matter, but for weights of unequal sums.
  const Real constant = 0.5L * (psi.maxCoeff() + psi.minCoeff());
  const Real value = solution.value - constant * (a - b) - (is_kl(problem) ? lambda * a * (1.0L - b) : 0.0L);
  const Real size = (phi.array() - constant).abs().maxCoeff() + (psi.array() - constant).abs().maxCoeff() + problem.cost.cwiseAbs().maxCoeff();
  // Weights that add up to 1 ± (n + m)u leave so much open of what d is; the second term is the rounding of long double.
  const Real open = gamma_of(2.0L * atoms(problem)) * size + 64.0L * entries(problem) * std::numeric_limits<Real>::epsilon() * lambda + kTiny;
  return {value - open, value + std::max(0.0L, solution.gap) + open};
}

TextbookSolution textbook_optimum(const TransportProblem& problem, int most_sweeps) {
  const Real size = problem.cost.cwiseAbs().maxCoeff() + (is_kl(problem) ? 0.0 : problem.lambda);
  const Real rounded = std::numeric_limits<Real>::epsilon() * static_cast<Real>(problem.lambda);
  return textbook_solution(problem, gamma_of(2.0L * atoms(problem)) * size + 64.0L * entries(problem) * rounded, most_sweeps);
}

Real transport_distance(const TransportProblem& problem, Real suboptimal) {
  return cost_distance(problem, suboptimal) + gamma_of(entries(problem) + 8.0L) * static_cast<Real>(problem.cost.cwiseAbs().maxCoeff());
}

double cost_unit(const TransportProblem& problem) {
  const double spread = problem.cost.maxCoeff() - problem.cost.minCoeff();
  return spread > 0.0 ? spread : 1.0;
}

DualPotentials draw_potentials(PointDraws& draws, const TransportProblem& problem) {
  const double scale = (draws.below(2) == 0 ? problem.lambda : cost_unit(problem)) * power_of_two(draws, -3.0, 2.0);
  DualPotentials potentials{scale * normal_vector(draws, problem.n()), scale * normal_vector(draws, problem.m())};
  const Points<double> v = ((-problem.cost).colwise() + potentials.phi).rowwise() - potentials.psi.transpose();
  const double top = v.maxCoeff() / problem.lambda;
  if (draws.below(2) == 0 || top > 8.0) potentials.phi.array() += problem.lambda * (draws.uniform(-1.0, 8.0) - top);
  return potentials;
}

std::vector<NamedValues> problem_values(const TransportProblem& problem) {
  return {named("a", problem.a), named("b", problem.b), {"C", problem.cost}, named("lambda", problem.lambda)};
}

std::vector<NamedValues> problem_values(const TransportProblem& problem, const DualPotentials& potentials) {
  std::vector<NamedValues> values = problem_values(problem);
  values.push_back(named("phi", potentials.phi));
  values.push_back(named("psi", potentials.psi));
  return values;
}

}  // namespace slicecheck
