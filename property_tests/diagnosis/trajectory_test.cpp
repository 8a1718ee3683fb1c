/// Recorded runs whose flow is known: on the line to m with batches of one the flow is b(s) = m + (b_0 − m)e^{−2s}, A stays.

#include "slicecheck/diagnosis/trajectory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/reference_loss.h"
#include "support/process.h"

namespace slicecheck {
namespace {

constexpr double kStart = 5.0;

/// b at the time κ·s, plus noise of the given spread in both coordinates.
RecordedRun run_of(double kappa, double noise, double target = 0.0) {
  RecordedRun run{"run", {}, Points<double>(41, 2)};
  const RandomStream stream(9, Purpose::cases, 0, 0);
  PointDraws draws(stream, 0);
  for (Index k = 0; k < run.u.rows(); ++k) {
    const double s = 0.05 * static_cast<double>(k);
    run.times.push_back(s);
    const double moved = k == 0 ? 0.0 : noise;
    run.u(k, 0) = 0.3 + moved * draws.normal();
    run.u(k, 1) = target + (kStart - target) * std::exp(-2.0 * kappa * s) + moved * draws.normal();
  }
  return run;
}

FlowComparison compared(const RecordedRun& run, const Law& target, const FlowComparisonSettings& settings) {
  const Affine<double> generator(1, 1);
  Points<double> atom = Points<double>::Zero(1, 1);
  const FiniteLaw source("zero", atom);
  SilentProgress progress;
  const ReferenceLoss loss;
  return compare_with_flow(run, generator, loss, source, target, settings, progress);
}

FlowComparison compared(const RecordedRun& run) { return compared(run, *FiniteLaw::two_points(), {1, 16, 1, 2, 0.95, 3}); }

TEST(Trajectory, TheFlowFollowsItself) {
  const FlowComparison c = compared(run_of(1.0, 0.0));
  // A gradient of the reference has the standard deviation 2/√16; over the 2·40 Heun steps of 1/40 its noise adds up to at most √(2·0.25·0.025/2) < 0.1 of 5.
  EXPECT_NEAR(c.factor.value, 1.0, 0.05);
  EXPECT_LT(c.error, 0.06);
  EXPECT_NEAR(c.travelled.back(), kStart * (1.0 - std::exp(-4.0)), 0.5);
  EXPECT_NEAR(c.objective.front(), 26.0, 6.0 * 10.0 / 4.0);  // the mean of 16 values that are 16 or 36
  EXPECT_EQ(judge_trajectory(c, 0.25).verdict, TrajectoryVerdict::follows);
  EXPECT_GT(c.gap.horizon, 1.99);
  EXPECT_EQ(c.gap.path_distance_tail, 0.25);
}

// One target, no noise: Heun's method errs by (2h)³/6 = 2·10⁻⁵ of u in a step of h = 1/40, against 2h of movement: 4·10⁻⁴. Euler's would err by h.
TEST(Trajectory, TheReferenceIsOfSecondOrder) {
  const FlowComparison c = compared(run_of(1.0, 0.0), FiniteLaw("zero", Points<double>::Zero(1, 1)), {1, 1, 1, 2, 0.95, 3});
  EXPECT_NEAR(c.factor.value, 1.0, 1e-3);
  EXPECT_LT(c.error, 1e-3);
  EXPECT_LT(c.sampling_error, 1e-12);
  EXPECT_LT(c.integration_error, 1e-3);
  EXPECT_GT(c.integration_error, c.error);  // of twice the step, so four times as large
  // Few and long steps: the flow decays by e^{-6} from one record to the next, and four Heun steps of 3/4 make (1 - 3/2 + 9/8)⁴ = 0.15 of it, two of 3/2
  // nearly 7.
  RecordedRun sparse = run_of(1.0, 0.0);
  for (std::size_t k = 0; k < sparse.times.size(); ++k) sparse.times[k] = 3.0 * static_cast<double>(k);
  sparse.u.col(1) = Eigen::VectorXd::LinSpaced(sparse.u.rows(), 0.0, 3.0 * static_cast<double>(sparse.u.rows() - 1)).unaryExpr([](double s) {
    return kStart * std::exp(-2.0 * s);
  });
  const TrajectoryJudgement judged = judge_trajectory(compared(sparse, FiniteLaw("zero", Points<double>::Zero(1, 1)), {1, 1, 1, 2, 0.95, 3}), 0.25);
  EXPECT_EQ(judged.verdict, TrajectoryVerdict::undecided) << judged.answer;
  EXPECT_NE(judged.advice.find("analyse.substeps"), std::string::npos) << judged.advice;
}

// With one batch a gradient, noise makes half as much of a piece's square as its movement: a product of one reference with itself would take a third of the
// factor, and call the noise of the reference an error of the run. Seeds are fixed; of 24 comparisons the mean factor has a standard error of about 0.04.
TEST(Trajectory, TheNoiseOfTheReferenceIsTakenOut) {
  RecordedRun run = run_of(1.0, 0.0);
  run.u.col(1) *= 2.0 / kStart;
  const auto target = FiniteLaw::two_points();
  double factor = 0.0;
  double error = 0.0;
  double reference = 0.0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    const FlowComparison c = compared(run, *target, {1, 1, 1, 2, 0.95, seed});
    factor += c.factor.value / 24.0;
    error += c.error * c.error;
    reference += c.reference_error * c.reference_error;
  }
  EXPECT_NEAR(factor, 1.0, 0.2);
  EXPECT_LT(error, 0.7 * reference);
}

TEST(Trajectory, MomentumShowsAsAnotherTimeScale) {
  const FlowComparison c = compared(run_of(5.0, 0.0));
  EXPECT_GT(c.factor.interval.low, 2.0);
  EXPECT_GT(c.alignment, 0.9);
  EXPECT_EQ(judge_trajectory(c, 0.25).verdict, TrajectoryVerdict::another_time_scale);
  EXPECT_EQ(judge_trajectory(compared(run_of(0.2, 0.0)), 0.25).verdict, TrajectoryVerdict::another_time_scale);
}

TEST(Trajectory, NoiseIsToldFromDrift) {
  RecordedRun run = run_of(1.0, 0.0);
  const RandomStream stream(4, Purpose::cases, 0, 0);
  PointDraws draws(stream, 0);
  for (Index k = 1; k < run.u.rows(); ++k)  // noise that adds up, in the coordinate that the flow leaves alone
    run.u(k, 0) = run.u(k - 1, 0) + 1.0 * draws.normal();
  const FlowComparison c = compared(run);
  // Half of a sum of 40 squares of normals: mean 20, standard deviation √80/2; the draw is fixed.
  EXPECT_NEAR(c.noise_per_time, 20.0, 3.5 * std::sqrt(80.0) / 2.0);
  EXPECT_GT(c.error, 0.25);
  EXPECT_EQ(judge_trajectory(c, 0.25).verdict, TrajectoryVerdict::noise_dominated);
}

TEST(Trajectory, AnotherTargetIsNotFollowed) {
  EXPECT_EQ(judge_trajectory(compared(run_of(1.0, 0.0, 12.0)), 0.25).verdict, TrajectoryVerdict::does_not_follow);
}

TEST(Trajectory, GapsByHand) {
  // Along the line, against 0 throughout, recorded at other times.
  RecordedRun a{"a", {0.0, 0.8, 2.0}, Points<double>(3, 1)};
  a.u << 0.0, 0.5, 3.0;
  RecordedRun b{"b", {0.0, 0.7, 2.5}, Points<double>::Zero(3, 1)};
  const RunGap gap = gap_between(a, b);
  EXPECT_DOUBLE_EQ(gap.horizon, 2.0);
  EXPECT_DOUBLE_EQ(gap.largest, 3.0);
  EXPECT_DOUBLE_EQ(gap.path_distance, 0.5 * (0.5 + 2.5 * 0.2 / 1.2) + 0.25 * 1.0);  // at the time 1 the path is between two records
  EXPECT_DOUBLE_EQ(gap.path_distance_tail, 0.25);
  a.times = {0.0, 0.1, 0.2};
  EXPECT_TRUE(std::isnan(gap_between(a, b).path_distance));
  b.times = {5.0, 6.0, 7.0};
  EXPECT_THROW(gap_between(a, b), InputError);
  b.u = Points<double>::Zero(3, 2);
  EXPECT_THROW(gap_between(a, b), InputError);
}

TEST(Trajectory, FilesAreRead) {
  const testing::TemporaryFolder folder;
  const auto path = folder / "run.csv";
  const auto reads = [&](const std::string& text) {
    std::ofstream(path) << text;
    return read_recorded_run(path);
  };
  const RecordedRun run = reads("# time, u\n0,1,2\n0.5,3,4\n2,5,6\n");
  EXPECT_EQ(run.times, (std::vector<double>{0.0, 0.5, 2.0}));
  EXPECT_EQ(run.u(2, 1), 6.0);
  const MovementSummary moved = movement(run);
  EXPECT_DOUBLE_EQ(moved.length, 2.0 * std::sqrt(8.0));
  EXPECT_DOUBLE_EQ(moved.displacement, std::sqrt(32.0));
  EXPECT_DOUBLE_EQ(moved.farthest, std::sqrt(61.0));
  EXPECT_THROW(reads("0,1\n1,2\n"), InputError);
  EXPECT_THROW(reads("0\n1\n2\n"), InputError);
  EXPECT_THROW(reads("0,1\n1,2\n1,3\n"), InputError);
}

TEST(Trajectory, AnotherDimensionIsRefused) {
  RecordedRun run = run_of(1.0, 0.0);
  run.u.conservativeResize(Eigen::NoChange, 1);
  EXPECT_THROW(compared(run), InputError);
}

}  // namespace
}  // namespace slicecheck
