/// T4 in numbers: dist(u_T, C_r) over independent runs, against α; and what runs do on their way: when they enter a neighbourhood, how long they leave it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "npsgd_neighbourhood.h"
#include "slicecheck/core/error.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::npsgd {

namespace {

/// What is kept of the runs at one step size.
struct Runs {
  std::vector<double> half;                    ///< upper bound of dist(u, C_r) at S/2
  std::vector<double> upper;                   ///< the same at S
  std::vector<double> lower;                   ///< lower bound of it
  std::vector<std::vector<double>> entry;      ///< [η]: flow time of the first entry into the η-neighbourhood; S where there was none
  std::vector<std::vector<double>> excursion;  ///< [η]: longest flow time outside after it, up to S; S where there was no entry
};

struct Measured {
  std::vector<double> step_sizes;
  std::vector<Runs> runs;  ///< by step size
};

/// Follows one run through the η-neighbourhoods.
class Neighbourhoods {
 public:
  explicit Neighbourhoods(const std::vector<double>& etas) : etas_(etas), entry_(etas.size(), -1.0), left_(etas.size(), -1.0), longest_(etas.size(), 0.0) {}

  void visit(double s, double distance) {
    for (std::size_t e = 0; e < etas_.size(); ++e) {
      const bool inside = distance <= etas_[e];
      if (entry_[e] < 0.0) {
        if (inside) entry_[e] = s;
      } else if (inside) {
        if (left_[e] >= 0.0) longest_[e] = std::max(longest_[e], s - left_[e]);
        left_[e] = -1.0;
      } else if (left_[e] < 0.0) {
        left_[e] = s;
      }
    }
  }
  [[nodiscard]] double entry(std::size_t e, double end) const { return entry_[e] < 0.0 ? end : entry_[e]; }
  [[nodiscard]] double longest(std::size_t e, double end) const {
    if (entry_[e] < 0.0) return end;
    return left_[e] >= 0.0 ? std::max(longest_[e], end - left_[e]) : longest_[e];
  }

