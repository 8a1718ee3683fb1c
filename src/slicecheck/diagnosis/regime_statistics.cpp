#include "slicecheck/diagnosis/regime_statistics.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/path_distance.h"

namespace slicecheck {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Sums over the looks after the first of the moments, one for each choice of the run that is left out; [0] leaves out none.
class JackknifeMoments {
 public:
  JackknifeMoments(const RegimeMeasurements& measured, double confidence)
      : levels_(measured.settings.levels), replicates_(measured.settings.replicates), confidence_(confidence) {
    const auto looks = static_cast<double>(measured.grams.size() - 1);
    std::vector<GramSums> sums;
    for (const Eigen::MatrixXd& gram : measured.grams) sums.push_back(gram_sums(gram, levels_, replicates_));
    for (Index left_out = -1; left_out < levels_ * replicates_; ++left_out) {
      PathMoments mean{std::vector<double>(static_cast<std::size_t>(levels_)), std::vector<double>(static_cast<std::size_t>(levels_)),
                       std::vector<double>(static_cast<std::size_t>(levels_ - 1))};
      for (std::size_t look = 1; look < measured.grams.size(); ++look) {
        const PathMoments here = path_moments(sums[look], left_out);
        for (std::size_t j = 0; j < mean.drift.size(); ++j) mean.drift[j] += here.drift[j] / looks;
        for (std::size_t j = 0; j < mean.spread.size(); ++j) mean.spread[j] += here.spread[j] / looks;
        for (std::size_t j = 0; j < mean.difference.size(); ++j) mean.difference[j] += here.difference[j] / looks;
      }
      moments_.push_back(std::move(mean));
    }
  }

  /// Delete-one jackknife, each level a sample of its own: variance = Σ_levels (R − 1)/R · Σ_r (θ_(r) − their mean)²; Student's t with R − 1 degrees of
  /// freedom.
  [[nodiscard]] Jackknifed of(const std::function<double(const PathMoments&)>& statistic) const {
    Jackknifed out;
    out.value = statistic(moments_.front());
    double variance = 0.0;
    const auto r = static_cast<double>(replicates_);
    for (Index level = 0; level < levels_; ++level) {
      double sum = 0.0;
      double squares = 0.0;
      for (Index i = 0; i < replicates_; ++i) {
        const double value = statistic(moments_[static_cast<std::size_t>(1 + level * replicates_ + i)]) - out.value;
        sum += value;
        squares += value * value;
      }
      variance += (r - 1.0) / r * std::max(0.0, squares - sum * sum / r);
    }
    out.standard_error = std::sqrt(variance);
    const boost::math::students_t law(r - 1.0);
    const double half = boost::math::quantile(boost::math::complement(law, (1.0 - confidence_) / 2.0)) * out.standard_error;
    out.interval = {out.value - half, out.value + half};
    return out;
  }

  /// The same of a squared quantity, as its root: ends and value below 0 become 0.
  [[nodiscard]] Jackknifed root_of(const std::function<double(const PathMoments&)>& squared) const {
    const Jackknifed square = of(squared);
    const auto root = [](double v) { return std::isnan(v) ? v : std::sqrt(std::max(0.0, v)); };
    Jackknifed out{root(square.value), 0.0, {root(square.interval.low), root(square.interval.high)}};
    out.standard_error = out.value > 0.0 ? square.standard_error / (2.0 * out.value) : kNaN;
    return out;
  }

