/// Experiment `complexity`: claim L9. How fast SW_2, max-SW_2 and W_2 between two samples of ONE law fall with n, and how w_θ scatters over θ between two
/// DIFFERENT laws ("projection complexity").
///
/// Every job (law, d, n, replicate) draws from its own random stream, so that its numbers depend on nothing else in the settings and on no number of threads,
/// and all points of a fit are independent. There is no checkpoint: a whole run takes minutes, and a resumed one computes everything again, to the same bits.

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

namespace slicecheck {

namespace {

constexpr double kConfidence = 0.95;
constexpr double kAim = 0.05;  // relative standard error that `directions_needed` aims at

// ---- settings

struct Grid {
  std::vector<std::string> laws;
  std::vector<Index> dimensions;
  std::vector<Index> points;
  Index replicates;
  Index directions;
  MaxSlicedSettings ascent;
};

struct SpreadSettings {
  Index points;
  Index replicates;
  Index directions;
  double shift;  ///< ‖v‖
  double scale;  ///< s
};

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

std::string title_of(const std::string& law) { return law == "normal" ? "standard normal" : "uniform on the unit cube"; }

/// Variance of a coordinate.
double variance_of(const std::string& law) { return law == "normal" ? 1.0 : 1.0 / 12.0; }

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

struct Distances {
  double values[3];  ///< SW_2² (Monte Carlo over directions), max-SW_2² (found), W_2² (exact)
};

struct Quantity {
  std::string column;
  std::string title;
};

const std::vector<Quantity>& quantities() {
  static const std::vector<Quantity> all{{"SW2", "SW₂"}, {"maxSW2", "max-SW₂"}, {"W2", "W₂"}};
  return all;
}

/// One (law, d, n): its replicates.
struct Cell {
  std::size_t law;
  Index d;
  Index n;
  std::vector<Distances> replicates;

