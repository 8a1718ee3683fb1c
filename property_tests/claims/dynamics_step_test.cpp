/// Checks of steps, batches, paths and finite laws: right subjects hold, every planted defect is refused, and every check refuses something.

#include "slicecheck/claims/dynamics_step.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <iostream>
#include <map>
#include <set>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/gallery/broken_dynamics.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/statistics/goodness_of_fit.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr int kCases = 200;
constexpr int kCasesOfDefects = 48;  ///< a defect must show within so many; sizes run from 1 to 6 eight times

/// All checks on subjects of one type, each with the claim it belongs to in its name.
template <class Subject>
using Checks = std::vector<TypedCheck<Subject>>;

template <class Subject>
Checks<Subject> joined(std::initializer_list<std::pair<std::string, Checks<Subject>>> lists) {
  Checks<Subject> all;
  for (const auto& [claim, checks] : lists)
    for (auto check : checks) {
      check.name = claim + " " + check.name;
      all.push_back(std::move(check));
    }
  return all;
}

Checks<SchemeSubject> checks_of(const SchemeSubject*) { return joined<SchemeSubject>({{"T1", sgd_step_checks()}, {"T4", npsgd_step_checks()}}); }
Checks<SamplerSubject> checks_of(const SamplerSubject*) { return joined<SamplerSubject>({{"T1", batch_checks()}}); }
Checks<TrainingSubject> checks_of(const TrainingSubject*) { return joined<TrainingSubject>({{"T1", sgd_path_checks()}, {"T4", npsgd_path_checks()}}); }
Checks<LawSubject> checks_of(const LawSubject*) { return joined<LawSubject>({{"A6", finite_law_checks()}}); }

template <class Subject>
Checks<Subject> checks_on() {
  return checks_of(static_cast<const Subject*>(nullptr));
}

template <class Subject>
Trial judged(const TypedCheck<Subject>& check, const Subject& subject, std::uint32_t number, int i, int size) {
  try {
    return check.judge(subject, {test_seed(), Purpose::cases, 8000 + number, static_cast<std::uint64_t>(i)}, size);
  } catch (const std::exception& error) {
    Trial trial;
    trial.judgement.observed = std::nan("");
    trial.judgement.note = error.what();
    return trial;
  }
}

template <class Subject>
int size_of(const TypedCheck<Subject>& check, int i) {
  return 1 + i % check.largest;
}

struct Result {
  int judged = 0;
  int skipped = 0;
  int refused = 0;
  int first_refused = -1;
  double worst = 0.0;
  std::string note;
};

template <class Subject>
Result run(const TypedCheck<Subject>& check, const Subject& subject, std::uint32_t number, int cases = kCases) {
  std::vector<Judgement> judgements(static_cast<std::size_t>(cases));
  parallel_for(cases, [&](Index i) {
    judgements[static_cast<std::size_t>(i)] = judged(check, subject, number, static_cast<int>(i), size_of(check, static_cast<int>(i))).judgement;
  });
  Result result;
  for (int i = 0; i < cases; ++i) {
    const Judgement& judgement = judgements[static_cast<std::size_t>(i)];
    if (!judgement.skipped.empty()) {
      ++result.skipped;
      continue;
    }
    ++result.judged;
    if (!(judgement.ratio() <= result.worst)) result.worst = judgement.ratio();
    if (!judgement.refutes()) continue;
    ++result.refused;
    if (result.first_refused < 0) {
      result.first_refused = i;
      result.note = judgement.note;
    }
  }
  return result;
}

template <class Subject>
void expect_holds(const Subject& subject, const std::string& claim = "") {
  const auto checks = checks_on<Subject>();
  for (std::size_t j = 0; j < checks.size(); ++j) {
    if (checks[j].name.rfind(claim, 0) != 0) continue;
    const Result result = run(checks[j], subject, static_cast<std::uint32_t>(j));
    EXPECT_EQ(result.refused, 0) << subject.name << ", " << checks[j].name << ": case " << result.first_refused << ", worst " << result.worst << ' '
                                 << result.note;
    EXPECT_EQ(result.judged, kCases) << subject.name << ", " << checks[j].name;
    std::cout << subject.name << " | " << checks[j].name << (checks[j].randomised ? " | largest level / p-value " : " | largest observed / allowed ")
              << result.worst << '\n';
  }
}

