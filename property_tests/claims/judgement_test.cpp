/// Judgements and verdicts: what counts as refuted.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "slicecheck/claims/verdict.h"

namespace slicecheck {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

Judgement judgement(double observed, double allowed) {
  Judgement out;
  out.observed = observed;
  out.allowed = allowed;
  return out;
}

TEST(Judgement, is_refuted_unless_the_ratio_is_at_most_one) {
  EXPECT_FALSE(judgement(0.5, 1.0).refutes());
  EXPECT_FALSE(judgement(1.0, 1.0).refutes());
  EXPECT_TRUE(judgement(std::nextafter(1.0, 2.0), 1.0).refutes());
  EXPECT_EQ(judgement(3.0, 2.0).ratio(), 1.5);
}

TEST(Judgement, nothing_observed_is_ratio_zero_even_where_nothing_is_allowed) {
  EXPECT_EQ(judgement(0.0, 0.0).ratio(), 0.0);
  EXPECT_FALSE(judgement(0.0, 0.0).refutes());
  EXPECT_TRUE(judgement(std::numeric_limits<double>::denorm_min(), 0.0).refutes());
  EXPECT_EQ(judgement(1.0, 0.0).ratio(), kInfinity);
}

TEST(Judgement, nan_and_infinity_refute) {
  EXPECT_TRUE(judgement(kNan, 1.0).refutes());
  EXPECT_TRUE(judgement(1.0, kNan).refutes());
  EXPECT_TRUE(judgement(kNan, kNan).refutes());
  EXPECT_TRUE(judgement(kInfinity, 1.0).refutes());
  EXPECT_TRUE(judgement(kInfinity, kInfinity).refutes());
  EXPECT_TRUE(std::isnan(judgement(kNan, 0.0).ratio()));
}

TEST(Judgement, a_skipped_case_refutes_nothing) {
  Judgement skipped = judgement(kNan, 0.0);
  skipped.skipped = "for a reason";
  EXPECT_FALSE(skipped.refutes());
}

TEST(Verdict, the_worst_ratio_is_nan_if_one_is) {
  Verdict verdict;
  EXPECT_EQ(verdict.worst_ratio(), 0.0);
  verdict.checks = {{"a", 1, 0.5, {}}, {"b", 1, 0.25, {}}};
  EXPECT_EQ(verdict.worst_ratio(), 0.5);
  verdict.checks[1].worst_ratio = kNan;
  EXPECT_TRUE(std::isnan(verdict.worst_ratio()));
  verdict.checks = {{"a", 1, kNan, {}}, {"b", 1, 3.0, {}}, {"c", 1, 0.5, {}}};
  EXPECT_TRUE(std::isnan(verdict.worst_ratio())) << "a number after NaN must not hide it";
}

TEST(Verdict, tightness_is_the_largest_there_is) {
  Verdict verdict;
  verdict.checks = {{"a", 1, 0.5, {}}};
  EXPECT_FALSE(verdict.tightness());
  verdict.checks = {{"a", 1, 0.5, 0.25}, {"b", 1, 0.5, {}}, {"c", 1, 0.5, 0.75}};
  EXPECT_EQ(verdict.tightness(), 0.75);
}

TEST(Verdict, a_finding_is_as_declared_when_it_is_refuted) {
  Verdict verdict;
  verdict.outcome = Outcome::refuted;
  EXPECT_FALSE(verdict.as_declared());
  verdict.expected = Outcome::refuted;
  EXPECT_TRUE(verdict.as_declared());
  verdict.outcome = Outcome::holds;
  EXPECT_FALSE(verdict.as_declared());
  verdict.outcome = Outcome::inconclusive;
  EXPECT_FALSE(verdict.as_declared());
}

TEST(Outcome, names) {
  EXPECT_EQ(outcome_name(Outcome::holds), "holds");
  EXPECT_EQ(outcome_name(Outcome::refuted), "refuted");
  EXPECT_EQ(outcome_name(Outcome::inconclusive), "inconclusive");
}

}  // namespace
}  // namespace slicecheck
