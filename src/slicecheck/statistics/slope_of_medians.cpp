#include "slicecheck/statistics/slope_of_medians.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/statistics/binomial.h"

namespace slicecheck {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Reorders the values.
double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const double below = *std::max_element(values.begin(), middle);
  return below + (*middle - below) / 2.0;
}

/// c_j of the docstring.
std::vector<double> slope_coefficients(const std::vector<double>& step_sizes) {
  const auto count = static_cast<double>(step_sizes.size());
  std::vector<double> coefficients;
  double mean = 0.0;
  for (const double step_size : step_sizes) {
    coefficients.push_back(std::log2(step_size));
    mean += coefficients.back() / count;
  }
  double spread = 0.0;
  for (double& x : coefficients) {
    x -= mean;
    spread += x * x;
  }
  for (double& x : coefficients) x /= spread;
  return coefficients;
}

/// Finite, unless a median is 0.
double slope_of(const std::vector<double>& coefficients, const std::vector<double>& medians) {
  double slope = 0.0;
  for (std::size_t j = 0; j < medians.size(); ++j) slope += coefficients[j] * std::log2(medians[j]);
  return slope;
}

void check(const std::vector<double>& step_sizes, const std::vector<std::vector<double>>& distances, double confidence) {
  if (!(confidence > 0.0 && confidence < 1.0)) reject("slope of medians: the confidence is {}; it must lie between 0 and 1", confidence);
  if (step_sizes.size() < 3) reject("slope of medians: {} step sizes; at least 3 are needed", step_sizes.size());
  if (distances.size() != step_sizes.size()) reject("slope of medians: {} step sizes and {} groups of distances", step_sizes.size(), distances.size());
  bool distinct = false;
  for (std::size_t j = 0; j < step_sizes.size(); ++j) {
    if (!std::isfinite(step_sizes[j]) || !(step_sizes[j] > 0.0))
      reject("slope of medians: step size {} is {}; it must be finite and positive", j, step_sizes[j]);
    distinct = distinct || std::log2(step_sizes[j]) != std::log2(step_sizes.front());
    if (distances[j].size() < 2)
      reject("slope of medians: {} replicates at the step size {}; at least 2 are needed for an interval", distances[j].size(), step_sizes[j]);
    for (const double distance : distances[j])
      if (!std::isfinite(distance) || distance < 0.0)
        reject("slope of medians: a distance at the step size {} is {}; it must be finite and not negative", step_sizes[j], distance);
    std::vector<double> values = distances[j];
    if (const double middle = median(values); !(middle > 0.0))
      reject("slope of medians: the median at the step size {} is {}; it has no logarithm", step_sizes[j], middle);
  }
  if (!distinct) reject("slope of medians: every step size is {}; a slope needs two different ones", step_sizes.front());
}

/// `median_intervals` of the docstring.
std::vector<Interval> simultaneous_intervals(const std::vector<std::vector<double>>& distances, double confidence) {
  const double confidence_of_each = 1.0 - (1.0 - confidence) / static_cast<double>(distances.size());
  std::vector<Interval> intervals;
  for (const auto& group : distances) {
    const Interval interval = median_interval(group, confidence_of_each);
    intervals.push_back({std::max(0.0, interval.low), interval.high});
  }
  return intervals;
}

Interval guaranteed_by(const std::vector<double>& coefficients, const std::vector<Interval>& medians) {
  Interval out{0.0, 0.0};
  for (std::size_t j = 0; j < medians.size(); ++j) {
    if (coefficients[j] == 0.0) continue;  // 0·∞ is no end
    const double one = coefficients[j] * std::log2(medians[j].low);
    const double other = coefficients[j] * std::log2(medians[j].high);
    out.low += std::min(one, other);
    out.high += std::max(one, other);
  }
  return out;
}

/// Slopes of the resamples, without those that have none, in order.
std::vector<double> bootstrap_slopes(const std::vector<double>& coefficients, const std::vector<std::vector<double>>& distances, std::uint64_t resamples,
                                     const RandomStream& stream) {
  std::uint64_t replicates = 0;
  for (const auto& group : distances) replicates += group.size();
  const std::uint64_t blocks = (replicates + 1) / 2;
  std::vector<double> slopes(resamples);
  parallel_for(static_cast<Index>(resamples), [&](Index resample) {
    std::uint64_t draw = 0;
    std::array<double, 2> uniforms{};
    std::vector<double> medians;
    std::vector<double> drawn;
    for (const auto& group : distances) {
      const auto size = static_cast<double>(group.size());
      drawn.clear();
      for (std::size_t i = 0; i < group.size(); ++i, ++draw) {
        if (draw % 2 == 0) uniforms = stream.uniforms(static_cast<std::uint64_t>(resample) * blocks + draw / 2);
        drawn.push_back(group[std::min(group.size() - 1, static_cast<std::size_t>(uniforms[draw % 2] * size))]);
      }
      medians.push_back(median(drawn));
    }
    slopes[static_cast<std::size_t>(resample)] = slope_of(coefficients, medians);
  });
  std::erase_if(slopes, [](double slope) { return !std::isfinite(slope); });
  std::sort(slopes.begin(), slopes.end());
  return slopes;
}

