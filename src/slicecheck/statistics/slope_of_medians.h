#pragma once
/// How fast a median falls with the step size: the slope of log median against log step size, with an interval that holds for every law.

#include <cstdint>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck {

/// Distribution-free interval for the median: with R independent values in order, [x_(r), x_(R+1−r)], r the largest with 2·P(binomial(R, 1/2) ≤ r − 1) ≤
/// 1 − confidence. It contains every median of the law with at least the stated confidence, and each of its ends errs with at most half of the rest, for every
/// R and every law; continuous laws reach 1 − 2·P(binomial(R, 1/2) ≤ r − 1) exactly. The whole line where no r ≥ 1 will do: R < 1 − log2(1 − confidence).
/// @throws InputError for no values, a value that is not finite, or a confidence outside (0, 1).
Interval median_interval(std::vector<double> values, double confidence);

/// The line log2 median = a + slope·log2 step_size.
struct MedianSlope {
  double slope;  ///< least squares through the sample medians
  /// Percentile bootstrap of the slope. ASYMPTOTIC: its coverage tends to the stated one with the number of replicates, if step sizes share no random numbers.
  /// To be shown beside `guaranteed`; a verdict cannot rest on it, least of all at 10⁻⁶.
  Interval interval;
  /// Contains the least-squares slope of the true medians with at least the stated confidence, for every law and every number of replicates; each end errs with
  /// at most half of the rest. It says nothing about the slope beyond the measured step sizes.
  Interval guaranteed;
  std::vector<double> medians;  ///< of the replicates; the mean of the two middle ones where their number is even
  /// All of them contain their true medians with at least the stated confidence: `median_interval` at 1 − (1 − confidence)/k, k step sizes (union bound, so
  /// that step sizes may share random numbers). Those of few replicates are [0, ∞).
  std::vector<Interval> median_intervals;
  std::uint64_t resamples;
};

/// Least squares of y_j = log2 median_j against x_j = log2 step_size_j: slope = Σ c_j y_j, c_j = (x_j − x̄)/Σ(x_i − x̄)². distances[j] are the independent
/// replicates at step_sizes[j], all ≥ 0.
///
/// Guaranteed interval: [Σ min(c_j log2 l_j, c_j log2 h_j), Σ max(…)] over the simultaneous intervals [l_j, h_j], up to rounding. It is finite (a budget that
/// can decide) from R ≥ 1 + log2(k/(1 − confidence)) replicates on: 24 for 8 step sizes at 1 − 10⁻⁶. Its width adds up the widths of the median intervals where
/// the standard error adds their squares: the price of needing no law.
///
/// Bootstrap interval: every resample draws, inside each step size, as many replicates with replacement; of the ordered slopes of B resamples it is the l-th
/// from below and from above, l = ⌊(B + 1)(1 − confidence)/2⌋. A resample with a median 0 has no slope and counts as −∞ below and as ∞ above. Percentiles and
/// not BCa: the acceleration that BCa takes from the jackknife is not consistent for medians. Draw i of a resample b takes uniform i % 2 of block b·⌈n/2⌉ + i/2
/// of the stream, n replicates in all: the result is a pure function of the arguments, on any number of threads.
/// @throws InputError for fewer than 3 step sizes, another number of groups than step sizes, step sizes that are not finite and positive or all equal, fewer
/// than 2 replicates at a step size, distances that are not finite or negative, a median 0, a confidence outside (0, 1), and resamples too few for l ≥ 1
/// or more than 10⁷.
MedianSlope slope_of_log_medians(const std::vector<double>& step_sizes, const std::vector<std::vector<double>>& distances, double confidence,
                                 std::uint64_t resamples, const RandomStream& stream);

/// `guaranteed` alone, at a confidence of its own: what a verdict at 10⁻⁶ asks for, where the bootstrap would need 2·10⁶ resamples.
/// @throws InputError likewise.
Interval guaranteed_slope_interval(const std::vector<double>& step_sizes, const std::vector<std::vector<double>>& distances, double confidence);

/// What `compare_slope` says.
enum class SlopeVerdict { equivalent, different, inconclusive };

/// Two one-sided tests of a slope against the band [predicted − margin, predicted + margin]:
///
///     equivalent      the interval lies inside the band (ends included),
///     different       the interval and the band have no point in common,
///     inconclusive    otherwise.
///
/// If each end of the interval errs with probability ≤ level (confidence 1 − 2·level), a slope outside the band is called equivalent with probability ≤ level,
/// and one inside it different with probability ≤ 2·level.
/// @throws InputError unless low ≤ high (infinite ends may occur), predicted is finite, and margin is finite and not negative.
SlopeVerdict compare_slope(const Interval& slope_interval, double predicted, double margin);

}  // namespace slicecheck
