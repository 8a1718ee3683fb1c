#pragma once
/// A kernel of the tests for launch.h: no shipped kernel takes more than 48 KB of shared memory.

#include <cstddef>

namespace slicecheck::shipped {

/// Launches a block of `threads` threads that fills `bytes` (a multiple of 4) of shared memory with 1, 2, … and writes their sum, modulo 2^32.
/// @throws CudaError where the launch is refused.
void launch_sum_in_shared(std::size_t bytes, unsigned threads, unsigned* sum);

}  // namespace slicecheck::shipped
