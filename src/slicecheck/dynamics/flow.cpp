#include "slicecheck/dynamics/flow.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/flow_walls.h"

namespace slicecheck {

namespace {

constexpr std::size_t kMostSearched = 6;  // walls of a corner: 3^6 ways to leave it

/// Relative rounding of an estimate of the local error: ten terms of size h‖u'‖ or h‖u'‖², with velocities that are sums themselves, 2¹⁰ roundings in all.
constexpr double kStepRounding = 0x1p-43;

// Dormand and Prince's pair of orders 5 and 4.
constexpr std::array<std::array<double, 6>, 6> kStage{{{1.0 / 5.0, 0, 0, 0, 0, 0},
                                                       {3.0 / 40.0, 9.0 / 40.0, 0, 0, 0, 0},
                                                       {44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0, 0, 0},
                                                       {19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0, 0, 0},
                                                       {9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0, 0},
                                                       {35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0}}};
constexpr std::array<double, 7> kFourth{5179.0 / 57600.0, 0.0, 7571.0 / 16695.0, 393.0 / 640.0, -92097.0 / 339200.0, 187.0 / 2100.0, 1.0 / 40.0};
/// u half way through the step, of order 4 (Shampine 1986): u + h/2 Σ kHalf_i k_i.
constexpr std::array<double, 7> kHalf{6025192743.0 / 30085553152.0,     0.0,
                                      51252292925.0 / 65400821598.0,    -2691868925.0 / 45128329728.0,
                                      187940372067.0 / 1594534317056.0, -1776094331.0 / 19743644256.0,
                                      11237099.0 / 235043384.0};

}  // namespace

double FlowPath::largest_speed() const {
  double speed = 0.0;
  for (const Step& step : steps_) speed = std::max({speed, step.velocity_from.norm(), step.velocity_to.norm()});
  return speed;
}

Eigen::VectorXd FlowPath::at(double s) const {
  if (!(s >= 0.0 && s <= horizon())) reject("flow: the time is {}; the solution is known from 0 to {}", s, horizon());
  const auto found = std::lower_bound(steps_.begin(), steps_.end(), s, [](const Step& step, double time) { return step.to < time; });
  const Step& step = found == steps_.end() ? steps_.back() : *found;
  const double h = step.to - step.from;
  if (!(h > 0.0)) return step.u_to;
  const double t = std::clamp((s - step.from) / h, 0.0, 1.0);
  const double r = 1.0 - t;
  return (r * r * (1.0 + 2.0 * t)) * step.u_from + (t * t * (1.0 + 2.0 * r)) * step.u_to + (h * t * r * r) * step.velocity_from -
         (h * t * t * r) * step.velocity_to;
}

/// One solution under way.
class FlowSolver {
 public:
  FlowSolver(const FlowField& field, VectorView<double> u0, const FlowSettings& settings, const FlowExit& exit)
      : field_(field), settings_(settings), exit_(exit), u_(u0) {
    sides_ = sides_at(field, u_);
    for (int& side : sides_) side = side == 0 ? 1 : side;
    path_.start_value_ = field.evaluate(u_, sides_).value;
    step_ = settings.largest_step;
    waiting_ = !exit.sides.empty();
    if (waiting_ && exit.wait == 0.0)
      leave();
    else
      settle(walls_at(field_, u_, sides_, settings_.wall_width));
    if (waiting_ && walls_.empty()) reject("flow: no wall holds a solution at u0, so that none waits there until s = {}", exit.wait);
  }

  FlowPath run() {
    for (std::uint64_t steps = 0; time_ < settings_.horizon; ++steps) {
      if (steps >= settings_.most_steps) throw Error(fmt::format("flow: {} steps reach only s = {} of {}", steps, time_, settings_.horizon));
      advance();
      if (waiting_ && time_ >= exit_.wait) leave();
      if (waiting_ && walls_.empty()) reject("flow: the walls let go at s = {}, before the waiting time {} is over", time_, exit_.wait);
    }
    return std::move(path_);
  }

