/// The machinery of claims: deterministic, never silently content.

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <set>

#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/gallery/broken_loss.h"
#include "slicecheck/gallery/broken_transport.h"
#include "slicecheck/gallery/matrix.h"
#include "slicecheck/reporting/verdict_json.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

Verdict verified(const Claim& claim, const LossSubject& subject, const Budget& budget) {
  SilentProgress silent;
  return verify(claim, subject, budget, silent);
}

LossSubject reference() { return core_loss_subjects().front(); }

/// The claims that judge losses.
std::vector<Claim> loss_claims() {
  std::vector<Claim> chosen;
  for (const Claim& claim : claims())
    if (!claim.checks.empty()) chosen.push_back(claim);
  return chosen;
}

LossSubject planted(const std::string& name) {
  for (const LossDefect& defect : loss_gallery())
    if (defect.name == name) return defect.subject;
  reject("no planted defect is called {}", name);
}

/// The reference with its result changed.
LossSubject changed(std::function<void(LossGradient<double>&)> change) {
  LossSubject subject = reference();
  subject.name = "changed";
  subject.evaluate = [right = subject.evaluate, change = std::move(change)](const auto& z, const auto& y, const auto& theta, double p) {
    LossGradient<double> out = right(z, y, theta, p);
    change(out);
    return out;
  };
  return subject;
}

void expect_same_bits(const Points<double>& a, const Points<double>& b, const char* what) {
  ASSERT_EQ(a.rows(), b.rows()) << what;
  ASSERT_EQ(a.cols(), b.cols()) << what;
  EXPECT_TRUE(a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)) == 0) << what;
}

void expect_same_case(const LossCase& a, const LossCase& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.p, b.p);
  EXPECT_EQ(a.s, b.s);
  EXPECT_EQ(a.order, b.order);
  expect_same_bits(a.z, b.z, "Z");
  expect_same_bits(a.y, b.y, "Y");
  expect_same_bits(a.w, b.w, "W");
  expect_same_bits(a.theta, b.theta, "theta");
  expect_same_bits(a.v, b.v, "v");
}

void expect_same_number(double a, double b) { EXPECT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << a << " and " << b; }

void expect_same_verdict(const Verdict& a, const Verdict& b) {
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.cases, b.cases);
  EXPECT_EQ(a.skipped, b.skipped);
  EXPECT_EQ(a.kinds, b.kinds);
  EXPECT_EQ(a.detail, b.detail);
  ASSERT_EQ(a.checks.size(), b.checks.size());
  for (std::size_t i = 0; i < a.checks.size(); ++i) {
    EXPECT_EQ(a.checks[i].name, b.checks[i].name);
    EXPECT_EQ(a.checks[i].cases, b.checks[i].cases);
    expect_same_number(a.checks[i].worst_ratio, b.checks[i].worst_ratio);
    EXPECT_EQ(a.checks[i].tightness, b.checks[i].tightness);
  }
  ASSERT_EQ(a.counter_example.has_value(), b.counter_example.has_value());
  if (!a.counter_example) return;
  EXPECT_EQ(a.counter_example->check, b.counter_example->check);
  EXPECT_EQ(a.counter_example->found_at, b.counter_example->found_at);
  expect_same_number(a.counter_example->judgement.observed, b.counter_example->judgement.observed);
  expect_same_number(a.counter_example->judgement.allowed, b.counter_example->judgement.allowed);
  expect_same_case(a.counter_example->example, b.counter_example->example);
}

TEST(Verify, the_verdict_is_the_same_for_any_number_of_threads) {
  const LossSubject subjects[] = {core_loss_subjects()[1], core_loss_subjects()[2], planted("stale-permutation"), planted("gradient-through-root")};
  for (const Claim& claim : loss_claims()) {
    for (const LossSubject& subject : subjects) {
      const Budget budget{.cases = 60, .seed = 3};
      Verdict first;
      for (const int threads : {1, 2}) {
        const ScopedThreads scope(threads);
        const Verdict verdict = verified(claim, subject, budget);
        if (threads == 1) first = verdict;
        expect_same_verdict(verdict, first);
      }
    }
  }
}

