#pragma once
/// Standard normals for many blocks of a random stream at once.

#include <cstdint>

#include "slicecheck/core/index.h"

namespace slicecheck {

/// Counter of block 0 and key of a stream: docs/formats.md, "Random streams".
struct PhiloxStream {
  const std::uint32_t* counter;  ///< four words
  const std::uint32_t* key;      ///< two words
};

/// The two uniforms (u, v) of each block by Philox4x32-10, then Box–Muller: √(−2 ln(1 − u)) · (cos 2πv, sin 2πv), one pair after another. By Highway's vector
/// logarithm, sine and cosine (at most 4 units in the last place each); what a block gives does not depend on the others, nor on how many there are.
/// Rounding: each normal is within 24 u · (its radius) of the exact one, u = 2^−53, plus that of the argument 2πv, 2π·u·radius.
void normals_of_blocks(const PhiloxStream& stream, const std::uint64_t* blocks, Index count, double* normals);

}  // namespace slicecheck