/// The percentile interval: the `rank`-th from below and from above, those without a slope at both ends.
Interval percentiles(const std::vector<double>& slopes, std::uint64_t resamples, std::uint64_t rank) {
  const std::uint64_t without = resamples - slopes.size();
  if (rank <= without) return {-kInfinity, kInfinity};
  return {slopes[rank - without - 1], slopes[slopes.size() - (rank - without)]};
}

}  // namespace

Interval median_interval(std::vector<double> values, double confidence) {
  if (values.empty()) reject("median interval: there are no values; at least one is needed");
  if (!(confidence > 0.0 && confidence < 1.0)) reject("median interval: the confidence is {}; it must lie between 0 and 1", confidence);
  for (const double value : values)
    if (!std::isfinite(value)) reject("median interval: a value is {}; it must be finite", value);
  const auto count = static_cast<double>(values.size());
  // P(K ≤ r − 1) = P(K ≥ R − r + 1) grows with r and exceeds (1 − confidence)/2 from r = R/2 + 1 on.
  std::size_t rank = 0;
  for (std::size_t beyond = values.size() / 2 + 1; rank + 1 < beyond;) {
    const std::size_t middle = (rank + beyond) / 2;
    const bool allowed = 2.0 * binomial_upper_tail(count - static_cast<double>(middle) + 1.0, count, 0.5) <= 1.0 - confidence;
    (allowed ? rank : beyond) = middle;
  }
  if (rank == 0) return {-kInfinity, kInfinity};
  std::sort(values.begin(), values.end());
  return {values[rank - 1], values[values.size() - rank]};
}

Interval guaranteed_slope_interval(const std::vector<double>& step_sizes, const std::vector<std::vector<double>>& distances, double confidence) {
  check(step_sizes, distances, confidence);
  return guaranteed_by(slope_coefficients(step_sizes), simultaneous_intervals(distances, confidence));
}

MedianSlope slope_of_log_medians(const std::vector<double>& step_sizes, const std::vector<std::vector<double>>& distances, double confidence,
                                 std::uint64_t resamples, const RandomStream& stream) {
  check(step_sizes, distances, confidence);
  constexpr std::uint64_t most = 10'000'000;
  // A confidence written in decimals is rounded by up to 2⁻⁵⁴: 20·(1 − 0.9)/2 is 1.
  const double count = static_cast<double>(resamples) + 1.0;
  const double rank = std::floor(count * (1.0 - confidence) / 2.0 + count * 0x1p-53);
  if (resamples > most || !(rank >= 1.0))
    reject("slope of medians: {} resamples at the confidence {}; there must be at least 2/(1 − confidence) − 1 and at most {}", resamples, confidence, most);
  MedianSlope out{};
  out.resamples = resamples;
  for (std::vector<double> group : distances) out.medians.push_back(median(group));
  const std::vector<double> coefficients = slope_coefficients(step_sizes);
  out.slope = slope_of(coefficients, out.medians);
  out.median_intervals = simultaneous_intervals(distances, confidence);
  out.guaranteed = guaranteed_by(coefficients, out.median_intervals);
  out.interval = percentiles(bootstrap_slopes(coefficients, distances, resamples, stream), resamples, static_cast<std::uint64_t>(rank));
  return out;
}

SlopeVerdict compare_slope(const Interval& slope_interval, double predicted, double margin) {
  if (!(slope_interval.low <= slope_interval.high)) reject("slope: [{}, {}] is no interval", slope_interval.low, slope_interval.high);
  if (!std::isfinite(predicted) || !std::isfinite(margin) || margin < 0.0)
    reject("slope: predicted {} with the margin {}; both must be finite, the margin not negative", predicted, margin);
  const double low = predicted - margin;
  const double high = predicted + margin;
  if (low <= slope_interval.low && slope_interval.high <= high) return SlopeVerdict::equivalent;
  if (slope_interval.high < low || high < slope_interval.low) return SlopeVerdict::different;
  return SlopeVerdict::inconclusive;
}

}  // namespace slicecheck