TEST(Verify, says_what_it_was_asked) {
  const Claim& claim = claim_by_id("L6");
  const Verdict verdict = verified(claim, reference(), {.cases = 70, .seed = 42});
  EXPECT_EQ(verdict.claim, "L6");
  EXPECT_EQ(verdict.title, claim.title);
  EXPECT_EQ(verdict.subject, "reference");
  EXPECT_EQ(verdict.seed, 42U);
  EXPECT_EQ(verdict.requested_cases, 70U);
  EXPECT_EQ(verdict.outcome, Outcome::holds) << verdict.detail;
  std::uint64_t judged = 0;
  for (const CheckEvidence& check : verdict.checks) judged += check.cases;
  EXPECT_EQ(judged, verdict.cases);
  std::uint64_t skipped = 0;
  for (const auto& [reason, count] : verdict.skipped) skipped += count;
  EXPECT_EQ(judged + skipped, 70 * claim.checks.size()) << "every drawn case is judged or counted as skipped";
  std::uint64_t of_kinds = 0;
  for (const auto& [kind, count] : verdict.kinds) of_kinds += count;
  EXPECT_EQ(of_kinds, verdict.cases);
}

/// A check that remembers the cases it was given.
struct Recorder {
  std::shared_ptr<std::mutex> mutex = std::make_shared<std::mutex>();
  std::shared_ptr<std::set<std::string>> seen = std::make_shared<std::set<std::string>>();

  Claim claim(const std::string& check = "recorder", Judgement answer = {}) const {
    Claim out = claim_by_id("L1");
    out.id = "X";
    out.checks = {{check, {}, [*this, answer](const LossSubject&, const LossCase& c) {
                     const std::lock_guard lock(*mutex);
                     seen->insert(std::string(reinterpret_cast<const char*>(c.z.data()), static_cast<std::size_t>(c.z.size()) * sizeof(double)) + c.kind);
                     return answer;
                   }}};
    return out;
  }
};

TEST(Verify, other_seeds_and_other_checks_draw_other_cases) {
  const auto cases = [](const std::string& check, std::uint64_t seed) {
    const Recorder recorder;
    verified(recorder.claim(check), reference(), {.cases = 60, .seed = seed});
    return *recorder.seen;
  };
  EXPECT_EQ(cases("a", 1), cases("a", 1));
  EXPECT_NE(cases("a", 1), cases("a", 2));
  EXPECT_NE(cases("a", 1), cases("b", 1));
  EXPECT_GT(cases("a", 1).size(), 50U) << "cases must differ from one another";
}

TEST(Verify, every_kind_of_case_is_drawn) {
  const Recorder recorder;
  const Verdict verdict = verified(recorder.claim(), reference(), {.cases = 400});
  for (const std::string& kind : loss_case_kinds()) EXPECT_TRUE(verdict.kinds.contains(kind)) << kind;
}

TEST(Verify, too_few_cases_are_inconclusive) {
  for (const Claim& claim : loss_claims()) {
    const Verdict verdict = verified(claim, reference(), {.cases = claim.minimum_cases - 1});
    EXPECT_EQ(verdict.outcome, Outcome::inconclusive) << claim.id;
    EXPECT_NE(verdict.detail.find("at least 50"), std::string::npos) << verdict.detail;
  }
  EXPECT_EQ(verified(claim_by_id("L1"), reference(), {.cases = 0}).outcome, Outcome::inconclusive);
}

TEST(Verify, few_cases_are_enough_to_refute) { EXPECT_EQ(verified(claim_by_id("L1"), planted("descending-target"), {.cases = 20}).outcome, Outcome::refuted); }

TEST(Verify, skipped_cases_do_not_count) {
  Judgement skipped;
  skipped.skipped = "for a reason";
  const Recorder recorder;
  const Verdict verdict = verified(recorder.claim("skips", skipped), reference(), {.cases = 200});
  EXPECT_EQ(verdict.outcome, Outcome::inconclusive);
  EXPECT_EQ(verdict.cases, 0U);
  EXPECT_EQ(verdict.skipped.at("for a reason"), 200U);
}

