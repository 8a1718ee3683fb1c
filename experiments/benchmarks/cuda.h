#pragma once
/// Benchmarks that need a CUDA device.

namespace slicecheck::benchmarks {

/// Registers them; where there is no device, prints "skipped: " and why, and registers none.
void register_cuda_benchmarks();

/// Milliseconds on the device of one evaluation with its gradient as a user of LibTorch writes it: project, sort, subtract, square, mean, backward. In
/// torch_composition.cpp, where LibTorch has CUDA; elsewhere negative: unknown.
double torch_composition_milliseconds(long n, long d, long count);

}  // namespace slicecheck::benchmarks
