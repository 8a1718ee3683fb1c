/// T2: the laws of one step against enumeration; right trainings hold, and every check refuses something.

#include "slicecheck/claims/step_sizes.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>

#include "claims/typed_check_runs.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/gallery/broken_dynamics.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck::testing {
namespace {

Points<double> signs(Index n, unsigned code) {
  Points<double> points(n, 1);
  for (Index k = 0; k < n; ++k) points(k, 0) = (code >> k) % 2 == 0 ? -1.0 : 1.0;
  return points;
}

/// Every batch, through the loss and the generator: the outcomes of α = 1/2, and how often each comes.
TEST(StepSizes, the_law_of_mismatches_is_that_of_all_batches) {
  for (Index n = 1; n <= 5; ++n)
    for (const double at : {0.7, -0.3}) {
      const TwoPointLine<double> line;
      const Eigen::VectorXd u = Eigen::VectorXd::Constant(1, at);
      std::vector<double> counts(static_cast<std::size_t>(n) + 1, 0.0);
      const auto batches = 1U << n;
      for (unsigned i = 0; i < batches; ++i)
        for (unsigned j = 0; j < batches; ++j) {
          const Points<double> x = signs(n, i);
          const auto linear = line.linearise(u, x);
          const double phi = linear->pullback(ReferenceLoss().evaluate(linear->images(), signs(n, j), Points<double>::Ones(1, 1)).gradient)[0];
          const int at_plus = at > 0.0 ? std::popcount(i) : static_cast<int>(n) - std::popcount(i);  // images at +|u|
          const int m = std::abs(at_plus - std::popcount(j));
          EXPECT_NEAR(at - 0.5 * phi, std::copysign(1.0, at) * (1.0 - 2.0 * m / static_cast<double>(n)), 1e-14);
          counts[static_cast<std::size_t>(m)] += 1.0;
        }
      const auto law = law_of_mismatches(n);
      ASSERT_EQ(law.size(), counts.size());
      for (std::size_t m = 0; m < law.size(); ++m) EXPECT_NEAR(law[m], counts[m] / (batches * batches), 1e-15) << n << ", " << m;
    }
}

TEST(StepSizes, the_law_of_mismatches_by_hand) {
  EXPECT_EQ(law_of_mismatches(1), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(law_of_mismatches(2), (std::vector<double>{3.0 / 8.0, 1.0 / 2.0, 1.0 / 8.0}));
  for (const Index n : {7, 64, 500}) {
    const auto law = law_of_mismatches(n);
    EXPECT_NEAR(std::accumulate(law.begin(), law.end(), 0.0), 1.0, tolerance::gamma(5.0 * static_cast<double>(n) + 8.0, 0x1p-53));
  }
  for (const Index n : {0, -1}) EXPECT_THROW((void)law_of_mismatches(n), InputError);
}

TEST(StepSizes, right_trainings_hold) {
  for (const TrainingSubject& subject : training_subjects()) expect_all_hold(step_size_checks(), subject, 240);
  expect_all_hold(step_size_checks(), repaired_training(), 120);
}

TEST(StepSizes, broken_trainings_are_refused) {
  const std::string half = "one half on the two-point line";
  const std::string injective = "every other step is injective";
  const std::string law = "a continuous law stays one";
  const std::string plane = "one half in the plane";
  expect_refusals(step_size_checks(), broken_trainings(),
                  {{"zero-start", {half, injective, law, plane}},
                   {"ascent", {half, injective, law, plane}},
                   {"rounded-parameters", {half, injective, plane}},
                   {"stale-gradient", {injective, plane}},
                   {"start-shared-by-replicates", {law}},
                   {"reused-direction", {plane}},
                   {"reused-batch", {plane}}},
                  48);
}

/// Algorithm 1 with another step size than the schedule's.
TrainingSubject with_factor(double factor) {
  return {"other step", "", [factor](const TrainingParts<double>& parts, std::uint64_t steps) {
            TrainingParts<double> other = parts;
            other.schedule = make_schedule({.initial = factor * parts.schedule->step_size(0)});
            return training_subjects()[0].path(other, steps);
          }};
}

TEST(StepSizes, a_step_off_by_1e_11_is_refused) {
  for (const auto& check : step_size_checks()) {
    if (check.name == "a continuous law stays one") continue;  // a law, which moves by as little
    EXPECT_GE(run_check(check, with_factor(1.0 + 1e-11), 60).refused, 55) << check.name;
  }
  for (const auto& check : step_size_checks()) EXPECT_GE(run_check(check, with_factor(1.5), 60).refused, 20) << check.name;
}

TEST(StepSizes, paths_that_are_none_are_refused) {
  const TrainingSubject lost{"lost", "", [](const TrainingParts<double>& parts, std::uint64_t steps) {
                               auto path = training_subjects()[0].path(parts, steps);
                               path.back()[0] = std::nan("");
                               return path;
                             }};
  const TrainingSubject early{"early", "",
                              [](const TrainingParts<double>& parts, std::uint64_t steps) { return training_subjects()[0].path(parts, steps - 1); }};
  for (const auto& check : step_size_checks())
    for (const auto& subject : {lost, early}) EXPECT_EQ(run_check(check, subject, 12).refused, 12) << check.name << ", " << subject.name;
}

}  // namespace
}  // namespace slicecheck::testing