/// The smallest size that is refused on the stream of the first refused case is a case that replays, with values for the reader.
template <class Subject>
int smallest_refused_size(const TypedCheck<Subject>& check, const Subject& subject, std::uint32_t number, int i) {
  for (int size = 1; size <= size_of(check, i); ++size) {
    const Trial trial = judged(check, subject, number, i, size);
    if (!trial.judgement.refutes()) continue;
    const Trial again = judged(check, subject, number, i, size);
    EXPECT_TRUE(again.judgement.refutes());
    EXPECT_EQ(std::memcmp(&trial.judgement.observed, &again.judgement.observed, sizeof(double)), 0) << subject.name << ", " << check.name;
    EXPECT_EQ(std::memcmp(&trial.judgement.allowed, &again.judgement.allowed, sizeof(double)), 0) << subject.name << ", " << check.name;
    EXPECT_TRUE(!trial.judgement.note.empty() || !trial.values.empty()) << subject.name << ", " << check.name;
    for (const NamedValues& value : trial.values) EXPECT_FALSE(value.name.empty());
    return size;
  }
  ADD_FAILURE() << subject.name << ", " << check.name << ": case " << i << " is refused at size " << size_of(check, i) << ", and then it is not";
  return 0;
}

/// Prints defect → checks; fails unless each is refused by some check, and by the one that it was planted for.
template <class Subject, class Defect>
std::set<std::string> expect_all_refused(const std::vector<Defect>& defects, const std::map<std::string, std::string>& planted_for) {
  const auto checks = checks_on<Subject>();
  std::set<std::string> names;
  std::set<std::string> refusing;
  for (const Defect& defect : defects) {
    EXPECT_TRUE(names.insert(defect.name).second) << defect.name;
    EXPECT_EQ(defect.subject.name, "gallery/" + defect.name);
    EXPECT_FALSE(defect.title.empty());
    std::set<std::string> by;
    std::cout << defect.name << " (" << defect.title << "):";
    for (std::size_t j = 0; j < checks.size(); ++j) {
      const auto number = static_cast<std::uint32_t>(j);
      const Result result = run(checks[j], defect.subject, number, kCasesOfDefects);
      if (result.refused == 0) continue;
      by.insert(checks[j].name);
      std::cout << " [" << checks[j].name << ": " << result.refused << '/' << result.judged << ", size "
                << smallest_refused_size(checks[j], defect.subject, number, result.first_refused) << ']';
    }
    std::cout << '\n';
    EXPECT_FALSE(by.empty()) << "nothing refuses " << defect.name;
    const auto expected = planted_for.find(defect.name);
    if (expected == planted_for.end())
      ADD_FAILURE() << defect.name << " is planted for no check";
    else
      EXPECT_TRUE(by.contains(expected->second)) << expected->second << " does not refuse " << defect.name;
    refusing.insert(by.begin(), by.end());
  }
  return refusing;
}

TEST(DynamicsStep, right_schemes_hold) {
  for (const SchemeSubject& subject : scheme_subjects()) expect_holds(subject, subject.projects ? "" : "T1");
  expect_holds(repaired_scheme());
}

TEST(DynamicsStep, a_scheme_without_projection_is_skipped_by_t4) {
  for (const auto& check : npsgd_step_checks()) EXPECT_EQ(run(check, scheme_subjects()[0], 0).skipped, kCases) << check.name;
}

TEST(DynamicsStep, right_samplers_hold) {
  for (const SamplerSubject& subject : sampler_subjects()) expect_holds(subject);
  expect_holds(repaired_sampler());
}

TEST(DynamicsStep, right_trainings_hold) {
  for (const TrainingSubject& subject : training_subjects()) expect_holds(subject);
  expect_holds(repaired_training());
}

TEST(DynamicsStep, right_laws_hold) {
  for (const LawSubject& subject : law_subjects()) expect_holds(subject);
  expect_holds(repaired_law());
}

TEST(DynamicsStep, broken_schemes_are_refused) {
  auto refusing = expect_all_refused<SchemeSubject>(broken_schemes(), {{"onto-the-sphere", "T4 inside nothing is projected"},
                                                                       {"projection-before-noise", "T4 stays in the ball"},
                                                                       {"noise-root-step", "T4 noise in proportion to alpha"},
                                                                       {"noise-not-scaled", "T4 noise in proportion to alpha"},
                                                                       {"noise-missing", "T4 law of the noise"},
                                                                       {"noise-uniform", "T4 law of the noise"},
                                                                       {"noise-shared-by-coordinates", "T4 independent noise"},
                                                                       {"noise-shared-by-steps", "T4 independent noise"},
                                                                       {"noise-repeated-by-tensor", "T4 independent noise"},
                                                                       {"momentum", "T1 no memory"},
                                                                       {"step-sign", "T1 step"},
                                                                       {"coordinatewise-clipping", "T4 projected step"},
                                                                       {"start-not-projected", "T4 start is projected"},
                                                                       {"step-not-counted", "T4 one step, one count"},
                                                                       {"per-tensor-projection", "T4 the noised point is projected"}});
  for (const auto& check : checks_on<SchemeSubject>()) EXPECT_TRUE(refusing.contains(check.name)) << check.name << " refuses nothing";
}

