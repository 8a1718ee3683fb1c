/// Experiment `complexity`: claim L9. How fast SW_2, max-SW_2 and W_2 between two samples of ONE law fall with n, and how w_θ scatters over θ between two
/// DIFFERENT laws ("projection complexity").
///
/// Every job (law, d, n, replicate) draws from its own random stream, so that its numbers depend on nothing else in the settings and on no number of threads,
/// and all points of a fit are independent. There is no checkpoint: a whole run takes minutes, and a resumed one computes everything again, to the same bits.

#include "complexity.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <numbers>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/max_sliced.h"
#include "slicecheck/measures/law.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/statistics/rate.h"
#include "summary.h"

namespace slicecheck::l9 {

namespace {

// ---- settings

std::vector<Index> sizes(const Settings& s, const std::string& key, Index largest) {
  std::vector<Index> out = s.integers(key);
  for (const Index size : out)
    if (size < 1 || size > largest) reject("settings: {} has {}; each must be between 1 and {}", key, size, largest);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.empty()) reject("settings: {} is empty", key);
  return out;
}

Grid grid_of(const Settings& s) {
  Grid grid{s.words("laws"),
            sizes(s, "dimensions", 4095),
            sizes(s, "points", (1 << 20) - 1),
            s.integer_at_least("replicates", 3),
            s.integer_at_least("directions", 1),
            {}};
  grid.ascent.random_starts = s.integer_at_least("starts", 0);
  if (grid.points.size() < 3) reject("settings: points has {} different sizes; a rate needs at least 3", grid.points.size());
  if (grid.laws.empty()) reject("settings: laws is empty; expected normal, cube, or both");
  for (const std::string& law : grid.laws)
    if (law != "normal" && law != "cube") reject("settings: unknown law '{}'; the known ones are normal, cube", law);
  return grid;
}

SpreadSettings spread_of(const Settings& s) {
  const SpreadSettings out{s.integer_at_least("spread.points", 2), s.integer_at_least("spread.replicates", 2), s.integer_at_least("spread.directions", 2),
                           s.number("spread.shift"), s.number("spread.scale")};
  if (out.points >= 1 << 20) reject("settings: spread.points is {}; it must be below 2^20", out.points);
  if (!std::isfinite(out.shift) || !(out.shift > 0.0)) reject("settings: spread.shift is {}; it must be finite and positive", out.shift);
  if (!std::isfinite(out.scale) || !(out.scale > 0.0)) reject("settings: spread.scale is {}; it must be finite and positive", out.scale);
  return out;
}

std::unique_ptr<Law> law_in(const std::string& name, Index d) {
  if (name == "normal") return Gaussian::standard(d);
  return std::make_unique<Uniform>(0.0, 1.0, d);
}

}  // namespace

std::string title_of(const std::string& law) { return law == "normal" ? "standard normal" : "uniform on the unit cube"; }

/// Variance of a coordinate.
double variance_of(const std::string& law) { return law == "normal" ? 1.0 : 1.0 / 12.0; }

namespace {

/// The streams of one job: step = variant·2^32 + d·2^20 + n.
class JobStreams {
 public:
  JobStreams(std::uint64_t seed, Index replicate, std::uint64_t variant, Index d, Index n)
      : seed_(seed),
        replicate_(static_cast<std::uint32_t>(replicate)),
        step_((variant << 32) | (static_cast<std::uint64_t>(d) << 20) | static_cast<std::uint64_t>(n)) {}
  [[nodiscard]] RandomStream operator[](Purpose purpose) const { return {seed_, purpose, replicate_, step_}; }

 private:
  std::uint64_t seed_;
  std::uint32_t replicate_;
  std::uint64_t step_;
};

/// Tells how much of the work is done, from any thread.
class Share {
 public:
  Share(Progress& progress, std::string what, double total) : progress_(progress), what_(std::move(what)), total_(total) {}
  void add(Index work) { progress_.update(what_, static_cast<double>(done_.fetch_add(work) + work) / total_); }

