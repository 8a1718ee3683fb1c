#pragma once
/// The shipped kernels against loops that do the same arithmetic one number after the other. Needs the standard library alone, so that every build of the
/// kernels can be judged by it: on fibres under each sanitizer, on the PTX machine, on a device.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace slicecheck::shipped {

/// A batch on which the kernels are run.
struct LossCase {
  std::ptrdiff_t n, d, count;
  std::uint64_t seed = 1;
  bool ties = false;    ///< coordinates are small multiples of 1/4 and some are −0: many equal projections
  double offset = 0.0;  ///< added to every coordinate of both clouds
  bool gradient = true;
  std::ptrdiff_t working_bytes = 0;  ///< that SlicedLoss aims at; 0: its own choice
};

/// Runs SlicedLoss on outputs that hold NaN before, and compares with loops in the same order of operations: gaps and order must be the same to the bit, which
/// leaves w_l within the rounding of a sum of n doubles (γ_{n+1}), and the gradient within that of a sum of `count` floats in any order.
/// Returns what is wrong, in words; empty if nothing.
std::string wrong_with_loss(const LossCase& loss_case);

/// A step of NPSGD.
struct StepCase {
  std::ptrdiff_t size;
  std::uint64_t seed = 1;
  double alpha = 0.125;
  double radius = 1.0;  ///< infinity: no projection
  double noise = 1.0;
};

/// Runs NpsgdStep and compares with the step in double, noise included. Bound of an entry: the normals err by 2^-20·(1 + |ε|), the rest by 4 roundings of what
/// is added, the projection by 2 roundings more. Returns what is wrong, in words; empty if nothing.
std::string wrong_with_step(const StepCase& step_case);

/// Sizes at which something changes: tiles, warps, four floats at a time, slabs.
std::vector<std::ptrdiff_t> points_around_tiles();

}  // namespace slicecheck::shipped
