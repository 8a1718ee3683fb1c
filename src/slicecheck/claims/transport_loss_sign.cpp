#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_loss_case.h"

namespace slicecheck {

namespace {

/// Shortest paths in a complete graph with edges of length 1, …, 4, the first n nodes against the others.
SinkhornProblem graph_problem(PointDraws& draws, Index n, Index m) {
  Points<double> metric = Points<double>::Zero(n + m, n + m);
  for (Index k = 0; k < n + m; ++k)
    for (Index l = 0; l < k; ++l) metric(k, l) = metric(l, k) = static_cast<double>(between(draws, 1, 4));
  for (Index via = 0; via < n + m; ++via)
    for (Index k = 0; k < n + m; ++k)
      for (Index l = 0; l < n + m; ++l) metric(k, l) = std::min(metric(k, l), metric(k, via) + metric(via, l));
  SinkhornProblem problem;
  problem.a = draw_weights(draws, n);
  problem.b = draw_weights(draws, m);
  problem.xy = metric.topRightCorner(n, m);
  problem.xx = metric.topLeftCorner(n, n);
  problem.yy = metric.bottomRightCorner(m, m);
  return problem;
}

/// Clouds with one of the three costs, or the metric of a graph.
SinkhornProblem draw_problem(PointDraws& draws, int size) {
  const std::uint64_t kind = draws.below(5);
  if (kind < 3) return draw_moving_clouds(draws, static_cast<GroundCost>(kind), size).at(0.0L);
  SinkhornProblem problem = graph_problem(draws, between(draws, 1, size + 1), between(draws, 1, size + 1));
  problem.lambda = problem.xy.maxCoeff() * power_of_two(draws, -4.0, 4.0);
  problem.regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  return problem;
}

/// What rounding the matrices does to L_λ.
double matrices_rounding(const SinkhornProblem& p) { return 2.0 * matrix_rounding(p.xy) + matrix_rounding(p.xx) + matrix_rounding(p.yy); }

/// 2d_xy − d_xx − d_yy in long double; size 1 is K_{2,3}.
Trial value_by_the_textbook(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const SinkhornProblem problem = size == 1 ? bipartite_problem(2, 3, 1.0, 10.0, Regulariser::kl) : draw_problem(draws, size);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const TextbookLoss textbook = textbook_loss(problem);
  Trial trial = trial_of(static_cast<double>(std::abs(static_cast<Real>(loss.value) - textbook.value)),
                         accuracy_of(problem, loss).value() + static_cast<double>(textbook.error), shown(problem));
  trial.values.push_back(named("loss", loss.value));
  trial.values.push_back(named("by the textbook", static_cast<double>(textbook.value)));
  return trial;
}

/// The same with d̄; size 1 is the quadratic case below 0.
Trial sharp_value_by_the_textbook(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const SinkhornProblem problem = size == 1 ? quadratic_below_zero() : draw_problem(draws, size);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const TextbookLoss textbook = textbook_loss(problem);
  Trial trial = trial_of(static_cast<double>(std::abs(static_cast<Real>(loss.sharp_value) - textbook.sharp)),
                         accuracy_of(problem, loss).sharp_value(problem) + static_cast<double>(textbook.sharp_error), shown(problem));
  trial.values.push_back(named("loss with the sharp d", loss.sharp_value));
  trial.values.push_back(named("by the textbook", static_cast<double>(textbook.sharp)));
  return trial;
}

/// K_{p,q}, where L_λ has a closed form, and is below 0 for large λ; size 1 is K_{2,3} with λ = 10.
Trial bipartite_closed_form(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index p = size == 1 ? 2 : between(draws, 1, size + 1);
  const Index q = size == 1 ? 3 : between(draws, 1, size + 1);
  const double edge = size == 1 ? 1.0 : power_of_two(draws, -3.0, 3.0);
  const double lambda = size == 1 ? 10.0 : edge * power_of_two(draws, -3.0, 10.0);
  const SinkhornProblem problem = bipartite_problem(p, q, edge, lambda, Regulariser::kl);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const auto expected = static_cast<double>(bipartite_loss(p, q, edge, lambda));
  Trial trial = trial_of(std::abs(loss.value - expected), accuracy_of(problem, loss).value(), shown(problem));
  trial.counts = {{"graphs with a loss below 0", loss.value < 0.0 ? 1 : 0}};
  trial.values.push_back(named("loss", loss.value));
  trial.values.push_back(named("closed form", expected));
  return trial;
}

/// e^{f/λ} times the weights for f = (φ − ψ)/2 of Lemma 2.1, up to the factor that makes Σ αα e^{−c/λ} = 1.
RealVector kernel_weights(const Vector<double>& weights, const TextbookSolution& solution, Real lambda) {
  const RealVector f = 0.5L * (solution.potentials.phi - solution.potentials.psi);
  return weights.cast<Real>().array() * (f.array() / lambda - 0.5L).exp();
}

/// L_λ ≥ 2λ(1 − Σ αβ e^{−c_xy/λ}) for any symmetric cost, KL, with α and β made of the potentials of the terms xx and yy: they are potentials for xy.
Trial above_the_bound_of_its_terms(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  SinkhornProblem problem = draw_problem(draws, size);
  problem.regulariser = Regulariser::kl;
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const auto lambda = static_cast<Real>(problem.lambda);
  const TextbookLoss textbook = textbook_loss(problem);
  const RealVector alpha = kernel_weights(problem.a, textbook.xx, lambda);
  const RealVector beta = kernel_weights(problem.b, textbook.yy, lambda);
  const RealTable kernel = (-problem.xy.cast<Real>().array() / lambda).exp();
  const RealTable of_x = (-problem.xx.cast<Real>().array() / lambda).exp();
  const RealTable of_y = (-problem.yy.cast<Real>().array() / lambda).exp();
  // D of these potentials for xy, twice, less d_xx and d_yy: the masses of α and β under their kernels are 1 where the terms are solved.
  const Real bound = lambda * (alpha.dot(of_x * alpha) + beta.dot(of_y * beta) - 2.0L * alpha.dot(kernel * beta));
  const double error = accuracy_of(problem, loss).value() + static_cast<double>(textbook.error);
  Trial trial = trial_of(static_cast<double>(std::max(0.0L, bound - static_cast<Real>(loss.value))), error, shown(problem));
  if (std::isnan(loss.value)) trial.judgement.observed = loss.value;
  if (loss.value > 1e3 * error) trial.judgement.tightness = std::max(0.0, static_cast<double>(bound) / loss.value);
  trial.values.push_back(named("loss", loss.value));
  trial.values.push_back(named("bound", static_cast<double>(bound)));
  return trial;
}

/// Where e^{−c/λ} is a positive definite kernel (squared, L1 and cosine for every λ), KL: L_λ ≥ 0 with d. What d̄'s loss does is counted, not judged.
Trial not_below_zero(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  MovingClouds c = draw_moving_clouds(draws, static_cast<GroundCost>(draws.below(3)), size);
  c.regulariser = Regulariser::kl;
  const SinkhornProblem problem = c.at(0.0L);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const LossAccuracy accuracy = accuracy_of(problem, loss);
  Trial trial = trial_of(-loss.value, accuracy.value() + matrices_rounding(problem), c.values());
  trial.counts = {{"laws with a positive definite kernel", 1},
                  {"of them with the sharp loss below 0", loss.sharp_value < -accuracy.sharp_value(problem) ? 1 : 0}};
  trial.values.push_back(named("loss", loss.value));
  return trial;
}

/// 0 does not mean equal laws: the cosine sees directions alone, y_j = s_j z_j.
Trial rescaled_laws(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  MovingClouds c = draw_moving_clouds(draws, GroundCost::cosine, size);
  c.b = c.a;
  c.y = c.z;
  for (Index j = 0; j < c.y.rows(); ++j) c.y.row(j) *= power_of_two(draws, -6.0, 6.0);
  const SinkhornProblem problem = c.at(0.0L);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  // y is rounded: its direction turns by a few units.
  const double turned = 16.0 * tolerance::unit_roundoff<double>();
  Trial trial = trial_of(std::abs(loss.value), accuracy_of(problem, loss).value() + matrices_rounding(problem) + turned, c.values());
  trial.values.push_back(named("loss", loss.value));
  return trial;
}

/// 2E c(X, Y) − E c(X, X') − E c(Y, Y') on K_{p,q}: edge(2/p + 2/q − 2). Size 1 is K_{2,3}: −1/3.
Trial limit_on_bipartite_graphs(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index p = size == 1 ? 2 : between(draws, 1, size + 1);
  const Index q = size == 1 ? 3 : between(draws, 1, size + 1);
  const double edge = size == 1 ? 1.0 : power_of_two(draws, -3.0, 3.0);
  const SinkhornProblem problem = bipartite_problem(p, q, edge, 1.0, draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic);
  const double limit = subject.bounds->loss_at_infinity(problem);
  const auto expected = static_cast<double>(bipartite_limit(p, q, edge));
  const double rounding = tolerance::gamma(static_cast<double>(p + q) + 16.0, tolerance::unit_roundoff<double>()) * 6.0 * edge;
  Trial trial = trial_of(std::abs(limit - expected), rounding, shown(problem));
  trial.values.push_back(named("limit", limit));
  trial.values.push_back(named("closed form", expected));
  return trial;
}

}  // namespace

Claim claim_r14() {
  Claim claim;
  claim.id = "R14";
  claim.title = "No global statement";
  claim.statement =
      "KL: L_λ ≥ 2λ(1 − Σαβe^{−c/λ}) for every symmetric cost, hence L_λ ≥ 0 with d where e^{−c/λ} is a positive definite kernel (squared, L1, cosine). It "
      "is 0 for rescaled laws under the cosine, and below 0 on K_{2,3}: 1 + λ ln cosh(1/λ) + λ ln((1 + 2e^{−2/λ})/3), −1/3 in the limit.";
  claim.source = "report 003, Lemma 4.3, what is true of it globally; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"value by the textbook", 4, value_by_the_textbook},
                                                                      {"sharp value by the textbook", 4, sharp_value_by_the_textbook},
                                                                      {"closed form on bipartite graphs", 4, bipartite_closed_form},
                                                                      {"above the bound of its own terms", 4, above_the_bound_of_its_terms},
                                                                      {"not below 0 for positive definite kernels", 4, not_below_zero},
                                                                      {"rescaled laws", 4, rescaled_laws}};
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"limit on bipartite graphs", 4, limit_on_bipartite_graphs}};
  return claim;
}

}  // namespace slicecheck
