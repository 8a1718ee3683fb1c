// From projections to keys, from sorted keys to the matching, from the matching to values and weights. Included once for each instruction set.

#if defined(SLICECHECK_LOSS_CPU_MATCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLICECHECK_LOSS_CPU_MATCH_INL_H_
#undef SLICECHECK_LOSS_CPU_MATCH_INL_H_
#else
#define SLICECHECK_LOSS_CPU_MATCH_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "hwy/highway.h"
#include "slicecheck/loss/cpu/kernels.h"
#include "slicecheck/loss/cpu/multiply-inl.h"
#include "slicecheck/loss/cpu/packed_keys.h"
#include "slicecheck/loss/cpu/sort_columns-inl.h"
#include "slicecheck/loss/gap_power.h"

HWY_BEFORE_NAMESPACE();
namespace slicecheck::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// q of `count` values at a time, as 32-bit integers: ⌊(x/2 − min/2)·scale⌋, halves lest a difference overflow.
template <class S>
struct Quantiser {
  using D = hn::ScalableTag<S>;
  using V = hn::Vec<D>;
  using Whole = hn::Rebind<std::int32_t, D>;

  V half_minimum;
  V scale;

  /// @param minimum, maximum of each lane; equal or not finite: q = 0.
  Quantiser(V minimum, V maximum, std::uint32_t largest_level) {
    const D d;
    half_minimum = hn::Mul(minimum, hn::Set(d, S(0.5)));
    const V range = hn::Sub(hn::Mul(maximum, hn::Set(d, S(0.5))), half_minimum);
    const V largest = hn::Set(d, std::numeric_limits<S>::max());
    const auto usable = hn::And(hn::Gt(range, hn::Zero(d)), hn::Le(range, largest));
    scale = hn::IfThenElseZero(usable, hn::Min(hn::Div(hn::Set(d, static_cast<S>(largest_level)), range), largest));
  }

  HWY_INLINE hn::Vec<Whole> operator()(V x) const {
    const V level = hn::Mul(hn::Sub(hn::Mul(x, hn::Set(D(), S(0.5))), half_minimum), scale);
    if constexpr (sizeof(S) == 4)
      return hn::ConvertTo(Whole(), level);
    else
      return hn::DemoteTo(Whole(), level);
  }
};

/// Order-preserving integers for floats, and back. −0 becomes +0.
HWY_INLINE hn::Vec<Key> to_ordered(hn::Vec<hn::ScalableTag<float>> x) {
  const hn::ScalableTag<std::int32_t> integer;
  const auto bits = hn::BitCast(integer, hn::Add(x, hn::Zero(hn::ScalableTag<float>())));
  return hn::BitCast(Key(), hn::Xor(bits, hn::Or(hn::ShiftRight<31>(bits), hn::Set(integer, std::numeric_limits<std::int32_t>::min()))));
}

HWY_INLINE hn::Vec<hn::ScalableTag<float>> from_ordered(hn::Vec<Key> key) {
  const hn::ScalableTag<std::int32_t> integer;
  const auto bits = hn::BitCast(integer, key);
  const auto flip = hn::Or(hn::Not(hn::ShiftRight<31>(bits)), hn::Set(integer, std::numeric_limits<std::int32_t>::min()));
  return hn::BitCast(hn::ScalableTag<float>(), hn::Xor(bits, flip));
}

