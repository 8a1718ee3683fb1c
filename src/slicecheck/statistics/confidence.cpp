#include "slicecheck/statistics/confidence.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck {

MeanEstimate mean_with_t_interval(const std::vector<double>& values, double confidence) {
  if (values.empty()) reject("a mean of no values was asked for; at least one is needed");
  if (!(confidence > 0.0 && confidence < 1.0)) reject("the confidence is {}; it must lie between 0 and 1", confidence);
  const auto n = static_cast<double>(values.size());
  double mean = 0.0;
  for (const double value : values) mean += value / n;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (values.size() == 1) return {mean, std::numeric_limits<double>::quiet_NaN(), {-infinity, infinity}};
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double standard_error = std::sqrt(squares / (n - 1.0) / n);
  const boost::math::students_t law(n - 1.0);
  const double half = boost::math::quantile(boost::math::complement(law, (1.0 - confidence) / 2.0)) * standard_error;
  return {mean, standard_error, {mean - half, mean + half}};
}

double hoeffding_half_width(double range, double n, double failure) { return range * std::sqrt(std::log(2.0 / failure) / (2.0 * n)); }

}  // namespace slicecheck
