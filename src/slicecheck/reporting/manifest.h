#pragma once
/// What ran, on what, for how long: docs/formats.md, "manifest.json".

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace slicecheck {

/// Keeps the order in which fields were set.
using Json = nlohmann::ordered_json;

/// Written once when work begins (complete: false) and again when it has ended, so that a killed run can be told from a finished one.
class Manifest {
 public:
  /// The clock starts here.
  Manifest(std::vector<std::string> command, std::string profile, std::uint64_t seed, int threads);

  void set_ranks(int ranks) { ranks_ = ranks; }                         ///< one, unless told
  void set_device(std::string device) { device_ = std::move(device); }  ///< who computed the losses: "cpu", unless told
  /// Whatever else the run depends on.
  void set_settings(Json settings) { settings_ = std::move(settings); }
  /// A library beside those of the core.
  void add_library(const std::string& name, const std::string& version) { libraries_[name] = version; }

  /// Everything, with the seconds so far, atomically. @throws InputError where it cannot be written.
  void write(const std::filesystem::path& path, bool complete) const;

 private:
  std::vector<std::string> command_;
  std::string profile_;
  std::uint64_t seed_;
  int threads_;
  int ranks_ = 1;
  std::string device_ = "cpu";
  Json settings_ = Json::object();
  std::map<std::string, std::string> libraries_;
  std::chrono::system_clock::time_point started_;
  std::chrono::steady_clock::time_point clock_;
};

/// The commit that this program was built from, "…-dirty" where files differed from it: as it was installed, or of the source tree, if that is still there;
/// otherwise "unknown".
std::string source_revision();

/// Versions of the libraries that the core is built with.
std::map<std::string, std::string> core_library_versions();

/// Pretty-printed, atomically.
void write_json(const std::filesystem::path& path, const Json& json);

}  // namespace slicecheck