 private:
  const std::vector<double>& etas_;
  std::vector<double> entry_;
  std::vector<double> left_;  ///< when the run left; −1 while inside
  std::vector<double> longest_;
};

Measured measure(const ExperimentContext& context, const Setup& setup, std::uint32_t number) {
  const Index replicates = judged_replicates(setup, context.settings.integer_at_least("occupation.replicates", 2));
  const double noise = noise_of(context.settings);
  const auto etas = static_cast<Index>(setup.etas.size());
  Measured out;
  out.step_sizes = halved_step_sizes(setup.first_step_size, context.settings.integer_at_least("occupation.step_sizes", 3));
  const auto count = static_cast<Index>(out.step_sizes.size());
  const Points<double> rows = replicate_table(
      context, fmt::format("occupation-{}-{}", setup.testbed->name, setup.large ? "large" : "small"), count * replicates, 3 + 2 * etas,
      [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
        // Small step sizes, the long runs, come first.
        const double alpha = out.step_sizes[static_cast<std::size_t>(count - 1 - i / replicates)];
        const Walk walk{setup.testbed, setup.centre, setup.spread, std::make_shared<NoisedProjectedSgd<double>>(setup.radius, noise), alpha, setup.horizon};
        Neighbourhoods near(setup.etas);
        Eigen::VectorXd half;
        const Eigen::VectorXd end = visit_walk(walk, context.seed, stream_replicate(kOccupation + number, i), [&](double s, const Eigen::VectorXd& u) {
          near.visit(s, distance_to_points(setup.critical, u));
          if (s <= 0.5 * setup.horizon + 1e-9) half = u;
        });
        const CriticalDistance at_end = setup.critical.distance(end);
        row[0] = setup.critical.distance(half).upper;
        row[1] = at_end.upper;
        row[2] = at_end.lower;
        for (Index e = 0; e < etas; ++e) {
          row[3 + e] = near.entry(static_cast<std::size_t>(e), setup.horizon);
          row[3 + etas + e] = near.longest(static_cast<std::size_t>(e), setup.horizon);
        }
      });
  for (Index j = 0; j < count; ++j) {
    Runs runs;
    runs.entry.resize(setup.etas.size());
    runs.excursion.resize(setup.etas.size());
    for (Index i = (count - 1 - j) * replicates; i < (count - j) * replicates; ++i) {
      runs.half.push_back(rows(i, 0));
      runs.upper.push_back(rows(i, 1));
      runs.lower.push_back(rows(i, 2));
      for (Index e = 0; e < etas; ++e) {
        runs.entry[static_cast<std::size_t>(e)].push_back(rows(i, 3 + e));
        runs.excursion[static_cast<std::size_t>(e)].push_back(rows(i, 3 + etas + e));
      }
    }
    out.runs.push_back(std::move(runs));
  }
  return out;
}

double median(const std::vector<double>& values) { return medians_of({values}).front(); }

/// Flow time at which the flow itself, from the middle of K, first is within η; nothing where it is not within S.
std::optional<double> entry_of_flow(const Setup& setup, const Points<double>& flow, double eta) {
  for (Index i = 0; i < flow.rows(); ++i)
    if (distance_to_points(setup.critical, flow.row(i).tail(setup.parameters()).transpose()) <= eta) return flow(i, 0);
  return std::nullopt;
}

void write_tables(const ExperimentContext& context, const std::vector<Setup>& setups, const std::vector<Measured>& all) {
  CsvTable distances(
      {"case", "step_size", "replicates", "median_half", "median_half_low", "median_half_high", "median", "median_low", "median_high", "lower_median"});
  CsvTable shares({"case", "step_size", "threshold", "eta", "near_half", "near", "near_low", "near_high", "far", "far_low", "far_high"});
  CsvTable entries(
      {"case", "step_size", "threshold", "eta", "entry", "entry_low", "entry_high", "not_entered", "excursion", "excursion_low", "excursion_high"});
  for (std::size_t c = 0; c < setups.size(); ++c)
    for (std::size_t j = 0; j < all[c].step_sizes.size(); ++j) {
      const Runs& runs = all[c].runs[j];
      const double alpha = all[c].step_sizes[j];
      const Interval half = median_interval(runs.half, 0.95);
      const Interval end = median_interval(runs.upper, 0.95);
      distances.add({setups[c].title(), alpha, static_cast<std::int64_t>(runs.upper.size()), median(runs.half), half.low, half.high, median(runs.upper),
                     end.low, end.high, median(runs.lower)});
      for (std::size_t e = 0; e < setups[c].etas.size(); ++e) {
        const double eta = setups[c].etas[e];
        const Exceedance far = exceedance(runs.upper, eta, 0.95);
        shares.add({setups[c].title(), alpha, threshold_text(setups[c], e), eta, 1.0 - exceedance(runs.half, eta, 0.95).share, 1.0 - far.share,
                    1.0 - far.interval.high, 1.0 - far.interval.low, far.share, far.interval.low, far.interval.high});
        const Interval entry = median_interval(runs.entry[e], 0.95);
        const Interval excursion = median_interval(runs.excursion[e], 0.95);
        const auto missing = std::count_if(runs.entry[e].begin(), runs.entry[e].end(), [&](double s) { return s >= setups[c].horizon; });
        entries.add({setups[c].title(), alpha, threshold_text(setups[c], e), eta, median(runs.entry[e]), entry.low, entry.high,
                     static_cast<double>(missing) / static_cast<double>(runs.entry[e].size()), median(runs.excursion[e]), excursion.low, excursion.high});
      }
    }
  distances.write(context.folder / "distances.csv");
  shares.write(context.folder / "occupation.csv");
  entries.write(context.folder / "entries.csv");
}

/// C_r, point by point.
Json critical_table(const ExperimentContext& context, const std::vector<Setup>& setups) {
  CsvTable table({"case", "u", "value", "residual", "where", "multiplier", "kind", "reach"});
  for (const Setup& setup : setups)
    for (const CriticalPoint& point : setup.critical.points()) {
      const std::string u = point.u.size() == 1 ? fmt::format("{:.4f}", point.u[0]) : fmt::format("({:.4f}, {:.4f})", point.u[0], point.u[1]);
      table.add({setup.title(), u, value_at(*setup.testbed->field, point.u), point.residual, point.on_sphere ? "on the sphere" : "inside", point.multiplier,
                 !point.resolved ? "not resolved"
                 : point.minimum ? "local minimum in the ball"
                                 : "not a minimum",
                 setup.critical.reach()});
    }
  if (context.writes) table.write(context.folder / "critical_points.csv");
  return {{"id", "critical-points"},
          {"title", "C_r of the testbeds"},
          {"caption",
           "The points of C_r: all of them, in closed form, on the line; elsewhere those that a search found, by branch and bound over cells of the ball with "
           "a Newton iteration in each cluster of cells. "
           "Residual: dist(0, ∂_C F(u) + N_r(u)). On the sphere λ̂ is the multiplier: −λ̂u is a subgradient, so with λ̂ > 0 a descent direction points straight "
           "outwards and the point is not critical for F. Reach: all of C_r is within this distance of the cells that the search kept."},
          {"file", "critical_points.csv"},
          {"columns",
           {column("case", "testbed, ball", "s"), column("u", "u", "s"), column("value", "F(u)", ".5f"), column("residual", "residual", ".1e"),
            column("where", "where", "s"), column("multiplier", "λ̂", ".3g"), column("kind", "kind", "s"), column("reach", "reach", ".1e")}}};
}

/// Every η is in the files; the figures leave out the smallest two.
constexpr std::size_t kFirstShown = 2;

Json panels_of(const std::vector<Setup>& setups, const std::string& y, const std::vector<Json>& lines) {
  Json panels = Json::array();
  for (std::size_t c = 0; c < setups.size(); ++c) {
    Json series = Json::array();
    for (std::size_t e = kFirstShown; e < setups[c].etas.size(); ++e)
      series.push_back({{"label", threshold_text(setups[c], e)},
                        {"y", y},
                        {"low", y + "_low"},
                        {"high", y + "_high"},
                        {"where", {{"case", setups[c].title()}, {"threshold", threshold_text(setups[c], e)}}},
                        {"style", "line"}});
    Json panel{{"title", setups[c].title()}, {"series", std::move(series)}};
    if (!lines[c].empty()) panel["lines"] = lines[c];
    panels.push_back(std::move(panel));
  }
  return panels;
}

Json distance_figure(const std::vector<Setup>& setups, const std::vector<Measured>& all) {
  Json panels = Json::array();
  for (std::size_t c = 0; c < setups.size(); ++c) {
    const Json where{{"case", setups[c].title()}};
    // Guides through the middle of the curve.
    const std::size_t middle = all[c].step_sizes.size() / 2;
    const Json through{all[c].step_sizes[middle], std::max(median(all[c].runs[middle].upper), 1e-300)};
    panels.push_back({{"title", setups[c].title()},
                      {"series",
                       {{{"label", "at flow time S"}, {"y", "median"}, {"low", "median_low"}, {"high", "median_high"}, {"where", where}, {"style", "line"}},
                        {{"label", "at S/2"}, {"y", "median_half"}, {"where", where}, {"style", "dashed"}}}},
                      {"lines", {{{"slope", 0.5}, {"through", through}, {"label", "√α"}}, {{"slope", 1.0}, {"through", through}, {"label", "α"}}}}});
  }
  return curves(
      "distance", "Distance to C_r after a long time",
      "Median over independent runs of dist(u, C_r) at the end of the run, flow time S, against the step size; the band is a distribution-free 95 % "
      "interval for the median. T4 says that it falls to 0. Both axes are logarithmic, and the two guides have the slopes of √α and of α: inside the "
      "ball the noise of the batches spreads runs by √α around a minimum; at the sphere the drift presses them against it, to within about α, but along the "
      "sphere (there is no along on the line) the spread is √α again. The dashed "
      "curve is the same at half of the time: where the two agree, running longer changes nothing, and S stands for t → ∞.",
      "distances.csv", "step_size", "step size α", "median of dist(u, C_r)", true, true, std::move(panels));
}

Json occupation_figure(const std::vector<Setup>& setups) {
  return curves(
      "occupation", "Share of runs within η of C_r at the end",
      "P(dist(u, C_r) ≤ η) at flow time S for several η, given as parts of the radius; Clopper and Pearson's 95 % intervals over independent runs. T4 "
      "says that every curve goes to 1 as α → 0, that is, to the left; the smaller η, the later.",
      "occupation.csv", "step_size", "step size α", "share of runs within η", true, false, panels_of(setups, "near", std::vector<Json>(setups.size())));
}

Json entry_figure(const std::vector<Setup>& setups, const std::vector<Json>& lines) {
  return curves(
      "entry", "When runs first come within η of C_r",
      "Flow time s = tα of the first visit to the η-neighbourhood: median over the runs with a distribution-free 95 % interval. A run that never came "
      "there counts with S. Dotted lines: the same for the subgradient flow (kept in the ball) from the middle of the starting points, the highest for the "
      "smallest η. As α → 0 a run follows the flow in and takes the same flow time, hence about 1/α times as many steps. Where η is small noise brings "
      "runs in sooner than the flow, which comes near only exponentially.",
      "entries.csv", "step_size", "step size α", "flow time of the first entry", true, false, panels_of(setups, "entry", lines));
}

Json excursion_figure(const std::vector<Setup>& setups) {
  return curves(
      "excursion", "Longest time outside after the first entry",
      "The longest stretch of flow time that a run spends farther than η from C_r after its first entry, until S: median over the runs, distribution-free "
      "95 % intervals. 0: it never left again; a run that never came there counts with S. A neighbourhood is not left for good at any α > 0, but for small α "
      "excursions from it become rare.",
      "entries.csv", "step_size", "step size α", "longest excursion (flow time)", true, false,
      panels_of(setups, "excursion", std::vector<Json>(setups.size())));
}

ExperimentVerdict judge(const ExperimentContext& context, const Setup& setup, const Measured& measured, ConvergenceJudgement& judgement) {
  ConvergenceData data{measured.step_sizes, {}, {}, setup.etas};
  for (const Runs& runs : measured.runs) {
    data.upper.push_back(runs.upper);
    data.lower.push_back(runs.lower);
  }
  judgement = judge_distances(data, context.seed);
  ExperimentVerdict verdict;
  verdict.claim = "T4";
  verdict.what = setup.title();
  verdict.statement = fmt::format(
      "Distances of NPSGD to C_r after a long time (flow time S = {:g}) fall with α: for every η, P(dist(u, C_r) > η) → 0 as α → 0.", setup.horizon);
  verdict.measured = judgement.measured;
  verdict.sample = fmt::format("{} independent runs at each of {} step sizes", measured.runs.front().upper.size(), measured.step_sizes.size());
  verdict.confidence = level_text();
  verdict.outcome = judgement.outcome;
  return verdict;
}

/// Sentences about one case.
void add_facts(const Setup& setup, const Measured& measured, const ConvergenceJudgement& judgement, const std::vector<std::optional<double>>& flow,
               std::vector<std::string>& facts) {
  const Runs& last = measured.runs.back();
  double change = 0.0;
  double change_alpha = measured.step_sizes.back();
  for (std::size_t j = 0; j < measured.runs.size(); ++j)
    for (const double eta : setup.etas) {
      const double gap = std::abs(exceedance(measured.runs[j].half, eta, 0.95).share - exceedance(measured.runs[j].upper, eta, 0.95).share);
      if (gap > change) {
        change = gap;
        change_alpha = measured.step_sizes[j];
      }
    }
  const Exceedance tight = exceedance(last.upper, setup.etas[2], 0.95);
  facts.push_back(
      fmt::format("{}: at α = {} {:.0f} % of the runs end farther than η = {:.3g} from C_r (95 % interval {:.1f} to {:.1f} %), median distance {:.3g}; "
                  "slope of log median against log α: {:.2f}. Between S/2 and S = {:g} the median there changes by a factor of {:.2f}, and no share of runs by "
                  "more than {:.2f} (at α = {}; chance alone "
                  "changes a share by up to about {:.2f}).",
                  setup.title(), power_text(measured.step_sizes.back()), 100.0 * tight.share, setup.etas[2], 100.0 * tight.interval.low,
                  100.0 * tight.interval.high, median(last.upper), judgement.slope.slope, setup.horizon, median(last.upper) / median(last.half), change,
                  power_text(change_alpha), 2.0 / std::sqrt(static_cast<double>(last.upper.size()))));
  const std::size_t e = 3;
  facts.push_back(
      fmt::format("{}: the first entry within η = {:.3g} comes at flow time {:.2f} (median) for α = {} and {:.2f} for α = {}; the flow from the middle of the "
                  "starting points "
                  "{}. The longest excursion from there has median {:.2f} at the largest α and {:.2f} at the smallest.",
                  setup.title(), setup.etas[e], median(measured.runs.front().entry[e]), power_text(measured.step_sizes.front()), median(last.entry[e]),
                  power_text(measured.step_sizes.back()), flow[e] ? fmt::format("takes {:.2f}", *flow[e]) : "does not enter before S",
                  median(measured.runs.front().excursion[e]), median(last.excursion[e])));
}

}  // namespace

