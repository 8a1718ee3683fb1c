/// Part of `flow-limit`: SGD's interpolated paths on the testbeds against the flow from the same start (claims T0, T1).

#include <algorithm>
#include <cmath>

#include "flow_limit.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/path_distance.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck {

namespace {

enum Column : Index { kStopped, kLargest, kChanges, kEvents, kWidth };

/// Order changes are counted between looks at the path this far apart in flow time, so that they do not depend on α.
constexpr double kLook = 1.0 / 16.0;

/// The rate is judged on step sizes up to this: on the line, the slope 1/2 shows from here on.
constexpr double kSmall = 1.0 / 64.0;
constexpr double kPredictedSlope = 0.5;
constexpr double kSlopeMargin = 0.1;

struct Measured {
  const Testbed* testbed;
  FlowSpread spread;
  ConvergenceData data;
  ConvergenceJudgement judgement;
  std::vector<double> changes;      ///< [step size]: mean number of order changes along SGD's path
  std::vector<double> flow_events;  ///< the same for walls met by the flow
  MedianSlope small_slope;          ///< on step sizes ≤ kSmall
  bool has_small_slope = false;
};

/// Where the central-limit argument predicts 1/2: away from ties and kinks.
bool rate_is_predicted(const Testbed& testbed) { return testbed.field->switches() == 0 || testbed.name == "two-point-line"; }

void replicate_row(const Testbed& testbed, const FlowLimitSettings& s, std::uint64_t seed, std::uint32_t table, Index number,
                   Eigen::Ref<Eigen::RowVectorXd> row) {
  const double alpha = s.step_sizes[static_cast<std::size_t>(number / s.replicates)];
  const auto steps = static_cast<std::uint64_t>(std::llround(s.horizon / alpha));
  const Points<double> path = walk(testbed_training(testbed, alpha, seed, stream_replicate(table, number)), steps);
  const FlowPath flow = solve_flow(*testbed.field, path.row(0).transpose(), {.horizon = s.horizon});
  const PathDistance distance = distance_to_flow(path, alpha, flow);
  row[kStopped] = distance.stopped;
  row[kLargest] = distance.largest.back();
  row[kChanges] = order_changes(testbed, path, 64, std::max<Index>(1, static_cast<Index>(std::llround(kLook / alpha))));
  row[kEvents] = static_cast<double>(flow.events().size());
}

Measured measure(const ExperimentContext& context, const FlowLimitSettings& s, std::uint32_t number, const std::string& name) {
  Measured out;
  out.testbed = &testbed_by_name(name);
  const auto count = static_cast<Index>(s.step_sizes.size()) * s.replicates;
  const Points<double> rows = replicate_table(context, "paths-" + name, count, kWidth, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
    replicate_row(*out.testbed, s, context.seed, kFlowPaths + number, i, row);
  });
  out.spread = flow_spread(*out.testbed, s.horizon);
  out.data.step_sizes = s.step_sizes;
  out.data.etas = s.etas;
  for (std::size_t j = 0; j < s.step_sizes.size(); ++j) {
    const auto block = rows.middleRows(static_cast<Index>(j) * s.replicates, s.replicates);
    std::vector<double> upper;
    std::vector<double> lower;
    for (Index i = 0; i < s.replicates; ++i) {
      upper.push_back(block(i, kStopped));
      lower.push_back(std::max(0.0, block(i, kStopped) - out.spread.slack));
    }
    out.data.upper.push_back(std::move(upper));
    out.data.lower.push_back(std::move(lower));
    out.changes.push_back(block.col(kChanges).mean());
    out.flow_events.push_back(block.col(kEvents).mean());
  }
  out.judgement = judge_convergence(out.data, kFlowLimitLevel, context.seed);
  std::vector<double> small;
  std::vector<std::vector<double>> distances;
  for (std::size_t j = 0; j < s.step_sizes.size(); ++j)
    if (s.step_sizes[j] <= kSmall) {
      small.push_back(s.step_sizes[j]);
      distances.push_back(out.data.upper[j]);
    }
  out.has_small_slope = small.size() >= 3;
  if (out.has_small_slope) out.small_slope = slope_of_log_medians(small, distances, 0.95, 4000, RandomStream(context.seed, Purpose::cases, 0xB008U, number));
  return out;
}

