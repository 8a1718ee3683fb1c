#include "slicecheck/loss/regularised/transport_solver.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/regularised/transport_dual.h"

namespace slicecheck {

namespace {

/// The root φ of Σ_j b_j (φ − t_j)₊ = λ, by sorting t.
double water_level(const Eigen::Ref<const Vector<double>>& t, VectorView<double> b, double lambda) {
  std::vector<Index> order(static_cast<std::size_t>(t.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index k, Index l) { return t[k] < t[l]; });
  const double base = t[order.front()];
  double mass = 0.0;
  double moment = 0.0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    mass += b[order[k]];
    moment += b[order[k]] * (t[order[k]] - base);
    const double level = (lambda + moment) / mass;
    if (k + 1 == order.size() || level <= t[order[k + 1]] - base) return base + level;
  }
  return base;
}

}  // namespace

Vector<double> best_phi(const TransportProblem& problem, VectorView<double> psi) {
  Vector<double> phi(problem.n());
  for (Index i = 0; i < problem.n(); ++i) {
    const Vector<double> t = psi + problem.cost.row(i).transpose();
    if (problem.regulariser == Regulariser::quadratic) {
      phi[i] = water_level(t, problem.b, problem.lambda);
      continue;
    }
    const double least = t.minCoeff();
    phi[i] = least - problem.lambda * std::log(problem.b.dot(Vector<double>((-(t.array() - least) / problem.lambda).exp())));
  }
  return phi;
}

Vector<double> best_psi(const TransportProblem& problem, VectorView<double> phi) {
  TransportProblem turned{problem.b, problem.a, problem.cost.transpose(), problem.lambda, problem.regulariser};
  return -best_phi(turned, -phi);
}

TransportSolution solve_transport(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) {
  problem.validate();
  TransportSolution solution;
  DualPotentials& at = solution.potentials;
  at.psi = start != nullptr ? start->psi : Vector<double>::Zero(problem.m());
  at.phi = best_phi(problem, at.psi);
  Points<double> plan;
  for (solution.sweeps = 1; solution.sweeps < settings.most_sweeps; solution.sweeps += 2) {
    plan = feasible_plan(problem, at);
    solution.gap = duality_gap(problem, at, plan);
    solution.floor = certificate_floor(problem, at);
    if (solution.gap <= std::max(settings.tolerance, solution.floor)) break;
    at.psi = best_psi(problem, at.phi);
    at.phi = best_phi(problem, at.psi);
  }
  solution.dual_value = dual_value(problem, at);
  solution.transport = plan.cwiseProduct(problem.cost).sum();
  solution.regularisation = regularisation(problem, plan);
  solution.outcome = solution.gap <= settings.tolerance && solution.floor <= settings.tolerance ? SolverOutcome::certified : SolverOutcome::inconclusive;
  return solution;
}

}  // namespace slicecheck
