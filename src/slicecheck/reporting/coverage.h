#pragma once
/// Is a claim covered? Only if a property test of it passed on these very sources, a planted defect is refused by it here and now, and a report has a line for
/// it. A finding is a claim declared false: its property test passes by refuting it, and the planted defect is a subject for which it holds.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "slicecheck/gallery/matrix.h"

namespace slicecheck {

/// What a property test left when it ran.
struct PropertyEvidence {
  std::string name;         ///< suite and test
  std::uint64_t cases = 0;  ///< cases that RapidCheck fed to the claim's predicates
  bool passed = false;
  bool fresh = false;  ///< it ran on the sources that this program was built from
};

/// What stands behind one claim.
struct Coverage {
  std::optional<PropertyEvidence> property_test;
  std::vector<std::string> defects_rejected;  ///< planted defects whose verdict contradicts what the claim declares (`GalleryResult::caught`)
  std::optional<bool> report_line;            ///< nothing when there was no report to look at

  [[nodiscard]] bool covered() const {
    return property_test && property_test->passed && property_test->fresh && property_test->cases > 0 && !defects_rejected.empty() &&
           report_line.value_or(false);
  }
};

/// Folder where property tests leave their evidence: beside the folder of the program that runs (`build/PRESET/property_evidence`), that of an installed
/// program (share/slicecheck/property_evidence), or the environment variable SLICECHECK_EVIDENCE.
std::filesystem::path evidence_folder();

/// Leaves evidence for a claim (called by the property tests). Several tests of one claim leave one file each.
void leave_property_evidence(const std::string& claim, const PropertyEvidence& evidence);

/// The coverage of every claim. `gallery`: results of `run_gallery`; `report`: a run folder, or empty.
/// The evidence of a claim with several property tests is their sum: passed and fresh only if all are.
std::vector<Coverage> coverage_of(const std::vector<Claim>& claims, const std::vector<GalleryResult>& gallery, const std::filesystem::path& report);

}  // namespace slicecheck
