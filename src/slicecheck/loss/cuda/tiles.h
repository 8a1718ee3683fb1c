#pragma once
/// The shapes in which a block sorts one direction.

#include "slicecheck/core/index.h"

namespace slicecheck::cuda {

/// `threads` threads with `items` points each sort up to threads·items points.
struct Tile {
  int threads;
  int items;
  [[nodiscard]] constexpr int points() const { return threads * items; }
};

/// Ascending. A batch takes the first tile that it fits in; one larger than the last is sorted by cub::DeviceSegmentedRadixSort.
constexpr Tile kTiles[] = {{32, 1}, {32, 4}, {128, 4}, {128, 8}, {256, 8}, {256, 16}, {512, 16}};

constexpr Index kLargestTile = kTiles[6].points();

/// Rows of projections begin at multiples of 4 floats, so that four are read at once.
constexpr Index pitch_of(Index n) { return (n + 3) / 4 * 4; }

/// Directions that one block of `sum_slab` adds up.
constexpr Index kSlab = 64;

}  // namespace slicecheck::cuda
