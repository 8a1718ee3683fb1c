#pragma once
/// Verdicts, claims and the gallery as JSON: docs/formats.md.

#include "slicecheck/gallery/matrix.h"
#include "slicecheck/reporting/coverage.h"
#include "slicecheck/reporting/manifest.h"

namespace slicecheck {

/// One entry of verdicts.json. NaN and infinities, which JSON lacks, become the strings "nan", "inf".
Json verdict_json(const Verdict& verdict, const std::string& profile);

/// The outcome in words, beside what was declared: holds; refuted; inconclusive; for a finding "refuted, as declared" and "holds, though declared refuted".
std::string outcome_in_words(const Verdict& verdict);

/// One entry of gallery.json.
Json gallery_json(const GalleryResult& result);

/// One entry of claims.json.
Json claim_json(const Claim& claim, const Coverage& coverage);

/// The command that repeats a verdict.
std::string reproduce_command(const Verdict& verdict);

}  // namespace slicecheck
