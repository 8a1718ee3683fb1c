/// Part 2 of `calibration`: intervals against truths that are known exactly.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <functional>

#include "calibration.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/dynamics/training.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/measures/law.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/statistics/binomial.h"
#include "slicecheck/statistics/rate.h"
#include "summary.h"

namespace slicecheck {

namespace {

constexpr double kConfidence = 0.95;
constexpr std::uint32_t kPlane = std::uint32_t{1} << 31;  // first replicate of the affine plane
const std::string kDirections = "t, over directions";
const std::string kHoeffding = "Hoeffding, over directions";
const std::string kBatches = "t, over batches";
const std::string kReplicates = "t, over replicates";
const std::string kSlope = "t, slope of a rate";

enum class Side { below, covers, above };

Side side_of(const Interval& interval, double truth) {
  if (!(interval.low <= interval.high)) throw Error(fmt::format("an interval from {} to {}", interval.low, interval.high));
  return interval.high < truth ? Side::below : interval.low > truth ? Side::above : Side::covers;
}

/// One interval in one situation.
struct Cell {
  std::string interval;
  std::string of;
  Index values;                               ///< how many independent values it is made of
  std::function<Side(std::uint32_t)> repeat;  ///< one replicate
  double below = 0.0;                         ///< intervals that lie below the truth
  double above = 0.0;
  double covered = 0.0;
};

std::vector<Index> sizes(const Settings& s, const std::string& key, Index least, Index largest) {
  std::vector<Index> out = s.integers(key);
  for (const Index size : out)
    if (size < least || size > largest) reject("settings: {} has {}; each must be between {} and {}", key, size, least, largest);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.empty()) reject("settings: {} is empty", key);
  return out;
}

// ---- (a), (c): a mean over directions

/// w_θ between four points and the same points moved by v is (θ·v)², whatever the points; SW_2² = ‖v‖²/d. The range of Hoeffding's interval is its smallest
/// possible one, ‖v‖², as in the check of L7 with all points of a cloud at one place.
Side over_directions(std::uint64_t seed, std::uint32_t replicate, Index d, Index count, bool hoeffding) {
  const std::uint64_t step = (static_cast<std::uint64_t>(d) << 20) | static_cast<std::uint64_t>(count);
  const Points<double> z = Gaussian::standard(d)->sample<double>({seed, Purpose::evaluation_source, replicate, step}, 4);
  const Eigen::RowVectorXd v = uniform_directions<double>({seed, Purpose::law, replicate, step}, 1, d).row(0);
  const Points<double> theta = uniform_directions<double>({seed, Purpose::evaluation_directions, replicate, step}, count, d);
  const Vector<double> w = CpuLoss<double>(2.0).values(z, z.rowwise() + v, theta);
  const double truth = v.squaredNorm() / static_cast<double>(d);
  if (hoeffding) {
    const double half = hoeffding_half_width(v.squaredNorm(), static_cast<double>(count), 1.0 - kConfidence);
    return side_of({w.mean() - half, w.mean() + half}, truth);
  }
  return side_of(mean_with_t_interval({w.begin(), w.end()}, kConfidence).interval, truth);
}

// ---- (b): F over batches

/// c_n = 1 − 2·C(2n, n)/4ⁿ.
double two_point_minimiser(Index n) {
  double share = 1.0;  // C(2n, n)/4ⁿ
  for (Index k = 1; k <= n; ++k) share *= (2.0 * static_cast<double>(k) - 1.0) / (2.0 * static_cast<double>(k));
  return 1.0 - 2.0 * share;
}

/// Testbed 1 at the minimiser u = c_n, where F_n(u) = u² + 1 − 2c_n|u| = 1 − c_n².
Side over_two_point_batches(std::uint64_t seed, std::uint32_t replicate, Index n, Index batches) {
  const double c = two_point_minimiser(n);
  const auto atoms = FiniteLaw::two_points();
  const Vector<double> u = Vector<double>::Constant(1, c);
  const std::uint64_t step = (static_cast<std::uint64_t>(n) << 10) | static_cast<std::uint64_t>(batches);
  return side_of(
      estimate_objective<double>(TwoPointLine<double>(), CpuLoss<double>(2.0), *atoms, *atoms, u, {n, batches, 1, kConfidence}, seed, replicate, step).interval,
      1.0 - c * c);
}

/// Testbed 2: an affine map of three atoms in the plane onto three others, batches of four points, F by the exact sweep over all 3⁴·3⁴ batches.
struct AffinePlane {
  static constexpr Index kPoints = 4;
  static constexpr Index kAtoms = 3;
  Affine<double> generator{2, 2};
  Vector<double> u{(Vector<double>(6) << 1.0, 0.3, -0.2, 0.8, 0.2, -0.1).finished()};
  FiniteLaw source{"three inputs", (Points<double>(kAtoms, 2) << 0.0, 0.0, 1.0, 0.0, 0.0, 1.5).finished()};
  FiniteLaw target{"three targets", (Points<double>(kAtoms, 2) << 1.0, 1.0, -1.0, 0.5, 0.0, -1.0).finished()};
  double exact = 0.0;

