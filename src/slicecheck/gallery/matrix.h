#pragma once
/// The defect × claim matrix: which claim refuses which planted defect, found by running them.

#include <string>
#include <vector>

#include "slicecheck/claims/claim.h"

namespace slicecheck {

/// A planted defect of any type, and the same code without it.
struct PlantedDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  Subject subject;
  Subject twin;  ///< claims must hold for it, so that a refusal is the defect's and not the code's
};

/// All planted defects: losses, generators, schemes, samplers, trainings, laws, measures of criticality, solvers of the flow, two-player trainings, regularised
/// transport.
std::vector<PlantedDefect> gallery();

/// One planted defect before one claim.
struct GalleryResult {
  std::string defect;
  std::string title;
  std::string type;  ///< loss, generator, …
  std::string claim;
  Verdict verdict;
  /// The minimised counter-example was refused again when it was judged anew, and the repaired twin holds on it. For a finding, which a defect is caught by
  /// when it holds for it: the repaired twin refutes the finding, and the counter-example replays.
  bool replays = false;

  /// A defect counts as caught only if the verdict contradicts what the claim declares, and replays.
  [[nodiscard]] bool caught() const { return verdict.outcome != Outcome::inconclusive && !verdict.as_declared() && replays; }
};

/// Every defect against every given claim that judges its type, `cases` cases per check; the pairs are judged in parallel, the results are the same for any
/// number of threads and ordered by defect.
std::vector<GalleryResult> run_gallery(const std::vector<const Claim*>& judged, std::uint64_t seed, std::uint64_t cases, Progress& progress);

/// For each given claim the first defect of `gallery()` that it catches, in the order of the claims; none for a claim that catches none. That a claim catches
/// something takes a small part of what the whole matrix takes.
std::vector<GalleryResult> first_defects_caught(const std::vector<const Claim*>& judged, std::uint64_t seed, std::uint64_t cases, Progress& progress);

}  // namespace slicecheck
