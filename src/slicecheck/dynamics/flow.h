#pragma once
/// Solutions of the subgradient flow u' ∈ −∂_C F(u) (claims T0, T1, T3).

#include <string>
#include <vector>

#include "slicecheck/dynamics/flow_field.h"

namespace slicecheck {

/// What happened at a wall h_j = 0 of the field.
struct FlowEvent {
  /// The three things that can happen.
  enum class Kind {
    crossed,  ///< the solution went to the other side
    stuck,    ///< it slides along the wall from here on (or rests there)
    left      ///< it leaves the wall
  };
  double time;
  Index wall;
  Kind kind;
};

/// A solution, as accepted steps. Between two of them: the cubic that has the values and the velocities at both ends. The velocity jumps at events, so a step
/// has its own at either end.
class FlowPath {
 public:
  /// One accepted step [from, to].
  struct Step {
    double from;
    double to;
    Eigen::VectorXd u_from;
    Eigen::VectorXd u_to;
    Eigen::VectorXd velocity_from;
    Eigen::VectorXd velocity_to;
    double dissipated;  ///< ∫_0^to ‖u'‖²
    double value;       ///< F(u_to)
  };

  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] const std::vector<FlowEvent>& events() const { return events_; }
  [[nodiscard]] double horizon() const { return steps_.back().to; }
  [[nodiscard]] double start_value() const { return start_value_; }  ///< F(u(0))
  [[nodiscard]] const Eigen::VectorXd& end() const { return steps_.back().u_to; }
  [[nodiscard]] double largest_speed() const;  ///< max ‖u'‖ over the ends of the steps

  /// u(s), 0 ≤ s ≤ horizon. @throws InputError outside.
  [[nodiscard]] Eigen::VectorXd at(double s) const;

 private:
  friend class FlowSolver;
  std::vector<Step> steps_;
  std::vector<FlowEvent> events_;
  double start_value_ = 0.0;
};

/// What is asked of the solver.
struct FlowSettings {
  double horizon = 8.0;     ///< S: the solution on [0, S]
  double tolerance = 1e-9;  ///< of the local error, per unit of time: the error of a step of length h is kept below tolerance·h·(1 + ‖u‖)
  double largest_step = 1.0 / 16.0;
  double wall_width = 1e-12;  ///< |h_j| at most this, times 1 + ‖∇h_j‖: u is on the wall
  std::uint64_t most_steps = 200000;
};

/// How a solution leaves the walls that it starts on (T3).
struct FlowExit {
  double wait = 0.0;       ///< it stays on them, by minimum-norm selection, until this time
  std::vector<int> sides;  ///< then it enters the piece with these sides (m values ±1); empty: minimum-norm selection throughout
};

/// The solution from u0. Runge–Kutta steps of order 5 (Dormand and Prince) inside a piece, their error estimated twice: by the embedded formula of order 4, and
/// by Simpson's rule on the velocities at both ends and half way. A step that would end beyond a wall, or would be beyond it for a while, is cut at the wall.
///
/// AT A WALL, or where several meet, the velocity is −g, g the point of smallest norm of conv{∇F of the pieces that meet there} (minimum-norm selection):
/// either it leads into one of the pieces, or it is tangent to some of the walls and the solution slides along them. Since F is continuous, the pieces'
/// gradients at a wall differ by a multiple of ∇h_j only, so the sliding velocity is the projection of −∇F onto the tangent space. After each step along a wall
/// u is moved back onto it (Newton). Pieces are the sides that points next to u have, to first order: kinks that cancel, as in relu(t) − relu(−t), have two and
/// not four. Where the piece that this velocity leads into leads back to another wall of the corner, a way out that does not is searched for.
///
/// WHERE SOLUTIONS ARE NOT UNIQUE (a wall that pushes away on both sides) minimum-norm selection is the solution that waits; `exits` lists the others.
/// @throws InputError for a u0 that does not fit, a horizon that is not positive and finite, and an exit that no piece offers, or a
/// wait at walls that do not hold a solution so long; Error where the step size collapses, and where more walls meet than are resolved.
FlowPath solve_flow(const FlowField& field, VectorView<double> u0, const FlowSettings& settings, const FlowExit& exit = {});

/// The pieces that solutions from u0 can enter at once: those that u0 touches and whose velocity −∇F points off every wall at u0, into the piece. One entry
/// where u0 is on no wall. Empty: every solution slides, or rests, for a while.
std::vector<std::vector<int>> flow_exits(const FlowField& field, VectorView<double> u0, double wall_width = 1e-12);

/// The solution may wait at u0: it is on a wall and the minimum-norm velocity there is tangent to a wall (0, or sliding), although `flow_exits` has entries.
bool flow_may_wait(const FlowField& field, VectorView<double> u0, double wall_width = 1e-12);

}  // namespace slicecheck
