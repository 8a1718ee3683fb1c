// Operations whose results ptx_operations_test.cpp compares with the host's.
#include "expressions.h"

extern "C" __global__ void evaluate_expressions(const unsigned* in, expressions::u64* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) expressions::evaluate(in[3 * i], in[3 * i + 1], in[3 * i + 2], out + static_cast<size_t>(i) * expressions::count);
}

/// +, −, ×, /, fma, √ in the four rounding modes: 24 words.
extern "C" __global__ void round_floats(const float* in, float* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const float a = in[3 * i], b = in[3 * i + 1], c = in[3 * i + 2];
  float* to = out + 24 * i;
#define MODE(k, r)                     \
  to[6 * k] = __fadd_##r(a, b);        \
  to[6 * k + 1] = __fsub_##r(a, b);    \
  to[6 * k + 2] = __fmul_##r(a, b);    \
  to[6 * k + 3] = __fdiv_##r(a, b);    \
  to[6 * k + 4] = __fmaf_##r(a, b, c); \
  to[6 * k + 5] = __fsqrt_##r(fabsf(a));
  MODE(0, rn) MODE(1, rz) MODE(2, rd) MODE(3, ru)
#undef MODE
}

/// Conversions to integers and floats in the four rounding modes: 12 words.
extern "C" __global__ void round_conversions(const double* in, double* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const double a = in[i];
  double* to = out + 12 * i;
#define MODE(k, r)                           \
  to[3 * k] = __double2float_##r(a);         \
  to[3 * k + 1] = __float2int_##r(float(a)); \
  to[3 * k + 2] = __int2float_##r(__double2int_rz(a) * 4099);
  MODE(0, rn) MODE(1, rz) MODE(2, rd) MODE(3, ru)
#undef MODE
}

/// CUDA's mathematical functions, as they are made of basic operations: 9 doubles.
extern "C" __global__ void functions(const float* in, double* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const float x = in[i];
  const float positive = fabsf(x) + 1e-30F;
  float sine = 0, cosine = 0;
  sincospif(x, &sine, &cosine);
  double* to = out + 9 * i;
  to[0] = logf(positive);
  to[1] = log1pf(positive);
  to[2] = sine;
  to[3] = cosine;
  to[4] = expf(x / 64);
  to[5] = sinf(x);
  to[6] = rsqrt(double{positive});
  to[7] = sqrt(double{positive}) / 3.0;
  to[8] = 1.0 / double{positive};
}
