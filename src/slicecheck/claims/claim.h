#pragma once
/// The registry: one claim per id of theory/, each a set of checks on a subject.

#include <functional>
#include <string>
#include <vector>

#include "slicecheck/claims/loss_case.h"
#include "slicecheck/claims/loss_subject.h"
#include "slicecheck/claims/verdict.h"
#include "slicecheck/core/progress.h"

namespace slicecheck {

/// One check of a claim about losses: limits for the case generator and a predicate on a case.
/// The predicate may assume that the case's clouds are representable in the subject's scalar.
struct LossCheck {
  std::string name;
  CaseLimits limits;
  std::function<Judgement(const LossSubject&, const LossCase&)> judge;
};

struct Claim {
  std::string id;  ///< L1, L2, … as in theory/
  std::string title;
  std::string statement;  ///< one or two sentences, plain text
  std::string source;
  std::string judges;  ///< type of subject: loss
  Outcome expected = Outcome::holds;
  std::uint64_t minimum_cases = 50;  ///< judged cases per check under which the answer is inconclusive
  std::vector<LossCheck> checks;
};

/// All claims, in the order of theory/.
const std::vector<Claim>& claims();

/// @throws InputError for an unknown id; the sentence lists the known ones.
const Claim& claim_by_id(const std::string& id);

/// Rounds the clouds, the directions and the vector of a case to the subject's scalar.
LossCase rounded_case(const LossSubject& subject, LossCase c);

/// The judgement of a check on a case. A subject that throws is refuted on that case, with the exception's text as the note.
Judgement judge(const LossCheck& check, const LossSubject& subject, const LossCase& c);

/// How much to try.
struct Budget {
  std::uint64_t cases = 300;  ///< drawn per check
  std::uint64_t seed = 1;
  bool stop_at_first = false;  ///< stop at the first check that is refuted (for the gallery)
};

/// Draws `budget.cases` cases per check, judges them in parallel, minimises the first counter-example. The verdict is a pure function of (claim, subject,
/// budget), for any number of threads.
Verdict verify(const Claim& claim, const LossSubject& subject, const Budget& budget, Progress& progress);

/// A smaller case that the check still refuses: fewer points, fewer directions, fewer dimensions, rounder numbers. Greedy, at most `attempts` trials.
LossCase minimise(const LossCheck& check, const LossSubject& subject, LossCase c, int attempts = 2000);

}  // namespace slicecheck
