/// Solutions of the flow: closed forms, walls that are crossed, slid along and left, corners, and what is refused.

#include "slicecheck/dynamics/flow.h"

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "slicecheck/claims/flow_problem.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/testbeds.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// c_n of the two-point line.
double minimiser_of_the_line(Index n) {
  double central = 1.0;
  for (Index k = 1; k <= n; ++k) central *= (2.0 * static_cast<double>(k) - 1.0) / (2.0 * static_cast<double>(k));
  return 1.0 - 2.0 * central;
}

std::shared_ptr<const FiniteFlowField> line(Index n) {
  const auto two = FiniteLaw::two_points();
  return std::make_shared<FiniteFlowField>(std::make_shared<TwoPointLine<double>>(), *two, *two, n);
}

Eigen::VectorXd scalar(double u) { return Eigen::VectorXd::Constant(1, u); }

Index count(const FlowPath& path, FlowEvent::Kind kind) {
  return std::count_if(path.events().begin(), path.events().end(), [&](const FlowEvent& event) { return event.kind == kind; });
}

/// What the local errors can add up to where the flow does not spread: each is below tolerance·h·(1 + ‖u‖). Between steps the cubic errs by as much again, and
/// by its own remainder h⁴/384·|u''''|, which the control of the local error (of order h⁵) keeps at the same size.
double global_error(const FlowPath& path, double tolerance) {
  double size = 0.0;
  for (const auto& step : path.steps()) size = std::max(size, step.u_to.norm());
  return 4.0 * tolerance * (path.horizon() + 1.0) * (1.0 + size);
}

/// F falls by what is dissipated: a local error e changes F by at most ‖∇F‖·e, and the quadrature errs by one local error a step.
void expect_energy(const FlowPath& path, double tolerance) {
  double allowed = 0.0;
  for (const auto& step : path.steps())
    allowed += tolerance * (step.to - step.from) * (1.0 + step.u_from.norm()) * (1.0 + std::max(step.velocity_from.norm(), step.velocity_to.norm()));
  double before = path.start_value();
  for (const auto& step : path.steps()) {
    EXPECT_TRUE(step.value <= before + allowed) << "F rises at s = " << step.to;
    before = step.value;
    EXPECT_TRUE(std::abs(path.start_value() - step.value - step.dissipated) <= allowed + 1e-12 * (1.0 + path.start_value())) << "at s = " << step.to;
  }
}

/// A field given by functions: one or two walls, made by hand.
class HandMade final : public FlowField {
 public:
  using Evaluate = std::function<PieceValue(const Eigen::VectorXd&, const std::vector<int>&)>;
  using Normal = std::function<Eigen::VectorXd(const Eigen::VectorXd&, Index)>;
  HandMade(Index parameters, Index switches, Evaluate evaluate, Normal normal)
      : parameters_(parameters), switches_(switches), evaluate_(std::move(evaluate)), normal_(std::move(normal)) {}
  [[nodiscard]] Index parameters() const override { return parameters_; }
  [[nodiscard]] Index switches() const override { return switches_; }
  [[nodiscard]] std::string switch_name(Index j) const override { return fmt::format("wall {}", j); }
  [[nodiscard]] PieceValue evaluate(VectorView<double> u, const std::vector<int>& sides) const override { return evaluate_(u, sides); }
  [[nodiscard]] Eigen::VectorXd switch_gradient(VectorView<double> u, Index j, const std::vector<int>& /*sides*/) const override { return normal_(u, j); }

 private:
  Index parameters_;
  Index switches_;
  Evaluate evaluate_;
  Normal normal_;
};

TEST(Flow, the_line_from_everywhere) {
  for (const Index n : {1, 2, 3, 10}) {
    const double c = minimiser_of_the_line(n);
    for (const double u0 : {-1.7, -0.05, 0.02, 0.25, 3.0}) {
      const double tolerance = 1e-9;
      const FlowPath path = solve_flow(*line(n), scalar(u0), {.horizon = 6.0, .tolerance = tolerance});
      EXPECT_TRUE(path.events().empty());
      const double sign = u0 > 0.0 ? 1.0 : -1.0;
      for (double s = 0.0; s <= 6.0; s += 0.03125) {
        const double exact = sign * (c + (std::abs(u0) - c) * std::exp(-2.0 * s));
        EXPECT_TRUE(std::abs(path.at(s)[0] - exact) <= global_error(path, tolerance)) << n << ", " << u0 << ", " << s << ": " << path.at(s)[0] - exact;
      }
      expect_energy(path, tolerance);
      EXPECT_GE(path.largest_speed(), 2.0 * std::abs(std::abs(u0) - c) * 0.999);
    }
  }
}

