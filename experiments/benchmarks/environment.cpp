#include "environment.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "matrix_products.h"
#include "slicecheck/core/build_info.h"
#include "torch_losses.h"

namespace slicecheck::benchmarks {

namespace {

using Json = nlohmann::ordered_json;

/// The value of the first line `key : value` of a file under /proc.
std::string proc_value(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto begin = line.find_first_not_of(" \t", line.find(':') + 1);
    if (begin != std::string::npos) return line.substr(begin);
  }
  return "unknown";
}

/// The widest of the instruction sets that change the figures.
std::string instruction_set() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") != 0) return "avx512f";
  if (__builtin_cpu_supports("avx2") != 0) return "avx2";
  if (__builtin_cpu_supports("avx") != 0) return "avx";
  return "less than avx";
}

Json variables() {
  Json out = Json::object();
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OMP_PROC_BIND",
                           "GOMP_SPINCOUNT", "MKL_NUM_THREADS", "ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA"})
    if (const char* value = std::getenv(name)) out[name] = value;
  return out;
}

std::vector<std::string> notes() {
  std::vector<std::string> out;
  if (const char* pinned = std::getenv("OPENBLAS_CORETYPE")) {
    const std::string core = openblas_core();
    const bool older = core != "SkylakeX" && core != "Cooperlake" && core != "SapphireRapids";
    if (older && instruction_set() == "avx512f")
      out.push_back(
          fmt::format("OPENBLAS_CORETYPE={} pins OpenBLAS to its {} kernels, older than this processor with AVX-512: matrix products of LibTorch, NumPy and "
                      "the limit may take up to twice as long as without it.",
                      pinned, core));
    else
      out.push_back(fmt::format("OPENBLAS_CORETYPE={} chooses OpenBLAS's kernels: {}.", pinned, core));
  }
  std::array<double, 1> load{};
  if (getloadavg(load.data(), 1) == 1 && load[0] > 0.5)
    out.push_back(
        fmt::format("The machine was not idle: a load of {:.1f} over the minute before. Ratios on one thread bear that for the most part; times, and what "
                    "several threads gain, do not.",
                    load[0]));
  if (build::type() != "Release") out.push_back(fmt::format("This is a {} build: its times mean nothing.", build::type()));
  return out;
}

}  // namespace

Json environment() {
  std::array<double, 1> load{};
  const bool known = getloadavg(load.data(), 1) == 1;
  return {{"cpu", proc_value("/proc/cpuinfo", "model name")},
          {"cores", std::thread::hardware_concurrency()},
          {"instruction_set", instruction_set()},
          {"memory_gib", std::strtod(proc_value("/proc/meminfo", "MemTotal").c_str(), nullptr) / 1024.0 / 1024.0},
          {"compiler", build::compiler()},
          {"build_type", build::type()},
          {"flags", build::flags()},
          {"fingerprint", build::fingerprint()},
          {"libtorch", torch_description()},
          {"openblas", {{"core", openblas_core()}, {"configuration", openblas_configuration()}}},
          {"variables", variables()},
          {"load", known ? Json(load[0]) : Json(nullptr)},
          {"notes", notes()}};
}

}  // namespace slicecheck::benchmarks
