#pragma once
/// Training files: a user's own training in TOML (docs/trainings.md).

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "settings.h"
#include "slicecheck/diagnosis/training_description.h"

namespace slicecheck::app {

struct TrainingFile {
  Settings settings;  ///< every key, those that the file leaves out as well
  TrainingDescription training;
};

/// Reads a training file; `assignments` override it (`--set key=value`). Files that it names are found beside it. Settings that are not in the file keep the
/// values of `default_training()`; sections [regime] and [audit] are the settings of those commands.
/// @throws InputError for unknown keys, values that make no sense, files that cannot be read, and parts whose dimensions do not fit.
TrainingFile read_training_file(const std::filesystem::path& path, const std::vector<std::string>& assignments);

/// All keys with their default values, as TOML with a comment for each.
std::string_view default_training();

}  // namespace slicecheck::app
