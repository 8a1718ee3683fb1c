#include "slicecheck/claims/transport_textbook.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace slicecheck {

namespace {

Real positive(Real v) { return v > 0.0L ? v : 0.0L; }

RealTable violation(const TransportProblem& problem, const TextbookPotentials& p) {
  RealTable v(problem.n(), problem.m());
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) v(i, j) = p.phi[i] - p.psi[j] - static_cast<Real>(problem.cost(i, j));
  return v;
}

/// e^x, and the 0 that it rounds to without the C library's slow path for underflow.
Real exponential(Real x) { return x < -11'400.0L ? 0.0L : std::exp(x); }

/// The best φ_i for costs t_j = ψ_j + C_ij.
Real half_step(const std::vector<Real>& t, VectorView<double> b, Real lambda, bool kl) {
  if (kl) {
    const Real least = *std::min_element(t.begin(), t.end());
    Real sum = 0.0L;
    for (std::size_t j = 0; j < t.size(); ++j) sum += static_cast<Real>(b[static_cast<Index>(j)]) * exponential(-(t[j] - least) / lambda);
    return lambda + least - lambda * std::log(sum);
  }
  std::vector<std::size_t> order(t.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t k, std::size_t l) { return t[k] < t[l]; });
  Real mass = 0.0L;
  Real moment = lambda;
  for (std::size_t k = 0; k < order.size(); ++k) {
    mass += static_cast<Real>(b[static_cast<Index>(order[k])]);
    moment += static_cast<Real>(b[static_cast<Index>(order[k])]) * t[order[k]];
    if (k + 1 == order.size() || moment <= mass * t[order[k + 1]]) break;
  }
  return moment / mass;
}

void sweep(const TransportProblem& problem, TextbookPotentials& p) {
  const auto lambda = static_cast<Real>(problem.lambda);
  for (Index j = 0; j < problem.m(); ++j) {
    std::vector<Real> t;
    for (Index i = 0; i < problem.n(); ++i) t.push_back(static_cast<Real>(problem.cost(i, j)) - p.phi[i]);
    p.psi[j] = -half_step(t, problem.a, lambda, is_kl(problem));
  }
  for (Index i = 0; i < problem.n(); ++i) {
    std::vector<Real> t;
    for (Index j = 0; j < problem.m(); ++j) t.push_back(static_cast<Real>(problem.cost(i, j)) + p.psi[j]);
    p.phi[i] = half_step(t, problem.b, lambda, is_kl(problem));
  }
}

/// Newton's step of the marginal equations on the current weights, damped by halves while the dual does not grow. False where it does not help.
bool newton_step(const TransportProblem& problem, TextbookPotentials& p) {
  const Index n = problem.n();
  const Index m = problem.m();
  const RealTable plan = textbook_plan(problem, p);
  RealTable stiff(n, m);
  const RealTable v = violation(problem, p);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j)
      stiff(i, j) = is_kl(problem) ? plan(i, j) : (v(i, j) > 0.0L ? static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]) : 0.0L);
  Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> h = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>::Zero(n + m, n + m);
  RealVector g(n + m);
  for (Index i = 0; i < n; ++i) {
    h(i, i) = stiff.row(i).sum();
    g[i] = static_cast<Real>(problem.a[i]) - plan.row(i).sum();
  }
  for (Index j = 0; j < m; ++j) {
    h(n + j, n + j) = stiff.col(j).sum();
    g[n + j] = -(static_cast<Real>(problem.b[j]) - plan.col(j).sum());
  }
  h.topRightCorner(n, m) = -stiff;
  h.bottomLeftCorner(m, n) = -stiff.transpose();
  const RealVector step = static_cast<Real>(problem.lambda) * h.completeOrthogonalDecomposition().solve(g);
  const Real before = textbook_dual(problem, p);
  for (Real scale = 1.0L; scale > 1e-6L; scale *= 0.5L) {
    const TextbookPotentials next{p.phi + scale * step.head(n), p.psi + scale * step.tail(m)};
    if (!(textbook_dual(problem, next) > before)) continue;
    p = next;
    return true;
  }
  return false;
}

/// Half-steps and Newton's steps only ever raise the dual: where it does not grow any more at so many checks in a row, rounding is all that is left.
constexpr int kMostIdle = 3;

}  // namespace

TextbookPotentials textbook_potentials(const TransportProblem& problem, const DualPotentials& potentials) {
  TextbookPotentials p{potentials.phi.cast<Real>(), potentials.psi.cast<Real>()};
  if (is_kl(problem)) p.phi.array() += static_cast<Real>(problem.lambda);
  return p;
}

