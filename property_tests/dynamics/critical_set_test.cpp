/// C_r by search against closed forms, against flows and projected descent on the testbeds, and against the criticality of N9.

#include "slicecheck/dynamics/critical_set.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/flow.h"
#include "slicecheck/dynamics/testbeds.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/finite_objective.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// F given by its pieces, with as many linear switches ⟨n_j, u⟩ − b_j as there are rows.
class FieldByHand final : public FlowField {
 public:
  using Piece = std::function<PieceValue(const Eigen::VectorXd& u, const std::vector<int>& sides)>;

  FieldByHand(Points<double> normals, Eigen::VectorXd offsets, Piece piece)
      : normals_(std::move(normals)), offsets_(std::move(offsets)), piece_(std::move(piece)) {}

  [[nodiscard]] Index parameters() const override { return normals_.cols(); }
  [[nodiscard]] Index switches() const override { return normals_.rows(); }
  [[nodiscard]] std::string switch_name(Index j) const override { return fmt::format("wall {}", j); }
  [[nodiscard]] PieceValue evaluate(VectorView<double> u, const std::vector<int>& sides) const override {
    PieceValue out = piece_(u, sides);
    out.switches = normals_ * u - offsets_;
    return out;
  }
  [[nodiscard]] Eigen::VectorXd switch_gradient(VectorView<double>, Index j, const std::vector<int>&) const override { return normals_.row(j).transpose(); }

 private:
  Points<double> normals_;
  Eigen::VectorXd offsets_;
  Piece piece_;
};

/// ‖u − c‖²/2 + Σ_j strength·|⟨n_j, u⟩ − b_j|; `mistake` is applied to the gradient.
FieldByHand folded_bowl(
    const Eigen::Vector2d& c, double strength, const Points<double>& normals, const Eigen::VectorXd& offsets,
    const std::function<Eigen::VectorXd(const Eigen::VectorXd&)>& mistake = [](const Eigen::VectorXd& g) { return g; }) {
  return {normals, offsets, [=](const Eigen::VectorXd& u, const std::vector<int>& sides) {
            PieceValue out{(u - c).squaredNorm() / 2.0, u - c, {}};
            for (Index j = 0; j < normals.rows(); ++j) {
              const double side = sides[static_cast<std::size_t>(j)];
              out.value += strength * side * (normals.row(j).dot(u) - offsets[j]);
              out.gradient += strength * side * normals.row(j).transpose();
            }
            out.gradient = mistake(out.gradient);
            return out;
          }};
}

/// Without walls.
FieldByHand smooth(Index d, const std::function<double(const Eigen::VectorXd&)>& value,
                   const std::function<Eigen::VectorXd(const Eigen::VectorXd&)>& gradient) {
  return {Points<double>(0, d), Eigen::VectorXd(0), [=](const Eigen::VectorXd& u, const std::vector<int>&) { return PieceValue{value(u), gradient(u), {}}; }};
}

const CriticalPoint* find_point(const CriticalSet& set, const Eigen::VectorXd& u, double distance) {
  for (const CriticalPoint& point : set.points())
    if ((point.u - u).norm() <= distance) return &point;
  return nullptr;
}

/// The search found the set of `expected`: each of its points, resolved and of the same kind, and nothing else; all inside the cells.
/// Newton ends where ‖∇F‖ is a rounding; the Hessians here are at least 1 where they matter: hence the tolerance, as a fraction of r.
void expect_same(const CriticalSet& found, const CriticalSet& expected, double relative = 1e-9) {
  const double tolerance = relative * expected.radius();
  for (const CriticalPoint& truth : expected.points()) {
    const CriticalPoint* point = find_point(found, truth.u, tolerance);
    ASSERT_NE(point, nullptr) << truth.u.transpose();
    EXPECT_TRUE(point->resolved);
    EXPECT_LE(point->residual, 1e-9);
    EXPECT_EQ(point->on_sphere, truth.on_sphere) << truth.u.transpose();
    EXPECT_EQ(point->minimum, truth.minimum) << truth.u.transpose();
    EXPECT_NEAR(point->multiplier, truth.multiplier, 1e-8) << truth.u.transpose();
    EXPECT_EQ(found.distance(truth.u).lower, 0.0) << truth.u.transpose();
  }
  for (const CriticalPoint& point : found.points()) EXPECT_NE(find_point(expected, point.u, tolerance), nullptr) << "not critical: " << point.u.transpose();
  for (const auto& cell : found.cells().rowwise()) EXPECT_LE(expected.distance(cell.transpose()).lower, 0.01 * expected.radius()) << cell;
}

