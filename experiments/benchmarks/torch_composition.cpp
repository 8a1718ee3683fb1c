// Compiled only where LibTorch has CUDA. NOT TESTED: no machine of ours has had such a LibTorch.
#include <torch/cuda.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>

#include "cuda.h"

namespace slicecheck::benchmarks {

namespace {

void evaluate(const torch::Tensor& z, const torch::Tensor& y, const torch::Tensor& theta) {
  const auto sorted = [&](const torch::Tensor& points) { return std::get<0>(theta.matmul(points.t()).sort(1)); };
  z.mutable_grad().reset();
  (sorted(z) - sorted(y)).square().mean().backward();
}

}  // namespace

double torch_composition_milliseconds(long n, long d, long count) {
  if (!torch::cuda::is_available()) return -1.0;
  constexpr int kRounds = 10;
  const auto on_device = torch::TensorOptions().device(torch::kCUDA).dtype(torch::kFloat);
  const auto z = torch::randn({n, d}, on_device).requires_grad_(true);
  const auto y = torch::randn({n, d}, on_device);
  const auto directions = torch::randn({count, d}, on_device);
  const auto theta = directions / directions.norm(2, 1, true);
  double best = -1.0;
  for (int round = 0; round < kRounds + 2; ++round) {  // two to warm up
    torch::cuda::synchronize();
    const auto begin = std::chrono::steady_clock::now();
    evaluate(z, y, theta);
    torch::cuda::synchronize();
    const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    if (round >= 2) best = best < 0.0 ? milliseconds : std::min(best, milliseconds);
  }
  return best;
}

}  // namespace slicecheck::benchmarks
