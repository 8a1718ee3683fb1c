/// T0: along the flow F(u(s)) = F(u(0)) − ∫‖u'‖², and what follows from it.

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/dynamics.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/flow_checks.h"
#include "slicecheck/claims/flow_judge.h"

namespace slicecheck {

namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();
constexpr double kTolerance = 1e-8;

/// Roundings behind one entry of ∇F: E over at most 3·3 pairs of atoms on at most 8 arcs, some 16 operations each, and the pull-back.
constexpr double kGradientRoundings = 2048.0;

struct Posed {
  FlowProblem problem;
  FlowQuestion question;
};

Posed posed(PointDraws& draws, int size, double shortest, double longest) {
  Posed out{drawn_flow_problem(draws, size), {}};
  out.question = {out.problem.field, out.problem.u0, draws.uniform(shortest, longest), kTolerance, {}};
  return out;
}

std::vector<NamedValues> values_of(const Posed& p, const FlowAnswer& answer) {
  return {named("u0", p.question.u0), named("horizon", p.question.horizon), named("end", answer.points.bottomRows(1).transpose()),
          named("dissipated", answer.dissipated)};
}

Trial energy(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Posed p = posed(draws, size, 0.5, 2.0);
  const FlowAnswer answer = checked_answer(subject, p.question);
  const FiniteValue before = p.problem.value(p.question.u0);
  const FiniteValue after = p.problem.value(answer.points.bottomRows(1).transpose());
  const double terms = 8.0 * static_cast<double>(answer.points.rows()) + 64.0;
  const double allowed =
      energy_error(p.question, answer) + before.error + after.error + tolerance::gamma(terms, kUnitRoundoff) * (before.value + after.value + answer.dissipated);
  Trial trial = trial_of(std::abs(after.value - before.value + answer.dissipated), allowed, values_of(p, answer));
  trial.values.push_back(named("F before", before.value));
  trial.values.push_back(named("F after", after.value));
  trial.counts["paths"] = 1;
  return trial;
}

/// At most `count` stretches: half of them where the solution slides, if there are such.
std::vector<Index> chosen_stretches(PointDraws& draws, const Posed& p, const FlowAnswer& answer, Index count) {
  const Index stretches = answer.points.rows() / 2;
  std::vector<Index> sliding;
  std::vector<Index> out;
  for (Index i = 0; i < stretches; ++i)
    if (!stretch_of(p.question, answer, i).walls.empty()) sliding.push_back(i);
  for (Index k = 0; k < count; ++k) {
    if (k % 2 == 1 && !sliding.empty())
      out.push_back(sliding[draws.below(sliding.size())]);
    else
      out.push_back(static_cast<Index>(draws.below(static_cast<std::uint64_t>(stretches))));
  }
  return out;
}

double length_of(const FlowAnswer& answer, Index i) {
  return answer.times[static_cast<std::size_t>(2 * i + 1)] - answer.times[static_cast<std::size_t>(2 * i)];
}

bool near_a_wall(const FlowField& field, const Eigen::VectorXd& u, const Stretch& stretch) {
  const Eigen::VectorXd h = field.evaluate(u, stretch.sides).switches;
  return std::any_of(h.begin(), h.end(), [](double value) { return std::abs(value) < 1e-6; });
}

/// u'(s) ∈ −∂_C F(u(s)) at both ends of some stretches. Off the walls that is u' = −∇F, taken from the field and, independently of it, from the sum over
/// multisets. Along walls u' is −∇F of any adjacent piece without its normal components, and −u' is in the hull of the pieces.
Trial inclusion(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Posed p = posed(draws, size, 0.5, 2.0);
  const FlowAnswer answer = checked_answer(subject, p.question);
  Trial trial = trial_of(0.0, 1.0, values_of(p, answer));
  double worst = 0.0;
  for (const Index i : chosen_stretches(draws, p, answer, 6)) {
    const Stretch stretch = stretch_of(p.question, answer, i);
    if (stretch.crosses) worst = std::numeric_limits<double>::infinity();
    for (const Index row : {2 * i, 2 * i + 1}) {
      const Eigen::VectorXd u = answer.points.row(row).transpose();
      const Eigen::VectorXd v = answer.velocities.row(row).transpose();
      const double rounding = tolerance::gamma(kGradientRoundings, kUnitRoundoff) * p.problem.slope(u);
      // Both ends within the width of a wall that the solution does not slide on: then its rate is below 2·width/h.
      const double near = stretch.walls.empty() ? 0.0 : 2.0 * stretch.width / length_of(answer, i);
      worst = std::max(worst, (v - stretch_velocity(*p.question.field, u, stretch)).norm() / (rounding + near));
      if (!stretch.walls.empty()) {
        ++trial.counts["rows along a wall"];
        worst = std::max(worst, distance_to_pieces(*p.question.field, u, stretch, v) / (rounding + near));
      }
    }
    // The sum over multisets, where no switch is near 0: it knows nothing of the field.
    const Eigen::VectorXd u = answer.points.row(2 * i).transpose();
    if (p.problem.objective == nullptr || !stretch.walls.empty() || near_a_wall(*p.question.field, u, stretch)) continue;
    const auto gradient = p.problem.objective->gradient(u);
    if (!gradient) continue;
    ++trial.counts["rows against the sum over multisets"];
    const double allowed =
        2.0 * p.problem.objective->subdifferential(u).rounding() + 2.0 * tolerance::gamma(kGradientRoundings, kUnitRoundoff) * p.problem.slope(u);
    worst = std::max(worst, (answer.velocities.row(2 * i).transpose() + *gradient).norm() / allowed);
  }
  trial.judgement.observed = worst;
  return trial;
}

/// Some stretches end where the solution ends that starts where they start.
Trial stretches(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Posed p = posed(draws, size, 0.5, 2.0);
  const FlowAnswer answer = checked_answer(subject, p.question);
  Trial trial = trial_of(0.0, 1.0, values_of(p, answer));
  for (const Index i : chosen_stretches(draws, p, answer, 4)) {
    const Stretch stretch = stretch_of(p.question, answer, i);
    const Eigen::VectorXd from = answer.points.row(2 * i).transpose();
    const double h = length_of(answer, i);
    const double speed = answer.velocities.row(2 * i).norm() + answer.velocities.row(2 * i + 1).norm();
    // The contract; the width of the walls; and the rounding of the point itself.
    const double allowed = p.question.tolerance * h * (1.0 + from.norm()) + 2.0 * stretch.width * static_cast<double>(stretch.walls.size()) +
                           tolerance::gamma(64.0, kUnitRoundoff) * (1.0 + from.norm() + h * speed);
    const Eigen::VectorXd end = follow(*p.question.field, from, stretch, h, 0.1 * allowed);
    trial.judgement.observed = std::max(trial.judgement.observed, (end - answer.points.row(2 * i + 1).transpose()).norm() / (1.1 * allowed));
    if (stretch.crosses) trial.judgement.observed = std::numeric_limits<double>::infinity();
  }
  return trial;
}

/// ‖u(s) − u0‖ ≤ √(s·F(u0)), by Cauchy–Schwarz and F ≥ 0; the points are off by their local errors, and F by what the energy may miss.
Trial ball(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Posed p = posed(draws, size, 0.5, 2.0);
  const FlowAnswer answer = checked_answer(subject, p.question);
  const FiniteValue start = p.problem.value(p.question.u0);
  Trial trial = trial_of(0.0, 1.0, values_of(p, answer));
  trial.judgement.tightness = 0.0;
  for (Index row = 1; row < answer.points.rows(); row += 2) {
    const double s = answer.times[static_cast<std::size_t>(row)];
    const double moved = (answer.points.row(row) - answer.points.row(0)).norm();
    const double bound = std::sqrt(s * start.value);
    const double off = local_errors(p.question, answer, row + 1);
    const double allowed = std::sqrt(s * (start.value + start.error + energy_error(p.question, answer, row + 1))) + off +
                           tolerance::gamma(64.0, kUnitRoundoff) * (1.0 + p.question.u0.norm() + moved);
    trial.judgement.observed = std::max(trial.judgement.observed, moved / allowed);
    if (bound > 0.0) trial.judgement.tightness = std::max(trial.judgement.tightness, moved / bound);
  }
  return trial;
}

/// Lines, translations and kinked quadratics: u(s) is known. None of these flows spreads, but for crossings (`growth`).
Trial closed_form(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Posed p = posed(draws, size, 0.5, 4.0);
  const FlowAnswer answer = checked_answer(subject, p.question);
  Trial trial = trial_of(0.0, 1.0, values_of(p, answer));
  for (Index row = 0; row < answer.points.rows(); ++row) {
    const Eigen::VectorXd exact = p.problem.exact(answer.times[static_cast<std::size_t>(row)]);
    // A wall is met up to 10⁻¹² and the closed form is rounded to a few units of the last place of numbers below 1 + ‖u0‖ + 4.
    const double allowed = p.problem.growth * (local_errors(p.question, answer, row + 1) + 1e-11 * (1.0 + p.question.u0.norm()));
    trial.judgement.observed = std::max(trial.judgement.observed, (answer.points.row(row).transpose() - exact).norm() / allowed);
  }
  return trial;
}

/// Solutions come to rest at critical points: on the line at ±c_n, for translations where the means agree; ∇F is 0 there. After a time S their distance to it
/// is e^{−λS} of what it was, λ = 2 or 2/d.
Trial limit_points(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Posed p = posed(draws, size, 6.0, 10.0);
  const FlowAnswer answer = checked_answer(subject, p.question);
  const Eigen::VectorXd end = answer.points.bottomRows(1).transpose();
  const Eigen::VectorXd limit = p.problem.exact(1e3);
  const double distance = (p.problem.exact(p.question.horizon) - limit).norm();
  const double off = local_errors(p.question, answer) + 1e-11 * (1.0 + p.question.u0.norm());
  const double rounding = tolerance::gamma(kGradientRoundings, kUnitRoundoff) * p.problem.slope(limit);
  Trial trial =
      trial_of(std::max(std::abs((end - limit).norm() - distance) / off, gradient_at(*p.question.field, limit).norm() / rounding), 1.0, values_of(p, answer));
  trial.values.push_back(named("limit", limit));
  return trial;
}

}  // namespace