// --- closed forms -----------------------------------------------------------------------------------------------------------------------------------------

FiniteFlowField line(Index n) {
  const auto points = FiniteLaw::two_points();
  return {std::make_shared<TwoPointLine<double>>(), *points, *points, n};
}

/// c_n by hand: C(2n, n)/4ⁿ is 6/16, 20/64, 70/256, 184756/1048576.
double line_minimum(Index n) { return 1.0 - 2.0 * (n == 2 ? 6.0 / 16.0 : n == 3 ? 20.0 / 64.0 : n == 4 ? 70.0 / 256.0 : 184756.0 / 1048576.0); }

TEST(CriticalSet, the_line_is_found_as_known) {
  for (const Index n : {2, 3, 4, 10})
    for (const double part : {0.3, 0.9, 1.2, 5.0}) {
      const double c = line_minimum(n);
      const double r = part * c;
      const CriticalSet known = two_point_line_critical_set(n, r);
      ASSERT_EQ(known.points().size(), 3U);
      EXPECT_NEAR(known.points()[2].u[0], std::min(c, r), 1e-14);
      EXPECT_NEAR(known.points()[2].multiplier, part < 1.0 ? (2.0 * c - 2.0 * r) / r : 0.0, 1e-12);
      expect_same(find_critical_set(line(n), r), known);
      EXPECT_NEAR(smallest_outward_slope(line(n), r), 2.0 * r - 2.0 * c, 1e-12);
    }
}

TEST(CriticalSet, the_line_with_batches_of_one_has_one_critical_point) {
  ASSERT_EQ(two_point_line_critical_set(1, 0.7).points().size(), 1U);
  expect_same(find_critical_set(line(1), 0.7), two_point_line_critical_set(1, 0.7));
}

/// T(u, x) = u onto two targets of mean c: F = ‖u − c‖²/2 + a constant.
FiniteFlowField translation(const Eigen::Vector2d& c) {
  const auto mlp = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{}, 2, Activation::identity);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(4, 2);
  matrix(2, 0) = 1.0;
  matrix(3, 1) = 1.0;
  const FiniteLaw source("one input", Points<double>::Ones(1, 1));
  const FiniteLaw target("two targets", Points<double>{{c[0] + 0.7, c[1] - 0.4}, {c[0] - 0.7, c[1] + 0.4}});
  return {std::make_shared<TiedMlp>(mlp, Eigen::VectorXd::Zero(4), matrix), source, target, 3};
}

TEST(CriticalSet, a_translation_has_one_critical_point) {
  const Eigen::Vector2d c(0.8, -0.5);
  for (const double r : {0.4, 0.9, 1.3, 3.0}) {
    const bool inside = c.norm() < r;
    CriticalPoint point{.u = std::min(1.0, r / c.norm()) * c};
    point.on_sphere = !inside;
    point.multiplier = inside ? 0.0 : (c.norm() - r) / r;
    point.minimum = true;
    expect_same(find_critical_set(translation(c), r), CriticalSet(r, {point}));
    // The nearest of 4096 directions is at most half a step from that of c.
    const double slope = smallest_outward_slope(translation(c), r);
    EXPECT_GE(slope, r - c.norm() - 1e-12);
    EXPECT_LE(slope, r - c.norm() * std::cos(std::numbers::pi / 4096.0) + 1e-12);
  }
}

// --- walls ------------------------------------------------------------------------------------------------------------------------------------------------

const Points<double> kTilted{{0.6, 0.8}};

TEST(CriticalSet, a_minimum_on_a_wall) {
  // The projection of c onto the wall, as long as c is nearer to it than the strength; else the bowl's bottom, moved by it.
  const Eigen::Vector2d c(0.5, 0.4);
  const Eigen::Vector2d normal = kTilted.row(0).transpose();
  for (const double strength : {0.2, 0.7}) {
    const double offset = 0.3;
    const double away = normal.dot(c) - offset;
    CriticalPoint point{.u = c - std::min(strength, away) * normal};
    point.minimum = true;
    expect_same(find_critical_set(folded_bowl(c, strength, kTilted, Eigen::VectorXd::Constant(1, offset)), 1.0), CriticalSet(1.0, {point}));
  }
}

