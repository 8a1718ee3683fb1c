/// Are the p-values of the randomised claims as rare as they say? The shorter version of the experiment `calibration`.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "slicecheck/claims/claim.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/statistics/binomial.h"
#include "slicecheck/statistics/goodness_of_fit.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr Index kSeeds = 40;
constexpr double kThreshold = 0.05;

/// The p-value behind a judgement; for a loss, Hoeffding's bound at the observed deviation: the half-width at the level δ is what the check allows.
double p_value_of(const Judgement& judgement, bool loss) {
  const double ratio = judgement.ratio();
  const double p = loss ? 2.0 * std::pow(kTypedFalseAlarm / 2.0, ratio * ratio) : judgement.allowed;
  return std::isnan(ratio) || std::isnan(p) ? 0.0 : std::clamp(p, 0.0, 1.0);
}

/// One randomised check on one right subject; every p-value from a case of its own.
struct Row {
  std::string name;
  bool loss;
  std::function<Judgement(const RandomStream&)> judged;
  std::vector<double> p;
};

template <class S>
void add_typed(const Claim& claim, const std::vector<S>& subjects, std::vector<Row>& rows) {
  for (const TypedCheck<S>& check : typed_checks<S>(claim))
    for (const S& subject : subjects)
      if (check.randomised && claim.applies_to(subject))
        rows.push_back({claim.id + "/" + check.name + " on " + subject.name,
                        false,
                        [&check, subject](const RandomStream& stream) { return judge(check, subject, stream, std::min(2, check.largest)).judgement; },
                        {}});
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const Claim& claim : claims()) {
    for (const LossCheck& check : claim.checks)
      for (const LossSubject& subject : core_loss_subjects())
        if (check.randomised && claim.applies_to(subject))
          rows.push_back({claim.id + "/" + check.name + " on " + subject.name,
                          true,
                          [&check, subject](const RandomStream& stream) {
                            PointDraws draws(stream, 0);
                            return judge(check, subject, rounded_case(subject, draw_loss_case(draws, check.limits)));
                          },
                          {}});
    add_typed(claim, generator_subjects(), rows);
    add_typed(claim, scheme_subjects(), rows);
    add_typed(claim, sampler_subjects(), rows);
    add_typed(claim, training_subjects(), rows);
    add_typed(claim, law_subjects(), rows);
    add_typed(claim, criticality_subjects(), rows);
    add_typed(claim, flow_subjects(), rows);
  }
  return rows;
}

/// All p-values, 40 a row; cases that cannot be judged (a loss case that is not in the plane) are drawn again, at most 64 times.
const std::vector<Row>& measured_rows() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all = all_rows();
    for (std::size_t i = 0; i < all.size(); ++i) {
      Row& row = all[i];
      row.p.assign(static_cast<std::size_t>(kSeeds), std::nan(""));
      parallel_for(kSeeds, [&](Index k) {
        for (std::uint64_t attempt = 0; attempt < 64; ++attempt) {
          const Judgement judgement =
              row.judged({test_seed(), Purpose::cases, static_cast<std::uint32_t>(1000 + i), static_cast<std::uint64_t>(k) << 8 | attempt});
          if (!judgement.skipped.empty()) continue;
          row.p[static_cast<std::size_t>(k)] = p_value_of(judgement, row.loss);
          break;
        }
      });
    }
    return all;
  }();
  return rows;
}

/// P-value of "P(p ≤ 0.05) ≤ 0.05" after so many p-values, one-sided, exact.
double too_small(const std::vector<double>& p) {
  const auto below = std::count_if(p.begin(), p.end(), [](double one) { return !(one > kThreshold); });
  return binomial_upper_tail(static_cast<double>(below), static_cast<double>(p.size()), kThreshold);
}

TEST(Calibration, every_randomised_check_judges_the_right_subjects) {
  std::size_t losses = 0;
  std::size_t others = 0;
  for (const Row& row : measured_rows()) {
    (row.loss ? losses : others) += 1;
    EXPECT_TRUE(std::none_of(row.p.begin(), row.p.end(), [](double p) { return std::isnan(p); })) << row.name << ": a seed without a case that can be judged";
  }
  EXPECT_GT(losses, 0U);
  EXPECT_GT(others, 0U);
}

TEST(Calibration, no_right_subject_is_refuted) {
  // 10⁻¹² a case by the claims' own level: 10⁻⁸ allows for 10⁴ cases.
  const double level = spend_false_alarm();
  std::size_t cases = 0;
  for (const Row& row : measured_rows()) {
    cases += row.p.size();
    EXPECT_TRUE(std::all_of(row.p.begin(), row.p.end(), [](double p) { return p >= kTypedFalseAlarm; })) << row.name;
  }
  EXPECT_LE(static_cast<double>(cases) * kTypedFalseAlarm, level);
}

TEST(Calibration, p_values_of_right_subjects_are_not_too_small) {
  const auto& rows = measured_rows();
  const double level = spend_false_alarm() / static_cast<double>(rows.size());
  for (const Row& row : rows) EXPECT_TRUE(too_small(row.p) >= level) << row.name << ": " << too_small(row.p);
}

TEST(Calibration, the_test_refuses_p_values_that_are_too_small) {
  // Divided by 20, uniform p-values are all ≤ 0.05: 40 seeds always refuse that. Divided by 10, half of them are, in place of a twentieth: 400 draws give at
  // least 56 of them but with probability 10⁻⁴⁰, and 56 have a tail below 10⁻¹¹.
  const RandomStream stream(test_seed(), Purpose::cases, 999, 0);
  PointDraws draws(stream, 0);
  std::vector<double> right;
  std::vector<double> a_tenth;
  std::vector<double> a_twentieth;
  for (Index k = 0; k < 10 * kSeeds; ++k) {
    right.push_back(normal_p_value(draws.normal()));
    a_tenth.push_back(right.back() / 10.0);
    if (k < kSeeds) a_twentieth.push_back(right.back() / 20.0);
  }
  EXPECT_TRUE(too_small(right) >= spend_false_alarm());
  EXPECT_LT(too_small(a_tenth), kFalseAlarm / 1000.0);
  EXPECT_LT(too_small(a_twentieth), kFalseAlarm / 1000.0);
}

TEST(Calibration, the_test_refuses_a_claim_that_forgets_to_correct_for_its_number_of_tests) {
  // The smallest of twenty right p-values, not multiplied by twenty: it is ≤ 0.05 with probability 1 − 0.95²⁰ = 0.64. At least 56 of 400 but with probability
  // 10⁻⁶⁰.
  const RandomStream stream(test_seed(), Purpose::cases, 998, 0);
  PointDraws draws(stream, 0);
  std::vector<double> corrected;
  std::vector<double> forgotten;
  for (Index k = 0; k < 10 * kSeeds; ++k) {
    std::vector<double> p;
    for (int i = 0; i < 20; ++i) p.push_back(normal_p_value(draws.normal()));
    corrected.push_back(smallest_of(p));
    forgotten.push_back(*std::min_element(p.begin(), p.end()));
  }
  EXPECT_TRUE(too_small(corrected) >= spend_false_alarm());
  EXPECT_LT(too_small(forgotten), kFalseAlarm / 1000.0);
}

}  // namespace
}  // namespace slicecheck::testing
