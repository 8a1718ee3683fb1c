#include "regime_summary.h"

#include <cmath>

#include "convergence.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::app {

namespace {

constexpr double kShortestBar = 0.3;  ///< on a logarithmic axis an interval that reaches 0 is cut off at this share of its value

double root(double square) { return std::sqrt(std::max(0.0, square)); }

double step_size(const RegimeMeasurements& m, Index level) { return std::ldexp(m.settings.step_size, -static_cast<int>(level)); }

std::string level_name(Index level) { return level == 0 ? "α" : fmt::format("α/{}", 1 << level); }

Json interval_json(const Jackknifed& v) { return {{"value", v.value}, {"low", v.interval.low}, {"high", v.interval.high}}; }
Json interval_json(const MeanEstimate& v) { return {{"value", v.mean}, {"low", v.interval.low}, {"high", v.interval.high}}; }

/// Numbers that JSON has no word for become null.
Json finite(Json json) {
  if (json.is_number_float() && !std::isfinite(json.get<double>())) return nullptr;
  if (json.is_structured())
    for (auto& element : json) element = finite(element);
  return json;
}

std::string number(double value) { return fmt::format("{:.3g}", value); }

std::string with_interval(double value, const Interval& interval) { return fmt::format("{:.3g} [{:.3g}, {:.3g}]", value, interval.low, interval.high); }

/// A number, or nothing where there is none: the page shows a dash.
CsvTable::Cell cell(double value) { return std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()); }

void write_levels(const RegimeMeasurements& m, const RegimeStatistics& s, const std::filesystem::path& folder) {
  CsvTable table(
      {"level", "alpha", "steps", "spread", "spread_low", "spread_high", "means", "means_low", "means_high", "gap", "gap_halved", "dC", "dC_halved"});
  CsvTable ends({"level", "residual", "residual_low", "residual_high", "F", "F_low", "F_high", "on_sphere", "phi"});
  CsvTable curves({"series", "alpha", "value", "low", "high"});
  for (Index level = 0; level < m.settings.levels; ++level) {
    const auto j = static_cast<std::size_t>(level);
    const bool last = level + 1 == m.settings.levels;
    const Jackknifed none{std::numeric_limits<double>::quiet_NaN(), 0.0, {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()}};
    const Jackknifed& means = last ? none : s.distance_of_means[j];
    const auto median = [&](const std::vector<std::vector<double>>& groups) {
      return cell(j < groups.size() && !groups[j].empty() ? medians_of({groups[j]}).front() : none.value);
    };
    table.add({level_name(level), step_size(m, level), static_cast<std::int64_t>(m.settings.steps << level), s.spread[j].value, s.spread[j].interval.low,
               s.spread[j].interval.high, cell(means.value), cell(means.interval.low), cell(means.interval.high), median(s.largest_gap.replicates),
               median(s.largest_gap.halved), median(s.path_distance.replicates), median(s.path_distance.halved)});
    ends.add({level_name(level), root(s.residual[j].mean), root(s.residual[j].interval.low), root(s.residual[j].interval.high), s.objective[j].mean,
              s.objective[j].interval.low, s.objective[j].interval.high, s.on_sphere[j].mean, std::sqrt(s.phi_squares[j])});
    const auto add = [&](const std::string& series, const Jackknifed& v) {
      if (v.value > 0.0) curves.add({series, step_size(m, level), v.value, std::max(v.interval.low, kShortestBar * v.value), v.interval.high});
    };
    add("spread of replicates", s.spread[j]);
    if (!last) add("mean paths at α and α/2", s.distance_of_means[j]);
  }
  table.write(folder / "levels.csv");
  ends.write(folder / "ends.csv");
  curves.write(folder / "scaling.csv");
}

void write_paths(const RegimeMeasurements& m, const RegimeStatistics& s, const std::filesystem::path& folder) {
  CsvTable table({"time", "series", "value"});
  for (std::size_t look = 0; look < s.looks.size(); ++look) {
    const PathMoments& here = s.looks[look];
    const auto add = [&](const std::string& series, double square) { table.add({m.times[look], series, root(square)}); };
    add("distance travelled by the mean path", here.drift.back());
    for (std::size_t j = 0; j < here.spread.size(); ++j) add(fmt::format("spread at {}", level_name(static_cast<Index>(j))), here.spread[j]);
    for (std::size_t j = 0; j < here.difference.size(); ++j)
      add(fmt::format("mean paths at {} and {}", level_name(static_cast<Index>(j)), level_name(static_cast<Index>(j) + 1)), here.difference[j]);
  }
  table.write(folder / "paths.csv");
}

