#pragma once
/// Benchmarks that need a CUDA device.

namespace slicecheck::benchmarks {

/// Registers them; where there is no device, prints "skipped: " and why, and registers none.
void register_cuda_benchmarks();

/// Seconds on the device of one evaluation with its gradient as a user of LibTorch writes it: project, sort, subtract, square, mean, backward. The median of
/// rounds of calls in a row, as device_clock.h has it. In torch_composition.cpp, where LibTorch has CUDA; elsewhere negative: unknown.
double torch_composition_seconds(long n, long d, long count);

}  // namespace slicecheck::benchmarks
