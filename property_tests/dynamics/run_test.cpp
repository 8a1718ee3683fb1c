/// Recorded trainings: what is recorded, and that a killed run goes on as if nothing had happened.

#include "slicecheck/dynamics/run.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dynamics/record_equality.h"
#include "dynamics/training_parts.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/dynamics/checkpoint.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

struct Killed {};

/// A power cut: throws at the first report at or after the given step of 200.
class KillAt final : public Progress {
 public:
  explicit KillAt(std::uint64_t step) : fraction_(static_cast<double>(step) / 200.0) {}
  void update(std::string_view, double fraction) override {
    if (fraction >= fraction_) throw Killed{};
  }

 private:
  double fraction_;
};

/// 200 steps with everything in the record: rows, evaluations, epochs, steps on the sphere. No period divides another.
template <class S>
RunSettings<S> settings_with(const std::filesystem::path& checkpoint) {
  RunSettings<S> settings;
  settings.steps = 200;
  settings.record_every = 9;
  settings.evaluate_every = 35;
  settings.epoch = 11;
  settings.sphere_radius = 3.0;
  settings.evaluate = [](const State<S>& state) { return std::vector<double>{state.u.template cast<double>().norm(), static_cast<double>(state.step) / 3.0}; };
  settings.checkpoint = checkpoint;
  settings.fingerprint = "settings of this training";
  settings.checkpoint_every = 13;
  settings.checkpoint_seconds = 1e9;
  return settings;
}

template <class S>
TrainingRecord<S> run(const RunSettings<S>& settings) {
  SilentProgress silent;
  return run_training(small_network<S>(), settings, "test", silent);
}

template <class S>
class RunTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RunTest, Scalars);

TYPED_TEST(RunTest, a_killed_run_goes_on_bit_for_bit) {
  using S = TypeParam;
  const TrainingRecord<S> undisturbed = run(settings_with<S>(this->folder_ / "whole"));
  ASSERT_EQ(undisturbed.rows.size(), 23U) << "every 9 of 200 steps, and the last";
  ASSERT_EQ(undisturbed.evaluations.size(), 7U);
  ASSERT_LT(undisturbed.schedule_memory.at(0), 0.05) << "the schedule must have acted, or its memory is not tested";
  // Progress is reported every 16 steps and checkpoints are written every 13: the first kill comes before the first checkpoint is used, the last after the
  // last step.
  for (const std::uint64_t kill : {1U, 16U, 48U, 100U, 192U, 200U}) {
    RunSettings<S> settings = settings_with<S>(this->folder_ / ("killed-" + std::to_string(kill)));
    settings.resume = true;
    KillAt progress(kill);
    EXPECT_THROW((void)run_training(small_network<S>(), settings, "test", progress), Killed);
    expect_equal_records(run(settings), undisturbed);
  }
}

TYPED_TEST(RunTest, a_run_killed_many_times_goes_on_bit_for_bit) {
  using S = TypeParam;
  const TrainingRecord<S> undisturbed = run(settings_with<S>(this->folder_ / "whole"));
  RunSettings<S> settings = settings_with<S>(this->folder_ / "killed");
  settings.resume = true;
  for (const std::uint64_t kill : {32U, 48U, 48U, 96U, 112U, 176U, 200U}) {
    KillAt progress(kill);
    EXPECT_THROW((void)run_training(small_network<S>(), settings, "test", progress), Killed);
  }
  expect_equal_records(run(settings), undisturbed);
  expect_equal_records(load_checkpoint<S>(settings.checkpoint, settings.fingerprint), undisturbed);
}

TYPED_TEST(RunTest, really_continues_and_does_not_start_anew) {
  using S = TypeParam;
  RunSettings<S> settings = settings_with<S>(this->folder_ / "run");
  settings.resume = true;
  KillAt kill(100);
  EXPECT_THROW((void)run_training(small_network<S>(), settings, "test", kill), Killed);
  const std::uint64_t saved = load_checkpoint<S>(settings.checkpoint, settings.fingerprint).state.step;
  EXPECT_EQ(saved, 104U) << "the kill comes with the report of step 112";
  std::uint64_t first_evaluated = 0;
  settings.evaluate = [&](const State<S>& state) {
    if (first_evaluated == 0) first_evaluated = state.step;
    return std::vector<double>{0.0};
  };
  (void)run(settings);
  EXPECT_EQ(first_evaluated, 105U) << "evaluations before the checkpoint are not repeated";
}

TYPED_TEST(RunTest, without_resume_starts_anew) {
  using S = TypeParam;
  const TrainingRecord<S> first = run(settings_with<S>(this->folder_ / "run"));
  expect_equal_records(run(settings_with<S>(this->folder_ / "run")), first);
}

TYPED_TEST(RunTest, a_finished_run_is_returned_as_it_is) {
  using S = TypeParam;
  RunSettings<S> settings = settings_with<S>(this->folder_ / "run");
  const TrainingRecord<S> first = run(settings);
  expect_equal_records(load_checkpoint<S>(settings.checkpoint, settings.fingerprint), first);
  settings.resume = true;
  settings.evaluate = [](const State<S>&) -> std::vector<double> { throw std::logic_error("nothing is left to evaluate"); };
  expect_equal_records(run(settings), first);
}

