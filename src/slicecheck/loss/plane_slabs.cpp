#include "slicecheck/loss/plane_slabs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

constexpr std::size_t kSamplesPerSlab = 32;
constexpr std::size_t kFewestPerSlab = std::size_t{1} << 13;

bool by_slope(const PlaneEvent& left, const PlaneEvent& right) { return left.slope < right.slope; }

/// `cross_sign` takes them, and takes them fast.
bool is_usable_bound(double slope) { return slope == 0.0 || (std::abs(slope) >= 0x1p-400 && std::abs(slope) <= 0x1p500); }

}  // namespace

PlaneSlabs::PlaneSlabs(const PlaneClouds& clouds, std::size_t per_slab) : clouds_(clouds), ties_(clouds) {
  const std::size_t n = clouds.size();
  order_.reserve(2 * n);
  for (std::uint32_t k = 0; k < 2 * n; ++k) order_.push_back({clouds.point(k).x, clouds.point(k).y, k});
  if (per_slab == 0) per_slab = std::max(kFewestPerSlab, 8 * n);
  choose_bounds(n * (n - 1) / per_slab + 1);
}

void PlaneSlabs::choose_bounds(std::size_t slabs) {
  if (slabs < 2) return;
  const std::uint64_t n = clouds_.size();
  std::vector<double> sample;
  // Pairs all over both clouds, by the fractional parts of multiples of the golden ratio and of the root of two.
  for (std::uint64_t s = 1; s <= kSamplesPerSlab * slabs; ++s) {
    const std::uint64_t i = ((s * 0x9E3779B97F4A7C15U) >> 32) * n >> 32;
    const std::uint64_t j = ((s * 0x6A09E667F3BCC909U) >> 32) * n >> 32;
    const std::uint64_t cloud = s % 2 * n;
    const PlanePoint& from = clouds_.point(static_cast<std::uint32_t>(cloud + std::min(i, j)));
    const PlanePoint& to = clouds_.point(static_cast<std::uint32_t>(cloud + std::max(i, j)));
    if (from.x < to.x) sample.push_back((to.y - from.y) / (to.x - from.x));
  }
  std::sort(sample.begin(), sample.end());
  for (std::size_t at = kSamplesPerSlab; at < sample.size(); at += kSamplesPerSlab)
    if (is_usable_bound(sample[at]) && (bounds_.empty() || bounds_.back() < sample[at])) bounds_.push_back(sample[at]);
}

