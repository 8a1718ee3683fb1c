#include "slicecheck/loss/cpu/row_sort.h"

#include <array>
#include <utility>

#include "slicecheck/loss/cpu/packed_keys.h"

namespace slicecheck::cpu {

namespace {

constexpr int kMostBucketBits = 11;

/// A stable sort by the bits from `low` to `low + width·passes` of the keys, the lowest first. Returns where the result is: keys or room.
template <int passes, class Key>
Key* radix_sort(Key* keys, Key* room, Index n, int low, int width) {
  const Key mask = (Key{1} << width) - 1;
  std::array<std::array<std::uint32_t, std::size_t{1} << kMostBucketBits>, passes> begin;
  for (auto& counts : begin) std::fill_n(counts.begin(), std::size_t{1} << width, 0U);
  for (Index k = 0; k < n; ++k)
    for (int pass = 0; pass < passes; ++pass) ++begin[static_cast<std::size_t>(pass)][(keys[k] >> (low + pass * width)) & mask];
  for (auto& counts : begin) {
    std::uint32_t sum = 0;
    for (std::size_t bucket = 0; bucket <= mask; ++bucket) sum += std::exchange(counts[bucket], sum);
  }
  for (int pass = 0; pass < passes; ++pass) {
    auto& next = begin[static_cast<std::size_t>(pass)];
    for (Index k = 0; k < n; ++k) room[next[(keys[k] >> (low + pass * width)) & mask]++] = keys[k];
    std::swap(keys, room);
  }
  return keys;
}

/// Keys of 32 bits.
struct Narrow {
  using Key = std::uint32_t;
  KeyFormat format;

  explicit Narrow(Index n) : format(KeyFormat::for_rows(n)) {}
  [[nodiscard]] Key row_mask() const { return format.row_mask; }

  template <class S>
  Key* sorted(const Kernels<S>& kernels, const S* values, Index n, Key* keys, Key* room, bool& finite) const {
    finite = kernels.pack_row(values, n, format, keys) && finite;
    Key* const out = radix_sort<2>(keys, room, n, format.row_bits, (format.level_bits + 1) / 2);
    repair_runs(out, 1, n, format.row_bits, values);
    return out;
  }
};

/// Keys of 64 bits, for any n < 2^31.
struct Wide {
  using Key = std::uint64_t;

  explicit Wide(Index /*n*/) {}
  [[nodiscard]] static Key row_mask() { return 0xFFFF'FFFFU; }

  template <class S>
  static Key* sorted(const Kernels<S>& kernels, const S* values, Index n, Key* keys, Key* room, bool& finite) {
    finite = kernels.pack_row_wide(values, n, keys) && finite;
    Key* const out = radix_sort<3>(keys, room, n, 32, kMostBucketBits);
    repair_runs(out, 1, n, 32, values);
    return out;
  }
};

bool is_narrow(Index n) { return n <= Index{1} << KeyFormat::kLargestPackedBits; }

template <class Key>
Key* room_for(Scratch<std::uint64_t>& scratch, Index n) {
  return reinterpret_cast<Key*>(scratch.room(n));
}

}  // namespace

template <class S>
bool RowSort::match(const Kernels<S>& kernels, const S* z, const S* y, Index n, S* matched) {
  const auto by = [&]<class Width>(const Width& width) {
    using Key = typename Width::Key;
    bool finite = true;
    // Two passes end where they began, three in the room, which then holds the keys of Z.
    const Key* const z_order = width.sorted(kernels, z, n, room_for<Key>(z_keys_, n), room_for<Key>(room_, n), finite);
    Scratch<std::uint64_t>& free = z_order == room_for<Key>(room_, n) ? z_keys_ : room_;
    const Key* const y_order = width.sorted(kernels, y, n, room_for<Key>(y_keys_, n), room_for<Key>(free, n), finite);
    const Key row_mask = width.row_mask();
    for (Index rank = 0; rank < n; ++rank) matched[z_order[rank] & row_mask] = y[y_order[rank] & row_mask];
    return finite;
  };
  return is_narrow(n) ? by(Narrow(n)) : by(Wide(n));
}

template <class S>
bool RowSort::sort(const Kernels<S>& kernels, const S* values, Index n, S* sorted) {
  const auto by = [&]<class Width>(const Width& width) {
    using Key = typename Width::Key;
    bool finite = true;
    const Key* const order = width.sorted(kernels, values, n, room_for<Key>(z_keys_, n), room_for<Key>(room_, n), finite);
    const Key row_mask = width.row_mask();
    for (Index rank = 0; rank < n; ++rank) sorted[rank] = values[order[rank] & row_mask];
    return finite;
  };
  return is_narrow(n) ? by(Narrow(n)) : by(Wide(n));
}

template bool RowSort::match<float>(const Kernels<float>&, const float*, const float*, Index, float*);
template bool RowSort::match<double>(const Kernels<double>&, const double*, const double*, Index, double*);
template bool RowSort::sort<float>(const Kernels<float>&, const float*, Index, float*);
template bool RowSort::sort<double>(const Kernels<double>&, const double*, Index, double*);

}  // namespace slicecheck::cpu