 private:
  struct Trial {
    Eigen::VectorXd u;
    Eigen::VectorXd first;  // velocity at the start
    Eigen::VectorXd last;   // velocity at the end, in the same piece
    double dissipated = 0.0;
    double error = 0.0;
    double rounding = 0.0;  // of `error`
    PieceValue at_end;      // at u, before it is moved back to walls
  };

  [[nodiscard]] Eigen::VectorXd velocity(const Eigen::VectorXd& u, const PieceValue& at_u) const {
    if (walls_.empty()) return -at_u.gradient;
    return tangential(normals(field_, u, sides_, walls_), -at_u.gradient);
  }
  [[nodiscard]] Eigen::VectorXd velocity(const Eigen::VectorXd& u) const { return velocity(u, field_.evaluate(u, sides_)); }

  [[nodiscard]] Trial attempt(double h) const {
    std::array<Eigen::VectorXd, 7> k;
    k[0] = velocity_;
    std::array<double, 7> speed{k[0].squaredNorm()};
    Eigen::VectorXd u = u_;
    PieceValue at_end;
    for (std::size_t stage = 0; stage < 6; ++stage) {
      u = u_;
      for (std::size_t i = 0; i <= stage; ++i)
        if (kStage[stage][i] != 0.0) u += (h * kStage[stage][i]) * k[i];
      at_end = field_.evaluate(u, sides_);
      k[stage + 1] = velocity(u, at_end);
      speed[stage + 1] = k[stage + 1].squaredNorm();
    }
    Trial trial{u, k[0], k[6], 0.0, 0.0, 0.0, std::move(at_end)};
    Eigen::VectorXd difference = Eigen::VectorXd::Zero(u.size());
    double difference_of_dissipation = 0.0;
    for (std::size_t i = 0; i < 7; ++i) {
      const double fifth = i < 6 ? kStage[5][i] : 0.0;
      trial.dissipated += h * fifth * speed[i];
      difference += (h * (fifth - kFourth[i])) * k[i];
      difference_of_dissipation += h * (fifth - kFourth[i]) * speed[i];
    }
    trial.error = std::hypot(difference.norm(), difference_of_dissipation);
    // A second estimate of order h⁵, from a velocity that no stage has seen: Simpson's rule. The first alone is small by chance where the field is steep on the
    // scale of a step, next to images that coincide.
    Eigen::VectorXd middle = u_;
    for (std::size_t i = 0; i < 7; ++i)
      if (kHalf[i] != 0.0) middle += (0.5 * h * kHalf[i]) * k[i];
    const Eigen::VectorXd half = velocity(middle);
    Eigen::VectorXd increment = Eigen::VectorXd::Zero(u.size());  // not trial.u − u_, whose rounding does not shrink with h
    for (std::size_t i = 0; i < 6; ++i)
      if (kStage[5][i] != 0.0) increment += (h * kStage[5][i]) * k[i];
    const double off = (increment - (h / 6.0) * (k[0] + 4.0 * half + k[6])).norm();
    const double off_dissipation = trial.dissipated - (h / 6.0) * (speed[0] + 4.0 * half.squaredNorm() + speed[6]);
    trial.error = std::max(trial.error, std::hypot(off, off_dissipation));
    const double fastest = std::sqrt(*std::max_element(speed.begin(), speed.end()));
    trial.rounding = kStepRounding * h * fastest * (1.0 + fastest);
    return trial;
  }

  /// A step of length h, once made, ends beyond a wall that the solution does not slide on, or was beyond it for a while.
  [[nodiscard]] bool passed(const Trial& trial, double h) const {
    const Eigen::VectorXd& after = trial.at_end.switches;
    for (Index j = 0; j < after.size(); ++j)
      if (!sliding_on(j) && (after[j] * sides_[static_cast<std::size_t>(j)] < 0.0 || dips(j, after[j], trial, h))) return true;
    return false;
  }

