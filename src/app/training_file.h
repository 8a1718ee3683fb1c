#pragma once
/// Training files: a user's own training in TOML (docs/trainings.md).

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
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

/// What the commands on training files have in common: --set, --seed, --threads, --out, --json.
struct TrainingOptions {
  std::vector<std::string> assignments;
  std::optional<std::uint64_t> seed;  ///< instead of that of the file
  int threads = 0;                    ///< 0: as many as there are
  std::string out;                    ///< run folder; empty: none
  bool json = false;
};

/// Adds them to a command whose files go to OUT/`folder`, and whose JSON is `what`.
void add_training_options(CLI::App& command, TrainingOptions& options, const std::string& folder, const std::string& what);

/// Reads a training file; `assignments` override it (`--set key=value`). Files that it names are found beside it. Settings that are not in the file keep the
/// values of `default_training()`; sections [regime] and [audit] are the settings of those commands.
/// @throws InputError for unknown keys, values that make no sense, files that cannot be read, and parts whose dimensions do not fit.
TrainingFile read_training_file(const std::filesystem::path& path, const std::vector<std::string>& assignments);

/// The same with --set and --seed.
TrainingFile read_training_file(const std::filesystem::path& path, const TrainingOptions& options);

/// All keys with their default values, as TOML with a comment for each.
std::string_view default_training();

}  // namespace slicecheck::app