TEST(DynamicsStep, broken_samplers_are_refused) {
  auto refusing = expect_all_refused<SamplerSubject>(broken_samplers(), {{"cube-directions", "T1 uniform directions"},
                                                                         {"directions-not-normalised", "T1 unit directions"},
                                                                         {"directions-not-centred", "T1 uniform directions"},
                                                                         {"same-direction", "T1 nothing comes twice"},
                                                                         {"without-replacement", "T1 with replacement"},
                                                                         {"shared-stream", "T1 atoms and their independence"},
                                                                         {"same-batch", "T1 independent steps"},
                                                                         {"shared-by-replicates", "T1 nothing comes twice"},
                                                                         {"depends-on-calls", "T1 a function of the step"},
                                                                         {"cycling-pairs", "T1 independent steps"}});
  const SamplerSubject one_too_many{"one too many", "batches of n + 1", [](auto source, auto target, SamplerSettings settings) {
                                      ++settings.n;
                                      return std::make_unique<FreshBatches<double>>(source, target, settings);
                                    }};
  if (run(checks_on<SamplerSubject>()[0], one_too_many, 0, 6).refused == 6) refusing.insert("T1 shapes");
  for (const auto& check : checks_on<SamplerSubject>()) EXPECT_TRUE(refusing.contains(check.name)) << check.name << " refuses nothing";
}

TEST(DynamicsStep, broken_trainings_are_refused) {
  auto refusing = expect_all_refused<TrainingSubject>(broken_trainings(), {{"training-start-not-projected", "T4 start is projected"},
                                                                           {"start-shared-by-replicates", "T1 start"},
                                                                           {"zero-start", "T1 start"},
                                                                           {"noise-shared-by-replicates", "T4 noise of its own"},
                                                                           {"noise-of-the-first-step", "T4 noise of its own"},
                                                                           {"stale-gradient", "T1 the path of Algorithm 1"},
                                                                           {"ascent", "T1 the path of Algorithm 1"},
                                                                           {"reused-direction", "T1 the path of Algorithm 1"},
                                                                           {"reused-batch", "T1 the path of Algorithm 1"},
                                                                           {"first-step-size", "T1 the path of Algorithm 1"},
                                                                           {"rounded-parameters", "T1 the path of Algorithm 1"}});
  auto calls = std::make_shared<std::atomic<int>>(0);
  const TrainingSubject restless{"restless", "another path every time", [calls](const TrainingParts<double>& parts, std::uint64_t steps) {
                                   auto path = training_subjects()[0].path(parts, steps);
                                   path.back()[0] += 1e-9 * static_cast<double>(++*calls);
                                   return path;
                                 }};
  const auto checks = checks_on<TrainingSubject>();
  for (const auto& check : checks)
    if (check.name.find("one seed") != std::string::npos && run(check, restless, 0, 6).refused == 6) refusing.insert(check.name);
  for (const auto& check : checks) EXPECT_TRUE(refusing.contains(check.name)) << check.name << " refuses nothing";
}

TEST(DynamicsStep, broken_laws_are_refused) {
  auto refusing = expect_all_refused<LawSubject>(broken_laws(), {{"sum-not-checked", "A6 probabilities that are none are refused"},
                                                                 {"negative-clipped", "A6 probabilities that are none are refused"},
                                                                 {"not-a-number-accepted", "A6 probabilities that are none are refused"},
                                                                 {"probabilities-ignored", "A6 atoms come with their probabilities"},
                                                                 {"last-atom-missing", "A6 atoms come with their probabilities"}});
  const LawSubject equal{"equal", "forgets the probabilities",
                         [](Points<double> atoms, const std::vector<double>&) { return std::make_unique<FiniteLaw>("equal", std::move(atoms)); }};
  const auto checks = checks_on<LawSubject>();
  for (std::size_t j = 0; j < checks.size(); ++j)
    if (run(checks[j], equal, static_cast<std::uint32_t>(j), 12).refused > 0) refusing.insert(checks[j].name);
  for (const auto& check : checks) EXPECT_TRUE(refusing.contains(check.name)) << check.name << " refuses nothing";
}

