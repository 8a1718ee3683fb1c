/// Subdifferentials in u and criticality: the two-point line, ReLU kinks whose set is known by hand, coincidences in the plane, harmful ties, Goldstein.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/finite_objective.h"
#include "slicecheck/nonsmooth/goldstein.h"
#include "slicecheck/nonsmooth/minimum_norm.h"
#include "slicecheck/nonsmooth/sample_subdifferential.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();
/// Sums of fewer than 100 products of numbers below 8, and a minimum-norm search on them.
const double kRounding = tolerance::gamma(1000.0, kUnitRoundoff) * 64.0;

Eigen::VectorXd scalar(double u) { return Eigen::VectorXd::Constant(1, u); }

Eigen::VectorXd normals(Index size, std::uint64_t number) {
  Eigen::VectorXd v(size);
  RandomStream(test_seed(), Purpose::cases, 72, number).fill_normal(v);
  return v;
}

FiniteObjective line(Index n) {
  const auto points = FiniteLaw::two_points();
  return {std::make_shared<TwoPointLine<double>>(), *points, *points, n};
}

/// T(s, 0) = v_1 relu(b_1·s) + v_2 relu(b_2·s) + linear·s + offset: two hidden units on the input 0.
/// u = (W_1: 2×1, b_1: 2, W_2: 1×3 on (x, h_1, h_2), b_2).
std::shared_ptr<TiedMlp> kinked(double b1, double v1, double b2, double v2, double linear, double offset) {
  Eigen::VectorXd base(8);
  base << 0.0, 0.0, 0.0, 0.0, 0.0, v1, v2, offset;
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(8, 1);
  matrix(2, 0) = b1;
  matrix(3, 0) = b2;
  matrix(7, 0) = linear;
  return std::make_shared<TiedMlp>(std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::relu), base, matrix);
}

/// [−support(−1), support(1)].
void expect_interval(const ConvexSet& set, double low, double high) {
  ASSERT_EQ(set.dimension(), 1);
  EXPECT_NEAR(-set.support(scalar(-1.0)), low, kRounding);
  EXPECT_NEAR(set.support(scalar(1.0)), high, kRounding);
}

TEST(SampleSubdifferential, relu_minus_its_mirror_image) {
  // T(s) = relu(s) − relu(−s) = s at x = 0, n = 1, y = −1/2: f = (s + 1/2)², ∂f(0) = {1}.
  const auto generator = kinked(1.0, 1.0, -1.0, -1.0, 0.0, 0.0);
  const Points<double> x{{0.0}};
  const Points<double> y{{-0.5}};
  const auto set = SampleSubdifferential::of_sample(*generator, scalar(0.0), x, y, Eigen::RowVectorXd::Ones(1));
  expect_interval(*set.outer(OuterRule::joint_cells), 1.0, 1.0);
  expect_interval(*set.outer(OuterRule::sum_rule), 1.0, 1.0);
  const LimitingGradients limits = set.limits();
  ASSERT_GT(limits.gradients.rows(), 0);
  for (Index k = 0; k < limits.gradients.rows(); ++k) EXPECT_EQ(limits.gradients(k, 0), 1.0);
  // What back-propagation gives, 0, is outside; so is everything else in the product [0, 2] of the two kinks.
  const double naive = generator->pullback(scalar(0.0), x, Points<double>::Constant(1, 1, 1.0))[0];
  EXPECT_EQ(naive, 0.0);
  EXPECT_LT(naive, -set.outer()->support(scalar(-1.0)) - 0.5);
}

