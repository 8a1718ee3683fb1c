/// The two-point line: SGD goes to ±1/4, and the estimate of F is F.

#include <gtest/gtest.h>

#include <cmath>

#include "dynamics/training_parts.h"
#include "slicecheck/core/tolerances.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// F_2(u) = u² + 1 − |u|/2: the expected loss of batches of two.
double objective(double u) { return u * u + 1.0 - std::abs(u) / 2.0; }

constexpr double kAlpha = 8e-4;
constexpr int kSteps = 5000;
constexpr int kReplicates = 60;

/// Mean of |u| after `kSteps` steps of SGD from u = 1, over independent replicates.
double mean_end(Index n) {
  double sum = 0.0;
  for (int replicate = 0; replicate < kReplicates; ++replicate) {
    const auto parts = two_point_line<double>(kAlpha, n, test_seed(), static_cast<std::uint32_t>(replicate));
    State<double> state{Vector<double>::Constant(1, 1.0), 0};
    for (int t = 0; t < kSteps; ++t) advance(parts, state);
    sum += std::abs(state.u[0]);
  }
  return sum / kReplicates;
}

/// While u > 0, a step is u⁺ = (1 − 2α)u + αξ with ξ ∈ {−2, 0, 2} independent of everything before and E ξ = 1/2 (n = 2). So u_T − 1/4 is
/// (1 − 2α)^T (u_0 − 1/4) plus a sum of independent α(1 − 2α)^t (ξ − 1/2), each in an interval of length 4α(1 − 2α)^t, and by Hoeffding the mean over R
/// replicates leaves (1 − 2α)^T·3/4 ± h with probability ≤ 2 exp(−2Rh²/Σ(4α(1−2α)^t)²), the sum being at most 4α/(1 − α).
/// That no replicate ever reaches u ≤ 0 (there |u| would follow the mirrored recursion): the mean path stays above 1/4, so each of RT moments costs at most
/// exp(−2·(1/4)²/(4α/(1−α))).
double half_width(double failure) {
  const double squares = 4.0 * kAlpha / (1.0 - kAlpha);
  const double crossing = kReplicates * kSteps * std::exp(-2.0 * 0.0625 / squares);
  EXPECT_LT(crossing, 0.5 * failure);
  return std::pow(1.0 - 2.0 * kAlpha, kSteps) * 0.75 + std::sqrt(squares * std::log(4.0 / failure) / (2.0 * kReplicates));
}

TEST(TwoPointLineTheorem, sgd_ends_near_a_quarter) {
  const double allowed = half_width(spend_false_alarm());
  EXPECT_LT(allowed, 0.03) << "the statement must say something";
  EXPECT_NEAR(mean_end(2), 0.25, allowed);
}

TEST(TwoPointLineTheorem, another_batch_size_goes_elsewhere) {
  // n = 1: F_1 = u² + 1 and the minimiser is 0; n = 4: c_4 = 1 − 2·C(8,4)/4⁴ = 0.453125. The statement above must refuse both.
  EXPECT_GT(std::abs(mean_end(1) - 0.25), half_width(kFalseAlarm));
  EXPECT_GT(std::abs(mean_end(4) - 0.25), half_width(kFalseAlarm));
}

TEST(TwoPointLineTheorem, the_estimate_of_the_objective_is_the_closed_form) {
  const auto points = FiniteLaw::two_points();
  for (const double u : {-1.0, -0.25, 0.1, 0.7, 2.0}) {
    // The t-interval: its level is that of a normal law; 1000 bounded values are near enough to it at 5.7 standard errors only by the central limit theorem.
    const ObjectiveSettings settings{.n = 2, .batches = 1000, .directions = 1, .confidence = 1.0 - spend_false_alarm()};
    const MeanEstimate estimate =
        estimate_objective<double>(TwoPointLine<double>(), CpuLoss<double>(2.0), *points, *points, Vector<double>::Constant(1, u), settings, test_seed(), 0, 0);
    EXPECT_LE(estimate.interval.low, objective(u)) << u;
    EXPECT_GE(estimate.interval.high, objective(u)) << u;
    EXPECT_LT(estimate.interval.high - estimate.interval.low, 1.0) << u;
    // Hoeffding needs no such theorem: f lies in [0, (|u| + 1)²].
    const double range = (std::abs(u) + 1.0) * (std::abs(u) + 1.0);
    EXPECT_NEAR(estimate.mean, objective(u), hoeffding_half_width(range, 1000.0, spend_false_alarm())) << u;
  }
}

TEST(TwoPointLineTheorem, at_zero_the_loss_is_one_whatever_is_drawn) {
  const auto points = FiniteLaw::two_points();
  const MeanEstimate estimate = estimate_objective<double>(TwoPointLine<double>(), CpuLoss<double>(2.0), *points, *points, Vector<double>::Zero(1),
                                                           {.n = 2, .batches = 1000, .directions = 1}, test_seed(), 0, 0);
  EXPECT_NEAR(estimate.mean, 1.0, tolerance::gamma(1000.0, tolerance::unit_roundoff<double>()));
}

}  // namespace
}  // namespace slicecheck::testing