 private:
  Progress& progress_;
  std::string what_;
  double total_;
  std::atomic<Index> done_{0};
};

// ---- part A: two samples of one law

}  // namespace

/// √E SW_2² between two samples of n standard normals, exact, whatever d: θ·x is N(0, 1) for every θ, so this is E W_2² on the line,
/// (2/n) Σ_k Var(x_(k)) = 2 − (2/n) Σ_k (E x_(k))². The trapezoidal rule converges faster than any power of its step; the narrowest density of an order
/// statistic has standard deviation about 1.25/√n, five steps.
double exact_normal_root(Index n) {
  const auto count = static_cast<double>(n);
  const double step = 0.25 / std::sqrt(count);
  const auto half = static_cast<Index>(std::ceil(9.0 / step));  // P(|x| > 9) ≈ 2·10⁻¹⁹
  std::vector<double> expectation(static_cast<std::size_t>(n), 0.0);
  for (Index i = -half; i <= half; ++i) {
    const double x = static_cast<double>(i) * step;
    const double log_below = std::log(0.5 * std::erfc(-x / std::numbers::sqrt2));
    const double log_above = std::log(0.5 * std::erfc(x / std::numbers::sqrt2));
    const double log_density = -0.5 * x * x - 0.5 * std::log(2.0 * std::numbers::pi);
    double log_choices = std::log(count);  // n·C(n − 1, k)
    for (Index k = 0; k < n; ++k) {
      const auto below = static_cast<double>(k);
      const double log_order = log_choices + below * log_below + (count - 1.0 - below) * log_above + log_density;
      expectation[static_cast<std::size_t>(k)] += step * x * std::exp(log_order);
      log_choices += std::log((count - 1.0 - below) / (below + 1.0));
    }
  }
  double squares = 0.0;
  for (const double value : expectation) squares += value * value;
  return std::sqrt(2.0 - 2.0 / count * squares);
}

const std::vector<Quantity>& quantities() {
  static const std::vector<Quantity> all{{"SW2", "SW₂"}, {"maxSW2", "max-SW₂"}, {"W2", "W₂"}};
  return all;
}