 private:
  Index levels_;
  Index replicates_;
  double confidence_;
  std::vector<PathMoments> moments_;
};

/// √(noise² + step²). A negative estimate of step² counts as 0 in the value, but its uncertainty stays in the interval.
Jackknifed error_of(const JackknifeMoments& jackknife, double (*noise)(const PathMoments&), double (*step)(const PathMoments&)) {
  const Jackknifed square = jackknife.of([&](const PathMoments& m) { return noise(m) + step(m); });
  const double below = std::max(0.0, -jackknife.of(step).value);
  const auto root = [](double v) { return std::isnan(v) ? v : std::sqrt(std::max(0.0, v)); };
  Jackknifed out{root(square.value + below), 0.0, {root(square.interval.low + below), root(square.interval.high + below)}};
  out.standard_error = out.value > 0.0 ? square.standard_error / (2.0 * out.value) : kNaN;
  return out;
}

/// Least-squares slope of ½ log2 of values at α, α/2, … against log2 α; NaN where a value is not positive.
double slope_of(const std::vector<double>& squares) {
  const double middle = static_cast<double>(squares.size() - 1) / 2.0;
  double numerator = 0.0;
  double denominator = 0.0;
  for (std::size_t j = 0; j < squares.size(); ++j) {
    const double x = middle - static_cast<double>(j);  // log2 α_j up to a constant
    if (!(squares[j] > 0.0)) return kNaN;
    numerator += x * 0.5 * std::log2(squares[j]);
    denominator += x * x;
  }
  return numerator / denominator;
}

/// ‖u_i − u_k‖ at the looks.
std::vector<double> gaps(const RegimeMeasurements& measured, Index i, Index k) {
  std::vector<double> out;
  for (const Eigen::MatrixXd& gram : measured.grams) out.push_back(std::sqrt(std::max(0.0, gram(i, i) + gram(k, k) - 2.0 * gram(i, k))));
  return out;
}

/// d_C stopped at K, the gaps at other times than the looks taken as those of the look before: looks are what is known.
double stopped_distance(const std::vector<double>& gap, const std::vector<double>& times, Index stop) {
  double sum = 0.0;
  double largest = 0.0;
  std::size_t look = 0;
  for (Index k = 1; k <= stop; ++k) {
    for (; look < times.size() && times[look] <= static_cast<double>(k) * (1.0 + 1e-12); ++look) largest = std::max(largest, gap[look]);
    sum += std::ldexp(std::min(1.0, largest), -static_cast<int>(k));
  }
  return sum;
}

std::vector<double> over_replicates(const RegimeMeasurements& measured, Index level, const std::function<double(const RegimeRun&)>& value) {
  std::vector<double> out;
  for (const RegimeRun& run : measured.runs)
    if (run.level == level) out.push_back(value(run));
  return out;
}

/// Share of the steps of the last quarter of the looks that ended on the sphere.
double late_share(const RegimeMeasurements& measured, Index run) {
  const Index looks = measured.on_sphere.rows() - 1;
  const Index late = std::max<Index>(1, looks / 4);
  return measured.on_sphere.col(run).tail(late).mean();
}

}  // namespace

GramSums gram_sums(const Eigen::MatrixXd& gram, Index levels, Index replicates) {
  if (gram.rows() != levels * replicates || gram.cols() != gram.rows())
    reject("moments of paths: {}×{} inner products for {} runs", gram.rows(), gram.cols(), levels * replicates);
  GramSums out{levels, replicates, gram.diagonal(), Eigen::MatrixXd(gram.rows(), levels)};
  for (Index level = 0; level < levels; ++level) out.with.col(level) = gram.middleCols(level * replicates, replicates).rowwise().sum();
  return out;
}

PathMoments path_moments(const GramSums& sums, Index left_out) {
  const Index least = left_out < 0 ? 2 : 3;
  if (sums.replicates < least) reject("moments of paths: {} replicates; expected at least {}", sums.replicates, least);
  const Index hole = left_out < 0 ? -1 : left_out / sums.replicates;  // the level that the run is left out of
  const auto members = [&](Index level) { return static_cast<double>(sums.replicates - (level == hole ? 1 : 0)); };
  // Sum of all inner products between two levels.
  const auto block = [&](Index a, Index b) {
    double sum = sums.with.col(b).segment(a * sums.replicates, sums.replicates).sum();
    if (a == hole) sum -= sums.with(left_out, b);
    if (b == hole) sum -= sums.with(left_out, a);
    if (a == hole && b == hole) sum += sums.own[left_out];
    return sum;
  };
  PathMoments out;
  for (Index level = 0; level < sums.levels; ++level) {
    const double r = members(level);
    double own = sums.own.segment(level * sums.replicates, sums.replicates).sum();
    if (level == hole) own -= sums.own[left_out];
    const double drift = (block(level, level) - own) / (r * (r - 1.0));
    out.drift.push_back(drift);
    out.spread.push_back(own / r - drift);
  }
  for (Index level = 0; level + 1 < sums.levels; ++level) {
    const double across = block(level, level + 1) / (members(level) * members(level + 1));
    const auto j = static_cast<std::size_t>(level);
    out.difference.push_back(out.drift[j] + out.drift[j + 1] - 2.0 * across);
  }
  return out;
}