RealTable textbook_density(const TransportProblem& problem, const TextbookPotentials& potentials) {
  RealTable m = violation(problem, potentials);
  const auto lambda = static_cast<Real>(problem.lambda);
  for (Real& v : m.reshaped<Eigen::RowMajor>()) v = is_kl(problem) ? exponential(v / lambda - 1.0L) : positive(v) / lambda;
  return m;
}

RealTable textbook_plan(const TransportProblem& problem, const TextbookPotentials& potentials) {
  RealTable plan = textbook_density(problem, potentials);
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) plan(i, j) *= static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]);
  return plan;
}

Real textbook_dual(const TransportProblem& problem, const TextbookPotentials& potentials) {
  const RealTable v = violation(problem, potentials);
  const auto lambda = static_cast<Real>(problem.lambda);
  Real sum = 0.0L;
  for (Index i = 0; i < problem.n(); ++i) sum += static_cast<Real>(problem.a[i]) * potentials.phi[i];
  for (Index j = 0; j < problem.m(); ++j) sum -= static_cast<Real>(problem.b[j]) * potentials.psi[j];
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      const Real f = is_kl(problem) ? lambda * exponential(v(i, j) / lambda - 1.0L) : positive(v(i, j)) * positive(v(i, j)) / (2.0L * lambda);
      sum -= static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]) * f;
    }
  return sum;
}

Real textbook_regularisation(const TransportProblem& problem, const RealTable& plan) {
  Real sum = 0.0L;
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      const Real ab = static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]);
      if (is_kl(problem))
        sum += plan(i, j) > 0.0L ? plan(i, j) * std::log(plan(i, j) / ab) : 0.0L;
      else
        sum += plan(i, j) * plan(i, j) / (2.0L * ab);
    }
  return sum;
}

Real textbook_primal(const TransportProblem& problem, const RealTable& plan) {
  Real sum = static_cast<Real>(problem.lambda) * textbook_regularisation(problem, plan);
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) sum += plan(i, j) * static_cast<Real>(problem.cost(i, j));
  return sum;
}

RealTable textbook_feasible_plan(const TransportProblem& problem, const TextbookPotentials& potentials) {
  RealTable plan = textbook_plan(problem, potentials);
  for (Index i = 0; i < problem.n(); ++i) {
    const Real mass = plan.row(i).sum();
    if (mass > static_cast<Real>(problem.a[i])) plan.row(i) *= static_cast<Real>(problem.a[i]) / mass;
  }
  for (Index j = 0; j < problem.m(); ++j) {
    const Real mass = plan.col(j).sum();
    if (mass > static_cast<Real>(problem.b[j])) plan.col(j) *= static_cast<Real>(problem.b[j]) / mass;
  }
  RealVector rows(problem.n());
  RealVector columns(problem.m());
  for (Index i = 0; i < problem.n(); ++i) rows[i] = positive(static_cast<Real>(problem.a[i]) - plan.row(i).sum());
  for (Index j = 0; j < problem.m(); ++j) columns[j] = positive(static_cast<Real>(problem.b[j]) - plan.col(j).sum());
  if (columns.sum() > 0.0L) plan += rows * columns.transpose() / columns.sum();
  return plan;
}

Real textbook_gap(const TransportProblem& problem, const TextbookPotentials& potentials) {
  return textbook_primal(problem, textbook_feasible_plan(problem, potentials)) - textbook_dual(problem, potentials);
}

TextbookSolution textbook_solution(const TransportProblem& problem, Real tolerance, int most_sweeps) {
  TextbookSolution solution;
  TextbookPotentials& p = solution.potentials;
  p.phi = RealVector::Zero(problem.n());
  p.psi = RealVector::Zero(problem.m());
  Real highest = textbook_dual(problem, p);
  int idle = 0;  // checks in a row at which the dual had not grown
  for (int k = 0; k < most_sweeps; ++k) {
    sweep(problem, p);
    if (k < 4 || k % 4 != 0) continue;
    if (!(textbook_gap(problem, p) > tolerance)) break;
    const Real dual = textbook_dual(problem, p);
    idle = dual > highest ? 0 : idle + 1;
    if (idle == kMostIdle) break;
    highest = std::max(highest, dual);
    // Sweeps are slow for small λ; Newton's method is not, once it is near.
    for (int step = 0; step < 8 && newton_step(problem, p); ++step)
      if (!(textbook_gap(problem, p) > tolerance)) break;
  }
  solution.plan = textbook_feasible_plan(problem, p);
  solution.value = textbook_dual(problem, p);
  solution.gap = textbook_primal(problem, solution.plan) - solution.value;
  solution.regularisation = textbook_regularisation(problem, solution.plan);
  solution.transport = textbook_primal(problem, solution.plan) - static_cast<Real>(problem.lambda) * solution.regularisation;
  return solution;
}

}  // namespace slicecheck
