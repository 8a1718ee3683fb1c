#include "slicecheck/statistics/rate.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <string_view>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

void check_positive(std::string_view what, const std::vector<double>& values, std::size_t points) {
  if (values.size() != points) reject("rate fit: {} values of x and {} of {}; there must be one for each point", points, values.size(), what);
  for (std::size_t i = 0; i < points; ++i)
    if (!std::isfinite(values[i]) || !(values[i] > 0.0)) reject("rate fit: {} number {} is {}; it must be finite and positive", what, i, values[i]);
}

double mean_with_weights(const std::vector<double>& values, const std::vector<double>& weights, double total) {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] / total * values[i];
  return sum;
}

std::vector<double> log2_of(const std::vector<double>& values) {
  std::vector<double> out;
  out.reserve(values.size());
  for (const double value : values) out.push_back(std::log2(value));
  return out;
}

PowerLawFit fit(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& weights, double confidence) {
  if (!(confidence > 0.0 && confidence < 1.0)) reject("rate fit: the confidence is {}; it must lie between 0 and 1", confidence);
  const std::size_t points = x.size();
  if (points < 3) reject("rate fit: {} points; at least 3 are needed for a slope with an interval", points);
  check_positive("x", x, points);
  check_positive("y", y, points);
  const std::vector<double> log_x = log2_of(x);
  const std::vector<double> log_y = log2_of(y);
  double total = 0.0;
  for (const double weight : weights) total += weight;
  const double mean_x = mean_with_weights(log_x, weights, total);
  const double mean_y = mean_with_weights(log_y, weights, total);
  double spread = 0.0;
  double product = 0.0;
  bool distinct = false;
  for (std::size_t i = 0; i < points; ++i) {
    distinct = distinct || x[i] != x.front();
    spread += weights[i] * (log_x[i] - mean_x) * (log_x[i] - mean_x);
    product += weights[i] * (log_x[i] - mean_x) * (log_y[i] - mean_y);
  }
  if (!distinct || !(spread > 0.0)) reject("rate fit: every x is {}; a slope needs two different ones", x.front());
  const double slope = product / spread;
  double squares = 0.0;
  for (std::size_t i = 0; i < points; ++i) {
    const double residual = (log_y[i] - mean_y) - slope * (log_x[i] - mean_x);
    squares += weights[i] * residual * residual;
  }
  const auto degrees = static_cast<double>(points - 2);
  const double scatter = std::sqrt(squares / degrees);
  const double standard_error = scatter / std::sqrt(spread);
  const boost::math::students_t law(degrees);
  const double half = boost::math::quantile(boost::math::complement(law, (1.0 - confidence) / 2.0)) * standard_error;
  return {slope, standard_error, {slope - half, slope + half}, mean_y - slope * mean_x, scatter, points};
}

}  // namespace

PowerLawFit fit_power_law(const std::vector<double>& x, const std::vector<double>& y, double confidence) {
  return fit(x, y, std::vector<double>(x.size(), 1.0), confidence);
}

PowerLawFit fit_power_law(const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& relative_error, double confidence) {
  check_positive("relative error", relative_error, x.size());
  std::vector<double> weights;
  weights.reserve(x.size());
  for (const double error : relative_error) {
    const double log2_error = error / std::log(2.0);  // d log2 y = (dy / y) / ln 2
    weights.push_back(1.0 / (log2_error * log2_error));
  }
  return fit(x, y, weights, confidence);
}

}  // namespace slicecheck
