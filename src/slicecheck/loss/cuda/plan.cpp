#include "slicecheck/loss/cuda/plan.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck::cuda {

namespace {

constexpr Index kMostDirections = 65'472;  // of a chunk: whole slabs, and below the largest second extent of a grid
constexpr Index kLargestInt = std::numeric_limits<std::int32_t>::max();
constexpr Index kLargestDimension = Index{64} * 65'535;  // 64 coordinates a block

}  // namespace

Plan::Plan(Index points, Index dimension, Index directions, bool with_gradient, Index aim)
    : n(points), d(dimension), count(directions), gradient(with_gradient), pitch(pitch_of(points)), chunk(0) {
  if (n < 1 || d < 1 || count < 1) reject("the cuda loss: n = {}, d = {}, {} directions; each must be at least 1", n, d, count);
  if (n > kLargestInt - 3 || count > kLargestInt) reject("the cuda loss: n = {}, {} directions; each must be below 2^31 - 3", n, count);
  if (d > kLargestDimension) reject("the cuda loss: d = {}; it takes up to {}", d, kLargestDimension);
  const Index slab = kSlab * direction_bytes() + slab_bytes();
  chunk = aim >= slab ? aim / slab * kSlab : (aim - slab_bytes()) / direction_bytes();
  chunk = std::max(Index{1}, std::min({chunk, kMostDirections, kLargestInt / pitch}));
  if (chunk >= kSlab) chunk = chunk / kSlab * kSlab;
  chunk = std::min(chunk, count);
}

Index Plan::direction_bytes() const {
  const Index projections = 4 * 2 * pitch;
  const Index gaps = 4 * n;
  const Index sorted = is_long() ? 16 * pitch : 0;
  return projections + gaps + sorted;
}

Index Plan::slab_bytes() const { return gradient ? 4 * n * d : 0; }

Index Plan::working_bytes() const { return chunk * direction_bytes() + slabs() * slab_bytes(); }

}  // namespace slicecheck::cuda
