#include "slicecheck/claims/flow_subject.h"

namespace slicecheck {

FlowAnswer flow_answer(const FlowPath& path) {
  const auto& steps = path.steps();
  FlowAnswer answer;
  answer.points.resize(2 * static_cast<Index>(steps.size()), path.end().size());
  answer.velocities.resize(answer.points.rows(), answer.points.cols());
  Index row = 0;
  for (const FlowPath::Step& step : steps) {
    answer.times.push_back(step.from);
    answer.times.push_back(step.to);
    answer.points.row(row) = step.u_from.transpose();
    answer.points.row(row + 1) = step.u_to.transpose();
    answer.velocities.row(row) = step.velocity_from.transpose();
    answer.velocities.row(row + 1) = step.velocity_to.transpose();
    row += 2;
  }
  answer.dissipated = steps.back().dissipated;
  return answer;
}

FlowSettings flow_settings(const FlowQuestion& question) { return {.horizon = question.horizon, .tolerance = 0.25 * question.tolerance}; }

std::vector<FlowSubject> flow_subjects() {
  return {{"flow", "solutions of the subgradient flow: Runge–Kutta inside the pieces of F, minimum-norm selection at its walls",
           [](const FlowQuestion& q) { return flow_answer(solve_flow(*q.field, q.u0, flow_settings(q), q.exit)); },
           [](const FlowField& field, const Eigen::VectorXd& u0) {
             return FlowExits{flow_may_wait(field, u0), flow_exits(field, u0)};
           }}};
}

}  // namespace slicecheck
