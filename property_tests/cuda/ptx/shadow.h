#pragma once
/// Who touched which byte: detection of data races by happens-before, exact to the byte.
///
/// Time is counted in epochs: one begins with every launch, every block and every block barrier. Two accesses of one block in different epochs are ordered.
/// Within an epoch only the program order of one thread, and bar.warp.sync among the lanes of a warp, order accesses. Two blocks of one launch are never
/// ordered. Accesses of lanes are stamped with the warp's number of warp barriers; seen[m][l] is the last stamp of lane l that is ordered before lane m.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/ptx/instruction.h"

namespace ptx {

/// Orders the lanes of one warp since the last block barrier.
struct WarpClock {
  std::uint32_t stamp = 1;
  std::array<std::array<std::uint32_t, warp_size>, warp_size> seen{};

  void reset();
  /// bar.warp.sync of the lanes in `members`.
  void synchronise(Mask members);
  [[nodiscard]] bool ordered(unsigned lane, std::uint32_t at, unsigned now) const { return lane == now || seen[now][lane] >= at; }
};

/// Where the block that runs stands in time.
struct Moment {
  std::uint32_t launch = 0;  ///< first epoch of the launch
  std::uint32_t block = 0;   ///< first epoch of the block
  std::uint32_t epoch = 0;

  /// Whether an access in epoch `at` is ordered before everything that happens now: an earlier launch, or an earlier stretch of this block.
  [[nodiscard]] bool ordered(std::uint32_t at) const { return at < launch || (at >= block && at < epoch); }
  [[nodiscard]] bool other_block(std::uint32_t at) const { return at >= launch && at < block; }
};

struct Access {
  std::uint32_t thread = 0;  ///< index in the block
  bool write = false;
  bool atomic = false;              ///< a read and a write that other atomic accesses do not race with
  bool constant_cache = false;      ///< a read through a cache that does not see writes of the launch
  std::uint32_t written_since = 0;  ///< the bytes must have been written in this epoch or later
};

/// Shadow of one array of bytes. All zero is the state before any access.
class Shadow {
 public:
  enum class Outcome : std::uint8_t { fine, unwritten, race };

  explicit Shadow(std::size_t bytes);

  /// Records an access to `bytes` (1, 2, 4 or 8, aligned) at `offset`, unless it is refused.
  Outcome touch(std::size_t offset, unsigned bytes, const Access& access, const Moment& moment, const WarpClock& clock) {
    if (bytes == 4 && !words_[offset / 4].split) {
      return touch_cell(words_[offset / 4], offset, access, moment, clock);
    }
    return touch_parts(offset, bytes, access, moment, clock);
  }

  /// What an access that touch() called a race collides with.
  [[nodiscard]] std::string describe_race(std::size_t offset, unsigned bytes, const Access& access, const Moment& moment, const WarpClock& clock) const;

 private:
  /// The accesses of one byte, or of four that were always touched together.
  struct Cell {
    std::uint32_t write_epoch;
    std::uint32_t write_stamp;
    std::uint32_t read_epoch;
    std::uint32_t read_stamp;
    Mask readers;         ///< lanes of read_warp that read in read_epoch at read_stamp
    std::uint32_t index;  ///< in split_ where `split`, in history_ where `history`
    std::uint16_t writer;
    std::uint16_t read_warp : 6;
    bool split : 1;           ///< the four bytes have cells of their own
    bool history : 1;         ///< there is a History
    bool atomic : 1;          ///< the last write was
    bool atomics_differ : 1;  ///< several threads updated atomically in write_epoch
    bool many_warps : 1;      ///< read by several warps in read_epoch
    bool older_readers : 1;   ///< older_ has more
  };
  /// Launches in which something happened that the cell itself forgets.
  struct History {
    std::uint32_t foreign_reads = 0;    ///< a block before this one read
    std::uint32_t foreign_atomics = 0;  ///< a block before this one updated atomically
    std::uint32_t constant_reads = 0;   ///< read through the constant cache
  };
  /// Lanes of a warp that read in one epoch, before the last warp barrier.
  struct OlderReaders {
    std::uint32_t epoch;
    std::uint32_t stamp;
    Mask lanes;
  };
  struct Free {
    void operator()(Cell* cells) const { std::free(cells); }
  };

  /// The usual cases in a few comparisons; the others in touch_slowly.
  Outcome touch_cell(Cell& cell, std::size_t byte, const Access& access, const Moment& moment, const WarpClock& clock) {
    if (cell.write_epoch < access.written_since) {
      return Outcome::unwritten;
    }
    if (access.constant_cache && cell.history && history_[cell.index].constant_reads == moment.launch) {
      return Outcome::fine;  // no write of this launch came before, and none may come any more
    }
    if (moment.ordered(cell.write_epoch) && !cell.history && !access.atomic && !access.constant_cache) {
      const auto warp = static_cast<std::uint16_t>(access.thread / warp_size);
      const Mask lane = Mask{1} << access.thread % warp_size;
      if (!access.write) {
        if (cell.read_epoch == moment.epoch && cell.read_warp == warp && cell.read_stamp == clock.stamp) {
          cell.readers |= lane;
          return Outcome::fine;
        }
        if (moment.ordered(cell.read_epoch) && !cell.older_readers) {
          cell.read_epoch = moment.epoch;
          cell.read_stamp = clock.stamp;
          cell.read_warp = warp & 63U;
          cell.readers = lane;
          cell.many_warps = false;
          return Outcome::fine;
        }
      } else if (moment.ordered(cell.read_epoch)) {
        cell.write_epoch = moment.epoch;
        cell.write_stamp = clock.stamp;
        cell.writer = static_cast<std::uint16_t>(access.thread);
        cell.atomic = cell.atomics_differ = false;
        return Outcome::fine;
      }
    }
    return touch_slowly(cell, byte, access, moment, clock);
  }
  Outcome touch_slowly(Cell& cell, std::size_t byte, const Access& access, const Moment& moment, const WarpClock& clock);
  Outcome touch_parts(std::size_t offset, unsigned bytes, const Access& access, const Moment& moment, const WarpClock& clock);

  [[nodiscard]] History history(const Cell& cell) const { return cell.history ? history_[cell.index] : History{}; }
  History& make_history(Cell& cell);
  std::array<Cell, 4>& split(Cell& word);

  /// What kind of write, or of reads, the access races with; null or "" if none.
  const char* race_with_write(const Cell& cell, const Access& access, const Moment& moment, const WarpClock& clock) const;
  std::string race_with_reads(const Cell& cell, std::size_t byte, const Access& access, const Moment& moment, const WarpClock& clock) const;
  void record_read(Cell& cell, std::size_t byte, const Access& access, const Moment& moment, const WarpClock& clock);
  void record_write(Cell& cell, const Access& access, const Moment& moment, const WarpClock& clock);

  std::unique_ptr<Cell[], Free> words_;
  std::vector<std::array<Cell, 4>> split_;
  std::vector<History> history_;
  std::unordered_map<std::size_t, std::vector<OlderReaders>> older_;  ///< by byte
};

}  // namespace ptx