TEST(Criticality, sum_rule_against_joint_cells) {
  // N9: n = 1, T = relu(u) + u/2 + 1/4, y = ±1. F = E(T − y)², ∂F(0) = 2·(1/4)·[1/2, 3/2] = [1/4, 3/4]; the sum rule over y gives [−1/2, 3/2].
  const auto generator = kinked(1.0, 1.0, 0.0, 0.0, 0.5, 0.25);
  const FiniteLaw source("zero", Points<double>::Zero(1, 1));
  const FiniteObjective objective(generator, source, *FiniteLaw::two_points(), 1);
  const SampleSubdifferential set = objective.subdifferential(scalar(0.0));
  expect_interval(*set.outer(OuterRule::joint_cells), 0.25, 0.75);
  expect_interval(*set.outer(OuterRule::sum_rule), -0.5, 1.5);
  expect_interval(PointHull(set.limits().gradients), 0.25, 0.75);
  EXPECT_FALSE(objective.gradient(scalar(0.0)).has_value());

  const Criticality sharp = criticality(objective, scalar(0.0), 1.0);
  EXPECT_NEAR(sharp.lower, 0.25, kRounding);
  EXPECT_NEAR(sharp.upper, 0.25, kRounding);
  EXPECT_EQ(sharp.verdict(0.1), CriticalityVerdict::not_critical);
  CriticalityOptions options;
  options.rule = OuterRule::sum_rule;
  const Criticality loose = criticality(objective, scalar(0.0), 1.0, options);
  EXPECT_EQ(loose.lower, 0.0);
  EXPECT_NEAR(loose.upper, 0.25, kRounding);
  EXPECT_EQ(loose.verdict(0.1), CriticalityVerdict::undecided) << "0 in an outer set does not make a point critical";
  EXPECT_EQ(loose.verdict(0.3), CriticalityVerdict::critical);
  EXPECT_THROW((void)loose.verdict(-1.0), InputError);
}

TEST(Criticality, two_point_line) {
  const FiniteObjective objective = line(2);
  // ∂F_2(0) = [−1/2, 1/2].
  const SampleSubdifferential at_tie = objective.subdifferential(scalar(0.0));
  expect_interval(*at_tie.outer(), -0.5, 0.5);
  expect_interval(PointHull(at_tie.limits().gradients), -0.5, 0.5);

  struct Case {
    double u;
    double radius;
    double distance;
  };
  // |F_2'(u)| = |2|u| − 1/2| inside; on the sphere, what of it points inwards: −F' has to point out.
  for (const Case& c :
       {Case{0.0, 1.0, 0.0}, Case{0.25, 1.0, 0.0}, Case{-0.25, 1.0, 0.0}, Case{0.125, 1.0, 0.25}, Case{-0.125, 1.0, 0.25}, Case{0.75, 1.0, 1.0},
        Case{0.125, 0.125, 0.0}, Case{-0.125, 0.125, 0.0}, Case{0.25, 0.25, 0.0}, Case{0.5, 0.5, 0.5}, Case{0.0, 0.125, 0.0}, Case{0.125, 0.25, 0.25}}) {
    const Criticality found = criticality(objective, scalar(c.u), c.radius);
    EXPECT_TRUE(found.lower <= c.distance && c.distance <= found.upper) << c.u << " in " << c.radius << ": " << found.lower << " … " << found.upper;
    EXPECT_TRUE(found.upper - found.lower <= kRounding) << c.u;
    EXPECT_EQ(found.on_sphere, std::abs(c.u) == c.radius);
    EXPECT_EQ(found.verdict(0.01), c.distance == 0.0 ? CriticalityVerdict::critical : CriticalityVerdict::not_critical);
  }
  EXPECT_THROW((void)criticality(objective, scalar(0.5), 0.25), InputError);
}

TEST(Criticality, one_selection_at_a_tie_misses_a_critical_point) {
  // Stable sort at u = 0, batches (a, b) in this order: a selection of length 1/2 at a critical point.
  const FiniteObjective objective = line(2);
  const ReferenceLoss loss(2.0);
  double selected = 0.0;
  for (const SampleTerm& term : objective.terms()) {
    Points<double> x(2, 1);
    for (Index k = 0; k < 2; ++k) x.row(k) = objective.inputs().row(term.inputs[static_cast<std::size_t>(k)]);
    const auto linear = objective.generator().linearise(scalar(0.0), x);
    selected += term.weight * linear->pullback(loss.evaluate(linear->images(), term.y, Points<double>::Ones(1, 1)).gradient)[0];
  }
  EXPECT_EQ(std::abs(selected), 0.5);
  EXPECT_EQ(criticality(objective, scalar(0.0), 1.0).verdict(0.01), CriticalityVerdict::critical);
}