TEST(CriticalSet, a_ridge_has_two_minima_and_a_critical_point_on_the_wall) {
  const Eigen::Vector2d c(0.2, 0.1);
  const Eigen::Vector2d normal = kTilted.row(0).transpose();
  const double offset = 0.15;
  CriticalPoint ridge{.u = c - (normal.dot(c) - offset) * normal};
  CriticalPoint left{.u = c - 0.4 * normal};
  CriticalPoint right{.u = c + 0.4 * normal};
  left.minimum = right.minimum = true;
  expect_same(find_critical_set(folded_bowl(c, -0.4, kTilted, Eigen::VectorXd::Constant(1, offset)), 1.0), CriticalSet(1.0, {ridge, left, right}));
}

TEST(CriticalSet, a_minimum_where_two_walls_cross_and_where_a_wall_meets_the_sphere) {
  const Points<double> normals{{0.6, 0.8}, {1.0, 0.0}};
  const Eigen::Vector2d corner(0.25, -0.35);
  const Eigen::VectorXd offsets = normals * corner;
  CriticalPoint point{.u = corner};
  point.minimum = true;
  expect_same(find_critical_set(folded_bowl({0.5, 0.1}, 0.8, normals, offsets), 1.0), CriticalSet(1.0, {point}));
  // On the sphere, on the wall u_0 = 0.3: 0 = u − c + s·e_0 + λu with |s| ≤ 1, so λ = c_1/u_1 − 1.
  const Points<double> upright{{1.0, 0.0}};
  CriticalPoint boundary{.u = Eigen::Vector2d(0.3, std::sqrt(0.91))};
  boundary.on_sphere = true;
  boundary.minimum = true;
  boundary.multiplier = 2.0 / boundary.u[1] - 1.0;
  expect_same(find_critical_set(folded_bowl({0.9, 2.0}, 1.0, upright, Eigen::VectorXd::Constant(1, 0.3)), 1.0), CriticalSet(1.0, {boundary}));
}

TEST(CriticalSet, the_outward_slope_is_looked_at_on_both_sides_of_walls) {
  // F = ‖u‖²/2 + s|⟨n, u⟩ − b|: below the wall ⟨g, u⟩/r = r − s⟨n, u⟩/r, smallest at the wall itself.
  const auto field = folded_bowl(Eigen::Vector2d::Zero(), 0.9, kTilted, Eigen::VectorXd::Constant(1, 0.7));
  EXPECT_NEAR(smallest_outward_slope(field, 1.1, 16), 1.1 - 0.9 * 0.7 / 1.1, 1e-12);
}

TEST(CriticalSet, other_gradients_miss_the_critical_points) {
  const Eigen::Vector2d c(0.5, 0.4);
  const Eigen::Vector2d normal = kTilted.row(0).transpose();
  const double offset = 0.3;
  using Mistake = std::function<Eigen::VectorXd(const Eigen::VectorXd&)>;
  const auto misses = [&](const Mistake& mistake, double strength, double radius, const Eigen::Vector2d& truth) {
    try {
      return find_critical_set(folded_bowl(c, strength, kTilted, Eigen::VectorXd::Constant(1, offset), mistake), radius).distance(truth).lower > 0.01;
    } catch (const Error&) {
      return true;  // no cell was left
    }
  };
  const Mistake none = [](const Eigen::VectorXd& g) { return g; };
  const Mistake flipped = [](const Eigen::VectorXd& g) -> Eigen::VectorXd { return g.cwiseProduct(Eigen::Vector2d(1.0, -1.0)); };
  const Mistake moved = [](const Eigen::VectorXd& g) -> Eigen::VectorXd { return g + Eigen::Vector2d(0.1, 0.0); };
  const Mistake halved = [](const Eigen::VectorXd& g) -> Eigen::VectorXd { return g.cwiseProduct(Eigen::Vector2d(1.0, 0.5)); };
  // Inside the ball, on the wall. A linear map of all gradients, a flipped sign for one, keeps hulls around 0; it shows on the sphere only.
  const Eigen::Vector2d inside = c - (normal.dot(c) - offset) * normal;
  EXPECT_FALSE(misses(none, 0.7, 1.0, inside));
  EXPECT_TRUE(misses(moved, 0.7, 1.0, inside));
  // On the sphere, above the wall: u is a multiple of c − strength·n.
  const Eigen::Vector2d boundary = 0.4 * (c - 0.1 * normal).normalized();
  ASSERT_GT(normal.dot(boundary), offset);
  EXPECT_FALSE(misses(none, 0.1, 0.4, boundary));
  EXPECT_TRUE(misses(flipped, 0.1, 0.4, boundary));
  EXPECT_TRUE(misses(halved, 0.1, 0.4, boundary));
  EXPECT_TRUE(misses(moved, 0.1, 0.4, boundary));
}

