#pragma once
/// Tests that need a CUDA device.

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace slicecheck::testing {

/// Skipped, with the reason, where there is no CUDA device to use; failed there where SLICECHECK_REQUIRE_GPU=1.
class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override;
};

/// Cases of one test, under one name: a device that is missing is then told a hundred times, not a thousand.
template <class Case>
struct Group {
  std::string name;
  std::vector<Case> cases;
};
template <class Case>
void PrintTo(const Group<Case>& group, std::ostream* out) {
  *out << group.name;
}

}  // namespace slicecheck::testing