std::vector<TypedCheck<FlowSubject>> flow_energy_checks() {
  return {{"energy", kFlowProblemKinds, energy, false, 2},
          {"inclusion", kFlowProblemKinds, inclusion, false, 4},
          {"stretches", kFlowProblemKinds, stretches, false, 4},
          {"ball", kFlowProblemKinds, ball, false, 4},
          {"closed forms", 3, closed_form, false, 2},
          {"limit points", 2, limit_points, false, 4}};
}

Claim claim_t0() {
  Claim claim;
  claim.id = "T0";
  claim.title = "the flow loses what it dissipates";
  claim.statement =
      "Solutions of u' ∈ −∂_C F(u) satisfy F(u(s)) = F(u(0)) − ∫‖u'‖², stay within √(s·F(u(0))) of where they start, and come to rest at critical points. "
      "Judged for the two-point line, translations, affine maps, networks with one hidden unit (ReLU or tanh) and kinked quadratics: the identity, the "
      "inclusion off walls and along them, every stretch against a solution of its own, and closed forms where there are some.";
  claim.source = "path differentiability (A7) along solutions; theory/dynamics.md";
  std::get<std::vector<TypedCheck<FlowSubject>>>(claim.typed) = flow_energy_checks();
  return claim;
}

}  // namespace slicecheck