  AffinePlane() {
    const std::vector<Points<double>> x = batches(source);
    const std::vector<Points<double>> y = batches(target);
    for (const Points<double>& inputs : x) {
      const Points<double> z = generator.forward(u, inputs);
      for (const Points<double>& targets : y) exact += exact_plane_sw(z, targets, {.gradient = false, .max = false}).value;
    }
    exact /= static_cast<double>(x.size() * y.size());
  }

  /// All sequences of four atoms, each as probable as the others.
  static std::vector<Points<double>> batches(const FiniteLaw& law) {
    std::vector<Points<double>> all;
    for (Index number = 0; number < kAtoms * kAtoms * kAtoms * kAtoms; ++number) {
      Points<double> batch(kPoints, 2);
      for (Index k = 0, rest = number; k < kPoints; ++k, rest /= kAtoms) batch.row(k) = law.atom(rest % kAtoms);
      all.push_back(std::move(batch));
    }
    return all;
  }

  [[nodiscard]] Side over_batches(std::uint64_t seed, std::uint32_t replicate, Index count, Index directions) const {
    return side_of(estimate_objective<double>(generator, CpuLoss<double>(2.0), source, target, u, {kPoints, count, directions, kConfidence}, seed,
                                              kPlane + replicate, static_cast<std::uint64_t>(count))
                       .interval,
                   exact);
  }
};

// ---- rates

/// Squared distances as experiments have them: positive, skewed, of mean 1/n: the mean square of three normals, divided by n.
std::vector<double> squares(std::uint64_t seed, std::uint32_t replicate, Index n, Index count) {
  Eigen::VectorXd values(3 * count);
  RandomStream(seed, Purpose::figure, replicate, (static_cast<std::uint64_t>(count) << 20) | static_cast<std::uint64_t>(n)).fill_normal(values);
  std::vector<double> out;
  for (Index r = 0; r < count; ++r) out.push_back(values.segment(3 * r, 3).squaredNorm() / 3.0 / static_cast<double>(n));
  return out;
}

Side over_replicates(std::uint64_t seed, std::uint32_t replicate, Index count) {
  return side_of(mean_with_t_interval(squares(seed, replicate, 1, count), kConfidence).interval, 1.0);
}

/// The slope of the root mean square against n = 16, …, 512, as `complexity` fits it; the truth is −1/2.
Side slope(std::uint64_t seed, std::uint32_t replicate, Index count) {
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> error;
  for (Index n = 16; n <= 512; n *= 2) {
    const MeanEstimate mean = mean_with_t_interval(squares(seed, replicate, n, count), kConfidence);
    x.push_back(static_cast<double>(n));
    y.push_back(std::sqrt(mean.mean));
    error.push_back(0.5 * mean.standard_error / mean.mean);
  }
  return side_of(fit_power_law(x, y, error, kConfidence).interval, -0.5);
}

/// Smallest coverage of Clopper and Pearson's interval for n trials over p = 1/1000, …, 999/1000: a sum, nothing is drawn.
double smallest_clopper_pearson_coverage(Index trials) {
  const auto n = static_cast<double>(trials);
  std::vector<Interval> intervals;
  for (Index k = 0; k <= trials; ++k) intervals.push_back(clopper_pearson(static_cast<double>(k), n, kConfidence));
  std::vector<double> coverage(999, 0.0);
  parallel_for(999, [&](Index i) {
    const double p = (static_cast<double>(i) + 1.0) / 1000.0;
    const boost::math::binomial law(n, p);
    for (Index k = 0; k <= trials; ++k) {
      const Interval& interval = intervals[static_cast<std::size_t>(k)];
      if (interval.low <= p && p <= interval.high) coverage[static_cast<std::size_t>(i)] += boost::math::pdf(law, static_cast<double>(k));
    }
  });
  return *std::min_element(coverage.begin(), coverage.end());
}

// ---- running and showing

std::vector<Cell> cells_of(const ExperimentContext& context, const AffinePlane& plane) {
  const Settings& s = context.settings;
  const std::uint64_t seed = context.seed;
  const auto batches = sizes(s, "coverage.batches", 2, 1000);
  const Index plane_directions = s.integer_at_least("coverage.plane_directions", 1);
  std::vector<Cell> cells;
  for (const bool hoeffding : {false, true})
    for (const Index d : sizes(s, "coverage.dimensions", 1, 4095))
      for (const Index count : sizes(s, "coverage.directions", 2, (1 << 20) - 1))
        cells.push_back({hoeffding ? kHoeffding : kDirections, fmt::format("translation, d = {}", d), count,
                         [=](std::uint32_t r) { return over_directions(seed, r, d, count, hoeffding); }});
  for (const Index n : sizes(s, "coverage.points", 2, (1 << 19) - 1))
    for (const Index count : batches)
      cells.push_back({kBatches, fmt::format("two-point line, n = {}", n), count, [=](std::uint32_t r) { return over_two_point_batches(seed, r, n, count); }});
  for (const Index count : batches)
    cells.push_back({kBatches, fmt::format("affine plane, n = 4, {} directions", plane_directions), count,
                     [=, &plane](std::uint32_t r) { return plane.over_batches(seed, r, count, plane_directions); }});
  const auto counts = sizes(s, "coverage.slope_replicates", 2, 1 << 20);
  for (const Index count : counts)
    cells.push_back({kReplicates, "mean of squared distances", count, [=](std::uint32_t r) { return over_replicates(seed, r, count); }});
  for (const Index count : counts) cells.push_back({kSlope, "root mean square, 6 sizes", count, [=](std::uint32_t r) { return slope(seed, r, count); }});
  return cells;
}

void repeat_cells(std::vector<Cell>& cells, Index replicates, Progress& progress) {
  const auto count = static_cast<Index>(cells.size());
  std::vector<Side> sides(static_cast<std::size_t>(count * replicates));
  std::atomic<Index> done{0};
  parallel_for(count * replicates, [&](Index job) {
    sides[static_cast<std::size_t>(job)] = cells[static_cast<std::size_t>(job / replicates)].repeat(static_cast<std::uint32_t>(job % replicates));
    progress.update("coverage of intervals", static_cast<double>(++done) / static_cast<double>(count * replicates));
  });
  for (std::size_t i = 0; i < sides.size(); ++i) {
    Cell& cell = cells[i / static_cast<std::size_t>(replicates)];
    (sides[i] == Side::covers ? cell.covered : sides[i] == Side::below ? cell.below : cell.above) += 1.0;
  }
}

void write_cells(const std::vector<Cell>& cells, double replicates, const std::filesystem::path& file) {
  CsvTable table({"interval", "of", "values", "replicates", "nominal", "coverage", "coverage_low", "coverage_high", "lies_below", "lies_above"});
  for (const Cell& cell : cells) {
    const Interval interval = clopper_pearson(cell.covered, replicates, kConfidence);
    table.add({cell.interval, cell.of, std::int64_t{cell.values}, static_cast<std::int64_t>(replicates), kConfidence, cell.covered / replicates, interval.low,
               interval.high, cell.below / replicates, cell.above / replicates});
  }
  table.write(file);
}

Json coverage_figure(const std::vector<Cell>& cells, Index replicates) {
  Json panels = Json::array();
  for (const std::string& interval : {kDirections, kBatches, kReplicates, kSlope, kHoeffding}) {
    Json series = Json::array();
    std::vector<std::string> seen;
    for (const Cell& cell : cells) {
      if (cell.interval != interval || std::find(seen.begin(), seen.end(), cell.of) != seen.end()) continue;
      seen.push_back(cell.of);
      series.push_back({{"label", cell.of},
                        {"y", "coverage"},
                        {"low", "coverage_low"},
                        {"high", "coverage_high"},
                        {"where", {{"interval", interval}, {"of", cell.of}}},
                        {"style", "line"}});
    }
    panels.push_back({{"title", interval}, {"series", std::move(series)}, {"lines", {{{"y", kConfidence}, {"label", "nominal"}}}}});
  }
  return {{"kind", "curves"},
          {"id", "coverage"},
          {"title", "Coverage of 95 % intervals"},
          {"caption",
           fmt::format("Share of {} independent intervals that contain the exact value, with its own 95 % Clopper–Pearson interval, against the number of "
                       "independent values in the interval: directions, batches, or replicates. Every panel has its own scale.",
                       replicates)},
          {"file", "coverage.csv"},
          {"x", "values"},
          {"x_label", "independent values in the interval"},
          {"y_label", "coverage"},
          {"log_x", true},
          {"log_y", false},
          {"panels", std::move(panels)}};
}

Json coverage_table(Index replicates) {
  return {{"id", "coverage"},
          {"title", "Coverage of 95 % intervals"},
          {"caption",
           fmt::format("Measured on {} independent intervals each, with a 95 % Clopper–Pearson interval. Translation: w_θ = (θ·v)² and SW₂² = ‖v‖²/d, exactly. "
                       "Two-point line: at the minimiser u = c_n, where F is 1 − c_n². Affine plane: F by the exact sweep over all batches. Mean of squared "
                       "distances, and the slope fitted to six such means as in the experiment `complexity`: χ² with 3 degrees of freedom, divided by 3n. Lies "
                       "below, above: the whole interval does. Hoeffding's range is its smallest, ‖v‖².",
                       replicates)},
          {"file", "coverage.csv"},
          {"columns",
           {column("interval", "interval", "s"), column("of", "of", "s"), column("values", "values", "d"),
            column("coverage", "coverage", ".3f", "coverage_low", "coverage_high"), column("lies_below", "lies below", ".3f"),
            column("lies_above", "lies above", ".3f")}}};
}

/// The cell of an interval with the smallest coverage, and how many are below nominal beyond chance.
std::string interval_fact(const std::vector<Cell>& cells, const std::string& interval, double replicates) {
  const Cell* worst = nullptr;
  int count = 0;
  int low = 0;
  for (const Cell& cell : cells) {
    if (cell.interval != interval) continue;
    ++count;
    low += clopper_pearson(cell.covered, replicates, kConfidence).high < kConfidence ? 1 : 0;
    if (worst == nullptr || cell.covered < worst->covered) worst = &cell;
  }
  if (worst == nullptr) reject("calibration: there is no interval called '{}'", interval);
  const Interval around = clopper_pearson(worst->covered, replicates, kConfidence);
  return fmt::format(
      "95 % interval ({}): smallest coverage {:.3f} [{:.3f}, {:.3f}], {} with {} values; it lies below the truth in {:.1f} % and above it in "
      "{:.1f} %. In {} of {} cases the coverage is below nominal beyond the 95 % error of its measurement.",
      interval, worst->covered / replicates, around.low, around.high, worst->of, worst->values, 100.0 * worst->below / replicates,
      100.0 * worst->above / replicates, low, count);
}

}  // namespace

CalibrationPart calibrate_coverage(const ExperimentContext& context) {
  const Index replicates = context.settings.integer_at_least("coverage.replicates", 10);
  if (replicates >= Index{1} << 31) reject("settings: coverage.replicates is {}; it must be below 2^31", replicates);
  const AffinePlane plane;
  std::vector<Cell> cells = cells_of(context, plane);
  repeat_cells(cells, replicates, context.progress);
  const auto count = static_cast<double>(replicates);
  write_cells(cells, count, context.folder / "coverage.csv");
  CalibrationPart part;
  for (const std::string& interval : {kDirections, kBatches, kReplicates, kSlope, kHoeffding}) part.facts.push_back(interval_fact(cells, interval, count));
  constexpr Index kTrials = 60;
  part.facts.push_back(
      fmt::format("Clopper and Pearson's 95 % interval for {} trials covers in at least {:.2f} % for p = 0.001, …, 0.999 (a sum, not a sample).", kTrials,
                  100.0 * smallest_clopper_pearson_coverage(kTrials)));
  part.tables.push_back(coverage_table(replicates));
  part.figures.push_back(coverage_figure(cells, replicates));
  return part;
}

}  // namespace slicecheck
