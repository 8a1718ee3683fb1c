/// N8: every one of its checks refuses some path, and a path that is none.

#include <gtest/gtest.h>

#include <limits>

#include "slicecheck/claims/claim.h"

namespace slicecheck::testing {
namespace {

/// A training that stays at one point.
TrainingSubject staying_at(double value) {
  return {"staying", "all parameters are one number", [value](const TrainingParts<double>& parts, std::uint64_t steps) {
            return std::vector<Eigen::VectorXd>(steps + 1, Eigen::VectorXd::Constant(parts.generator->parameters(), value));
          }};
}

double worst_of(const std::string& check, const TrainingSubject& subject) {
  SilentProgress silent;
  const Verdict verdict = verify(claim_by_id("N8"), subject, {.cases = 60}, silent);
  for (const CheckEvidence& evidence : verdict.checks)
    if (evidence.name == check) return evidence.worst_ratio;
  ADD_FAILURE() << "no check " << check;
  return 0.0;
}

TEST(WhatSgdMeets, each_check_refuses_a_path) {
  // At 0 the line is tied and every unit of a ReLU network is on its kink; at 2000 the dead layer is alive and its images differ.
  EXPECT_GT(worst_of("harmful ties on the two-point line", staying_at(0.0)), 1.0);
  EXPECT_GT(worst_of("ties and kinks of a ReLU network", staying_at(0.0)), 1.0);
  EXPECT_GT(worst_of("ties behind a dead ReLU layer", staying_at(2000.0)), 1.0);
  EXPECT_EQ(worst_of("harmful ties on the two-point line", staying_at(0.5)), 0.0);
  EXPECT_EQ(worst_of("ties behind a dead ReLU layer", staying_at(0.5)), 0.0);
}

TEST(WhatSgdMeets, a_path_that_is_none_is_refused) {
  SilentProgress silent;
  const TrainingSubject shorter{"short", "stops early", [](const TrainingParts<double>& parts, std::uint64_t) {
                                  return std::vector<Eigen::VectorXd>(3, Eigen::VectorXd::Ones(parts.generator->parameters()));
                                }};
  for (const TrainingSubject& subject : {staying_at(std::numeric_limits<double>::quiet_NaN()), shorter})
    EXPECT_EQ(verify(claim_by_id("N8"), subject, {.cases = 60}, silent).outcome, Outcome::refuted) << subject.description;
}

}  // namespace
}  // namespace slicecheck::testing
