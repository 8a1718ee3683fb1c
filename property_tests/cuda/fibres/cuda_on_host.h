#pragma once
/// What a CUDA source sees instead of <cuda_runtime.h> when g++ or clang compiles it as C++ (SLICECHECK_CUDA_ON_HOST): the words of CUDA C++, with every CUDA
/// thread a fibre (fibres.h). CUDA's own headers give the types and declare the runtime's functions; cuda_on_host_runtime.cpp defines those that are used.
///
/// Shared memory comes from `dynamic_shared<T>()` and `block_shared<T>()`. A variable `__shared__` does not compile: in C++ it would be one for all blocks.

#include "cuda_words.h"
#include "device_functions.h"
#include "fibres.h"
#include "host_launch.h"
#include "warp_functions.h"
