/// Step sizes: the closed forms, the plateau rule by hand, and what a checkpoint keeps of it.

#include "slicecheck/dynamics/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "slicecheck/core/error.h"

namespace slicecheck {
namespace {

TEST(Schedule, constant) {
  const auto schedule = make_schedule({.kind = "constant", .initial = 0.25});
  for (const std::uint64_t t : {0U, 1U, 1'000'000U}) EXPECT_EQ(schedule->step_size(t), 0.25);
  EXPECT_TRUE(schedule->memory().empty());
  EXPECT_NO_THROW(schedule->restore({}));
}

TEST(Schedule, linear_reaches_its_end_and_stays) {
  const auto schedule = make_schedule({.kind = "linear", .initial = 1.0, .final = 0.5, .steps = 8});
  EXPECT_EQ(schedule->step_size(0), 1.0);
  EXPECT_EQ(schedule->step_size(2), 0.875);
  EXPECT_EQ(schedule->step_size(4), 0.75);
  EXPECT_EQ(schedule->step_size(8), 0.5);
  EXPECT_EQ(schedule->step_size(100), 0.5);
}

TEST(Schedule, inverse_time) {
  const auto schedule = make_schedule({.kind = "inverse-time", .initial = 0.5, .steps = 10});
  EXPECT_EQ(schedule->step_size(0), 0.5);
  EXPECT_EQ(schedule->step_size(10), 0.25);
  EXPECT_EQ(schedule->step_size(30), 0.125);
  EXPECT_DOUBLE_EQ(schedule->step_size(5), 0.5 / 1.5);
}

TEST(Schedule, cosine) {
  const auto schedule = make_schedule({.kind = "cosine", .initial = 1.0, .final = 0.2, .steps = 6});
  EXPECT_EQ(schedule->step_size(0), 1.0);
  EXPECT_DOUBLE_EQ(schedule->step_size(3), 0.6);
  EXPECT_DOUBLE_EQ(schedule->step_size(2), 0.2 + 0.8 * 0.75);
  EXPECT_DOUBLE_EQ(schedule->step_size(6), 0.2);
  EXPECT_DOUBLE_EQ(schedule->step_size(60), 0.2);
}

ScheduleSettings plateau() { return {.kind = "plateau", .initial = 1.0, .final = 0.2, .factor = 0.5, .patience = 2}; }

TEST(Schedule, plateau_by_hand) {
  const auto schedule = make_schedule(plateau());
  EXPECT_EQ(schedule->step_size(0), 1.0);
  const std::pair<double, double> observed_and_step[] = {
      {10.0, 1.0},    // the best so far
      {9.0, 1.0},     // better
      {9.0, 1.0},     // 1 without improvement
      {8.9995, 1.0},  // 2: not below (1 − 10⁻⁴)·9
      {8.0, 1.0},     // better: the count starts anew
      {8.1, 1.0},     // 1
      {8.2, 1.0},     // 2
      {8.3, 0.5},     // 3, more than the patience
      {8.4, 0.5},     // 1
      {8.5, 0.5},     // 2
      {7.0, 0.5},     // better
      {7.5, 0.5},     // 1
      {7.5, 0.5},     // 2
      {7.5, 0.25},    // 3
      {7.5, 0.25},    // 1
      {7.5, 0.25},    // 2
      {7.5, 0.2},     // 3: not below `final`
      {7.5, 0.2},     // 1
      {7.5, 0.2},     // 2
      {7.5, 0.2},     // 3
  };
  std::uint64_t t = 0;
  for (const auto& [observed, step] : observed_and_step) {
    schedule->observe(observed);
    EXPECT_EQ(schedule->step_size(++t), step) << "after observation " << t;
  }
}

TEST(Schedule, plateau_with_patience_zero) {
  ScheduleSettings settings = plateau();
  settings.patience = 0;
  settings.final = 0.0;
  const auto schedule = make_schedule(settings);
  schedule->observe(1.0);
  EXPECT_EQ(schedule->step_size(0), 1.0);
  schedule->observe(1.0);
  EXPECT_EQ(schedule->step_size(0), 0.5);
  schedule->observe(1.0);
  EXPECT_EQ(schedule->step_size(0), 0.25);
}

TEST(Schedule, plateau_goes_on_from_its_memory) {
  const auto whole = make_schedule(plateau());
  const auto first = make_schedule(plateau());
  const double losses[] = {5.0, 4.0, 4.0, 4.5, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0};
  for (std::size_t i = 0; i < std::size(losses); ++i) {
    const auto second = make_schedule(plateau());
    second->restore(first->memory());
    EXPECT_EQ(second->step_size(i), first->step_size(i));
    for (std::size_t j = i; j < std::size(losses); ++j) second->observe(losses[j]);
    first->observe(losses[i]);
    whole->observe(losses[i]);
    const auto end = make_schedule(plateau());
    for (const double loss : losses) end->observe(loss);
    EXPECT_EQ(second->memory(), end->memory()) << "interrupted before observation " << i;
  }
  EXPECT_EQ(whole->memory(), first->memory());
  EXPECT_THROW(whole->restore({1.0}), InputError);
  EXPECT_THROW(whole->restore({}), InputError);
}

TEST(Schedule, a_loss_that_is_no_number_is_no_improvement) {
  const auto schedule = make_schedule(plateau());
  schedule->observe(1.0);
  for (int i = 0; i < 3; ++i) schedule->observe(std::nan(""));
  EXPECT_EQ(schedule->step_size(0), 0.5);
}

TEST(Schedule, every_kind_has_a_name) {
  for (const char* kind : {"constant", "linear", "inverse-time", "cosine", "plateau"}) EXPECT_FALSE(make_schedule({.kind = kind})->name().empty()) << kind;
}

TEST(Schedule, rejects_values_that_make_no_sense) {
  const auto rejected = [](const ScheduleSettings& settings) { EXPECT_THROW((void)make_schedule(settings), InputError); };
  rejected({.kind = "Constant"});
  rejected({.kind = ""});
  for (const double step : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) rejected({.initial = step});
  for (const double last : {-1.0, 2.0, std::nan("")}) rejected({.kind = "linear", .initial = 1.0, .final = last});
  rejected({.kind = "linear", .steps = 0});
  for (const double factor : {0.0, 1.0, 1.5, -0.5, std::nan("")}) rejected({.kind = "plateau", .factor = factor});
  rejected({.kind = "plateau", .patience = -1});
}

}  // namespace
}  // namespace slicecheck
