#pragma once
/// A warp of fibres: which of its lanes can run, and what the others wait for.

#include <array>
#include <bit>
#include <cstdint>
#include <string>

#include "fibre_switch.h"
#include "fibres.h"

namespace cuda_on_host {

constexpr unsigned kLanes = 32;

/// A CUDA thread. One line of the cache: a switch touches two of them.
struct alignas(64) Fibre : Flow {
  ThreadPosition position{};
};
static_assert(sizeof(Fibre) == 64);

/// Lanes that meet: those of one mask, at one operation.
struct WarpMeeting {
  WarpOperation operation = WarpOperation::barrier;
  unsigned mask = 0;
  unsigned arrived = 0;
  Place place{};
};

/// In which order lanes are asked to run: a permutation of 0, …, 31.
using LaneOrder = std::array<std::uint8_t, kLanes>;

/// Sets of lanes are words, one bit a lane. A lane that exists is ready, or waits for lanes of its mask, or waits for the block, or has ended.
struct Warp {
  unsigned present = 0;  ///< lanes that exist
  unsigned ready = 0;
  unsigned ended = 0;
  unsigned cursor = 0;         ///< into `order`
  unsigned open_meetings = 0;  ///< with lanes that wait
  const LaneOrder* order = nullptr;
  Fibre* lanes = nullptr;                      ///< 32 of them, or those that exist
  std::array<std::uint64_t, kLanes> words{};   ///< handed in; results are handed out to the lanes
  std::array<std::uint8_t, kLanes> sources{};  ///< of a shuffle
  std::array<WarpMeeting, kLanes> meetings{};  ///< at home by the lowest lane of the mask
  std::array<char, kLanes> memory_order{};     ///< addresses for ThreadSanitizer, by the lowest lane of the mask

  void start_block() {
    if (open_meetings != 0) meetings = {};  // left by a block that was abandoned
    open_meetings = ended = 0;
  }

  /// The next ready lane in this round's order; there must be one.
  unsigned next_ready() {
    for (;;) {
      cursor = (cursor + 1) % kLanes;
      const unsigned lane = (*order)[cursor];
      if ((ready >> lane & 1U) != 0) return lane;
    }
  }

  Fibre& next_fibre() { return lanes[next_ready()]; }

  /// Where `lane` meets the other lanes of the mask for this operation; null where it may not: `misfit` says why.
  WarpMeeting* meeting(unsigned lane, WarpOperation operation, unsigned mask, Place place) {
    if ((mask >> lane & 1U) == 0 || (mask & ~present) != 0) return nullptr;
    WarpMeeting* found = find_meeting(mask);
    if (found->arrived == 0) {
      *found = {operation, mask, 0, place};
      ++open_meetings;
      return found;
    }
    return found->operation == operation && found->place == place ? found : nullptr;
  }
  [[nodiscard]] std::string misfit(unsigned lane, WarpOperation operation, unsigned mask, Place place);

  /// `lane` has come. Returns true when all lanes of the mask have; then they are ready again and have their results.
  bool arrive(unsigned lane, WarpMeeting& meeting) {
    meeting.arrived |= 1U << lane;
    if (meeting.arrived != meeting.mask) {
      ready &= ~(1U << lane);
      return false;
    }
    hand_out(meeting.operation, meeting.mask);
    ready |= meeting.mask;
    meeting.arrived = 0;
    --open_meetings;
    return true;
  }

  /// Why lanes that wait for others never go on, when no lane is ready: names the operation and the lanes that do not come.
  [[nodiscard]] std::string stuck() const;

 private:
  /// Where lanes of this mask wait already, or a free place.
  WarpMeeting* find_meeting(unsigned mask) {
    WarpMeeting& home = meetings[static_cast<unsigned>(std::countr_zero(mask))];
    return open_meetings == 0 || (home.arrived != 0 && home.mask == mask) ? &home : search_meeting(mask);
  }
  WarpMeeting* search_meeting(unsigned mask);
  void hand_out(WarpOperation operation, unsigned mask);
};

/// "file:line", without folders.
std::string to_string(Place place);

}  // namespace cuda_on_host
