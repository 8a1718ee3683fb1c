#include "peers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"

extern char** environ;

namespace slicecheck::benchmarks {

namespace {

constexpr const char* kPython = "/usr/bin/python3";  // the one that Debian's packages belong to

void write_floats(const std::filesystem::path& path, const Points<float>& points) {
  write_atomically(path, {reinterpret_cast<const char*>(points.data()), static_cast<std::size_t>(points.size()) * sizeof(float)});
}

/// A random name under the folder for temporary files.
std::string temporary_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "slicecheck-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw Error("no folder can be made for the clouds of the Python peers: " + name);
  return name;
}

}  // namespace

Peers::Peers() : folder_(temporary_folder()) {
  std::array<int, 2> request{};
  std::array<int, 2> answer{};
  if (pipe2(request.data(), O_CLOEXEC) != 0 || pipe2(answer.data(), O_CLOEXEC) != 0) throw Error("no pipe to the Python peers");
  std::signal(SIGPIPE, SIG_IGN);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, request[0], 0);
  posix_spawn_file_actions_adddup2(&actions, answer[1], 1);
  std::string python = kPython;
  std::string script = SLICECHECK_SCRIPTS_DIR "/bench_peers.py";
  std::array<char*, 4> arguments{python.data(), script.data(), folder_.data(), nullptr};
  const int failed = posix_spawn(&process_, kPython, &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(request[0]);
  close(answer[1]);
  to_ = fdopen(request[1], "w");
  from_ = fdopen(answer[0], "r");
  if (failed != 0) {
    process_ = -1;
    skipped_.push_back(fmt::format("NumPy and POT: {} cannot be started", kPython));
    return;
  }
  try {
    // First line: who is there, "name version gradient" each, then who is not and why.
    for (std::string line = ask("who"); line != "done"; line = ask("next")) {
      std::istringstream words(line);
      std::string kind;
      std::string name;
      words >> kind >> name;
      if (kind == "peer") {
        std::string version;
        std::string gradient;
        words >> version >> gradient;
        available_[name] = version;
        gradients_[name] = gradient == "gradient";
      } else {
        skipped_.push_back(line.substr(line.find(' ') + 1));
      }
    }
  } catch (const Error& error) {
    available_.clear();
    skipped_.push_back(fmt::format("NumPy and POT: {}", error.what()));
  }
}

Peers::~Peers() {
  if (to_ != nullptr) std::fclose(to_);
  if (from_ != nullptr) std::fclose(from_);
  if (process_ > 0) waitpid(process_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Peers::ask(const std::string& request) {
  std::string answer;
  if (std::fputs((request + "\n").c_str(), to_) >= 0 && std::fflush(to_) == 0)
    for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_)) answer.push_back(static_cast<char>(c));
  if (answer.empty()) throw Error("scripts/bench_peers.py ended without an answer");
  if (answer.starts_with("error ")) throw Error(answer.substr(6));
  return answer;
}

bool Peers::has_gradient(const std::string& peer) const { return gradients_.at(peer); }

void Peers::load(const Clouds& clouds) {
  const std::filesystem::path folder = folder_;
  write_floats(folder / "z", clouds.z);
  write_floats(folder / "y", clouds.y);
  write_floats(folder / "directions", clouds.directions);
  n_ = clouds.n();
  d_ = clouds.d();
  ask(fmt::format("load {} {} {}", clouds.n(), clouds.d(), clouds.count()));
}

LossGradient<float> Peers::evaluate(const std::string& peer, bool with_gradient) {
  LossGradient<float> out;
  out.value = std::strtod(ask(fmt::format("evaluate {} {}", peer, with_gradient ? "gradient" : "value")).c_str(), nullptr);
  if (!with_gradient) return out;
  const std::string bytes = read_file(std::filesystem::path(folder_) / "gradient");
  if (bytes.size() != static_cast<std::size_t>(n_ * d_) * sizeof(float)) throw Error(fmt::format("{} wrote a gradient of {} bytes", peer, bytes.size()));
  out.gradient.resize(n_, d_);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(out.gradient.data()));
  return out;
}

double Peers::seconds(const std::string& peer, bool with_gradient) {
  return std::strtod(ask(fmt::format("time {} {}", peer, with_gradient ? "gradient" : "value")).c_str(), nullptr);
}

std::optional<std::string> Peers::load_transport(VectorView<double> a, VectorView<double> b, PointsView<double> cost, double lambda, std::string& sentence) {
  const auto write = [&](const char* name, const Points<double>& numbers) {
    write_atomically(std::filesystem::path(folder_) / name,
                     {reinterpret_cast<const char*>(numbers.data()), static_cast<std::size_t>(numbers.size()) * sizeof(double)});
  };
  if (process_ < 0) {
    sentence = fmt::format("POT is not there: {} cannot be started", kPython);
    return std::nullopt;
  }
  write("a", a);
  write("b", b);
  write("cost", cost);
  const std::string answer = ask(fmt::format("transport {} {} {:.17g}", a.size(), b.size(), lambda));
  const std::string rest = answer.substr(answer.find(' ') + 1);
  if (answer.starts_with("sinkhorn ")) return rest;
  sentence = rest;
  return std::nullopt;
}

Index Peers::sinkhorn_iterations(double gap) { return std::strtol(ask(fmt::format("sinkhorn {:.17g}", gap)).c_str(), nullptr, 10); }

double Peers::sinkhorn_seconds(Index iterations) { return std::strtod(ask(fmt::format("time_sinkhorn {}", iterations)).c_str(), nullptr); }

}  // namespace slicecheck::benchmarks
