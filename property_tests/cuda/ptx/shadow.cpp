#include "cuda/ptx/shadow.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <new>

namespace ptx {

void WarpClock::reset() {
  if (stamp != 1) {
    seen = {};
    stamp = 1;
  }
}

void WarpClock::synchronise(Mask members) {
  std::array<std::uint32_t, warp_size> joined{};
  for (Mask left = members; left != 0; left &= left - 1) {
    const auto& of_lane = seen[static_cast<unsigned>(std::countr_zero(left))];
    for (unsigned lane = 0; lane < warp_size; ++lane) {
      joined[lane] = std::max(joined[lane], of_lane[lane]);
    }
  }
  for (unsigned lane = 0; lane < warp_size; ++lane) {
    if ((members >> lane & 1) != 0) {
      joined[lane] = stamp;
    }
  }
  for (Mask left = members; left != 0; left &= left - 1) {
    seen[static_cast<unsigned>(std::countr_zero(left))] = joined;
  }
  ++stamp;
}

Shadow::Shadow(std::size_t bytes) : words_(static_cast<Cell*>(std::calloc(bytes / 4 + 1, sizeof(Cell)))) {
  if (words_ == nullptr) {
    throw std::bad_alloc();
  }
}

std::array<Shadow::Cell, 4>& Shadow::split(Cell& word) {
  if (!word.split) {
    split_.push_back({word, word, word, word});
    for (Cell& byte : split_.back()) {
      if (byte.history) {
        byte.history = false;
        make_history(byte) = history(word);
      }
    }
    word.history = false;
    word.split = true;
    word.index = static_cast<std::uint32_t>(split_.size() - 1);
  }
  return split_[word.index];
}

Shadow::History& Shadow::make_history(Cell& cell) {
  if (!cell.history) {
    cell.history = true;
    cell.index = static_cast<std::uint32_t>(history_.size());
    history_.emplace_back();
  }
  return history_[cell.index];
}

Shadow::Outcome Shadow::touch_parts(std::size_t offset, unsigned bytes, const Access& access, const Moment& moment, const WarpClock& clock) {
  for (std::size_t byte = offset; byte < offset + bytes; byte += 4) {
    Cell& word = words_[byte / 4];
    if (bytes >= 4 && !word.split) {
      if (const Outcome outcome = touch_cell(word, byte, access, moment, clock); outcome != Outcome::fine) {
        return outcome;
      }
      continue;
    }
    std::array<Cell, 4>& cells = split(word);
    for (std::size_t i = byte % 4; i < byte % 4 + std::min(bytes, 4U); ++i) {
      if (const Outcome outcome = touch_cell(cells[i], byte / 4 * 4 + i, access, moment, clock); outcome != Outcome::fine) {
        return outcome;
      }
    }
  }
  return Outcome::fine;
}

std::string Shadow::describe_race(std::size_t offset, unsigned bytes, const Access& access, const Moment& moment, const WarpClock& clock) const {
  for (std::size_t byte = offset; byte < offset + bytes; ++byte) {
    const Cell& word = words_[byte / 4];
    const Cell& cell = word.split ? split_[word.index][byte % 4] : word;
    if (const char* race = race_with_write(cell, access, moment, clock); race != nullptr) {
      return fmt::format("{} thread {}", race, cell.writer);
    }
    if (access.write) {
      if (std::string race = race_with_reads(cell, byte, access, moment, clock); !race.empty()) {
        return race;
      }
    }
  }
  return "an access";
}

const char* Shadow::race_with_write(const Cell& cell, const Access& access, const Moment& moment, const WarpClock& clock) const {
  if (!access.atomic && history(cell).foreign_atomics == moment.launch) {
    return "an atomic operation of another block, by its";
  }
  if (cell.write_epoch < moment.launch) {
    return nullptr;
  }
  if (access.constant_cache) {
    return "a write of the same launch that the constant cache does not see, by";
  }
  const bool both_atomic = access.atomic && cell.atomic;
  if (moment.other_block(cell.write_epoch)) {
    return both_atomic ? nullptr : "a write by another block, by its";
  }
  if (cell.write_epoch < moment.epoch || both_atomic) {
    return nullptr;
  }
  if (cell.atomic && cell.atomics_differ) {
    return "atomic operations, the last by";
  }
  const bool same_warp = cell.writer / warp_size == access.thread / warp_size;
  const bool ordered = cell.writer == access.thread || (same_warp && clock.ordered(cell.writer % warp_size, cell.write_stamp, access.thread % warp_size));
  return ordered ? nullptr : "a write by";
}

std::string Shadow::race_with_reads(const Cell& cell, std::size_t byte, const Access& access, const Moment& moment, const WarpClock& clock) const {
  const History past = history(cell);
  if (past.constant_reads == moment.launch) {
    return "a read of the same launch through the constant cache";
  }
  if (past.foreign_reads == moment.launch || moment.other_block(cell.read_epoch)) {
    return "a read by another block";
  }
  if (cell.read_epoch != moment.epoch) {
    return {};
  }
  if (cell.many_warps) {
    return "reads by several warps";
  }
  const unsigned lane = access.thread % warp_size;
  const bool same_warp = cell.read_warp == access.thread / warp_size;
  const auto first_unordered = [&](Mask readers, std::uint32_t stamp) -> std::string {
    for (Mask left = readers; left != 0; left &= left - 1) {
      const auto reader = static_cast<unsigned>(std::countr_zero(left));
      if (!same_warp || !clock.ordered(reader, stamp, lane)) {
        return fmt::format("a read by thread {}", cell.read_warp * warp_size + reader);
      }
    }
    return {};
  };
  if (std::string race = first_unordered(cell.readers, cell.read_stamp); !race.empty()) {
    return race;
  }
  if (cell.older_readers) {
    for (const OlderReaders& older : older_.at(byte)) {
      if (std::string race = older.epoch == moment.epoch ? first_unordered(older.lanes, older.stamp) : std::string(); !race.empty()) {
        return race;
      }
    }
  }
  return {};
}

void Shadow::record_read(Cell& cell, std::size_t byte, const Access& access, const Moment& moment, const WarpClock& clock) {
  const unsigned lane = access.thread % warp_size;
  const auto warp = static_cast<std::uint16_t>(access.thread / warp_size);
  if (access.constant_cache) {
    make_history(cell).constant_reads = moment.launch;
  }
  if (cell.read_epoch != moment.epoch) {
    if (moment.other_block(cell.read_epoch)) {
      make_history(cell).foreign_reads = moment.launch;
    }
    if (cell.older_readers) {
      older_.erase(byte);
    }
    cell.read_epoch = moment.epoch;
    cell.read_warp = warp & 63U;
    cell.read_stamp = clock.stamp;
    cell.readers = Mask{1} << lane;
    cell.many_warps = cell.older_readers = false;
    return;
  }
  if (cell.many_warps) {
    return;
  }
  if (cell.read_warp != warp) {
    cell.many_warps = true;
    return;
  }
  if (cell.read_stamp != clock.stamp) {
    // A write that is ordered after this read is also ordered after the reads that are ordered before it: only the others must be kept.
    Mask unordered = 0;
    for (Mask left = cell.readers; left != 0; left &= left - 1) {
      const auto reader = static_cast<unsigned>(std::countr_zero(left));
      unordered |= Mask{!clock.ordered(reader, cell.read_stamp, lane)} << reader;
    }
    if (unordered != 0) {
      older_[byte].push_back({moment.epoch, cell.read_stamp, unordered});
      cell.older_readers = true;
    }
    cell.read_stamp = clock.stamp;
    cell.readers = 0;
  }
  cell.readers |= Mask{1} << lane;
}

void Shadow::record_write(Cell& cell, const Access& access, const Moment& moment, const WarpClock& clock) {
  if (access.atomic && cell.atomic) {
    if (moment.other_block(cell.write_epoch)) {
      make_history(cell).foreign_atomics = moment.launch;
    }
    cell.atomics_differ = cell.write_epoch == moment.epoch && (cell.atomics_differ || cell.writer != access.thread);
  } else {
    cell.atomics_differ = false;
  }
  cell.write_epoch = moment.epoch;
  cell.write_stamp = clock.stamp;
  cell.writer = static_cast<std::uint16_t>(access.thread);
  cell.atomic = access.atomic;
}

Shadow::Outcome Shadow::touch_slowly(Cell& cell, std::size_t byte, const Access& access, const Moment& moment, const WarpClock& clock) {
  if (race_with_write(cell, access, moment, clock) != nullptr) {
    return Outcome::race;
  }
  if (!access.write) {
    record_read(cell, byte, access, moment, clock);
  } else if (race_with_reads(cell, byte, access, moment, clock).empty()) {
    record_write(cell, access, moment, clock);
  } else {
    return Outcome::race;
  }
  return Outcome::fine;
}

}  // namespace ptx