/// NPSGD in another order of operations, or in float.
class OtherRounding final : public Scheme<double> {
 public:
  OtherRounding(double radius, double noise, bool single) : radius_(radius), noise_(noise), single_(single) {}
  [[nodiscard]] std::string name() const override { return "other rounding"; }
  [[nodiscard]] State<double> start(Vector<double> u0) const override { return {projected(u0), 0}; }
  void advance(State<double>& state, VectorView<double> phi, double alpha, const RandomStream& stream) const override {
    Eigen::VectorXd move = Eigen::VectorXd::Zero(phi.size());
    if (noise_ > 0.0) stream.fill_normal(move);
    move = (phi - noise_ * move).reverse().eval();
    state.u = projected(state.u - alpha * move.reverse());
    ++state.step;
  }

 private:
  [[nodiscard]] Eigen::VectorXd projected(const Eigen::VectorXd& u) const {
    const Eigen::VectorXd out = u / std::max(1.0, u.stableNorm() / radius_);
    return single_ ? Eigen::VectorXd(out.cast<float>().cast<double>()) : out;
  }
  double radius_;
  double noise_;
  bool single_;
};

SchemeSubject other_rounding(bool single) {
  return {"other rounding", "", true,
          [single](double radius, double noise, const std::vector<Index>&) { return std::make_unique<OtherRounding>(radius, noise, single); }};
}

/// Algorithm 1 with another implementation of the loss, whose φ may be off by a factor.
TrainingSubject other_loss(double factor) {
  return {"other loss", "", [factor](const TrainingParts<double>& parts, std::uint64_t steps) {
            State<double> state = start(parts);
            std::vector<Eigen::VectorXd> path{state.u};
            for (std::uint64_t t = 0; t < steps; ++t) {
              const Batch<double> batch = parts.sampler->draw(t);
              const auto image = parts.generator->linearise(state.u, batch.x);
              const Eigen::VectorXd phi = factor * image->pullback(CpuLoss<double>(2.0).evaluate(image->images(), batch.y, batch.directions).gradient);
              parts.scheme->advance(state, phi, parts.schedule->step_size(t), {parts.seed, Purpose::noise, parts.replicate, t});
              path.push_back(state.u);
            }
            return path;
          }};
}

TEST(DynamicsStep, tolerances_allow_another_order_of_operations) {
  expect_holds(other_rounding(false));
  expect_holds(other_loss(1.0));
}

/// So many cases in `kCases` are refused by the check of that name.
template <class Subject>
void expect_mostly_refused(const Checks<Subject>& checks, const std::string& name, const Subject& subject, int least = kCases * 9 / 10) {
  int found = 0;
  for (const auto& check : checks) {
    if (check.name != name) continue;
    ++found;
    EXPECT_GE(run(check, subject, 0).refused, least) << name;
  }
  EXPECT_EQ(found, 1) << name;
}

TEST(DynamicsStep, tolerances_do_not_allow_single_precision) {
  expect_mostly_refused(sgd_step_checks(), "step", other_rounding(true));
  expect_mostly_refused(npsgd_step_checks(), "projected step", other_rounding(true));
  // This one compares the subject with itself where nothing is projected, in two cases of five.
  expect_mostly_refused(npsgd_step_checks(), "the noised point is projected", other_rounding(true), kCases / 4);
}

TEST(DynamicsStep, tolerances_do_not_allow_a_gradient_off_by_1e_11) {
  expect_mostly_refused(sgd_path_checks(), "the path of Algorithm 1", other_loss(1.0 + 1e-11));
  expect_mostly_refused(npsgd_path_checks(), "the path of Algorithm 1", other_loss(1.0 + 1e-11));
}

/// What is no number, has the wrong size, or throws is refused, not skipped.
TEST(DynamicsStep, results_that_are_no_results_are_refused) {
  const TrainingSubject lost{"lost", "", [](const TrainingParts<double>& parts, std::uint64_t steps) {
                               auto path = training_subjects()[0].path(parts, steps);
                               for (auto& u : path) u[0] = std::nan("");
                               return path;
                             }};
  const TrainingSubject early{"early", "",
                              [](const TrainingParts<double>& parts, std::uint64_t steps) { return training_subjects()[0].path(parts, steps - 1); }};
  const TrainingSubject empty{"empty", "", [](const TrainingParts<double>&, std::uint64_t) { return std::vector<Eigen::VectorXd>{}; }};
  for (const auto& check : checks_on<TrainingSubject>())
    for (const auto& subject : {lost, early, empty}) EXPECT_EQ(run(check, subject, 0, 12).refused, 12) << check.name << ", " << subject.name;
  const SamplerSubject none{"none", "", [](auto, auto, const SamplerSettings&) -> std::unique_ptr<Sampler<double>> { throw Error("no sampler"); }};
  for (const auto& check : checks_on<SamplerSubject>()) EXPECT_EQ(run(check, none, 0, 12).refused, 12) << check.name;
}

}  // namespace
}  // namespace slicecheck::testing