TEST(Flow, smaller_tolerances_give_smaller_errors) {
  double before = 1.0;
  for (const double tolerance : {1e-3, 1e-6, 1e-9}) {
    const FlowPath path = solve_flow(*line(2), scalar(2.0), {.horizon = 1.0, .tolerance = tolerance, .largest_step = 1.0});
    const double error = std::abs(path.end()[0] - (0.25 + 1.75 * std::exp(-2.0)));
    EXPECT_TRUE(error <= 3.0 * tolerance) << error;
    EXPECT_LT(error, before);
    before = error;
  }
}

TEST(Flow, the_whole_family_leaves_the_tie_of_the_line) {
  for (const Index n : {2, 3, 10}) {
    const double c = minimiser_of_the_line(n);
    const auto field = line(n);
    const auto exits = flow_exits(*field, scalar(0.0));
    ASSERT_EQ(exits.size(), 2U);
    EXPECT_NE(exits[0], exits[1]);
    EXPECT_TRUE(flow_may_wait(*field, scalar(0.0)));
    for (const double wait : {0.0, 0.7, 2.0, 5.0}) {
      for (const auto& sides : exits) {
        const FlowPath path = solve_flow(*field, scalar(0.0), {.horizon = 3.0}, {wait, sides});
        const double sign = sides[0] < 0 ? 1.0 : -1.0;  // h = −2u
        for (double s = 0.0; s <= 3.0; s += 0.0625) {
          const double exact = s <= wait ? 0.0 : sign * c * (1.0 - std::exp(-2.0 * (s - wait)));
          EXPECT_TRUE(std::abs(path.at(s)[0] - exact) <= global_error(path, 1e-9)) << wait << ", " << s << ": " << path.at(s)[0] << ", " << exact;
        }
        EXPECT_EQ(count(path, FlowEvent::Kind::left), wait < 3.0 ? 1 : 0);
        expect_energy(path, 1e-9);
      }
    }
    EXPECT_EQ(solve_flow(*field, scalar(0.0), {.horizon = 3.0}).end()[0], 0.0) << "minimum-norm selection waits for ever";
  }
  // n = 1: F = u² + 1, the tie is harmless and 0 is at rest.
  EXPECT_TRUE(flow_exits(*line(1), scalar(0.0)).empty());
  EXPECT_FALSE(flow_may_wait(*line(1), scalar(0.0)));
}

TEST(Flow, kinked_quadratics_have_their_closed_forms) {
  const RandomStream stream(1, Purpose::cases, 920, 0);  // what is met is counted: one seed
  Index stuck = 0;
  Index crossed = 0;
  for (std::uint64_t number = 0; number < 120; ++number) {
    PointDraws draws(stream, number);
    const FlowProblem problem = kinked_problem(draws, 1 + static_cast<Index>(number % 4));
    const double tolerance = 1e-9;
    const FlowPath path = solve_flow(*problem.field, problem.u0, {.horizon = 3.0, .tolerance = tolerance});
    for (double s = 0.0; s <= 3.0; s += 0.125) {
      const Eigen::VectorXd off = path.at(s) - problem.exact(s);
      EXPECT_TRUE(off.norm() <= problem.growth * global_error(path, tolerance)) << number << " at " << s << ": " << off.norm();
    }
    stuck += count(path, FlowEvent::Kind::stuck);
    crossed += count(path, FlowEvent::Kind::crossed);
    expect_energy(path, tolerance);
  }
  EXPECT_GE(stuck, 40);
  EXPECT_GE(crossed, 20);
}

/// F = ½‖u‖² + |u_1| + |u_2|/2 − 3u_3: both walls are reached at once, at s = ln 1.5 from u_1 = ½, u_2 = ¼, and both hold.
TEST(Flow, two_walls_at_once_hold) {
  const KinkedQuadratic field(Eigen::Matrix3d::Identity(), {{1.0, 0.0, 1.0, 0.0}, {1.0, 0.0, 0.5, 0.0}, {1.0, 3.0, 0.0, 0.0}});
  const FlowPath path = solve_flow(field, Eigen::Vector3d(0.5, 0.25, 0.0), {.horizon = 2.0});
  ASSERT_EQ(path.events().size(), 2U);
  for (const FlowEvent& event : path.events()) {
    EXPECT_EQ(event.kind, FlowEvent::Kind::stuck);
    EXPECT_NEAR(event.time, std::log(1.5), 1e-8);
  }
  EXPECT_NEAR(path.end()[0], 0.0, 1e-12);
  EXPECT_NEAR(path.end()[1], 0.0, 1e-12);
  EXPECT_NEAR(path.end()[2], 3.0 * (1.0 - std::exp(-2.0)), 1e-8);
}

