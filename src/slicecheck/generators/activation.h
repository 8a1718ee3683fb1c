#pragma once
/// Activations, with their conventions at kinks.

#include <cmath>
#include <string>
#include <string_view>

#include "slicecheck/core/error.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// The activations that certificates are known for.
enum class Activation { identity, relu, leaky_relu, tanh, softplus };

/// Slope of LeakyReLU on the left.
constexpr double kLeakySlope = 0.01;

/// @throws InputError for a name that is not one of identity, relu, leaky_relu, tanh, softplus.
inline Activation parse_activation(std::string_view name) {
  if (name == "identity") return Activation::identity;
  if (name == "relu") return Activation::relu;
  if (name == "leaky_relu") return Activation::leaky_relu;
  if (name == "tanh") return Activation::tanh;
  if (name == "softplus") return Activation::softplus;
  reject("unknown activation '{}'; expected identity, relu, leaky_relu, tanh or softplus", name);
}

/// As its enumerator is spelt.
inline std::string_view activation_name(Activation act) {
  switch (act) {
    case Activation::identity: return "identity";
    case Activation::relu: return "relu";
    case Activation::leaky_relu: return "leaky_relu";
    case Activation::tanh: return "tanh";
    case Activation::softplus: return "softplus";
  }
  return "?";
}

/// act(t). Softplus is ln(1 + e^t), computed without overflow.
template <class S>
S activate(Activation act, S t) {
  switch (act) {
    case Activation::identity: return t;
    case Activation::relu: return t > S{0} ? t : S{0};
    case Activation::leaky_relu: return t > S{0} ? t : static_cast<S>(kLeakySlope) * t;
    case Activation::tanh: return std::tanh(t);
    case Activation::softplus: return std::max(t, S{0}) + std::log1p(std::exp(-std::abs(t)));
  }
  return t;
}

/// act'(t). AT THE KINK t = 0 of relu and leaky_relu: the left derivative (0 and 0.01), as LibTorch has it; one element of the Clarke derivative [0, 1] or
/// [0.01, 1].
template <class S>
S activation_slope(Activation act, S t) {
  switch (act) {
    case Activation::identity: return S{1};
    case Activation::relu: return t > S{0} ? S{1} : S{0};
    case Activation::leaky_relu: return t > S{0} ? S{1} : static_cast<S>(kLeakySlope);
    case Activation::tanh: {
      const S value = std::tanh(t);
      return S{1} - value * value;
    }
    case Activation::softplus: return t >= S{0} ? S{1} / (S{1} + std::exp(-t)) : std::exp(t) / (S{1} + std::exp(t));
  }
  return S{1};
}

}  // namespace slicecheck
