#include "plane.h"

#include <algorithm>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/reporting/csv_table.h"

namespace slicecheck {

std::shared_ptr<const Generator<float>> plane_generator(const Settings& settings) {
  return std::make_shared<DenseMlp<float>>(2, settings.integers("hidden"), 2, parse_activation(settings.word("activation")));
}

std::shared_ptr<Schedule> plateau_schedule(const Settings& settings) {
  ScheduleSettings schedule;
  schedule.kind = "plateau";
  schedule.initial = settings.number("step_size");
  schedule.final = settings.number("report.final_step_size");
  schedule.factor = settings.number("report.plateau_factor");
  schedule.patience = static_cast<int>(settings.integer("report.plateau_patience"));
  return make_schedule(schedule);
}

std::shared_ptr<Schedule> constant_schedule(const Settings& settings) {
  ScheduleSettings schedule;
  schedule.initial = settings.number("step_size");
  return make_schedule(schedule);
}

std::vector<PlaneTarget> chosen_targets(const Settings& settings, const std::vector<PlaneTarget>& known) {
  std::vector<PlaneTarget> chosen;
  for (const std::string& law : settings.words("targets")) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const PlaneTarget& target) { return target.law == law; });
    if (found == known.end()) reject("settings: unknown target '{}'; expected normal-5-2, two-moons or swiss-roll", law);
    chosen.push_back(*found);
  }
  if (chosen.empty()) reject("settings: targets is empty; name at least one");
  return chosen;
}

std::string slug(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c - 'A' + 'a');
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

namespace {

void add_points(CsvTable& table, const std::string& target, const std::string& series, const Points<float>& points) {
  for (Index k = 0; k < points.rows(); ++k) table.add({target, series, static_cast<double>(points(k, 0)), static_cast<double>(points(k, 1))});
}

/// The cloud of every arm above the target's own, as in Figures 1 and 2 of the report.
Json scatter_figure(const std::vector<ArmResult>& results, const ExperimentContext& context) {
  const Index count = context.settings.integer_at_least("figure_points", 1);
  CsvTable samples({"target", "series", "x", "y"});
  Json panels = Json::array();
  std::string previous;
  for (const auto& result : results) {
    const Arm& arm = *result.arm;
    if (arm.target != previous) add_points(samples, arm.target, "target", arm.target_law->sample<float>({context.seed, Purpose::figure, 1, 0}, count));
    previous = arm.target;
    add_points(samples, arm.target, arm.variant, generated_points(arm, result.record.state.u, count));
    const auto series = [&](const std::string& label, const std::string& name) {
      return Json{{"label", label}, {"file", "samples.csv"}, {"x", "x"}, {"y", "y"}, {"where", {{"target", arm.target}, {"series", name}}}};
    };
    panels.push_back({{"title", fmt::format("{}: {}", arm.target, arm.variant)}, {"series", {series("target", "target"), series("generated", arm.variant)}}});
  }
  samples.write(context.folder / "samples.csv");
  return {{"kind", "scatter"},
          {"id", "samples"},
          {"title", "Target and generated points"},
          {"caption",
           fmt::format("{} fresh points of each: a low SW does not mean good samples, so look. The target's points are those of the first training of its row.",
                       count)},
          {"columns", variants_of(results).size()},
          {"panels", std::move(panels)}};
}

}  // namespace

Json write_plane_results(const std::vector<ArmResult>& results, const EvaluationSettings& evaluation, const ExperimentContext& context) {
  write_arm_tables(results, context.folder);
  CsvTable table({"target", "variant", "report_F", "F", "F_low", "F_high", "F0", "ratio", "training_loss", "floor_F", "W2", "floor_W2", "u_norm"});
  std::vector<std::pair<std::string, double>> floors;
  for (const auto& result : results) {
    // Of the very law that this training aims at: continuous, truncated or finite.
    const Floor floor = target_floor(*result.arm->target_law, evaluation, context.seed);
    if (floors.empty() || floors.back().first != result.arm->target) floors.emplace_back(result.arm->target, floor.f.mean);
    table.add({result.arm->target, result.arm->variant, report_cell(result.arm->report_f), result.last(kF), result.last(kFLow), result.last(kFHigh),
               result.first(kF), result.last(kF) / result.first(kF), result.record.rows.back().loss, floor.f.mean, result.last(kW2), floor.w2,
               result.record.state.u.cast<double>().norm()});
  }
  table.write(context.folder / "final.csv");
  Json summary{{"name", context.folder.filename().string()}, {"profile", context.profile}, {"seed", context.seed}};
  summary["tables"] = {
      {{"id", "final"},
       {"title", "After training"},
       {"caption",
        "The report gives neither the scale nor the noise of its targets: its F stands beside ours for comparison, never as a verdict. F: "
        "expected minibatch loss on fresh "
        "samples, 95 % t-interval over independent batches. Floor: the same for two independent batches of the law that this training aims at. " +
            w2_sentence(evaluation)},
       {"file", "final.csv"},
       {"columns",
        {column("target", "target", "s"), column("variant", "training", "s"), column("report_F", "F in the report", "s"),
         column("F", "F(u)", ".4g", "F_low", "F_high"), column("floor_F", "floor of F", ".3g"), column("F0", "F(u₀)", ".4g"),
         column("ratio", "F(u)/F(u₀)", ".2g"), column("training_loss", "last training loss", ".3g"), column("W2", "W₂²", ".3g"),
         column("floor_W2", "floor of W₂²", ".3g"), column("u_norm", "‖u‖", ".3g")}}}};
  summary["figures"] = {scatter_figure(results, context), objective_figure(results, floors),
                        trajectory_figure(results, "step-size", "Step size", "α at each recorded step.", "step_size", "α", true)};
  return summary;
}

}  // namespace slicecheck
