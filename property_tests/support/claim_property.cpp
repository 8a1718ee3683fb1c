#include "support/claim_property.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <iostream>
#include <sstream>

#include "slicecheck/reporting/coverage.h"
#include "support/loss_case_generators.h"

namespace slicecheck::testing {

namespace {

std::string refusal(const LossSubject& subject, const LossCase& c, const Judgement& judgement) {
  std::string sentence =
      fmt::format("{} is refuted: observed {:.17g}, allowed {:.17g}, ratio {:.4g}", subject.name, judgement.observed, judgement.allowed, judgement.ratio());
  if (!judgement.note.empty()) sentence += "; " + judgement.note;
  if (subject.single()) {
    std::ostringstream rounded;
    showValue(c, rounded);
    sentence += "; the case rounded to float:\n" + rounded.str();
  }
  return sentence;
}

class SilentListener final : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

/// What rc::check does, with its report in a string. (rc::check also tells at the end of the program how to repeat every failure, wanted or not.)
template <class Testable>
bool check_quietly(const Testable& testable, std::string& report) {
  SilentListener listener;
  const auto result = rc::detail::checkTestable(testable, rc::detail::TestMetadata{}, rc::detail::configuration().testParams, listener);
  std::ostringstream out;
  rc::detail::printResultMessage(result, out);
  report += out.str();
  return result.template is<rc::detail::SuccessResult>();
}

/// One check on all subjects.
void run_check(const Claim& claim, const LossCheck& check, const std::vector<LossSubject>& subjects, Report report, ClaimProperty& property) {
  std::vector<std::uint64_t> judged(subjects.size(), 0);
  const auto testable = [&] {
    const LossCase drawn = *loss_case(check.limits);
    const bool tie = has_exact_tie(drawn);
    RC_CLASSIFY(true, drawn.kind);
    RC_CLASSIFY(tie, std::string("with an exact tie"));
    bool any = false;
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const LossCase c = rounded_case(subjects[i], drawn);
      const Judgement judgement = judge(check, subjects[i], c);
      if (!judgement.skipped.empty()) {
        ++property.skipped[judgement.skipped];
        continue;
      }
      any = true;
      ++judged[i];
      if (judgement.refutes()) RC_FAIL(refusal(subjects[i], c, judgement));
    }
    if (!any) return;
    ++property.cases;
    ++property.kinds[drawn.kind];
    property.exact_ties += tie ? 1 : 0;
  };
  const bool passed = report == Report::print ? rc::check(claim.id + ", " + check.name, testable) : check_quietly(testable, property.report);
  if (!passed) {
    property.passed = false;
    property.complaint += fmt::format("{}: a counter-example was found\n", check.name);
  }
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    property.judgements += judged[i];
    if (passed && judged[i] < claim.minimum_cases) {
      property.passed = false;
      property.complaint +=
          fmt::format("{}: {} was judged on {} case(s); at least {} are needed\n", check.name, subjects[i].name, judged[i], claim.minimum_cases);
    }
  }
}

}  // namespace

ClaimProperty check_claim_property(const Claim& claim, const std::vector<LossSubject>& subjects, Report report) {
  ClaimProperty property;
  for (const LossCheck& check : claim.checks) run_check(claim, check, subjects, report, property);
  if (property.judgements == 0) {
    property.passed = false;
    property.complaint += "nothing was judged\n";
  }
  return property;
}

void test_claim_property(const std::string& id) {
  const std::string name = "LossProperties." + id;
  leave_property_evidence(id, {name, 0, false, true});
  const ClaimProperty property = check_claim_property(claim_by_id(id), core_loss_subjects());
  std::cout << fmt::format("{}: {} cases judged, {} judgements, {} cases with an exact tie\n", id, property.cases, property.judgements, property.exact_ties);
  for (const auto& [kind, count] : property.kinds) std::cout << fmt::format("  {}: {}\n", kind, count);
  for (const auto& [reason, count] : property.skipped) std::cout << fmt::format("  skipped {} times: {}\n", count, reason);
  for (const std::string& kind : generated_kinds()) EXPECT_GT(property.kinds.count(kind), 0U) << "no case of the kind '" << kind << "' was judged";
  EXPECT_GT(property.exact_ties, 0U);
  EXPECT_TRUE(property.passed) << property.complaint;
  leave_property_evidence(id, {name, property.cases, property.passed && !::testing::Test::HasFailure(), true});
}

}  // namespace slicecheck::testing
