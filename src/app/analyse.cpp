/// slicecheck analyse.

#include <Eigen/Eigenvalues>
#include <cmath>
#include <iostream>

#include "commands.h"
#include "console.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/diagnosis/trajectory.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/torch/torch_info.h"
#include "summary.h"
#include "training_file.h"

namespace slicecheck::app {

namespace {

struct AnalyseOptions : TrainingOptions {
  std::vector<std::string> files;
  std::string training;
};

/// One recorded run and what was found of it.
struct Analysed {
  RecordedRun run;
  MovementSummary moved;
  std::optional<FlowComparison> flow;
  std::optional<TrajectoryJudgement> judged;
};

struct Gap {
  std::string first;
  std::string second;
  RunGap gap;
};

Json or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json analysed_json(const Analysed& a) {
  Json out{
      {"run", a.run.name}, {"records", a.run.times.size()}, {"parameters", a.run.u.cols()}, {"length", a.moved.length}, {"displacement", a.moved.displacement}};
  if (!a.flow) return out;
  const FlowComparison& c = *a.flow;
  constexpr const char* kNames[] = {"follows the flow", "another time scale", "noise-dominated", "does not follow the flow", "undecided"};
  out["verdict"] = kNames[static_cast<int>(a.judged->verdict)];
  out["answer"] = a.judged->answer;
  out["advice"] = a.judged->advice;
  out["factor"] = {{"value", or_null(c.factor.value)}, {"low", or_null(c.factor.interval.low)}, {"high", or_null(c.factor.interval.high)}};
  out["alignment"] = or_null(c.alignment);
  out["noise_per_time"] = or_null(c.noise_per_time);
  out["drift"] = or_null(c.drift);
  out["error"] = or_null(c.error);
  out["reference_error"] = or_null(c.reference_error);
  out["sampling_error"] = or_null(c.sampling_error);
  out["integration_error"] = or_null(c.integration_error);
  out["largest_gap"] = c.gap.largest;
  out["path_distance"] = or_null(c.gap.path_distance);
  out["path_distance_tail"] = c.gap.path_distance_tail;
  out["objective"] = {{"first", c.objective.front()}, {"last", c.objective.back()}};
  return out;
}

Json gap_json(const Gap& g) {
  return {{"first", g.first},
          {"second", g.second},
          {"horizon", g.gap.horizon},
          {"largest_gap", g.gap.largest},
          {"path_distance", or_null(g.gap.path_distance)},
          {"path_distance_tail", g.gap.path_distance_tail}};
}

std::string distance_text(const RunGap& gap) {
  if (std::isnan(gap.path_distance)) return fmt::format("largest gap {:.4g}; d_C needs a unit of time, and the runs share {:.3g}", gap.largest, gap.horizon);
  return fmt::format("d_C in [{:.4g}, {:.4g}], largest gap {:.4g}", gap.path_distance, gap.path_distance + gap.path_distance_tail, gap.largest);
}

std::vector<std::string> sentences(const std::vector<Analysed>& runs, const std::vector<Gap>& gaps) {
  std::vector<std::string> out;
  for (const Analysed& a : runs) {
    out.push_back(fmt::format("{}: {} records of {} parameters over a time of {:.4g}; the path is {:.4g} long and ends {:.4g} from its start; ‖u‖ ≤ {:.4g}.",
                              a.run.name, a.run.times.size(), a.run.u.cols(), a.run.times.back() - a.run.times.front(), a.moved.length, a.moved.displacement,
                              a.moved.farthest));
    if (!a.flow) continue;
    const FlowComparison& c = *a.flow;
    out.push_back(fmt::format(
        "{}: drift {:.4g} (root mean square distance of the flow from the start); noise picked up in a unit of time {:.4g} (root of the trace); run and "
        "one sampled reference: {}; F from {:.4g} to {:.4g}.",
        a.run.name, c.drift, std::sqrt(c.noise_per_time), distance_text(c.gap), c.objective.front(), c.objective.back()));
  }
  for (const Gap& gap : gaps) out.push_back(fmt::format("{} and {}: {}.", gap.first, gap.second, distance_text(gap.gap)));
  return out;
}

/// The first two principal coordinates of all records: a picture of u where it has more than two entries.
Points<double> plane_of(const std::vector<Analysed>& runs) {
  Index rows = 0;
  for (const Analysed& a : runs) rows += a.run.u.rows();
  Points<double> all(rows, runs.front().run.u.cols());
  Index at = 0;
  for (const Analysed& a : runs) {
    all.middleRows(at, a.run.u.rows()) = a.run.u;
    at += a.run.u.rows();
  }
  if (all.cols() <= 2) {
    Points<double> out = Points<double>::Zero(rows, 2);
    out.leftCols(all.cols()) = all;
    return out;
  }
  all.rowwise() -= all.colwise().mean().eval();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(Eigen::MatrixXd(all * all.transpose()));
  Points<double> out(rows, 2);
  for (Index k = 0; k < 2; ++k) {
    const Index j = rows - 1 - k;
    Eigen::VectorXd axis = solver.eigenvectors().col(j) * std::sqrt(std::max(0.0, solver.eigenvalues()[j]));
    Index largest = 0;
    axis.cwiseAbs().maxCoeff(&largest);
    out.col(k) = axis[largest] < 0.0 ? Eigen::VectorXd(-axis) : axis;
  }
  return out;
}

void write_summary(const std::vector<Analysed>& runs, const std::vector<Gap>& gaps, const std::string& description, const std::string& name, std::uint64_t seed,
                   const std::filesystem::path& folder) {
  CsvTable table({"run", "time", "x", "y", "norm", "distance", "travelled", "F"});
  const Points<double> plane = plane_of(runs);
  Index row = 0;
  bool compared = false;
  for (const Analysed& a : runs)
    for (std::size_t k = 0; k < a.run.times.size(); ++k, ++row) {
      const double nan = std::numeric_limits<double>::quiet_NaN();
      compared = compared || a.flow.has_value();
      table.add({a.run.name, a.run.times[k], plane(row, 0), plane(row, 1), a.run.u.row(static_cast<Index>(k)).norm(), a.flow ? a.flow->distance[k] : nan,
                 a.flow ? a.flow->travelled[k] : nan, a.flow ? a.flow->objective[k] : nan});
    }
  table.write(folder / "runs.csv");
  const auto curves = [&](const std::string& id, const std::string& title, const std::string& caption, const std::string& label,
                          const std::vector<std::string>& columns) {
    Json series = Json::array();
    for (const Analysed& a : runs)
      for (const std::string& column : columns)
        series.push_back(
            {{"label", columns.size() == 1 ? a.run.name : fmt::format("{}: {}", a.run.name, column == "distance" ? "run to flow" : "flow from its start")},
             {"y", column},
             {"where", {{"run", a.run.name}}},
             {"style", column == "travelled" ? "dashed" : "line"}});
    return Json{{"kind", "curves"},
                {"id", id},
                {"title", title},
                {"caption", caption},
                {"file", "runs.csv"},
                {"x", "time"},
                {"x_label", "time s"},
                {"y_label", label},
                {"log_x", false},
                {"log_y", false},
                {"panels", {{{"title", ""}, {"series", series}}}}};
  };
  Json scatter = Json::array();
  for (const Analysed& a : runs) scatter.push_back({{"label", a.run.name}, {"file", "runs.csv"}, {"x", "x"}, {"y", "y"}, {"where", {{"run", a.run.name}}}});
  Json summary{{"name", folder.filename().string()}, {"profile", "user"}, {"seed", seed}, {"title", "Recorded runs: " + name}, {"description", description}};
  std::string answer;
  for (const Analysed& a : runs)
    if (a.judged) answer += fmt::format("{}{}: {}", answer.empty() ? "" : " ", a.run.name, a.judged->answer);
  summary["answer"] = answer.empty() ? "Not compared with a flow: only the runs themselves are shown." : answer;
  summary["advice"] = Json::array();
  for (const Analysed& a : runs)
    if (a.judged) summary["advice"].push_back(advice_entry(fmt::format("What about {}?", a.run.name), a.judged->advice, {}));
  summary["facts"] = sentences(runs, gaps);
  summary["departures"] = Json::array();
  summary["tables"] = Json::array();
  summary["figures"] = Json::array();
  if (compared)
    summary["figures"].push_back(curves("distance", "Distance to the flow", "The flow starts where the run does. Noise of the reference is taken out.",
                                        "distance in u", {"distance", "travelled"}));
  if (compared) summary["figures"].push_back(curves("objective", "F along the runs", "Expected minibatch loss, by fresh batches.", "F", {"F"}));
  summary["figures"].push_back(curves("norm", "‖u‖", "As recorded.", "‖u‖", {"norm"}));
  summary["figures"].push_back({{"kind", "scatter"},
                                {"id", "plane"},
                                {"title", "The runs in the plane"},
                                {"caption", runs.front().run.u.cols() > 2 ? "First two principal coordinates of all records." : "The recorded coordinates."},
                                {"panels", {{{"title", ""}, {"series", scatter}}}},
                                {"columns", 1}});
  Json found = Json::array();
  for (const Analysed& a : runs) found.push_back(analysed_json(a));
  summary["runs"] = found;
  write_json(folder / "summary.json", summary);
}

void run_analyse(const AnalyseOptions& options, Program& program) {
  use_one_torch_thread();
  if (options.threads > 0) set_thread_count(options.threads);
  std::vector<Analysed> runs;
  for (const std::string& file : options.files) {
    Analysed a{read_recorded_run(file), {}, {}, {}};
    for (const Analysed& other : runs)
      if (other.run.name == a.run.name) reject("two runs have the name {}: give files of different names", a.run.name);
    a.moved = movement(a.run);
    runs.push_back(std::move(a));
  }
  std::vector<Gap> gaps;
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (std::size_t k = i + 1; k < runs.size(); ++k) gaps.push_back({runs[i].run.name, runs[k].run.name, gap_between(runs[i].run, runs[k].run)});
  std::string description = "No training file was given: the runs are shown, and compared with each other.";
  std::string name = runs.front().run.name;
  Json used = Json::object();
  std::uint64_t seed = options.seed.value_or(1);
  double tolerance = 0.0;
  if (options.training.empty() && (!options.assignments.empty() || options.seed)) reject("analyse: --set and --seed go with --training");
  if (!options.training.empty()) {
    const TrainingFile file = read_training_file(options.training, options);
    const TrainingDescription& t = file.training;
    seed = t.seed;
    name = t.name + "-" + name;
    used = file.settings.json();
    if (t.generator == nullptr)
      reject("{}: the generator {} exists in single precision only; the flow is computed in double", options.training, t.generator_single->name());
    tolerance = file.settings.number("analyse.tolerance");
    if (!(tolerance > 0.0 && tolerance < 1.0)) reject("{}: analyse.tolerance is {}; expected a number in (0, 1)", options.training, tolerance);
    const FlowComparisonSettings settings{t.practice.batch,
                                          file.settings.integer_at_least("analyse.batches", 1),
                                          file.settings.integer_at_least("analyse.directions", 1),
                                          file.settings.integer_at_least("analyse.substeps", 1),
                                          0.95,
                                          t.seed};
    const std::string besides = t.practice.scheme == "sgd"
                                    ? std::string()
                                    : fmt::format(" The training's scheme, {}, is no part of that flow: it has neither ball nor noise.", t.practice.scheme);
    description =
        fmt::format("Against the flow of F of {} ({} parameters), from {} to {}, batches of {}. A record that is a projection of u is shown, not compared.{}",
                    t.generator->name(), t.generator->parameters(), t.source->name(), t.target->name(), t.practice.batch, besides);
    if (!besides.empty() && !options.json) std::cout << besides.substr(1) << "\n\n";
    const CpuLoss<double> loss(2.0);
    ConsoleProgress progress;
    for (Analysed& a : runs) {
      if (a.run.u.cols() > t.generator->parameters())
        reject("{}: {} parameters a record; the generator {} has {}", a.run.name, a.run.u.cols(), t.generator->name(), t.generator->parameters());
      if (a.run.u.cols() < t.generator->parameters()) continue;  // a projection
      a.flow = compare_with_flow(a.run, *t.generator, loss, *t.source, *t.target, settings, progress);
      a.judged = judge_trajectory(*a.flow, tolerance);
      if (a.judged->verdict == TrajectoryVerdict::undecided) {
        if (program.exit_code == kHolds) program.exit_code = kInconclusive;
      } else if (a.judged->verdict != TrajectoryVerdict::follows) {
        program.exit_code = kRefuted;
      }
    }
  }
  if (!options.out.empty()) {
    const std::filesystem::path folder = std::filesystem::path(options.out) / "regime" / ("record-" + name);
    const auto lock = hold_folder(folder, "slicecheck analyse");
    Manifest manifest(program.command, "user", seed, thread_count());
    manifest.add_library("LibTorch", torch_version());
    manifest.set_settings(used);
    write_summary(runs, gaps, description, name, seed, folder);
    manifest.write(folder / "manifest.json", true);
  }
  if (options.json) {
    Json out{{"runs", Json::array()}, {"gaps", Json::array()}, {"seed", seed}};
    for (const Analysed& a : runs) out["runs"].push_back(analysed_json(a));
    for (const Gap& gap : gaps) out["gaps"].push_back(gap_json(gap));
    std::cout << out.dump(2) << "\n";
    return;
  }
  for (const Analysed& a : runs) {
    if (a.judged)
      std::cout << a.run.name << ": " << a.judged->answer << "\n" << a.judged->advice << "\n\n";
    else if (!options.training.empty())
      std::cout << a.run.name << ": a projection of u, not compared with the flow.\n\n";
  }
  for (const std::string& sentence : sentences(runs, gaps)) std::cout << "* " << sentence << "\n";
}

}  // namespace

void add_analyse_command(CLI::App& parser, Program& program) {
  auto options = std::make_shared<AnalyseOptions>();
  CLI::App* command = parser.add_subcommand(
      "analyse",
      "Recorded runs of somebody else's training (CSV rows: time, u_1, …, u_d) against the flow of the loss, and against each other. Exit code: 1 where a "
      "run does not follow the flow, 4 where that is undecided");
  command->add_option("RUN", options->files, "Recorded runs; several, of different step sizes say, are compared with each other")->required();
  command->add_option("--training", options->training,
                      "Training file (TOML) with the generator, the laws and the batch size; without it the runs are only shown");
  add_training_options(*command, *options, "regime/record-NAME", "The figures");
  command->callback([options, &program] { run_analyse(*options, program); });
}

}  // namespace slicecheck::app
