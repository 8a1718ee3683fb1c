/// What an evaluation of the loss and a step of NPSGD cost on a CUDA device, from device memory to device memory.

#include <benchmark/benchmark.h>
#include <cuda_profiler_api.h>
#include <fmt/format.h>

#include <array>
#include <map>

#include "cuda.h"
#include "device_clock.h"
#include "slicecheck/core/random.h"
#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/dynamics/cuda/npsgd_step.h"
#include "slicecheck/loss/cuda/sliced_loss.h"
#include "slicecheck/loss/cuda/tiles.h"

namespace slicecheck::benchmarks {

namespace {

/// One call between the marks that `ncu --profile-from-start off` heeds; without a profiler they do nothing.
template <class Work>
void show_profiler(Work&& work) {
  cuda::check(cudaStreamSynchronize(nullptr), "waiting for the device");
  cudaProfilerStart();
  work();
  cuda::check(cudaStreamSynchronize(nullptr), "waiting for the device");
  cudaProfilerStop();
}

cuda::Buffer<float> normals_on_device(std::uint32_t replicate, Index rows, Index columns) {
  Eigen::VectorXd entries(rows * columns);
  RandomStream(1, Purpose::cases, replicate, 0).fill_normal(entries);
  const Eigen::VectorXf rounded = entries.cast<float>();
  cuda::Buffer<float> out;
  out.copy_from_host(rounded.data(), static_cast<std::size_t>(rounded.size()), nullptr);
  cuda::check(cudaStreamSynchronize(nullptr), "waiting for the device");
  return out;
}

/// Bytes that the kernels exchange with memory where every array is read and written once by each kernel that needs it: both clouds, projections out and in,
/// gaps out and in, partial gradients of 64 directions out and in, the gradient. A sort of the whole device (n > 8192) exchanges its rows once more, at least.
double least_bytes(Index n, Index d, Index count) {
  const auto rows = static_cast<double>(count) * static_cast<double>(n);
  const auto cloud = static_cast<double>(n) * static_cast<double>(d);
  const Index slabs = (count + cuda::kSlab - 1) / cuda::kSlab;
  const double sorted = n > cuda::kLargestTile ? 2.0 * (2.0 * rows + rows) : 0.0;
  return 4.0 * (2.0 * cloud + 2.0 * 2.0 * rows + 2.0 * rows + 2.0 * static_cast<double>(slabs) * cloud + cloud + sorted);
}

void tell_bandwidth(benchmark::State& state, double bytes) {
  state.counters["bytes"] = benchmark::Counter(bytes, benchmark::Counter::kDefaults, benchmark::Counter::kIs1024);
  state.counters["bytes/s"] = benchmark::Counter(bytes, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

/// Measured once for each size, however often the benchmark is repeated.
double torch_seconds(const std::array<Index, 3>& sizes) {
  static std::map<std::array<Index, 3>, double> measured;
  const auto [at, is_new] = measured.emplace(sizes, 0.0);
  if (is_new) at->second = torch_composition_seconds(sizes[0], sizes[1], sizes[2]);
  return at->second;
}

void cuda_loss(benchmark::State& state) {
  const Index n = state.range(0);
  const Index d = state.range(1);
  const Index count = state.range(2);
  const auto z = normals_on_device(0, n, d);
  const auto y = normals_on_device(1, n, d);
  cuda::Buffer<float> directions;
  const Points<float> theta = uniform_directions<float>({1, Purpose::cases, 2, 0}, count, d);
  directions.copy_from_host(theta.data(), static_cast<std::size_t>(theta.size()), nullptr);
  cuda::Buffer<double> values(static_cast<std::size_t>(count));
  cuda::Buffer<float> gradient(static_cast<std::size_t>(n * d));
  cuda::SlicedLoss loss;
  DeviceClock clock(nullptr);
  const auto evaluate = [&] { loss.evaluate(z.data(), y.data(), directions.data(), n, d, count, values.data(), gradient.data(), nullptr); };
  evaluate();  // takes its memory
  show_profiler(evaluate);
  double total = 0.0;
  for (auto _ : state) {
    const double seconds = clock.seconds(evaluate);
    state.SetIterationTime(seconds);
    total += seconds;
  }
  tell_bandwidth(state, least_bytes(n, d, count));
  const double torch = torch_seconds({n, d, count});
  if (torch < 0.0) return;
  state.counters["LibTorch"] = torch;
  state.counters["LibTorch/ours"] = torch / (total / static_cast<double>(state.iterations()));
}

/// Both kernels: u, φ in, u out, and u in and out once more for the projection.
void cuda_npsgd_step(benchmark::State& state) {
  const Index size = state.range(0);
  const auto u = normals_on_device(0, size, 1);
  const auto phi = normals_on_device(1, size, 1);
  cuda::NpsgdStep step;
  DeviceClock clock(nullptr);
  const RandomStream stream(1, Purpose::noise, 0, 0);
  const auto advance = [&] { step.advance(u.data(), phi.data(), size, 1e-3, 1.0, 1.0, {stream.counter(), stream.key()}, nullptr); };
  advance();
  show_profiler(advance);
  for (auto _ : state) state.SetIterationTime(clock.seconds(advance));
  tell_bandwidth(state, 4.0 * 5.0 * static_cast<double>(size));
}

}  // namespace

void register_cuda_benchmarks() {
  const cuda::DeviceList list = cuda::devices();
  if (list.devices.empty()) {
    fmt::print(stderr, "cuda_loss and cuda_npsgd_step are skipped: no CUDA device: {}\n", list.why_none);
    return;
  }
  const cuda::Device& device = list.devices.front();
  benchmark::AddCustomContext("CUDA device", fmt::format("{}, compute capability {}.{}, {} multiprocessors", device.name, device.compute_capability / 10,
                                                         device.compute_capability % 10, device.multiprocessors));
  auto* of_loss = benchmark::RegisterBenchmark("cuda_loss", cuda_loss)->ArgNames({"n", "d", "L"})->UseManualTime()->Unit(benchmark::kMicrosecond);
  // Those of docs/cuda.md, and images.
  for (const std::array<Index, 3>& sizes :
       {std::array<Index, 3>{64, 2, 64}, {256, 784, 128}, {512, 2, 256}, {1024, 64, 256}, {4096, 3, 512}, {8192, 2, 1024}, {65'536, 3, 128}, {8192, 784, 1000}})
    of_loss->Args({sizes.begin(), sizes.end()});
  auto* of_step = benchmark::RegisterBenchmark("cuda_npsgd_step", cuda_npsgd_step)->ArgName("d_u")->UseManualTime()->Unit(benchmark::kMicrosecond);
  for (const Index size : {100'000, 1'000'000, 10'000'000}) of_step->Arg(size);
}

}  // namespace slicecheck::benchmarks