// --- where F is steep -------------------------------------------------------------------------------------------------------------------------------------

/// ‖u − c‖²/2 − s‖u − p‖, no wall: around p like F near images that coincide in the plane. With p − c = De, |e| = 1: C_r ∋ p − (s + D)e, a minimum, and only if
/// D ≤ s p itself, a maximum, and p + (s − D)e.
FieldByHand spike(const Eigen::Vector2d& c, const Eigen::Vector2d& p, double s) {
  return smooth(
      2, [=](const Eigen::VectorXd& u) { return (u - c).squaredNorm() / 2.0 - s * (u - p).norm(); },
      [=](const Eigen::VectorXd& u) -> Eigen::VectorXd { return (u - c) - s * (u - p).stableNormalized(); });
}

TEST(CriticalSet, a_spot_where_the_gradient_turns_is_judged_by_all_its_directions) {
  const Eigen::Vector2d p(0.1, 0.05);
  const Eigen::Vector2d e(0.6, -0.8);
  const Eigen::Vector2d c = p - 0.15 * e;
  CriticalPoint minimum{.u = p - 0.45 * e};
  minimum.minimum = true;
  // p is known up to the last cells, 2⁻³⁰·r and their diagonal; a few of them may be left.
  expect_same(find_critical_set(spike(c, p, 0.3), 1.0), CriticalSet(1.0, {minimum, {.u = p}, {.u = p + 0.15 * e}}), 1e-8);
  minimum.u = p - 0.29 * e;
  expect_same(find_critical_set(spike(c, p, 0.14), 1.0), CriticalSet(1.0, {minimum}));
}

// --- sets that are not points -----------------------------------------------------------------------------------------------------------------------------

TEST(CriticalSet, a_circle_of_critical_points_is_found_all_around) {
  const double a = 0.6;
  const auto field = smooth(
      2, [=](const Eigen::VectorXd& u) { return std::pow(u.squaredNorm() - a * a, 2); },
      [=](const Eigen::VectorXd& u) -> Eigen::VectorXd { return 4.0 * (u.squaredNorm() - a * a) * u; });
  const CriticalSet set = find_critical_set(field, 1.0);
  for (int i = 0; i < 360; ++i) {
    const Eigen::Vector2d u = a * Eigen::Vector2d(std::cos(i * std::numbers::pi / 180.0), std::sin(i * std::numbers::pi / 180.0));
    EXPECT_EQ(set.distance(u).lower, 0.0);
    EXPECT_LE(set.distance(u).upper, 0.03) << i;
  }
  const CriticalPoint* centre = find_point(set, Eigen::Vector2d::Zero(), 1e-9);
  ASSERT_NE(centre, nullptr);
  EXPECT_FALSE(centre->minimum);
  for (const auto& cell : set.cells().rowwise()) EXPECT_LE(std::min(cell.norm(), std::abs(cell.norm() - a)), 0.01);
}

