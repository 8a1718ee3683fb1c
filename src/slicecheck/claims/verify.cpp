/// How a claim judges a subject: cases drawn, judged in parallel, the first counter-example made small.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>

#include "slicecheck/claims/case_stream.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"

namespace slicecheck {

namespace {

LossCase drawn_case(const Claim& claim, const LossCheck& check, const LossSubject& subject, std::uint64_t seed, std::uint64_t number) {
  const RandomStream stream = case_stream(claim.id, check.name, seed, number);
  PointDraws draws(stream, 0);
  return rounded_case(subject, draw_loss_case(draws, check.limits));
}

template <class S>
int size_of_case(const TypedCheck<S>& check, std::uint64_t number) {
  return 1 + static_cast<int>(number % static_cast<std::uint64_t>(check.largest));
}

/// NaN counts as larger than everything.
bool worse(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a > b; }

/// The subject threw, or what was observed of it is no finite number. That breaks what holds, and shows nothing about what is declared false.
bool without_number(const Judgement& judgement) {
  return judgement.skipped.empty() && (!judgement.note.empty() || !std::isfinite(judgement.observed) || std::isnan(judgement.ratio()));
}

/// A finding is refuted by finite numbers only.
bool refuted_by(const Claim& claim, const Judgement& judgement) { return judgement.refutes() && !(claim.finding() && without_number(judgement)); }

std::uint64_t case_count(const Budget& budget, const Claim& claim, std::uint64_t cost) {
  return std::min(budget.cases, std::max(claim.minimum_cases, budget.cases / std::max<std::uint64_t>(1, cost)));
}

std::vector<NamedValues> values_of(const LossCase& c) { return {{"Z", c.z}, {"Y", c.y}, {"W", c.w}, {"directions", c.theta}, {"v", Points<double>(c.v)}}; }

struct Judged {
  Judgement judgement;
  std::string kind;
  std::map<std::string, std::uint64_t> counts;
};

struct CheckResult {
  CheckEvidence evidence;
  std::optional<std::uint64_t> first_refuted;
  std::uint64_t without_number = 0;
  std::string note;  ///< of the first case without a number
};

/// Where a check stops at what it refutes, so many cases are judged at a time, whatever the number of threads.
constexpr std::uint64_t kCasesAtATime = 16;

/// `at_a_time` cases in parallel, until one of them is refuted or all are judged.
std::vector<Judged> judge_cases(const Claim& claim, std::uint64_t cases, std::uint64_t at_a_time, const std::function<Judged(std::uint64_t)>& judge_case,
                                const std::function<void(double)>& progress) {
  std::vector<Judged> judged;
  std::atomic<std::uint64_t> done{0};
  const auto refuted = [&](const Judged& one) { return refuted_by(claim, one.judgement); };
  while (judged.size() < cases && std::none_of(judged.begin(), judged.end(), refuted)) {
    const std::size_t first = judged.size();
    judged.resize(static_cast<std::size_t>(std::min(cases, first + at_a_time)));
    parallel_for(static_cast<Index>(judged.size() - first), [&](Index i) {
      const std::size_t number = first + static_cast<std::size_t>(i);
      judged[number] = judge_case(number);
      progress(static_cast<double>(++done) / static_cast<double>(cases));
    });
  }
  return judged;
}

CheckResult run_check(const Claim& claim, const std::string& name, const std::vector<Judged>& judged, Verdict& verdict) {
  CheckResult result;
  result.evidence.name = name;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    const Judgement& judgement = judged[i].judgement;
    if (!judgement.skipped.empty()) {
      ++verdict.skipped[judgement.skipped];
      continue;
    }
    ++verdict.kinds[judged[i].kind];
    for (const auto& [what, count] : judged[i].counts) verdict.counts[what] += count;
    ++result.evidence.cases;
    if (worse(judgement.ratio(), result.evidence.worst_ratio)) result.evidence.worst_ratio = judgement.ratio();
    if (!std::isnan(judgement.tightness)) result.evidence.tightness = std::max(result.evidence.tightness.value_or(0.0), judgement.tightness);
    if (without_number(judgement) && result.without_number++ == 0)
      result.note = judgement.note.empty() ? fmt::format("it gave {} where a number is needed", judgement.observed) : judgement.note;
    if (refuted_by(claim, judgement) && !result.first_refuted) result.first_refuted = i;
  }
  return result;
}

std::string refuted_sentence(const CounterExample& example) {
  const LossCase& c = example.example;
  const std::string of = example.size > 0 ? fmt::format("case {} at size {}", example.found_at, example.size)
                                          : fmt::format("n = {}, d = {}, {} direction(s), p = {}", c.n(), c.d(), c.theta.rows(), c.p);
  std::string sentence = fmt::format("{}: observed {:.6g}, allowed {:.6g} ({})", example.check, example.judgement.observed, example.judgement.allowed, of);
  if (!example.judgement.note.empty()) sentence += "; " + example.judgement.note;
  return sentence;
}

/// Runs the checks of one claim on one subject, whatever its type.
class Verification {
 public:
  Verification(const Claim& claim, const Subject& subject, const Budget& budget, Progress& progress) : claim_(claim), budget_(budget), progress_(progress) {
    verdict_.claim = claim.id;
    verdict_.title = claim.title;
    verdict_.subject = name_of(subject);
    verdict_.type = type_of(subject);
    verdict_.expected = claim.expected;
    verdict_.seed = budget.seed;
    verdict_.requested_cases = budget.cases;
    what_ = fmt::format("{} on {}", claim.id, verdict_.subject);
    if (!claim.judges().empty() && !claim.applies_to(subject))
      reject("the claim {} judges {}; it says nothing about {} ({})", claim.id, claim.judges(), verdict_.subject, type_of(subject));
    std::visit([&](const auto& one) { run(one); }, subject);
  }