namespace {

std::vector<Cell> measure(const Grid& grid, const ExperimentContext& context) {
  std::vector<Cell> cells;
  double work = 0.0;
  for (std::size_t law = 0; law < grid.laws.size(); ++law)
    for (const Index d : grid.dimensions)
      for (const Index n : grid.points) {
        cells.push_back({law, d, n, std::vector<Distances>(static_cast<std::size_t>(grid.replicates))});
        work += static_cast<double>(n * n * grid.replicates);
      }
  Share share(context.progress, "two samples of one law", work);
  const CpuLoss<double> loss(2.0);
  parallel_for(static_cast<Index>(cells.size()) * grid.replicates, [&](Index job) {
    Cell& cell = cells[static_cast<std::size_t>(job / grid.replicates)];
    const Index replicate = job % grid.replicates;
    const std::string& name = grid.laws[cell.law];
    const JobStreams streams(context.seed, replicate, name == "normal" ? 0 : 1, cell.d, cell.n);
    const auto law = law_in(name, cell.d);
    const Points<double> z = law->sample<double>(streams[Purpose::evaluation_source], cell.n);
    const Points<double> y = law->sample<double>(streams[Purpose::evaluation_target], cell.n);
    const Points<double> theta = uniform_directions<double>(streams[Purpose::evaluation_directions], grid.directions, cell.d);
    const double sliced = loss.values(z, y, theta).mean();
    const double best = max_sliced_w2_squared(z, y, grid.ascent, streams[Purpose::directions]).value;
    cell.replicates[static_cast<std::size_t>(replicate)] = {{sliced, best, exact_w2_squared(z, y)}};
    share.add(cell.n * cell.n);
  });
  return cells;
}

double root(double square) { return std::sqrt(std::max(0.0, square)); }

/// distances.csv: mean squares, mean roots, and root mean squares, each with its interval; replicates.csv: what they are means of.
void write_distances(const std::vector<Cell>& cells, const Grid& grid, const ExperimentContext& context) {
  std::vector<std::string> columns{"law", "d", "n", "replicates"};
  for (const Quantity& quantity : quantities())
    for (const char* kind : {"_squared", "_mean", "_rms"})
      for (const char* end : {"", "_low", "_high"}) columns.push_back(quantity.column + kind + end);
  columns.insert(columns.end(), {"mean_gap_rms", "SW2_exact_rms"});
  CsvTable table(columns);
  CsvTable raw({"law", "d", "n", "replicate", "SW2_squared", "maxSW2_squared", "W2_squared"});
  for (const Cell& cell : cells) {
    const std::string& law = grid.laws[cell.law];
    std::vector<CsvTable::Cell> row{title_of(law), std::int64_t{cell.d}, std::int64_t{cell.n}, std::int64_t{grid.replicates}};
    for (std::size_t q = 0; q < quantities().size(); ++q) {
      const MeanEstimate square = mean_with_t_interval(cell.of(q, false), kConfidence);
      const MeanEstimate mean = mean_with_t_interval(cell.of(q, true), kConfidence);
      row.insert(row.end(), {square.mean, square.interval.low, square.interval.high, mean.mean, mean.interval.low, mean.interval.high, root(square.mean),
                             root(square.interval.low), root(square.interval.high)});
    }
    row.emplace_back(std::sqrt(2.0 * variance_of(law) / static_cast<double>(cell.n)));
    row.emplace_back(law == "normal" ? CsvTable::Cell(exact_normal_root(cell.n)) : CsvTable::Cell(std::string()));
    table.add(row);
    for (std::size_t r = 0; r < cell.replicates.size(); ++r) {
      const auto& values = cell.replicates[r].values;
      raw.add({title_of(law), std::int64_t{cell.d}, std::int64_t{cell.n}, static_cast<std::int64_t>(r), values[0], values[1], values[2]});
    }
  }
  table.write(context.folder / "distances.csv");
  raw.write(context.folder / "replicates.csv");
}

std::vector<Rate> fit_rates(const std::vector<Cell>& cells, const Grid& grid, const ExperimentContext& context) {
  std::vector<Rate> rates;
  std::vector<std::string> columns{"law", "d"};
  for (const Quantity& quantity : quantities())
    for (const char* end : {"_slope", "_slope_low", "_slope_high", "_scatter"}) columns.push_back(quantity.column + end);
  columns.insert(columns.end(), {"sliced_limit", "W2_limit"});
  CsvTable table(columns);
  const std::size_t sizes_each = grid.points.size();
  for (std::size_t first = 0; first < cells.size(); first += sizes_each) {
    Rate rate{grid.laws[cells[first].law], cells[first].d, {}};
    std::vector<CsvTable::Cell> row{title_of(rate.law), std::int64_t{rate.d}};
    for (std::size_t q = 0; q < quantities().size(); ++q) {
      std::vector<double> x;
      std::vector<double> y;
      std::vector<double> error;
      for (std::size_t i = first; i < first + sizes_each; ++i) {
        const MeanEstimate square = mean_with_t_interval(cells[i].of(q, false), kConfidence);
        x.push_back(static_cast<double>(cells[i].n));
        y.push_back(std::sqrt(square.mean));
        error.push_back(0.5 * square.standard_error / square.mean);
      }
      const PowerLawFit fit = fit_power_law(x, y, error, kConfidence);
      row.insert(row.end(), {fit.slope, fit.interval.low, fit.interval.high, fit.scatter});
      rate.fits.push_back(fit);
    }
    row.insert(row.end(), {-0.5, -1.0 / static_cast<double>(std::max<Index>(2, rate.d))});
    table.add(row);
    rates.push_back(std::move(rate));
  }
  table.write(context.folder / "rates.csv");
  return rates;
}

// ---- part B: two different laws

}  // namespace

