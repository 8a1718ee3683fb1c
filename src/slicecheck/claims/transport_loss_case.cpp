#include "slicecheck/claims/transport_loss_case.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_rounding.h"

namespace slicecheck {

namespace {

RealTable moved(const Points<double>& z, const Points<double>& v, Real t) { return z.cast<Real>() + t * v.cast<Real>(); }

Real cost_of(GroundCost cost, const RealVector& z, const RealVector& y) {
  switch (cost) {
    case GroundCost::l1: return (z - y).cwiseAbs().sum();
    case GroundCost::squared: return (z - y).squaredNorm();
    case GroundCost::cosine: return 0.5L * (z.normalized() - y.normalized()).squaredNorm();
  }
  reject("unknown ground cost {}", static_cast<int>(cost));
}

Points<double> costs(GroundCost cost, const RealTable& z, const RealTable& y) {
  Points<double> c(z.rows(), y.rows());
  for (Index i = 0; i < z.rows(); ++i)
    for (Index j = 0; j < y.rows(); ++j) c(i, j) = static_cast<double>(cost_of(cost, z.row(i).transpose(), y.row(j).transpose()));
  return c;
}

/// Coordinates of n points of which no two are nearer than 1/8: a shuffled grid of width ½, moved by less than 3/16.
Points<double> draw_apart(PointDraws& draws, Index n, Index d) {
  Points<double> points(n, d);
  std::vector<Index> order(static_cast<std::size_t>(n));
  for (Index k = 0; k < d; ++k) {
    std::iota(order.begin(), order.end(), Index{0});
    for (Index i = n - 1; i > 0; --i) std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(between(draws, 0, i))]);
    for (Index i = 0; i < n; ++i) points(i, k) = 0.5 * static_cast<double>(order[static_cast<std::size_t>(i)] - n / 2) + draws.uniform(-3.0 / 16.0, 3.0 / 16.0);
  }
  return points;
}

Points<double> draw_normals(PointDraws& draws, Index n, Index d) {
  Points<double> points(n, d);
  for (double& entry : points.reshaped<Eigen::RowMajor>()) entry = draws.normal();
  return points;
}

double size_of(const TransportProblem& problem) { return problem.cost.cwiseAbs().maxCoeff() + problem.lambda; }

double gap_of(const TransportProblem& problem, const DualPotentials& potentials) {
  expect_size("phi", potentials.phi.size(), problem.n());
  expect_size("psi", potentials.psi.size(), problem.m());
  const Real gap = textbook_gap(problem, textbook_potentials(problem, potentials));
  // The difference of two numbers of the potentials' size, in long double.
  const Real size = static_cast<Real>(potentials.phi.cwiseAbs().maxCoeff() + potentials.psi.cwiseAbs().maxCoeff() + size_of(problem));
  const Real rounding = static_cast<Real>(4 * (problem.n() + problem.m()) + 64) * std::numeric_limits<Real>::epsilon() * size;
  return static_cast<double>(std::max(gap, 0.0L) + rounding);
}

void expect_shape(const Points<double>& gradient, const Points<double>& z) {
  if (gradient.rows() != z.rows() || gradient.cols() != z.cols())
    throw Error(fmt::format("the gradient is {} × {}; the cloud is {} × {}", gradient.rows(), gradient.cols(), z.rows(), z.cols()));
}

TextbookSolution best_solution(const TransportProblem& problem) {
  const auto size = static_cast<Real>(size_of(problem));
  TextbookSolution solution = textbook_solution(problem, 1e-16L * size, 3000);
  solution.gap = std::max(solution.gap, 0.0L) + 64.0L * std::numeric_limits<Real>::epsilon() * size;
  return solution;
}

}  // namespace

SinkhornProblem MovingClouds::at(Real t) const {
  const RealTable moving = moved(z, v, t);
  const RealTable still = y.cast<Real>();
  return {a, b, costs(cost, moving, still), costs(cost, moving, moving), costs(cost, still, still), lambda, regulariser};
}

SlopeBounds MovingClouds::between(double reach) const {
  SlopeBounds bounds;
  for (Index i = 0; i < z.rows(); ++i) {
    const double speed = v.row(i).norm();
    if (cost == GroundCost::cosine) {
      const double turn = speed / (z.row(i).norm() - reach * speed);
      bounds.L0 = std::max(bounds.L0, turn);
      bounds.L1 = std::max(bounds.L1, 2.0 / std::sqrt(3.0) * turn * turn);
    } else if (cost == GroundCost::l1) {
      bounds.L0 = std::max(bounds.L0, v.row(i).lpNorm<1>());
    } else {
      bounds.L1 = std::max(bounds.L1, 2.0 * speed * speed);
      for (Index j = 0; j < y.rows(); ++j) bounds.L0 = std::max(bounds.L0, 2.0 * speed * ((z.row(i) - y.row(j)).norm() + reach * speed));
    }
  }
  return bounds;
}

