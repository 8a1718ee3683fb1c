/// The cost of one SGD step as a function of n, L and d_u, on one thread, as in a replicate: batch, forward, loss, pullback, update.

#include <benchmark/benchmark.h>

#include "slicecheck/core/parallel.h"
#include "trainings.h"

namespace slicecheck::benchmarks {

namespace {

void measure_steps(benchmark::State& state, const TrainingParts<double>& parts, Index size) {
  const int threads = thread_count();
  set_thread_count(1);
  State<double> training = start(parts);
  for (auto _ : state) benchmark::DoNotOptimize(advance(parts, training).loss);
  set_thread_count(threads);
  state.SetComplexityN(size);
  state.counters["d_u"] = static_cast<double>(training.u.size());
}

void step_by_n(benchmark::State& state, Loss loss) { measure_steps(state, affine_training(loss, {.n = state.range(0)}), state.range(0)); }

void step_by_directions(benchmark::State& state, Loss loss) { measure_steps(state, affine_training(loss, {.directions = state.range(0)}), state.range(0)); }

/// As a function of d_u; the dimension of the space grows with it.
void step_by_affine_parameters(benchmark::State& state, Loss loss) {
  const auto parts = affine_training(loss, {}, state.range(0));
  measure_steps(state, parts, parts.generator->parameters());
}

/// As a function of d_u; the loss stays in the plane.
void step_by_mlp_parameters(benchmark::State& state, Loss loss) {
  const auto parts = mlp_training(loss, {}, state.range(0));
  measure_steps(state, parts, parts.generator->parameters());
}

}  // namespace

BENCHMARK_CAPTURE(step_by_n, reference, Loss::reference)->ArgName("n")->RangeMultiplier(4)->Range(4, 1024)->Complexity(benchmark::oNLogN);
BENCHMARK_CAPTURE(step_by_n, cpu, Loss::cpu)->ArgName("n")->RangeMultiplier(4)->Range(4, 1024)->Complexity(benchmark::oNLogN);
BENCHMARK_CAPTURE(step_by_directions, reference, Loss::reference)->ArgName("L")->RangeMultiplier(4)->Range(1, 256)->Complexity(benchmark::oN);
BENCHMARK_CAPTURE(step_by_directions, cpu, Loss::cpu)->ArgName("L")->RangeMultiplier(4)->Range(1, 256)->Complexity(benchmark::oN);
// Below some thousand parameters the batch and the loss cost more than they do: no fit.
BENCHMARK_CAPTURE(step_by_affine_parameters, reference, Loss::reference)->ArgName("dimension")->RangeMultiplier(2)->Range(2, 128);
BENCHMARK_CAPTURE(step_by_affine_parameters, cpu, Loss::cpu)->ArgName("dimension")->RangeMultiplier(2)->Range(2, 128);
BENCHMARK_CAPTURE(step_by_mlp_parameters, reference, Loss::reference)->ArgName("width")->RangeMultiplier(2)->Range(4, 256);
BENCHMARK_CAPTURE(step_by_mlp_parameters, cpu, Loss::cpu)->ArgName("width")->RangeMultiplier(2)->Range(4, 256);

}  // namespace slicecheck::benchmarks
