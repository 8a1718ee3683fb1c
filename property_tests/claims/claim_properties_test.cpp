/// The claims and findings, as properties of the subjects of this library; and that such a property can fail.

#include <gtest/gtest.h>

#include "slicecheck/core/error.h"
#include "slicecheck/gallery/broken_loss.h"
#include "slicecheck/gallery/broken_transport.h"
#include "support/claim_property.h"

#define SLICECHECK_CLAIM(name, id) SLICECHECK_CLAIM_PROPERTY(id)
#include "slicecheck/claims/claims.def"
#undef SLICECHECK_CLAIM

namespace slicecheck::testing {
namespace {

TEST(ClaimProperties, there_is_one_for_every_claim) {
  const auto* suite = ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name();
  ASSERT_FALSE(claims().empty());
  for (const Claim& claim : claims()) {
    bool found = false;
    const auto& all = *::testing::UnitTest::GetInstance();
    for (int i = 0; i < all.total_test_suite_count(); ++i) {
      const auto* tests = all.GetTestSuite(i);
      for (int j = 0; std::string(tests->name()) == suite && j < tests->total_test_count(); ++j) found = found || tests->GetTestInfo(j)->name() == claim.id;
    }
    EXPECT_TRUE(found) << "no property test of " << claim.id;
  }
}

LossSubject planted(const std::string& name) {
  for (const LossDefect& defect : loss_gallery())
    if (defect.name == name) return defect.subject;
  reject("no planted defect is called {}", name);
}

/// The claim with one of its checks alone.
Claim with_check(const std::string& id, const std::string& name) {
  Claim claim = claim_by_id(id);
  std::erase_if(claim.checks, [&](const LossCheck& check) { return check.name != name; });
  EXPECT_EQ(claim.checks.size(), 1U) << name;
  return claim;
}

TEST(ClaimProperty, refuses_a_planted_defect_and_shrinks_it) {
  const ClaimProperty property = check_claim_property(with_check("L1", "all permutations"), {planted("unsorted-target")}, Report::keep);
  EXPECT_FALSE(property.passed);
  EXPECT_NE(property.complaint.find("counter-example"), std::string::npos) << property.complaint;
  // Two points, exact eighths, p = 2: the smallest case on which sorting matters.
  EXPECT_NE(property.report.find("ties, p = 2, s = 1, order = 0 1, number = 0\n"), std::string::npos) << property.report;
}

TEST(ClaimProperty, refuses_a_subject_that_throws) {
  LossSubject subject = repaired_loss();
  subject.evaluate = [](const auto&, const auto&, const auto&, double) -> LossGradient<double> { throw std::runtime_error("out of order"); };
  const ClaimProperty property = check_claim_property(with_check("L5", "symmetry"), {subject}, Report::keep);
  EXPECT_FALSE(property.passed);
  EXPECT_NE(property.report.find("out of order"), std::string::npos) << property.report;
}

TEST(ClaimProperty, refuses_to_pass_when_every_case_was_skipped) {
  Claim claim = with_check("L5", "symmetry");
  claim.checks[0].judge = [](const LossSubject&, const LossCase&) {
    Judgement judgement;
    judgement.skipped = "never judged";
    return judgement;
  };
  const ClaimProperty property = check_claim_property(claim, {repaired_loss()}, Report::keep);
  EXPECT_FALSE(property.passed);
  EXPECT_EQ(property.cases, 0U);
  EXPECT_NE(property.complaint.find("nothing was judged"), std::string::npos) << property.complaint;
}

std::vector<TransportSubject> planted_transport(const std::string& name) {
  for (const TransportDefect& defect : broken_transports())
    if (defect.name == name) return {defect.subject};
  reject("no planted defect is called {}", name);
}

ClaimProperty property_of(const Claim& claim, const std::vector<TransportSubject>& subjects) {
  ClaimProperty property;
  check_typed_property(claim, subjects, property);
  return property;
}

TEST(FindingProperty, passes_by_a_counter_example_of_size_one) {
  const ClaimProperty property = property_of(claim_by_id("F5"), transport_subjects());
  EXPECT_TRUE(property.passed) << property.complaint;
  EXPECT_GE(property.cases, 2U);
}

TEST(FindingProperty, refuses_to_pass_where_the_finding_holds) {
  const ClaimProperty property = property_of(claim_by_id("F5"), planted_transport("loss-never-below-zero"));
  EXPECT_FALSE(property.passed);
  EXPECT_NE(property.complaint.find("no case refutes it"), std::string::npos) << property.complaint;
}

Judgement judged(bool refuted) {
  Judgement judgement;
  judgement.observed = refuted ? 2.0 : 0.0;
  judgement.allowed = 1.0;
  return judgement;
}

/// F5 with a check that judges as told.
ClaimProperty property_of_judgement(std::function<Judgement(int)> judgement) {
  Claim claim = claim_by_id("F5");
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {
      {"as told", 4, [judgement = std::move(judgement)](const TransportSubject&, const RandomStream&, int size) {
         return Trial{judgement(size), {}, {}};
       }}};
  return property_of(claim, transport_subjects());
}

TEST(FindingProperty, refuses_a_smallest_counter_example_that_is_not_of_size_one) {
  const ClaimProperty property = property_of_judgement([](int size) { return judged(size > 2); });
  EXPECT_FALSE(property.passed);
  EXPECT_NE(property.complaint.find("has size 3, not 1"), std::string::npos) << property.complaint;
}

TEST(FindingProperty, refuses_a_counter_example_that_is_not_refuted_again) {
  auto refusals = std::make_shared<int>(0);
  const ClaimProperty property = property_of_judgement([refusals](int) { return judged((*refusals)++ == 0); });
  EXPECT_FALSE(property.passed) << "refuted once, never again";
}

TEST(FindingProperty, refuses_a_subject_that_throws_for_a_counter_example) {
  const ClaimProperty property = property_of_judgement([](int) -> Judgement { throw std::runtime_error("out of order"); });
  EXPECT_FALSE(property.passed);
  EXPECT_NE(property.complaint.find("out of order"), std::string::npos) << property.complaint;
}

TEST(FindingProperty, refuses_to_pass_when_every_case_was_skipped) {
  const ClaimProperty property = property_of_judgement([](int) {
    Judgement judgement;
    judgement.skipped = "never judged";
    return judgement;
  });
  EXPECT_FALSE(property.passed);
  EXPECT_EQ(property.cases, 0U);
}

TEST(ClaimProperty, refuses_to_pass_without_checks) {
  Claim claim = claim_by_id("L5");
  claim.checks.clear();
  EXPECT_FALSE(check_claim_property(claim, {repaired_loss()}, Report::keep).passed);
}

}  // namespace
}  // namespace slicecheck::testing