  /// The switch nears 0 at the start of the step, moves away from it at the end, and the cubic with its values and rates at both ends is beyond 0 in between.
  [[nodiscard]] bool dips(Index j, double after, const Trial& trial, double h) const {
    const auto number = static_cast<std::size_t>(j);
    const double p0 = sides_[number] * switches_[j];
    const double m0 = h * sides_[number] * switch_rates_[j];
    if (!(p0 > 0.0 && m0 < 0.0 && p0 + 2.0 * m0 < 0.0)) return false;  // going away, or too far off for a convex curve, and one that bends a little
    const double p1 = sides_[number] * after;
    const double m1 = h * sides_[number] * field_.switch_gradient(trial.u, j, sides_).dot(trial.last);
    if (!(m1 > 0.0)) return false;
    // p(t) = p0 + m0 t + b t² + a t³ has its only minimum in (0, 1), as p'(0) < 0 < p'(1).
    const double a = 2.0 * (p0 - p1) + m0 + m1;
    const double b = 3.0 * (p1 - p0) - 2.0 * m0 - m1;
    const double root = std::sqrt(std::max(0.0, b * b - 3.0 * a * m0));
    const double t = b + root > 0.0 ? -m0 / (b + root) : (root - b) / (3.0 * a);
    return t > 0.0 && t < 1.0 && p0 + t * (m0 + t * (b + t * a)) < 0.0;
  }

  /// What `attempt` and `dips` know of the start of a step.
  void look_around() {
    if (!here_) here_ = field_.evaluate(u_, sides_);
    velocity_ = velocity(u_, *here_);
    switches_ = here_->switches;
    switch_rates_ = Eigen::VectorXd::Zero(switches_.size());
    for (Index j = 0; j < switches_.size(); ++j)
      if (!sliding_on(j)) switch_rates_[j] = field_.switch_gradient(u_, j, sides_).dot(velocity_);
    fresh_ = true;
  }

  [[nodiscard]] bool sliding_on(Index wall) const { return std::find(walls_.begin(), walls_.end(), wall) != walls_.end(); }

  /// The pieces at the walls no longer hold the solution there: the point of smallest norm is not tangent.
  [[nodiscard]] bool released(const Eigen::VectorXd& u) const {
    if (walls_.empty()) return false;
    const Eigen::VectorXd smallest = -smallest_gradient(piece_gradients(field_, u, sides_, walls_));
    const Eigen::MatrixXd n = normals(field_, u, sides_, walls_);
    for (Index i = 0; i < n.cols(); ++i)
      if (is_rate(n.col(i), smallest)) return true;
    return false;
  }

  [[nodiscard]] bool is_rate(const Eigen::VectorXd& normal, const Eigen::VectorXd& velocity) const {
    return std::abs(normal.dot(velocity)) > kRateRounding * normal.norm() * (velocity.norm() + scale_);
  }

  void advance() {
    const double end = waiting_ ? std::min(settings_.horizon, exit_.wait) : settings_.horizon;
    double h = std::min({step_, settings_.largest_step, end - time_});
    const bool last = h >= end - time_;
    if (!fresh_) look_around();
    Trial trial = attempt(h);
    const double allowed = settings_.tolerance * h * (1.0 + u_.norm()) + trial.rounding;
    if (!(trial.error <= allowed)) {
      step_ = h * std::clamp(0.9 * std::pow(allowed / trial.error, 0.25), 0.1, 0.9);
      if (!(step_ > 1e-13 * (1.0 + time_))) throw Error(fmt::format("flow: the step size collapsed at s = {}", time_));
      return;
    }
    const bool event = passed(trial, h) || released(trial.u);
    if (event) {
      // The largest part of the step that stays this side of everything, and the smallest found that does not.
      double before = 0.0;
      double after = h;
      while (after - before > 1e-15 * (1.0 + time_) && after - before > 1e-13 * h) {
        const double middle = 0.5 * (before + after);
        Trial shorter = attempt(middle);
        if (passed(shorter, middle) || released(shorter.u)) {
          after = middle;
          trial = std::move(shorter);
        } else {
          before = middle;
        }
      }
      h = after;
    } else {
      step_ = h * std::clamp(0.9 * std::pow(allowed / std::max(trial.error, 1e-300), 0.25), 0.2, 5.0);
    }
    accept(trial, event || !last ? time_ + h : end);
    if (event) meet_walls();
  }

