#pragma once
/// Solvers of the subgradient flow under test (claims T0 and T3).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/dynamics/flow.h"

namespace slicecheck {

/// A solution of u' ∈ −∂_C F(u), u(0) = u0, on [0, horizon].
struct FlowQuestion {
  std::shared_ptr<const FlowField> field;
  Eigen::VectorXd u0;
  double horizon = 1.0;
  /// What the answer may err: over a stretch of length h it ends within tolerance·h·(1 + ‖u‖) of the solution that starts where the stretch starts.
  double tolerance = 1e-8;
  FlowExit exit;  ///< which solution, where there are several; default: the one that waits as long as it can
};

/// Stretches, one after another: rows 2i and 2i + 1 are the ends of stretch i. Within a stretch the solution stays in one piece of the field, or slides along
/// the same walls. The first stretch begins at u0 and time 0, each next one where and when the one before ends, the last ends at the horizon.
struct FlowAnswer {
  std::vector<double> times;
  Points<double> points;      ///< u, one row a time
  Points<double> velocities;  ///< u' from inside the stretch
  double dissipated = 0.0;    ///< ∫_0^horizon ‖u'‖²
};

/// How solutions can leave u0.
struct FlowExits {
  bool may_wait = false;                ///< one stays on a wall at u0 for a while, although others leave at once
  std::vector<std::vector<int>> sides;  ///< the pieces that solutions can enter at once
};

/// A solver of the flow u' ∈ −∂_C F(u) under test.
struct FlowSubject {
  std::string name;
  std::string description;
  std::function<FlowAnswer(const FlowQuestion&)> solve;
  std::function<FlowExits(const FlowField&, const Eigen::VectorXd&)> exits;
};

/// A solution as an answer.
FlowAnswer flow_answer(const FlowPath& path);

/// What `solve_flow` is asked for a question: a quarter of its tolerance, because the solver controls an estimate of the local error and not the error itself.
FlowSettings flow_settings(const FlowQuestion& question);

/// `flow`: `solve_flow`, `flow_exits` and `flow_may_wait`.
std::vector<FlowSubject> flow_subjects();

}  // namespace slicecheck