/// Keys of n×kLanes projections, padded with the largest key. finite[l] &= lane l is finite.
template <class S>
void pack_columns(const S* values, Index n, const KeyFormat& format, std::uint32_t* keys, std::uint8_t* finite) {
  const hn::ScalableTag<S> d;
  using Q = Quantiser<S>;
  const typename Q::Whole whole;
  const hn::Rebind<std::uint32_t, decltype(d)> unsigned_whole;
  const auto width = static_cast<Index>(hn::Lanes(d));
  for (Index lane = 0; lane < kLanes; lane += width) {
    auto low = hn::Load(d, values + lane);
    auto high = low;
    auto zeros = hn::Zero(d);  // NaN where a value was not finite
    for (Index k = 0; k < n; ++k) {
      const auto x = hn::Load(d, values + k * kLanes + lane);
      low = hn::Min(low, x);
      high = hn::Max(high, x);
      zeros = hn::MulAdd(x, hn::Zero(d), zeros);
    }
    HWY_ALIGN S checks[hn::MaxLanes(hn::ScalableTag<S>())];
    hn::Store(zeros, d, checks);
    for (Index l = 0; l < width; ++l) finite[lane + l] &= checks[l] == S(0) ? 1 : 0;
    const Q level(low, high, format.largest_level);
    const auto largest = hn::Set(whole, static_cast<std::int32_t>(format.largest_level));
    for (Index k = 0; k < n; ++k) {
      const auto q = hn::BitCast(unsigned_whole, hn::Min(level(hn::Load(d, values + k * kLanes + lane)), largest));
      const auto key = hn::Or(hn::ShiftLeftSame(q, format.row_bits), hn::Set(unsigned_whole, static_cast<std::uint32_t>(k)));
      hn::Store(key, unsigned_whole, keys + k * kLanes + lane);
    }
  }
  std::fill(keys + n * kLanes, keys + padded(n, kRowPadding) * kLanes, 0xFFFF'FFFFU);
}

/// Sorted keys of n×kLanes projections: exact stable order in the first `directions` lanes.
template <class S>
void sorted_keys(const S* values, Index n, Index directions, std::uint32_t* keys, std::uint8_t* finite) {
  const KeyFormat format = KeyFormat::for_columns(n);
  pack_columns(values, n, format, keys, finite);
  sort_columns(keys, padded(n, kRowPadding));
  const Key d;
  const auto rows = hn::Set(d, format.row_mask + 1);
  const auto used = hn::FirstN(d, static_cast<std::size_t>(directions));
  auto before = hn::Load(d, keys);
  for (Index k = 1; k < n; ++k) {
    const auto now = hn::Load(d, keys + k * kLanes);
    const auto same = hn::And(hn::Lt(hn::Xor(now, before), rows), used);
    before = now;
    if (HWY_LIKELY(hn::AllFalse(d, same))) continue;
    for (Index lane = 0; lane < directions; ++lane) {
      const auto differs = [&](Index i, Index j) { return ((keys[i * kLanes + lane] ^ keys[j * kLanes + lane]) & ~format.row_mask) != 0; };
      if (differs(k, k - 1) || (k >= 2 && !differs(k - 1, k - 2))) continue;  // no run begins at k − 1
      Index last = k + 1;
      while (last < n && !differs(last, k)) ++last;
      repair_run(keys + lane, kLanes, k - 1, last, format.row_mask, values + lane);
    }
  }
}

/// Sorted projections of n×kLanes floats, in place of their keys.
inline void sorted_floats(const float* values, Index n, std::uint32_t* keys, std::uint8_t* finite) {
  const hn::ScalableTag<float> d;
  auto zeros = hn::Zero(d);
  for (Index k = 0; k < n; ++k) {
    const auto x = hn::Load(d, values + k * kLanes);
    zeros = hn::MulAdd(x, hn::Zero(d), zeros);
    hn::Store(to_ordered(x), Key(), keys + k * kLanes);
  }
  HWY_ALIGN float checks[kLanes];
  hn::Store(zeros, d, checks);
  for (Index l = 0; l < kLanes; ++l) finite[l] &= checks[l] == 0.0F ? 1 : 0;
  std::fill(keys + n * kLanes, keys + padded(n, kRowPadding) * kLanes, 0xFFFF'FFFFU);
  sort_columns(keys, padded(n, kRowPadding));
  for (Index k = 0; k < n; ++k) hn::Store(hn::BitCast(Key(), from_ordered(hn::Load(Key(), keys + k * kLanes))), Key(), keys + k * kLanes);
}

/// matched(row of z_keys(rank, l), l) = the projection of Y of that rank. Stores decide its speed, one a cycle; keys are read two at a time.
template <class S>
void scatter(const Panel<S>& panel, std::uint32_t row_mask) {
  const std::uint32_t* HWY_RESTRICT z = panel.z_keys;
  const std::uint32_t* HWY_RESTRICT y = panel.y_keys;
  const S* HWY_RESTRICT y_values = panel.y;
  S* HWY_RESTRICT matched = panel.matched;
  const auto put = [&](std::uint32_t z_key, std::uint32_t y_key, Index l) HWY_ATTR {
    const Index at = static_cast<Index>(z_key & row_mask) * kLanes + l;
    if constexpr (sizeof(S) == 4)
      matched[at] = std::bit_cast<float>(y_key);
    else
      matched[at] = y_values[static_cast<Index>(y_key & row_mask) * kLanes + l];
  };
  constexpr Index kPair = kLanes == 1 ? 1 : 2;
  const auto low = [](std::uint64_t pair) { return static_cast<std::uint32_t>(pair); };
  const auto high = [](std::uint64_t pair) { return static_cast<std::uint32_t>(pair >> 32); };
  for (Index rank = 0; rank < panel.n; ++rank, z += kLanes, y += kLanes) {
    if constexpr (kPair == 1 || std::endian::native != std::endian::little) {
      for (Index l = 0; l < kLanes; ++l) put(z[l], y[l], l);
    } else {
      HWY_UNROLL(8)
      for (Index l = 0; l < kLanes; l += 2) {
        std::uint64_t z_pair = 0;
        std::uint64_t y_pair = 0;
        std::memcpy(&z_pair, z + l, sizeof z_pair);
        std::memcpy(&y_pair, y + l, sizeof y_pair);
        put(low(z_pair), low(y_pair), l);
        put(high(z_pair), high(y_pair), l + 1);
      }
    }
  }
}

template <class S>
void match(const Panel<S>& panel, std::uint8_t* finite) {
  std::fill(finite, finite + kLanes, std::uint8_t{1});
  sorted_keys(panel.z, panel.n, panel.directions, panel.z_keys, finite);
  if constexpr (sizeof(S) == 4)
    sorted_floats(panel.y, panel.n, panel.y_keys, finite);
  else
    sorted_keys(panel.y, panel.n, panel.directions, panel.y_keys, finite);
  scatter(panel, KeyFormat::for_columns(panel.n).row_mask);
}

/// Vectors of S as many as those of double, and as double.
template <class S>
using Half = hn::Rebind<S, hn::ScalableTag<double>>;

template <class S>
HWY_INLINE hn::Vec<hn::ScalableTag<double>> to_double(hn::Vec<Half<S>> x) {
  if constexpr (sizeof(S) == 4)
    return hn::PromoteTo(hn::ScalableTag<double>(), x);
  else
    return x;
}

/// Gaps z − y of a vector of neighbours, their |gap|^p, and the weights scale·p·|gap|^{p−1} sign(gap) in the place of y where they are wanted.
template <bool weights, class S>
HWY_INLINE hn::Vec<hn::ScalableTag<double>> gap_powers(const S* z, S* y, double p, double scale) {
  const hn::ScalableTag<double> d;
  const Half<S> half;
  const auto factor = hn::Set(half, static_cast<S>(scale * p));
  const auto gap = hn::Sub(hn::LoadU(half, z), hn::LoadU(half, y));
  const auto wide = to_double<S>(gap);
  if (p == 2.0) {
    if (weights) hn::StoreU(hn::Mul(factor, gap), half, y);
    return hn::Mul(wide, wide);
  }
  if (p == 1.0) {
    if (weights) hn::StoreU(hn::IfThenElseZero(hn::Ne(gap, hn::Zero(half)), hn::CopySign(factor, gap)), half, y);
    return hn::Abs(wide);
  }
  HWY_ALIGN S gaps[hn::MaxLanes(hn::ScalableTag<double>())];
  HWY_ALIGN double powers[hn::MaxLanes(hn::ScalableTag<double>())];
  hn::StoreU(gap, half, gaps);
  for (std::size_t l = 0; l < hn::Lanes(d); ++l) {
    powers[l] = static_cast<double>(gap_power(gaps[l], p));
    if (weights) y[l] = static_cast<S>(scale * static_cast<double>(gap_power_derivative(gaps[l], p)));
  }
  return hn::Load(d, powers);
}

/// Σ of gap_powers over `count` vectors at distance `step`: the even ones and the odd ones, then both.
template <bool weights, class S>
HWY_INLINE hn::Vec<hn::ScalableTag<double>> gap_sum(const S* z, S* y, Index count, Index step, double p, double scale) {
  auto even = hn::Zero(hn::ScalableTag<double>());
  auto odd = even;
  Index k = 0;
  for (; k + 2 <= count; k += 2) {
    even = hn::Add(even, gap_powers<weights>(z + k * step, y + k * step, p, scale));
    odd = hn::Add(odd, gap_powers<weights>(z + (k + 1) * step, y + (k + 1) * step, p, scale));
  }
  if (k < count) even = hn::Add(even, gap_powers<weights>(z + k * step, y + k * step, p, scale));
  return hn::Add(even, odd);
}

/// The sums of a panel of gaps, two vectors of lanes at a time.
template <bool weights, class S>
void panel_sums(const S* z, S* y, Index n, double p, double scale, double* sums) {
  const hn::ScalableTag<double> d;
  const auto width = static_cast<Index>(hn::Lanes(d));
  if (p != 2.0 || kLanes != 2 * width) {
    for (Index lane = 0; lane < kLanes; lane += width) hn::StoreU(gap_sum<weights>(z + lane, y + lane, n, kLanes, p, scale), d, sums + lane);
    return;
  }
  auto left = hn::Zero(d);
  auto right = left;
  auto left_odd = left;
  auto right_odd = left;
  Index at = 0;
  for (; at + 2 * kLanes <= n * kLanes; at += 2 * kLanes) {
    left = hn::Add(left, gap_powers<weights>(z + at, y + at, 2.0, scale));
    right = hn::Add(right, gap_powers<weights>(z + at + width, y + at + width, 2.0, scale));
    left_odd = hn::Add(left_odd, gap_powers<weights>(z + at + kLanes, y + at + kLanes, 2.0, scale));
    right_odd = hn::Add(right_odd, gap_powers<weights>(z + at + kLanes + width, y + at + kLanes + width, 2.0, scale));
  }
  if (at < n * kLanes) {
    left = hn::Add(left, gap_powers<weights>(z + at, y + at, 2.0, scale));
    right = hn::Add(right, gap_powers<weights>(z + at + width, y + at + width, 2.0, scale));
  }
  hn::StoreU(hn::Add(left, left_odd), d, sums);
  hn::StoreU(hn::Add(right, right_odd), d, sums + width);
}

template <class S>
void weigh(const S* z, S* matched, Index n, double p, double scale, double* sums) {
  panel_sums<true>(z, matched, n, p, scale, sums);
}

template <class S>
void values(const Panel<S>& panel, double p, double* sums, std::uint8_t* finite) {
  std::fill(finite, finite + kLanes, std::uint8_t{1});
  if constexpr (sizeof(S) == 4) {
    sorted_floats(panel.z, panel.n, panel.z_keys, finite);
    sorted_floats(panel.y, panel.n, panel.y_keys, finite);
    panel_sums<false>(reinterpret_cast<const float*>(panel.z_keys), reinterpret_cast<float*>(panel.y_keys), panel.n, p, 0.0,
                      sums);  // read by vector loads alone
  } else {
    sorted_keys(panel.z, panel.n, panel.directions, panel.z_keys, finite);
    sorted_keys(panel.y, panel.n, panel.directions, panel.y_keys, finite);
    const std::uint32_t row_mask = KeyFormat::for_columns(panel.n).row_mask;
    std::fill(sums, sums + kLanes, 0.0);
    for (Index at = 0; at < panel.n * kLanes; at += kLanes) {
      for (Index l = 0; l < kLanes; ++l) {
        const auto value_at = [&](std::uint32_t key) { return static_cast<Index>(key & row_mask) * kLanes + l; };
        sums[l] += gap_power(panel.z[value_at(panel.z_keys[at + l])] - panel.y[value_at(panel.y_keys[at + l])], p);
      }
    }
  }
}

/// Smallest and largest of a row, and whether all of it is finite.
template <class S>
struct RowRange {
  S low;
  S high;
  bool finite;

  RowRange(const S* row, Index n) : low(row[0]), high(row[0]), finite(true) {
    const hn::ScalableTag<S> d;
    const auto width = static_cast<Index>(hn::Lanes(d));
    auto lows = hn::Set(d, low);
    auto highs = lows;
    auto zeros = hn::Zero(d);
    Index k = 0;
    for (; k + width <= n; k += width) {
      const auto x = hn::LoadU(d, row + k);
      lows = hn::Min(lows, x);
      highs = hn::Max(highs, x);
      zeros = hn::MulAdd(x, hn::Zero(d), zeros);
    }
    low = hn::GetLane(hn::MinOfLanes(d, lows));
    high = hn::GetLane(hn::MaxOfLanes(d, highs));
    S zero = hn::GetLane(hn::SumOfLanes(d, zeros));
    for (; k < n; ++k) {
      low = std::min(low, row[k]);
      high = std::max(high, row[k]);
      zero += row[k] * S(0);
    }
    finite = zero == S(0);
  }
};

template <class S>
bool pack_row(const S* row, Index n, const KeyFormat& format, std::uint32_t* keys) {
  const hn::ScalableTag<S> d;
  const typename Quantiser<S>::Whole whole;
  const hn::Rebind<std::uint32_t, decltype(d)> unsigned_whole;
  const auto width = static_cast<Index>(hn::Lanes(d));
  const RowRange<S> range(row, n);
  const Quantiser<S> level(hn::Set(d, range.low), hn::Set(d, range.high), format.largest_level);
  const auto largest = hn::Set(whole, static_cast<std::int32_t>(format.largest_level));
  const auto pack = [&](auto x, Index k) HWY_ATTR {
    const auto q = hn::BitCast(unsigned_whole, hn::Min(level(x), largest));
    return hn::Or(hn::ShiftLeftSame(q, format.row_bits), hn::Iota(unsigned_whole, static_cast<std::uint32_t>(k)));
  };
  Index k = 0;
  for (; k + width <= n; k += width) hn::StoreU(pack(hn::LoadU(d, row + k), k), unsigned_whole, keys + k);
  for (; k < n; ++k) keys[k] = hn::GetLane(pack(hn::Set(d, row[k]), k));
  return range.finite;
}

/// One value at a time: the sort that follows takes twenty times as long.
template <class S>
bool pack_row_wide(const S* row, Index n, std::uint64_t* keys) {
  const RowRange<S> range(row, n);
  const double half_low = 0.5 * static_cast<double>(range.low);
  const double spread = 0.5 * static_cast<double>(range.high) - half_low;
  constexpr double kLargestLevel = 4294967295.0;
  const double scale = spread > 0.0 ? std::min(kLargestLevel / spread, std::numeric_limits<double>::max()) : 0.0;
  for (Index k = 0; k < n; ++k) {
    const double q = range.finite ? std::min((0.5 * static_cast<double>(row[k]) - half_low) * scale, kLargestLevel) : 0.0;
    keys[k] = (static_cast<std::uint64_t>(q) << 32) | static_cast<std::uint64_t>(k);
  }
  return range.finite;
}

template <bool weights, class S>
double row_sum(const S* z, S* y, Index n, double p, double scale) {
  const hn::ScalableTag<double> d;
  const auto width = static_cast<Index>(hn::Lanes(d));
  const Index whole = n / width * width;
  double sum = hn::GetLane(hn::SumOfLanes(d, gap_sum<weights>(z, y, n / width, width, p, scale)));
  for (Index k = whole; k < n; ++k) {
    const S gap = z[k] - y[k];
    sum += gap_power(static_cast<double>(gap), p);
    if (weights) y[k] = static_cast<S>(scale * static_cast<double>(gap_power_derivative(gap, p)));
  }
  return sum;
}

template <class S>
double weigh_row(const S* z, S* matched, Index n, double p, double scale) {
  return row_sum<true>(z, matched, n, p, scale);
}

template <class S>
double row_value(const S* z, const S* y, Index n, double p) {
  return row_sum<false>(z, const_cast<S*>(y), n, p, 0.0);
}

}  // namespace slicecheck::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each instruction set