/// Mean over the replicates of a column of looks, with the smallest and largest.
void write_training(const RegimeMeasurements& m, const std::filesystem::path& folder) {
  CsvTable table({"time", "level", "loss", "loss_low", "loss_high", "norm", "norm_low", "norm_high", "on_sphere"});
  for (Index look = 0; look < m.norm.rows(); ++look)
    for (Index level = 0; level < m.settings.levels; ++level) {
      const auto part = [&](const Eigen::MatrixXd& values) { return values.row(look).segment(level * m.settings.replicates, m.settings.replicates); };
      if (look == 0) continue;
      table.add({m.times[static_cast<std::size_t>(look)], level_name(level), part(m.loss).mean(), part(m.loss).minCoeff(), part(m.loss).maxCoeff(),
                 part(m.norm).mean(), part(m.norm).minCoeff(), part(m.norm).maxCoeff(), part(m.on_sphere).mean()});
    }
  table.write(folder / "training.csv");
}

Json level_table(const RegimeMeasurements& m, const RegimeStatistics& s, const std::string& confidence) {
  Json columns = {column("level", "step", "s"), column("alpha", "α", ".3g"), column("steps", "steps", ".0f"),
                  column("spread", "spread of replicates", ".3g", "spread_low", "spread_high"),
                  column("means", "mean paths, to half", ".3g", "means_low", "means_high")};
  if (s.horizon >= 1.0) {
    columns.push_back(column("dC", "d_C, replicates", ".3g"));
    columns.push_back(column("dC_halved", "d_C, to half", ".3g"));
  } else {
    columns.push_back(column("gap", "largest gap, replicates", ".3g"));
    columns.push_back(column("gap_halved", "largest gap, to half", ".3g"));
  }
  const std::string distance =
      s.horizon >= 1.0
          ? fmt::format("d_C is stopped at {:.0f}: it can be up to {:.2g} more; medians over pairs of runs.", std::floor(s.horizon), s.path_distance_tail)
          : fmt::format("d_C looks at whole units of time, and S = {:.3g} < 1: the largest gap ‖u(s) − v(s)‖ stands in for it, as a median over pairs of runs.",
                        s.horizon);
  return {{"id", "levels"},
          {"title", "The same training at smaller steps"},
          {"caption",
           fmt::format(
               "Spread: root mean square distance of a replicate to the mean path. Mean paths: distance between the means at this step and at half of it. Both "
               "are averages over the run, unbiased (0 where not told from it), with {} jackknife intervals over {} replicates. {}",
               confidence, m.settings.replicates, distance)},
          {"file", "levels.csv"},
          {"columns", std::move(columns)}};
}

Json end_table(const RegimeMeasurements& m, const std::string& confidence) {
  Json columns = {column("level", "step", "s"), column("residual", "criticality residual", ".3g", "residual_low", "residual_high"),
                  column("F", "F", ".4g", "F_low", "F_high"), column("phi", "root mean square of φ", ".3g")};
  if (m.settings.radius > 0.0) columns.push_back(column("on_sphere", "last quarter on the sphere", ".0%"));
  return {
      {"id", "ends"},
      {"title", "Where the runs end"},
      {"caption",
       fmt::format("Residual: dist(0, ∇F + N_r) by products of independent gradients, F the expected minibatch loss. {} t-intervals over {} replicates. φ: the "
                   "stochastic gradient, over all steps.",
                   confidence, m.settings.replicates)},
      {"file", "ends.csv"},
      {"columns", std::move(columns)}};
}

