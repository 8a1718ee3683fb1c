#pragma once
/// Experiments: trainings whose outcome is shown, not judged. Registered by name; each has two presets.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "settings.h"
#include "slicecheck/core/progress.h"
#include "slicecheck/core/ranks.h"
#include "slicecheck/cuda/device.h"

namespace slicecheck {

/// What an experiment is run with.
struct ExperimentContext {
  const Settings& settings;
  std::string profile;
  std::uint64_t seed;
  std::filesystem::path folder;  ///< where its files go
  std::filesystem::path data;    ///< where fetch_data.sh put the data sets
  bool resume;
  Progress& progress;
  Ranks& ranks;                           ///< one, unless the experiment is distributed
  bool writes;                            ///< this rank writes the files: rank 0. The others compute, and write nothing but checkpoints.
  cuda::Where device = cuda::Where::cpu;  ///< where trainings evaluate their loss; the processor, unless the experiment is one for CUDA
};

struct Experiment {
  std::string name;
  std::string title;
  std::string quick;  ///< preset, TOML
  std::string full;   ///< preset, TOML
  /// Writes the CSV and IDX files and, last, summary.json. @throws InputError for settings and data that cannot be used.
  std::function<void(const ExperimentContext&)> run;
  /// All ranks call `run`, and share the work through `ranks`. Otherwise rank 0 runs it alone.
  bool distributed = false;
  /// Its trainings can evaluate their loss on a CUDA device.
  bool for_cuda = false;
};

/// All experiments.
const std::vector<Experiment>& experiments();

/// @throws InputError for an unknown name; the sentence lists the known ones.
const Experiment& experiment_by_name(const std::string& name);

/// The preset of a profile, `quick` or `full`.
Settings preset(const Experiment& experiment, const std::string& profile);

}  // namespace slicecheck
