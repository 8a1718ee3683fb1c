/// The planted defects: each is refused by some claim, each claim refuses some, and the same code without them is refused by none.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "slicecheck/gallery/matrix.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr std::uint64_t kCases = 200;

std::vector<const Claim*> all_claims() {
  std::vector<const Claim*> all;
  for (const Claim& claim : claims()) all.push_back(&claim);
  return all;
}

TEST(Gallery, every_defect_is_caught_and_every_claim_catches_one) {
  SilentProgress silent;
  const auto results = run_gallery(all_claims(), test_seed(), kCases, silent);
  std::map<std::string, std::set<std::string>> claims_of_defect;
  std::map<std::string, std::set<std::string>> defects_of_claim;
  for (const GalleryResult& result : results) {
    // A defect that a claim refuses must be refused by its minimised case as well, and the repaired code must hold on that case. A finding catches what it
    // holds for, and the repaired code must refute it.
    const bool finding = claim_by_id(result.claim).finding();
    const bool contradicts = result.verdict.outcome == (finding ? Outcome::holds : Outcome::refuted);
    EXPECT_EQ(contradicts, result.caught()) << result.defect << " by " << result.claim << ": " << result.verdict.detail;
    if (!result.caught()) continue;
    defects_of_claim[result.claim].insert(result.defect);
    if (finding) continue;  // what a finding holds for must be refused by a claim as well
    claims_of_defect[result.defect].insert(result.claim);
    ASSERT_TRUE(result.verdict.counter_example);
    if (result.type != "loss") continue;
    // Some need many points: a loss that is n times too large exceeds the Lipschitz bound of L2 on nearby pairs only from n ≈ 1 / tightness on.
    EXPECT_LE(result.verdict.counter_example->example.n(), CaseLimits{}.points)
        << result.defect << " by " << result.claim << ": a counter-example that is not small";
  }
  for (const PlantedDefect& defect : gallery()) {
    EXPECT_FALSE(claims_of_defect[defect.name].empty()) << "nothing refuses " << defect.name;
    std::cout << defect.name << ':';
    for (const std::string& id : claims_of_defect[defect.name]) std::cout << ' ' << id;
    std::cout << '\n';
  }
  for (const Claim& claim : claims()) {
    EXPECT_FALSE(defects_of_claim[claim.id].empty()) << claim.id << (claim.finding() ? " holds for" : " refuses") << " no planted defect";
    if (!claim.finding()) continue;
    std::cout << claim.id << " holds for:";
    for (const std::string& defect : defects_of_claim[claim.id]) std::cout << ' ' << defect;
    std::cout << '\n';
  }
}

/// What `slicecheck claims` asks of the gallery, against the whole row of the matrix.
TEST(Gallery, the_first_defect_caught_is_the_first_in_the_row_for_any_number_of_threads) {
  SilentProgress silent;
  std::vector<const Claim*> judged;
  for (const char* id : {"L1", "L4", "N6", "F5", "T5"}) judged.push_back(&claim_by_id(id));
  std::vector<std::string> expected;
  const auto rows = run_gallery(judged, test_seed(), kCases, silent);
  for (const Claim* claim : judged) {
    const auto first = std::find_if(rows.begin(), rows.end(), [&](const GalleryResult& r) { return r.claim == claim->id && r.caught(); });
    ASSERT_NE(first, rows.end()) << claim->id;
    expected.push_back(claim->id + " " + first->defect);
  }
  for (const int threads : {1, 2, 3}) {
    const ScopedThreads scope(threads);
    std::vector<std::string> found;
    for (const GalleryResult& result : first_defects_caught(judged, test_seed(), kCases, silent)) {
      EXPECT_TRUE(result.caught());
      found.push_back(result.claim + " " + result.defect);
    }
    EXPECT_EQ(found, expected) << threads;
  }
}

