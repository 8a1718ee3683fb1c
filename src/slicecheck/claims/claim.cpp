#include "slicecheck/claims/claim.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "slicecheck/claims/loss.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"

namespace slicecheck {

namespace {

/// FNV-1a, 32 bits: the replicate number of a check's stream.
std::uint32_t name_hash(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return hash;
}

LossCase drawn_case(const Claim& claim, const LossCheck& check, const LossSubject& subject, std::uint64_t seed, std::uint64_t number) {
  const RandomStream stream(seed, Purpose::cases, name_hash(claim.id + "/" + check.name), number);
  PointDraws draws(stream, 0);
  return rounded_case(subject, draw_loss_case(draws, check.limits));
}

/// NaN counts as larger than everything.
bool worse(double a, double b) { return std::isnan(a) ? !std::isnan(b) : a > b; }

/// What a subject returns must have the shapes of its arguments: checks index into it.
void check_shapes(const LossGradient<double>& out, const Points<double>& z, const Points<double>& theta) {
  if (out.gradient.rows() != z.rows() || out.gradient.cols() != z.cols())
    throw Error(fmt::format("the gradient is {} × {}; the points are {} × {}", out.gradient.rows(), out.gradient.cols(), z.rows(), z.cols()));
  if (out.per_direction.size() != 0 && out.per_direction.size() != theta.rows())
    throw Error(fmt::format("{} values per direction for {} direction(s)", out.per_direction.size(), theta.rows()));
}

struct CheckResult {
  CheckEvidence evidence;
  std::optional<std::uint64_t> first_refuted;
};

CheckResult run_check(const Claim& claim, const LossCheck& check, const LossSubject& subject, const Budget& budget, Verdict& verdict,
                      const std::function<void(double)>& progress) {
  const auto count = static_cast<Index>(budget.cases);
  std::vector<Judgement> judgements(static_cast<std::size_t>(count));
  std::vector<std::string> kinds(static_cast<std::size_t>(count));
  std::atomic<Index> done{0};
  parallel_for(count, [&](Index i) {
    const LossCase c = drawn_case(claim, check, subject, budget.seed, static_cast<std::uint64_t>(i));
    kinds[static_cast<std::size_t>(i)] = c.kind;
    judgements[static_cast<std::size_t>(i)] = judge(check, subject, c);
    progress(static_cast<double>(++done) / static_cast<double>(count));
  });
  CheckResult result;
  result.evidence.name = check.name;
  for (std::size_t i = 0; i < judgements.size(); ++i) {
    const Judgement& judgement = judgements[i];
    if (!judgement.skipped.empty()) {
      ++verdict.skipped[judgement.skipped];
      continue;
    }
    ++verdict.kinds[kinds[i]];
    ++result.evidence.cases;
    if (worse(judgement.ratio(), result.evidence.worst_ratio)) result.evidence.worst_ratio = judgement.ratio();
    if (!std::isnan(judgement.tightness)) result.evidence.tightness = std::max(result.evidence.tightness.value_or(0.0), judgement.tightness);
    if (judgement.refutes() && !result.first_refuted) result.first_refuted = i;
  }
  return result;
}

std::string refuted_sentence(const CounterExample& example) {
  std::string sentence = fmt::format("{}: observed {:.6g}, allowed {:.6g} (n = {}, d = {}, {} direction(s), p = {})", example.check, example.judgement.observed,
                                     example.judgement.allowed, example.example.n(), example.example.d(), example.example.theta.rows(), example.example.p);
  if (!example.judgement.note.empty()) sentence += "; " + example.judgement.note;
  return sentence;
}

}  // namespace

const std::vector<Claim>& claims() {
  static const std::vector<Claim> all{claim_l1(), claim_l2(), claim_l5(), claim_l6()};
  return all;
}

const Claim& claim_by_id(const std::string& id) {
  std::vector<std::string> ids;
  for (const Claim& claim : claims()) {
    if (claim.id == id) return claim;
    ids.push_back(claim.id);
  }
  reject("unknown claim '{}'; the known ones are {}", id, fmt::join(ids, ", "));
}

LossCase rounded_case(const LossSubject& subject, LossCase c) {
  for (Points<double>* cloud : {&c.z, &c.y, &c.w, &c.theta}) *cloud = subject.rounded(*cloud);
  c.v = subject.rounded(c.v);
  return c;
}

Judgement judge(const LossCheck& check, const LossSubject& subject, const LossCase& c) {
  try {
    LossSubject checked = subject;
    checked.evaluate = [&subject](const Points<double>& z, const Points<double>& y, const Points<double>& theta, double p) {
      LossGradient<double> out = subject.evaluate(z, y, theta, p);
      check_shapes(out, z, theta);
      return out;
    };
    return check.judge(checked, c);
  } catch (const std::exception& error) {
    Judgement judgement;
    judgement.observed = std::numeric_limits<double>::quiet_NaN();
    judgement.note = fmt::format("the subject threw: {}", error.what());
    return judgement;
  }
}

Verdict verify(const Claim& claim, const LossSubject& subject, const Budget& budget, Progress& progress) {
  Verdict verdict;
  verdict.claim = claim.id;
  verdict.title = claim.title;
  verdict.subject = subject.name;
  verdict.expected = claim.expected;
  verdict.seed = budget.seed;
  verdict.requested_cases = budget.cases;
  const std::string what = fmt::format("{} on {}", claim.id, subject.name);
  std::string too_few = claim.checks.empty() ? "the claim has no checks: there is nothing to judge" : "";
  for (std::size_t i = 0; i < claim.checks.size(); ++i) {
    const LossCheck& check = claim.checks[i];
    const CheckResult result = run_check(claim, check, subject, budget, verdict, [&](double fraction) {
      progress.update(what, (static_cast<double>(i) + fraction) / static_cast<double>(claim.checks.size()));
    });
    verdict.cases += result.evidence.cases;
    verdict.checks.push_back(result.evidence);
    if (result.evidence.cases < claim.minimum_cases && too_few.empty())
      too_few = fmt::format("{}: {} case(s) judged; at least {} are needed to decide", check.name, result.evidence.cases, claim.minimum_cases);
    if (result.first_refuted && !verdict.counter_example) {
      const LossCase small = minimise(check, subject, drawn_case(claim, check, subject, budget.seed, *result.first_refuted));
      verdict.counter_example = CounterExample{check.name, small, judge(check, subject, small), *result.first_refuted};
      if (budget.stop_at_first) break;
    }
  }
  if (verdict.counter_example) {
    verdict.outcome = Outcome::refuted;
    verdict.detail = refuted_sentence(*verdict.counter_example);
  } else if (!too_few.empty()) {
    verdict.outcome = Outcome::inconclusive;
    verdict.detail = too_few;
  } else {
    verdict.outcome = Outcome::holds;
    verdict.detail = fmt::format("{} cases in {} checks, worst observed / allowed {:.3g}", verdict.cases, verdict.checks.size(), verdict.worst_ratio());
  }
  return verdict;
}

}  // namespace slicecheck
