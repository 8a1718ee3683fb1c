#include "support/claim_property.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
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

/// The subject threw, or gave no finite number: no counter-example to a finding.
bool without_number(const Judgement& judgement) { return !judgement.note.empty() || !std::isfinite(judgement.observed) || std::isnan(judgement.ratio()); }

std::string no_number(const Judgement& judgement) {
  return fmt::format("no finite number was given (observed {}, allowed {}), which shows nothing; {}", judgement.observed, judgement.allowed, judgement.note);
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
  std::string unjudged;
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
      if (claim.finding() && without_number(judgement)) {
        unjudged = no_number(judgement);
        continue;
      }
      if (judgement.refutes()) RC_FAIL(refusal(subjects[i], c, judgement));
    }
    if (!any) return;
    ++property.cases;
  };
  const bool printed = report == Report::print && !claim.finding();
  const bool holds = printed ? rc::check(claim.id + ", " + check.name, testable) : check_quietly(testable, property.report);
  const bool passed = holds != claim.finding();
  if (!unjudged.empty()) {
    property.passed = false;
    property.complaint += fmt::format("{}: {}\n", check.name, unjudged);
  } else if (!passed && claim.finding()) {
    property.passed = false;
    property.complaint += fmt::format("{}: declared false, and no case refutes it\n", check.name);
  } else if (!passed) {
    property.passed = false;
    property.complaint += fmt::format("{}: a counter-example was found\n", check.name);
  }
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    property.judgements += judged[i];
    if (passed && !claim.finding() && judged[i] < claim.minimum_cases) {
      property.passed = false;
      property.complaint +=
          fmt::format("{}: {} was judged on {} case(s); at least {} are needed\n", check.name, subjects[i].name, judged[i], claim.minimum_cases);
    }
  }
}

/// A case of a check on subjects of another type.
struct TypedCase {
  int size = 0;
  int seed = 0;

  static TypedCase draw(int largest) {
    const int size = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(1, largest + 1));
    const int seed = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 1'000'000));
    return {size, seed};
  }

  template <class S>
  [[nodiscard]] Trial judged(const TypedCheck<S>& check, const S& subject) const {
    return judge(check, subject, RandomStream(static_cast<std::uint64_t>(seed), Purpose::cases, 0, 0), size);
  }
};

/// One check of a finding on a subject: RapidCheck must refute it, shrink the case to size 1, and see it refuted again.
template <class S>
void run_typed_finding(const Claim& claim, const TypedCheck<S>& check, const S& subject, ClaimProperty& property) {
  TypedCase smallest;
  std::uint64_t judged = 0;
  std::string unjudged;
  const auto testable = [&] {
    const TypedCase drawn = TypedCase::draw(check.largest);
    const Judgement judgement = drawn.judged(check, subject).judgement;
    if (!judgement.skipped.empty()) {
      ++property.skipped[judgement.skipped];
      return;
    }
    ++judged;
    ++property.kinds[fmt::format("size {}", drawn.size)];
    if (without_number(judgement)) unjudged = no_number(judgement);
    if (!judgement.refutes() || without_number(judgement)) return;
    smallest = drawn;  // a shrunk case is kept only if it is refuted too, so that the last one is the smallest
    RC_FAIL(fmt::format("observed {:.17g}, allowed {:.17g}; {}", judgement.observed, judgement.allowed, judgement.note));
  };
  const bool holds = check_quietly(testable, property.report);
  property.judgements += judged;
  property.cases += judged;
  const auto complain = [&](const std::string& what) {
    property.passed = false;
    property.complaint += fmt::format("{}, {} on {}: {}\n", claim.id, check.name, subject.name, what);
  };
  if (!unjudged.empty())
    complain(unjudged);
  else if (holds || smallest.size == 0)
    complain("declared false, and no case refutes it");
  else if (smallest.size != 1)
    complain(fmt::format("the smallest counter-example has size {}, not 1", smallest.size));
  else if (const Judgement again = smallest.judged(check, subject).judgement; !again.refutes() || without_number(again))
    complain("the counter-example is not refuted again by its numbers; " + again.note);
}

/// One check on all subjects of a type other than losses. A case is a seed and a size; both shrink.
template <class S>
void run_typed_check(const Claim& claim, const TypedCheck<S>& check, const std::vector<S>& subjects, ClaimProperty& property) {
  for (const S& subject : subjects) {
    if (!claim.applies_to(subject) || !check.not_run_on(subject).empty()) continue;
    if (claim.finding()) {
      run_typed_finding(claim, check, subject, property);
      continue;
    }
    std::uint64_t judged = 0;
    const auto testable = [&] {
      const TypedCase drawn = TypedCase::draw(check.largest);
      RC_CLASSIFY(true, fmt::format("size {}", drawn.size));
      const Trial trial = drawn.judged(check, subject);
      if (!trial.judgement.skipped.empty()) {
        ++property.skipped[trial.judgement.skipped];
        return;
      }
      ++judged;
      ++property.cases;
      ++property.kinds[fmt::format("size {}", drawn.size)];
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

}  // namespace

template <class S>
void check_typed_property(const Claim& claim, const std::vector<S>& subjects, ClaimProperty& property) {
  for (const auto& check : typed_checks<S>(claim)) run_typed_check(claim, check, subjects, property);
}

template void check_typed_property(const Claim&, const std::vector<TransportSubject>&, ClaimProperty&);
template void check_typed_property(const Claim&, const std::vector<TransportBoundsSubject>&, ClaimProperty&);

namespace {

void check_typed_properties(const Claim& claim, ClaimProperty& property) {
  check_typed_property(claim, generator_subjects(), property);
  check_typed_property(claim, scheme_subjects(), property);
  check_typed_property(claim, sampler_subjects(), property);
  check_typed_property(claim, training_subjects(), property);
  check_typed_property(claim, law_subjects(), property);
  check_typed_property(claim, criticality_subjects(), property);
  check_typed_property(claim, flow_subjects(), property);
  check_typed_property(claim, max_sliced_subjects(), property);
  check_typed_property(claim, two_player_subjects(), property);
  check_typed_property(claim, coverage_subjects(), property);
  check_typed_property(claim, transport_subjects(), property);
  check_typed_property(claim, transport_bounds_subjects(), property);
}

}  // namespace

ClaimProperty check_claim_property(const Claim& claim, const std::vector<LossSubject>& subjects, Report report) {
  ClaimProperty property;
  for (const LossCheck& check : claim.checks) run_check(claim, check, subjects, report, property);
  if (report == Report::print) check_typed_properties(claim, property);
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
