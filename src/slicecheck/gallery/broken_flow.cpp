#include "slicecheck/gallery/broken_flow.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "slicecheck/claims/flow_judge.h"

namespace slicecheck {

namespace {

enum class Flaw {
  none,
  ascent,
  half_speed,
  walls_ignored,
  stops_at_walls,
  jumps_through_walls,
  mean_of_the_pieces,
  sticks_to_every_wall,
  velocity_of_one_piece,
  coarse_euler,
  dissipation_of_the_norm,
  no_waiting,
  one_side_only,
  every_piece_is_an_exit,
  waits_at_crossings,
  waiting_overlooked,
};

/// The field with its gradient multiplied by a factor.
class ScaledField final : public FlowField {
 public:
  ScaledField(const FlowField& field, double factor) : field_(field), factor_(factor) {}
  [[nodiscard]] Index parameters() const override { return field_.parameters(); }
  [[nodiscard]] Index switches() const override { return field_.switches(); }
  [[nodiscard]] std::string switch_name(Index j) const override { return field_.switch_name(j); }
  [[nodiscard]] PieceValue evaluate(VectorView<double> u, const std::vector<int>& sides) const override {
    PieceValue out = field_.evaluate(u, sides);
    out.gradient *= factor_;
    return out;
  }
  [[nodiscard]] Eigen::VectorXd switch_gradient(VectorView<double> u, Index j, const std::vector<int>& sides) const override {
    return field_.switch_gradient(u, j, sides);
  }

 private:
  const FlowField& field_;
  double factor_;
};

/// A smooth field without walls: one piece everywhere, the mean of the two pieces at a wall, or one piece without its component normal to a wall.
class SmoothField final : public FlowField {
 public:
  enum class Along { piece, mean, tangent };
  SmoothField(const FlowField& field, std::vector<int> sides, Index wall = 0, Along along = Along::piece)
      : field_(field), sides_(std::move(sides)), wall_(wall), along_(along) {}
  [[nodiscard]] Index parameters() const override { return field_.parameters(); }
  [[nodiscard]] Index switches() const override { return 0; }
  [[nodiscard]] std::string switch_name(Index j) const override { return field_.switch_name(j); }
  [[nodiscard]] PieceValue evaluate(VectorView<double> u, const std::vector<int>& /*sides*/) const override {
    PieceValue out = field_.evaluate(u, sides_);
    if (along_ == Along::mean) {
      std::vector<int> others = sides_;
      others[static_cast<std::size_t>(wall_)] *= -1;
      out.gradient = 0.5 * (out.gradient + field_.evaluate(u, others).gradient);
    }
    if (along_ == Along::tangent) {
      const Eigen::VectorXd normal = field_.switch_gradient(u, wall_, sides_).normalized();
      out.gradient -= normal.dot(out.gradient) * normal;
    }
    out.switches.resize(0);
    return out;
  }
  [[nodiscard]] Eigen::VectorXd switch_gradient(VectorView<double> u, Index j, const std::vector<int>& /*sides*/) const override {
    return field_.switch_gradient(u, j, sides_);
  }

