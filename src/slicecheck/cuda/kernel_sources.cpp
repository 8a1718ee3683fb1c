#include "slicecheck/cuda/kernel_sources.h"

#include "kernel_sources_hash.h"  // made by the build

namespace slicecheck::cuda {

const char* kernel_sources_hash() { return SLICECHECK_KERNEL_SOURCES_HASH; }

}  // namespace slicecheck::cuda
