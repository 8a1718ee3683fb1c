#pragma once
/// The parts of the experiment `calibration`: what the statistics are worth.

#include <string>
#include <vector>

#include "experiment.h"
#include "slicecheck/claims/case_stream.h"
#include "slicecheck/reporting/manifest.h"

namespace slicecheck {

/// What a part adds to summary.json; its CSV files are written already.
struct CalibrationPart {
  std::vector<std::string> facts;
  Json tables = Json::array();
  Json figures = Json::array();
};

/// Size: are the p-values of right subjects as rare as they say? Settings size.seeds, size.case_size, size.draws. Writes size.csv, p_values.csv,
/// functions.csv, function_p_values.csv.
CalibrationPart calibrate_size(const ExperimentContext& context);

/// Coverage: how often do the intervals of the report contain what they estimate? Settings coverage.*. Writes coverage.csv.
CalibrationPart calibrate_coverage(const ExperimentContext& context);

/// Power: how many cases does a claim need for the planted defect that it finds hardest? Settings power.cases, power.least. Writes power.csv, power_pairs.csv.
CalibrationPart calibrate_power(const ExperimentContext& context);

}  // namespace slicecheck
