/// T0 and T3: they hold for the library's solver, each of their checks refuses a solver with a defect, and what is no answer is refused.

#include <gtest/gtest.h>

#include <cmath>

#include "claims/typed_check_runs.h"
#include "slicecheck/claims/flow_checks.h"
#include "slicecheck/claims/flow_judge.h"
#include "slicecheck/core/error.h"
#include "slicecheck/gallery/broken_flow.h"

namespace slicecheck::testing {
namespace {

TEST(FlowClaims, hold_for_the_solver_and_for_the_repaired_twin) {
  for (const FlowSubject& subject : {flow_subjects().front(), repaired_flow()}) {
    expect_all_hold(flow_energy_checks(), subject, 60);
    expect_all_hold(flow_family_checks(), subject, 60);
  }
}

/// Seldom refused are only those that need a wall: by the check named on 13 cases of 120 or more, so that a fresh seed misses one with probability below 10⁻⁵.
TEST(FlowClaims, the_energy_refuses_wrong_solvers) {
  expect_refusals(flow_energy_checks(), broken_flows(),
                  {{"flow-ascends", {"energy", "inclusion", "stretches", "ball", "closed forms", "limit points"}},
                   {"flow-at-half-speed", {"energy", "inclusion", "stretches", "closed forms", "limit points"}},
                   {"walls-ignored", {"closed forms"}},
                   {"stops-at-walls", {"closed forms"}},
                   {"jumps-through-walls", {"closed forms"}},
                   {"mean-of-the-pieces", {"closed forms"}},
                   {"sticks-to-every-wall", {"closed forms"}},
                   {"velocity-of-one-piece", {"inclusion"}},
                   {"coarse-euler-steps", {"energy", "stretches", "closed forms"}},
                   {"dissipation-of-the-norm", {"energy"}}},
                  120);
}

TEST(FlowClaims, the_family_refuses_wrong_solvers) {
  expect_refusals(flow_family_checks(), broken_flows(),
                  {{"flow-without-waiting", {"the family of the line", "the family that slides"}},
                   {"flow-to-one-side", {"the family of the line", "exits of the line", "the family that slides", "exits of ties and kinks"}},
                   {"every-piece-is-an-exit", {"exits of the line", "exits of ties and kinks"}},
                   {"waits-at-crossings", {"exits of the line", "exits of ties and kinks"}},
                   {"waiting-overlooked", {"exits of the line", "exits of ties and kinks"}},
                   {"sticks-to-every-wall", {"crossings"}},
                   {"dissipation-of-the-norm", {"the family of the line", "the family that slides"}}},
                  120);
}

/// An answer of the solver, changed.
FlowAnswer changed(const std::function<void(FlowAnswer&)>& change) {
  const FlowProblem problem = line_problem(2, 1.0);
  const FlowSubject right = flow_subjects().front();
  FlowSubject wrong = right;
  wrong.solve = [&](const FlowQuestion& q) {
    FlowAnswer answer = right.solve(q);
    change(answer);
    return answer;
  };
  return checked_answer(wrong, {problem.field, problem.u0, 1.0, 1e-8, {}});
}

TEST(FlowClaims, what_is_no_answer_is_refused) {
  EXPECT_NO_THROW((void)changed([](FlowAnswer&) {}));
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a = FlowAnswer{}; }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.times.pop_back(); }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.times.back() = 0.9; }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.times.front() = 0.1; }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.times[1] = -1.0; }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.times[3] = std::nan(""); }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.points(0, 0) = 1.5; }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.points(2, 0) += 1e-3; }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.points(3, 0) = std::nan(""); }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.dissipated = std::nan(""); }), Error);
  EXPECT_THROW((void)changed([](FlowAnswer& a) { a.velocities.conservativeResize(4, 1); }), Error);
}

/// A wrong point, a wrong velocity, a wrong dissipation, each by little: the judge sees a hundred times the tolerance.
TEST(FlowClaims, little_errors_are_seen) {
  const FlowProblem problem = line_problem(3, 1.0);
  const FlowQuestion question{problem.field, problem.u0, 1.0, 1e-8, {}};
  const FlowAnswer answer = checked_answer(flow_subjects().front(), question);
  EXPECT_LE(energy_error(question, answer), 1e-7);
  EXPECT_LE(local_errors(question, answer), 2.1e-8);
  const Stretch stretch = stretch_of(question, answer, 2);
  EXPECT_TRUE(stretch.walls.empty());
  EXPECT_FALSE(stretch.crosses);
  const double h = answer.times[5] - answer.times[4];
  const Eigen::VectorXd end = follow(*problem.field, answer.points.row(4).transpose(), stretch, h, 1e-14);
  EXPECT_NEAR(end[0], answer.points(5, 0), 2e-8 * h);
  EXPECT_NEAR(stretch_velocity(*problem.field, end, stretch)[0], answer.velocities(5, 0), 1e-9);
}

/// F = (u_1 − 1)²/2 + |u_2|: along u_2 = 0 the pieces' gradients are (u_1 − 1, ±1), and u' = (1 − u_1, 0).
TEST(FlowClaims, the_judge_knows_what_slides) {
  const auto field =
      std::make_shared<KinkedQuadratic>(Eigen::Matrix2d::Identity(), std::vector<KinkedQuadratic::Coordinate>{{1.0, 1.0, 0.0, 0.0}, {1.0, 0.0, 1.0, 0.0}});
  const Eigen::VectorXd u0 = Eigen::VectorXd::Zero(2);
  const FlowQuestion question{field, u0, 1.0, 1e-8, {}};
  const FlowAnswer answer = checked_answer(flow_subjects().front(), question);
  const Stretch stretch = stretch_of(question, answer, 0);
  ASSERT_EQ(stretch.walls, std::vector<Index>{0});
  const Eigen::VectorXd v = stretch_velocity(*field, u0, stretch);
  EXPECT_NEAR(v[0], 1.0, 1e-15);
  EXPECT_NEAR(v[1], 0.0, 1e-15);
  EXPECT_LE(distance_to_pieces(*field, u0, stretch, v), 1e-15);
  Eigen::VectorXd outside = v;
  outside[1] = 1.5;
  EXPECT_NEAR(distance_to_pieces(*field, u0, stretch, outside), 0.5, 1e-12);
}

}  // namespace
}  // namespace slicecheck::testing