/// Testbed 2 at A = 0, b = 0: all atoms coincide, no polytope, no kink, so that both ends of the bracket are the same set.
TEST(Criticality, coinciding_images_in_the_plane_close_the_bracket) {
  const FiniteLaw source("triangle", Points<double>{{1.0, 0.0}, {0.0, 1.0}, {-1.0, -1.0}});
  const auto generator = std::make_shared<Affine<double>>(2, 2);
  const FiniteLaw away("away", Points<double>{{3.0, 0.0}, {2.0, 1.0}, {4.0, 1.0}});
  const FiniteLaw around("around", Points<double>{{1.0, 0.0}, {-1.0, 0.0}, {0.0, 1.0}, {0.0, -1.0}});
  const Criticality far = criticality(FiniteObjective(generator, source, away, 2), Eigen::VectorXd::Zero(6), 1.0);
  // The mean of y is (3, 2/3): ∂F has −(2/2)·mean of it in its b part, whatever the ties.
  EXPECT_GE(far.lower, std::hypot(3.0, 2.0 / 3.0) - 1e-3);
  EXPECT_TRUE(far.lower <= far.upper);
  EXPECT_EQ(far.verdict(0.5), CriticalityVerdict::not_critical);
  EXPECT_LT(far.upper - far.lower, 0.02 * far.lower);
  const FiniteObjective centred(generator, source, around, 2);
  CriticalityOptions options;
  options.refinements = 200;
  const Criticality tie = criticality(centred, Eigen::VectorXd::Zero(6), 1.0, options);
  EXPECT_LT(tie.upper, 1e-2) << tie.limits;
  EXPECT_EQ(tie.verdict(1e-2), CriticalityVerdict::critical);
  // Gradients beside it are not small: the tie is critical without being a zero of ∇F.
  const auto beside = centred.gradient(1e-6 * normals(6, 1));
  ASSERT_TRUE(beside.has_value());
  EXPECT_GT(beside->norm(), 0.1);
}

/// A ReLU network of 8 parameters with kinks and ties at once: gradients beside u, in generic directions, are limits that the inner set has, and are in the
/// outer sets; a gradient moved outwards is not.
TEST(Criticality, gradients_beside_a_kink_land_in_the_sets) {
  const auto generator = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::relu);
  const FiniteLaw source("three", Points<double>{{-1.0}, {0.0}, {1.0}});
  const FiniteLaw target("two", Points<double>{{-1.0}, {2.0}}, {0.25, 0.75});
  const FiniteObjective objective(generator, source, target, 2);
  Eigen::VectorXd u(8);
  u << 1.0, 0.0, 0.0, 0.5, 0.0, 1.0, -1.0, 0.25;  // unit 1 kinks at x = 0; T = relu(x) − 1/2 + 1/4 ties x = −1 and x = 0
  const SampleSubdifferential set = objective.subdifferential(u);
  EXPECT_EQ(activation_kinks(*generator, u, objective.inputs()).size(), 1u);
  const double t = 0x1p-26;
  int compared = 0;
  int refused = 0;
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Eigen::VectorXd v = normals(8, 100 + number).normalized();
    const auto beside = objective.gradient(u + t * v);
    const auto limit = set.limit_along(v);
    ASSERT_TRUE(beside.has_value() && limit.has_value());
    // Inside a cell φ is a polynomial of degree ≤ 3 in numbers ≤ 4: it moves by at most 1e3·t.
    const double allowed = 1e3 * t;
    EXPECT_TRUE((*beside - *limit).norm() <= allowed) << number;
    for (const OuterRule rule : {OuterRule::joint_cells, OuterRule::sum_rule}) {
      const auto outer = set.outer(rule);
      for (std::uint64_t probe = 0; probe < 20; ++probe) {
        const Eigen::VectorXd w = normals(8, 1000 + 40 * number + probe).normalized();
        EXPECT_TRUE(beside->dot(w) <= outer->support(w) + allowed);
        const Eigen::VectorXd outside = outer->maximiser(w) + 1e-3 * w;
        refused += outside.dot(w) <= outer->support(w) + allowed ? 0 : 1;
      }
    }
    const auto opposite = set.limit_along(-v);
    ASSERT_TRUE(opposite.has_value());
    if ((*opposite - *limit).norm() > 1e-3) {
      ++compared;
      EXPECT_FALSE((*beside - *opposite).norm() <= allowed);
    }
  }
  EXPECT_EQ(refused, 40 * 2 * 20);
  EXPECT_GT(compared, 30);
  const LimitingGradients limits = set.limits();
  EXPECT_GE(limits.cells, 4u) << "two sides of the kink, two of the tie";
  const Criticality bracket = criticality(objective, u, 4.0);
  EXPECT_TRUE(bracket.lower <= bracket.upper);
  EXPECT_TRUE(std::isfinite(bracket.upper));
}

