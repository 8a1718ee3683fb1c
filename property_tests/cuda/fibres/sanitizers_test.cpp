/// The sanitizers see on fibres what they are there for: each planted defect of toys/defects.cu is found at its line, and its right twin is clean under all of
/// them. cub::BlockRadixSort is clean and right under each. Without clang++ these tests are skipped.

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <ostream>
#include <stdexcept>
#include <string>

#include "support/command.h"

namespace slicecheck::testing {
namespace {

CommandResult run(const std::string& command) { return run_command("TSAN_OPTIONS=atexit_sleep_ms=0 " + command); }

/// The line of toys/defects.cu that ends in PLANTED(name), as a report names it.
std::string planted_line(const std::string& name) {
  std::ifstream file(FIBRE_DEFECTS_SOURCE);
  std::string text;
  for (int line = 1; std::getline(file, text); ++line)
    if (text.find("PLANTED(" + name + ")") != std::string::npos) return "defects.cu:" + std::to_string(line) + ":";
  return "no line of " + name;
}

struct Kind {
  const char* name;
  std::string defects;
  std::string block_sort;
};

const std::array<Kind, 3>& kinds() {
  static const std::array<Kind, 3> all = {{{"tsan", FIBRE_DEFECTS_TSAN, FIBRE_BLOCK_SORT_TSAN},
                                           {"msan", FIBRE_DEFECTS_MSAN, FIBRE_BLOCK_SORT_MSAN},
                                           {"asan", FIBRE_DEFECTS_ASAN, FIBRE_BLOCK_SORT_ASAN}}};
  return all;
}

const Kind& kind_of(const std::string& name) {
  for (const Kind& kind : kinds())
    if (kind.name == name) return kind;
  throw std::invalid_argument(name);
}

struct Defect {
  const char* name;
  const char* kind;      ///< the sanitizer that must find it
  const char* headline;  ///< of its report
};

void PrintTo(const Defect& defect, std::ostream* out) { *out << defect.name; }

constexpr Defect kDefects[] = {
    {"missing_barrier", "tsan", "data race"},
    {"missing_second_barrier", "tsan", "data race"},
    {"shuffle_for_barrier", "tsan", "data race"},
    {"race_between_blocks", "tsan", "data race"},
    {"unwritten_shared", "msan", "use-of-uninitialized-value"},
    {"unwritten_static", "msan", "use-of-uninitialized-value"},
    {"unwritten_global", "msan", "use-of-uninitialized-value"},
    {"unwritten_through_shuffle", "msan", "use-of-uninitialized-value"},
    {"overrun_shared", "asan", "heap-buffer-overflow"},
    {"overrun_static", "asan", "heap-buffer-overflow"},
    {"overrun_global", "asan", "heap-buffer-overflow"},
    {"shared_of_another_block", "asan", "heap-use-after-free"},
    {"wide_shift", "asan", "runtime error: shift exponent 32"},
};

class SanitizerOnFibres : public ::testing::TestWithParam<Defect> {};

TEST_P(SanitizerOnFibres, finds_the_planted_defect) {
  const Kind& kind = kind_of(GetParam().kind);
  if (kind.defects.empty()) GTEST_SKIP() << "no clang++ was found when this was built";
  const CommandResult outcome = run(kind.defects + " " + GetParam().name + " planted");
  EXPECT_NE(outcome.code, 0);
  EXPECT_NE(outcome.output.find(GetParam().headline), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find(planted_line(GetParam().name)), std::string::npos) << planted_line(GetParam().name) << "\n" << outcome.output;
}

TEST_P(SanitizerOnFibres, passes_its_right_twin) {
  for (const Kind& kind : kinds()) {
    if (kind.defects.empty()) GTEST_SKIP() << "no clang++ was found when this was built";
    const CommandResult outcome = run(kind.defects + " " + GetParam().name + " right");
    EXPECT_EQ(outcome.code, 0) << kind.name;
    EXPECT_EQ(outcome.output, "done\n") << kind.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Defects, SanitizerOnFibres, ::testing::ValuesIn(kDefects), [](const auto& defect) { return std::string(defect.param.name); });

/// What the fibres refuse they refuse under every sanitizer, which stays silent; and a kernel runs after it.
TEST(SanitizersOnFibres, leave_a_fault_to_the_fibres) {
  for (const Kind& kind : kinds()) {
    if (kind.defects.empty()) GTEST_SKIP() << "no clang++ was found when this was built";
    const CommandResult outcome = run(kind.defects + " missing_thread planted");
    EXPECT_EQ(outcome.code, 3) << kind.name;
    EXPECT_EQ(outcome.output.find("fault: some threads never reach a barrier of the block: 63 of 64 wait at defects.cu:"), 0U) << outcome.output;
    EXPECT_NE(outcome.output.find("\ndone\n"), std::string::npos) << outcome.output;
    EXPECT_EQ(outcome.output.find("WARNING"), std::string::npos) << outcome.output;
  }
}

class BlockSortOnFibres : public ::testing::TestWithParam<const char*> {};

TEST_P(BlockSortOnFibres, is_clean_and_right) {
  const Kind& kind = kind_of(GetParam());
  if (kind.block_sort.empty()) GTEST_SKIP() << "no clang++ was found when this was built";
  const CommandResult outcome = run(kind.block_sort);
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("tile 512x16, n = 8192: 0 wrong"), std::string::npos) << outcome.output;
  EXPECT_EQ(outcome.output.find("WARNING"), std::string::npos) << outcome.output;
}

TEST(SanitizersOnFibres, a_race_inside_cub_is_found) {
  const Kind& tsan = kind_of("tsan");
  if (tsan.block_sort.empty()) GTEST_SKIP() << "no clang++ was found when this was built";
  const CommandResult outcome = run(tsan.block_sort + " reuse");
  EXPECT_NE(outcome.code, 0);
  EXPECT_NE(outcome.output.find("data race"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("sort_twice"), std::string::npos) << outcome.output;
}

INSTANTIATE_TEST_SUITE_P(Sanitizers, BlockSortOnFibres, ::testing::Values("tsan", "msan", "asan"), [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace slicecheck::testing
