/// The main function of every test program: one seed for all random cases, printed, the same every time unless a fresh one is asked for.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr const char* kSeed = "SLICECHECK_TEST_SEED";
constexpr const char* kParameters = "RC_PARAMS";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool asked_for_fresh_seed(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--fresh-seed") return true;
  return environment(kSeed) == "fresh";
}

/// Writes the seed to the environment, where `test_seed` finds it.
void choose_seed(bool fresh) {
  if (fresh) ::setenv(kSeed, std::to_string(std::random_device{}()).c_str(), 1);
  if (environment(kSeed).empty()) ::setenv(kSeed, "1", 1);
}

/// What RC_PARAMS does not say is set here: the seed and the number of cases.
void complete_rapidcheck_parameters() {
  std::string parameters = environment(kParameters);
  const auto add_missing = [&](const std::string& name, const std::string& value) {
    if (parameters.find(name + "=") != std::string::npos) return;
    parameters += (parameters.empty() ? "" : " ") + name + "=" + value;
  };
  add_missing("seed", environment(kSeed));
  add_missing("max_success", std::to_string(SLICECHECK_PROPERTY_CASES));
  ::setenv(kParameters, parameters.c_str(), 1);
}

/// The false alarms of a whole run stay within their budget: no assertion is added without being counted.
class FalseAlarmBudget : public ::testing::Environment {
 public:
  void TearDown() override { EXPECT_LE(assertions_spent(), kLargestNumberOfAssertions) << "lower kFalseAlarm in support/false_alarm.h"; }
};

}  // namespace
}  // namespace slicecheck::testing

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
/// OpenMP's library is not instrumented: what ThreadSanitizer sees inside it are no races of ours. TSAN_OPTIONS may say otherwise.
extern "C" const char* __tsan_default_options() { return "ignore_noninstrumented_modules=1"; }
#endif
#endif

int main(int argc, char** argv) {
  using namespace slicecheck::testing;
  ::testing::InitGoogleTest(&argc, argv);
  choose_seed(asked_for_fresh_seed(argc, argv));
  complete_rapidcheck_parameters();
  if (!GTEST_FLAG_GET(list_tests)) {
    std::cout << "To repeat: " << kSeed << '=' << environment(kSeed) << ' ' << kParameters << "=\"" << environment(kParameters) << "\"; a fresh seed: " << kSeed
              << "=fresh or --fresh-seed" << std::endl;
  }
  ::testing::AddGlobalTestEnvironment(new FalseAlarmBudget);
  return RUN_ALL_TESTS();
}
