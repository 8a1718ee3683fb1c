#pragma once
/// Rates: the slope of a power law, with its interval.

#include <cstddef>
#include <vector>

#include "slicecheck/statistics/confidence.h"

namespace slicecheck {

/// A line log2 y = log2_factor + slope·log2 x through measured points.
struct PowerLawFit {
  double slope;
  double standard_error;  ///< of the slope
  Interval interval;      ///< of the slope, Student's t with points − 2 degrees of freedom
  double log2_factor;
  /// √(Σ weight·residual² / (points − 2)). Without weights: the scatter of log2 y around the line. With relative errors: the same in units of the stated
  /// errors; about 1 when they explain it, far above 1 when the points do not lie on a power law.
  double scatter;
  std::size_t points;
};

/// Ordinary least squares of log2 y against log2 x.
///
/// The t-interval is exact when log2 y_i = a + b·log2 x_i + e_i with independent normal e_i of one unknown variance. So every y_i must come from its own
/// replicates, independent of those of the other points (not one sample cut to several sizes). The scatter is measured around the line, so that bent data widen
/// the interval, but it says nothing about slopes beyond the measured range: a logarithm, or a range where the limit law has not set in, is no part of it.
/// A point is not tied to a lattice: equal x may occur, but not only equal ones.
/// @throws InputError for fewer than 3 points, unequal counts, values that are not finite and positive, only one distinct x, or a confidence outside (0, 1).
PowerLawFit fit_power_law(const std::vector<double>& x, const std::vector<double>& y, double confidence);

/// The same with weights 1/relative_error². relative_error_i is the standard error of y_i divided by y_i, known up to one common factor: that factor is
/// estimated by the scatter. Exact for e_i with standard deviations proportional to the stated ones; where these are themselves estimated from R replicates the
/// interval under-covers a little, the more so the smaller R. @throws InputError likewise, and for errors that are not finite and positive.
PowerLawFit fit_power_law(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& relative_error, double confidence);

}  // namespace slicecheck