/// Starts exactly on a wall: it is held, crossed at once, or waits. F = (u − c)²/2 + a|u|.
TEST(Flow, starts_on_a_wall) {
  const auto field = [](double c, double a) { return KinkedQuadratic(Eigen::MatrixXd::Identity(1, 1), {{1.0, c, a, 0.0}}); };
  const KinkedQuadratic held = field(0.5, 1.0);
  EXPECT_EQ(solve_flow(held, scalar(0.0), {.horizon = 1.0}).end()[0], 0.0);
  EXPECT_TRUE(flow_exits(held, scalar(0.0)).empty());
  EXPECT_FALSE(flow_may_wait(held, scalar(0.0))) << "there is nothing else to do";
  for (const double a : {0.5, -0.5})
    for (const double c : {2.0, -2.0}) {
      const KinkedQuadratic crossed = field(c, a);
      const double sign = c > 0.0 ? 1.0 : -1.0;
      EXPECT_NEAR(solve_flow(crossed, scalar(0.0), {.horizon = 1.0}).end()[0], (c - sign * a) * (1.0 - std::exp(-1.0)), 1e-8);
      EXPECT_EQ(flow_exits(crossed, scalar(0.0)), (std::vector<std::vector<int>>{{c > 0.0 ? 1 : -1}}));
      EXPECT_FALSE(flow_may_wait(crossed, scalar(0.0)));
    }
  const KinkedQuadratic waits = field(0.5, -1.0);
  EXPECT_EQ(solve_flow(waits, scalar(0.0), {.horizon = 1.0}).end()[0], 0.0);
  EXPECT_EQ(flow_exits(waits, scalar(0.0)).size(), 2U);
  EXPECT_TRUE(flow_may_wait(waits, scalar(0.0)));
  // Off the wall there is one way, that of the piece, and no waiting.
  EXPECT_EQ(flow_exits(waits, scalar(0.25)), (std::vector<std::vector<int>>{{1}}));
  EXPECT_FALSE(flow_may_wait(waits, scalar(0.25)));
}

/// F = u_2|u_1| + u_2 − g·u_1: on u_1 = 0 the solution slides while u_2 ≥ g, u_2 = 1 − s; then u_1'' = 1 + u_1, so u_1 = cosh t − 1 and u_2 = g − sinh t.
TEST(Flow, leaves_a_wall_that_it_slid_along) {
  const double g = 0.375;
  const HandMade field(
      2, 1,
      [g](const Eigen::VectorXd& u, const std::vector<int>& sides) {
        const double side = sides[0];
        return PieceValue{u[1] * side * u[0] + u[1] - g * u[0], Eigen::Vector2d(side * u[1] - g, side * u[0] + 1.0), u.head(1)};
      },
      [](const Eigen::VectorXd&, Index) { return Eigen::Vector2d(1.0, 0.0); });
  const FlowPath path = solve_flow(field, Eigen::Vector2d(0.0, 1.0), {.horizon = 1.25});
  ASSERT_EQ(path.events().size(), 2U);
  EXPECT_EQ(path.events()[0].kind, FlowEvent::Kind::stuck);
  EXPECT_EQ(path.events()[1].kind, FlowEvent::Kind::left);
  EXPECT_NEAR(path.events()[1].time, 1.0 - g, 1e-8);
  for (double s = 0.0; s <= 1.25; s += 0.0625) {
    const double t = s - (1.0 - g);
    const Eigen::Vector2d exact = t <= 0.0 ? Eigen::Vector2d(0.0, 1.0 - s) : Eigen::Vector2d(std::cosh(t) - 1.0, g - std::sinh(t));
    EXPECT_TRUE((path.at(s) - exact).norm() <= 2.0 * global_error(path, 1e-9)) << s << ": " << (path.at(s) - exact).norm();
  }
  expect_energy(path, 1e-9);
}

