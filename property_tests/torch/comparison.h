#pragma once
/// What the tests of this folder share: clouds, and the comparison of an error with what its derivation allows.

#include <cmath>
#include <cstdint>
#include <limits>

#include "slicecheck/core/random.h"

namespace slicecheck::testing {

/// rows×cols standard normals, the same for the same number.
inline Eigen::MatrixXd normals(Index rows, Index cols, std::uint32_t number) {
  Eigen::VectorXd entries(rows * cols);
  RandomStream(1, Purpose::cases, number, 0).fill_normal(entries);
  return entries.reshaped(rows, cols);
}

/// observed / allowed: at most 1 when a check holds; infinite when the observed error is not finite, so that NaN never passes.
inline double ratio(double observed, double allowed) {
  if (!std::isfinite(observed) || !std::isfinite(allowed)) return std::numeric_limits<double>::infinity();
  return observed == 0.0 ? 0.0 : observed / allowed;
}

/// The largest entry of |error| / allowed, as `ratio` has it.
inline double worst_ratio(const Eigen::MatrixXd& error, const Eigen::MatrixXd& allowed) {
  double worst = 0.0;
  for (Index i = 0; i < error.size(); ++i) worst = std::max(worst, ratio(std::abs(error.reshaped()[i]), allowed.reshaped()[i]));
  return worst;
}

}  // namespace slicecheck::testing
