#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_rounding.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/regularised/sinkhorn_loss.h"

namespace slicecheck {

namespace {

SolverSettings near_optimum(const TransportProblem& problem) { return {1e-12 * cost_unit(problem), 20'000}; }

/// E C, and C⊥ with its largest entry, its oscillation and Σ ab C⊥².
struct Centred {
  Real mean = 0.0L;
  RealTable table;
  Real largest = 0.0L;
  Real oscillation = 0.0L;
  Real square = 0.0L;
};

Centred centred(const Vector<double>& a, const Vector<double>& b, const Points<double>& cost) {
  const RealVector x = a.cast<Real>();
  const RealVector y = b.cast<Real>();
  Centred c;
  c.table = cost.cast<Real>();
  c.mean = x.dot(c.table * y);
  const RealVector rows = c.table * y;
  const RealVector columns = c.table.transpose() * x;
  for (Index i = 0; i < c.table.rows(); ++i)
    for (Index j = 0; j < c.table.cols(); ++j) {
      c.table(i, j) += c.mean - rows[i] - columns[j];
      c.square += x[i] * y[j] * c.table(i, j) * c.table(i, j);
    }
  c.largest = c.table.maxCoeff();
  c.oscillation = c.largest - c.table.minCoeff();
  return c;
}

Centred centred(const TransportProblem& problem) { return centred(problem.a, problem.b, problem.cost); }

/// What weights that add up to 1 ± (n + m)u leave open of E C and C⊥.
Real open_mean(const TransportProblem& problem) {
  return tolerance::gamma(4.0 * static_cast<double>(problem.n() + problem.m() + problem.cost.size()), kDoubleUnit) *
             static_cast<Real>(problem.cost.cwiseAbs().maxCoeff()) +
         std::numeric_limits<double>::min();
}

// ------------------------------------------------------------------------------------------------------------------------------------------------- d

/// 0 ≤ E C − d ≤ osc(C⊥)²/(8λ), any λ. One case in three is a checkerboard, which attains it as λ → ∞.
Trial below_the_mean(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem = draw_transport_case(draws, size, {.regulariser = Regulariser::kl, .least_lambda = 0.03, .largest_lambda = 1e3}).problem;
  if (draws.below(3) == 0) {
    problem.a = problem.b = Vector<double>::Constant(2, 0.5);
    problem.cost = (Eigen::Matrix2d() << -1.0, 1.0, 1.0, -1.0).finished() * power_of_two(draws, -3.0, 3.0);
  }
  const TransportSolution solution = solved(subject, problem, near_optimum(problem));
  const Centred c = centred(problem);
  const Real bound = c.oscillation * c.oscillation / (8.0L * static_cast<Real>(problem.lambda));
  const Real open = certificate_rounding(problem, solution.potentials) + open_mean(problem);
  const auto value = static_cast<Real>(solution.dual_value);
  const Real upper = value + static_cast<Real>(solution.gap);
  const Real worst = worse_of((value - c.mean) / open, (c.mean - upper - bound) / open);
  std::vector<NamedValues> values = problem_values(problem, solution.potentials);
  values.push_back(named("E C, D, gap, bound", Eigen::Vector4d(static_cast<double>(c.mean), solution.dual_value, solution.gap, static_cast<double>(bound))));
  Trial trial = ratio_trial(worst, std::move(values));
  if (bound > 1e6L * open) trial.judgement.tightness = static_cast<double>((c.mean - value) / bound);
  return trial;
}

/// Quadratic, λ ≥ max C⊥: π = ab (1 − C⊥/λ), d = E C + λ/2 − Σ ab C⊥²/(2λ), d̄ = E C − Σ ab C⊥²/λ.
Trial exact_plan(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem = draw_transport_case(draws, size, {.regulariser = Regulariser::quadratic}).problem;
  const Centred c = centred(problem);
  const Real rounded = open_mean(problem);
  problem.lambda = static_cast<double>(c.largest > 0.0L ? c.largest : 1.0L) * (draws.below(3) == 0 ? 1.0 : power_of_two(draws, 0.0, 8.0));
  const auto lambda = static_cast<Real>(problem.lambda);
  const TransportSolution solution = solved(subject, problem, near_optimum(problem));
  const Points<double> density = subject.transport->density(problem, solution.potentials);
  expect_size("the density", density.size(), problem.cost.size());
  const Real open = suboptimality(problem, solution) + rounded;
  const Real d = c.mean + 0.5L * lambda - c.square / (2.0L * lambda);
  const Real sharp = c.mean - c.square / lambda;
  Real worst = std::abs(static_cast<Real>(solution.dual_value) - d) / open;
  worst = worse_of(worst, std::abs(static_cast<Real>(solution.transport) - sharp) / (transport_distance(problem, open) + open));
  const RealTable rounding = density_rounding(problem, solution.potentials);
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      // √(ab) |m − m*| ≤ ‖π − π*‖_χ² ≤ √(2ε/λ).
      const Real distance = std::sqrt(2.0L * open / (lambda * static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j])));
      const Real expected = 1.0L - c.table(i, j) / lambda;
      worst = worse_of(worst, std::abs(static_cast<Real>(density(i, j)) - expected) / (distance + rounding(i, j) + rounded / lambda));
    }
  std::vector<NamedValues> values = problem_values(problem, solution.potentials);
  values.push_back({"density", density});
  values.push_back(
      named("D, d, <pi,C>, sharp d", Eigen::Vector4d(solution.dual_value, static_cast<double>(d), solution.transport, static_cast<double>(sharp))));
  return ratio_trial(worst, std::move(values));
}

/// `large_lambda` is the interval that is claimed, to rounding, and has d in it.
Trial interval_for_large_lambda(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const Centred c = centred(problem);
  const auto lambda = static_cast<Real>(problem.lambda);
  const TransportInterval interval = subject.bounds->large_lambda(problem);
  const Real entry = 4.0L * open_mean(problem);  // of C⊥
  Real low = 0.0L;
  Real high = c.mean;
  Real rounding = open_mean(problem);
  bool judged = true;
  if (is_kl(problem.regulariser)) {
    low = c.mean - c.oscillation * c.oscillation / (8.0L * lambda);
    rounding += (4.0L * c.oscillation * entry + 4.0L * entry * entry) / (8.0L * lambda) + 8.0L * kDoubleUnit * (c.mean - low);
  } else {
    low = c.mean + 0.5L * lambda - c.square / (2.0L * lambda);
    high = lambda >= c.largest ? low : c.mean + 0.5L * lambda;
    judged = std::abs(lambda - c.largest) > entry + 4.0L * kDoubleUnit * lambda;  // at the threshold either is right
    rounding += (2.0L * c.oscillation * entry + entry * entry) / (2.0L * lambda) + 8.0L * kDoubleUnit * (lambda + c.square / lambda);
  }
  const RealInterval d = textbook_value(problem, textbook_optimum(problem));
  Real worst = std::abs(static_cast<Real>(interval.low) - low) / rounding;
  if (judged) worst = worse_of(worst, std::abs(static_cast<Real>(interval.high) - high) / rounding);
  worst = worse_of(worst, (static_cast<Real>(interval.low) - d.high) / rounding);
  worst = worse_of(worst, (d.low - static_cast<Real>(interval.high)) / rounding);
  std::vector<NamedValues> values = problem_values(problem);
  values.push_back(named("low, high", Eigen::Vector2d(interval.low, interval.high)));
  values.push_back(named("expected low, high, d", Eigen::Vector3d(static_cast<double>(low), static_cast<double>(high), static_cast<double>(d.low))));
  return ratio_trial(worst, std::move(values));
}

// -------------------------------------------------------------------------------------------------------------------------------------- Sinkhorn loss

struct DrawnLoss {
  SinkhornProblem problem;
  std::vector<NamedValues> values;
};

/// Atoms none of which is 0.
Points<double> directions(PointDraws& draws, Index n, Index d) {
  Points<double> points = draw_atoms(draws, n, d);
  for (Index i = 0; i < n; ++i)
    if (!(points.row(i).norm() > 0.25)) points.row(i).setConstant(1.0);
  return points;
}

DrawnLoss of_clouds(GroundCost cost, Vector<double> a, Points<double> z, Vector<double> b, Points<double> y, double lambda, Regulariser regulariser) {
  DrawnLoss out{sinkhorn_problem(cost, a, z, b, y, lambda, regulariser), {}};
  out.values = {named("a", a), {"z", std::move(z)}, named("b", b), {"y", std::move(y)}, named("lambda", lambda)};
  return out;
}

/// The complete bipartite graph K_{p,q} with uniform weights on either side: 1 between the sides, 2 within. A distance, not of negative type.
DrawnLoss of_graph(Index p, Index q, double lambda, Regulariser regulariser) {
  DrawnLoss out;
  SinkhornProblem& s = out.problem;
  s.a = Vector<double>::Constant(p, 1.0 / static_cast<double>(p));
  s.b = Vector<double>::Constant(q, 1.0 / static_cast<double>(q));
  s.xy = Points<double>::Ones(p, q);
  s.xx = Points<double>::Constant(p, p, 2.0);
  s.yy = Points<double>::Constant(q, q, 2.0);
  s.xx.diagonal().setZero();
  s.yy.diagonal().setZero();
  s.lambda = lambda;
  s.regulariser = regulariser;
  out.values = {named("p, q", Eigen::Vector2d(static_cast<double>(p), static_cast<double>(q))), named("lambda", lambda)};
  return out;
}

DrawnLoss draw_loss(PointDraws& draws, int size) {
  const Index n = between(draws, 1, size + 1);
  const Index m = between(draws, 1, size + 1);
  const Index d = between(draws, 1, 3);
  const Regulariser regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  const Vector<double> a = draw_weights(draws, n);
  const Vector<double> b = draw_weights(draws, m);
  DrawnLoss out;
  switch (draws.below(4)) {
    case 0: out = of_clouds(GroundCost::squared, a, draw_atoms(draws, n, d), b, draw_atoms(draws, m, d), 1.0, regulariser); break;
    case 1: out = of_clouds(GroundCost::l1, a, draw_atoms(draws, n, d), b, draw_atoms(draws, m, d), 1.0, regulariser); break;
    case 2: out = of_clouds(GroundCost::cosine, a, directions(draws, n, d), b, directions(draws, m, d), 1.0, regulariser); break;
    default: out = of_graph(n, m, 1.0, regulariser);
  }
  return out;
}

double largest_cost(const SinkhornProblem& s) { return std::max({s.xy.cwiseAbs().maxCoeff(), s.xx.cwiseAbs().maxCoeff(), s.yy.cwiseAbs().maxCoeff()}); }

/// λ from 10³ to 10⁹ times the largest cost: L_λ, with d and with d̄, is 2 E c(X, Y) − E c(X, X') − E c(Y, Y') up to what is claimed of the three d. For KL
/// E C − d̄ = E C − d + λ I(π*) ≤ 5 osc(C⊥)²/(8λ), as λ I(π*)/2 ≤ d(λ) − d(λ/2).
Trial loss_at_large_lambda(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  DrawnLoss drawn = draw_loss(draws, size);
  SinkhornProblem& s = drawn.problem;
  const double largest = largest_cost(s);
  s.lambda = (largest > 0.0 ? largest : 1.0) * std::pow(10.0, draws.uniform(3.0, 9.0));
  drawn.values.back() = named("lambda", s.lambda);
  const SinkhornLoss loss = subject.transport->loss(s, {1e-12 * (largest > 0.0 ? largest : 1.0), 20'000});
  const auto lambda = static_cast<Real>(s.lambda);
  Real low = 0.0L;
  Real high = 0.0L;
  Real sharp_low = 0.0L;
  Real sharp_high = 0.0L;
  Real open = 0.0L;
  Real sharp_open = 0.0L;
  const auto add = [&](const TransportProblem& problem, const TransportSolution& solution, Real times) {
    expect_size("phi", solution.potentials.phi.size(), problem.n());
    expect_size("psi", solution.potentials.psi.size(), problem.m());
    const Centred c = centred(problem);
    const Real epsilon = suboptimality(problem, solution) + open_mean(problem);
    Real least = c.mean;
    Real most = c.mean;
    Real sharp_least = c.mean;
    Real sharp_most = c.mean;
    if (is_kl(s.regulariser)) {
      least -= c.oscillation * c.oscillation / (8.0L * lambda);
      sharp_least -= 5.0L * c.oscillation * c.oscillation / (8.0L * lambda);
      sharp_open += std::abs(times) * 2.0L * epsilon;
    } else {
      least = most = c.mean + 0.5L * lambda - c.square / (2.0L * lambda);
      sharp_least = sharp_most = c.mean - c.square / lambda;
      sharp_open += std::abs(times) * (transport_distance(problem, epsilon) + epsilon);
    }
    low += times * (times > 0.0L ? least : most);
    high += times * (times > 0.0L ? most : least);
    sharp_low += times * (times > 0.0L ? sharp_least : sharp_most);
    sharp_high += times * (times > 0.0L ? sharp_most : sharp_least);
    open += std::abs(times) * epsilon;
  };
  add(s.between(), loss.xy, 2.0L);
  add(s.within_x(), loss.xx, -1.0L);
  add(s.within_y(), loss.yy, -1.0L);
  const auto value = static_cast<Real>(loss.value);
  const auto sharp = static_cast<Real>(loss.sharp_value);
  Real worst = worse_of((low - value) / open, (value - high) / open);
  worst = worse_of(worst, worse_of((sharp_low - sharp) / sharp_open, (sharp - sharp_high) / sharp_open));
  drawn.values.push_back(named("loss, low, high", Eigen::Vector3d(loss.value, static_cast<double>(low), static_cast<double>(high))));
  drawn.values.push_back(
      named("loss with sharp d, low, high", Eigen::Vector3d(loss.sharp_value, static_cast<double>(sharp_low), static_cast<double>(sharp_high))));
  return ratio_trial(worst, std::move(drawn.values));
}

Real rounding_of_limit(const SinkhornProblem& s) {
  const auto terms = static_cast<double>(s.xy.size() + s.xx.size() + s.yy.size()) + 4.0 * static_cast<double>(s.a.size() + s.b.size());
  return tolerance::gamma(terms + 16.0, kDoubleUnit) * 4.0L * static_cast<Real>(largest_cost(s)) + std::numeric_limits<double>::min();
}

Trial limit_trial(const TransportBoundsSubject& subject, DrawnLoss drawn, Real expected, Real rounding) {
  const double limit = subject.bounds->loss_at_infinity(drawn.problem);
  drawn.values.push_back(named("limit, expected", Eigen::Vector2d(limit, static_cast<double>(expected))));
  return ratio_trial(std::abs(static_cast<Real>(limit) - expected) / rounding, std::move(drawn.values));
}

/// 2 E c(X, Y) − E c(X, X') − E c(Y, Y').
Trial limit_of_the_loss(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  DrawnLoss drawn = draw_loss(draws, size);
  const SinkhornProblem& s = drawn.problem;
  const Real expected = 2.0L * centred(s.between()).mean - centred(s.within_x()).mean - centred(s.within_y()).mean;
  const Real rounding = rounding_of_limit(s);
  return limit_trial(subject, std::move(drawn), expected, rounding);
}

RealVector mean_of(const Vector<double>& weights, const RealTable& points) { return points.transpose() * weights.cast<Real>(); }

/// Squared cost 2‖E x − E y‖²; cosine ‖E x/‖x‖ − E y/‖y‖‖².
Trial mean_gaps(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = between(draws, 1, size + 1);
  const Index m = between(draws, 1, size + 1);
  const Index d = between(draws, 1, 3);
  const bool cosine = draws.below(2) == 0;
  const Vector<double> a = draw_weights(draws, n);
  const Vector<double> b = draw_weights(draws, m);
  const Points<double> z = cosine ? directions(draws, n, d) : draw_atoms(draws, n, d);
  const Points<double> y = cosine ? directions(draws, m, d) : draw_atoms(draws, m, d);
  RealTable x = z.cast<Real>();
  RealTable target = y.cast<Real>();
  if (cosine) {
    x.rowwise().normalize();
    target.rowwise().normalize();
  }
  // Seen from the first atom, so that weights whose sums are 1 only to rounding do not show.
  const Eigen::Matrix<Real, 1, Eigen::Dynamic> first = x.row(0);
  x.rowwise() -= first;
  target.rowwise() -= first;
  const Real expected = (cosine ? 1.0L : 2.0L) * (mean_of(a, x) - mean_of(b, target)).squaredNorm();
  DrawnLoss drawn = of_clouds(cosine ? GroundCost::cosine : GroundCost::squared, a, z, b, y, 1.0, Regulariser::kl);
  // The costs err by γ_{d+8} of themselves, or, for directions of rounded length, of the square of theirs.
  const Real of_cost =
      tolerance::gamma(4.0 * static_cast<double>(d) + 32.0, kDoubleUnit) * 4.0L * (cosine ? 2.0L : static_cast<Real>(largest_cost(drawn.problem)));
  const Real rounding = rounding_of_limit(drawn.problem) + of_cost;
  return limit_trial(subject, std::move(drawn), expected, rounding);
}

/// L1 cost, uniform weights: a coordinate of the atoms may be dealt out anew among them, the law of that coordinate staying the same.
Trial coordinates_only(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = between(draws, 2, size + 2);
  const Index m = between(draws, 1, size + 1);
  const Vector<double> a = Vector<double>::Constant(n, 1.0 / static_cast<double>(n));
  const Vector<double> b = draw_weights(draws, m);
  const Points<double> z = draw_atoms(draws, n, 2);
  const Points<double> y = draw_atoms(draws, m, 2);
  Points<double> dealt = z;
  for (Index i = 0; i < n; ++i) dealt(i, 1) = z((i + 1) % n, 1);
  DrawnLoss drawn = of_clouds(GroundCost::l1, a, z, b, y, 1.0, Regulariser::kl);
  const SinkhornProblem other = sinkhorn_problem(GroundCost::l1, a, dealt, b, y, 1.0, Regulariser::kl);
  const double expected = subject.bounds->loss_at_infinity(other);
  const Real of_cost = tolerance::gamma(16.0, kDoubleUnit) * 4.0L * static_cast<Real>(largest_cost(drawn.problem) + largest_cost(other));
  const Real rounding = rounding_of_limit(drawn.problem) + rounding_of_limit(other) + of_cost;
  drawn.values.push_back({"z dealt anew", dealt});
  return limit_trial(subject, std::move(drawn), static_cast<Real>(expected), rounding);
}

/// K_{p,q}: 2/p + 2/q − 2, negative for p, q ≥ 2 but K_{2,2} (−1/3 for K_{2,3}).
Trial graphs(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index p = between(draws, 1, size + 1);
  const Index q = between(draws, 1, size + 2);
  DrawnLoss drawn = of_graph(p, q, 1.0, Regulariser::kl);
  const Real expected = 2.0L / static_cast<Real>(p) + 2.0L / static_cast<Real>(q) - 2.0L;
  const Real rounding = rounding_of_limit(drawn.problem);
  return limit_trial(subject, std::move(drawn), expected, rounding);
}

}  // namespace

Claim claim_r16() {
  Claim claim;
  claim.id = "R16";
  claim.title = "Regularised transport as λ → ∞";
  claim.statement =
      "C⊥ is C centred twice. KL: 0 ≤ E C − d ≤ osc(C⊥)²/(8λ). Quadratic, λ ≥ max C⊥: π = ab (1 − C⊥/λ), d = E C + λ/2 − Σ ab C⊥²/(2λ). The Sinkhorn loss "
      "tends to 2 E c(X, Y) − E c(X, X') − E c(Y, Y'), MMD² for costs of negative type: 2‖gap of the means‖² for the squared cost, the gap of the mean "
      "directions squared for cosine, the laws of the coordinates only for L1; −1/3 on K_{2,3}.";
  claim.source = "theory/regularised_transport.md; report 003, section 4.1";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {
      {"below the mean", 5, below_the_mean}, {"exact plan", 5, exact_plan}, {"loss at large λ", 4, loss_at_large_lambda}};
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"interval for large λ", 5, interval_for_large_lambda},
                                                                            {"limit of the loss", 5, limit_of_the_loss},
                                                                            {"gaps of means", 5, mean_gaps},
                                                                            {"coordinates only", 5, coordinates_only},
                                                                            {"graphs", 4, graphs}};
  return claim;
}

}  // namespace slicecheck