ConvergencePart occupation(const ExperimentContext& context, const std::vector<Setup>& setups) {
  ConvergencePart part;
  std::vector<Measured> all;
  std::vector<Json> lines;
  for (std::size_t c = 0; c < setups.size(); ++c) {
    const Setup& setup = setups[c];
    all.push_back(measure(context, setup, static_cast<std::uint32_t>(c)));
    const Points<double> path = flow_in_ball(*setup.testbed->field, setup.radius, setup.centre, setup.horizon, 1.0 / 64.0);
    std::vector<std::optional<double>> flow;
    Json of_panel = Json::array();
    for (std::size_t e = 0; e < setup.etas.size(); ++e) {
      flow.push_back(entry_of_flow(setup, path, setup.etas[e]));
      if (e >= kFirstShown && flow.back()) of_panel.push_back({{"y", *flow.back()}});
    }
    lines.push_back(std::move(of_panel));
    ConvergenceJudgement judgement;
    part.verdicts.push_back(judge(context, setup, all.back(), judgement));
    add_facts(setup, all.back(), judgement, flow, part.facts);
  }
  part.tables.push_back(critical_table(context, setups));
  if (context.writes) write_tables(context, setups, all);
  part.figures.push_back(distance_figure(setups, all));
  part.figures.push_back(occupation_figure(setups));
  part.figures.push_back(entry_figure(setups, lines));
  part.figures.push_back(excursion_figure(setups));
  return part;
}

}  // namespace slicecheck::npsgd
