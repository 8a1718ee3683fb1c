/// Every build of the kernels that the tests run was made from the sources of the shipped library; and each passes under its sanitizer.

#include <gtest/gtest.h>

#include <string>

#include "slicecheck/cuda/kernel_sources.h"
#include "support/command.h"

namespace slicecheck::testing {
namespace {

struct Build {
  const char* kind;
  const char* program;  ///< "": there is no clang++ to make it
};

class KernelBuilds : public ::testing::TestWithParam<Build> {};

TEST_P(KernelBuilds, right_and_without_a_report) {
  const Build build = GetParam();
  if (std::string(build.program).empty()) GTEST_SKIP() << "no clang++: the kernels were not run under " << build.kind;
  const CommandResult hash = run_command(std::string(build.program) + " --sources");
  ASSERT_EQ(hash.code, 0) << hash.output;
  EXPECT_EQ(hash.output, std::string(cuda::kernel_sources_hash()) + "\n") << "built from other sources than the library that ships";
  const CommandResult run = run_command(build.program);
  EXPECT_EQ(run.code, 0) << run.output;
  EXPECT_NE(run.output.find(" cases, 0 wrong"), std::string::npos) << run.output;
}

INSTANTIATE_TEST_SUITE_P(Fibres, KernelBuilds,
                         ::testing::Values(Build{"plain", KERNELS_PLAIN}, Build{"tsan", KERNELS_TSAN}, Build{"msan", KERNELS_MSAN},
                                           Build{"asan", KERNELS_ASAN}),
                         [](const auto& build) { return std::string(build.param.kind); });

}  // namespace
}  // namespace slicecheck::testing