  void accept(Trial& trial, double until) {
    if (!walls_.empty()) {
      back_to_walls(trial.u);
      trial.at_end = field_.evaluate(trial.u, sides_);
    }
    dissipated_ += trial.dissipated;
    path_.steps_.push_back({time_, until, u_, trial.u, trial.first, trial.last, dissipated_, trial.at_end.value});
    u_ = std::move(trial.u);
    time_ = until;
    // The end of this step is the start of the next, on the same sides unless walls are met.
    here_ = std::move(trial.at_end);
    fresh_ = false;
  }

  void back_to_walls(Eigen::VectorXd& u) const {
    const Eigen::MatrixXd n = normals(field_, u, sides_, walls_);
    const Eigen::VectorXd h = field_.evaluate(u, sides_).switches;
    Eigen::VectorXd off(static_cast<Index>(walls_.size()));
    for (std::size_t i = 0; i < walls_.size(); ++i) off[static_cast<Index>(i)] = h[walls_[i]];
    u -= n.transpose().completeOrthogonalDecomposition().solve(off);
  }

  /// u is on a wall that it was not on before, or its walls let go.
  void meet_walls() {
    const Eigen::VectorXd h = field_.evaluate(u_, sides_).switches;
    std::vector<Index> walls = walls_at(field_, u_, sides_, settings_.wall_width);
    for (Index j = 0; j < h.size(); ++j) {
      const bool beyond = !sliding_on(j) && h[j] * sides_[static_cast<std::size_t>(j)] <= 0.0;
      if ((beyond || sliding_on(j)) && std::find(walls.begin(), walls.end(), j) == walls.end()) walls.push_back(j);
    }
    std::sort(walls.begin(), walls.end());
    settle(std::move(walls));
  }

  /// Minimum-norm selection at u among the pieces that meet at the walls: which walls hold the solution, and on which side of the others it goes on.
  void settle(std::vector<Index> walls) {
    const std::vector<int> old_sides = sides_;
    const std::vector<Index> old_walls = walls_;
    const std::vector<Index> met = walls;
    scale_ = 0.0;
    while (!walls.empty()) {
      const Points<double> gradients = piece_gradients(field_, u_, sides_, walls);
      for (Index i = 0; i < gradients.rows(); ++i) scale_ = std::max(scale_, gradients.row(i).norm());
      const Eigen::VectorXd v = -smallest_gradient(gradients);
      const Eigen::MatrixXd n = normals(field_, u_, sides_, walls);
      std::vector<Index> held;
      for (std::size_t i = 0; i < walls.size(); ++i) {
        const auto column = n.col(static_cast<Index>(i));
        if (is_rate(column, v))
          sides_[static_cast<std::size_t>(walls[i])] = column.dot(v) > 0.0 ? 1 : -1;
        else
          held.push_back(walls[i]);
      }
      if (held.size() == walls.size()) break;
      walls = std::move(held);
    }
    walls_ = std::move(walls);
    if (met.size() > 1 && !goes_on(met, sides_, walls_)) search(met);
    record(old_sides, old_walls);
  }

  /// The minimum-norm velocity of the pieces that have these sides of all walls but the held ones is tangent to the held ones and leads to these sides of the
  /// others: a solution starts like this.
  [[nodiscard]] bool goes_on(const std::vector<Index>& met, const std::vector<int>& sides, const std::vector<Index>& held) const {
    const Eigen::VectorXd v = -smallest_gradient(piece_gradients(field_, u_, sides, held));
    const Eigen::MatrixXd n = normals(field_, u_, sides, met);
    for (std::size_t i = 0; i < met.size(); ++i) {
      const auto column = n.col(static_cast<Index>(i));
      const bool leaves = is_rate(column, v);
      const bool is_held = std::find(held.begin(), held.end(), met[i]) != held.end();
      if (leaves == is_held || (leaves && sides[static_cast<std::size_t>(met[i])] * column.dot(v) < 0.0)) return false;
    }
    return true;
  }