TEST(Verify, one_check_with_too_few_cases_is_enough_to_be_inconclusive) {
  Claim claim = claim_by_id("L1");
  Judgement skipped;
  skipped.skipped = "for a reason";
  claim.checks.push_back({"never judged", {}, [=](const LossSubject&, const LossCase&) { return skipped; }});
  EXPECT_EQ(verified(claim, reference(), {.cases = 60}).outcome, Outcome::inconclusive);
}

TEST(Verify, a_claim_without_checks_never_holds) {
  Claim claim = claim_by_id("L1");
  claim.checks.clear();
  EXPECT_NE(verified(claim, reference(), {.cases = 100}).outcome, Outcome::holds);
}

TEST(Verify, a_claim_about_something_else_is_not_judged) {
  EXPECT_THROW((void)verified(claim_by_id("N8"), reference(), {.cases = 60}), InputError);
  for (const SchemeSubject& scheme : scheme_subjects()) EXPECT_EQ(claim_by_id("T4").applies_to(scheme), scheme.projects) << scheme.name;
}

TEST(Verify, checks_that_do_not_apply_are_named_and_do_not_make_it_inconclusive) {
  LossSubject subject = reference();
  subject.squares_only = true;
  subject.one_value_only = true;
  const Verdict l1 = verified(claim_by_id("L1"), subject, {.cases = 60});
  EXPECT_EQ(l1.outcome, Outcome::holds) << l1.detail;
  EXPECT_TRUE(l1.not_run.contains("values per direction"));
  const Verdict l8 = verified(claim_by_id("L8"), subject, {.cases = 200});
  EXPECT_EQ(l8.outcome, Outcome::holds) << l8.detail;
  EXPECT_EQ(l8.not_run.size(), 1U);
}

/// The smallest size that is refused is stored, and the case replays from its coordinates.
TEST(Verify, a_counter_example_of_another_type_is_the_smallest_and_replays) {
  for (const PlantedDefect& defect : gallery()) {
    if (defect.name != "stale-gradient" && defect.name != "pullback-half" && defect.name != "momentum") continue;
    for (const Claim& claim : claims()) {
      if (!claim.applies_to(defect.subject)) continue;
      SilentProgress silent;
      const Verdict verdict = verify(claim, defect.subject, {.cases = 60}, silent);
      if (!verdict.counter_example) continue;
      EXPECT_GE(verdict.counter_example->size, 1);
      EXPECT_FALSE(verdict.counter_example->values.empty()) << claim.id << " on " << defect.name;
      expect_same_number(replay(claim, defect.subject, *verdict.counter_example, 1).observed, verdict.counter_example->judgement.observed);
      CounterExample smaller = *verdict.counter_example;
      for (smaller.size = 1; smaller.size < verdict.counter_example->size; ++smaller.size)
        EXPECT_FALSE(replay(claim, defect.subject, smaller, 1).refutes()) << claim.id << " on " << defect.name << " at size " << smaller.size;
    }
  }
}

TEST(Verify, a_subject_that_throws_is_refuted_with_its_words) {
  LossSubject subject = reference();
  subject.evaluate = [](const auto&, const auto&, const auto&, double) -> LossGradient<double> { throw std::runtime_error("out of memory"); };
  for (const Claim& claim : loss_claims()) {
    const Verdict verdict = verified(claim, subject, {.cases = 60});
    EXPECT_EQ(verdict.outcome, Outcome::refuted) << claim.id;
    EXPECT_NE(verdict.detail.find("out of memory"), std::string::npos) << verdict.detail;
    EXPECT_TRUE(std::isnan(verdict.worst_ratio()));
  }
}

