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

HWY_BEFORE_NAMESPACE();
namespace slicecheck::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// As many pairs as a vector has lanes; in and out may be the same memory.
HWY_INLINE void transform(const double* uniforms, double* normals) {
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(d)>;
  constexpr double kTwoPi = 6.283185307179586;
  V first;
  V second;
  hn::LoadInterleaved2(d, uniforms, first, second);
  const V radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0), hn::Log(d, hn::Sub(hn::Set(d, 1.0), first))));
  const V angle = hn::Mul(hn::Set(d, kTwoPi), second);
  hn::StoreInterleaved2(hn::Mul(radius, hn::Cos(d, angle)), hn::Mul(radius, hn::Sin(d, angle)), d, normals);
}

void normals_from_uniforms(const double* uniforms, Index pairs, double* normals) {
  constexpr Index kWidth = hn::MaxLanes(hn::ScalableTag<double>());
  Index i = 0;
  for (; i + kWidth <= pairs; i += kWidth) transform(uniforms + 2 * i, normals + 2 * i);
  if (i == pairs) return;
  HWY_ALIGN double rest[2 * kWidth] = {};
  for (Index j = 2 * i; j < 2 * pairs; ++j) rest[j - 2 * i] = uniforms[j];
  transform(rest, rest);
  for (Index j = 2 * i; j < 2 * pairs; ++j) normals[j] = rest[j - 2 * i];
}

}  // namespace slicecheck::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace slicecheck {

HWY_EXPORT(normals_from_uniforms);

void normals_from_uniforms(const double* uniforms, Index pairs, double* normals) { HWY_DYNAMIC_DISPATCH(normals_from_uniforms)(uniforms, pairs, normals); }

}  // namespace slicecheck

#endif  // HWY_ONCE
