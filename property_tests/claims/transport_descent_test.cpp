/// R8–R11 and F4: they hold for the library and for the repaired twins, each of their checks refuses something that is wrong, and the closed forms that they
/// rest on agree with each other.

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "claims/typed_check_runs.h"
#include "slicecheck/claims/transport_descent_case.h"
#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck::testing {
namespace {

const std::vector<TypedCheck<TransportBoundsSubject>>& bounds_checks(const char* claim) { return typed_checks<TransportBoundsSubject>(claim_by_id(claim)); }
const std::vector<TypedCheck<TransportSubject>>& transport_checks(const char* claim) { return typed_checks<TransportSubject>(claim_by_id(claim)); }

RandomStream stream_of(Index number) { return {test_seed(), Purpose::cases, 8100, static_cast<std::uint64_t>(number)}; }

TransportSubject batches_named(const std::string& name) {
  for (const TransportDefect& defect : broken_batches())
    if (defect.name == name) return defect.subject;
  throw std::logic_error(name + " is not in the gallery");
}

TEST(DescentClaims, hold_for_the_bounds_and_for_the_repaired_twin) {
  for (const char* claim : {"R8", "R9", "R10", "R11"}) {
    expect_all_hold(bounds_checks(claim), transport_bounds_subjects().front(), 150);
    expect_all_hold(bounds_checks(claim), repaired_transport_bounds(), 50);
  }
  expect_all_hold(transport_checks("R11"), transport_subjects().front(), 200);
  expect_all_hold(transport_checks("R11"), repaired_transport(), 50);
}

TEST(DescentClaims, refuse_wrong_stationarity) {
  expect_refusals(
      bounds_checks("R8"), broken_descent(),
      {{"half-the-noise", {"the tree of all minibatches", "the fall of h over the tree", "one atom on one side, any number of steps", "sampled, many atoms"}},
       {"error-not-squared", {"the tree of all minibatches", "one atom on one side, any number of steps"}},
       {"half-the-excess", {"the tree of all minibatches", "the fall of h over the tree"}},
       {"noise-without-l", {"the tree of all minibatches"}},
       {"noise-by-squared-step", {"the fall of h over the tree"}},
       {"error-forgotten", {"the tree of all minibatches", "one atom on one side, any number of steps"}}},
      150);
}

TEST(DescentClaims, refuse_steps_that_are_too_long) {
  expect_refusals(bounds_checks("R9"), broken_descent(),
                  {{"step-three-over-l1", {"the majorant for λ > 0", "the majorant for λ = 0", "the tree with L1 in place of L"}},
                   {"step-two-over-l1", {"the majorant for λ > 0", "the majorant for λ = 0", "the tree with L1 in place of L"}}},
                  100);
}

TEST(DescentClaims, refuse_wrong_averages) {
  expect_refusals(bounds_checks("R10"), broken_descent(),
                  {{"plain-averages", {"averages weighted by the steps", "translations, any number of steps"}},
                   {"smallest-error", {"averages weighted by the steps", "translations, any number of steps"}},
                   {"noise-of-the-shortest-step", {"averages weighted by the steps"}},
                   {"error-not-squared", {"averages over the tree"}}},
                  150);
}

TEST(DescentClaims, refuse_wrong_minibatches) {
  expect_refusals(transport_checks("R11"), broken_batches(),
                  {{"minibatch-over-s", {"the mean over all minibatches"}},
                   {"minibatch-over-s4", {"the mean over all minibatches"}},
                   {"minibatch-density-divided-again", {"the mean over all minibatches"}},
                   {"minibatch-repeats-once", {"the mean over all minibatches"}},
                   {"minibatch-weights-ignored", {"the mean over all minibatches"}},
                   {"minibatch-of-mass-one", {"the mean over all minibatches"}},
                   {"minibatch-of-pairs", {"their variance"}},
                   {"solves-anew", {"the mean over all minibatches"}}},
                  100);
  expect_refusals(bounds_checks("R11"), broken_descent(),
                  {{"variance-of-independent-pairs", {"the formula of the variance"}}, {"variance-without-s-minus-one", {"the formula of the variance"}}}, 100);
}

/// A mean that is right and a variance that is not: only the second check sees it.
TEST(DescentClaims, pairs_of_the_same_number_have_the_right_mean) {
  EXPECT_EQ(refusing_checks(transport_checks("R11"), batches_named("minibatch-of-pairs"), 100), std::set<std::string>{"their variance"});
}

TEST(DescentClaims, refuse_numbers_that_are_none) {
  class NoNumber : public TransportBounds {
   public:
    [[nodiscard]] double largest_step(const CostConstants&) const override { return std::nan(""); }
    [[nodiscard]] double stationarity(double, double, double, double, double, double) const override { return std::nan(""); }
    [[nodiscard]] double batch_variance(double, double, double, double) const override { return std::nan(""); }
    [[nodiscard]] double weighted_stationarity(double, VectorView<double>, VectorView<double>, double, VectorView<double>) const override {
      return std::nan("");
    }
  };
  const TransportBoundsSubject wrong{"no number", "", std::make_shared<NoNumber>()};
  for (const char* claim : {"R8", "R9", "R10", "R11"})
    for (const auto& check : bounds_checks(claim)) EXPECT_GT(run_check(check, wrong, 20).refused, 15) << check.name;
}

TEST(DescentClaims, the_printed_bullet_fails_from_four_steps_on) {
  const auto& check = transport_checks("F4").front();
  const Trial smallest = judge(check, transport_subjects().front(), stream_of(0), 1);
  EXPECT_TRUE(smallest.judgement.refutes());
  EXPECT_EQ(smallest.judgement.observed, 8.0);          // 4 steps at ‖∇h‖² = 4, over L = 2
  EXPECT_NEAR(smallest.judgement.allowed, 6.0, 1e-10);  // 2Δ + δ²; 3 steps would give 6 on either side
  EXPECT_EQ(run_check(check, batches_named("solves-anew"), 100).refused, 0);
}

/// The closed form against sweeps in long double.
TEST(SmallSolution, agrees_with_the_textbook) {
  for (Index k = 0; k < 500; ++k) {
    const RandomStream stream = stream_of(k);
    PointDraws draws(stream, 0);
    const TransportProblem problem = draw_transport_case(draws, 1, {{}, 1e-2, 1e3, 1}).problem;
    const Real size = static_cast<Real>(problem.lambda + problem.cost.cwiseAbs().maxCoeff());
    const TextbookSolution textbook = textbook_solution(problem, 1e-16L * size, 2000);
    const SmallSolution small = small_solution(problem);
    // A value between D and D + gap; the plan by strong convexity (R2).
    const Real own = std::abs(textbook.gap) + 8.0L * 0x1p-53L * size;  // the weights add up to 1 within their roundings
    EXPECT_LE(std::abs(small.value - textbook.value), own) << k;
    const auto lambda = static_cast<Real>(problem.lambda);
    const Real apart = std::sqrt(2.0L * own / lambda);
    EXPECT_LE((small.plan - textbook.plan).cwiseAbs().sum(), apart) << k;
    for (Index i = 0; i < problem.n(); ++i)
      for (Index j = 0; j < problem.m(); ++j) {
        const Real v = small.scaled(i, j);
        const Real density = problem.regulariser == Regulariser::kl ? std::exp(v) : std::max(v, 0.0L);
        EXPECT_NEAR(static_cast<double>(density * static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]) - small.plan(i, j)), 0.0, 1e-17);
      }
  }
}

