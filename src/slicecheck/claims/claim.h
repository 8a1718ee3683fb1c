#pragma once
/// The registry: one claim per id of theory/, each a set of checks on subjects of one or more types.

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "slicecheck/claims/loss_case.h"
#include "slicecheck/claims/subject.h"
#include "slicecheck/claims/typed_check.h"
#include "slicecheck/claims/verdict.h"
#include "slicecheck/core/progress.h"

namespace slicecheck {

/// One check of a claim about losses: limits for the case generator and a predicate on a case.
/// The predicate may assume that the case's clouds are representable in the subject's scalar.
struct LossCheck {
  std::string name;
  CaseLimits limits;
  std::function<Judgement(const LossSubject&, const LossCase&)> judge;
  bool randomised = false;       ///< as TypedCheck::randomised
  std::uint64_t cost = 1;        ///< as TypedCheck::cost
  bool other_exponents = false;  ///< about p ≠ 2: not run on a subject that knows p = 2 only
  bool per_direction = false;    ///< about `per_direction`: not run on a subject that gives one value only
};

/// The checks on subjects that are not losses.
using TypedChecks =
    std::tuple<std::vector<TypedCheck<GeneratorSubject>>, std::vector<TypedCheck<SchemeSubject>>, std::vector<TypedCheck<SamplerSubject>>,
               std::vector<TypedCheck<TrainingSubject>>, std::vector<TypedCheck<LawSubject>>, std::vector<TypedCheck<CriticalitySubject>>,
               std::vector<TypedCheck<FlowSubject>>, std::vector<TypedCheck<MaxSlicedSubject>>, std::vector<TypedCheck<TwoPlayerSubject>>,
               std::vector<TypedCheck<CoverageSubject>>, std::vector<TypedCheck<TransportSubject>>, std::vector<TypedCheck<TransportBoundsSubject>>>;

/// One statement of theory/, and what judges it.
struct Claim {
  std::string id;  ///< L1, L2, … as in theory/
  std::string title;
  std::string statement;  ///< one or two sentences, plain text
  std::string source;
  /// `refuted` makes the claim a finding: a published statement that is false. It is as declared when it is refuted.
  Outcome expected = Outcome::holds;
  std::uint64_t minimum_cases = 50;  ///< judged cases per check under which the answer is inconclusive
  std::vector<LossCheck> checks;     ///< on a loss
  TypedChecks typed;                 ///< on everything else
  /// Subjects of a judged type that the claim says nothing about (a scheme without projection, for NPSGD); empty: none.
  std::function<bool(const Subject&)> leaves_out;

  /// A published statement that is false, kept to show that it is.
  [[nodiscard]] bool finding() const { return expected == Outcome::refuted; }
  /// The types that it judges: "loss", "loss, generator", …
  [[nodiscard]] std::string judges() const;
  /// It has a check for subjects of this type, and does not leave this one out.
  [[nodiscard]] bool applies_to(const Subject& subject) const;
};

/// The checks of a claim on subjects of the given type (not for losses: `Claim::checks`).
template <class S>
const std::vector<TypedCheck<S>>& typed_checks(const Claim& claim) {
  return std::get<std::vector<TypedCheck<S>>>(claim.typed);
}

/// All claims, in the order of theory/.
const std::vector<Claim>& claims();

/// @throws InputError for an unknown id; the sentence lists the known ones.
const Claim& claim_by_id(const std::string& id);

/// Rounds the clouds, the directions and the vector of a case to the subject's scalar; a subject of one exponent gets that exponent.
LossCase rounded_case(const LossSubject& subject, LossCase c);

/// The judgement of a check on a case. A subject that throws is refuted on that case, with the exception's text as the note.
Judgement judge(const LossCheck& check, const LossSubject& subject, const LossCase& c);

/// The same for a check on anything else: the case is a pure function of the stream and the size.
template <class S>
Trial judge(const TypedCheck<S>& check, const S& subject, const RandomStream& stream, int size);

/// How much to try.
struct Budget {
  std::uint64_t cases = 300;  ///< drawn per check (fewer where `cost` says so)
  std::uint64_t seed = 1;
  /// Stop at the first check that is refuted, within 16 cases of the first that it refutes (for the gallery). A finding is judged whole.
  bool stop_at_first = false;
};

/// Draws the budget's cases per check, judges them in parallel, minimises the first counter-example. The verdict is a pure function of (claim, subject,
/// budget), for any number of threads.
Verdict verify(const Claim& claim, const Subject& subject, const Budget& budget, Progress& progress);

/// The counter-example is judged again, from what is stored of it, on a subject of the same type.
Judgement replay(const Claim& claim, const Subject& subject, const CounterExample& example, std::uint64_t seed);

/// A smaller case that the check still refuses: fewer points, fewer directions, fewer dimensions, rounder numbers. Greedy, at most `attempts` trials.
LossCase minimise(const LossCheck& check, const LossSubject& subject, LossCase c, int attempts = 2000);

}  // namespace slicecheck
