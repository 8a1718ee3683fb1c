/// T3: solutions of the flow need not be unique; which ones there are.

#include <algorithm>
#include <cmath>
#include <set>

#include "slicecheck/claims/dynamics.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/flow_checks.h"
#include "slicecheck/claims/flow_judge.h"
#include "slicecheck/claims/nonsmooth_criticality.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();
constexpr double kTolerance = 1e-8;
constexpr double kWallWidth = 1e-12;

/// The sides of the switches at u, on no wall.
std::vector<int> sides_off_walls(const FlowField& field, const Eigen::VectorXd& u) {
  std::vector<int> sides = sides_at(field, u);
  if (std::count(sides.begin(), sides.end(), 0) > 0) throw Error("the judge's point is on a wall");
  return sides;
}

Eigen::VectorXd pair(double a, double b) { return Eigen::VectorXd{{a, b}}; }

std::set<std::vector<int>> set_of(const std::vector<std::vector<int>>& sides) { return {sides.begin(), sides.end()}; }

/// Whether the answer follows `exact` at both ends of every stretch, and dissipates ∫‖u'‖² = `dissipated`. The flow does not spread after the tie, so the error
/// of a point is below the sum of the local errors, e; ∫‖u'‖² errs by its own local errors and by what points off by e change: ‖u'‖ ≤ G by at most 2e·λ, λ the
/// largest rate.
template <class Exact>
Trial against(const FlowQuestion& question, const FlowAnswer& answer, const Exact& exact, double dissipated, double largest_rate) {
  double worst = 0.0;
  double speed = 0.0;
  for (Index row = 0; row < answer.points.rows(); ++row) {
    const double allowed = local_errors(question, answer, row + 1) + 1e-11;
    worst = std::max(worst, (answer.points.row(row).transpose() - exact(answer.times[static_cast<std::size_t>(row)])).norm() / allowed);
    speed = std::max(speed, answer.velocities.row(row).norm());
  }
  const double e = local_errors(question, answer) + 1e-11;
  worst = std::max(worst, std::abs(answer.dissipated - dissipated) / (e * (1.0 + 4.0 * question.horizon * largest_rate * (1.0 + speed))));
  Trial trial = trial_of(worst, 1.0, {named("u0", question.u0), named("wait", question.exit.wait), named("horizon", question.horizon)});
  trial.values.push_back(named("end", answer.points.bottomRows(1).transpose()));
  trial.values.push_back(named("end of the solution asked for", exact(question.horizon)));
  trial.values.push_back(named("dissipated", answer.dissipated));
  trial.values.push_back(named("dissipated by it", dissipated));
  return trial;
}

/// From the tie of the line: u = 0 until τ, then ±c_n(1 − e^{−2(s−τ)}); ∫u'² = c_n²(1 − e^{−4(S−τ)}).
Trial line_family(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = 1 + size;
  const double c_n = line_minimiser(n);
  const FlowProblem problem = line_problem(n, 0.0);
  FlowQuestion question{problem.field, problem.u0, draws.uniform(0.5, 3.0), kTolerance, {}};
  const double sign = draws.below(2) == 0 ? 1.0 : -1.0;
  const bool leaves = draws.below(5) != 0;
  const double wait = draws.below(3) == 0 ? 0.0 : draws.uniform(0.0, 1.25) * question.horizon;
  if (leaves) question.exit = {wait, sides_off_walls(*problem.field, Eigen::VectorXd::Constant(1, sign))};
  const FlowAnswer answer = checked_answer(subject, question);
  const auto exact = [&](double s) { return Eigen::VectorXd::Constant(1, leaves && s > wait ? -sign * c_n * std::expm1(-2.0 * (s - wait)) : 0.0).eval(); };
  const double after = leaves ? std::max(0.0, question.horizon - wait) : 0.0;
  Trial trial = against(question, answer, exact, -c_n * c_n * std::expm1(-4.0 * after), 2.0);
  trial.counts[!leaves ? "stay for ever" : wait == 0.0 ? "leave at once" : "wait and leave"] = 1;
  return trial;
}

double differences(const FlowExits& found, const std::set<std::vector<int>>& expected, bool may_wait) {
  const std::set<std::vector<int>> offered = set_of(found.sides);
  double wrong = offered == expected ? 0.0 : 1.0;
  wrong += offered.size() == found.sides.size() ? 0.0 : 1.0;  // one of them twice
  return wrong + (found.may_wait == may_wait ? 0.0 : 1.0);
}

