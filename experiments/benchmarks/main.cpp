/// Google Benchmark's main, and what the figures were measured with.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "cuda.h"
#include "slicecheck/core/build_info.h"
#include "slicecheck/core/parallel.h"

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "not set" : value;
}

/// The widest of the instruction sets that change the figures.
std::string instruction_set() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") != 0) return "avx512f";
  if (__builtin_cpu_supports("avx2") != 0) return "avx2";
  if (__builtin_cpu_supports("avx") != 0) return "avx";
  return "less than avx";
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  namespace build = slicecheck::build;
  benchmark::AddCustomContext("threads of tables", std::to_string(slicecheck::thread_count()) + "; steps run on one");
  benchmark::AddCustomContext("OMP_NUM_THREADS", variable("OMP_NUM_THREADS"));
  benchmark::AddCustomContext("OPENBLAS_CORETYPE", variable("OPENBLAS_CORETYPE"));
  benchmark::AddCustomContext("instruction set", instruction_set());
  benchmark::AddCustomContext("build", std::string(build::type()) + ", " + std::string(build::compiler()) + ", " + std::string(build::flags()));
  slicecheck::benchmarks::register_cuda_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
