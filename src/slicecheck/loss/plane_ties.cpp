#include "slicecheck/loss/plane_ties.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/loss/plane_exact.h"

namespace slicecheck {

using plane::exact_product;
using plane::exact_sum;
using plane::TwoDoubles;

namespace {

/// With fewer events than this, comparing each costs less than looking for lines.
constexpr std::size_t kFew = 16;

constexpr auto kNone = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void PlaneTies::separate(std::span<PlaneEvent> events, std::uint32_t offset, std::vector<std::uint32_t>& ends) {
  fine_.resize(events.size());
  for (std::size_t e = 0; e < events.size(); ++e) {
    if (refine(events[e], fine_[e])) continue;
    separate_exactly(events, offset, ends);
    return;
  }
  std::sort(fine_.begin(), fine_.end(),
            [](const FineEvent& left, const FineEvent& right) { return left.high != right.high ? left.high < right.high : left.low < right.low; });
  for (std::size_t e = 0; e < events.size(); ++e) events[e] = fine_[e].event;
  for (std::size_t begin = 0, end = 0; begin < events.size(); begin = end) {
    for (end = begin + 1; end < events.size(); ++end) {
      const FineEvent& left = fine_[end - 1];
      const FineEvent& right = fine_[end];
      if ((right.high - left.high) + (right.low - left.low) > 0x1p-97 * std::max(std::abs(left.high), std::abs(right.high))) break;
    }
    separate_exactly(events.subspan(begin, end - begin), offset + static_cast<std::uint32_t>(begin), ends);
  }
}

/// False where a product could underflow.
bool PlaneTies::refine(const PlaneEvent& event, FineEvent& fine) const {
  const PlanePoint& from = clouds_.point(event.first);
  const PlanePoint& to = clouds_.point(event.second);
  const TwoDoubles rise = exact_sum(to.y, -from.y);
  const TwoDoubles run = exact_sum(to.x, -from.x);
  if (!plane::far_from_underflow(rise) || !plane::far_from_underflow(run)) return false;
  // Newton's step: the remainder of the rounded quotient is a difference of two numbers closer than a factor of two, and of small terms.
  const double quotient = rise.high / run.high;
  const TwoDoubles product = exact_product(quotient, run.high);
  const double remainder = ((rise.high - product.high) - product.low) + (rise.low - quotient * run.low);
  const TwoDoubles slope = exact_sum(quotient, remainder / run.high);
  fine = {slope.high, slope.low, event};
  return true;
}

void PlaneTies::separate_exactly(std::span<PlaneEvent> events, std::uint32_t offset, std::vector<std::uint32_t>& ends) {
  if (events.size() >= kFew) {
    separate_by_lines(events, offset, ends);
    return;
  }
  std::sort(events.begin(), events.end(), [this](const PlaneEvent& left, const PlaneEvent& right) { return clouds_.compare(left, right) < 0; });
  for (std::size_t e = 0; e < events.size(); ++e)
    if (e + 1 == events.size() || clouds_.compare(events[e], events[e + 1]) != 0) ends.push_back(offset + static_cast<std::uint32_t>(e + 1));
}

std::uint32_t PlaneTies::root(std::uint32_t point) {
  while (parent_[point] != point) {
    parent_[point] = parent_[parent_[point]];
    point = parent_[point];
  }
  return point;
}

void PlaneTies::separate_by_lines(std::span<PlaneEvent> events, std::uint32_t offset, std::vector<std::uint32_t>& ends) {
  parent_.resize(2 * std::size_t{clouds_.size()});
  last_.resize(parent_.size());
  bent_.resize(parent_.size());
  line_entry_.resize(parent_.size());
  for (const PlaneEvent& event : events) {
    for (const std::uint32_t point : {event.first, event.second}) {
      parent_[point] = point;
      last_[point] = point;
      bent_[point] = false;
      line_entry_[point] = kNone;
    }
  }
  std::vector<std::uint32_t> points;
  for (const PlaneEvent& event : events) {
    const std::uint32_t one = root(event.first);
    const std::uint32_t other = root(event.second);
    if (one == other) continue;
    const std::uint32_t first = std::min(one, other);
    const std::uint32_t second = std::max(one, other);
    parent_[second] = first;
    last_[first] = std::max(last_[first], last_[second]);
    points.push_back(second);
  }
  // Every point of a tree but the first has been a root that lost its place.
  for (const std::uint32_t point : points) {
    const std::uint32_t first = root(point);
    const PlanePoint& from = clouds_.point(first);
    if (point != last_[first] && cross_sign(from, clouds_.point(last_[first]), from, clouds_.point(point)) != 0) bent_[first] = true;
  }
  // One entry for a line, which stands for all of its events; one for every other event.
  struct Entry {
    PlaneEvent event;
    std::size_t number;  ///< of the event, or of the line's first event
  };
  std::vector<Entry> entries;
  std::vector<std::size_t> entry_of(events.size());
  for (std::size_t e = 0; e < events.size(); ++e) {
    const std::uint32_t tree = root(events[e].first);
    if (!bent_[tree] && line_entry_[tree] != kNone) {
      entry_of[e] = line_entry_[tree];
      continue;
    }
    if (!bent_[tree]) line_entry_[tree] = static_cast<std::uint32_t>(entries.size());
    entry_of[e] = entries.size();
    entries.push_back({events[e], entries.size()});
  }
  std::sort(entries.begin(), entries.end(), [this](const Entry& left, const Entry& right) { return clouds_.compare(left.event, right.event) < 0; });
  std::vector<std::uint32_t> group_of(entries.size());
  std::uint32_t groups = 0;
  for (std::size_t k = 0; k < entries.size(); ++k) {
    if (k > 0 && clouds_.compare(entries[k - 1].event, entries[k].event) != 0) ++groups;
    group_of[entries[k].number] = groups;
  }
  std::vector<std::uint32_t> begins(groups + 2, 0);
  for (const std::size_t entry : entry_of) ++begins[group_of[entry] + 1];
  for (std::size_t g = 0; g <= groups; ++g) begins[g + 1] += begins[g];
  for (std::size_t g = 1; g < begins.size(); ++g) ends.push_back(offset + begins[g]);
  const std::vector<PlaneEvent> before(events.begin(), events.end());
  for (std::size_t e = 0; e < before.size(); ++e) events[begins[group_of[entry_of[e]]]++] = before[e];
}

}  // namespace slicecheck
