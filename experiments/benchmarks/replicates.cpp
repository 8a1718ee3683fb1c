/// The cost of a table of trainings, on all threads, as a function of replicates × steps; with and without checkpoints.

#include "slicecheck/core/replicates.h"

#include <benchmark/benchmark.h>

#include <filesystem>

#include "trainings.h"

namespace slicecheck::benchmarks {

namespace {

/// Row i: the parameters of a training of `steps` steps with replicate number i.
void measure_table(benchmark::State& state, const ReplicateSettings& settings) {
  const Index replicates = state.range(0);
  const Index steps = state.range(1);
  const Index width = affine_training(Loss::cpu, {}).generator->parameters();
  SingleRank alone;
  SilentProgress progress;
  for (auto _ : state) {
    const auto table = run_replicates(
        replicates, width,
        [&](Index replicate, Eigen::Ref<Eigen::RowVectorXd> row) {
          const auto parts = affine_training(Loss::cpu, {}, 2, static_cast<std::uint32_t>(replicate));
          auto training = start(parts);
          for (Index step = 0; step < steps; ++step) (void)advance(parts, training);
          row = training.u.transpose();
        },
        settings, alone, "table", progress);
    benchmark::DoNotOptimize(table.data());
  }
  state.SetComplexityN(replicates * steps);
  state.counters["steps/s"] = benchmark::Counter(static_cast<double>(replicates * steps), benchmark::Counter::kIsIterationInvariantRate);
}

void table(benchmark::State& state) { measure_table(state, {}); }

/// A file after every replicate: the dearest choice there is.
void table_saved_after_every_row(benchmark::State& state) {
  const auto folder = std::filesystem::temp_directory_path() / "slicecheck-benchmark";
  measure_table(state, {folder, "benchmark", 0.0, false});
  std::filesystem::remove_all(folder);
}

}  // namespace

BENCHMARK(table)
    ->ArgNames({"replicates", "steps"})
    ->ArgsProduct({{1, 4, 16, 64}, {16, 128, 1024}})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond)
    ->Complexity(benchmark::oN);
BENCHMARK(table_saved_after_every_row)
    ->ArgNames({"replicates", "steps"})
    ->ArgsProduct({{64}, {16, 128, 1024}})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace slicecheck::benchmarks
