#pragma once
/// The qualifiers and built-in variables of CUDA C++.

#ifndef SLICECHECK_CUDA_ON_HOST
#error "These headers are for sources that are compiled with SLICECHECK_CUDA_ON_HOST."
#endif

// Before the macros: CUDA's headers define some of them in another way, and the standard library's use __noinline__ as a name of an attribute.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <thread>
#include <tuple>

#include "fibres.h"

#undef __global__
#undef __device__
#undef __host__
#undef __constant__
#undef __shared__
#undef __forceinline__
#undef __noinline__
#undef __launch_bounds__
#undef __align__
#undef __grid_constant__

#define __global__
#define __device__
#define __host__
#define __constant__
#define __shared__ use_dynamic_shared_or_block_shared_instead_of_a_shared_variable
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

#define threadIdx (::cuda_on_host::current_thread->thread)
#define blockIdx (::cuda_on_host::current_block->block)
#define blockDim (::cuda_on_host::current_block->threads)
#define gridDim (::cuda_on_host::current_block->blocks)
#define warpSize 32
