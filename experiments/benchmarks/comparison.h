#pragma once
/// The run of scripts/bench.sh: checks everything, then times it, then tells.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace slicecheck::benchmarks {

struct ComparisonSettings {
  bool quick = false;
  std::vector<std::string> only;  ///< names of sections; all if empty
  std::optional<std::filesystem::path> json;
  std::string planted;  ///< a wrong candidate among the others
  bool peers = true;    ///< ask Python's libraries too
  std::filesystem::path data = "data";
};

/// Exit code: 0; 1 where a candidate is wrong, and then nothing was timed; 2 for settings that make no sense.
int compare(const ComparisonSettings& settings);

}  // namespace slicecheck::benchmarks