std::string slope_words(const Measured& m) {
  if (!m.has_small_slope) return "not measured: fewer than three step sizes ≤ 2^-6";
  switch (compare_slope(m.small_slope.interval, kPredictedSlope, kSlopeMargin)) {
    case SlopeVerdict::equivalent: return "equivalent to 1/2 within 0.1";
    case SlopeVerdict::different: return "different from 1/2 by more than 0.1";
    case SlopeVerdict::inconclusive: return "undecided: the interval is not inside 0.4 … 0.6";
  }
  return "?";
}

// ---- T0

struct Energy {
  double defect;
  double allowed;
  double residual_early;
  double residual_late;
};

/// The identity at the end of a long solution, and ‖∇F‖ early and late. `allowed`: the solver keeps the local error of u and of ∫‖u'‖² below
/// tolerance·h·(1 + ‖u‖) a step of length h. An error e of u moves F by at most ‖∇F‖e to first order, so that the identity is off by at most
/// (1 + max‖∇F‖)·(1 + max‖u‖)·tolerance·S, plus the rounding of F in every step.
Energy energy_of(const Testbed& testbed, double horizon) {
  FlowSettings settings;
  settings.horizon = horizon;
  settings.largest_step = 0.25;
  const FlowPath flow = solve_flow(*testbed.field, testbed.centre, settings);
  double norm = testbed.centre.norm();
  double residual_early = 0.0;
  for (const FlowPath::Step& step : flow.steps()) {
    norm = std::max(norm, step.u_to.norm());
    if (step.to <= horizon / 16.0) residual_early = step.velocity_to.norm();
  }
  const auto& last = flow.steps().back();
  const double rounding = 1e-14 * flow.start_value() * static_cast<double>(flow.steps().size());
  return {std::abs(last.value - flow.start_value() + last.dissipated), (1.0 + flow.largest_speed()) * (1.0 + norm) * settings.tolerance * horizon + rounding,
          residual_early, last.velocity_to.norm()};
}

void add_energies(const ExperimentContext& context, const FlowLimitSettings& s, ConvergencePart& part) {
  constexpr double kLong = 256.0;
  CsvTable table({"testbed", "F0", "F_end", "defect", "allowed", "residual_early", "residual_late"});
  for (const std::string& name : s.testbeds) {
    const Testbed& testbed = testbed_by_name(name);
    const Energy energy = energy_of(testbed, kLong);
    const FlowPath flow = solve_flow(*testbed.field, testbed.centre, {.horizon = kLong, .largest_step = 0.25});
    table.add({testbed.title, flow.start_value(), flow.steps().back().value, energy.defect, energy.allowed, energy.residual_early, energy.residual_late});
    const bool identity = energy.defect <= energy.allowed;
    // T0 gives ∫‖u'‖² ≤ F(u0), so that ‖u'‖ ≤ √(F(u0)/S) at some time up to S; where the solution comes to rest, at the end too.
    const bool falls = energy.residual_late <= std::sqrt(flow.start_value() / kLong);
    part.verdicts.push_back({"T0", testbed.title, "F falls by ∫‖u'‖² along the flow, and ‖u'‖ ends below √(F(u₀)/S)",
                             fmt::format("identity off by {:.1e}, allowed {:.1e}; ‖u'‖ {:.1e} at s = {:.0f}, {:.1e} at {:.0f}", energy.defect, energy.allowed,
                                         energy.residual_early, kLong / 16.0, energy.residual_late, kLong),
                             "1 solution", "deterministic; tolerance of the solver",
                             !identity ? Outcome::refuted
                             : falls   ? Outcome::holds
                                       : Outcome::inconclusive,
                             Outcome::holds});
  }
  if (context.writes) table.write(context.folder / "energy.csv");
  part.tables.push_back(
      {{"id", "energy"},
       {"title", "Energy along the flow"},
       {"caption",
        "One solution from the centre of K to s = 256. Defect: abs(F(u(s)) − F(u(0)) + ∫‖u'‖²); allowed: what the solver's own error control permits. ‖u'‖ is "
        "the distance of 0 from the Clarke subdifferential: it has to fall where the solution approaches a critical point."},
       {"file", "energy.csv"},
       {"columns",
        {column("testbed", "testbed", "s"), column("F0", "F(u₀)", ".4g"), column("F_end", "F at the end", ".6g"), column("defect", "defect", ".1e"),
         column("allowed", "allowed", ".1e"), column("residual_early", "‖u'‖ at s = 16", ".1e"), column("residual_late", "‖u'‖ at s = 256", ".1e")}}});
}