/// The same in rotated coordinates with a third one that only moves, fast: the point of smallest norm has to be exact to tell when the wall lets go.
TEST(Flow, a_wall_lets_go_once) {
  const RandomStream stream(test_seed(), Purpose::cases, 923, 0);
  for (std::uint64_t number = 0; number < 40; ++number) {
    PointDraws draws(stream, number);
    Eigen::MatrixXd square(3, 3);
    for (double& entry : square.reshaped()) entry = draws.normal();
    const Eigen::MatrixXd q = Eigen::HouseholderQR<Eigen::MatrixXd>(square).householderQ();
    const double g = (number % 2 == 0 ? 1.0 : -1.0) * draws.uniform(0.05, 0.6);
    const double speed = draws.uniform(0.0, 8.0);
    const HandMade field(
        3, 1,
        [&](const Eigen::VectorXd& u, const std::vector<int>& sides) {
          const double side = sides[0];
          const Eigen::VectorXd v = q.transpose() * u;
          const Eigen::VectorXd gradient{{side * v[1] - g, side * v[0] + 1.0, -speed}};
          return PieceValue{v[1] * side * v[0] + v[1] - g * v[0] - speed * v[2], q * gradient, Eigen::VectorXd(v.head(1))};
        },
        [&](const Eigen::VectorXd&, Index) { return Eigen::VectorXd(q.col(0)); });
    const FlowPath path = solve_flow(field, q.col(1), {.horizon = 1.25, .most_steps = 5000});
    ASSERT_EQ(path.events().size(), 2U) << number;
    EXPECT_EQ(path.events()[1].kind, FlowEvent::Kind::left);
    // A rate of 10⁻¹⁰ of the velocities is no rate, and it grows as fast as time.
    EXPECT_NEAR(path.events()[1].time, 1.0 - std::abs(g), 1e-8) << number;
    const double t = 1.25 - (1.0 - std::abs(g));
    const double side = g > 0.0 ? 1.0 : -1.0;
    const Eigen::VectorXd exact = q * Eigen::VectorXd{{side * (std::cosh(t) - 1.0), std::abs(g) - std::sinh(t), speed * 1.25}};
    EXPECT_TRUE((path.end() - exact).norm() <= 2.0 * global_error(path, 1e-9)) << number << ": " << (path.end() - exact).norm();
  }
}

/// F = −u_1 + b·min(0, h), h = u_1² − u_2 − w²: the solution that runs along u_2 = 0 is inside h < 0 for a time of 2w only, less than a step. There
/// u_1' = 1 − 2b·u_1, u_2' = b, so that up to terms of relative size b·w it enters at u_1 = −w and leaves at w + b.
TEST(Flow, a_short_visit_beyond_a_wall_is_not_missed) {
  const double b = 0.001;
  const double w = 0.004;
  const HandMade field(
      2, 1,
      [=](const Eigen::VectorXd& u, const std::vector<int>& sides) {
        const double h = u[0] * u[0] - u[1] - w * w;
        const double inside = sides[0] < 0 ? b : 0.0;
        return PieceValue{-u[0] + inside * h, Eigen::Vector2d(-1.0 + inside * 2.0 * u[0], -inside), Eigen::VectorXd::Constant(1, h)};
      },
      [](const Eigen::VectorXd& u, Index) { return Eigen::Vector2d(2.0 * u[0], -1.0); });
  const FlowPath path = solve_flow(field, Eigen::Vector2d(-0.51, 0.0), {.horizon = 1.0});
  EXPECT_EQ(count(path, FlowEvent::Kind::crossed), 2);
  // A solver that misses the visit has u_2 = 0.
  EXPECT_NEAR(path.end()[1], b * (2.0 * w + b), 2e-9);
  expect_energy(path, 1e-9);
}

