// Compiled without instrumentation of ThreadSanitizer and AddressSanitizer: see fibre_switch.cpp.
#include "warp.h"

#include <cstdio>
#include <string_view>

namespace cuda_on_host {

namespace {

bool has(unsigned set, unsigned lane) { return (set >> lane & 1U) != 0; }

const char* name_of(WarpOperation operation) {
  switch (operation) {
    case WarpOperation::barrier: return "__syncwarp";
    case WarpOperation::shuffle: return "a shuffle";
    case WarpOperation::ballot: return "a vote";
    case WarpOperation::match: return "a match";
  }
  return "?";
}

std::string hexadecimal(unsigned mask) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08X", mask);
  return text;
}

std::string describe(WarpOperation operation, unsigned mask, Place place) {
  return std::string(name_of(operation)) + " with mask " + hexadecimal(mask) + " at " + to_string(place);
}

}  // namespace

std::string to_string(Place place) {
  const std::string_view file = place.file;
  return std::string(file.substr(file.find_last_of('/') + 1)) + ":" + std::to_string(place.line);
}

/// There is a free one: each of the 32 lanes waits at one meeting at most, and the calling lane at none.
WarpMeeting* Warp::search_meeting(unsigned mask) {
  WarpMeeting* home = &meetings[static_cast<unsigned>(std::countr_zero(mask))];
  WarpMeeting* free = home->arrived == 0 ? home : nullptr;
  for (WarpMeeting& candidate : meetings) {
    if (candidate.arrived != 0 && candidate.mask == mask) return &candidate;
    if (candidate.arrived == 0 && free == nullptr) free = &candidate;
  }
  return free;
}

std::string Warp::misfit(unsigned lane, WarpOperation operation, unsigned mask, Place place) {
  const std::string mine = describe(operation, mask, place);
  if (!has(mask, lane)) return "lane " + std::to_string(lane) + " is outside its own mask: " + mine;
  if ((mask & ~present) != 0) return "the mask names lanes that do not exist: " + mine;
  const WarpMeeting& other = *find_meeting(mask);
  return "lanes meet at different warp operations: lane " + std::to_string(lane) + " at " + mine + ", others at " +
         describe(other.operation, other.mask, other.place);
}

void Warp::hand_out(WarpOperation operation, unsigned mask) {
  switch (operation) {
    case WarpOperation::barrier: return;
    case WarpOperation::shuffle:
      for (unsigned lane = 0; lane < kLanes; ++lane)
        if (has(mask, lane)) lanes[lane].position.result = words[sources[lane]];
      return;
    case WarpOperation::ballot: {
      std::uint64_t votes = 0;
      for (unsigned lane = 0; lane < kLanes; ++lane)
        if (has(mask, lane)) votes |= words[lane] << lane;
      for (unsigned lane = 0; lane < kLanes; ++lane)
        if (has(mask, lane)) lanes[lane].position.result = votes;
      return;
    }
    case WarpOperation::match:
      for (unsigned lane = 0; lane < kLanes; ++lane) {
        if (!has(mask, lane)) continue;
        lanes[lane].position.result = 0;
        for (unsigned other = 0; other < kLanes; ++other)
          if (has(mask, other) && words[other] == words[lane]) lanes[lane].position.result |= std::uint64_t{1} << other;
      }
      return;
  }
}

std::string Warp::stuck() const {
  const WarpMeeting* meeting = nullptr;
  for (const WarpMeeting& candidate : meetings)
    if (candidate.arrived != 0) meeting = &candidate;
  const unsigned missing = meeting->mask & ~meeting->arrived;
  unsigned at_block = present & ~(ready | ended);
  for (const WarpMeeting& other : meetings) at_block &= ~other.arrived;
  std::string where = "wait for other lanes of their own masks";
  if ((missing & ended) != 0) where = "have ended";
  if ((missing & at_block) != 0) where = "wait at a barrier of the block";
  return "some lanes never reach " + describe(meeting->operation, meeting->mask, meeting->place) + ": lanes " + hexadecimal(missing) + " " + where;
}

}  // namespace cuda_on_host
