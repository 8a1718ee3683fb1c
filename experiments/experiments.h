#pragma once
/// One function per experiment; `experiments.cpp` puts them into the registry with their presets.

#include "experiment.h"

namespace slicecheck {

#define SLICECHECK_EXPERIMENT(name) Experiment name(std::string quick, std::string full);
#include "experiments.def"
#undef SLICECHECK_EXPERIMENT

}  // namespace slicecheck