/// The line at 0: both sides and waiting; for n = 1 there is no kink (c_1 = 0) and 0 is at rest. Off 0: the one piece.
Trial line_exits(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = size;
  const bool at_tie = draws.below(3) != 0;
  const double u0 = at_tie ? 0.0 : (draws.below(2) == 0 ? 1.0 : -1.0) * draws.uniform(1e-3, 1.0);
  const FlowProblem problem = line_problem(n, u0);
  const FlowExits found = subject.exits(*problem.field, problem.u0);
  std::set<std::vector<int>> expected;
  if (!at_tie) expected = {sides_off_walls(*problem.field, problem.u0)};
  if (at_tie && n > 1) expected = {{1}, {-1}};
  return trial_of(differences(found, expected, at_tie && n > 1), 0.5, {named("n", static_cast<double>(n)), named("u0", u0)});
}

/// T = ax + b on the line with E x = 0, from a = 0: F = (b − E y)² + V a² − 2κ_±|a| + a constant, V = E x². The waiting solution SLIDES along the tie, b → E y,
/// and at any time it can leave: a = ±(κ_±/V)(1 − e^{−2V(s−τ)}). κ_± is read off F at a = ±1.
Trial sliding_family(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = 1 + size;
  const bool three = draws.below(2) == 0;
  const auto source = three ? std::make_shared<FiniteLaw>("source", Points<double>{{-1.0}, {-0.25}, {1.5}}, std::vector<double>{0.5, 0.25, 0.25})
                            : std::make_shared<FiniteLaw>("source", Points<double>{{-0.5}, {1.5}}, std::vector<double>{0.75, 0.25});
  const double shift = three ? 0.1875 : 0.0;  // E x of the first is −3/16
  Points<double> atoms(source->atom_count(), 1);
  std::vector<double> p;
  double variance = 0.0;
  for (Index k = 0; k < atoms.rows(); ++k) {
    atoms(k, 0) = source->atom(k)[0] + shift;
    p.push_back(source->probability(k));
    variance += p.back() * atoms(k, 0) * atoms(k, 0);
  }
  const FiniteLaw centred("centred", atoms, p);
  const auto target = drawn_law(draws, "target", 1);
  double mean = 0.0;
  for (Index k = 0; k < target->atom_count(); ++k) mean += target->probability(k) * target->atom(k)[0];
  const double b0 = draws.uniform(-2.0, 2.0);
  const FlowProblem problem = expected_loss_problem("affine line", std::make_shared<Affine<double>>(1, 1), centred, *target, n, pair(0.0, b0));
  const double sign = draws.below(2) == 0 ? 1.0 : -1.0;
  const auto f = [&](double a) { return problem.objective->value(pair(a, mean)).value; };
  const double kappa = 0.5 * (f(0.0) + variance - f(sign));
  FlowQuestion question{problem.field, problem.u0, draws.uniform(0.5, 2.0), kTolerance, {}};
  const bool leaves = draws.below(4) != 0;
  const double wait = draws.below(3) == 0 ? 0.0 : draws.uniform(0.0, 1.0) * question.horizon;
  if (leaves) question.exit = {wait, sides_off_walls(*problem.field, pair(sign, b0))};
  const FlowAnswer answer = checked_answer(subject, question);
  const double after = leaves ? std::max(0.0, question.horizon - wait) : 0.0;
  const auto exact = [&](double s) {
    const double a = leaves && s > wait ? -sign * kappa / variance * std::expm1(-2.0 * variance * (s - wait)) : 0.0;
    return pair(a, mean + (b0 - mean) * std::exp(-2.0 * s));
  };
  const double dissipated = -(b0 - mean) * (b0 - mean) * std::expm1(-4.0 * question.horizon) - kappa * kappa / variance * std::expm1(-4.0 * variance * after);
  return against(question, answer, exact, dissipated, 2.0 * std::max(1.0, variance));
}

/// A problem on the line with a wall at u0. Kinds, by size: 1 an affine map with slope 0 (all images tied), 2 a tanh network with two tied images, 3 the same
/// with ReLU, 4 a ReLU network with a kink.
FlowProblem tied_problem(PointDraws& draws, int size) {
  const auto source = drawn_law(draws, "source", 1);
  const auto target = drawn_law(draws, "target", 1);
  const Index n = 2 + static_cast<Index>(draws.below(2));
  if (size == 1) {
    // A shift of b moves the pull across the tie, 2 E x (b − E y), so that some are crossed.
    const Eigen::VectorXd u0 = pair(0.0, draws.uniform(-3.0, 3.0));
    return expected_loss_problem("affine line", std::make_shared<Affine<double>>(1, 1), *source, *target, n, u0);
  }
  const Activation act = size == 2 ? Activation::tanh : Activation::relu;
  // u = (w, b, (W_x, W_h), c): T = W_x x + W_h act(wx + b) + c.
  Eigen::VectorXd u(5);
  for (double& entry : u) entry = draws.normal();
  const double first = source->atom(0)[0];
  const double second = source->atom(1)[0];
  if (size == 4)
    u[1] = -u[0] * first;
  else
    u[2] = -u[3] * (activate(act, u[0] * first + u[1]) - activate(act, u[0] * second + u[1])) / (first - second);
  return expected_loss_problem("one unit", std::make_shared<DenseMlp<double>>(1, std::vector<Index>{1}, 1, act), *source, *target, n, u);
}