  Verdict verdict() {
    if (verdict_.checks.empty() && too_few_.empty()) too_few_ = "no check of the claim was run: there is nothing to judge";
    if (claim_.finding()) {
      decide_finding();
    } else if (verdict_.counter_example) {
      verdict_.outcome = Outcome::refuted;
      verdict_.detail = refuted_sentence(*verdict_.counter_example);
    } else if (!too_few_.empty()) {
      verdict_.outcome = Outcome::inconclusive;
      verdict_.detail = too_few_;
    } else {
      verdict_.outcome = Outcome::holds;
      verdict_.detail = fmt::format("{} cases in {} checks, worst observed / allowed {:.3g}", verdict_.cases, verdict_.checks.size(), verdict_.worst_ratio());
    }
    if (!verdict_.counts.empty()) verdict_.detail += "; " + verdict_.counted();
    for (const auto& [check, reason] : verdict_.not_run) verdict_.detail += fmt::format("; not run: {} ({})", check, reason);
    return std::move(verdict_);
  }

 private:
  void run(const LossSubject& subject) {
    for (std::size_t i = 0; i < claim_.checks.size() && !stopped(); ++i) {
      const LossCheck& check = claim_.checks[i];
      if (check.other_exponents && subject.squares_only) {
        verdict_.not_run[check.name] = "the subject knows p = 2 only";
        continue;
      }
      if (check.per_direction && subject.one_value_only) {
        verdict_.not_run[check.name] = "the subject gives no values per direction";
        continue;
      }
      const auto judge_case = [&](std::uint64_t number) {
        const LossCase c = drawn_case(claim_, check, subject, budget_.seed, number);
        return Judged{judge(check, subject, c), c.kind, {}};
      };
      const auto refuted = run_one(check.name, check.cost, check.randomised, i, claim_.checks.size(), judge_case);
      if (!refuted || kept()) continue;
      const LossCase small = minimise(check, subject, drawn_case(claim_, check, subject, budget_.seed, *refuted));
      keep({check.name, judge(check, subject, small), *refuted, small, 0, values_of(small)});
    }
  }

  template <class S>
  void run(const S& subject) {
    const auto& checks = typed_checks<S>(claim_);
    for (std::size_t i = 0; i < checks.size() && !stopped(); ++i) {
      const TypedCheck<S>& check = checks[i];
      if (const std::string reason = check.not_run_on(subject); !reason.empty()) {
        verdict_.not_run[check.name] = reason;
        continue;
      }
      const auto judge_case = [&](std::uint64_t number) {
        const int size = size_of_case(check, number);
        Trial trial = judge(check, subject, case_stream(claim_.id, check.name, budget_.seed, number), size);
        return Judged{std::move(trial.judgement), fmt::format("size {}", size), std::move(trial.counts)};
      };
      const auto refuted = run_one(check.name, check.cost, check.randomised, i, checks.size(), judge_case);
      if (!refuted || kept()) continue;
      for (int size = 1; size <= size_of_case(check, *refuted); ++size) {
        Trial trial = judge(check, subject, case_stream(claim_.id, check.name, budget_.seed, *refuted), size);
        if (!refuted_by(claim_, trial.judgement)) continue;
        keep({check.name, trial.judgement, *refuted, {}, size, std::move(trial.values)});
        break;
      }
    }
  }

