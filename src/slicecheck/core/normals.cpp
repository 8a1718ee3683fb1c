// Compiled once for each of these instruction sets, like loss/cpu/kernels.cpp and for the same reasons.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "slicecheck/core/normals.cpp"
#include "slicecheck/core/normals.h"

// clang-format off
#include "hwy/foreach_target.h"  // before the others
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"
// clang-format on

#include <Random123/philox.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace slicecheck::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Real = hn::ScalableTag<double>;
using Word = hn::ScalableTag<std::uint64_t>;  // a 32-bit word in each lane; only its low half counts
using Words = hn::Vec<Word>;
constexpr Index kWidth = hn::MaxLanes(Real());

struct Block {
  Words w0, w1, w2, w3;
};

/// The word as a double, exactly.
HWY_INLINE hn::Vec<Real> to_real(Words word) {
  constexpr std::uint64_t kExponent = 0x4330'0000'0000'0000U;  // of 2^52
  const Words low = hn::And(word, hn::Set(Word(), 0xFFFF'FFFFU));
  return hn::Sub(hn::BitCast(Real(), hn::Or(low, hn::Set(Word(), kExponent))), hn::Set(Real(), 0x1p52));
}

/// ((high·2^32 + low) >> 11)·2^−53; every step is exact.
HWY_INLINE hn::Vec<Real> uniform(Words high, Words low) {
  const auto tail = to_real(hn::ShiftRight<11>(hn::And(low, hn::Set(Word(), 0xFFFF'FFFFU))));
  return hn::Mul(hn::Add(hn::Mul(to_real(high), hn::Set(Real(), 0x1p21)), tail), hn::Set(Real(), 0x1p-53));
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE Block philox(const PhiloxStream& s, const std::uint64_t* blocks) {
  const auto high = static_cast<std::uint32_t>(blocks[0] >> 32) << 16;
  const auto out = r123::Philox4x32{}({{static_cast<std::uint32_t>(blocks[0]), s.counter[1], s.counter[2], s.counter[3] | high}}, {{s.key[0], s.key[1]}});
  return {hn::Set(Word(), out[0]), hn::Set(Word(), out[1]), hn::Set(Word(), out[2]), hn::Set(Word(), out[3])};
}
#else
/// Products of the low halves, 64 bits each.
HWY_INLINE Words product(Words a, std::uint32_t b) {
  const hn::Repartition<std::uint32_t, Word> halves;
  return hn::MulEven(hn::BitCast(halves, a), hn::Set(halves, b));
}

/// Ten rounds of Philox4x32 on as many blocks as a vector has lanes.
HWY_INLINE Block philox(const PhiloxStream& s, const std::uint64_t* blocks) {
  const Word d;
  const Words number = hn::LoadU(d, blocks);
  Block x{number, hn::Set(d, s.counter[1]), hn::Set(d, s.counter[2]), hn::Or(hn::Set(d, s.counter[3]), hn::ShiftLeft<16>(hn::ShiftRight<32>(number)))};
  std::uint32_t key0 = s.key[0];
  std::uint32_t key1 = s.key[1];
  for (int round = 0; round < 10; ++round) {
    const Words p0 = product(x.w0, PHILOX_M4x32_0);
    const Words p1 = product(x.w2, PHILOX_M4x32_1);
    x.w0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), x.w1), hn::Set(d, key0));
    x.w2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), x.w3), hn::Set(d, key1));
    x.w1 = p1;
    x.w3 = p0;
    key0 += PHILOX_W32_0;
    key1 += PHILOX_W32_1;
  }
  return x;
}
#endif

/// As many blocks as a vector has lanes.
HWY_INLINE void transform(const PhiloxStream& stream, const std::uint64_t* blocks, double* normals) {
  constexpr double kTwoPi = 6.283185307179586;
  const Real d;
  const Block words = philox(stream, blocks);
  const auto first = uniform(words.w1, words.w0);
  const auto angle = hn::Mul(hn::Set(d, kTwoPi), uniform(words.w3, words.w2));
  const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0), hn::Log(d, hn::Sub(hn::Set(d, 1.0), first))));
  hn::StoreInterleaved2(hn::Mul(radius, hn::Cos(d, angle)), hn::Mul(radius, hn::Sin(d, angle)), d, normals);
}

void normals_of_blocks(const PhiloxStream& stream, const std::uint64_t* blocks, Index count, double* normals) {
  Index i = 0;
  for (; i + kWidth <= count; i += kWidth) transform(stream, blocks + i, normals + 2 * i);
  if (i == count) return;
  std::uint64_t rest[kWidth] = {};
  HWY_ALIGN double made[2 * kWidth];
  std::copy(blocks + i, blocks + count, rest);
  transform(stream, rest, made);
  std::copy(made, made + 2 * (count - i), normals + 2 * i);
}

}  // namespace slicecheck::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace slicecheck {

HWY_EXPORT(normals_of_blocks);

void normals_of_blocks(const PhiloxStream& stream, const std::uint64_t* blocks, Index count, double* normals) {
  HWY_DYNAMIC_DISPATCH(normals_of_blocks)(stream, blocks, count, normals);
}

}  // namespace slicecheck

#endif  // HWY_ONCE
