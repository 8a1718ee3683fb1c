#pragma once
/// What `slicecheck audit` prints and leaves in its folder: summary.json and its tables (docs/formats.md).

#include <filesystem>

#include "slicecheck/diagnosis/audit.h"
#include "slicecheck/reporting/manifest.h"
#include "training_file.h"

namespace slicecheck::app {

/// Everything that was found, as one object: what `--json` prints.
Json audit_json(const TrainingFile& file, const Audit& audit);

/// The audit for a terminal.
std::string audit_text(const Audit& audit);

/// assumptions.csv, flags.csv, constants.csv, sphere.csv, growth.csv, curvature.csv, kinks.csv and summary.json.
void write_audit(const TrainingFile& file, const Audit& audit, const std::filesystem::path& folder);

}  // namespace slicecheck::app