SlopeBounds MovingClouds::within(double reach) const {
  SlopeBounds bounds;
  for (Index k = 0; k < z.rows(); ++k)
    for (Index l = 0; l < z.rows(); ++l) {
      if (k == l) continue;  // c(z, z) = 0 for every z
      const double speed = (v.row(k) - v.row(l)).norm();
      if (cost == GroundCost::cosine) {
        const double one = v.row(k).norm() / (z.row(k).norm() - reach * v.row(k).norm());
        const double two = v.row(l).norm() / (z.row(l).norm() - reach * v.row(l).norm());
        bounds.L0 = std::max(bounds.L0, one + two);
        bounds.L1 = std::max(bounds.L1, 2.0 / std::sqrt(3.0) * (one * one + two * two) + 2.0 * one * two);
      } else if (cost == GroundCost::l1) {
        bounds.L0 = std::max(bounds.L0, (v.row(k) - v.row(l)).lpNorm<1>());
      } else {
        bounds.L1 = std::max(bounds.L1, 2.0 * speed * speed);
        bounds.L0 = std::max(bounds.L0, 2.0 * speed * ((z.row(k) - z.row(l)).norm() + reach * speed));
      }
    }
  return bounds;
}

std::vector<NamedValues> MovingClouds::values() const { return {{"z", z}, {"y", y}, {"v", v}, named("a", a), named("b", b), named("lambda", lambda)}; }

MovingClouds draw_moving_clouds(PointDraws& draws, GroundCost cost, int size) {
  MovingClouds c;
  c.cost = cost;
  c.regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  const Index n = between(draws, 1, size + 1);
  const Index m = between(draws, 1, size + 1);
  const Index d = between(draws, cost == GroundCost::cosine ? 2 : 1, 3);
  c.a = draw_weights(draws, n);
  c.b = draw_weights(draws, m);
  const Points<double> all = cost == GroundCost::l1 ? draw_apart(draws, n + m, d) : draw_normals(draws, n + m, d);
  c.z = all.topRows(n);
  c.y = all.bottomRows(m);
  if (cost == GroundCost::cosine)
    for (Points<double>* cloud : {&c.z, &c.y})
      for (Index i = 0; i < cloud->rows(); ++i) cloud->row(i) *= std::max(1.0, 0.5 / cloud->row(i).norm());
  switch (draws.below(3)) {
    case 0: c.v = draw_normals(draws, n, d); break;
    case 1: c.v = normal_vector(draws, d).transpose().replicate(n, 1); break;
    default: {  // d/dt of (A + tB)x + b + tc with x in R²
      const Points<double> x = draw_normals(draws, n, 2);
      c.v = (x * draw_normals(draws, 2, d)).rowwise() + normal_vector(draws, d).transpose();
    }
  }
  c.v /= c.v.rowwise().norm().maxCoeff();
  const SinkhornProblem problem = c.at(0.0L);
  c.lambda = std::max(problem.xy.maxCoeff(), problem.xx.maxCoeff()) * power_of_two(draws, -4.0, 4.0);
  return c;
}

double matrix_rounding(PointsView<double> cost) {
  // Rounded once to double; before that at most 64 roundings in long double of numbers of that size, or of size 1 for the cosine.
  return kDoubleUnit * cost.cwiseAbs().maxCoeff() + 64.0 * static_cast<double>(std::numeric_limits<Real>::epsilon()) * (cost.cwiseAbs().maxCoeff() + 1.0);
}

TextbookLoss textbook_loss(const SinkhornProblem& problem) {
  TextbookLoss loss{best_solution(problem.between()), best_solution(problem.within_x()), best_solution(problem.within_y())};
  loss.value = 2.0L * loss.xy.value - loss.xx.value - loss.yy.value;
  loss.error = 2.0L * loss.xy.gap + loss.xx.gap + loss.yy.gap;
  loss.sharp = 2.0L * loss.xy.transport - loss.xx.transport - loss.yy.transport;
  loss.sharp_error = 2.0L * cost_distance(problem.between(), loss.xy.gap) + cost_distance(problem.within_x(), loss.xx.gap) +
                     cost_distance(problem.within_y(), loss.yy.gap) + loss.error;
  return loss;
}

double LossAccuracy::gradient(const SlopeBounds& between, const SlopeBounds& within, double lambda, Regulariser regulariser) const {
  const auto plan_error = [&](double gap) { return static_cast<double>(plan_distance(gap, lambda, regulariser)) + plans; };
  return 2.0 * between.L0 * plan_error(xy) + within.L0 * plan_error(xx);
}

double LossAccuracy::sharp_value(const SinkhornProblem& problem) const {
  return 2.0 * static_cast<double>(cost_distance(problem.between(), static_cast<Real>(xy))) +
         static_cast<double>(cost_distance(problem.within_x(), static_cast<Real>(xx))) +
         static_cast<double>(cost_distance(problem.within_y(), static_cast<Real>(yy))) + 2.0 * xy + xx + yy + rounding;
}