/// Testbed 4: T(s, x) = relu(s_1 x + s_2) − 1/2, on a grid that meets kinks and ties. Where F is differentiable the bracket is the norm of the gradient;
/// elsewhere no gradient nearby is shorter than its left end.
TEST(Criticality, a_network_of_two_parameters) {
  const auto mlp = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{1}, 1, Activation::relu);
  Eigen::VectorXd base(5);
  base << 0.0, 0.0, 0.0, 1.0, -0.5;  // T = relu(s_1 x + s_2) − 1/2
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(5, 2);
  matrix(0, 0) = 1.0;
  matrix(1, 1) = 1.0;
  const FiniteLaw source("three", Points<double>{{-1.0}, {0.5}, {1.0}});
  const FiniteObjective objective(std::make_shared<TiedMlp>(mlp, base, matrix), source, *FiniteLaw::two_points(), 2);
  int differentiable = 0;
  int kinks = 0;
  for (int i = -4; i <= 4; ++i) {
    for (int j = -4; j <= 4; ++j) {
      const Eigen::Vector2d s(0.25 * i, 0.25 * j);
      const Criticality found = criticality(objective, s, 2.0);
      EXPECT_TRUE(found.lower <= found.upper) << s.transpose();
      const auto gradient = objective.gradient(s);
      if (gradient) {
        ++differentiable;
        EXPECT_TRUE(std::abs(gradient->norm() - found.upper) <= kRounding) << s.transpose();
        EXPECT_TRUE(std::abs(gradient->norm() - found.lower) <= kRounding) << s.transpose();
      } else {
        ++kinks;
        // Any nearby gradient is at least the distance of the outer set, up to its own change.
        for (std::uint64_t number = 0; number < 10; ++number) {
          const auto beside = objective.gradient(s + 0x1p-26 * normals(2, 5000 + number).normalized());
          ASSERT_TRUE(beside.has_value());
          EXPECT_TRUE(found.lower <= beside->norm() + 1e3 * 0x1p-26);
        }
      }
    }
  }
  EXPECT_GT(differentiable, 20);
  EXPECT_GT(kinks, 10);
}