TEST(CriticalSet, a_flat_part_ends_the_cutting_early_and_is_kept) {
  // F = max(0, u_0)²: half of the disc is critical.
  const auto field = smooth(
      2, [](const Eigen::VectorXd& u) { return std::pow(std::max(0.0, u[0]), 2); },
      [](const Eigen::VectorXd& u) -> Eigen::VectorXd { return Eigen::Vector2d(2.0 * std::max(0.0, u[0]), 0.0); });
  const CriticalSet set = find_critical_set(field, 1.0);
  EXPECT_GT(set.reach(), 1.0 / 4096.0);
  EXPECT_LT(set.reach(), 1.0 / 64.0);
  for (const double angle : {1.6, 2.0, 3.0, 4.0, 4.7})
    for (const double part : {0.0, 0.3, 1.0}) EXPECT_EQ(set.distance(part * Eigen::Vector2d(std::cos(angle), std::sin(angle))).lower, 0.0);
  EXPECT_GT(set.distance(Eigen::Vector2d(0.1, 0.2)).lower, 0.05);
}

TEST(CriticalSet, the_set_does_not_depend_on_the_number_of_threads) {
  const Testbed& testbed = testbed_by_name("relu-pair");
  const auto cells = [&](int threads) {
    const ScopedThreads scoped(threads);
    return find_critical_set(*testbed.field, 1.0, {.fine = 1.0 / 256.0});
  };
  const CriticalSet one = cells(1);
  const CriticalSet three = cells(3);
  EXPECT_EQ(one.cells(), three.cells());
  ASSERT_EQ(one.points().size(), three.points().size());
  for (std::size_t i = 0; i < one.points().size(); ++i) EXPECT_EQ(one.points()[i].u, three.points()[i].u);
}

// --- the testbeds, by brute force -------------------------------------------------------------------------------------------------------------------------

std::vector<Eigen::Vector2d> grid_in_ball(double radius, int half) {
  std::vector<Eigen::Vector2d> out;
  for (int i = -half; i <= half; ++i)
    for (int k = -half; k <= half; ++k) {
      const Eigen::Vector2d u = radius * Eigen::Vector2d(i + 0.37, k - 0.21) / (half + 0.5);
      if (u.norm() < radius) out.push_back(u);
    }
  return out;
}

class PairTestbed : public ::testing::TestWithParam<const char*> {};

TEST_P(PairTestbed, flows_end_in_the_cells) {
  const Testbed& testbed = testbed_by_name(GetParam());
  const double r = 1.5;
  const CriticalSet set = find_critical_set(*testbed.field, r);
  int inside = 0;
  for (const Eigen::Vector2d& start : grid_in_ball(r, 3)) {
    const FlowPath path = solve_flow(*testbed.field, start, {.horizon = 60.0, .largest_step = 0.5});
    if (path.end().norm() >= r) continue;
    ++inside;
    // A flow that is on its way towards a minimum with smallest Hessian eigenvalue m is at most about speed/m away from it; here m > 1/2.
    EXPECT_LE(set.distance(path.end()).lower, 4.0 * path.steps().back().velocity_to.norm() + 1e-8)
        << start.transpose() << " ends at " << path.end().transpose();
  }
  EXPECT_GE(inside, 10);
}

TEST_P(PairTestbed, projected_descent_ends_in_the_cells) {
  const Testbed& testbed = testbed_by_name(GetParam());
  const double step = 0.05;
  for (const double r : {0.3, 0.6, 1.0}) {
    const CriticalSet set = find_critical_set(*testbed.field, r);
    int boundary = 0;
    for (const Eigen::Vector2d& start : grid_in_ball(r, 1)) {
      Eigen::VectorXd u = start;
      double moved = 0.0;
      for (int t = 0; t < 2000; ++t) {
        const Eigen::VectorXd before = u;
        u -= step * gradient_at(*testbed.field, u);
        if (u.norm() > r) u *= r / u.norm();
        moved = (u - before).norm();
      }
      // As for the flow, with speed moved/step; or the descent swings across a wall, by `moved` each time.
      const double speed = moved / step;
      EXPECT_LE(set.distance(u).lower, speed < 1e-4 ? 4.0 * speed + 1e-8 : 2.0 * moved) << start.transpose() << " ends at " << u.transpose();
      boundary += u.norm() >= r * (1.0 - 1e-12) ? 1 : 0;
    }
    EXPECT_GE(boundary, r <= 0.6 ? 1 : 0) << "small balls have critical points on the sphere (T5)";
  }
}

