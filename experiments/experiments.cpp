#include "experiments.h"

#include "presets.h"
#include "slicecheck/core/error.h"

namespace slicecheck {

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all{
#define SLICECHECK_EXPERIMENT(name) name(std::string(presets::name##_quick), std::string(presets::name##_full)),
#include "experiments.def"
#undef SLICECHECK_EXPERIMENT
  };
  return all;
}

const Experiment& experiment_by_name(const std::string& name) {
  std::vector<std::string> names;
  for (const Experiment& experiment : experiments()) {
    if (experiment.name == name) return experiment;
    names.push_back(experiment.name);
  }
  reject("unknown experiment '{}'; the known ones are {}", name, fmt::join(names, ", "));
}

Settings preset(const Experiment& experiment, const std::string& profile) {
  if (profile != "quick" && profile != "full") reject("unknown profile '{}'; expected quick or full", profile);
  return Settings::from_toml(profile == "quick" ? experiment.quick : experiment.full, fmt::format("preset {}.{}.toml", experiment.name, profile));
}

}  // namespace slicecheck
