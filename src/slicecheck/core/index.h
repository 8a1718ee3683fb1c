#pragma once
/// Sizes, without Eigen: kernels include this one.

#include <cstddef>

namespace slicecheck {

/// A size or a position; signed, as in Eigen.
using Index = std::ptrdiff_t;

}  // namespace slicecheck