  /// At a corner of several walls the piece that the point of smallest norm leads into may lead back: among all ways to hold some walls and leave the others,
  /// one that goes on. The first is taken, with as many walls held as possible.
  void search(const std::vector<Index>& met) {
    if (met.size() > kMostSearched) throw Error(fmt::format("flow: {} walls meet at s = {}; at most {} are searched", met.size(), time_, kMostSearched));
    std::size_t ways = 1;
    for (std::size_t i = 0; i < met.size(); ++i) ways *= 3;
    for (std::size_t most = met.size() + 1; most-- > 0;)
      for (std::size_t way = 0; way < ways; ++way) {
        std::vector<int> sides = sides_;
        std::vector<Index> held;
        std::vector<Index> left;
        for (std::size_t i = 0, digits = way; i < met.size(); ++i, digits /= 3) {
          (digits % 3 == 0 ? held : left).push_back(met[i]);
          if (digits % 3 != 0) sides[static_cast<std::size_t>(met[i])] = digits % 3 == 1 ? 1 : -1;
        }
        if (held.size() != most || !piece_exists(field_, u_, sides, left) || !goes_on(met, sides, held)) continue;
        sides_ = std::move(sides);
        walls_ = std::move(held);
        return;
      }
    throw Error(fmt::format("flow: no solution was found at s = {}, where {} walls meet", time_, met.size()));
  }

  void leave() {
    waiting_ = false;
    const std::vector<Index> walls = walls_at(field_, u_, sides_, settings_.wall_width);
    const std::vector<int> old_sides = sides_;
    bool offered = false;
    for (const auto& sides : flow_exits(field_, u_, settings_.wall_width)) offered = offered || sides == exit_.sides;
    if (!offered) reject("flow: no solution leaves u at s = {} into the piece with the sides that were asked for", time_);
    sides_ = exit_.sides;
    walls_.clear();
    scale_ = 0.0;
    record(old_sides, walls);
  }

  void record(const std::vector<int>& old_sides, const std::vector<Index>& old_walls) {
    step_ = settings_.largest_step;
    here_.reset();
    fresh_ = false;
    for (Index j = 0; j < static_cast<Index>(sides_.size()); ++j) {
      const bool was = std::find(old_walls.begin(), old_walls.end(), j) != old_walls.end();
      const auto number = static_cast<std::size_t>(j);
      if (sliding_on(j) && !was)
        path_.events_.push_back({time_, j, FlowEvent::Kind::stuck});
      else if (!sliding_on(j) && was)
        path_.events_.push_back({time_, j, FlowEvent::Kind::left});
      else if (!sliding_on(j) && sides_[number] != old_sides[number] && time_ > 0.0)
        path_.events_.push_back({time_, j, FlowEvent::Kind::crossed});
    }
  }

  const FlowField& field_;
  const FlowSettings& settings_;
  const FlowExit& exit_;
  Eigen::VectorXd u_;
  std::vector<int> sides_;
  std::vector<Index> walls_;  // those that the solution slides along
  bool waiting_ = false;
  double time_ = 0.0;
  double step_ = 0.0;
  double dissipated_ = 0.0;
  double scale_ = 0.0;              // largest ‖∇F‖ of the pieces at the last walls
  std::optional<PieceValue> here_;  // the field at u_ on the present sides, where it is known
  bool fresh_ = false;              // the next three are about the present u, sides and walls
  Eigen::VectorXd velocity_;
  Eigen::VectorXd switches_;
  Eigen::VectorXd switch_rates_;  // of those that the solution does not slide on
  FlowPath path_;
};

FlowPath solve_flow(const FlowField& field, VectorView<double> u0, const FlowSettings& settings, const FlowExit& exit) {
  if (u0.size() != field.parameters() || !u0.allFinite())
    reject("flow: u0 has {} entries, or one that is not finite; expected {}", u0.size(), field.parameters());
  if (!std::isfinite(settings.horizon) || !(settings.horizon > 0.0)) reject("flow: the horizon is {}; it must be positive and finite", settings.horizon);
  if (!(settings.tolerance > 0.0) || !(settings.largest_step > 0.0))
    reject("flow: the tolerance is {} and the largest step {}; both must be positive", settings.tolerance, settings.largest_step);
  if (!(exit.wait >= 0.0)) reject("flow: the waiting time is {}; it must be at least 0", exit.wait);
  return FlowSolver(field, u0, settings, exit).run();
}

}  // namespace slicecheck
