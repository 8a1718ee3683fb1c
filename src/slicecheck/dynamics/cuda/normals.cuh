#pragma once
/// Standard normals of docs/formats.md on the device.

#include <Random123/philox.h>

#include "slicecheck/cuda/platform.h"

namespace slicecheck::cuda {

/// Two normals.
struct NormalPair {
  float first, second;
};

/// The four words of block `block` < 2^31 of the stream with these counter and key: those of RandomStream::words, bit for bit.
SLICECHECK_DEVICE uint4 philox_words(const uint4& counter, const uint2& key, unsigned block) {
  const r123::Philox4x32::ctr_type at{{block, counter.y, counter.z, counter.w}};
  const r123::Philox4x32::key_type with{{key.x, key.y}};
  const r123::Philox4x32::ctr_type words = r123::Philox4x32{}(at, with);
  return make_uint4(words[0], words[1], words[2], words[3]);
}

/// −log(1 − u) ≥ 0 for u = bits·2^−53, to a few roundings at both ends: near u = 0 the logarithm of a rounded 1 − u would lose it, near u = 1 a rounded u
/// would.
SLICECHECK_DEVICE float minus_log_of_complement(unsigned long long bits) {
  constexpr unsigned long long one = 1ULL << 53;
  constexpr float unit = 1.1102230246251565e-16F;  // 2^-53
  if (bits < one / 2) return -log1pf(-static_cast<float>(bits) * unit);
  return -logf(static_cast<float>(one - bits) * unit);
}

/// Box–Muller on the two 53-bit uniforms of a block: √(−2 log(1 − u)) · (cos 2πv, sin 2πv). Differs from the processor's double normals by rounding: at most
/// 2^−20 · (1 + |ε|) (tested).
SLICECHECK_DEVICE NormalPair normals_of(const uint4& words) {
  const unsigned long long u = ((static_cast<unsigned long long>(words.y) << 32) | words.x) >> 11;
  const unsigned long long v = ((static_cast<unsigned long long>(words.w) << 32) | words.z) >> 11;
  const float radius = sqrtf(2.0F * minus_log_of_complement(u));
  // 2πv = π·(2v): v in 53 bits is reduced to (−1/2, 1/2] first, so that the float of it is accurate near the zeros of the sine.
  const long long half = 1LL << 52;
  const auto position = static_cast<long long>(v);
  const float turns = static_cast<float>(position > half ? position - 2 * half : position) * 2.220446049250313e-16F;  // 2·2^-53
  float sine = 0.0F;
  float cosine = 0.0F;
  sincospif(turns, &sine, &cosine);
  return {radius * cosine, radius * sine};
}

}  // namespace slicecheck::cuda