bool PlaneSlabs::next() {
  const std::size_t n = clouds_.size();
  const std::span<Placed> order = order_;
  events_.clear();
  group_ends_.clear();
  for (; events_.empty() && slab_ <= bounds_.size(); ++slab_) {
    for (const std::size_t begin : {std::size_t{0}, n}) {
      if (slab_ < bounds_.size()) {
        exchange<true>(order.subspan(begin, n), bounds_[slab_]);
      } else {
        exchange<false>(order.subspan(begin, n), 0.0);
      }
    }
  }
  if (events_.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error(
        fmt::format("exact SW in the plane: {} pairs of points change places at nearly one angle; at most 2^32 − 1 are sorted at once", events_.size()));
  sort_by_slope();
  separate_groups();
  return !events_.empty();
}

/// Of two points, `left` with the smaller x: whether their slope is at least `bound`, exactly.
bool PlaneSlabs::steeper_than(double bound, const Placed& left, const Placed& right) {
  const double rise = right.y - left.y;
  const double bounding_rise = bound * (right.x - left.x);
  const double above = rise - bounding_rise;
  // Errors: u of the rise, 2u of the other, u of the difference.
  if (std::abs(above) > 8.0 * tolerance::unit_roundoff<double>() * std::max(std::abs(rise), std::abs(bounding_rise)) + 0x1p-1000) return above > 0.0;
  return cross_sign({left.x, left.y}, {right.x, right.y}, {0.0, 0.0}, {1.0, bound}) <= 0;
}

/// Insertion brings one cloud into its order just before the angle of `bound`, or just before π; every exchange is an event.
template <bool kBounded>
void PlaneSlabs::exchange(std::span<Placed> order, double bound) {
  for (std::size_t k = 1; k < order.size(); ++k) {
    const Placed placed = order[k];
    std::size_t place = k;
    for (; place > 0; --place) {
      const Placed& left = order[place - 1];
      // Exchanged before, or to be exchanged at π only.
      if (!(left.x < placed.x)) break;
      if (kBounded && steeper_than(bound, left, placed)) break;
      events_.push_back({(placed.y - left.y) / (placed.x - left.x), left.point, placed.point});
      order[place] = left;
    }
    if (place != k) order[place] = placed;
  }
}

/// Into as many buckets as events, by a number that grows with the slope and is spread as the angles are; then each bucket.
void PlaneSlabs::sort_by_slope() {
  const std::size_t count = events_.size();
  if (count < 64) {
    std::sort(events_.begin(), events_.end(), by_slope);
    return;
  }
  double least = events_[0].slope;
  double largest = least;
  for (const PlaneEvent& event : events_) {
    least = std::min(least, event.slope);
    largest = std::max(largest, event.slope);
  }
  // Every rounding is monotone, so this is; where all slopes are steep it may as well begin at 0.
  const double far = least >= 1.0 || largest <= -1.0 ? 0.0 : 2.0;
  const auto place_of = [&](double slope) { return std::abs(slope) <= 1.0 ? slope : std::copysign(far, slope) - 1.0 / slope; };
  const double first = place_of(least);
  const double scale = static_cast<double>(count - 1) / (place_of(largest) - first);
  if (!(scale < 0x1p1000)) {
    std::sort(events_.begin(), events_.end(), by_slope);
    return;
  }
  places_.resize(count);
  for (std::size_t e = 0; e < count; ++e) places_[e] = scale * (place_of(events_[e].slope) - first);
  buckets_.resize(count);
  bucket_ends_.assign(count + 1, 0);
  for (std::size_t e = 0; e < count; ++e) {
    buckets_[e] = std::min(static_cast<std::uint32_t>(places_[e]), static_cast<std::uint32_t>(count - 1));
    ++bucket_ends_[buckets_[e] + 1];
  }
  for (std::size_t b = 0; b < count; ++b) bucket_ends_[b + 1] += bucket_ends_[b];
  scattered_.resize(count);
  for (std::size_t e = 0; e < count; ++e) scattered_[bucket_ends_[buckets_[e]]++] = events_[e];
  events_.swap(scattered_);
  for (std::size_t b = 0, begin = 0; b < count; begin = bucket_ends_[b], ++b)
    if (bucket_ends_[b] - begin > 16)
      std::sort(events_.begin() + static_cast<std::ptrdiff_t>(begin), events_.begin() + static_cast<std::ptrdiff_t>(bucket_ends_[b]), by_slope);
  // Buckets are in order, so this stays within the small ones.
  for (std::size_t e = 1; e < count; ++e) {
    if (!by_slope(events_[e], events_[e - 1])) continue;
    const PlaneEvent event = events_[e];
    std::size_t place = e;
    for (; place > 0 && by_slope(event, events_[place - 1]); --place) events_[place] = events_[place - 1];
    events_[place] = event;
  }
}

/// Rounded slopes decide where they surely do: slopes with their errors are intervals whose ends grow with the slope, so two neighbours that are surely in
/// order separate all before from all after.
void PlaneSlabs::separate_groups() {
  const std::size_t count = events_.size();
  group_ends_.reserve(count);
  for (std::size_t begin = 0, end = 0; begin < count; begin = end) {
    for (end = begin + 1; end < count && !surely_less(events_[end - 1].slope, events_[end].slope);) ++end;
    if (end == begin + 1) {
      group_ends_.push_back(static_cast<std::uint32_t>(end));
    } else {
      ties_.separate(std::span(events_).subspan(begin, end - begin), static_cast<std::uint32_t>(begin), group_ends_);
    }
  }
}

}  // namespace slicecheck