LossAccuracy accuracy_of(const SinkhornProblem& problem, const SinkhornLoss& loss) {
  LossAccuracy accuracy;
  accuracy.xy = gap_of(problem.between(), loss.xy.potentials);
  accuracy.xx = gap_of(problem.within_x(), loss.xx.potentials);
  accuracy.yy = gap_of(problem.within_y(), loss.yy.potentials);
  const auto size_with = [](const TransportProblem& of, const DualPotentials& potentials) {
    return static_cast<double>(potential_size(of, potentials)) + of.lambda;
  };
  const double size = 2.0 * size_with(problem.between(), loss.xy.potentials) + size_with(problem.within_x(), loss.xx.potentials) +
                      size_with(problem.within_y(), loss.yy.potentials);
  const double terms = static_cast<double>(problem.a.size() + problem.b.size()) + 16.0;
  accuracy.rounding = tolerance::gamma(terms, kDoubleUnit) * size;
  // V/λ errs by a few roundings of its parts, m = e^{V/λ} by that factor, and the sums by theirs.
  accuracy.plans = tolerance::gamma(terms + 8.0 * size / problem.lambda, kDoubleUnit);
  return accuracy;
}

SolverSettings fine_settings(const SinkhornProblem& problem) {
  const double size = std::max({size_of(problem.between()), size_of(problem.within_x()), size_of(problem.within_y())});
  return {.tolerance = 1e-13 * size};
}

Slope slope_of(const TransportSubject& subject, const MovingClouds& c) {
  const SinkhornProblem problem = c.at(0.0L);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const Points<double> gradient = subject.transport->loss_gradient(problem, loss, c.cost, c.z, c.y);
  expect_shape(gradient, c.z);
  const double sum = tolerance::gamma(static_cast<double>(c.z.size()) + 64.0, kDoubleUnit);
  const SlopeBounds between = c.between(kSlopeReach);
  const SlopeBounds within = c.within(kSlopeReach);
  return {gradient.cwiseProduct(c.v).sum(),
          accuracy_of(problem, loss).gradient(between, within, c.lambda, c.regulariser) + sum * (2.0 * between.L0 + within.L0)};
}

MovingClouds line_clouds(double weight, double lambda, double theta) {
  const Points<double> x = Points<double>{{1.0}, {-1.0}};
  MovingClouds c;
  c.lambda = lambda;
  c.a = Vector<double>::Constant(2, 0.5);
  c.b = Vector<double>{{weight, 1.0 - weight}};
  c.z = theta * x;
  c.y = x;
  c.v = x;
  return c;
}

SinkhornProblem bipartite_problem(Index p, Index q, double edge, double lambda, Regulariser regulariser) {
  const auto side = [edge](Index k) {
    Points<double> c = Points<double>::Constant(k, k, 2.0 * edge);
    c.diagonal().setZero();
    return c;
  };
  const auto uniform = [](Index k) -> Vector<double> { return Vector<double>::Constant(k, 1.0 / static_cast<double>(k)); };
  return {uniform(p), uniform(q), Points<double>::Constant(p, q, edge), side(p), side(q), lambda, regulariser};
}

Real bipartite_loss(Index p, Index q, double edge, double lambda) {
  const Real e = std::expm1(-2.0L * static_cast<Real>(edge) / static_cast<Real>(lambda));
  const auto side = [e](Index k) { return std::log1p(static_cast<Real>(k - 1) / static_cast<Real>(k) * e); };
  return 2.0L * static_cast<Real>(edge) + static_cast<Real>(lambda) * (side(p) + side(q));
}

Real bipartite_limit(Index p, Index q, double edge) {
  return static_cast<Real>(edge) * (2.0L - 2.0L * static_cast<Real>(p - 1) / static_cast<Real>(p) - 2.0L * static_cast<Real>(q - 1) / static_cast<Real>(q));
}

SinkhornProblem quadratic_below_zero() {
  const Points<double> z = Points<double>{{0.0}, {5.0}};
  const Points<double> y = Points<double>{{6.0}, {4.0}, {0.0}};
  const Vector<double> a = Vector<double>::Constant(2, 0.5);
  const Vector<double> b = Vector<double>{{3.0, 5.0, 5.0}} / 13.0;
  return sinkhorn_problem(GroundCost::squared, a, z, b, y, 16.0, Regulariser::quadratic);
}

std::vector<NamedValues> shown(const SinkhornProblem& problem) {
  return {named("a", problem.a), named("b", problem.b), {"C_xy", problem.xy}, {"C_xx", problem.xx}, {"C_yy", problem.yy}, named("lambda", problem.lambda)};
}

}  // namespace slicecheck
