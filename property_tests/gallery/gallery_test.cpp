/// The planted defects: each is refused by some claim, each claim refuses some, and the same code without them is refused by none.

#include <gtest/gtest.h>

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
  ASSERT_EQ(results.size(), loss_gallery().size() * claims().size());
  std::map<std::string, std::set<std::string>> claims_of_defect;
  std::map<std::string, std::set<std::string>> defects_of_claim;
  for (const GalleryResult& result : results) {
    // A defect that a claim refuses must be refused by its minimised case as well, and the repaired code must hold on that case.
    EXPECT_EQ(result.verdict.outcome == Outcome::refuted, result.caught()) << result.defect << " by " << result.claim << ": " << result.verdict.detail;
    if (!result.caught()) continue;
    claims_of_defect[result.defect].insert(result.claim);
    defects_of_claim[result.claim].insert(result.defect);
    ASSERT_TRUE(result.verdict.counter_example);
    // Some need many points: a loss that is n times too large exceeds the Lipschitz bound of L2 on nearby pairs only from n ≈ 1 / tightness on.
    EXPECT_LE(result.verdict.counter_example->example.n(), CaseLimits{}.points)
        << result.defect << " by " << result.claim << ": a counter-example that is not small";
  }
  for (const LossDefect& defect : loss_gallery()) {
    EXPECT_FALSE(claims_of_defect[defect.name].empty()) << "nothing refuses " << defect.name;
    std::cout << defect.name << ':';
    for (const std::string& id : claims_of_defect[defect.name]) std::cout << ' ' << id;
    std::cout << '\n';
  }
  for (const Claim& claim : claims()) EXPECT_FALSE(defects_of_claim[claim.id].empty()) << claim.id << " refuses no planted defect";
}

TEST(Gallery, the_repaired_loss_holds_for_every_claim) {
  for (const Claim& claim : claims()) {
    SilentProgress silent;
    const Verdict verdict = verify(claim, repaired_loss(), {.cases = kCases, .seed = test_seed()}, silent);
    EXPECT_EQ(verdict.outcome, Outcome::holds) << claim.id << ": " << verdict.detail;
    EXPECT_GE(verdict.cases, claim.minimum_cases);
  }
}

TEST(Gallery, names_are_unique) {
  std::set<std::string> names;
  for (const LossDefect& defect : loss_gallery()) {
    EXPECT_TRUE(names.insert(defect.name).second) << defect.name;
    EXPECT_EQ(defect.subject.name, "gallery/" + defect.name);
    EXPECT_FALSE(defect.title.empty());
  }
  EXPECT_FALSE(names.empty());
}

}  // namespace
}  // namespace slicecheck::testing
