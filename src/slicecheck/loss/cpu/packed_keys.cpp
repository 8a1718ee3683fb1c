#include "slicecheck/loss/cpu/packed_keys.h"

#include <algorithm>
#include <vector>

namespace slicecheck::cpu {

namespace {

constexpr Index kInsertion = 16;  // runs up to this length are sorted in place

template <class Key, class S>
void repair(Key* keys, Index step, Index first, Index last, Key row_mask, const S* values) {
  const auto value = [=](Key key) { return values[static_cast<Index>(key & row_mask) * step]; };
  const auto before = [=](Key a, Key b) { return value(a) < value(b) || (value(a) == value(b) && a < b); };
  bool sorted = true;
  for (Index i = first + 1; i < last && sorted; ++i) sorted = !before(keys[i * step], keys[(i - 1) * step]);
  if (sorted) return;
  if (last - first <= kInsertion) {
    for (Index i = first + 1; i < last; ++i) {
      const Key key = keys[i * step];
      Index j = i;
      for (; j > first && before(key, keys[(j - 1) * step]); --j) keys[j * step] = keys[(j - 1) * step];
      keys[j * step] = key;
    }
    return;
  }
  std::vector<Key> run(static_cast<std::size_t>(last - first));
  for (Index i = first; i < last; ++i) run[static_cast<std::size_t>(i - first)] = keys[i * step];
  std::sort(run.begin(), run.end(), before);
  for (Index i = first; i < last; ++i) keys[i * step] = run[static_cast<std::size_t>(i - first)];
}

}  // namespace

template <class S>
void repair_run(std::uint32_t* keys, Index step, Index first, Index last, std::uint32_t row_mask, const S* values) {
  repair(keys, step, first, last, row_mask, values);
}

template <class S>
void repair_run(std::uint64_t* keys, Index step, Index first, Index last, std::uint64_t row_mask, const S* values) {
  repair(keys, step, first, last, row_mask, values);
}

template void repair_run<float>(std::uint32_t*, Index, Index, Index, std::uint32_t, const float*);
template void repair_run<double>(std::uint32_t*, Index, Index, Index, std::uint32_t, const double*);
template void repair_run<float>(std::uint64_t*, Index, Index, Index, std::uint64_t, const float*);
template void repair_run<double>(std::uint64_t*, Index, Index, Index, std::uint64_t, const double*);

}  // namespace slicecheck::cpu
