#include "slicecheck/reporting/manifest.h"

#include <fmt/chrono.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "slicecheck/core/build_info.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/installed.h"

namespace slicecheck {

namespace {

/// The value of the first line `key : value` of a file under /proc.
std::string proc_value(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return "unknown";
}

std::string os_name() {
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("PRETTY_NAME=")) return line.substr(13, line.size() - 14);
  utsname names{};
  return ::uname(&names) == 0 ? names.sysname : "unknown";
}

std::string instruction_set() {
  const std::string flags = fmt::format(" {} ", proc_value("/proc/cpuinfo", "flags"));
  for (const char* name : {"avx512f", "avx2", "avx", "sse4_2"})
    if (flags.find(fmt::format(" {} ", name)) != std::string::npos) return name;
  return "unknown";
}

Json machine() {
  const double kib = std::strtod(proc_value("/proc/meminfo", "MemTotal").c_str(), nullptr);
  return {{"cpu", proc_value("/proc/cpuinfo", "model name")},
          {"cores", std::thread::hardware_concurrency()},
          {"memory_gib", std::round(kib / 1024.0 / 1024.0)},
          {"os", os_name()},
          {"instruction_set", instruction_set()}};
}

/// The environment variables that change how fast the numerical libraries run.
Json environment() {
  Json out = Json::object();
  for (const char* name :
       {"OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"})
    if (const char* value = std::getenv(name)) out[name] = value;
  return out;
}

std::string command_output(const std::string& command) {
  std::string out;
  if (FILE* pipe = ::popen(command.c_str(), "r")) {
    std::array<char, 256> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) out += buffer.data();
    if (::pclose(pipe) != 0) return {};
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

std::string source_revision() {
  if (const auto installed = installed_files() / "revision"; std::filesystem::exists(installed)) {
    const std::string text = read_file(installed);
    return text.substr(0, text.find('\n'));
  }
  const std::string git = "git -C '" SLICECHECK_SOURCE_DIR "' ";
  const std::string head = command_output(git + "rev-parse HEAD 2>/dev/null");
  if (head.empty()) return "unknown";
  return command_output(git + "status --porcelain --untracked-files=no 2>/dev/null").empty() ? head : head + "-dirty";
}

Manifest::Manifest(std::vector<std::string> command, std::string profile, std::uint64_t seed, int threads)
    : command_(std::move(command)),
      profile_(std::move(profile)),
      seed_(seed),
      threads_(threads),
      libraries_(core_library_versions()),
      started_(std::chrono::system_clock::now()),
      clock_(std::chrono::steady_clock::now()) {}

void Manifest::write(const std::filesystem::path& path, bool complete) const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - clock_).count();
  write_json(path, {{"program", "slicecheck"},
                    {"version", build::version()},
                    {"commit", source_revision()},
                    {"command", command_},
                    {"profile", profile_},
                    {"seed", seed_},
                    {"threads", threads_},
                    {"ranks", ranks_},
                    {"device", device_},
                    {"settings", settings_},
                    {"build", {{"type", build::type()}, {"compiler", build::compiler()}, {"flags", build::flags()}, {"fingerprint", build::fingerprint()}}},
                    {"libraries", libraries_},
                    {"machine", machine()},
                    {"environment", environment()},
                    {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(started_)))},
                    {"duration_seconds", std::round(seconds * 10.0) / 10.0},
                    {"complete", complete}});
}

void write_json(const std::filesystem::path& path, const Json& json) {
  write_atomically(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace slicecheck