/// The pieces around u0 and their velocities, from F summed over multisets at points inside the pieces: the limit along a direction w of the piece is
/// 2∇F(u0 + εw/2) − ∇F(u0 + εw) up to O(ε²), ε = 2⁻¹³.
struct Surroundings {
  std::vector<Index> walls;
  Eigen::MatrixXd normals;  // unit columns
  std::vector<std::vector<int>> sides;
  Points<double> gradients;
  std::string undecided;  // not empty: why
};

Surroundings surroundings_of(const FlowProblem& problem) {
  Surroundings out;
  const FlowField& field = *problem.field;
  const Eigen::VectorXd& u = problem.u0;
  std::vector<int> sides = sides_at(field, u);
  for (int& side : sides) side = side == 0 ? 1 : side;
  const Eigen::VectorXd h = field.evaluate(u, sides).switches;
  std::vector<Eigen::VectorXd> normals;
  for (Index j = 0; j < h.size(); ++j) {
    const Eigen::VectorXd normal = field.switch_gradient(u, j, sides);
    if (std::abs(h[j]) <= kWallWidth * (1.0 + normal.norm())) {
      out.walls.push_back(j);
      normals.push_back(normal.normalized());
    } else if (std::abs(h[j]) <= 1e-2 * (1.0 + normal.norm())) {
      out.undecided = "another wall is near";
    }
  }
  if (out.walls.empty()) out.undecided = "no wall at u0";
  if (!out.undecided.empty()) return out;
  out.normals.resize(u.size(), static_cast<Index>(normals.size()));
  for (std::size_t i = 0; i < normals.size(); ++i) out.normals.col(static_cast<Index>(i)) = normals[i];
  for (Index piece = 0; piece < (Index{1} << out.walls.size()); ++piece) {
    Points<double> rows = out.normals.transpose();
    for (std::size_t i = 0; i < out.walls.size(); ++i) {
      const int side = ((piece >> i) & 1) != 0 ? 1 : -1;
      sides[static_cast<std::size_t>(out.walls[i])] = side;
      rows.row(static_cast<Index>(i)) *= side;
    }
    const StrictDirection inside = strict_direction(rows);
    if (inside.margin <= 1e-9) continue;  // no such piece
    if (inside.margin < 1e-2) {
      out.undecided = "a piece is narrow";
      return out;
    }
    constexpr double kStep = 0x1p-13;
    const auto near = problem.objective->gradient(u + 0.5 * kStep * inside.direction);
    const auto far = problem.objective->gradient(u + kStep * inside.direction);
    if (!near || !far) {
      out.undecided = "no gradient inside a piece";
      return out;
    }
    out.sides.push_back(sides);
    out.gradients.conservativeResize(static_cast<Index>(out.sides.size()), u.size());
    out.gradients.bottomRows(1) = (2.0 * *near - *far).transpose();
  }
  return out;
}

/// Which pieces can be entered at once, by enumeration: those whose own velocity points off every wall, into them. And whether a solution can wait: others can
/// leave, and the velocity of smallest norm is tangent to a wall.
Trial exits_of(const FlowSubject& subject, PointDraws& draws, int size) {
  const FlowProblem problem = tied_problem(draws, size);
  const Surroundings around = surroundings_of(problem);
  if (!around.undecided.empty()) return skipped_trial(around.undecided);
  const double scale = 1e-4 * (1.0 + around.gradients.rowwise().norm().maxCoeff());  // far above ε² and far below what is drawn
  std::set<std::vector<int>> expected;
  for (std::size_t i = 0; i < around.sides.size(); ++i) {
    const Eigen::VectorXd rates = -around.normals.transpose() * around.gradients.row(static_cast<Index>(i)).transpose();
    bool enters = true;
    for (std::size_t w = 0; w < around.walls.size(); ++w) {
      const double rate = around.sides[i][static_cast<std::size_t>(around.walls[w])] * rates[static_cast<Index>(w)];
      if (std::abs(rate) <= scale) return skipped_trial("a velocity is nearly tangent to a wall");
      enters = enters && rate > 0.0;
    }
    if (enters) expected.insert(around.sides[i]);
  }
  const Eigen::VectorXd smallest = minimum_norm_point(PointHull(around.gradients), {.gap = 0.0, .iterations = 1000}).point;
  const bool may_wait = !expected.empty() && (around.normals.transpose() * smallest).cwiseAbs().minCoeff() <= scale;
  Trial trial = trial_of(differences(subject.exits(*problem.field, problem.u0), expected, may_wait), 0.5, {named("u0", problem.u0)});
  trial.values.push_back({"atoms", problem.objective->inputs()});
  trial.values.push_back({"gradients of the pieces", around.gradients});
  ++trial.counts[may_wait ? "ties that can be left or waited on" : expected.empty() ? "walls that hold" : "walls that are crossed"];
  return trial;
}