 private:
  const FlowField& field_;
  std::vector<int> sides_;
  Index wall_;
  Along along_;
};

std::vector<int> definite_sides(const FlowField& field, const Eigen::VectorXd& u) {
  std::vector<int> sides = sides_at(field, u);
  for (int& side : sides) side = side == 0 ? 1 : side;
  return sides;
}

/// What runs away is given up: right paths take a few hundred steps.
FlowSettings settings_of(const FlowQuestion& q) {
  FlowSettings settings = flow_settings(q);
  settings.most_steps = 3000;
  return settings;
}

/// The answer up to time t, then what `rest` gives.
FlowAnswer continued(const FlowQuestion& q, const FlowPath& path, double t, const FlowField& rest) {
  FlowAnswer answer = flow_answer(path);
  Index rows = 0;
  while (rows < answer.points.rows() && answer.times[static_cast<std::size_t>(rows + 1)] <= t) rows += 2;
  const Eigen::VectorXd u = rows == 0 ? q.u0 : Eigen::VectorXd(answer.points.row(rows - 1).transpose());
  double dissipated = rows == 0 ? 0.0 : path.steps()[static_cast<std::size_t>(rows / 2 - 1)].dissipated;
  answer.times.resize(static_cast<std::size_t>(rows));
  answer.points.conservativeResize(rows, Eigen::NoChange);
  answer.velocities.conservativeResize(rows, Eigen::NoChange);
  if (t < q.horizon) {
    FlowSettings settings = settings_of(q);
    settings.horizon = q.horizon - t;
    const FlowAnswer more = flow_answer(solve_flow(rest, u, settings));
    for (const double s : more.times) answer.times.push_back(std::min(q.horizon, t + s));
    const Index all = rows + more.points.rows();
    answer.points.conservativeResize(all, Eigen::NoChange);
    answer.velocities.conservativeResize(all, Eigen::NoChange);
    answer.points.bottomRows(more.points.rows()) = more.points;
    answer.velocities.bottomRows(more.points.rows()) = more.velocities;
    dissipated += more.dissipated;
    answer.times.back() = q.horizon;
  }
  answer.dissipated = dissipated;
  return answer;
}

std::optional<FlowEvent> first_event(const FlowPath& path, bool crossings_too) {
  for (const FlowEvent& event : path.events())
    if (event.kind == FlowEvent::Kind::stuck || (crossings_too && event.kind == FlowEvent::Kind::crossed)) return event;
  return std::nullopt;
}

/// The piece that the solution comes from.
std::vector<int> sides_before(const FlowQuestion& q, const FlowPath& path, double t) {
  Eigen::VectorXd u = q.u0;
  for (const auto& step : path.steps())
    if (step.from < t) u = step.u_from;
  return definite_sides(*q.field, u);
}

/// What happens at the first wall that holds the solution (or, for one flaw, at the first wall).
FlowAnswer wrong_at_walls(Flaw flaw, const FlowQuestion& q) {
  const FlowPath path = solve_flow(*q.field, q.u0, settings_of(q), q.exit);
  if (!q.exit.sides.empty()) return flow_answer(path);
  std::optional<FlowEvent> event = first_event(path, flaw == Flaw::sticks_to_every_wall);
  if (flaw == Flaw::sticks_to_every_wall) {
    const std::vector<int> at_start = sides_at(*q.field, q.u0, 1e-12);
    const auto wall = std::find(at_start.begin(), at_start.end(), 0);
    if (wall != at_start.end()) event = FlowEvent{0.0, static_cast<Index>(wall - at_start.begin()), FlowEvent::Kind::stuck};
  }
  if (!event) return flow_answer(path);
  std::vector<int> sides = sides_before(q, path, event->time);
  switch (flaw) {
    case Flaw::stops_at_walls: return continued(q, path, event->time, ScaledField(*q.field, 0.0));
    case Flaw::jumps_through_walls: sides[static_cast<std::size_t>(event->wall)] *= -1; return continued(q, path, event->time, SmoothField(*q.field, sides));
    case Flaw::mean_of_the_pieces: return continued(q, path, event->time, SmoothField(*q.field, sides, event->wall, SmoothField::Along::mean));
    default: return continued(q, path, event->time, SmoothField(*q.field, sides, event->wall, SmoothField::Along::tangent));
  }
}

FlowAnswer coarse_euler(const FlowQuestion& q) {
  const auto steps = static_cast<Index>(std::ceil(16.0 * q.horizon));
  const double h = q.horizon / static_cast<double>(steps);
  FlowAnswer answer;
  answer.points.resize(2 * steps, q.u0.size());
  answer.velocities.resize(2 * steps, q.u0.size());
  Eigen::VectorXd u = q.u0;
  for (Index t = 0; t < steps; ++t) {
    const Eigen::VectorXd v = -gradient_at(*q.field, u);
    answer.times.push_back(static_cast<double>(t) * h);
    answer.times.push_back(t + 1 == steps ? q.horizon : static_cast<double>(t + 1) * h);
    answer.points.row(2 * t) = u.transpose();
    answer.velocities.row(2 * t) = v.transpose();
    u += h * v;
    answer.points.row(2 * t + 1) = u.transpose();
    answer.velocities.row(2 * t + 1) = -gradient_at(*q.field, u).transpose();
    answer.dissipated += h * v.squaredNorm();
  }
  return answer;
}

FlowAnswer solve(Flaw flaw, const FlowQuestion& q) {
  FlowExit exit = q.exit;
  switch (flaw) {
    case Flaw::ascent:
    case Flaw::half_speed:
      if (!exit.sides.empty()) break;
      return flow_answer(solve_flow(ScaledField(*q.field, flaw == Flaw::ascent ? -1.0 : 0.5), q.u0, settings_of(q)));
    case Flaw::walls_ignored:
      if (!exit.sides.empty()) break;
      return flow_answer(solve_flow(SmoothField(*q.field, definite_sides(*q.field, q.u0)), q.u0, settings_of(q)));
    case Flaw::stops_at_walls:
    case Flaw::jumps_through_walls:
    case Flaw::mean_of_the_pieces:
    case Flaw::sticks_to_every_wall: return wrong_at_walls(flaw, q);
    case Flaw::coarse_euler:
      if (!exit.sides.empty()) break;
      return coarse_euler(q);
    case Flaw::no_waiting: exit.wait = 0.0; break;
    case Flaw::one_side_only:
      if (!exit.sides.empty()) exit.sides = flow_exits(*q.field, q.u0).front();
      break;
    default: break;
  }
  FlowAnswer answer = flow_answer(solve_flow(*q.field, q.u0, settings_of(q), exit));
  const auto stretches = answer.points.rows() / 2;
  if (flaw == Flaw::velocity_of_one_piece) {
    for (Index i = 0; i < stretches; ++i) {
      const Stretch stretch = stretch_of(q, answer, i);
      if (stretch.walls.empty()) continue;
      for (const Index row : {2 * i, 2 * i + 1})
        answer.velocities.row(row) = -q.field->evaluate(answer.points.row(row).transpose(), stretch.sides).gradient.transpose();
    }
  }
  if (flaw == Flaw::dissipation_of_the_norm) {
    answer.dissipated = 0.0;
    for (Index i = 0; i < stretches; ++i)
      answer.dissipated += 0.5 * (answer.times[static_cast<std::size_t>(2 * i + 1)] - answer.times[static_cast<std::size_t>(2 * i)]) *
                           (answer.velocities.row(2 * i).norm() + answer.velocities.row(2 * i + 1).norm());
  }
  return answer;
}

FlowExits exits(Flaw flaw, const FlowField& field, const Eigen::VectorXd& u0) {
  FlowExits out{flow_may_wait(field, u0), flow_exits(field, u0)};
  const std::vector<int> at = sides_at(field, u0, 1e-12);
  const bool on_wall = std::count(at.begin(), at.end(), 0) > 0;
  if (flaw == Flaw::one_side_only && out.sides.size() > 1) out.sides.resize(1);
  if (flaw == Flaw::waits_at_crossings) out.may_wait = on_wall;
  if (flaw == Flaw::waiting_overlooked) out.may_wait = false;
  if (flaw == Flaw::every_piece_is_an_exit && on_wall) {
    out.sides = {at};
    for (std::size_t j = 0; j < at.size(); ++j) {
      if (at[j] != 0) continue;
      std::vector<std::vector<int>> both;
      for (std::vector<int> sides : out.sides)
        for (const int side : {-1, 1}) {
          sides[j] = side;
          both.push_back(sides);
        }
      out.sides = std::move(both);
    }
  }
  return out;
}

FlowSubject subject(const std::string& name, const std::string& title, Flaw flaw) {
  return {"gallery/" + name, title, [flaw](const FlowQuestion& q) { return solve(flaw, q); },
          [flaw](const FlowField& field, const Eigen::VectorXd& u0) { return exits(flaw, field, u0); }};
}

}  // namespace

FlowSubject repaired_flow() { return subject("repaired-flow", "the gallery's solver of the flow without a defect", Flaw::none); }

std::vector<FlowDefect> broken_flows() {
  struct Entry {
    const char* name;
    const char* title;
    Flaw flaw;
  };
  const Entry entries[] = {
      {"flow-ascends", "the flow of +∇F", Flaw::ascent},
      {"flow-at-half-speed", "u' = −∇F/2: the same curve, too slowly", Flaw::half_speed},
      {"walls-ignored", "the gradient of the first piece is used beyond its walls", Flaw::walls_ignored},
      {"stops-at-walls", "the solution rests where it should slide along a wall", Flaw::stops_at_walls},
      {"jumps-through-walls", "the solution goes through a wall that holds it", Flaw::jumps_through_walls},
      {"mean-of-the-pieces", "along a wall the mean of the two gradients, which leads off it", Flaw::mean_of_the_pieces},
      {"sticks-to-every-wall", "every wall is slid along, also one that is crossed", Flaw::sticks_to_every_wall},
      {"velocity-of-one-piece", "along a wall the reported velocity is −∇F of one piece, not u'", Flaw::velocity_of_one_piece},
      {"coarse-euler-steps", "Euler steps of length 1/16, whatever the tolerance", Flaw::coarse_euler},
      {"dissipation-of-the-norm", "∫‖u'‖ for ∫‖u'‖²", Flaw::dissipation_of_the_norm},
      {"flow-without-waiting", "solutions leave a tie at once, however long they should wait", Flaw::no_waiting},
      {"flow-to-one-side", "of the ways out of a tie only one is known", Flaw::one_side_only},
      {"every-piece-is-an-exit", "all pieces at a wall are taken for ways out, also those whose velocity leads back", Flaw::every_piece_is_an_exit},
      {"waits-at-crossings", "every wall is said to be one that a solution can wait on", Flaw::waits_at_crossings},
      {"waiting-overlooked", "no wall is said to be one that a solution can wait on", Flaw::waiting_overlooked},
  };
  std::vector<FlowDefect> gallery;
  for (const Entry& entry : entries) gallery.push_back({entry.name, entry.title, subject(entry.name, entry.title, entry.flaw)});
  return gallery;
}

}  // namespace slicecheck