TEST(HarmfulTie, by_hand) {
  const TwoPointLine<double> generator;
  const Eigen::RowVectorXd theta = Eigen::RowVectorXd::Ones(1);
  const Points<double> x{{1.0}, {-1.0}, {1.0}};
  const Points<double> y{{-1.0}, {1.0}, {1.0}};
  EXPECT_TRUE(harmful_tie(generator, scalar(0.0), x, y, theta, 0, 1)) << "J = 1 and −1";
  EXPECT_FALSE(harmful_tie(generator, scalar(0.0), x, y, theta, 0, 2)) << "equal inputs";
  EXPECT_FALSE(harmful_tie(generator, scalar(0.5), x, y, theta, 0, 1)) << "no tie";
  EXPECT_FALSE(harmful_tie(generator, scalar(0.5), x, y, theta, 0, 2));
  EXPECT_FALSE(harmful_tie(generator, scalar(0.0), x, Points<double>::Ones(3, 1), theta, 0, 1)) << "equal targets";
  EXPECT_THROW((void)harmful_tie(generator, scalar(0.0), x, y, theta, 0, 3), InputError);
  // Equal inputs: a tie for every u, and the pull-back is one vector; the set is a point although the loss's own set is not.
  const Points<double> twins{{1.0}, {1.0}};
  const Points<double> targets{{-1.0}, {2.0}};
  const auto set = SampleSubdifferential::of_sample(generator, scalar(0.5), twins, targets, theta);
  expect_interval(*set.outer(), 0.0, 0.0);
  const auto harmful = SampleSubdifferential::of_sample(generator, scalar(0.0), x, y, theta);
  EXPECT_LT(-harmful.outer()->support(scalar(-1.0)), harmful.outer()->support(scalar(1.0)) - 1.0);
  // In the plane, A = 0: all points are tied along every θ, and J_iᵀθ differ for different inputs.
  const Affine<double> affine(2, 2);
  const Points<double> inputs{{1.0, 0.0}, {0.0, 1.0}, {1.0, 0.0}};
  const Points<double> plane_targets{{0.0, 1.0}, {0.0, 2.0}, {0.0, 3.0}};
  const Eigen::RowVectorXd up = Eigen::RowVector2d(0.0, 1.0);
  EXPECT_TRUE(harmful_tie(affine, Eigen::VectorXd::Zero(6), inputs, plane_targets, up, 0, 1));
  EXPECT_FALSE(harmful_tie(affine, Eigen::VectorXd::Zero(6), inputs, plane_targets, up, 0, 2));
  EXPECT_FALSE(harmful_tie(affine, Eigen::VectorXd::Zero(6), inputs, plane_targets, Eigen::RowVector2d(1.0, 0.0), 0, 1)) << "along e_1 all targets are 0";
}

TEST(SampleSubdifferential, rejects_what_does_not_fit) {
  const TwoPointLine<double> generator;
  const Points<double> x{{1.0}, {-1.0}};
  const Eigen::RowVectorXd theta = Eigen::RowVectorXd::Ones(1);
  EXPECT_THROW((void)SampleSubdifferential::of_sample(generator, scalar(std::nan("")), x, x, theta), InputError);
  EXPECT_THROW((void)SampleSubdifferential::of_sample(generator, scalar(0.0), x, Points<double>::Zero(3, 1), theta), InputError);
  EXPECT_THROW((void)SampleSubdifferential::of_sample(generator, scalar(0.0), x, x, Eigen::RowVectorXd::Ones(2)), InputError);
  EXPECT_THROW(SampleSubdifferential(generator, scalar(0.0), x, {}, theta), InputError);
  EXPECT_THROW(SampleSubdifferential(generator, scalar(0.0), x, {{1.0, {0, 2}, x}}, theta), InputError);
  EXPECT_THROW(SampleSubdifferential(generator, scalar(0.0), x, {{-1.0, {0, 1}, x}}, theta), InputError);
  EXPECT_THROW(SampleSubdifferential(generator, scalar(0.0), x, {{1.0, {0, 1}, x}}, std::nullopt), InputError) << "one dimension is no plane";
  const auto set = SampleSubdifferential::of_sample(generator, scalar(0.0), x, x, theta);
  EXPECT_FALSE(set.limit_along(scalar(0.0)).has_value()) << "no direction at a harmful tie";
  EXPECT_THROW((void)set.limit_along(Eigen::VectorXd::Zero(2)), InputError);
}

GoldsteinSettings on_the_line(double delta) {
  GoldsteinSettings settings;
  settings.delta = delta;
  settings.n = 2;
  settings.batches = 400;
  settings.directions = 1;
  return settings;
}

