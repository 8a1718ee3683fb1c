#pragma once
/// The defect × claim matrix: which claim refuses which planted defect, found by running them.

#include <vector>

#include "slicecheck/claims/claim.h"
#include "slicecheck/gallery/broken_loss.h"

namespace slicecheck {

struct GalleryResult {
  std::string defect;
  std::string title;
  std::string claim;
  Verdict verdict;
  /// The minimised counter-example was refused again when it was judged anew, and the repaired twin holds on it.
  bool replays = false;

  /// A defect counts as caught only if its counter-example replays.
  [[nodiscard]] bool caught() const { return verdict.outcome == Outcome::refuted && replays; }
};

/// Every defect against every given claim, `cases` cases per check.
std::vector<GalleryResult> run_gallery(const std::vector<const Claim*>& judged, std::uint64_t seed, std::uint64_t cases, Progress& progress);

}  // namespace slicecheck
