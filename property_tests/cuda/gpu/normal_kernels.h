#pragma once
/// The random words and normals that kernels draw, brought to the host.

#include <array>
#include <cstdint>
#include <vector>

#include "slicecheck/dynamics/cuda/npsgd_step.h"

namespace slicecheck::testing {

using Words = std::array<std::uint32_t, 4>;

/// The words of each of these blocks of a stream, as normals.cuh makes them.
std::vector<Words> device_words(const cuda::NoiseStream& stream, const std::vector<std::uint32_t>& blocks);

/// The two normals that normals.cuh makes of each block of words.
std::vector<std::array<float, 2>> device_normals(const std::vector<Words>& words);

}  // namespace slicecheck::testing
