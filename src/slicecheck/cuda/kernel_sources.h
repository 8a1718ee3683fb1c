#pragma once
/// Which sources the kernels of this program were compiled from.

namespace slicecheck::cuda {

/// SHA-256, in hexadecimal digits, over the files of src/slicecheck/cuda, loss/cuda and dynamics/cuda at build time. The tests compare that of the shipped
/// library with that of every other build of the kernels that they run.
const char* kernel_sources_hash();

}  // namespace slicecheck::cuda