/// At the corner of two walls whose normals make an obtuse angle, F = ⟨g, u⟩ + α|⟨n_1, u⟩| + β|⟨n_2, u⟩| with α < 0 < β: the point of smallest norm may lead
/// into a piece that leads back. Every direction of the solution must lie in −∂_C F along it.
TEST(Flow, corners_of_oblique_walls_are_left_along_a_solution) {
  const RandomStream stream(test_seed(), Purpose::cases, 921, 0);
  for (std::uint64_t number = 0; number < 300; ++number) {
    PointDraws draws(stream, number);
    const auto normal_vector = [&] { return Eigen::Vector2d(draws.normal(), draws.normal()); };
    const Eigen::Vector2d g = normal_vector();
    Eigen::Matrix2d n;
    n << normal_vector().normalized(), normal_vector().normalized();
    const Eigen::Vector2d weight(draws.uniform(-2.0, 2.0), draws.uniform(-2.0, 2.0));
    const HandMade field(
        2, 2,
        [&](const Eigen::VectorXd& u, const std::vector<int>& sides) {
          const Eigen::Vector2d signs(sides[0], sides[1]);
          const Eigen::Vector2d gradient = g + n * signs.cwiseProduct(weight);
          return PieceValue{gradient.dot(u), gradient, n.transpose() * u};
        },
        [&](const Eigen::VectorXd&, Index j) { return n.col(j); });
    const FlowPath path = solve_flow(field, Eigen::Vector2d::Zero(), {.horizon = 1.0, .most_steps = 2000});
    // From the corner solutions are rays: F falls at the rate of the squared speed, so the velocity is a stationary choice.
    expect_energy(path, 1e-9);
    const Eigen::VectorXd v = path.at(1.0);
    EXPECT_TRUE((path.at(0.5) - 0.5 * v).norm() <= 1e-9) << number << ": not a ray";
    // −v = g + Σ w_j t_j n_j with t_j = sign⟨n_j, v⟩, or in [−1, 1] where it is 0.
    const Eigen::Vector2d t = (n * weight.asDiagonal()).fullPivLu().solve(-v - g);
    for (Index j = 0; j < 2; ++j) {
      const double rate = n.col(j).dot(v);
      EXPECT_TRUE(std::abs(t[j]) <= 1.0 + 1e-6) << number << ": " << t[j];
      if (std::abs(rate) > 1e-6) {
        EXPECT_NEAR(t[j], rate > 0.0 ? 1.0 : -1.0, 1e-5) << number;
      }
    }
  }
}

/// T(s, x) = relu(s) − relu(−s) = s at x = 1: the two kinks at 0 never have equal sides, and F = (s − y)² is smooth there. A solver that takes the pieces of
/// both kinks for free stops at 0.
TEST(Flow, kinks_that_cancel_do_not_stop_it) {
  const auto mlp = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::relu);
  // u = (W_1: 2×1, b_1: 2, W_2: (x, h_1, h_2), b_2).
  Eigen::VectorXd base = Eigen::VectorXd::Zero(8);
  base[5] = 1.0;
  base[6] = -1.0;
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(8, 1);
  matrix(2, 0) = 1.0;
  matrix(3, 0) = -1.0;
  const FiniteFlowField field(std::make_shared<TiedMlp>(mlp, base, matrix), FiniteLaw("one", Points<double>::Ones(1, 1)),
                              FiniteLaw("target", Points<double>::Constant(1, 1, 1.0)), 1);
  for (const double s0 : {-1.0, 0.0, 0.5}) {
    const FlowPath path = solve_flow(field, scalar(s0), {.horizon = 2.0});
    EXPECT_NEAR(path.end()[0], 1.0 + (s0 - 1.0) * std::exp(-4.0), 1e-8) << s0;
  }
  EXPECT_EQ(flow_exits(field, scalar(0.0)), (std::vector<std::vector<int>>{{1, -1}}));
  EXPECT_FALSE(flow_may_wait(field, scalar(0.0)));
}

/// Against Runge–Kutta steps of a fixed length that know nothing of walls: their error is O(h) where a wall is crossed, measured by halving h.
TEST(Flow, networks_agree_with_tiny_steps) {
  const RandomStream stream(1, Purpose::cases, 922, 0);  // what is met is counted: one seed
  Index crossed = 0;
  Index stuck = 0;
  for (std::uint64_t number = 0; number < 100; ++number) {
    PointDraws draws(stream, number);
    const FlowProblem problem = drawn_flow_problem(draws, number % 4 == 0 ? 5 : 6);
    const FlowField& field = *problem.field;
    const double horizon = 0.5;
    const FlowPath path = solve_flow(field, problem.u0, {.horizon = horizon});
    if (path.events().empty() && number % 20 != 0) continue;
    const auto tiny = [&](Index steps) {
      const double h = horizon / static_cast<double>(steps);
      Eigen::VectorXd u = problem.u0;
      for (Index t = 0; t < steps; ++t) {
        const Eigen::VectorXd k1 = -gradient_at(field, u);
        const Eigen::VectorXd k2 = -gradient_at(field, u + 0.5 * h * k1);
        const Eigen::VectorXd k3 = -gradient_at(field, u + 0.5 * h * k2);
        const Eigen::VectorXd k4 = -gradient_at(field, u + h * k3);
        u += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
      }
      return u;
    };
    const Eigen::VectorXd coarse = tiny(500);
    const Eigen::VectorXd fine = tiny(2000);
    // O(h): the finer one errs by a third of what they differ by, but a wall is met at a random part of a step: at most by one coarse step of motion.
    const double allowed = (coarse - fine).norm() + horizon / 500.0 * path.largest_speed();
    EXPECT_TRUE((path.end() - fine).norm() <= allowed) << number << ": " << (path.end() - fine).norm() << ", " << allowed;
    crossed += count(path, FlowEvent::Kind::crossed);
    stuck += count(path, FlowEvent::Kind::stuck);
    expect_energy(path, 1e-9);
  }
  EXPECT_GE(crossed, 10) << "walls must be crossed";
  EXPECT_GE(stuck, 3) << "and one slid along";
}

