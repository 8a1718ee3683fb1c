#pragma once
/// Confidence intervals, with what they rest on.

#include <vector>

namespace slicecheck {

/// [low, high]; ends may be infinite.
struct Interval {
  double low;
  double high;
};

/// A mean and what is known of it.
struct MeanEstimate {
  double mean;
  double standard_error;  ///< NaN for a single value
  Interval interval;      ///< whole line for a single value
};

/// Mean of independent values with Student's t-interval at the given confidence. Exact for normal values; for others it rests on the central limit theorem, and
/// it under-covers for few, skewed values (claim L7): who prints it says "t-interval" and the number of values.
/// @throws InputError for no values, or a confidence outside (0, 1).
MeanEstimate mean_with_t_interval(const std::vector<double>& values, double confidence);

/// Half-width h with P(|mean − expectation| > h) ≤ failure for n independent values in [0, range]: range·√(ln(2/failure) / (2n)) (Hoeffding). Holds for every n
/// and every law.
double hoeffding_half_width(double range, double n, double failure);

}  // namespace slicecheck