TEST(SmallSolution, without_regularisation_is_a_vertex) {
  TransportProblem problem{Vector<double>::Constant(2, 0.5), Vector<double>::Constant(2, 0.5), Points<double>(2, 2), 0.0, Regulariser::kl};
  problem.cost << 0.0, 1.0, 1.0, 0.0;
  EXPECT_EQ(small_solution(problem).value, 0.0L);
  problem.cost << 1.0, 0.0, 0.0, 2.0;
  EXPECT_EQ(small_solution(problem).value, 0.0L);
}

/// The recursion of the moments against the tree, where both apply.
TEST(TranslationMoments, agree_with_the_tree) {
  for (Index k = 0; k < 200; ++k) {
    const RandomStream stream = stream_of(1000 + k);
    PointDraws draws(stream, 0);
    SmallDescent descent;
    descent.family = draw_family(draws, FamilyKind::translation, k % 2 == 0 ? Regulariser::kl : Regulariser::quadratic, 1);
    const auto& x = descent.family.points[0].values;
    const auto& y = descent.family.points[1].values;
    const Eigen::VectorXd best = y.transpose() * descent.family.b - x.transpose() * descent.family.a;
    descent.start = best + normal_vector(draws, best.size());
    descent.batch = 1 + k % 2;
    descent.steps = Vector<double>(2);
    descent.steps << 0.4, 0.3;
    descent.errors = draw_errors(draws, descent.family, 2, false);
    const SmallSolution solution = small_solution(descent.family.at(descent.start));
    RealTable density = solution.scaled;
    for (Index i = 0; i < density.rows(); ++i)
      for (Index j = 0; j < density.cols(); ++j) {
        const Real v = density(i, j) + static_cast<Real>(descent.errors[0].x[i] - descent.errors[0].y[j]);
        density(i, j) = descent.family.regulariser == Regulariser::kl ? std::exp(v) : std::max(v, 0.0L);
      }
    TranslationDescent same{descent.family.a, descent.family.b, x, y, descent.start - best, {density}, descent.steps, descent.batch};
    const TreeSums tree = walk(descent);
    const MomentSums sums = moments(same);
    // The density is that of the start: what the tree's other nodes have differs by the rounding of C over λ.
    const double scale = 1e-6 * (1.0 + sums.gradient_squared.maxCoeff() + sums.error_squared.maxCoeff() + sums.noise.maxCoeff());
    EXPECT_NEAR(tree.last_value - tree.first_value, sums.last_excess - sums.first_excess, scale) << k;
    for (Index t = 0; t < 2; ++t) {
      EXPECT_NEAR(tree.gradient_squared[t], sums.gradient_squared[t], scale) << k;
      EXPECT_NEAR(tree.error_squared[t], sums.error_squared[t], scale) << k;
      EXPECT_NEAR(tree.noise[t], sums.noise[t], scale) << k;
    }
  }
}

TEST(Minibatches, have_probabilities_that_add_up_to_one) {
  Vector<double> a(2);
  a << 0.25, 0.75;
  const Vector<double> b = Vector<double>::Constant(3, 1.0 / 3.0);
  for (Index S = 1; S <= 3; ++S) {
    double sum = 0.0;
    Points<double> mean = Points<double>::Zero(2, 3);
    for (const Minibatch& batch : all_minibatches(a, b, S)) {
      sum += batch.probability;
      mean += batch.probability * batch.share;
      EXPECT_NEAR(batch.share.sum(), 1.0, 1e-15);
    }
    EXPECT_NEAR(sum, 1.0, 1e-14);
    EXPECT_LE((mean - a * b.transpose()).cwiseAbs().maxCoeff(), 1e-14);
  }
}

}  // namespace
}  // namespace slicecheck::testing
