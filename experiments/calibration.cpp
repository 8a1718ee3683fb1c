/// Experiment `calibration`: size, coverage and power of the statistics that verdicts and tables rest on.
///
/// Every number is a function of (seed, case), so that it depends on no number of threads. There is no checkpoint: a whole run takes minutes, and a resumed one
/// computes everything again, to the same bits.

#include "calibration.h"

#include "experiments.h"

namespace slicecheck {

namespace {

void run_calibration(const ExperimentContext& context) {
  Json tables = Json::array();
  Json figures = Json::array();
  std::vector<std::string> facts;
  for (auto* part : {calibrate_size, calibrate_coverage, calibrate_power}) {
    CalibrationPart one = part(context);
    for (std::string& fact : one.facts) facts.push_back(std::move(fact));
    for (Json& table : one.tables) tables.push_back(std::move(table));
    for (Json& figure : one.figures) figures.push_back(std::move(figure));
  }
  const Json summary{
      {"name", "calibration"},
      {"title", "Size, coverage and power of the statistics"},
      {"description",
       "What the random verdicts and the intervals of this report are worth. Size: on subjects without a defect, p-values may be small only as often as they "
       "say. Coverage: a 95 % interval should contain what it estimates in 95 % of repetitions; measured where the truth is known exactly. Power: for every "
       "claim, the planted defect that it finds hardest, and how many cases it takes to see it."},
      {"profile", context.profile},
      {"seed", context.seed},
      {"facts", facts},
      {"departures", Json::array()},
      {"tables", std::move(tables)},
      {"figures", std::move(figures)}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment calibration(std::string quick, std::string full) {
  return {"calibration", "Size, coverage and power of the statistics", std::move(quick), std::move(full), run_calibration};
}

}  // namespace slicecheck
