#pragma once
/// Events of the angular sweep in the plane whose rounded slopes are too close to tell their order: which come first, and which are simultaneous.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "slicecheck/loss/plane_events.h"

namespace slicecheck {

class PlaneTies {
 public:
  /// `clouds` must outlive this.
  explicit PlaneTies(const PlaneClouds& clouds) : clouds_(clouds) {}

  /// Sorts `events` exactly and appends the end of every group of simultaneous ones, plus `offset`, to `ends`.
  ///
  /// First by slopes to some hundred bits, then, where those do not tell, by exact signs. Of points on one line, all pairs are simultaneous: one exact sign for
  /// each point finds that, so k points on a line cost O(k) signs and not one for each comparison of k² pairs.
  void separate(std::span<PlaneEvent> events, std::uint32_t offset, std::vector<std::uint32_t>& ends);

 private:
  /// high + low is the slope with a relative error below 2^−99.
  struct FineEvent {
    double high;
    double low;
    PlaneEvent event;
  };

  void separate_exactly(std::span<PlaneEvent> events, std::uint32_t offset, std::vector<std::uint32_t>& ends);
  void separate_by_lines(std::span<PlaneEvent> events, std::uint32_t offset, std::vector<std::uint32_t>& ends);
  [[nodiscard]] bool refine(const PlaneEvent& event, FineEvent& fine) const;
  [[nodiscard]] std::uint32_t root(std::uint32_t point);

  const PlaneClouds& clouds_;
  std::vector<FineEvent> fine_;
  std::vector<std::uint32_t> parent_;  ///< of a forest whose trees are the points that events connect; the root is the first point of its tree
  std::vector<std::uint32_t> last_;    ///< of the tree with this root, its last point
  std::vector<bool> bent_;             ///< whether the tree with this root has points off the line from its first to its last
  std::vector<std::uint32_t> line_entry_;
};

}  // namespace slicecheck