TEST(Goldstein, two_point_line) {
  const TwoPointLine<double> generator;
  const ReferenceLoss loss(2.0);
  const auto points = FiniteLaw::two_points();
  const auto measured = [&](double u, const GoldsteinSettings& settings) {
    return goldstein_criticality(generator, loss, *points, *points, scalar(u), settings, test_seed());
  };
  // The frozen objective is u² + const − 2c|u| with c the share of batches (a, b) or (b, a) and (−1, 1) or (1, −1): 400 of them leave 1/4 ± 0.12 with
  // probability < 1e-4, and the seed is fixed.
  const Goldstein tie = measured(0.0, on_the_line(0.05));
  EXPECT_EQ(tie.verdict(1e-6), GoldsteinVerdict::delta_critical);
  EXPECT_GT(tie.smallest_gradient, 0.1) << "no gradient is small: only their hull is";
  EXPECT_EQ(measured(0.25, on_the_line(0.2)).verdict(1e-6), GoldsteinVerdict::delta_critical);
  const Goldstein far = measured(1.0, on_the_line(0.05));
  EXPECT_EQ(far.verdict(0.5), GoldsteinVerdict::inconclusive) << far.norm;
  EXPECT_FALSE(far.ray);
  // At the sphere the ray counts, from ‖u‖ = r − δ on.
  GoldsteinSettings ball = on_the_line(0.02);
  EXPECT_EQ(measured(0.1, ball).verdict(0.05), GoldsteinVerdict::inconclusive);
  ball.radius = 0.1;
  EXPECT_TRUE(measured(0.1, ball).ray);
  EXPECT_TRUE(measured(0.085, ball).ray);
  EXPECT_FALSE(measured(0.07, ball).ray);
  EXPECT_EQ(measured(0.1, ball).verdict(1e-6), GoldsteinVerdict::delta_critical);
  EXPECT_EQ(measured(0.07, ball).verdict(0.05), GoldsteinVerdict::inconclusive);
}

TEST(Goldstein, fresh_batches_would_find_criticality_everywhere) {
  // Small batches at u = 1/2, F' = 1/2: each frozen batch set has one slope at all points; batches drawn afresh at every point have 0 in their hull.
  const TwoPointLine<double> generator;
  const ReferenceLoss loss(2.0);
  const auto points = FiniteLaw::two_points();
  GoldsteinSettings settings = on_the_line(0.01);
  settings.batches = 1;
  settings.points = 1;
  settings.refinements = 0;
  Points<double> fresh(24, 1);
  double frozen = 1e9;
  for (Index k = 0; k < 24; ++k) {
    RandomStream stream(test_seed(), Purpose::cases, 73, static_cast<std::uint64_t>(k));
    const auto x = points->sample<double>(RandomStream(test_seed(), Purpose::source, 73, static_cast<std::uint64_t>(k)), 2);
    const auto y = points->sample<double>(RandomStream(test_seed(), Purpose::target, 73, static_cast<std::uint64_t>(k)), 2);
    const auto linear = generator.linearise(scalar(0.5 + 0.01 * (stream.uniforms(0)[0] - 0.5)), x);
    fresh(k, 0) = linear->pullback(loss.evaluate(linear->images(), y, Points<double>::Ones(1, 1)).gradient)[0];
    settings.points = 8;
    frozen = std::min(frozen, goldstein_criticality(generator, loss, *points, *points, scalar(0.5), settings, test_seed(), static_cast<std::uint32_t>(k)).norm);
  }
  EXPECT_LT(minimum_norm_point(PointHull(fresh), {}).norm, 1e-9);
  EXPECT_GT(frozen, 0.5);
}

TEST(Goldstein, rejects_what_it_cannot_use) {
  const TwoPointLine<double> generator;
  const ReferenceLoss loss(2.0);
  const auto points = FiniteLaw::two_points();
  const auto run = [&](double u, const GoldsteinSettings& settings) {
    return goldstein_criticality(generator, loss, *points, *points, scalar(u), settings, 1);
  };
  for (const double delta : {0.0, -1.0, std::nan("")}) EXPECT_THROW((void)run(0.0, on_the_line(delta)), InputError);
  GoldsteinSettings settings = on_the_line(0.1);
  settings.radius = 0.05;
  EXPECT_THROW((void)run(0.0, settings), InputError);
  settings.radius = 0.5;
  EXPECT_THROW((void)run(1.0, settings), InputError);
  EXPECT_THROW((void)run(std::nan(""), settings), InputError);
  settings.points = 0;
  EXPECT_THROW((void)run(0.0, settings), InputError);
  EXPECT_THROW((void)Goldstein{}.verdict(std::nan("")), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
