#include "experiments.h"

#include "presets.h"
#include "slicecheck/core/error.h"

namespace slicecheck {

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all{
      plane_sgd(std::string(presets::plane_sgd_quick), std::string(presets::plane_sgd_full)),
      plane_npsgd(std::string(presets::plane_npsgd_quick), std::string(presets::plane_npsgd_full)),
      npsgd_guidelines(std::string(presets::npsgd_guidelines_quick), std::string(presets::npsgd_guidelines_full)),
      calibration(std::string(presets::calibration_quick), std::string(presets::calibration_full)),
      clarke_set(std::string(presets::clarke_set_quick), std::string(presets::clarke_set_full)),
      complexity(std::string(presets::complexity_quick), std::string(presets::complexity_full)),
      flow_limit(std::string(presets::flow_limit_quick), std::string(presets::flow_limit_full)),
      npsgd_neighbourhood(std::string(presets::npsgd_neighbourhood_quick), std::string(presets::npsgd_neighbourhood_full)),
      fashion_mnist(std::string(presets::fashion_mnist_quick), std::string(presets::fashion_mnist_full)),
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