// ---- tables and figures

void write_distances(const std::vector<Measured>& all, const ExperimentContext& context, const FlowLimitSettings& s) {
  CsvTable distances({"testbed", "alpha", "median", "low", "high", "slack", "order_changes", "flow_events"});
  CsvTable exceedances({"testbed", "alpha", "eta", "series", "share", "low", "high"});
  for (const Measured& m : all)
    for (std::size_t j = 0; j < s.step_sizes.size(); ++j) {
      const auto& slope = m.judgement.slope;
      distances.add({m.testbed->title, s.step_sizes[j], slope.medians[j], slope.median_intervals[j].low, slope.median_intervals[j].high, m.spread.slack,
                     m.changes[j], m.flow_events[j]});
      for (std::size_t e = 0; e < s.etas.size(); ++e) {
        const Exceedance& one = m.judgement.exceedances[j][e];
        exceedances.add({m.testbed->title, s.step_sizes[j], s.etas[e], fmt::format("η = {}", s.etas[e]), one.share, one.interval.low, one.interval.high});
      }
    }
  distances.write(context.folder / "distances.csv");
  exceedances.write(context.folder / "exceedances.csv");
  CsvTable rates({"testbed", "slope", "low", "high", "sure_low", "sure_high", "small_slope", "small_low", "small_high", "predicted", "words", "expansion",
                  "slack", "changes_first", "changes_last", "events"});
  for (const Measured& m : all) {
    const auto& slope = m.judgement.slope;
    const double nan = std::nan("");
    rates.add({m.testbed->title, slope.slope, slope.interval.low, slope.interval.high, m.judgement.guaranteed.low, m.judgement.guaranteed.high,
               m.has_small_slope ? m.small_slope.slope : nan, m.has_small_slope ? m.small_slope.interval.low : nan,
               m.has_small_slope ? m.small_slope.interval.high : nan, std::string(rate_is_predicted(*m.testbed) ? "1/2" : "none: walls on the way"),
               slope_words(m), m.spread.expansion, m.spread.slack, m.changes.front(), m.changes.back(), m.flow_events.back()});
  }
  rates.write(context.folder / "rates.csv");
}

void add_tables(const FlowLimitSettings& s, ConvergencePart& part) {
  part.tables.push_back(
      {{"id", "rates"},
       {"title", "Rates"},
       {"caption",
        fmt::format(
            "Slope of log₂ median d_C against log₂ α with its 95 % bootstrap interval ({} replicates a step size): on all step sizes, and on α ≤ 2^-6. A "
            "central limit "
            "argument predicts 1/2 away from ties and kinks. Order changes: exchanges of two images along SGD's path per direction, at the largest and the "
            "smallest α. λ: measured expansion of the flow on K; slack: how far solutions from K lie apart.",
            s.replicates)},
       {"file", "rates.csv"},
       {"columns",
        {column("testbed", "testbed", "s"), column("slope", "slope", ".3f", "low", "high"),
         column("small_slope", "slope, α ≤ 2^-6", ".3f", "small_low", "small_high"), column("predicted", "predicted", "s"),
         column("words", "equivalence test on α ≤ 2^-6", "s"), column("expansion", "λ", ".2f"), column("slack", "slack", ".3f"),
         column("changes_first", "order changes, largest α", ".3g"), column("changes_last", "smallest α", ".3g"),
         column("events", "walls the flow meets", ".2g")}}});
}

