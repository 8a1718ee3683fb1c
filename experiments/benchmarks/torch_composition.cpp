// Compiled only where LibTorch has CUDA.
#include <c10/cuda/CUDAStream.h>
#include <torch/cuda.h>
#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "cuda.h"
#include "device_clock.h"

namespace slicecheck::benchmarks {

namespace {

void evaluate(const torch::Tensor& z, const torch::Tensor& y, const torch::Tensor& theta) {
  const auto sorted = [&](const torch::Tensor& points) { return std::get<0>(theta.matmul(points.t()).sort(1)); };
  z.mutable_grad().reset();
  (sorted(z) - sorted(y)).square().mean().backward();
}

}  // namespace

double torch_composition_seconds(long n, long d, long count) {
  if (!torch::cuda::is_available()) return -1.0;
  constexpr std::size_t kRounds = 9;
  const auto on_device = torch::TensorOptions().device(torch::kCUDA).dtype(torch::kFloat);
  const auto z = torch::randn({n, d}, on_device).requires_grad_(true);
  const auto y = torch::randn({n, d}, on_device);
  const auto directions = torch::randn({count, d}, on_device);
  const auto theta = directions / directions.norm(2, 1, true);
  DeviceClock clock(c10::cuda::getCurrentCUDAStream().stream());
  clock.seconds([&] { evaluate(z, y, theta); });  // to warm up
  std::vector<double> seconds;
  while (seconds.size() < kRounds) seconds.push_back(clock.seconds([&] { evaluate(z, y, theta); }));
  std::nth_element(seconds.begin(), seconds.begin() + kRounds / 2, seconds.end());
  return seconds[kRounds / 2];
}

}  // namespace slicecheck::benchmarks