/// A check of every claim looks at this part of the result: the claims named must refute.
void expect_refuted(const LossSubject& subject, const std::set<std::string>& ids, const char* what) {
  for (const Claim& claim : loss_claims()) {
    const Verdict verdict = verified(claim, subject, {.cases = 60});
    if (ids.contains(claim.id)) {
      EXPECT_EQ(verdict.outcome, Outcome::refuted) << claim.id << ": " << what;
    }
  }
}

const double kNan = std::nan("");
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Verify, a_value_that_is_no_number_is_refuted_by_every_claim) {
  expect_refuted(changed([](auto& out) { out.value = kNan; }), {"L1", "L2", "L5", "L6"}, "value NaN");
  expect_refuted(changed([](auto& out) { out.value = kInfinity; }), {"L1", "L2", "L5", "L6"}, "value infinite");
  expect_refuted(changed([](auto& out) { out.value = -kInfinity; }), {"L1", "L2", "L5", "L6"}, "value minus infinite");
}

TEST(Verify, a_gradient_that_is_no_number_is_refuted) {
  expect_refuted(changed([](auto& out) { out.gradient(0, 0) = kNan; }), {"L2", "L5", "L6"}, "one entry NaN");
  expect_refuted(changed([](auto& out) { out.gradient(out.gradient.rows() - 1, out.gradient.cols() - 1) = kNan; }), {"L2", "L5", "L6"}, "the last entry NaN");
  expect_refuted(changed([](auto& out) { out.gradient(0, 0) = kInfinity; }), {"L2", "L5", "L6"}, "one entry infinite");
}

TEST(Verify, values_per_direction_that_are_no_numbers_are_refuted) {
  expect_refuted(changed([](auto& out) {
                   if (out.per_direction.size() > 1) out.per_direction[0] = kNan;
                 }),
                 {"L1"}, "the first of several NaN");
  expect_refuted(changed([](auto& out) { out.per_direction[out.per_direction.size() - 1] = kNan; }), {"L1"}, "the last NaN");
  expect_refuted(changed([](auto& out) { out.per_direction[0] = kInfinity; }), {"L1"}, "the first infinite");
}

TEST(Verify, results_of_a_wrong_shape_are_refuted) {
  expect_refuted(changed([](auto& out) { out.gradient = Points<double>(0, 0); }), {"L2", "L5", "L6"}, "no gradient");
  expect_refuted(changed([](auto& out) { out.gradient = Points<double>(out.gradient.transpose().eval()).eval(); }), {"L5", "L6"}, "a transposed gradient");
  expect_refuted(changed([](auto& out) { out.gradient = Points<double>::Zero(out.gradient.rows() + 1, out.gradient.cols()); }), {"L5", "L6"}, "one row more");
  expect_refuted(changed([](auto& out) { out.gradient = Points<double>::Zero(out.gradient.rows(), out.gradient.cols() + 1); }), {"L5", "L6"},
                 "one column more");
  expect_refuted(changed([](auto& out) { out.per_direction = Eigen::VectorXd::Constant(out.per_direction.size() + 1, out.value); }), {"L1"},
                 "one value per direction too many");
}

TEST(Verify, a_subject_may_keep_silent_about_single_directions) {
  const Verdict verdict = verified(claim_by_id("L1"), changed([](auto& out) { out.per_direction.resize(0); }), {.cases = 60});
  EXPECT_NE(verdict.outcome, Outcome::refuted) << verdict.detail;
  EXPECT_EQ(verdict.skipped.size(), 1U);
}

TEST(Verify, stopping_at_the_first_refuted_check_changes_nothing_before_it) {
  const LossSubject subject = planted("unsorted-target");
  const Verdict all = verified(claim_by_id("L5"), subject, {.cases = 60});
  const Verdict first = verified(claim_by_id("L5"), subject, {.cases = 60, .seed = 1, .stop_at_first = true});
  EXPECT_EQ(first.outcome, Outcome::refuted);
  EXPECT_LT(first.checks.size(), all.checks.size());
  EXPECT_EQ(first.checks.back().name, first.counter_example->check);
  EXPECT_EQ(first.checks.back().cases, 16U) << "the cases that are judged at a time";
  EXPECT_EQ(all.checks.at(first.checks.size() - 1).cases, 60U);
  EXPECT_EQ(first.counter_example->found_at, all.counter_example->found_at);
  expect_same_case(first.counter_example->example, all.counter_example->example);
}

