// Compiled with -frounding-math: operations run under other rounding modes than the nearest.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "cuda/ptx/operations.h"

namespace ptx {
namespace {

/// The NaN that a GPU gives for f32. That of f64 keeps its bits.
template <class T>
T canonical(T value) {
  if constexpr (sizeof(T) == 4) {
    return std::isnan(value) ? std::bit_cast<T>(0x7FFFFFFFU) : value;
  } else {
    return value;
  }
}

/// A NaN only where both are; -0 is below +0.
template <class T>
T smaller(T a, T b) {
  if (std::isnan(a)) return canonical(b);
  if (std::isnan(b)) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

template <class T>
T larger(T a, T b) {
  if (std::isnan(a)) return canonical(b);
  if (std::isnan(b)) return a;
  if (a == b) return std::signbit(a) ? b : a;
  return a < b ? b : a;
}

template <class T>
T flushed(T value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(T{0}, value) : value;
}

template <class T, int rounding>
Signature rounded_operation(std::string_view name) {
  constexpr std::integral_constant<int, rounding> mode;
  if (name == "add") return elementwise<T, T, T>([](T a, T b) { return canonical(a + b); }, mode);
  if (name == "sub") return elementwise<T, T, T>([](T a, T b) { return canonical(a - b); }, mode);
  if (name == "mul") return elementwise<T, T, T>([](T a, T b) { return canonical(a * b); }, mode);
  if (name == "div") return elementwise<T, T, T>([](T a, T b) { return canonical(a / b); }, mode);
  if (name == "fma") return elementwise<T, T, T, T>([](T a, T b, T c) { return canonical(std::fma(a, b, c)); }, mode);
  if (name == "rcp") return elementwise<T, T>([](T a) { return canonical(T{1} / a); }, mode);
  if (name == "sqrt") return elementwise<T, T>([](T a) { return canonical(std::sqrt(a)); }, mode);
  return {};
}

template <class T>
Signature exact_operation(std::string_view name) {
  if (name == "min") return elementwise<T, T, T>([](T a, T b) { return smaller(a, b); });
  if (name == "max") return elementwise<T, T, T>([](T a, T b) { return larger(a, b); });
  if (name == "abs") return elementwise<T, T>([](T a) { return std::fabs(a); });
  if (name == "neg") return elementwise<T, T>([](T a) { return -a; });
  if (name == "copysign") return elementwise<T, T, T>([](T sign, T magnitude) { return std::copysign(magnitude, sign); });
  return {};
}

template <bool flush>
Signature approximate_operation(std::string_view name) {
  const auto of = []<class F>(F) {
    return elementwise<float, float>([](float a) {
      const float value = canonical(F{}(flush ? flushed(a) : a));
      return flush ? flushed(value) : value;
    });
  };
  if (name == "ex2.approx") return of([](float a) { return std::exp2(a); });
  if (name == "lg2.approx") return of([](float a) { return std::log2(a); });
  if (name == "sin.approx") return of([](float a) { return std::sin(a); });
  if (name == "cos.approx") return of([](float a) { return std::cos(a); });
  if (name == "tanh.approx") return of([](float a) { return std::tanh(a); });
  if (name == "rcp.approx") return of([](float a) { return 1.0F / a; });
  if (name == "sqrt.approx") return of([](float a) { return std::sqrt(a); });
  if (name == "rsqrt.approx") return of([](float a) { return 1.0F / std::sqrt(a); });
  if (name == "div.approx" || name == "div.full") {
    return elementwise<float, float, float>([](float a, float b) {
      const float value = canonical((flush ? flushed(a) : a) / (flush ? flushed(b) : b));
      return flush ? flushed(value) : value;
    });
  }
  return {};
}

template <class T>
Signature of_type(std::string_view name, std::string_view rounding) {
  if (rounding == "rz") return rounded_operation<T, FE_TOWARDZERO>(name);
  if (rounding == "rm") return rounded_operation<T, FE_DOWNWARD>(name);
  if (rounding == "rp") return rounded_operation<T, FE_UPWARD>(name);
  if (Signature found = rounded_operation<T, FE_TONEAREST>(name); found.operation != nullptr) return found;
  return rounding.empty() ? exact_operation<T>(name) : Signature{};
}

}  // namespace

Signature float_operation(std::string_view name, Type type, std::string_view rounding, bool flush) {
  if (type.kind != 'f') {
    return {};
  }
  if (name.find('.') != std::string_view::npos) {
    if (type.bits == 64 && name == "rsqrt.approx" && !flush) {
      return elementwise<double, double>([](double a) { return 1.0 / std::sqrt(a); });
    }
    return type.bits != 32 ? Signature{} : flush ? approximate_operation<true>(name) : approximate_operation<false>(name);
  }
  if (flush) {
    return {};
  }
  return type.bits == 32 ? of_type<float>(name, rounding) : type.bits == 64 ? of_type<double>(name, rounding) : Signature{};
}

}  // namespace ptx