/// At a wall that is crossed the solution is unique: the one exit asked for by name, without waiting, is the solution that no one asked for.
Trial crossing(const FlowSubject& subject, PointDraws& draws, int size) {
  const FlowProblem problem = tied_problem(draws, size);
  const Surroundings around = surroundings_of(problem);
  if (!around.undecided.empty()) return skipped_trial(around.undecided);
  if (around.sides.size() != 2) return skipped_trial("several walls meet");
  Eigen::Vector2d rates;
  for (Index i = 0; i < 2; ++i) rates[i] = -around.normals.col(0).dot(around.gradients.row(i).transpose());
  const double scale = 1e-2 * (1.0 + around.gradients.rowwise().norm().maxCoeff());
  if (rates.cwiseAbs().minCoeff() <= scale || (rates[0] > 0.0) != (rates[1] > 0.0)) return skipped_trial("the wall is not crossed");
  // Out of the wall along the rate: the piece on that side.
  const std::size_t ahead = (around.sides[0][static_cast<std::size_t>(around.walls[0])] > 0) == (rates[0] > 0.0) ? 0 : 1;
  FlowQuestion question{problem.field, problem.u0, 0x1p-4, kTolerance, {}};
  const FlowAnswer unasked = checked_answer(subject, question);
  question.exit.sides = around.sides[ahead];
  const FlowAnswer asked = checked_answer(subject, question);
  const Eigen::VectorXd v = -around.gradients.row(static_cast<Index>(ahead)).transpose();
  const double speed = std::max(unasked.velocities.rowwise().norm().maxCoeff(), asked.velocities.rowwise().norm().maxCoeff());
  // Both start with the velocity of the piece ahead, and end at one point: two errors, which a short time spreads little (a factor of 2 for rates up to 11).
  const double off = 2.0 * (local_errors(question, unasked) + local_errors(question, asked)) + 1e-11 * (1.0 + speed + problem.u0.norm());
  const double apart = (unasked.points.bottomRows(1) - asked.points.bottomRows(1)).norm() / off;
  const double start = std::max((unasked.velocities.row(0).transpose() - v).norm(), (asked.velocities.row(0).transpose() - v).norm()) / scale;
  Trial trial = trial_of(std::max(apart, start), 1.0, {named("u0", problem.u0), named("velocity ahead", v)});
  trial.values.push_back(named("velocity", unasked.velocities.row(0).transpose()));
  return trial;
}

/// Problems are drawn until one can be judged, 64 at most.
template <Trial (*judge)(const FlowSubject&, PointDraws&, int)>
Trial first_judged(const FlowSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  Trial trial = judge(subject, draws, size);
  for (int attempt = 1; attempt < 64 && !trial.judgement.skipped.empty(); ++attempt) trial = judge(subject, draws, size);
  return trial;
}

}  // namespace

std::vector<TypedCheck<FlowSubject>> flow_family_checks() {
  return {{"the family of the line", 5, line_family, false, 2},
          {"exits of the line", 5, line_exits, false, 2},
          {"the family that slides", 3, sliding_family, false, 2},
          {"exits of ties and kinks", 4, first_judged<exits_of>},
          {"crossings", 4, first_judged<crossing>, false, 2}};
}

Claim claim_t3() {
  Claim claim;
  claim.id = "T3";
  claim.title = "solutions of the flow are not unique";
  claim.statement =
      "From the tie of the two-point line every u(s) = ±c_n(1 − e^{−2(s−τ)}) after waiting for a time τ ∈ [0, ∞] is a solution, n ≥ 2. A tie or kink can be "
      "left "
      "into the pieces of F whose own velocity points into them; it can be waited on where there are such pieces and the velocity of smallest norm is tangent "
      "to it (then the waiting solution slides along it, or rests); elsewhere it is crossed, in one way. Judged on the line, on affine maps and on networks "
      "with one hidden unit, against an enumeration of the pieces.";
  claim.source = "theory/dynamics.md";
  std::get<std::vector<TypedCheck<FlowSubject>>>(claim.typed) = flow_family_checks();
  return claim;
}

}  // namespace slicecheck