Json distance_figure(const std::vector<Measured>& all, const FlowLimitSettings& s) {
  Json series = Json::array();
  for (const Measured& m : all)
    series.push_back(
        {{"label", m.testbed->title}, {"y", "median"}, {"low", "low"}, {"high", "high"}, {"where", {{"testbed", m.testbed->title}}}, {"style", "line"}});
  const Measured& guide = all.front();
  const std::size_t last = s.step_sizes.size() - 1;
  return {{"kind", "curves"},
          {"id", "distance"},
          {"title", "Distance between SGD's path and the flow"},
          {"caption",
           fmt::format(
               "Median of d_C over {} replicates (bands: 95 % for all step sizes together, distribution-free), against the step size; the thin line has slope "
               "1/2. d_C is stopped at s = {:.0f}: later times could add 2^-{:.0f} at most. The distance is to the solution from the run's own start, an upper "
               "bound of "
               "the distance to S(K).",
               s.replicates, std::floor(s.horizon), std::floor(s.horizon))},
          {"file", "distances.csv"},
          {"x", "alpha"},
          {"x_label", "step size α"},
          {"y_label", "d_C (median)"},
          {"log_x", true},
          {"log_y", true},
          {"panels",
           {{{"title", ""},
             {"series", series},
             {"lines", {{{"slope", 0.5}, {"through", {s.step_sizes[last], 0.8 * guide.judgement.slope.medians[last]}}, {"label", "slope 1/2"}}}}}}}};
}

Json exceedance_figure(const std::vector<Measured>& all, const FlowLimitSettings& s) {
  Json panels = Json::array();
  for (const Measured& m : all) {
    Json series = Json::array();
    for (const double eta : s.etas)
      series.push_back({{"label", fmt::format("η = {}", eta)},
                        {"y", "share"},
                        {"low", "low"},
                        {"high", "high"},
                        {"where", {{"testbed", m.testbed->title}, {"series", fmt::format("η = {}", eta)}}}});
    panels.push_back({{"title", m.testbed->title}, {"series", series}});
  }
  return {{"kind", "curves"},
          {"id", "exceedance"},
          {"title", "Probability that the path is farther from the flow than η"},
          {"caption", "Share of replicates with d_C > η; bands: Clopper–Pearson, 95 % each. T1 says that every curve goes to 0 as α falls (to the left)."},
          {"file", "exceedances.csv"},
          {"x", "alpha"},
          {"x_label", "step size α"},
          {"y_label", "P(d_C > η)"},
          {"log_x", true},
          {"log_y", false},
          {"panels", panels}};
}

/// SGD's paths over the flow, one coordinate, for three step sizes.
Json fan_figure(const ExperimentContext& context, const FlowLimitSettings& s) {
  constexpr int kTimes = 240;
  constexpr Index kPaths = 16;
  CsvTable fan({"testbed", "alpha", "path", "s", "u"});
  Json panels = Json::array();
  const std::vector<double> chosen{s.step_sizes.front(), s.step_sizes[s.step_sizes.size() / 2], s.step_sizes.back()};
  for (const std::string& name : {std::string("two-point-line"), std::string("affine-plane")}) {
    if (std::find(s.testbeds.begin(), s.testbeds.end(), name) == s.testbeds.end()) continue;
    const Testbed& testbed = testbed_by_name(name);
    const FlowPath flow = solve_flow(*testbed.field, testbed.centre, {.horizon = s.horizon});
    // The coordinate that moves most.
    Index coordinate = 0;
    (flow.end() - testbed.centre).cwiseAbs().maxCoeff(&coordinate);
    for (const double alpha : chosen) {
      const std::string label = power_text(alpha);
      for (Index r = 0; r < kPaths; ++r) {
        const Points<double> path =
            walk(testbed_training(testbed, alpha, context.seed, stream_replicate(kFlowFan, r)), static_cast<std::uint64_t>(std::llround(s.horizon / alpha)));
        for (int i = 0; i <= kTimes; ++i) {
          const double time = s.horizon * i / kTimes;
          fan.add({testbed.title, label, fmt::format("SGD {}", r), time, interpolated(path, alpha, time)[coordinate]});
        }
      }
      panels.push_back(
          {{"title", fmt::format("{}, α\u00a0=\u00a0{}", testbed.title, label)},
           {"series",
            {{{"label", "SGD"}, {"y", "u"}, {"where", {{"testbed", testbed.title}, {"alpha", label}}}, {"style", "fan"}, {"path", "path"}},
             {{"label", "flow from the centre of K"}, {"y", "u"}, {"where", {{"testbed", testbed.title}, {"alpha", "flow"}}}, {"style", "dashed"}}}}});
    }
    for (int i = 0; i <= kTimes; ++i) {
      const double time = s.horizon * i / kTimes;
      fan.add({testbed.title, std::string("flow"), std::string("flow"), time, flow.at(time)[coordinate]});
    }
  }
  fan.write(context.folder / "fan.csv");
  return {
      {"kind", "curves"},
      {"id", "fan"},
      {"title", "SGD's paths close in on the flow"},
      {"caption",
       fmt::format(
           "{} interpolated paths from the small ball K for three step sizes, against the flow time s = tα; one parameter, the one that the flow moves most.",
           kPaths)},
      {"file", "fan.csv"},
      {"x", "s"},
      {"x_label", "flow time s"},
      {"y_label", "one parameter of u"},
      {"log_x", false},
      {"log_y", false},
      {"panels", panels}};
}

}  // namespace