RegimeStatistics regime_statistics(const RegimeMeasurements& measured, double confidence) {
  const Index levels = measured.settings.levels;
  const Index replicates = measured.settings.replicates;
  for (const RegimeRun& run : measured.runs)
    if (run.failed_at)
      reject("regime: run {} at step size number {} failed at step {}: there are no paths to compare", run.replicate, run.level, *run.failed_at);
  RegimeStatistics out;
  for (const Eigen::MatrixXd& gram : measured.grams) out.looks.push_back(path_moments(gram_sums(gram, levels, replicates)));
  const JackknifeMoments jackknife(measured, confidence);
  for (std::size_t j = 0; j < static_cast<std::size_t>(levels); ++j) {
    out.drift.push_back(jackknife.root_of([j](const PathMoments& m) { return m.drift[j]; }));
    out.spread.push_back(jackknife.root_of([j](const PathMoments& m) { return m.spread[j]; }));
    if (j + 1 < static_cast<std::size_t>(levels)) out.distance_of_means.push_back(jackknife.root_of([j](const PathMoments& m) { return m.difference[j]; }));
  }
  out.drift_seen = jackknife.of([](const PathMoments& m) { return m.drift.back(); }).interval.low > 0.0;
  constexpr auto noise = [](const PathMoments& m) { return m.spread.front() / m.drift.back(); };
  constexpr auto step = [](const PathMoments& m) { return 4.0 * m.difference.front() / m.drift.back(); };
  out.noise = jackknife.root_of(noise);
  out.step = jackknife.root_of(step);
  out.error = error_of(jackknife, noise, step);
  out.spread_slope = jackknife.of([](const PathMoments& m) { return slope_of(m.spread); });
  out.difference_slope = jackknife.of([](const PathMoments& m) { return slope_of(m.difference); });
  out.horizon = measured.times.back();
  const auto stop = static_cast<Index>(std::floor(out.horizon * (1.0 + 1e-12)));
  out.path_distance_tail = std::ldexp(1.0, -static_cast<int>(std::min<Index>(stop, 1000)));
  const auto add = [&](std::vector<double>& largest, std::vector<double>* distance, Index i, Index k) {
    const std::vector<double> gap = gaps(measured, i, k);
    largest.push_back(*std::max_element(gap.begin(), gap.end()));
    if (stop >= 1) distance->push_back(stopped_distance(gap, measured.times, std::min<Index>(stop, 60)));
  };
  for (Index level = 0; level < levels; ++level) {
    auto& largest = out.largest_gap.replicates.emplace_back();
    auto& distance = out.path_distance.replicates.emplace_back();
    for (Index p = 0; 2 * p + 1 < replicates; ++p) add(largest, &distance, level * replicates + 2 * p, level * replicates + 2 * p + 1);
    if (level + 1 == levels) continue;
    auto& largest_halved = out.largest_gap.halved.emplace_back();
    auto& distance_halved = out.path_distance.halved.emplace_back();
    for (Index r = 0; r < replicates; ++r) add(largest_halved, &distance_halved, level * replicates + r, (level + 1) * replicates + r);
  }
  for (Index level = 0; level < levels; ++level) {
    const auto estimate = [&](const std::function<double(const RegimeRun&)>& value) {
      return mean_with_t_interval(over_replicates(measured, level, value), confidence);
    };
    out.residual.push_back(estimate([](const RegimeRun& run) { return run.gradient.residual; }));
    out.outward.push_back(estimate([](const RegimeRun& run) { return run.gradient.outward; }));
    out.objective.push_back(estimate([](const RegimeRun& run) { return run.objective; }));
    out.on_sphere.push_back(estimate([&](const RegimeRun& run) { return late_share(measured, run.level * replicates + run.replicate); }));
    double phi = 0.0;
    for (const double value : over_replicates(measured, level, [](const RegimeRun& run) { return run.phi_squares; })) phi += value;
    out.phi_squares.push_back(phi / static_cast<double>(replicates));
  }
  std::vector<double> residual;
  std::vector<double> outward;
  for (const GradientEstimate& start : measured.start) {
    residual.push_back(start.residual);
    outward.push_back(start.outward);
  }
  out.start_residual = mean_with_t_interval(residual, confidence);
  out.start_outward = mean_with_t_interval(outward, confidence);
  out.start_objective = mean_with_t_interval(measured.start_objective, confidence);
  return out;
}

}  // namespace slicecheck
