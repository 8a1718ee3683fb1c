/// T5 as it is shown: tables, figures, facts.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "npsgd_neighbourhood_boundary.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/statistics/confidence.h"
#include "summary.h"

namespace slicecheck::npsgd {

namespace {

double mean_of(const std::vector<double>& values) { return mean_with_t_interval(values, 0.95).mean; }

/// Radii of the list from `from` on that have points on their sphere again.
std::vector<std::string> radii_that_return(const Measured& measured, std::size_t from) {
  std::vector<std::string> out;
  for (std::size_t b = from; b < measured.balls.size(); ++b)
    if (measured.balls[b].on_sphere > 0) out.push_back(fmt::format("{:.3g} (λ̂ = {:.2g})", measured.balls[b].radius, measured.balls[b].multiplier));
  return out;
}

std::string short_title(const Testbed& testbed) {
  return testbed.name == "two-point-line" ? "two-point line" : testbed.name == "tanh-pair" ? "tanh pair" : "ReLU pair";
}

std::string ball_text(double radius) { return fmt::format("r = {:.3g}", radius); }

}  // namespace

void write_balls(const ExperimentContext& context, const std::vector<Measured>& all) {
  CsvTable shares({"testbed", "radius", "ball", "step_size", "alpha", "near", "near_low", "near_high", "exactly", "mean_gap", "mean_gap_low", "mean_gap_high",
                   "median_gap"});
  CsvTable balls({"testbed", "radius", "outward", "on_sphere", "multiplier", "minima_inside", "near", "near_low", "near_high", "exactly", "slope", "slope_low",
                  "slope_high"});
  for (const Measured& measured : all)
    for (std::size_t b = 0; b < measured.balls.size(); ++b) {
      const Ball& ball = measured.balls[b];
      const std::string& title = measured.testbed->title;
      for (std::size_t j = 0; j < measured.step_sizes.size(); ++j) {
        const auto& gaps = measured.runs[b].gaps[j];
        const Exceedance away = exceedance(gaps, kNear * ball.radius, 0.95);
        const MeanEstimate mean = mean_with_t_interval(gaps, 0.95);
        shares.add({title, ball.radius, ball_text(ball.radius), measured.step_sizes[j], power_text(measured.step_sizes[j]), 1.0 - away.share,
                    1.0 - away.interval.high, 1.0 - away.interval.low, measured.runs[b].exactly[j], mean.mean, std::max(0.0, mean.interval.low),
                    mean.interval.high, medians_of({gaps}).front()});
      }
      const Exceedance away = exceedance(measured.runs[b].gaps.back(), kNear * ball.radius, 0.95);
      const auto fit = slope_of_gaps(measured, b);
      const CsvTable::Cell none = std::string();
      balls.add({title, ball.radius, ball.outward, std::int64_t{ball.on_sphere}, ball.multiplier, std::int64_t{ball.minima_inside}, 1.0 - away.share,
                 1.0 - away.interval.high, 1.0 - away.interval.low, measured.runs[b].exactly.back(), fit ? CsvTable::Cell(fit->slope) : none,
                 fit ? CsvTable::Cell(fit->interval.low) : none, fit ? CsvTable::Cell(fit->interval.high) : none});
    }
  shares.write(context.folder / "boundary.csv");
  balls.write(context.folder / "radii.csv");
}

namespace {

Json share_figure(const std::vector<Measured>& all, const std::vector<std::optional<double>>& thresholds) {
  Json panels = Json::array();
  for (std::size_t m = 0; m < all.size(); ++m) {
    Json series = Json::array();
    for (std::size_t j = 0; j < all[m].step_sizes.size(); ++j)
      series.push_back({{"label", j == 0 ? std::string("α₀") : fmt::format("α₀/{}", Index{1} << 2 * j)},
                        {"y", "near"},
                        {"low", "near_low"},
                        {"high", "near_high"},
                        {"where", {{"testbed", all[m].testbed->title}, {"alpha", power_text(all[m].step_sizes[j])}}},
                        {"style", "line"}});
    series.push_back({{"label", "exactly on the sphere, smallest α"},
                      {"y", "exactly"},
                      {"where", {{"testbed", all[m].testbed->title}, {"alpha", power_text(all[m].step_sizes.back())}}},
                      {"style", "dashed"}});
    Json lines = Json::array();
    if (thresholds[m]) lines.push_back({{"x", *thresholds[m]}, {"label", "threshold"}});
    lines.push_back({{"x", medians_of({all[m].plain}).front()}, {"label", "plain SGD"}});
    panels.push_back({{"title", fmt::format("{}: α₀ = {}", short_title(*all[m].testbed), power_text(all[m].step_sizes.front()))},
                      {"series", std::move(series)},
                      {"lines", std::move(lines)}});
  }
  return curves(
      "boundary", "Share of runs that end at the sphere",
      fmt::format("P(‖u‖ ≥ r − η) with η = {} r at flow time S, against the radius; one curve a step size; Clopper and Pearson's "
                  "95 % intervals over independent runs that start uniformly in B(0, r/2). T5: for small r the curves go to 1 as α falls, for large r to "
                  "0. Where C_r has points both on the sphere and inside, the share is that of the starting points that are led to the sphere. Vertical "
                  "lines: the threshold, the first radius at which C_r has no point on the sphere, and the median of ‖u‖ at the end of plain SGD without a "
                  "ball. Dashed: "
                  "runs exactly on the sphere at the last moment; few, since noise also pushes inwards, which is why T5 counts the neighbourhood.",
                  kNear),
      "boundary.csv", "radius", "radius r of the ball", "share of runs at the sphere", false, false, std::move(panels));
}

/// A few balls for a figure and for facts, with what they stand for.
struct ShownBall {
  std::size_t ball;
  std::string role;
};
std::vector<ShownBall> shown_balls(const Measured& measured, const std::optional<double>& threshold) {
  std::vector<ShownBall> out{{0, "smallest ball"}};
  if (const auto holds = ball_that_holds(measured)) out.push_back({*holds, "ball that holds best"});
  if (threshold) {
    std::size_t nearest = 0;
    for (std::size_t b = 0; b < measured.balls.size(); ++b)
      if (std::abs(measured.balls[b].radius - *threshold) < std::abs(measured.balls[nearest].radius - *threshold)) nearest = b;
    out.push_back({nearest, "ball next to the threshold"});
  }
  out.push_back({measured.balls.size() - 1, "largest ball"});
  return out;
}

Json gap_figure(const std::vector<Measured>& all, const std::vector<std::optional<double>>& thresholds) {
  Json panels = Json::array();
  for (std::size_t m = 0; m < all.size(); ++m) {
    const Measured& measured = all[m];
    Json series = Json::array();
    std::vector<std::string> radii;
    for (const ShownBall& shown : shown_balls(measured, thresholds[m])) {
      radii.push_back(fmt::format("{:.3g}", measured.balls[shown.ball].radius));
      series.push_back({{"label", shown.role},
                        {"y", "mean_gap"},
                        {"low", "mean_gap_low"},
                        {"high", "mean_gap_high"},
                        {"where", {{"testbed", measured.testbed->title}, {"ball", ball_text(measured.balls[shown.ball].radius)}}},
                        {"style", "line"}});
    }
    const Json through{measured.step_sizes.back(), mean_of(measured.runs[shown_balls(measured, thresholds[m])[1].ball].gaps.back())};
    panels.push_back({{"title", fmt::format("{}: r = {}", short_title(*measured.testbed), fmt::join(radii, ", "))},
                      {"series", std::move(series)},
                      {"lines", {{{"slope", 1.0}, {"through", through}, {"label", "α"}}, {{"slope", 0.5}, {"through", through}, {"label", "√α"}}}}});
  }
  return curves(
      "sphere-distance", "Mean distance to the sphere",
      "Mean of r − ‖u‖ at flow time S against the step size, with 95 % t-intervals, for four balls, in the order of the legend. Where −λ̂u is a subgradient "
      "with λ̂ > 0 the drift presses runs against the sphere, to within a multiple of α/(λ̂r): most closely, in terms of r, where λ̂r² is largest. Where the "
      "minimum just reaches the sphere nothing presses and the distance is a multiple of √α (exactly so on the line, r = 1/4; in the plane another minimum "
      "is inside by then and raises the mean). For larger r it levels out at the distance of the minima.",
      "boundary.csv", "step_size", "step size α", "mean of r − ‖u‖", true, true, std::move(panels));
}

Json slope_figure(const std::vector<Measured>& all) {
  Json panels = Json::array();
  for (const Measured& measured : all) {
    const Json where{{"testbed", measured.testbed->title}};
    panels.push_back({{"title", measured.testbed->title},
                      {"series",
                       {{{"label", "smallest ⟨g, u⟩/r on the sphere"}, {"y", "outward"}, {"where", where}, {"style", "line"}},
                        {{"label", "largest multiplier λ̂ of C_r"}, {"y", "multiplier"}, {"where", where}, {"style", "line"}}}},
                      {"lines", {{{"y", 0.0}, {"label", ""}}}}});
  }
  return curves(
      "large-enough", "When is a ball large enough?",
      "A ball is large enough for T5 if F rises outwards at every point of its sphere: ⟨g, u⟩ > 0 for all g ∈ ∂_C F(u), ‖u‖ = r. The curve shows the "
      "smallest ⟨g, u⟩/r that was found among 4096 directions (both points of the sphere on the line). Where it is positive, C_r has no point on the "
      "sphere. It is sufficient, not necessary: a negative value says that F falls outwards somewhere, not that the descent is straight outwards. The "
      "multiplier λ̂ is that of the points of C_r on the sphere, 0 where there are none.",
      "radii.csv", "radius", "radius r of the ball", "slope, multiplier", false, false, std::move(panels));
}

Json table_of() {
  return {
      {"id", "radii"},
      {"title", "Balls of all sizes"},
      {"caption",
       fmt::format(
           "For every radius: the smallest outward slope ⟨g, u⟩/r of F on the sphere, what C_r has on the sphere (λ̂ the largest multiplier) and how many "
           "local minima inside; then what runs do at the smallest step size: the share within {} r of the sphere with Clopper and Pearson's 95 % interval, "
           "the share exactly on it, and the slope of log mean distance to the sphere against log α over all step sizes, with a 95 % t-interval (of few "
           "points; it says nothing of slopes beyond them).",
           kNear)},
      {"file", "radii.csv"},
      {"columns",
       {column("testbed", "testbed", "s"), column("radius", "r", ".3g"), column("outward", "⟨g, u⟩/r at least", ".3f"),
        column("on_sphere", "C_r on the sphere", ".0f"), column("multiplier", "λ̂", ".3g"), column("minima_inside", "minima inside", ".0f"),
        column("near", "at the sphere", ".2f", "near_low", "near_high"), column("exactly", "exactly on it", ".2f"),
        column("slope", "slope", ".2f", "slope_low", "slope_high")}}};
}

void add_facts(const Measured& measured, const std::optional<double>& threshold, std::vector<std::string>& facts) {
  std::vector<double> plain = measured.plain;
  std::sort(plain.begin(), plain.end());
  const auto quantile = [&](double level) { return plain[static_cast<std::size_t>(level * static_cast<double>(plain.size() - 1))]; };
  const auto free = first_free(measured);
  const std::vector<std::string> returning = radii_that_return(measured, free.value_or(0));
  const auto outward = std::find_if(measured.balls.begin(), measured.balls.end(), [](const Ball& ball) { return ball.outward > 0.0; });
  facts.push_back(fmt::format(
      "{}: {}; ⟨g, u⟩ > 0 on the whole sphere {}. Plain SGD from B(0, {:.3g}) ends with ‖u‖ = {:.3f} (median; {:.3f} to {:.3f} for 90 % of the runs) at α = "
      "{}.",
      measured.testbed->title,
      threshold ? fmt::format("C_r has points on the sphere for r below {:.4f}; for larger r up to {:.3g} {}", *threshold, measured.balls.back().radius,
                              returning.empty() ? "it has none"
                                                : fmt::format("it has some again at r = {}: it is not enough that a smaller ball is large enough",
                                                              fmt::join(returning, ", ")))
                : std::string("no radius looked at separates balls with points of C_r on the sphere from balls without"),
      outward == measured.balls.end() ? std::string("at none of the radii") : fmt::format("first at r = {:.3g} of the radii looked at", outward->radius),
      0.5 * measured.balls.back().radius, quantile(0.5), quantile(0.05), quantile(0.95), power_text(measured.step_sizes.back())));
  std::vector<std::string> slopes;
  for (const auto& [b, role] : shown_balls(measured, threshold))
    if (const auto fit = slope_of_gaps(measured, b))
      slopes.push_back(
          fmt::format("{:.2f} at r = {:.3g} (exactly on it: {:.0f} %)", fit->slope, measured.balls[b].radius, 100.0 * measured.runs[b].exactly.back()));
  facts.push_back(fmt::format("{}: slopes of the log mean distance to the sphere against log α: {}. \"Exactly on it\" is the share at the smallest step size.",
                              measured.testbed->title, fmt::join(slopes, "; ")));
}

}  // namespace

void show_balls(const std::vector<Measured>& all, const std::vector<std::optional<double>>& thresholds, ConvergencePart& part) {
  for (std::size_t m = 0; m < all.size(); ++m) add_facts(all[m], thresholds[m], part.facts);
  part.tables.push_back(table_of());
  part.figures.push_back(share_figure(all, thresholds));
  part.figures.push_back(gap_figure(all, thresholds));
  part.figures.push_back(slope_figure(all));
}

}  // namespace slicecheck::npsgd