  std::optional<std::uint64_t> run_one(const std::string& name, std::uint64_t cost, bool randomised, std::size_t number, std::size_t of,
                                       const std::function<Judged(std::uint64_t)>& judge_case) {
    const std::uint64_t cases = case_count(budget_, claim_, cost);
    const bool may_stop = budget_.stop_at_first && !claim_.finding();
    const auto progress = [&](double fraction) { progress_.update(what_, (static_cast<double>(number) + fraction) / static_cast<double>(of)); };
    const CheckResult result = run_check(claim_, name, judge_cases(claim_, cases, may_stop ? kCasesAtATime : cases, judge_case, progress), verdict_);
    verdict_.cases += result.evidence.cases;
    verdict_.checks.push_back(result.evidence);
    verdict_.randomised_cases += randomised ? result.evidence.cases : 0;
    if (result.evidence.cases < claim_.minimum_cases && too_few_.empty())
      too_few_ = fmt::format("{}: {} case(s) judged; at least {} are needed to decide", name, result.evidence.cases, claim_.minimum_cases);
    if (claim_.finding() && result.without_number > 0 && no_number_.empty())
      no_number_ = fmt::format("{}: {} case(s) without a number, which neither refute nor confirm; {}", name, result.without_number, result.note);
    return result.first_refuted;
  }

  /// One of each check of a finding, of the first refuted check otherwise; the verdict shows the first in full.
  void keep(CounterExample example) {
    refuted_.push_back(refuted_sentence(example));
    refuted_checks_.insert(example.check);
    if (!verdict_.counter_example) verdict_.counter_example = std::move(example);
  }

  /// A finding is refuted if each of its checks is, by finite numbers.
  void decide_finding() {
    const std::string held = not_refuted();
    if (verdict_.checks.empty() || !no_number_.empty() || !held.empty()) {
      verdict_.counter_example.reset();
      const std::string& open = no_number_.empty() ? too_few_ : no_number_;
      verdict_.outcome = open.empty() ? Outcome::holds : Outcome::inconclusive;
      verdict_.detail = open.empty() ? held : open;
      return;
    }
    verdict_.outcome = Outcome::refuted;
    verdict_.detail = fmt::format("{}", fmt::join(refuted_, "; "));
  }

  /// The checks of a finding without a counter-example.
  [[nodiscard]] std::string not_refuted() const {
    std::vector<std::string> held;
    for (const CheckEvidence& check : verdict_.checks)
      if (!refuted_checks_.contains(check.name))
        held.push_back(fmt::format("{}: not refuted by {} case(s), worst observed / allowed {:.3g}", check.name, check.cases, check.worst_ratio));
    return fmt::format("{}", fmt::join(held, "; "));
  }

  /// One counter-example is enough, except for a finding, all of whose checks are judged.
  [[nodiscard]] bool kept() const { return !claim_.finding() && verdict_.counter_example.has_value(); }
  [[nodiscard]] bool stopped() const { return budget_.stop_at_first && kept(); }

  const Claim& claim_;
  Budget budget_;
  Progress& progress_;
  Verdict verdict_;
  std::string what_;
  std::string too_few_;
  std::string no_number_;             ///< of a finding: the first check with cases without a number
  std::vector<std::string> refuted_;  ///< the counter-examples in words
  std::set<std::string> refuted_checks_;
};

template <class Check>
const Check& check_named(const std::vector<Check>& checks, const Claim& claim, const std::string& name) {
  for (const Check& check : checks)
    if (check.name == name) return check;
  reject("the claim {} has no check '{}'", claim.id, name);
}

}  // namespace

Verdict verify(const Claim& claim, const Subject& subject, const Budget& budget, Progress& progress) {
  return Verification(claim, subject, budget, progress).verdict();
}

Judgement replay(const Claim& claim, const Subject& subject, const CounterExample& example, std::uint64_t seed) {
  return std::visit(
      [&](const auto& one) {
        using S = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<S, LossSubject>)
          return judge(check_named(claim.checks, claim, example.check), one, example.example);
        else
          return judge(check_named(typed_checks<S>(claim), claim, example.check), one, case_stream(claim.id, example.check, seed, example.found_at),
                       example.size)
              .judgement;
      },
      subject);
}

}  // namespace slicecheck