TEST(Flow, all_testbeds_lose_what_they_dissipate) {
  for (const Testbed& bed : testbeds()) {
    const FlowPath path = solve_flow(*bed.field, bed.centre, {.horizon = 6.0, .tolerance = 1e-8});
    expect_energy(path, 1e-8);
    EXPECT_EQ(path.at(0.0), bed.centre);
    EXPECT_EQ(path.at(path.horizon()), path.end());
    EXPECT_EQ(path.horizon(), 6.0);
    // T0: ‖u(s) − u0‖ ≤ √(s·F(u0)).
    for (double s = 0.25; s <= 6.0; s += 0.25) EXPECT_LE((path.at(s) - bed.centre).norm(), std::sqrt(s * path.start_value())) << bed.name;
  }
}

TEST(Flow, refuses_what_has_no_solution) {
  const auto field = line(2);
  EXPECT_THROW((void)solve_flow(*field, Eigen::VectorXd::Zero(2), {}), InputError);
  EXPECT_THROW((void)solve_flow(*field, scalar(std::nan("")), {}), InputError);
  for (const double horizon : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW((void)solve_flow(*field, scalar(1.0), {.horizon = horizon}), InputError) << horizon;
  EXPECT_THROW((void)solve_flow(*field, scalar(1.0), {.tolerance = 0.0}), InputError);
  EXPECT_THROW((void)solve_flow(*field, scalar(1.0), {.largest_step = -1.0}), InputError);
  EXPECT_THROW((void)solve_flow(*field, scalar(1.0), {}, {-1.0, {1}}), InputError);
  EXPECT_THROW((void)solve_flow(*field, scalar(1.0), {}, {0.0, {1}}), InputError) << "at u = 1 only the piece with h < 0 is there";
  EXPECT_THROW((void)solve_flow(*field, scalar(0.0), {}, {0.0, {1, 1}}), InputError);
  EXPECT_THROW((void)solve_flow(*field, scalar(1.0), {}, {1.0, {-1}}), InputError) << "nothing waits where there is no wall";
  EXPECT_THROW((void)solve_flow(*field, scalar(1.0), {.horizon = 8.0, .most_steps = 3}), Error);
  // A wall that is crossed holds nothing; and one that lets go before the time to wait is over does not either.
  const KinkedQuadratic crossed(Eigen::MatrixXd::Identity(1, 1), {{1.0, 2.0, -0.5, 0.0}});
  EXPECT_THROW((void)solve_flow(crossed, scalar(0.0), {}, {1.0, {1}}), InputError);
  // F = −|u_1|(2 − u_2) − u_2 − u_1/2: waiting on u_1 = 0 is possible while |½| ≤ 2 − u_2, u_2 = s, that is until s = 3/2.
  const HandMade fading(
      2, 1,
      [](const Eigen::VectorXd& u, const std::vector<int>& sides) {
        const double side = sides[0];
        return PieceValue{-side * u[0] * (2.0 - u[1]) - u[1] - 0.5 * u[0], Eigen::Vector2d(-side * (2.0 - u[1]) - 0.5, side * u[0] - 1.0), u.head(1)};
      },
      [](const Eigen::VectorXd&, Index) { return Eigen::Vector2d(1.0, 0.0); });
  EXPECT_NO_THROW((void)solve_flow(fading, Eigen::Vector2d::Zero(), {.horizon = 2.0}, {1.25, {1}}));
  EXPECT_THROW((void)solve_flow(fading, Eigen::Vector2d::Zero(), {.horizon = 2.0}, {1.75, {1}}), InputError);
  const FlowPath path = solve_flow(*field, scalar(1.0), {.horizon = 1.0});
  EXPECT_THROW((void)path.at(-0.1), InputError);
  EXPECT_THROW((void)path.at(1.1), InputError);
  EXPECT_THROW((void)path.at(std::nan("")), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