Json figures_json(const RegimeMeasurements& m, const RegimeStatistics& s, double tolerance) {
  Json paths = Json::array();
  const auto add = [&](const std::string& series, const std::string& style) {
    paths.push_back({{"label", series}, {"y", "value"}, {"where", {{"series", series}}}, {"style", style}});
  };
  add("distance travelled by the mean path", "line");
  for (Index level = 0; level < m.settings.levels; ++level) add("spread at " + level_name(level), "line");
  add("mean paths at α and α/2", "dashed");
  add("mean paths at α/2 and α/4", "dashed");
  Json scaling = Json::array();
  for (const char* series : {"spread of replicates", "mean paths at α and α/2"})
    scaling.push_back({{"label", series}, {"y", "value"}, {"low", "low"}, {"high", "high"}, {"where", {{"series", series}}}});
  const double top = step_size(m, 0);
  Json lines = Json::array();
  if (s.spread[0].value > 0.0) lines.push_back({{"slope", 0.5}, {"through", {top, s.spread[0].value}}, {"legend", "α^½: what T1 predicts for noise"}});
  lines.push_back({{"y", tolerance * s.drift.back().value}, {"legend", "tolerance · distance travelled"}});
  Json training = Json::array();
  Json norm = Json::array();
  for (Index level = 0; level < m.settings.levels; ++level) {
    training.push_back({{"label", level_name(level)}, {"y", "loss"}, {"low", "loss_low"}, {"high", "loss_high"}, {"where", {{"level", level_name(level)}}}});
    norm.push_back({{"label", level_name(level)}, {"y", "norm"}, {"low", "norm_low"}, {"high", "norm_high"}, {"where", {{"level", level_name(level)}}}});
  }
  Json norm_lines = Json::array();
  if (m.settings.radius > 0.0) norm_lines.push_back({{"y", m.settings.radius}, {"legend", "radius of the ball"}});
  const auto figure = [](const std::string& id, const std::string& title, const std::string& caption, const std::string& file, const std::string& x,
                         const std::string& x_label, const std::string& y_label, bool logs, Json series, Json reference) {
    return Json{{"kind", "curves"},
                {"id", id},
                {"title", title},
                {"caption", caption},
                {"file", file},
                {"x", x},
                {"x_label", x_label},
                {"y_label", y_label},
                {"log_x", logs},
                {"log_y", logs},
                {"panels", {{{"title", ""}, {"series", std::move(series)}, {"lines", std::move(reference)}}}}};
  };
  Json out = Json::array();
  out.push_back(figure("paths", "How far paths are apart", "Near the flow the spread and the distances of mean paths stay small beside the distance travelled.",
                       "paths.csv", "time", "time s = α · steps", "distance in u", false, std::move(paths), Json::array()));
  out.push_back(figure(
      "scaling", "What halving the step does",
      fmt::format("Averages over the run. Bars: jackknife intervals, cut off below at {:g} of the value. A difference that is not told from 0 is missing.",
                  kShortestBar),
      "scaling.csv", "alpha", "step size α", "distance in u", true, std::move(scaling), std::move(lines)));
  out.push_back(figure("loss", "Minibatch loss", "Mean of f between two looks; bands: smallest and largest of the replicates.", "training.csv", "time",
                       "time s = α · steps", "f", false, std::move(training), Json::array()));
  // A norm that stays on the sphere to six digits is a fact, not a figure.
  if (m.norm.maxCoeff() - m.norm.minCoeff() > 1e-4 * m.norm.maxCoeff())
    out.push_back(figure("norm", "‖u‖", "Bands: smallest and largest of the replicates.", "training.csv", "time", "time s = α · steps", "‖u‖", false,
                         std::move(norm), std::move(norm_lines)));
  return out;
}

std::string describe(const TrainingFile& file, const RegimeMeasurements& m) {
  const TrainingDescription& t = file.training;
  std::string scheme = m.settings.radius > 0.0 ? fmt::format("NPSGD, r = {:g}, a = {:g}", m.settings.radius, m.settings.noise) : std::string("SGD");
  return fmt::format(
      "{} ({} parameters), from {} to {}; {}, α = {:g}, {} steps; {} of {}, {} direction{} a step; {} precision. Rerun at {} step sizes, {} replicates each, "
      "all from one u0.",
      t.generator_single->name(), m.parameters, t.source->name(), t.target->name(), scheme, m.settings.step_size, m.settings.steps,
      m.settings.cycling_pairs > 0 ? fmt::format("{} cycling pairs in batches", m.settings.cycling_pairs) : std::string("fresh batches"), m.settings.batch,
      m.settings.directions, m.settings.directions == 1 ? "" : "s", t.single ? "single" : "double", m.settings.levels, m.settings.replicates);
}

}  // namespace

