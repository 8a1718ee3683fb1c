#include <algorithm>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_loss_case.h"

namespace slicecheck {

namespace {

Trial not_below_zero(double value, double error, const SinkhornProblem& problem) {
  Trial trial = trial_of(-value, error, shown(problem));
  trial.values.push_back(named("loss", value));
  return trial;
}

struct Sides {
  Index p;
  Index q;
  double edge;
};

/// K_{2,3} at size 1.
Sides draw_sides(PointDraws& draws, int size) {
  if (size == 1) return {2, 3, 1.0};
  return {between(draws, 2, size + 1), between(draws, 2, size + 1), power_of_two(draws, -3.0, 3.0)};
}

/// KL, path metrics of K_{p,q}; size 1 is K_{2,3} with λ = 10.
SinkhornProblem draw_graph(const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Sides sides = draw_sides(draws, size);
  const double lambda = size == 1 ? 10.0 : sides.edge * power_of_two(draws, 0.0, 8.0);
  return bipartite_problem(sides.p, sides.q, sides.edge, lambda, Regulariser::kl);
}

/// −.238 at size 1.
Trial loss_with_d(const TransportSubject& subject, const RandomStream& stream, int size) {
  const SinkhornProblem problem = draw_graph(stream, size);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  return not_below_zero(loss.value, accuracy_of(problem, loss).value(), problem);
}

/// −.142 at size 1.
Trial loss_with_sharp_d_and_kl(const TransportSubject& subject, const RandomStream& stream, int size) {
  const SinkhornProblem problem = draw_graph(stream, size);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  return not_below_zero(loss.sharp_value, accuracy_of(problem, loss).sharp_value(problem), problem);
}

/// Quadratic, squared cost on the line, at any scale and with λ near 16 of it; size 1 is λ = 16, where the loss is −.320.
Trial loss_with_sharp_d_and_squares(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  SinkhornProblem problem = quadratic_below_zero();
  if (size > 1) {
    const double scale = power_of_two(draws, -6.0, 6.0);
    for (Points<double>* cost : {&problem.xy, &problem.xx, &problem.yy}) *cost *= scale;
    problem.lambda *= scale * draws.uniform(0.5, 2.0);
  }
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  return not_below_zero(loss.sharp_value, accuracy_of(problem, loss).sharp_value(problem), problem);
}

/// λ = 2^20 edges. d_xy ≥ E c − osc(c)²/(8λ) (R16), and c_xy is constant: were the limit not below 0, the loss would not be below 0 by more than its error.
Trial loss_at_large_lambda(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Sides sides = draw_sides(draws, size);
  const auto regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  const SinkhornProblem problem = bipartite_problem(sides.p, sides.q, sides.edge, sides.edge * 1048576.0, regulariser);
  const SinkhornLoss loss = subject.transport->loss(problem, {.tolerance = 1e-9 * problem.lambda});
  return not_below_zero(loss.value, accuracy_of(problem, loss).value(), problem);
}

/// 2E c(X, Y) − E c(X, X') − E c(Y, Y') itself; −1/3 at size 1.
Trial limit_of_the_loss(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Sides sides = draw_sides(draws, size);
  const SinkhornProblem problem = bipartite_problem(sides.p, sides.q, sides.edge, sides.edge, Regulariser::kl);
  const double rounding = tolerance::gamma(static_cast<double>(sides.p + sides.q) + 16.0, tolerance::unit_roundoff<double>()) * 6.0 * sides.edge;
  return not_below_zero(subject.bounds->loss_at_infinity(problem), rounding, problem);
}

}  // namespace

Claim claim_f5() {
  Claim claim;
  claim.id = "F5";
  claim.title = "The Sinkhorn loss is never negative";
  claim.statement = "L_λ ≥ 0 for every symmetric cost and either regulariser, with d or with d̄, so that its minimum over generators is at G(X) = Y in law.";
  claim.source = "Lemma 4.3, read as a statement about all of Θ; theory/regularised_transport.md";
  claim.expected = Outcome::refuted;
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"with d, on bipartite graphs", 4, loss_with_d, false, 4},
                                                                      {"with d̄, on bipartite graphs", 4, loss_with_sharp_d_and_kl, false, 4},
                                                                      {"with d̄, quadratic, on the line", 4, loss_with_sharp_d_and_squares, false, 4}};
  return claim;
}

Claim claim_f6() {
  Claim claim;
  claim.id = "F6";
  claim.title = "The limit is an MMD for every distance";
  claim.statement = "For λ → ∞, L_λ tends to a squared MMD, which is not below 0, whenever c is a distance.";
  claim.source = "Section 4.1 on large λ; theory/regularised_transport.md";
  claim.expected = Outcome::refuted;
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"loss at λ = 2²⁰, on bipartite graphs", 4, loss_at_large_lambda, false, 4}};
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"limit of the loss, on bipartite graphs", 4, limit_of_the_loss, false, 4}};
  return claim;
}

}  // namespace slicecheck