  [[nodiscard]] std::vector<double> of(std::size_t quantity, bool root) const {
    std::vector<double> out;
    for (const Distances& one : replicates) out.push_back(root ? std::sqrt(one.values[quantity]) : one.values[quantity]);
    return out;
  }
};

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

struct Rate {
  std::string law;
  Index d;
  std::vector<PowerLawFit> fits;  ///< one a quantity
};

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

struct Contrast {
  std::string title;
  bool same_points;
  bool scaled;
};

const std::vector<Contrast>& contrasts() {
  static const std::vector<Contrast> all{{"translation of the same points", true, false},
                                         {"shifted normal, independent samples", false, false},
                                         {"shifted and scaled normal, independent samples", false, true}};
  return all;
}

/// What one replicate says about w_θ over its directions.
struct Spread {
  double mean, relative, low, median, high, largest, best, share;
};

/// P((θ·v)² ≥ ‖v‖²/2): (θ·v)²/‖v‖² has the law Beta(1/2, (d − 1)/2).
double translation_share(Index d) { return d == 1 ? 1.0 : boost::math::ibetac(0.5, (static_cast<double>(d) - 1.0) / 2.0, 0.5); }

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

// ---- what to show

Json rates_table() {
  const auto slope = [](const Quantity& q) {
    return column(q.column + "_slope", q.title + ": slope", ".3f", q.column + "_slope_low", q.column + "_slope_high");
  };
  Json columns = {column("law", "law", "s"), column("d", "d", ".0f")};
  for (const Quantity& quantity : quantities()) {
    columns.push_back(slope(quantity));
    columns.push_back(column(quantity.column + "_scatter", "scatter", ".2g"));
  }
  columns.push_back(column("W2_limit", "W₂ as n → ∞", ".3f"));
  return {
      {"id", "rates"},
      {"title", "Fitted exponents in n"},
      {"caption",
       "Slope of log₂ of the root mean square against log₂ n over all n of the run: least squares weighted by the standard errors, with a 95 % t-interval on "
       "(number of n) − 2 degrees of freedom; the samples of different n are independent. Scatter: residuals in units of the standard errors, about 1 where a "
       "power law explains them, far above 1 where the curve bends. The interval does not cover slopes outside this range of n. Last column: the limit for "
       "n → ∞, −1/d for d ≥ 3 (d = 2: −1/2 up to logarithms)."},
      {"file", "rates.csv"},
      {"columns", std::move(columns)}};
}

Json spread_table(const SpreadSettings& settings) {
  return {
      {"id", "spread"},
      {"title", "One direction among many"},
      {"caption",
       fmt::format("Means over {} replicates with 95 % t-intervals, {} points a cloud, {} directions. Spread: standard deviation of w_θ over θ divided by its "
                   "mean; exact: for the laws themselves, without sampling noise in the points. Directions for 5 %: (spread/0.05)², what a relative standard "
                   "error of 5 % of SW₂² takes. Best of random: the largest w_θ of these directions over the max-SW₂² that the ascent found. Share: "
                   "directions with w_θ of at least half of that, 0 where none was among them.",
                   settings.replicates, settings.points, settings.directions)},
      {"file", "spread.csv"},
      {"columns",
       {column("case", "clouds", "s"), column("d", "d", ".0f"), column("SW2_squared", "SW₂²", ".3g", "SW2_squared_low", "SW2_squared_high"),
        column("maxSW2_squared", "max-SW₂² (from below)", ".3g", "maxSW2_squared_low", "maxSW2_squared_high"), column("ratio", "ratio", ".3g"),
        column("spread", "spread", ".3f", "spread_low", "spread_high"), column("spread_exact", "exact", ".3f"),
        column("directions_needed", "directions for 5 %", ".0f"), column("random_search", "best of random", ".2f"),
        column("share_above_half", "share", ".2g")}}};
}

Json curves(const std::string& id, const std::string& title, const std::string& caption, const std::string& file, const std::string& x,
            const std::string& x_label, const std::string& y_label, bool log_y, Json panels) {
  return {{"kind", "curves"},   {"id", id},      {"title", title}, {"caption", caption},         {"file", file}, {"x", x}, {"x_label", x_label},
          {"y_label", y_label}, {"log_x", true}, {"log_y", log_y}, {"panels", std::move(panels)}};
}

Json series(const std::string& label, const std::string& y, const Json& where, bool interval) {
  Json out{{"label", label}, {"y", y}, {"where", where}, {"style", interval ? "line" : "dashed"}};
  if (interval) {
    out["low"] = y + "_low";
    out["high"] = y + "_high";
  }
  return out;
}

Json distances_figure(const std::string& law, const Grid& grid) {
  const bool normal = law == "normal";
  Json panels = Json::array();
  for (const Quantity& quantity : quantities()) {
    Json curves_of_panel = Json::array();
    for (const Index d : grid.dimensions)
      curves_of_panel.push_back(series(fmt::format("d = {}", d), quantity.column + "_rms", {{"law", title_of(law)}, {"d", fmt::format("{}", d)}}, true));
    if (quantity.column == "SW2")
      curves_of_panel.push_back(series(normal ? "exact SW₂" : "mean gap alone", normal ? "SW2_exact_rms" : "mean_gap_rms",
                                       {{"law", title_of(law)}, {"d", fmt::format("{}", grid.dimensions.front())}}, false));
    panels.push_back({{"title", quantity.title}, {"series", std::move(curves_of_panel)}});
  }
  const std::string line =
      normal ? "Dashed: the exact value of √E SW₂², the same in every dimension."
             : "Dashed: √(2·variance/n), what the gap between the two sample means contributes to SW₂ in every dimension; slope exactly −1/2.";
  return curves(
      "distances-" + law, "Two samples of one law: " + title_of(law),
      fmt::format("Root mean square over {} independent pairs of samples, with a 95 % t-interval for the mean square. Both samples have the same law: all "
                  "of it is sampling error. SW₂² is a mean over {} random directions, W₂ is exact, max-SW₂ is the best direction that the ascent found: "
                  "a lower bound. {}",
                  grid.replicates, grid.directions, line),
      "distances.csv", "n", "points in each sample, n", "root mean square distance", true, std::move(panels));
}

Json slopes_figure(const Grid& grid) {
  Json panels = Json::array();
  for (const std::string& law : grid.laws) {
    const Json where{{"law", title_of(law)}};
    Json of_panel = Json::array();
    for (const Quantity& quantity : quantities()) of_panel.push_back(series(quantity.title, quantity.column + "_slope", where, true));
    of_panel.push_back(series("W₂ as n → ∞", "W2_limit", where, false));
    panels.push_back({{"title", title_of(law)}, {"series", std::move(of_panel)}, {"lines", {{{"y", -0.5}, {"label", "n^(−1/2)"}}}}});
  }
  return curves(
      "slopes", "Fitted exponent against the dimension",
      fmt::format(
          "Slopes of the table above, n from {} to {}, with their 95 % t-intervals. For the normal law the exponent of SW₂ is not exactly −1/2: E SW₂² falls "
          "like (log log n)/n, and in high dimension the projections of the cube are nearly normal.",
          grid.points.front(), grid.points.back()),
      "rates.csv", "d", "dimension d", "slope of log distance against log n", false, std::move(panels));
}

Json spread_figure(const SpreadSettings& settings) {
  Json of_panel = Json::array();
  for (const Contrast& contrast : contrasts()) of_panel.push_back(series(contrast.title, "spread", {{"case", contrast.title}}, true));
  of_panel.push_back(series("exact: shift", "spread_exact", {{"case", contrasts()[0].title}}, false));
  of_panel.push_back(series("exact: shift and scaling", "spread_exact", {{"case", contrasts()[2].title}}, false));
  return curves(
      "spread", "Spread of w_θ over the directions",
      fmt::format("Standard deviation of w_θ over its mean, {} directions; mean over {} replicates with a 95 % t-interval. Shift of length {} in a random "
                  "direction, scaling by {}. Dashed: for the laws themselves, √(2(d−1)/(d+2)) for a shift. What parts the independent samples from it at large "
                  "d is the "
                  "sampling error of their {} points, which is no longer small beside ‖v‖²/d.",
                  settings.directions, settings.replicates, settings.shift, settings.scale, settings.points),
      "spread.csv", "d", "dimension d", "standard deviation / mean", false,
      {{{"title", ""}, {"series", std::move(of_panel)}, {"lines", {{{"y", std::numbers::sqrt2}, {"label", "√2: a shift, d → ∞"}}}}}});
}

Json contrast_figure(const SpreadSettings& settings) {
  Json panels = Json::array();
  for (const Contrast& contrast : contrasts()) {
    const Json where{{"case", contrast.title}};
    Json of_panel{series("max-SW₂² (lower bound)", "maxSW2_squared", where, true), series("SW₂², the mean of w_θ", "SW2_squared", where, true)};
    for (const char* level : {"95", "50", "5"})
      of_panel.push_back(series(fmt::format("{} % quantile of w_θ", level), std::string("quantile_") + level, where, false));
    panels.push_back({{"title", contrast.title}, {"series", std::move(of_panel)}});
  }
  return curves(
      "best-direction", "The best direction and the usual ones",
      fmt::format("Means over {} replicates, 95 % t-intervals for SW₂² and max-SW₂²; {} points a cloud, {} directions for the mean and the quantiles. The "
                  "shift has length {} in every dimension.",
                  settings.replicates, settings.points, settings.directions, settings.shift),
      "spread.csv", "d", "dimension d", "squared distance", true, std::move(panels));
}

/// Facts of part A: exact values against measured ones, the rates at the ends of the range of d, and the order of the three distances.
std::vector<std::string> rate_facts(const std::vector<Cell>& cells, const std::vector<Rate>& rates, const Grid& grid) {
  std::vector<std::string> facts;
  double off = 0.0;
  Index judged = 0;
  Index ordered = 0;
  Index pairs = 0;
  for (const Cell& cell : cells) {
    for (const Distances& one : cell.replicates) {
      ++pairs;
      ordered += one.values[0] <= one.values[1] && one.values[1] <= one.values[2] ? 1 : 0;
    }
    if (grid.laws[cell.law] != "normal") continue;
    const MeanEstimate square = mean_with_t_interval(cell.of(0, false), kConfidence);
    const double exact = exact_normal_root(cell.n);
    off = std::max(off, std::abs(square.mean - exact * exact) / square.standard_error);
    ++judged;
  }
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (i + 1 < rates.size() && rates[i + 1].law == rates[i].law) continue;  // the largest d of each law
    const auto slope = [&](std::size_t q) {
      const PowerLawFit& fit = rates[i].fits[q];
      return fmt::format("{:.3f} [{:.3f}, {:.3f}]", fit.slope, fit.interval.low, fit.interval.high);
    };
    facts.push_back(fmt::format("{}, d = {}, n from {} to {}: the exponent of SW₂ is {}, of max-SW₂ {}, of W₂ {}; for n → ∞ that of W₂ is −1/d = {:.3f}.",
                                title_of(rates[i].law), rates[i].d, grid.points.front(), grid.points.back(), slope(0), slope(1), slope(2),
                                -1.0 / static_cast<double>(rates[i].d)));
  }
  if (judged > 0) {
    const double ends = std::log(exact_normal_root(grid.points.back()) / exact_normal_root(grid.points.front())) /
                        std::log(static_cast<double>(grid.points.back()) / static_cast<double>(grid.points.front()));
    facts.push_back(
        fmt::format("Standard normal: E SW₂² is the same number in every dimension. The largest of the {} deviations of a measured mean from it is {:.2f} "
                    "standard errors ({} "
                    "replicates each). From n = {} to {} the exact √E SW₂² itself has exponent {:.3f}: E SW₂² falls like (log log n)/n.",
                    judged, off, grid.replicates, grid.points.front(), grid.points.back(), ends));
  }
  facts.push_back(fmt::format("SW₂² ≤ max-SW₂² ≤ W₂² in {} of {} pairs of samples, with SW₂² over {} random directions and max-SW₂² from below.", ordered,
                              pairs, grid.directions));
  const Cell& last = cells.back();
  const double gap = 2.0 * variance_of(grid.laws[last.law]) * static_cast<double>(last.d) / static_cast<double>(last.n);
  facts.push_back(
      fmt::format("max-SW₂ has the exponent of SW₂ but pays √d in front: E max-SW₂² ≥ E‖mean gap‖² = 2·variance·d/n. {}, d = {}, n = {}: {:.2f} times that.",
                  title_of(grid.laws[last.law]), last.d, last.n, mean_with_t_interval(last.of(1, false), kConfidence).mean / gap));
  return facts;
}

std::vector<std::string> spread_facts(const std::vector<Spread>& means, const SpreadSettings& settings, const Grid& grid) {
  const std::size_t last = grid.dimensions.size() - 1;
  const Spread& low = means.front();
  const Spread& high = means[last];
  return {
      fmt::format("Translation of length {}: from d = {} to d = {} the spread of w_θ goes from {:.3f} to {:.3f} and stays below √2 for every d, so at most 800 "
                  "directions give 5 %. What is lost is the signal: SW₂² falls from {:.3g} to {:.3g} like ‖v‖²/d while max-SW₂² stays {:.3g}.",
                  settings.shift, grid.dimensions.front(), grid.dimensions[last], low.relative, high.relative, low.mean, high.mean, high.best),
      fmt::format(
          "At d = {} the best of {} random directions sees {:.0f} % of max-SW₂², the usual one (median) {:.2g} of {:.3g}; a share of {:.2g} of all directions "
          "sees half of it or more.",
          grid.dimensions[last], settings.directions, 100.0 * high.largest, high.median, high.best, translation_share(grid.dimensions[last]))};
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

Experiment complexity(std::string quick, std::string full) {
  return {"complexity", "Sample complexity and projection complexity (claim L9)", std::move(quick), std::move(full), run_complexity};
}

}  // namespace slicecheck