TEST(Verify, the_counter_example_refutes_when_it_is_judged_again) {
  for (const char* name : {"wrong-exponent", "sum-over-directions", "gradient-sign"}) {
    const LossSubject subject = planted(name);
    const Verdict verdict = verified(claim_by_id("L6"), subject, {.cases = 60});
    ASSERT_TRUE(verdict.counter_example) << name;
    for (const LossCheck& check : claim_by_id("L6").checks) {
      if (check.name == verdict.counter_example->check) {
        EXPECT_TRUE(judge(check, subject, verdict.counter_example->example).refutes()) << name;
      }
    }
  }
}

/// F1, …, F6 are declared refuted, and nothing else is; a subject that hides what refutes them contradicts that.
TEST(Verify, a_finding_is_as_declared_when_it_is_refuted_and_not_when_it_holds) {
  for (const Claim& claim : claims()) EXPECT_EQ(claim.finding(), claim.id.starts_with("F")) << claim.id;
  SilentProgress silent;
  const Claim& finding = claim_by_id("F5");
  const Verdict ours = verify(finding, transport_subjects().front(), {.cases = 60}, silent);
  EXPECT_EQ(ours.outcome, Outcome::refuted) << ours.detail;
  EXPECT_TRUE(ours.as_declared());
  ASSERT_TRUE(ours.counter_example);
  EXPECT_EQ(ours.counter_example->size, 1);
  EXPECT_TRUE(replay(finding, transport_subjects().front(), *ours.counter_example, 1).refutes());
  EXPECT_EQ(outcome_in_words(ours), "refuted, as declared");
  for (const TransportDefect& defect : broken_transports()) {
    if (defect.name != "loss-never-below-zero") continue;
    const Verdict hidden = verify(finding, defect.subject, {.cases = 60}, silent);
    EXPECT_EQ(hidden.outcome, Outcome::holds) << hidden.detail;
    EXPECT_FALSE(hidden.as_declared());
    EXPECT_EQ(outcome_in_words(hidden), "holds, though declared refuted");
  }
}

/// A finding on transport with checks that judge as told, by the size of the case.
Verdict judged_as_told(std::vector<std::function<Judgement(int)>> answers, bool stop_at_first = false) {
  Claim finding = claim_by_id("F5");
  auto& checks = std::get<std::vector<TypedCheck<TransportSubject>>>(finding.typed);
  checks.clear();
  for (std::size_t i = 0; i < answers.size(); ++i)
    checks.push_back({fmt::format("check {}", i + 1), 4, [answer = answers[i]](const TransportSubject&, const RandomStream&, int size) {
                        return Trial{answer(size), {}};
                      }});
  SilentProgress silent;
  return verify(finding, transport_subjects().front(), {.cases = 60, .seed = 1, .stop_at_first = stop_at_first}, silent);
}

Judgement observed(double value) {
  Judgement judgement;
  judgement.observed = value;
  judgement.allowed = 1.0;
  return judgement;
}

TEST(Verify, a_finding_is_not_confirmed_by_what_is_no_number) {
  const auto throws = [](int size) -> Judgement { return size < 3 ? throw std::runtime_error("out of order") : observed(2.0); };
  for (const bool stop : {false, true}) {
    for (const double none : {kNan, kInfinity, -kInfinity}) {
      const Verdict verdict = judged_as_told({[=](int size) { return observed(size == 2 ? none : 2.0); }}, stop);
      EXPECT_EQ(verdict.outcome, Outcome::inconclusive) << none;
      EXPECT_FALSE(verdict.counter_example) << none;
      EXPECT_NE(verdict.detail.find("check 1: 15 case(s) without a number"), std::string::npos) << verdict.detail;
    }
    for (const Verdict& verdict : {judged_as_told({throws}, stop), judged_as_told({[](int) { return observed(2.0); }, throws}, stop)}) {
      EXPECT_EQ(verdict.outcome, Outcome::inconclusive);
      EXPECT_FALSE(verdict.as_declared());
      EXPECT_FALSE(verdict.counter_example);
      EXPECT_NE(verdict.detail.find("30 case(s) without a number"), std::string::npos) << verdict.detail;
      EXPECT_NE(verdict.detail.find("out of order"), std::string::npos) << verdict.detail;
    }
  }
}