const std::vector<Contrast>& contrasts() {
  static const std::vector<Contrast> all{{"translation of the same points", true, false},
                                         {"shifted normal, independent samples", false, false},
                                         {"shifted and scaled normal, independent samples", false, true}};
  return all;
}

/// P((θ·v)² ≥ ‖v‖²/2): (θ·v)²/‖v‖² has the law Beta(1/2, (d − 1)/2).
double translation_share(Index d) { return d == 1 ? 1.0 : boost::math::ibetac(0.5, (static_cast<double>(d) - 1.0) / 2.0, 0.5); }

namespace {

Spread spread_over_directions(Vector<double> w, double best) {
  const auto count = static_cast<double>(w.size());
  const double mean = w.mean();
  const double deviation = std::sqrt((w.array() - mean).square().sum() / (count - 1.0));
  std::sort(w.begin(), w.end());
  const auto quantile = [&](double level) { return w[static_cast<Index>(std::floor(level * (count - 1.0)))]; };
  const auto half_or_more = static_cast<double>((w.array() >= 0.5 * best).count());
  return {mean, deviation / mean, quantile(0.05), quantile(0.5), quantile(0.95), w[w.size() - 1], best, half_or_more / count};
}

Spread measure_contrast(std::size_t contrast, Index d, Index replicate, const SpreadSettings& settings, const Grid& grid, std::uint64_t seed) {
  const JobStreams streams(seed, replicate, 16 + contrast, d, settings.points);
  const Eigen::RowVectorXd v = settings.shift * uniform_directions<double>(streams[Purpose::law], 1, d).row(0);
  const Points<double> z = Gaussian::standard(d)->sample<double>(streams[Purpose::evaluation_source], settings.points);
  const Points<double> y =
      contrasts()[contrast].same_points
          ? Points<double>(z.rowwise() + v)
          : Gaussian(v, contrasts()[contrast].scaled ? settings.scale : 1.0).sample<double>(streams[Purpose::evaluation_target], settings.points);
  const Points<double> theta = uniform_directions<double>(streams[Purpose::evaluation_directions], settings.directions, d);
  return spread_over_directions(CpuLoss<double>(2.0).values(z, y, theta), max_sliced_w2_squared(z, y, grid.ascent, streams[Purpose::directions]).value);
}

/// spread.csv; returns, per contrast and dimension, the means over the replicates.
std::vector<Spread> measure_spread(const SpreadSettings& settings, const Grid& grid, const ExperimentContext& context) {
  const auto dimensions = static_cast<Index>(grid.dimensions.size());
  const Index cells = static_cast<Index>(contrasts().size()) * dimensions;
  std::vector<Spread> all(static_cast<std::size_t>(cells * settings.replicates));
  Share share(context.progress, "spread over directions", static_cast<double>(all.size()));
  parallel_for(cells * settings.replicates, [&](Index job) {
    const Index cell = job / settings.replicates;
    all[static_cast<std::size_t>(job)] =
        measure_contrast(static_cast<std::size_t>(cell / dimensions), grid.dimensions[static_cast<std::size_t>(cell % dimensions)], job % settings.replicates,
                         settings, grid, context.seed);
    share.add(1);
  });

  CsvTable table({"case",
                  "d",
                  "replicates",
                  "SW2_squared",
                  "SW2_squared_low",
                  "SW2_squared_high",
                  "maxSW2_squared",
                  "maxSW2_squared_low",
                  "maxSW2_squared_high",
                  "ratio",
                  "spread",
                  "spread_low",
                  "spread_high",
                  "spread_exact",
                  "directions_needed",
                  "quantile_5",
                  "quantile_50",
                  "quantile_95",
                  "random_search",
                  "share_above_half",
                  "share_above_half_exact"});
  std::vector<Spread> means;
  for (Index cell = 0; cell < cells; ++cell) {
    const Contrast& contrast = contrasts()[static_cast<std::size_t>(cell / dimensions)];
    const Index d = grid.dimensions[static_cast<std::size_t>(cell % dimensions)];
    const auto estimate = [&](auto&& value) {
      std::vector<double> values;
      for (Index r = 0; r < settings.replicates; ++r) values.push_back(value(all[static_cast<std::size_t>(cell * settings.replicates + r)]));
      return mean_with_t_interval(values, kConfidence);
    };
    const MeanEstimate sliced = estimate([](const Spread& s) { return s.mean; });
    const MeanEstimate best = estimate([](const Spread& s) { return s.best; });
    const MeanEstimate spread = estimate([](const Spread& s) { return s.relative; });
    const Spread mean{sliced.mean,
                      spread.mean,
                      estimate([](const Spread& s) { return s.low; }).mean,
                      estimate([](const Spread& s) { return s.median; }).mean,
                      estimate([](const Spread& s) { return s.high; }).mean,
                      estimate([](const Spread& s) { return s.largest / s.best; }).mean,
                      best.mean,
                      estimate([](const Spread& s) { return s.share; }).mean};
    means.push_back(mean);
    const auto dimension = static_cast<double>(d);
    const double moved = settings.shift * settings.shift / dimension;  // E(θ·v)²
    const double widened = contrast.scaled ? (settings.scale - 1.0) * (settings.scale - 1.0) : 0.0;
    const double exact = relative_spread_of_translation(d) * moved / (moved + widened);
    const CsvTable::Cell share_exact = contrast.same_points ? CsvTable::Cell(translation_share(d)) : CsvTable::Cell(std::string());
    table.add({contrast.title,
               std::int64_t{d},
               std::int64_t{settings.replicates},
               sliced.mean,
               sliced.interval.low,
               sliced.interval.high,
               best.mean,
               best.interval.low,
               best.interval.high,
               best.mean / sliced.mean,
               spread.mean,
               spread.interval.low,
               spread.interval.high,
               exact,
               std::ceil((spread.mean / kAim) * (spread.mean / kAim)),
               mean.low,
               mean.median,
               mean.high,
               mean.largest,
               mean.share,
               share_exact});
  }
  table.write(context.folder / "spread.csv");
  return means;
}

void run_complexity(const ExperimentContext& context) {
  const Grid grid = grid_of(context.settings);
  const SpreadSettings settings = spread_of(context.settings);
  const auto cells = measure(grid, context);
  write_distances(cells, grid, context);
  const auto rates = fit_rates(cells, grid, context);
  const auto means = measure_spread(settings, grid, context);
  auto facts = rate_facts(cells, rates, grid);
  for (std::string& fact : spread_facts(means, settings, grid)) facts.push_back(std::move(fact));
  Json figures = Json::array();
  for (const std::string& law : grid.laws) figures.push_back(distances_figure(law, grid));
  figures.push_back(slopes_figure(grid));
  figures.push_back(spread_figure(settings));
  figures.push_back(contrast_figure(settings));
  const Json summary{
      {"name", "complexity"},
      {"title", "Sample complexity and projection complexity"},
      {"description",
       "Claim L9. Sample complexity: how fast SW₂, max-SW₂ and W₂ between two independent samples of one law fall with their size n, in growing dimension. "
       "Reports 000 and 002 give n^(−1/d) for W₂ and say that SW₂ escapes it. Projection complexity, as report 002 has it: most directions say little. "
       "Measured "
       "between two normal laws that differ by a shift of fixed length, and by a scaling, as the scatter of w_θ over θ, with max-SW₂² beside it."},
      {"profile", context.profile},
      {"seed", context.seed},
      {"facts", facts},
      {"departures", Json::array()},
      {"tables", {rates_table(), spread_table(settings)}},
      {"figures", std::move(figures)}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

}  // namespace slicecheck::l9

namespace slicecheck {

Experiment complexity(std::string quick, std::string full) {
  return {"complexity", "Sample complexity and projection complexity (claim L9)", std::move(quick), std::move(full), l9::run_complexity};
}

}  // namespace slicecheck