TYPED_TEST(RunTest, checkpoints_change_nothing) {
  using S = TypeParam;
  const TrainingRecord<S> with = run(settings_with<S>(this->folder_ / "run"));
  TrainingRecord<S> without = run(settings_with<S>(""));
  EXPECT_EQ(this->folder_.entries(), 1U);
  expect_equal_records(without, with);
  RunSettings<S> often = settings_with<S>(this->folder_ / "often");
  often.checkpoint_seconds = 0.0;
  expect_equal_records(run(often), with);
}

TYPED_TEST(RunTest, the_same_bits_for_any_number_of_threads) {
  using S = TypeParam;
  const TrainingRecord<S> usual = run(settings_with<S>(this->folder_ / "usual"));
  for (const int threads : {1, 2, 3}) {
    const ScopedThreads scope(threads);
    expect_equal_records(run(settings_with<S>(this->folder_ / "other")), usual);
  }
}

TYPED_TEST(RunTest, a_killed_run_may_go_on_with_another_number_of_threads) {
  using S = TypeParam;
  const TrainingRecord<S> undisturbed = run(settings_with<S>(this->folder_ / "whole"));
  RunSettings<S> settings = settings_with<S>(this->folder_ / "killed");
  settings.resume = true;
  {
    const ScopedThreads scope(2);
    KillAt kill(80);
    EXPECT_THROW((void)run_training(small_network<S>(), settings, "test", kill), Killed);
  }
  const ScopedThreads scope(1);
  expect_equal_records(run(settings), undisturbed);
}

TYPED_TEST(RunTest, a_full_disk_ends_the_run_and_keeps_the_last_checkpoint) {
  using S = TypeParam;
  const TrainingRecord<S> undisturbed = run(settings_with<S>(this->folder_ / "whole"));
  RunSettings<S> settings = settings_with<S>(this->folder_ / "full");
  settings.resume = true;
  KillAt kill(48);
  EXPECT_THROW((void)run_training(small_network<S>(), settings, "test", kill), Killed);
  {
    const ScopedFileSizeLimit limit(64);
    EXPECT_THROW((void)run(settings), InputError);
  }
  EXPECT_EQ(load_checkpoint<S>(settings.checkpoint, settings.fingerprint).state.step, 39U);
  expect_equal_records(run(settings), undisturbed);
}

TYPED_TEST(RunTest, rejects_the_checkpoint_of_another_training) {
  using S = TypeParam;
  RunSettings<S> settings = settings_with<S>(this->folder_ / "run");
  (void)run(settings);
  settings.resume = true;
  settings.fingerprint = "other settings";
  EXPECT_THROW((void)run(settings), InputError);
  settings.resume = false;
  EXPECT_NO_THROW((void)run(settings));
}

TYPED_TEST(RunTest, records_what_it_says) {
  using S = TypeParam;
  const auto parts = small_network<S>();
  RunSettings<S> settings = settings_with<S>("");
  SilentProgress silent;
  const TrainingRecord<S> record = run_training(parts, settings, "test", silent);
  // The same steps by hand, with a schedule of its own.
  auto again = small_network<S>();
  State<S> state = start(again);
  EXPECT_TRUE(same_bits<S>(record.u0, state.u));
  double time = 0.0;
  double loss = 0.0;
  double phi = 0.0;
  double epoch = 0.0;
  std::uint64_t summed = 0;
  std::uint64_t on_sphere = 0;
  std::size_t rows = 0;
  for (std::uint64_t step = 1; step <= 200; ++step) {
    const StepReport report = advance(again, state);
    time += report.step_size;
    loss += report.loss;
    phi += report.phi_norm;
    epoch += report.loss;
    ++summed;
    on_sphere += state.u.template cast<double>().norm() >= 3.0 * (1.0 - 1e-6) ? 1 : 0;
    if (step % 9 == 0 || step == 200) {
      const auto count = static_cast<double>(summed);
      const TrajectoryRow expected{step, time, report.step_size, loss / count, phi / count, state.u.template cast<double>().norm(), on_sphere};
      ASSERT_LT(rows, record.rows.size());
      EXPECT_TRUE(same_bits(record.rows[rows++], expected)) << step;
      loss = phi = 0.0;
      summed = on_sphere = 0;
    }
    if (step % 11 == 0) {
      again.schedule->observe(epoch / 11.0);
      epoch = 0.0;
    }
  }
  EXPECT_EQ(rows, record.rows.size());
  EXPECT_TRUE(same_bits<S>(record.state.u, state.u));
  std::vector<std::uint64_t> evaluated;
  for (const EvaluationRow& row : record.evaluations) evaluated.push_back(row.step);
  EXPECT_EQ(evaluated, (std::vector<std::uint64_t>{0, 35, 70, 105, 140, 175, 200}));
}

TYPED_TEST(RunTest, evaluates_once_at_the_end) {
  using S = TypeParam;
  RunSettings<S> settings = settings_with<S>("");
  settings.steps = 70;
  EXPECT_EQ(run(settings).evaluations.size(), 3U) << "0, 35, 70";
  settings.evaluate_every = 0;
  EXPECT_EQ(run(settings).evaluations.size(), 2U) << "0, 70";
  settings.evaluate = nullptr;
  EXPECT_TRUE(run(settings).evaluations.empty());
}

TYPED_TEST(RunTest, rejects_settings_that_make_no_sense) {
  using S = TypeParam;
  RunSettings<S> settings = settings_with<S>("");
  settings.steps = 0;
  EXPECT_THROW((void)run(settings), InputError);
  settings.steps = 1;
  settings.record_every = 0;
  EXPECT_THROW((void)run(settings), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