TEST(Verify, a_finding_is_refuted_only_if_each_of_its_checks_is) {
  const auto refuted = [](int) { return observed(2.0); };
  const auto holds = [](int) { return observed(0.5); };
  const auto from_three = [](int size) { return observed(size < 3 ? 0.5 : 4.0); };
  for (const bool stop : {false, true}) {
    const Verdict both = judged_as_told({from_three, refuted}, stop);
    EXPECT_EQ(both.outcome, Outcome::refuted) << both.detail;
    EXPECT_EQ(both.checks.size(), 2U);
    ASSERT_TRUE(both.counter_example);
    EXPECT_EQ(both.counter_example->check, "check 1");
    EXPECT_EQ(both.counter_example->size, 3);
    for (const char* part : {"check 1: observed 4, allowed 1", "check 2: observed 2, allowed 1"})
      EXPECT_NE(both.detail.find(part), std::string::npos) << both.detail;
    for (const Verdict& one : {judged_as_told({refuted, holds, refuted}, stop), judged_as_told({holds, holds, holds}, stop)}) {
      EXPECT_EQ(one.outcome, Outcome::holds) << one.detail;
      EXPECT_FALSE(one.as_declared());
      EXPECT_FALSE(one.counter_example);
      EXPECT_EQ(one.checks.size(), 3U);
      EXPECT_NE(one.detail.find("check 2: not refuted by 60 case(s)"), std::string::npos) << one.detail;
    }
  }
  EXPECT_EQ(judged_as_told({}).outcome, Outcome::inconclusive);
}

/// Every method of it throws, or what it gives is NaN.
class Useless final : public RegularisedTransport {
 public:
  explicit Useless(bool throws) : throws_(throws) {}
  [[nodiscard]] TransportSolution solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) const override {
    complain();
    return RegularisedTransport::solve(problem, settings, start);
  }
  [[nodiscard]] Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials&) const override {
    complain();
    return Points<double>::Constant(problem.n(), problem.m(), kNan);
  }
  [[nodiscard]] Points<double> weights_of_sharp_d(const TransportProblem& problem, const DualPotentials&) const override {
    complain();
    return Points<double>::Constant(problem.n(), problem.m(), kNan);
  }
  [[nodiscard]] SinkhornLoss loss(const SinkhornProblem& problem, const SolverSettings& settings) const override {
    complain();
    SinkhornLoss loss = RegularisedTransport::loss(problem, settings);
    loss.value = loss.sharp_value = kNan;
    return loss;
  }

 private:
  void complain() const {
    if (throws_) throw std::runtime_error("out of order");
  }

  bool throws_;
};

class UselessBounds final : public TransportBounds {
 public:
  explicit UselessBounds(bool throws) : throws_(throws) {}
  [[nodiscard]] double loss_at_infinity(const SinkhornProblem&) const override { return throws_ ? throw std::runtime_error("out of order") : kNan; }

 private:
  bool throws_;
};

TEST(Verify, no_finding_is_confirmed_by_a_useless_subject) {
  SilentProgress silent;
  std::size_t judged = 0;
  for (const Claim& claim : claims()) {
    if (!claim.finding()) continue;
    for (const bool throws : {true, false}) {
      for (const Subject& subject : {Subject(TransportSubject{"useless", "", std::make_shared<Useless>(throws)}),
                                     Subject(TransportBoundsSubject{"useless", "", std::make_shared<UselessBounds>(throws)})}) {
        if (!claim.applies_to(subject)) continue;
        const Verdict verdict = verify(claim, subject, {.cases = 60}, silent);
        EXPECT_EQ(verdict.outcome, Outcome::inconclusive) << claim.id << (throws ? ", throws" : ", NaN") << ": " << verdict.detail;
        ++judged;
      }
    }
  }
  EXPECT_EQ(judged, 14U) << "six findings on transport, one of them on bounds as well";
}

