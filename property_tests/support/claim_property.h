#pragma once
/// Property tests of claims: RapidCheck's cases, judged by the very checks that `slicecheck verify` runs.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "slicecheck/claims/claim.h"

namespace slicecheck::testing {

/// What came of one property.
struct ClaimProperty {
  bool passed = true;
  std::uint64_t cases = 0;                       ///< cases of RapidCheck's that at least one subject was judged on, over all checks
  std::uint64_t judgements = 0;                  ///< (case, subject) pairs judged
  std::map<std::string, std::uint64_t> skipped;  ///< reason → (case, subject) pairs
  std::map<std::string, std::uint64_t> kinds;    ///< kind of case → cases drawn
  std::uint64_t exact_ties = 0;                  ///< drawn cases with an exact tie along a direction
  std::string complaint;                         ///< why it did not pass
  std::string report;                            ///< what RapidCheck says, where it was not to be printed
};

/// Where RapidCheck's report goes: to standard error, with a string that repeats a failure; or, for planted mistakes, into `ClaimProperty::report` alone.
enum class Report { print, keep };

/// Feeds RapidCheck's cases (RC_PARAMS: how many, from which seed) to every check of the claim, and judges every subject on each of them, rounded to the
/// subject's scalar first. Does not pass if a subject is refuted, or if a check judged a subject fewer times than the claim needs to decide.
/// A finding passes if every check of it refutes every subject, by a case that RapidCheck shrinks to size 1 (on subjects other than losses) and that is refuted
/// again when it is judged anew. (With `Report::print`, the checks on other types of subjects too.)
ClaimProperty check_claim_property(const Claim& claim, const std::vector<LossSubject>& subjects, Report report = Report::print);

/// The same for the checks on subjects of one type other than losses, added to `property`.
template <class S>
void check_typed_property(const Claim& claim, const std::vector<S>& subjects, ClaimProperty& property);

/// The property of the claim `id` on the subjects of the core library, as the body of a test: prints what was judged, fails the test unless it passed, and
/// leaves the evidence that `slicecheck claims` looks for. While it runs, and after a crash, the evidence says that it did not pass.
void test_claim_property(const std::string& id);

}  // namespace slicecheck::testing

/// One property test of one claim, named after it.
#define SLICECHECK_CLAIM_PROPERTY(id) \
  TEST(ClaimProperties, id) { ::slicecheck::testing::test_claim_property(#id); }
