#pragma once
/// What `plane-sgd` and `plane-npsgd` share: report 000's plane targets and its dense network.

#include "arm.h"
#include "summary.h"

namespace slicecheck {

/// A target of the report with its name in tables, the law's name for law_by_name, and the F that the report's table gives.
struct PlaneTarget {
  std::string title;
  std::string law;
  double report_f;
};

/// The generator of the report: the dense ReLU network with the hidden widths of the setting `hidden`.
std::shared_ptr<const Generator<float>> plane_generator(const Settings& settings);

/// The report's step size policy, reduce on plateau, from the settings step_size and report.*.
std::shared_ptr<Schedule> plateau_schedule(const Settings& settings);
/// The theory's: constant step_size.
std::shared_ptr<Schedule> constant_schedule(const Settings& settings);

/// Which targets the setting `targets` names, with the F of the report's table. @throws InputError for unknown ones.
std::vector<PlaneTarget> chosen_targets(const Settings& settings, const std::vector<PlaneTarget>& known);

/// Words for a file name.
std::string slug(const std::string& text);

/// Writes tables, samples and figures of a plane experiment and returns its summary without facts and departures.
Json write_plane_results(const std::vector<ArmResult>& results, const EvaluationSettings& evaluation, const ExperimentContext& context);

}  // namespace slicecheck
