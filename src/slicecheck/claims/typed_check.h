#pragma once
/// Checks of subjects that are not losses: generators, schemes, samplers, laws, whole trainings.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "slicecheck/claims/verdict.h"
#include "slicecheck/core/random.h"

namespace slicecheck {

/// What came of one case, with the case itself in numbers for the reader.
struct Trial {
  Judgement judgement;
  std::vector<NamedValues> values;
  std::map<std::string, std::uint64_t> counts = {};  ///< what was counted on the way; added up over the cases and printed, without being judged
};

/// One check of a claim about subjects of one type. A case is a pure function of (stream, size): small sizes make small cases, so that the smallest size that
/// is refused is the minimised counter-example.
template <class Subject>
struct TypedCheck {
  std::string name;
  int largest = 6;  ///< sizes run from 1 to this
  std::function<Trial(const Subject&, const RandomStream& stream, int size)> judge;
  /// The judgement is a p-value against a declared level: observed = level, allowed = p-value (statistics/goodness_of_fit.h).
  bool randomised = false;
  /// One in so many of the budget's cases is drawn, and at least the claim's minimum: for checks whose single case is long.
  std::uint64_t cost = 1;
  /// Why the check is not run on this subject, or an empty string: it is. Null: it is run on all.
  std::string (*leaves_out)(const Subject&) = nullptr;

  /// Why the check does not apply to this subject; empty where it does.
  [[nodiscard]] std::string not_run_on(const Subject& subject) const { return leaves_out != nullptr ? leaves_out(subject) : std::string(); }
};

}  // namespace slicecheck
