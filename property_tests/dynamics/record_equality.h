#pragma once
/// Are two training records equal, to the bit?

#include <gtest/gtest.h>

#include <cstring>

#include "slicecheck/dynamics/run.h"

namespace slicecheck::testing {

inline bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof(double)) == 0; }

inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

template <class S>
bool same_bits(const Vector<S>& a, const Vector<S>& b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(S)) == 0);
}

inline bool same_bits(const TrajectoryRow& a, const TrajectoryRow& b) {
  return a.step == b.step && same_bits(a.time, b.time) && same_bits(a.step_size, b.step_size) && same_bits(a.loss, b.loss) &&
         same_bits(a.phi_norm, b.phi_norm) && same_bits(a.u_norm, b.u_norm) && a.steps_on_sphere == b.steps_on_sphere;
}

/// Fails the test at the first difference, and names it.
template <class S>
void expect_equal_records(const TrainingRecord<S>& a, const TrainingRecord<S>& b) {
  EXPECT_EQ(a.state.step, b.state.step);
  EXPECT_TRUE(same_bits<S>(a.state.u, b.state.u)) << "u";
  ASSERT_EQ(a.state.memory.size(), b.state.memory.size()) << "memory of the scheme";
  for (std::size_t i = 0; i < a.state.memory.size(); ++i) EXPECT_TRUE(same_bits<S>(a.state.memory[i], b.state.memory[i])) << "memory " << i << " of the scheme";
  EXPECT_TRUE(same_bits<S>(a.u0, b.u0)) << "u0";
  EXPECT_TRUE(same_bits(a.time, b.time)) << "time";
  EXPECT_TRUE(same_bits(a.schedule_memory, b.schedule_memory)) << "memory of the schedule";
  EXPECT_TRUE(same_bits(a.loss_sum, b.loss_sum) && same_bits(a.phi_sum, b.phi_sum) && same_bits(a.epoch_sum, b.epoch_sum)) << "sums";
  EXPECT_EQ(a.summed, b.summed);
  EXPECT_EQ(a.on_sphere, b.on_sphere);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) EXPECT_TRUE(same_bits(a.rows[i], b.rows[i])) << "row " << i;
  ASSERT_EQ(a.evaluations.size(), b.evaluations.size());
  for (std::size_t i = 0; i < a.evaluations.size(); ++i) {
    EXPECT_EQ(a.evaluations[i].step, b.evaluations[i].step);
    EXPECT_TRUE(same_bits(a.evaluations[i].values, b.evaluations[i].values)) << "evaluation " << i;
  }
}

}  // namespace slicecheck::testing
