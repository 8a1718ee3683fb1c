#pragma once
/// SW_p from SW_p^p: the p-th root of a sliced loss, with its gradient (theory/generative.md, claim G2).

#include <cmath>
#include <utility>

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// Of a loss that is SW_p^p: value^{1/p}, and its derivative gradient · value^{1/p−1}/p, for clouds of n points no longer than n^{−1/max(p, 2)} (Frobenius
/// norm). AT VALUE 0 the gradient is 0: SW_p has its minimum there, and 0 is in its Clarke subdifferential. Near value 0 it does not go to 0: the root has a
/// kink. `per_direction` is empty: the root is no mean over directions. p = 1 changes nothing else. Values below 10⁻³⁰⁸ lose digits, and so does the gradient.
/// @throws InputError unless p is a finite number ≥ 1.
template <class S>
LossGradient<S> rooted(LossGradient<S> loss, double p) {
  check_exponent(p);
  loss.per_direction.resize(0);
  if (loss.value == 0.0) {
    loss.gradient.setZero();
    return loss;
  }
  // In double: the factor may be too large for float where the gradient is small.
  const double factor = std::pow(loss.value, 1.0 / p - 1.0) / p;
  loss.gradient = (loss.gradient.template cast<double>() * factor).template cast<S>();
  loss.value = std::pow(loss.value, 1.0 / p);
  return loss;
}

}  // namespace slicecheck