TEST_P(PairTestbed, points_are_critical_for_the_exact_objective_and_cells_are_near_them) {
  const Testbed& testbed = testbed_by_name(GetParam());
  const FiniteObjective objective(testbed.generator, *testbed.source, *testbed.target, testbed.n);
  for (const double r : {1.5, 0.6}) {
    const CriticalSet set = find_critical_set(*testbed.field, r);
    double scale = 0.0;
    for (const Eigen::Vector2d& u : grid_in_ball(r, 10)) scale = std::max(scale, gradient_at(*testbed.field, u).norm());
    int judged = 0;
    for (const CriticalPoint& point : set.points()) {
      ASSERT_TRUE(point.resolved) << point.u.transpose() << " residual " << point.residual;
      const Points<double> images = testbed.generator->forward(point.u, testbed.field->inputs());
      double nearest = 1.0;
      for (Index a = 0; a < images.rows(); ++a)
        for (Index b = 0; b < a; ++b) nearest = std::min(nearest, (images.row(a) - images.row(b)).norm());
      if (nearest < 1e-6) continue;  // known to 10⁻⁹·r only, where ∇F is steep: the objective sees another gradient
      ++judged;
      // Twice 10⁻⁶·scale: the field and the objective agree far beyond that, and so do their walls' widths.
      EXPECT_LE(criticality(objective, point.u, r).lower, 2e-6 * scale) << point.u.transpose();
    }
    EXPECT_GE(judged, 2);
    for (const auto& cell : set.cells().rowwise()) EXPECT_LE(set.distance(cell.transpose()).upper, 0.01 * r) << cell;
  }
}

INSTANTIATE_TEST_SUITE_P(Testbeds, PairTestbed, ::testing::Values("tanh-pair", "relu-pair"),
                         [](const auto& testbed) { return std::string(testbed.param).substr(0, 4); });

// --- the set itself ---------------------------------------------------------------------------------------------------------------------------------------

TEST(CriticalSet, distances_are_to_balls_and_to_resolved_points) {
  CriticalPoint point{.u = Eigen::Vector2d(1.0, 0.0)};
  CriticalPoint open{.u = Eigen::Vector2d(0.0, 1.0)};
  open.resolved = false;
  const CriticalSet set(2.0, {point, open}, Points<double>{{1.0, 0.1}, {0.0, 1.0}}, 0.2);
  const CriticalDistance distance = set.distance(Eigen::Vector2d(0.0, 0.0));
  EXPECT_DOUBLE_EQ(distance.lower, 0.8);
  EXPECT_DOUBLE_EQ(distance.upper, 1.0);
  EXPECT_EQ(set.distance(Eigen::Vector2d(1.0, 0.25)).lower, 0.0);
  EXPECT_TRUE(std::isinf(CriticalSet(2.0, {open}).distance(Eigen::Vector2d::Zero()).upper));
}

TEST(CriticalSet, wrong_arguments_are_refused) {
  const CriticalPoint point{.u = Eigen::Vector2d(1.0, 0.0)};
  EXPECT_THROW(CriticalSet(0.0, {point}), InputError);
  EXPECT_THROW(CriticalSet(1.0, {}), InputError);
  EXPECT_THROW(CriticalSet(1.0, {point}, Points<double>::Zero(1, 3), 0.1), InputError);
  EXPECT_THROW(CriticalSet(1.0, {point}, Points<double>::Zero(1, 2), -0.1), InputError);
  EXPECT_THROW(static_cast<void>(CriticalSet(1.0, {point}).distance(Eigen::VectorXd::Zero(3))), InputError);
  EXPECT_THROW(two_point_line_critical_set(0, 1.0), InputError);
  EXPECT_THROW(two_point_line_critical_set(2, std::nan("")), InputError);
  const FiniteFlowField field = line(2);
  EXPECT_THROW(find_critical_set(field, -1.0), InputError);
  EXPECT_THROW(find_critical_set(field, 1.0, {.coarse = 0.5}), InputError);
  EXPECT_THROW(find_critical_set(field, 1.0, {.coarse = 0.05, .fine = 0.1}), InputError);
  EXPECT_THROW(find_critical_set(*testbed_by_name("affine-plane").field, 1.0), InputError);
  EXPECT_THROW(smallest_outward_slope(field, 1.0, 0), InputError);
  EXPECT_THROW(smallest_outward_slope(*testbed_by_name("affine-plane").field, 1.0), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
