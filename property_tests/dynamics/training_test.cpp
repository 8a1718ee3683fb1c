/// One step of Algorithm 1 by hand, and the estimate of F.

#include "slicecheck/dynamics/training.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "dynamics/training_parts.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

TEST(Training, a_step_on_the_two_point_line_by_hand) {
  const auto parts = two_point_line<double>(0.125);
  for (std::uint64_t t = 0; t < 200; ++t) {
    State<double> state{Vector<double>::Constant(1, 0.5), t};
    const StepReport report = advance(parts, state);
    // Both clouds sorted along the line: matched pairs of (u·x, y).
    const Batch<double> batch = parts.sampler->draw(t);
    double x[2] = {batch.x(0, 0), batch.x(1, 0)};
    double y[2] = {batch.y(0, 0), batch.y(1, 0)};
    std::sort(x, x + 2);
    std::sort(y, y + 2);
    const double gaps[2] = {0.5 * x[0] - y[0], 0.5 * x[1] - y[1]};
    const double phi = gaps[0] * x[0] + gaps[1] * x[1];
    EXPECT_DOUBLE_EQ(report.loss, (gaps[0] * gaps[0] + gaps[1] * gaps[1]) / 2.0);
    EXPECT_DOUBLE_EQ(report.phi_norm, std::abs(phi));
    EXPECT_EQ(report.step_size, 0.125);
    EXPECT_DOUBLE_EQ(state.u[0], 0.5 - 0.125 * phi);
    EXPECT_EQ(state.step, t + 1);
  }
}

TEST(Training, starts_where_the_generator_and_the_scheme_say) {
  auto parts = small_network<double>(9);
  parts.replicate = 4;
  const RandomStream stream(9, Purpose::initial, 4, 0);
  EXPECT_EQ(start(parts).u, parts.scheme->start(parts.generator->initial(stream)).u);
  EXPECT_LE(start(parts).u.norm(), 3.0 * (1.0 + 1e-15));
  EXPECT_GT(parts.generator->initial(stream).norm(), 3.0) << "the case must need the projection";
  EXPECT_EQ(start(parts).step, 0U);
}

TEST(Training, the_noise_is_that_of_the_step) {
  auto parts = small_network<double>();
  for (const std::uint64_t t : {0U, 17U}) {
    State<double> state{Vector<double>::Zero(parts.generator->parameters()), t};
    auto quiet = parts;
    quiet.scheme = std::make_shared<NoisedProjectedSgd<double>>(3.0, 0.0);
    State<double> without = state;
    advance(parts, state);
    advance(quiet, without);
    Eigen::VectorXd epsilon(state.u.size());
    RandomStream(1, Purpose::noise, 0, t).fill_normal(epsilon);
    EXPECT_LE((state.u - without.u - 0.05 * 0.5 * epsilon).norm(), 1e-15);
  }
}

TEST(Training, the_same_bits_for_any_number_of_threads) {
  Vector<float> first;
  for (const int threads : {1, 2, 3}) {
    const ScopedThreads scope(threads);
    const auto parts = small_network<float>();
    State<float> state = start(parts);
    for (int t = 0; t < 20; ++t) advance(parts, state);
    if (threads == 1) first = state.u;
    EXPECT_EQ(state.u, first) << threads << " threads";
  }
}

/// The sentence of the error that a step from u on the two-point line ends in.
std::string refusal(double u) {
  const auto parts = two_point_line<double>(0.125);
  State<double> state{Vector<double>::Constant(1, u), 41};
  try {
    advance(parts, state);
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST(Training, a_training_that_diverges_is_told_with_its_step) {
  for (const double u : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    EXPECT_NE(refusal(u).find("step 41"), std::string::npos) << refusal(u);
    EXPECT_NE(refusal(u).find("0.125"), std::string::npos) << refusal(u);
  }
}

TEST(Training, a_loss_that_overflows_is_told_with_its_step) {
  // The images 1e200 are finite, their squares are not.
  EXPECT_NE(refusal(1e200).find("step 41"), std::string::npos) << refusal(1e200);
}

class Objective : public ::testing::Test {
 protected:
  [[nodiscard]] MeanEstimate estimate(const ObjectiveSettings& settings, std::uint64_t seed = 1, std::uint32_t replicate = 0, std::uint64_t step = 0) const {
    return estimate_objective<double>(TwoPointLine<double>(), CpuLoss<double>(2.0), *points_, *points_, u_, settings, seed, replicate, step);
  }

  std::unique_ptr<const Law> points_ = FiniteLaw::two_points();
  Vector<double> u_ = Vector<double>::Constant(1, 0.75);
};

TEST_F(Objective, is_the_mean_over_independent_batches_from_their_own_streams) {
  const MeanEstimate estimated = estimate({.n = 3, .batches = 5, .directions = 2, .confidence = 0.9}, 7, 2, 6);
  std::vector<double> values;
  for (std::uint64_t b = 0; b < 5; ++b) {
    const std::uint64_t draw = 1024 * 6 + b;
    const Points<double> x = points_->sample<double>({7, Purpose::evaluation_source, 2, draw}, 3);
    const Points<double> y = points_->sample<double>({7, Purpose::evaluation_target, 2, draw}, 3);
    const Points<double> theta = uniform_directions<double>({7, Purpose::evaluation_directions, 2, draw}, 2, 1);
    values.push_back(CpuLoss<double>(2.0).evaluate(0.75 * x, y, theta).value);
  }
  const MeanEstimate expected = mean_with_t_interval(values, 0.9);
  EXPECT_DOUBLE_EQ(estimated.mean, expected.mean);
  EXPECT_DOUBLE_EQ(estimated.interval.low, expected.interval.low);
  EXPECT_DOUBLE_EQ(estimated.interval.high, expected.interval.high);
}

TEST_F(Objective, draws_afresh_for_every_seed_replicate_and_step) {
  const ObjectiveSettings settings{.n = 5, .batches = 50, .directions = 1};
  const double mean = estimate(settings, 1, 0, 0).mean;
  EXPECT_EQ(estimate(settings, 1, 0, 0).mean, mean);
  EXPECT_NE(estimate(settings, 2, 0, 0).mean, mean);
  EXPECT_NE(estimate(settings, 1, 1, 0).mean, mean);
  EXPECT_NE(estimate(settings, 1, 0, 1).mean, mean);
}

TEST_F(Objective, has_the_same_bits_for_any_number_of_threads) {
  const ObjectiveSettings settings{.n = 5, .batches = 50, .directions = 40};
  std::vector<double> means;
  for (const int threads : {1, 2, 3}) {
    const ScopedThreads scope(threads);
    means.push_back(estimate(settings).mean);
  }
  EXPECT_EQ(means[0], means[1]);
  EXPECT_EQ(means[0], means[2]);
}

TEST_F(Objective, rejects_batches_that_would_share_their_streams) {
  EXPECT_THROW((void)estimate({.batches = 0}), InputError);
  EXPECT_THROW((void)estimate({.batches = 1025}), InputError);
  EXPECT_THROW((void)estimate({.n = 0, .batches = 2}), InputError);
  EXPECT_THROW((void)estimate({.n = 2, .batches = 2, .directions = 0}), InputError);
  EXPECT_EQ(estimate({.n = 2, .batches = 1, .directions = 1}).interval.high, std::numeric_limits<double>::infinity()) << "one batch says nothing of the spread";
}

}  // namespace
}  // namespace slicecheck::testing
