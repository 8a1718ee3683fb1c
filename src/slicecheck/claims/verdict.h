#pragma once
/// What a claim says of a subject, and on what evidence.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slicecheck/claims/loss_case.h"

namespace slicecheck {

/// What a verdict says; inconclusive: too few cases could be judged.
enum class Outcome { holds, refuted, inconclusive };

/// holds, refuted or inconclusive.
std::string_view outcome_name(Outcome outcome);

/// The judgement of one case: observed against allowed. A case is refuted unless observed / allowed ≤ 1; NaN refutes.
struct Judgement {
  double observed = 0.0;
  double allowed = 0.0;
  /// observed / theoretical bound, rounding aside, for inequalities; NaN elsewhere.
  double tightness = std::numeric_limits<double>::quiet_NaN();
  /// Not empty: the case cannot be judged, and why. It is counted and printed.
  std::string skipped;
  /// Not empty: what happened instead of a number (the subject threw).
  std::string note;

  [[nodiscard]] double ratio() const;
  [[nodiscard]] bool refutes() const { return skipped.empty() && !(ratio() <= 1.0); }
};

/// The evidence of one check of a claim.
struct CheckEvidence {
  std::string name;
  std::uint64_t cases = 0;
  double worst_ratio = 0.0;
  std::optional<double> tightness;
};

/// One named matrix of a case, for the reader and for files.
struct NamedValues {
  std::string name;
  Points<double> values;
};

/// A case on which a check failed, made as small as the minimiser could.
struct CounterExample {
  std::string check;
  Judgement judgement;
  std::uint64_t found_at = 0;       ///< number of the drawn case that it was made from
  LossCase example;                 ///< the case, for a loss; empty for other subjects
  int size = 0;                     ///< for other subjects: with the number of the case and the seed, this is the case
  std::vector<NamedValues> values;  ///< the case in numbers, for every type of subject
};

/// What one claim says of one subject, with all of its evidence.
struct Verdict {
  std::string claim;
  std::string title;
  std::string subject;
  std::string type;  ///< of the subject: loss, generator, …
  Outcome outcome = Outcome::inconclusive;
  Outcome expected = Outcome::holds;
  std::uint64_t cases = 0;
  std::map<std::string, std::uint64_t> skipped;  ///< reason → cases
  std::map<std::string, std::uint64_t> kinds;    ///< kind of case → how many were drawn
  std::vector<CheckEvidence> checks;
  std::map<std::string, std::uint64_t> counts;  ///< what the cases counted, added up (Trial::counts)
  std::map<std::string, std::string> not_run;   ///< checks that do not apply to this subject, and why
  std::optional<CounterExample> counter_example;
  std::uint64_t randomised_cases = 0;  ///< of them judged by a p-value, each at the level kTypedFalseAlarm
  std::uint64_t seed = 0;
  std::uint64_t requested_cases = 0;  ///< per check
  std::string detail;

  [[nodiscard]] double worst_ratio() const;
  [[nodiscard]] std::string counted() const;  ///< `counts` as text: "steps: 60; with a tie: 31"
  [[nodiscard]] std::optional<double> tightness() const;
  /// A finding is expected to be refuted; everything else to hold.
  [[nodiscard]] bool as_declared() const { return outcome == expected; }
};

}  // namespace slicecheck
