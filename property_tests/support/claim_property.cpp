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
    ++property.kinds[drawn.kind];
    property.exact_ties += tie ? 1 : 0;
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

/// One check on all subjects of a type other than losses. A case is a seed and a size; both shrink.
template <class S>
void run_typed_check(const Claim& claim, const TypedCheck<S>& check, const std::vector<S>& subjects, ClaimProperty& property) {
  for (const S& subject : subjects) {
    if (!claim.applies_to(subject) || !check.not_run_on(subject).empty()) continue;
    std::uint64_t judged = 0;
    const auto testable = [&] {
      const int size = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(1, check.largest + 1));
      const int seed = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 1'000'000));
      RC_CLASSIFY(true, fmt::format("size {}", size));
      const Trial trial = judge(check, subject, RandomStream(static_cast<std::uint64_t>(seed), Purpose::cases, 0, 0), size);
      if (!trial.judgement.skipped.empty()) {
        ++property.skipped[trial.judgement.skipped];
        return;
      }
      ++judged;
      ++property.cases;
      ++property.kinds[fmt::format("size {}", size)];
      if (trial.judgement.refutes())
        RC_FAIL(fmt::format("{} is refuted: observed {:.17g}, allowed {:.17g}; {}", subject.name, trial.judgement.observed, trial.judgement.allowed,
                            trial.judgement.note));
    };
    if (!rc::check(fmt::format("{}, {}, {}", claim.id, check.name, subject.name), testable)) {
      property.passed = false;
      property.complaint += fmt::format("{} on {}: a counter-example was found\n", check.name, subject.name);
    } else if (judged < claim.minimum_cases) {
      property.passed = false;
      property.complaint += fmt::format("{}: {} was judged on {} case(s); at least {} are needed\n", check.name, subject.name, judged, claim.minimum_cases);
    }
    property.judgements += judged;
  }
}

template <class S>
void run_typed_checks(const Claim& claim, const std::vector<S>& subjects, ClaimProperty& property) {
  for (const auto& check : typed_checks<S>(claim)) run_typed_check(claim, check, subjects, property);
}

}  // namespace

void check_typed_property(const Claim& claim, ClaimProperty& property) {
  run_typed_checks(claim, generator_subjects(), property);
  run_typed_checks(claim, scheme_subjects(), property);
  run_typed_checks(claim, sampler_subjects(), property);
  run_typed_checks(claim, training_subjects(), property);
  run_typed_checks(claim, law_subjects(), property);
  run_typed_checks(claim, criticality_subjects(), property);
  run_typed_checks(claim, flow_subjects(), property);
  run_typed_checks(claim, max_sliced_subjects(), property);
  run_typed_checks(claim, two_player_subjects(), property);
  run_typed_checks(claim, coverage_subjects(), property);
  run_typed_checks(claim, transport_subjects(), property);
  run_typed_checks(claim, transport_bounds_subjects(), property);
}

ClaimProperty check_claim_property(const Claim& claim, const std::vector<LossSubject>& subjects, Report report) {
  ClaimProperty property;
  for (const LossCheck& check : claim.checks) run_check(claim, check, subjects, report, property);
  if (report == Report::print) check_typed_property(claim, property);
  if (property.judgements == 0) {
    property.passed = false;
    property.complaint += "nothing was judged\n";
  }
  return property;
}

void test_claim_property(const std::string& id) {
  const std::string name = "ClaimProperties." + id;
  leave_property_evidence(id, {name, 0, false, true});
  const ClaimProperty property = check_claim_property(claim_by_id(id), core_loss_subjects());
  std::cout << fmt::format("{}: {} cases judged, {} judgements, {} cases with an exact tie\n", id, property.cases, property.judgements, property.exact_ties);
  for (const auto& [kind, count] : property.kinds) std::cout << fmt::format("  {}: {}\n", kind, count);
  for (const auto& [reason, count] : property.skipped) std::cout << fmt::format("  skipped {} times: {}\n", count, reason);
  if (!claim_by_id(id).checks.empty()) {
    for (const std::string& kind : generated_kinds()) EXPECT_GT(property.kinds.count(kind), 0U) << "no case of the kind '" << kind << "' was drawn";
    EXPECT_GT(property.exact_ties, 0U);
  }
  EXPECT_TRUE(property.passed) << property.complaint;
  leave_property_evidence(id, {name, property.cases, property.passed && !::testing::Test::HasFailure(), true});
}

}  // namespace slicecheck::testing
