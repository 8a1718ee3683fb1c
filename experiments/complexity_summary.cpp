/// What experiment `complexity` shows: tables, figures, facts.

#include <fmt/format.h>

#include <algorithm>

#include "complexity.h"
#include "slicecheck/statistics/confidence.h"
#include "summary.h"

namespace slicecheck::l9 {

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
                  "a lower bound (exact at d = 2). {}",
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
    of_panel.push_back(series("−1/2", "sliced_limit", where, false));
    panels.push_back({{"title", title_of(law)}, {"series", std::move(of_panel)}});
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

}  // namespace slicecheck::l9