TEST(Verify, reports_its_progress_up_to_the_end) {
  class Last final : public Progress {
   public:
    void update(std::string_view, double fraction) override {
      const std::lock_guard lock(mutex_);
      EXPECT_GE(fraction, 0.0);
      EXPECT_LE(fraction, 1.0);
      largest_ = std::max(largest_, fraction);
    }
    double largest() const { return largest_; }

   private:
    std::mutex mutex_;
    double largest_ = 0.0;
  } progress;
  const ScopedThreads scope(2);
  (void)verify(claim_by_id("L2"), reference(), {.cases = 60}, progress);
  EXPECT_EQ(progress.largest(), 1.0);
}

TEST(RoundedCase, is_representable_and_leaves_double_alone) {
  const RandomStream stream(1, Purpose::cases, 0, 0);
  for (std::uint64_t i = 0; i < 50; ++i) {
    PointDraws draws(stream, i);
    const LossCase drawn = draw_loss_case(draws, {});
    expect_same_case(rounded_case(reference(), drawn), drawn);
    const LossCase single = rounded_case(core_loss_subjects()[2], drawn);
    for (const auto& [rounded, exact] : {std::pair(&single.z, &drawn.z), {&single.y, &drawn.y}, {&single.w, &drawn.w}, {&single.theta, &drawn.theta}})
      EXPECT_EQ(*rounded, exact->cast<float>().cast<double>());
    EXPECT_EQ(single.v, drawn.v.cast<float>().cast<double>());
  }
}

TEST(LossCases, are_a_pure_function_of_the_draws_and_within_the_limits) {
  const RandomStream stream(1, Purpose::cases, 1, 0);
  const CaseLimits limits{.points = 7, .dimension = 6, .directions = 3, .large_cases = false};
  for (std::uint64_t i = 0; i < 300; ++i) {
    PointDraws one(stream, i);
    PointDraws two(stream, i);
    const LossCase c = draw_loss_case(one, limits);
    expect_same_case(c, draw_loss_case(two, limits));
    EXPECT_LE(c.n(), 7);
    EXPECT_LE(c.d(), 6);
    EXPECT_LE(c.theta.rows(), 3);
    for (Index l = 0; l < c.theta.rows(); ++l) EXPECT_NEAR(c.theta.row(l).norm(), 1.0, 1e-15);
  }
}

TEST(Claims, are_found_by_their_id_alone) {
  std::set<std::string> ids;
  for (const Claim& claim : claims()) {
    EXPECT_TRUE(ids.insert(claim.id).second);
    EXPECT_EQ(&claim_by_id(claim.id), &claim);
    EXPECT_FALSE(claim.judges().empty());
    EXPECT_GE(claim.minimum_cases, 50U);
    std::set<std::string> checks;
    for (const LossCheck& check : claim.checks) EXPECT_TRUE(checks.insert(check.name).second) << check.name << ": two checks would draw the same cases";
  }
  EXPECT_EQ(ids, (std::set<std::string>{"L1", "L2", "L3", "L4", "L5",  "L6",  "L7",  "L8",  "N1",  "N2",  "N3",  "N4", "N5", "N6", "N7", "N8", "N9", "T0",
                                        "T1", "T2", "T3", "T4", "T5",  "T6",  "A6",  "G1",  "G2",  "G3",  "G4",  "G5", "G6", "R1", "R2", "R3", "R4", "R5",
                                        "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "R16", "F1", "F2", "F3", "F4", "F5", "F6"}));
  for (const char* unknown : {"", "l1", "L10", "L11", "R0", "R17", "F7"}) EXPECT_THROW((void)claim_by_id(unknown), InputError) << unknown;
}

}  // namespace
}  // namespace slicecheck::testing