FlowSpread flow_spread(const Testbed& testbed, double horizon) {
  FlowSpread spread{0.0, -std::numeric_limits<double>::infinity(), 2 * testbed.centre.size() + 16};
  const FlowSettings settings{.horizon = horizon};
  const FlowPath middle = solve_flow(*testbed.field, testbed.centre, settings);
  for (Index k = 0; k < spread.starts; ++k) {
    Eigen::VectorXd v = Eigen::VectorXd::Zero(testbed.centre.size());
    if (k < 2 * v.size())
      v[k / 2] = k % 2 == 0 ? 1.0 : -1.0;
    else
      RandomStream(1, Purpose::cases, static_cast<std::uint32_t>(k), 0).fill_normal(v);
    const FlowPath other = solve_flow(*testbed.field, testbed.centre + (testbed.spread / v.norm()) * v, settings);
    const auto gap = [&](double s) { return (other.at(s) - middle.at(s)).norm(); };
    spread.slack = std::max(spread.slack, 2.0 * path_distance(gap, 1.0 / 64.0, static_cast<Index>(std::floor(horizon))).stopped);
    for (double s = 1.0; s <= horizon; s += 1.0) spread.expansion = std::max(spread.expansion, std::log(gap(s) / testbed.spread) / s);
  }
  return spread;
}

ConvergencePart flow_limit_paths(const ExperimentContext& context, const FlowLimitSettings& s) {
  ConvergencePart part;
  std::vector<Measured> all;
  for (std::size_t i = 0; i < s.testbeds.size(); ++i) all.push_back(measure(context, s, static_cast<std::uint32_t>(i), s.testbeds[i]));
  add_energies(context, s, part);
  for (const Measured& m : all) {
    const bool counts = m.testbed->n >= 4;
    part.verdicts.push_back({"T1", m.testbed->title, "P(d_C(u_α, S(K)) > η) → 0 as α → 0",
                             fmt::format("{}; {:.1f} order changes along a path at the smallest α{}", m.judgement.measured, m.changes.back(),
                                         counts ? "" : " (a line: shown for its closed form, the verdict rests on the others)"),
                             fmt::format("{} replicates at each of {} step sizes", s.replicates, s.step_sizes.size()),
                             fmt::format("false alarm ≤ {:.0e}: exact trend test, Clopper–Pearson and order statistics, for the measured step sizes; the slack "
                                         "is measured from {} starts, not certified",
                                         kFlowLimitLevel, m.spread.starts),
                             m.judgement.outcome, Outcome::holds});
  }
  if (context.writes) write_distances(all, context, s);
  add_tables(s, part);
  part.figures.push_back(distance_figure(all, s));
  part.figures.push_back(exceedance_figure(all, s));
  if (context.writes) part.figures.push_back(fan_figure(context, s));
  for (const Measured& m : all)
    if (m.has_small_slope)
      part.facts.push_back(fmt::format("{}: on α ≤ 2^-6 the median distance falls with slope {:.3f} (95 % bootstrap {:.3f} to {:.3f}){}: {}.", m.testbed->title,
                                       m.small_slope.slope, m.small_slope.interval.low, m.small_slope.interval.high,
                                       rate_is_predicted(*m.testbed) ? ", predicted 1/2" : ", no prediction: walls on the way", slope_words(m)));
  return part;
}

}  // namespace slicecheck
