#pragma once
/// What `slicecheck regime` leaves in its folder: summary.json and its tables (docs/formats.md).

#include <filesystem>

#include "slicecheck/diagnosis/regime_judgement.h"
#include "slicecheck/reporting/manifest.h"
#include "training_file.h"

namespace slicecheck::app {

/// The verdict with its figures as one object: what `--json` prints.
Json regime_json(const TrainingFile& file, const RegimeMeasurements& measured, const RegimeJudgement& judgement);

/// The table of the step sizes, first row the header, for a terminal.
std::vector<std::vector<std::string>> regime_table(const RegimeMeasurements& measured, const RegimeStatistics& statistics);

/// levels.csv, paths.csv, training.csv and summary.json.
void write_regime(const TrainingFile& file, const RegimeMeasurements& measured, const RegimeJudgement& judgement, double tolerance,
                  const std::filesystem::path& folder);

}  // namespace slicecheck::app