TEST(Gallery, a_claim_that_catches_nothing_has_no_first_defect) {
  Claim blind = claim_by_id("L1");  // judges losses only
  for (LossCheck& check : blind.checks) check.judge = [](const LossSubject&, const LossCase&) { return Judgement{}; };
  SilentProgress silent;
  EXPECT_TRUE(first_defects_caught({&blind}, test_seed(), 50, silent).empty());
}

/// Measures of criticality are refused for what is wrong with them, not for something else that came along.
TEST(Gallery, measures_of_criticality_are_caught_by_the_check_that_is_about_their_defect) {
  const std::map<std::string, std::string> expected{
      {"back-propagation-is-the-set", "bracket at a kink, one parameter"},
      {"sum-rule-is-the-set", "bracket at a kink, one parameter"},
      {"one-limit-is-the-set", "bracket on the two-point line"},
      {"cells-of-the-untied-network", "bracket at a kink, one parameter"},
      {"normal-cone-missing", "bracket on the two-point line"},
      {"normal-cone-both-ways", "bracket on the two-point line"},
      {"normal-cone-cut-short", "bracket on the two-point line"},
      {"multiplicities-forgotten", "bracket on the two-point line"},
      {"population-for-batches", "bracket on the two-point line"},
      {"fresh-batches-for-goldstein", "Goldstein, frozen batches"},
      {"hull-missing-for-goldstein", "Goldstein, the hull"},
      {"ray-missing-for-goldstein", "Goldstein, the ray"},
  };
  std::set<std::string> seen;
  for (const PlantedDefect& defect : gallery()) {
    if (type_of(defect.subject) != "criticality") continue;
    seen.insert(defect.name);
    ASSERT_TRUE(expected.contains(defect.name)) << defect.name;
    SilentProgress silent;
    const Verdict verdict = verify(claim_by_id("N9"), defect.subject, {.cases = kCases, .seed = test_seed(), .stop_at_first = true}, silent);
    ASSERT_TRUE(verdict.counter_example) << defect.name;
    EXPECT_EQ(verdict.counter_example->check, expected.at(defect.name)) << defect.name;
  }
  EXPECT_EQ(seen.size(), expected.size());
}

TEST(Gallery, the_repaired_twins_come_out_as_declared) {
  std::set<std::string> judged;
  for (const PlantedDefect& defect : gallery()) {
    if (!judged.insert(name_of(defect.twin)).second) continue;
    for (const Claim& claim : claims()) {
      if (!claim.applies_to(defect.twin)) continue;
      SilentProgress silent;
      const Verdict verdict = verify(claim, defect.twin, {.cases = kCases, .seed = test_seed()}, silent);
      if (claim.finding()) {
        EXPECT_EQ(verdict.outcome, Outcome::refuted) << claim.id << ": " << verdict.detail;
      } else {
        EXPECT_NE(verdict.outcome, Outcome::refuted) << claim.id << ": " << verdict.detail;
      }
      EXPECT_GT(verdict.cases, 0U) << claim.id << " on " << name_of(defect.twin);
    }
  }
  EXPECT_EQ(judged.size(), 15U) << "one twin a type, a generator with kinks, and one with a cut-off";
}

TEST(Gallery, has_thirty_defects_of_every_type_and_unique_names) {
  std::set<std::string> names;
  std::set<std::string> types;
  for (const PlantedDefect& defect : gallery()) {
    EXPECT_TRUE(names.insert(defect.name).second) << defect.name;
    EXPECT_EQ(name_of(defect.subject), "gallery/" + defect.name);
    EXPECT_EQ(type_of(defect.subject), type_of(defect.twin)) << defect.name;
    EXPECT_FALSE(defect.title.empty());
    types.insert(type_of(defect.subject));
  }
  EXPECT_GE(names.size(), 30U);
  EXPECT_EQ(types, (std::set<std::string>{"coverage", "criticality", "flow", "generator", "law", "loss", "max-sliced", "sampler", "scheme", "training",
                                          "transport", "transport-bounds", "two-player"}));
}

}  // namespace
}  // namespace slicecheck::testing
