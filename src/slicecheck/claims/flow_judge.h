#pragma once
/// What the checks of T0 and T3 need to judge an answer of a FlowSubject without the solver.

#include <vector>

#include "slicecheck/claims/flow_problem.h"
#include "slicecheck/claims/flow_subject.h"

namespace slicecheck {

/// The subject's answer. @throws Error where it is none: shapes, numbers that are not finite, times that do not go from 0 to the horizon, stretches that do not
/// join, another start.
FlowAnswer checked_answer(const FlowSubject& subject, const FlowQuestion& question);

/// Σ tolerance·h·(1 + ‖u‖) over the stretches up to row `rows` (all: −1): what their ends may be off by, added up.
double local_errors(const FlowQuestion& question, const FlowAnswer& answer, Index rows = -1);

/// What F may miss of F(u0) − ∫‖u'‖² at row `rows`. Between its ends a stretch follows a solution, which loses exactly what it dissipates; at its end the point
/// is off by e = tolerance·h·(1 + ‖u‖) at most, which changes F by e times the slopes there, on both sides of a wall; and ∫‖u'‖² over the stretch errs by e. A
/// wall is met up to 10⁻¹²: that moves a jump of the velocity, of 2G at most, by as much.
double energy_error(const FlowQuestion& question, const FlowAnswer& answer, Index rows = -1);

/// Where stretch i (rows 2i, 2i + 1) runs.
struct Stretch {
  std::vector<int> sides;    ///< its piece
  std::vector<Index> walls;  ///< both ends are on these walls, up to `width`
  double width = 0.0;        ///< 10⁻²·tolerance, times 1 + ‖∇h‖
  bool crosses = false;      ///< its ends lie on two sides of a wall, both off it
};
/// Where stretch i of the answer runs.
Stretch stretch_of(const FlowQuestion& question, const FlowAnswer& answer, Index i);

/// −∇F of the stretch's piece, without its components normal to the stretch's walls.
Eigen::VectorXd stretch_velocity(const FlowField& field, const Eigen::VectorXd& u, const Stretch& stretch);

/// dist(−velocity, conv{∇F of the pieces that meet at the stretch's walls}).
double distance_to_pieces(const FlowField& field, const Eigen::VectorXd& u, const Stretch& stretch, const Eigen::VectorXd& velocity);

/// Where the solution that starts at u is after a time h in the stretch: classical Runge–Kutta steps, doubled until two results agree to `accuracy`.
/// @throws Error where 2¹⁰ steps do not do.
Eigen::VectorXd follow(const FlowField& field, Eigen::VectorXd u, const Stretch& stretch, double h, double accuracy);

}  // namespace slicecheck