Json regime_json(const TrainingFile& file, const RegimeMeasurements& m, const RegimeJudgement& judgement) {
  Json out{{"training", file.training.name}, {"regime", regime_name(judgement.regime)}, {"answer", judgement.answer},
           {"advice", judgement.advice},     {"caveat", kNecessaryNotSufficient},       {"reasons", judgement.reasons},
           {"seed", m.settings.seed}};
  out["suggested_step_size"] = judgement.suggested_step_size ? Json(*judgement.suggested_step_size) : Json(nullptr);
  out["suggested_radius"] = judgement.suggested_radius ? Json(*judgement.suggested_radius) : Json(nullptr);
  out["harmful_ties"] = m.met.harmful_ties;
  out["ties"] = m.met.with_ties;
  out["steps_looked_at"] = m.met.steps;
  out["kinks"] = m.met.kinks;
  if (!judgement.statistics) return out;
  const RegimeStatistics& s = *judgement.statistics;
  out["error"] = interval_json(s.error);
  out["noise"] = interval_json(s.noise);
  out["step"] = interval_json(s.step);
  out["spread_slope"] = interval_json(s.spread_slope);
  out["difference_slope"] = interval_json(s.difference_slope);
  out["drift"] = interval_json(s.drift.back());
  out["horizon"] = s.horizon;
  out["squared_residual"] = {{"start", interval_json(s.start_residual)}, {"end", interval_json(s.residual.front())}};
  out["F"] = {{"start", interval_json(s.start_objective)}, {"end", interval_json(s.objective.front())}};
  out["on_sphere"] = interval_json(s.on_sphere.front());
  return finite(out);
}

std::vector<std::vector<std::string>> regime_table(const RegimeMeasurements& m, const RegimeStatistics& s) {
  const bool long_enough = s.horizon >= 1.0;
  const std::string distance = long_enough ? fmt::format("d_C (≤ {:.2g} more)", s.path_distance_tail) : "largest gap";
  std::vector<std::vector<std::string>> rows{
      {"step size", "steps", "spread of replicates", "mean paths, to half", distance + ", replicates", "to half", "residual", "F"}};
  const PathGaps& gaps = long_enough ? s.path_distance : s.largest_gap;
  for (Index level = 0; level < m.settings.levels; ++level) {
    const auto j = static_cast<std::size_t>(level);
    const bool last = level + 1 == m.settings.levels;
    rows.push_back({fmt::format("{:.3g}", step_size(m, level)), fmt::format("{}", m.settings.steps << level),
                    with_interval(s.spread[j].value, s.spread[j].interval),
                    last ? "" : with_interval(s.distance_of_means[j].value, s.distance_of_means[j].interval), number(medians_of({gaps.replicates[j]}).front()),
                    last ? "" : number(medians_of({gaps.halved[j]}).front()), number(root(s.residual[j].mean)), fmt::format("{:.4g}", s.objective[j].mean)});
  }
  return rows;
}

void write_regime(const TrainingFile& file, const RegimeMeasurements& m, const RegimeJudgement& judgement, double tolerance,
                  const std::filesystem::path& folder) {
  Json summary{{"name", file.training.name}, {"profile", "user"}, {"seed", m.settings.seed}, {"title", "Regime of the training " + file.training.name}};
  summary["answer"] = judgement.answer;
  summary["description"] = fmt::format("{} {} Judged at a tolerance of {:g}: the words are a convention, the figures are measured.", describe(file, m),
                                       kNecessaryNotSufficient, tolerance);
  summary["advice"] = Json::array({advice_entry("What should change?", judgement.advice, {})});
  summary["facts"] = judgement.reasons;
  summary["departures"] = Json::array();
  summary["tables"] = Json::array();
  summary["figures"] = Json::array();
  summary["regime"] = regime_json(file, m, judgement);
  if (judgement.statistics) {
    const RegimeStatistics& s = *judgement.statistics;
    write_levels(m, s, folder);
    write_paths(m, s, folder);
    write_training(m, folder);
    summary["tables"].push_back(level_table(m, s, "95 %"));
    summary["tables"].push_back(end_table(m, "95 %"));
    summary["figures"] = figures_json(m, s, tolerance);
  }
  write_json(folder / "summary.json", summary);
}

}  // namespace slicecheck::app
