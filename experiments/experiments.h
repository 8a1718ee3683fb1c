#pragma once
/// One function per experiment; `experiments.cpp` puts them into the registry with their presets.

#include "experiment.h"

namespace slicecheck {

Experiment plane_sgd(std::string quick, std::string full);
Experiment plane_npsgd(std::string quick, std::string full);
Experiment calibration(std::string quick, std::string full);
Experiment clarke_set(std::string quick, std::string full);
Experiment complexity(std::string quick, std::string full);
Experiment flow_limit(std::string quick, std::string full);
Experiment fashion_mnist(std::string quick, std::string full);
Experiment npsgd_guidelines(std::string quick, std::string full);
Experiment npsgd_neighbourhood(std::string quick, std::string full);

}  // namespace slicecheck
