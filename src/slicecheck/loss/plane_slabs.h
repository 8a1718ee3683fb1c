#pragma once
/// The events of the angular sweep in the plane, slab of angles by slab of angles, so that they need not all be in memory at once (theory/plane.md, P1).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "slicecheck/loss/plane_events.h"
#include "slicecheck/loss/plane_ties.h"

namespace slicecheck {

/// Gives every event once, by increasing angle, in exact order and with the exact groups of simultaneous ones.
///
/// A slab holds the events with low ≤ slope < high, exactly: a group never lies in two of them. They are the pairs that insertion exchanges when it brings the
/// order of the projections at the one end to that at the other: O(n + events) for a slab. Bounds are quantiles of a sample of slopes, so slabs have some 8n
/// events, and memory is O(n) unless very many events have one slope.
class PlaneSlabs {
 public:
  /// `clouds` must outlive this. `per_slab`: how many events to aim at; 0 chooses.
  explicit PlaneSlabs(const PlaneClouds& clouds, std::size_t per_slab = 0);

  /// On to the next slab that is not empty; false after the last one.
  bool next();

  [[nodiscard]] std::span<const PlaneEvent> events() const { return events_; }
  /// Group g of the slab is events group_ends()[g − 1], …, group_ends()[g] − 1; the first begins at 0.
  [[nodiscard]] std::span<const std::uint32_t> group_ends() const { return group_ends_; }

 private:
  /// A point at its place in the present order of its cloud.
  struct Placed {
    double x;
    double y;
    std::uint32_t point;
  };

  void choose_bounds(std::size_t slabs);
  [[nodiscard]] static bool steeper_than(double bound, const Placed& left, const Placed& right);
  template <bool kBounded>
  void exchange(std::span<Placed> order, double bound);
  void sort_by_slope();
  void separate_groups();

  const PlaneClouds& clouds_;
  std::vector<Placed> order_;  ///< of Z, then of Y
  std::vector<double> bounds_;
  std::size_t slab_ = 0;
  std::vector<PlaneEvent> events_;
  std::vector<std::uint32_t> group_ends_;
  std::vector<PlaneEvent> scattered_;
  std::vector<double> places_;
  std::vector<std::uint32_t> buckets_;
  std::vector<std::uint32_t> bucket_ends_;
  PlaneTies ties_;
};

}  // namespace slicecheck
