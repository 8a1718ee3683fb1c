#pragma once
/// What the checks of dynamics_step.h share: trials from numbers, and bounds on the rounding of one step.

#include <string>
#include <utility>
#include <vector>

#include "slicecheck/claims/typed_check.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/statistics/goodness_of_fit.h"

namespace slicecheck {

/// observed ≤ allowed.
inline Trial trial_of(double observed, double allowed, std::vector<NamedValues> values) {
  Trial trial;
  trial.judgement.observed = observed;
  trial.judgement.allowed = allowed;
  trial.values = std::move(values);
  return trial;
}

/// level ≤ p-value.
inline Trial trial_of_p_value(double p_value, std::vector<NamedValues> values) { return trial_of(kTypedFalseAlarm, p_value, std::move(values)); }

/// A case that cannot be judged, and why.
inline Trial skipped_trial(std::string reason) {
  Trial trial;
  trial.judgement.skipped = std::move(reason);
  return trial;
}

/// A vector or a number as the reader sees it: one row.
inline NamedValues named(std::string name, const Eigen::VectorXd& values) { return {std::move(name), Points<double>(values.transpose())}; }
/// A number, as one row of one entry.
inline NamedValues named(std::string name, double value) { return {std::move(name), Points<double>::Constant(1, 1, value)}; }

/// A whole number in [low, high].
inline Index between(PointDraws& draws, Index low, Index high) { return low + static_cast<Index>(draws.below(static_cast<std::uint64_t>(high - low + 1))); }

/// Uniform in the logarithm, in [2^low, 2^high].
inline double power_of_two(PointDraws& draws, double low, double high) { return std::exp2(draws.uniform(low, high)); }

/// Independent standard normals.
inline Eigen::VectorXd normal_vector(PointDraws& draws, Index size) {
  Eigen::VectorXd v(size);
  for (double& entry : v) entry = draws.normal();
  return v;
}

/// Subjects may return anything: what is indexed must have the right size. @throws Error.
inline void expect_size(const char* what, Index size, Index expected) {
  if (size != expected) throw Error(fmt::format("{} has {} entries; expected {}", what, size, expected));
}

/// π_r as the textbook has it; no over- or underflow at the scales of our cases.
inline Eigen::VectorXd textbook_projection(Eigen::VectorXd v, double radius) {
  const double norm = v.norm();
  if (norm > radius) v *= radius / norm;
  return v;
}

/// Bound on ‖computed − exact‖ of a sum of products with at most `terms` roundings in each term, the terms' norms adding up to `size`.
inline double sum_rounding(double terms, double size) { return tolerance::gamma(terms, tolerance::unit_roundoff<double>()) * size; }

/// Bound on ‖computed π_r(v) − π_r(v)‖ for v of d entries: the norm takes d + 1 roundings (twice that if it is scaled first), quotient and product a few more,
/// all relative to a vector of norm ≤ r.
inline double projection_rounding(Index d, double radius) { return sum_rounding(2.0 * static_cast<double>(d) + 8.0, radius); }

}  // namespace slicecheck
