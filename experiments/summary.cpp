#include "summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace slicecheck {

namespace {

std::vector<std::string> distinct(const std::vector<ArmResult>& results, std::string Arm::*field) {
  std::vector<std::string> out;
  for (const auto& result : results)
    if (std::find(out.begin(), out.end(), result.arm->*field) == out.end()) out.push_back(result.arm->*field);
  return out;
}

Json curves(const std::string& id, const std::string& title, const std::string& caption, const std::string& file, const std::string& y_label, bool log_y,
            Json panels) {
  return {{"kind", "curves"},   {"id", id},       {"title", title}, {"caption", caption},         {"file", file}, {"x", "step"}, {"x_label", "step"},
          {"y_label", y_label}, {"log_x", false}, {"log_y", log_y}, {"panels", std::move(panels)}};
}

}  // namespace

std::vector<std::string> targets_of(const std::vector<ArmResult>& results) { return distinct(results, &Arm::target); }
std::vector<std::string> variants_of(const std::vector<ArmResult>& results) { return distinct(results, &Arm::variant); }

Json column(const std::string& name, const std::string& header, const std::string& format) { return {{"name", name}, {"header", header}, {"format", format}}; }

Json column(const std::string& name, const std::string& header, const std::string& format, const std::string& low, const std::string& high) {
  return {{"name", name}, {"header", header}, {"format", format}, {"low", low}, {"high", high}};
}

std::string w2_sentence(const EvaluationSettings& evaluation) {
  return fmt::format("F is of batches of {}; W₂² is exact, between {} fresh points of each.", evaluation.objective.n, evaluation.w2_points);
}

std::string report_cell(const std::optional<double>& f) { return f ? fmt::format("{:.5f}", *f) : "–"; }

Json departure(const std::string& setting, const std::string& report, const std::string& theory, const std::string& here) {
  return {{"setting", setting}, {"report", report}, {"theory", theory}, {"here", here}};
}

void write_not_run(const ExperimentContext& context, const std::string& title, const std::string& description, const std::string& why) {
  const std::string name = context.folder.filename().string();
  std::cout << fmt::format("{}: {}\n", name, why);
  write_json(context.folder / "summary.json", {{"name", name},
                                               {"title", title},
                                               {"description", description},
                                               {"profile", context.profile},
                                               {"seed", context.seed},
                                               {"facts", {why}},
                                               {"departures", Json::array()},
                                               {"tables", Json::array()},
                                               {"figures", Json::array()}});
}

Json advice_entry(const std::string& question, const std::string& sentence, const std::vector<std::string>& evidence) {
  return {{"question", question}, {"sentence", sentence}, {"evidence", evidence}};
}

Json objective_figure(const std::vector<ArmResult>& results, const std::vector<std::pair<std::string, double>>& floors) {
  Json panels = Json::array();
  for (const std::string& target : targets_of(results)) {
    Json series = Json::array();
    for (const std::string& variant : variants_of(results))
      series.push_back(
          {{"label", variant}, {"y", "F"}, {"low", "F_low"}, {"high", "F_high"}, {"where", {{"target", target}, {"variant", variant}}}, {"style", "line"}});
    Json lines = Json::array();
    for (const auto& [name, floor] : floors)
      if (name == target) lines.push_back({{"y", floor}, {"label", "two batches of the target"}});
    panels.push_back({{"title", target}, {"series", std::move(series)}, {"lines", std::move(lines)}});
  }
  return curves(
      "objective", "F along the training",
      "F(u), the expected minibatch loss on fresh samples, with a 95 % t-interval over independent batches. The line is what two independent batches "
      "of the target of the panel's first training score; where another training aims at a bounded or finite version of it, the table has that floor.",
      "evaluations.csv", "F(u)", true, std::move(panels));
}

Json trajectory_figure(const std::vector<ArmResult>& results, const std::string& id, const std::string& title, const std::string& caption, const std::string& y,
                       const std::string& y_label, bool log_y) {
  Json panels = Json::array();
  for (const std::string& target : targets_of(results)) {
    Json series = Json::array();
    for (const std::string& variant : variants_of(results))
      series.push_back({{"label", variant}, {"y", y}, {"where", {{"target", target}, {"variant", variant}}}, {"style", "line"}});
    panels.push_back({{"title", target}, {"series", std::move(series)}});
  }
  return curves(id, title, caption, "trajectory.csv", y_label, log_y, std::move(panels));
}

}  // namespace slicecheck
