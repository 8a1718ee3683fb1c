#pragma once
/// One list of expressions, evaluated by nvcc's PTX on the machine and by the host's compiler. a, b, c: 32-bit words; ia, ib: the same, signed; fa, fb, fc: as
/// floats; fs: a float of moderate size; la, lb: 64-bit words.

#include <algorithm>
#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define SHARED_CODE __device__ __forceinline__
#else
#include <bit>
#define SHARED_CODE inline
#endif

// clang-format off
#define EXPRESSIONS(X)                                                                                                \
  /* 32-bit integers */                                                                                               \
  X(a + b) X(a - b) X(a * b) X(b ? a / b : 0) X(b ? a % b : 0) X(i32(a - b)) X(u32(i64(ia) * ib))                             \
  X(divides(ia, ib) ? ia / ib : 0) X(divides(ia, ib) ? ia % ib : 0)                                                   \
  X(a >> (b & 31)) X(u32(ia >> (b & 31))) X(a << (b & 31)) X(a & b) X(a | b) X(a ^ b) X(~a)                           \
  X((a & b) | (~a & 0x0F0F0F0Fu)) X(u32((a >> 5) & 0x7F)) X((a & ~0xFF0u) | ((b & 0xFF) << 4))                        \
  X(a < b ? a : b) X(ia > ib ? ia : ib) X(u32(std::min(ia, ib))) X(std::max(a, b))                                    \
  X(u8(a)) X(u32(i32(i8(a)))) X(u32(i32(i16(a)))) X(u16(a))                                                           \
  /* 64-bit integers */                                                                                               \
  X(u64(a) * b) X(u64(i64(ia) * ib)) X((u64(a) * b) >> 32) X(la + lb) X(la * lb) X(la >> (b & 63)) X(la << (b & 63))  \
  X(u64(i64(la) >> (b & 63))) X(lb ? la / lb : 0) X(lb ? la % lb : 0)                                                 \
  /* comparisons */                                                                                                   \
  X(a < b) X(ia < ib) X(la < lb) X(i64(la) < i64(lb)) X(a == b || ia < 3)                                             \
  X(fa < fb) X(fa <= fb) X(fa == fb) X(!(fa < fb)) X(fa != fb) X(fa != fa)                                            \
  /* floats */                                                                                                        \
  X(bits(fa + fb)) X(bits(fa - fb)) X(bits(fa * fb)) X(bits(fa / fb)) X(bits(fmaf(fa, fb, fc)))                       \
  X(bits(sqrtf(fabsf(fa)))) X(bits(fminf(fa, fb))) X(bits(fmaxf(fa, fb))) X(bits(fabsf(fa))) X(bits(-fa))             \
  X(bits(floorf(fs))) X(bits(ceilf(fs))) X(bits(truncf(fs))) X(bits(rintf(fs)))                                       \
  /* conversions */                                                                                                   \
  X(u32(i32(fs))) X(bits(float(a))) X(bits(float(ia))) X(bits(float(la))) X(bits(float(i64(la))))                     \
  X(bits(double(ia))) X(bits(double(la))) X(u64(i64(double(fs) * 1024.0)))                                            \
  /* doubles */                                                                                                       \
  X(bits(double(fa) + double(fb))) X(bits(double(fa) * double(fb))) X(bits(float(double(fa) / double(fb))))           \
  X(bits(sqrt(fabs(double(fa))))) X(bits(fma(double(fa), double(fb), double(fc)))) X(bits(floor(double(fs) * 3)))     \
  /* bits */                                                                                                          \
  X(u32(population(la))) X(la ? u32(leading_zeros(la)) : 64u) X(a ? u32(leading_zeros(a)) : 32u)                      \
  X(reversed(a)) X(high_product(a, b)) X(high_product(la, lb)) X(funnel(a, b, c & 31)) X(byte_permuted(a, b, c & 0x7777))
// clang-format on

namespace expressions {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

#ifdef __CUDACC__
SHARED_CODE u32 bits(float value) { return __float_as_uint(value); }
SHARED_CODE u64 bits(double value) { return static_cast<u64>(__double_as_longlong(value)); }
SHARED_CODE float as_float(u32 value) { return __uint_as_float(value); }
SHARED_CODE int population(u64 value) { return __popcll(value); }
SHARED_CODE int leading_zeros(u32 value) { return __clz(static_cast<int>(value)); }
SHARED_CODE int leading_zeros(u64 value) { return __clzll(static_cast<i64>(value)); }
SHARED_CODE u32 reversed(u32 value) { return __brev(value); }
SHARED_CODE u32 high_product(u32 a, u32 b) { return __umulhi(a, b); }
SHARED_CODE u64 high_product(u64 a, u64 b) { return __umul64hi(a, b); }
SHARED_CODE u32 funnel(u32 low, u32 high, u32 by) { return __funnelshift_l(low, high, by); }
SHARED_CODE u32 byte_permuted(u32 a, u32 b, u32 selector) { return __byte_perm(a, b, selector); }
#else
SHARED_CODE u32 bits(float value) { return std::bit_cast<u32>(value); }
SHARED_CODE u64 bits(double value) { return std::bit_cast<u64>(value); }
SHARED_CODE float as_float(u32 value) { return std::bit_cast<float>(value); }
SHARED_CODE int population(u64 value) { return std::popcount(value); }
SHARED_CODE int leading_zeros(u32 value) { return std::countl_zero(value); }
SHARED_CODE int leading_zeros(u64 value) { return std::countl_zero(value); }
SHARED_CODE u32 reversed(u32 value) {
  u32 out = 0;
  for (unsigned bit = 0; bit < 32; ++bit) out |= (value >> bit & 1) << (31 - bit);
  return out;
}
SHARED_CODE u32 high_product(u32 a, u32 b) { return static_cast<u32>(u64{a} * b >> 32); }
SHARED_CODE u64 high_product(u64 a, u64 b) {
  const u64 low = (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF);
  const u64 cross = (a >> 32) * (b & 0xFFFFFFFF) + (low >> 32);
  const u64 other = (a & 0xFFFFFFFF) * (b >> 32) + (cross & 0xFFFFFFFF);
  return (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32);
}
SHARED_CODE u32 funnel(u32 low, u32 high, u32 by) { return static_cast<u32>((u64{high} << 32 | low) << by >> 32); }
SHARED_CODE u32 byte_permuted(u32 a, u32 b, u32 selector) {
  u32 out = 0;
  for (unsigned i = 0; i < 4; ++i) out |= static_cast<u32>((u64{b} << 32 | a) >> (8 * (selector >> (4 * i) & 7)) & 0xFF) << (8 * i);
  return out;
}
#endif

SHARED_CODE bool divides(i32 a, i32 b) { return b != 0 && !(a == INT32_MIN && b == -1); }

#define COUNT_ONE(expression) +1
inline constexpr int count = 0 EXPRESSIONS(COUNT_ONE);
#undef COUNT_ONE

/// All expressions of one input, in order.
SHARED_CODE void evaluate(u32 a, u32 b, u32 c, u64* out) {
  const i32 ia = static_cast<i32>(a);
  const i32 ib = static_cast<i32>(b);
  const u64 la = u64{a} << 32 | c;
  const u64 lb = u64{b} << 13 | (c & 0xFFF);
  const float fa = as_float(a);
  const float fb = as_float(b);
  const float fc = as_float(c);
  const float fs = static_cast<float>(static_cast<i32>(c)) / 65536.0F;
  int k = 0;
#define STORE(expression) out[k++] = u64(expression);
  EXPRESSIONS(STORE)
#undef STORE
}

}  // namespace expressions
