#include "sorters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include "rounds.h"
#include "slicecheck/core/random.h"
#include "slicecheck/loss/cpu/evaluation.h"
#include "slicecheck/loss/cpu/kernels.h"

namespace slicecheck::benchmarks {

namespace {

constexpr Index kBlock = 32;  // rows that are sorted between two readings of the clock; their keys stay in a cache

/// Projections as a loss meets them: one row of normals a direction, never in order.
Points<float> random_keys(Index rows, Index n) {
  Eigen::VectorXd entries(rows * n);
  RandomStream(1, Purpose::cases, 7, 0).fill_normal(entries);
  return Eigen::Map<const Points<double>>(entries.data(), rows, n).cast<float>();
}

/// Sorts `count` rows in blocks: copies a block, then times its sorts.
template <class Key>
double sort_rows(const Points<Key>& keys, Points<Key>& room, Index count) {
  double seconds = 0.0;
  for (Index first = 0; first < count; first += keys.rows()) {
    const Index size = std::min(keys.rows(), count - first);
    room = keys;
    seconds += clocked([&] {
      for (Index l = 0; l < size; ++l) vqsort(room.row(l).data(), static_cast<std::size_t>(room.cols()));
    });
  }
  return seconds;
}

}  // namespace

std::uint64_t pack(float value, std::uint32_t row) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  bits ^= (bits & 0x8000'0000U) != 0U ? 0xFFFF'FFFFU : 0x8000'0000U;
  return (static_cast<std::uint64_t>(bits) << 32) | row;
}

float unpack_value(std::uint64_t packed) {
  auto bits = static_cast<std::uint32_t>(packed >> 32);
  bits ^= (bits & 0x8000'0000U) != 0U ? 0x8000'0000U : 0xFFFF'FFFFU;
  return std::bit_cast<float>(bits);
}

PackedSort::PackedSort(Index n, Index count) : count_(count) {
  const Points<float> values = random_keys(std::min(kBlock, count), n);
  keys_.resize(values.rows(), n);
  for (Index l = 0; l < keys_.rows(); ++l)
    for (Index k = 0; k < n; ++k) keys_(l, k) = pack(values(l, k), static_cast<std::uint32_t>(k));
}

double PackedSort::seconds() { return sort_rows(keys_, room_, count_); }

PlainSort::PlainSort(Index n, Index count) : keys_(random_keys(std::min(kBlock, count), n)), count_(count) {}

double PlainSort::seconds() { return sort_rows(keys_, room_, count_); }

LaneSort::LaneSort(Index n, Index count) : n_(n), count_(count), lanes_(cpu::kernels<float>().lanes) {
  for (Index p = 0; p < std::min<Index>(4, (count + lanes_ - 1) / lanes_); ++p) panels_.push_back(random_keys(n, lanes_));
  room_.resize((cpu::padded(n, cpu::kRowPadding) + 1) * lanes_);
  // The network wants its rows aligned to a vector.
  void* begin = room_.data();
  std::size_t space = static_cast<std::size_t>(room_.size()) * sizeof(std::uint32_t);
  const auto vector = static_cast<std::size_t>(lanes_) * sizeof(std::uint32_t);
  keys_ = static_cast<std::uint32_t*>(std::align(vector, space - vector, begin, space));
}

bool LaneSort::offered(Index n) { return n <= cpu::kSortByColumns<float>; }

template <class Sort>
double LaneSort::run(Sort&& sort) {
  std::array<std::uint8_t, 64> finite{};
  return clocked([&] {
    for (Index first = 0, p = 0; first < count_; first += lanes_, ++p)
      sort(panels_[static_cast<std::size_t>(p) % panels_.size()].data(), n_, std::min(lanes_, count_ - first), keys_, finite.data());
  });
}

double LaneSort::with_index() { return run(cpu::kernels<float>().sort_pairs); }
double LaneSort::without() { return run(cpu::kernels<float>().sort_values); }

RowMatch::RowMatch(Index n, Index count) : z_(random_keys(std::min(kBlock, count), n)), y_(z_.rowwise().reverse()), matched_(n), count_(count) {}

double RowMatch::seconds() {
  const cpu::Kernels<float>& kernels = cpu::kernels<float>();
  return clocked([&] {
    for (Index l = 0; l < count_; ++l) sort_.match(kernels, z_.row(l % z_.rows()).data(), y_.row(l % z_.rows()).data(), z_.cols(), matched_.data());
  });
}

}  // namespace slicecheck::benchmarks
