/// Tables, figures and the summary of experiment `transport-plane`.

#include <algorithm>
#include <cmath>

#include "plane.h"
#include "slicecheck/core/error.h"
#include "slicecheck/reporting/csv_table.h"
#include "transport_plane.h"

namespace slicecheck::oracle_plane {

namespace {

CsvTable::Cell cell(double value) { return std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()); }

void add(std::vector<CsvTable::Cell>& row, const MeanEstimate& estimate) {
  for (const double value : {estimate.mean, estimate.interval.low, estimate.interval.high}) row.push_back(cell(value));
}

MeanEstimate mean_of_column(const Points<double>& rows, Index column) {
  std::vector<double> values;
  for (Index r = 0; r < rows.rows(); ++r) values.push_back(rows(r, column));
  if (!rows.col(column).allFinite()) return {kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
  return mean_with_t_interval(values, kConfidence);
}

std::string divisor_text(Index divisor) { return divisor == 1 ? "1/L1" : fmt::format("1/({} L1)", divisor); }

/// final.csv has a row an arm; lambda.csv repeats that of SW_2² at every λ, so that it can be drawn beside the others.
void write_arms(const Design& design, const Results& results, const std::filesystem::path& folder) {
  CsvTable final({"bed", "loss",   "share",      "step",        "alpha", "edge",      "W2_start",   "W2",  "W2_low", "W2_high",
                  "SW2", "spread", "spread_low", "spread_high", "fresh", "fresh_low", "fresh_high", "gap", "sweeps", "diverged"});
  CsvTable lambda({"bed", "loss", "share", "W2", "W2_low", "W2_high", "spread", "spread_low", "spread_high"});
  CsvTable curves({"bed", "arm", "step", "W2", "W2_low", "W2_high"});
  CsvTable trials({"bed", "loss", "share", "multiple", "alpha", "W2", "kept"});
  for (std::size_t a = 0; a < design.arms.size(); ++a) {
    const Arm& arm = design.arms[a];
    const ArmResult& result = results.arms[a];
    const std::string& bed = design.beds[arm.bed].title;
    const MeanEstimate w2 = geometric_mean(result.values(kW2)), spread = mean_of_column(result.rows, kSpread);
    const std::string share = arm.loss == Loss::sliced ? "–" : fmt::format("{:g}", arm.share);
    std::vector<CsvTable::Cell> row{bed,
                                    loss_name(arm.loss),
                                    share,
                                    power_text(std::ldexp(1.0, static_cast<int>(result.multiple))),
                                    cell(geometric_mean(result.values(kAlpha)).mean),
                                    std::string(result.at_edge ? "yes" : "no"),
                                    cell(geometric_mean(result.values(kW2Start)).mean)};
    add(row, w2);
    row.push_back(cell(geometric_mean(result.values(kSlicedEnd)).mean));
    add(row, spread);
    add(row, geometric_mean(result.values(kFresh)));
    row.push_back(cell(largest_of(result.rows.col(kGap))));
    row.push_back(cell(result.rows.col(kSweeps).mean()));
    row.push_back(std::int64_t{result.diverged()});
    final.add(std::move(row));
    for (const double at : arm.loss == Loss::sliced ? design.shares : std::vector<double>{arm.share}) {
      std::vector<CsvTable::Cell> point{bed, loss_name(arm.loss), at};
      add(point, w2);
      add(point, spread);
      lambda.add(std::move(point));
    }
    for (std::size_t k = 0; k < design.looks.size(); ++k) {
      std::vector<CsvTable::Cell> point{bed, arm_name(arm), static_cast<std::int64_t>(design.looks[k])};
      add(point, geometric_mean(result.values(kCurve + static_cast<Index>(k))));
      curves.add(std::move(point));
    }
    for (std::size_t k = 0; k < design.multiples.size(); ++k)
      trials.add({bed, loss_name(arm.loss), share, power_text(std::ldexp(1.0, static_cast<int>(design.multiples[k]))),
                  cell(result.trials(static_cast<Index>(k), kAlpha)), cell(result.trials(static_cast<Index>(k), kW2)),
                  std::string(design.multiples[k] == result.multiple ? "kept" : "")});
  }
  final.write(folder / "final.csv");
  lambda.write(folder / "lambda.csv");
  curves.write(folder / "curves.csv");
  trials.write(folder / "trials.csv");
}

void write_theory(const Results& results, const std::filesystem::path& folder) {
  CsvTable line({"series", "lambda", "theta"});
  CsvTable ends({"lambda", "transport", "predicted", "sinkhorn", "W2_transport"});
  for (const LineResult& l : results.line) {
    line.add({std::string("trained on h_λ"), l.lambda, cell(l.transport)});
    line.add({std::string("trained on L_λ"), l.lambda, cell(l.sinkhorn)});
    ends.add({l.lambda, cell(l.transport), l.predicted_transport, cell(l.sinkhorn), cell(std::pow(std::abs(l.transport) - 1.0, 2))});
  }
  const double last = results.line.back().lambda;
  for (int k = 0; k <= 200; ++k) {
    const double lambda = results.line.front().lambda + (last - results.line.front().lambda) * static_cast<double>(k) / 200.0;
    double theta = lambda < 2.0 ? 1.0 : 0.0;
    for (int i = 0; i < 20000; ++i) theta = std::tanh(2.0 * theta / lambda);
    line.add({std::string("minimiser of h_λ"), lambda, theta});
  }
  line.write(folder / "line.csv");
  ends.write(folder / "line_ends.csv");
  CsvTable stationarity({"alpha", "T", "observed", "observed_low", "observed_high", "bound", "noise", "ratio"});
  for (const StationarityResult& s : results.stationarity)
    for (Index t = 0; t < s.observed.cols(); ++t) {
      std::vector<CsvTable::Cell> row{divisor_text(s.divisor), static_cast<std::int64_t>(s.horizons[static_cast<std::size_t>(t)])};
      add(row, mean_of_column(s.observed, t));
      for (const double value : {s.bound.col(t).mean(), s.noise.col(t).mean(), s.observed.col(t).mean() / s.bound.col(t).mean()}) row.push_back(cell(value));
      stationarity.add(std::move(row));
    }
  stationarity.write(folder / "stationarity.csv");
  CsvTable loose({"start", "tolerance", "stationarity", "stationarity_low", "stationarity_high", "bound", "reached", "ratio", "value", "sweeps"});
  for (const LooseResult& l : results.loose) {
    std::vector<double> values;
    for (Index r = 0; r < l.rows.rows(); ++r) values.push_back(l.rows(r, kLooseStationarity));
    std::vector<CsvTable::Cell> row{std::string(l.warm ? "warm" : "cold"), l.tolerance};
    add(row, geometric_mean(values));
    for (const double value : {l.rows.col(kLooseBound).mean(), largest_of(l.rows.col(kLooseReached)), largest_of(l.rows.col(kLooseRatio)),
                               l.rows.col(kLooseValue).mean(), l.rows.col(kLooseSweeps).mean()})
      row.push_back(cell(value));
    loose.add(std::move(row));
  }
  loose.write(folder / "loose.csv");
}

void add_samples(const Design& design, const Results& results, const ExperimentContext& context, Json& figures) {
  CsvTable samples({"bed", "series", "x", "y"});
  for (std::size_t b = 0; b < design.beds.size(); ++b) {
    const Bed& bed = design.beds[b];
    const auto put = [&](const std::string& name, const Points<double>& points) {
      for (Index k = 0; k < points.rows(); ++k) samples.add({bed.title, name, points(k, 0), points(k, 1)});
    };
    put("target", atoms_of(bed, design.atoms, context.seed, stream_replicate(bed.table, 0)).y);
    Json panels = Json::array();
    for (std::size_t a = 0; a < design.arms.size(); ++a) {
      const Arm& arm = design.arms[a];
      if (arm.bed != b || results.arms[a].rows(0, kDiverged) > 0.0) continue;
      Points<double> points(design.atoms, 2);
      for (Index k = 0; k < points.size(); ++k) points.data()[k] = results.arms[a].rows(0, kCurve + static_cast<Index>(design.looks.size()) + k);
      put(arm_name(arm), points);
      const auto series = [&](const std::string& label, const std::string& which) {
        return Json{{"label", label}, {"file", "samples.csv"}, {"x", "x"}, {"y", "y"}, {"where", {{"bed", bed.title}, {"series", which}}}};
      };
      panels.push_back({{"title", arm_name(arm)}, {"series", {series("target", "target"), series("generated", arm_name(arm))}}});
    }
    if (panels.empty()) continue;
    figures.push_back({{"kind", "scatter"},
                       {"id", "samples-" + slug(bed.title)},
                       {"title", fmt::format("Target and generated points: {}", bed.title)},
                       {"caption", "The first start: all atoms that were trained on. med C is the median of the squared distances between target points."},
                       {"columns", std::min<std::size_t>(design.shares.size(), 4)},
                       {"panels", std::move(panels)}});
  }
  samples.write(context.folder / "samples.csv");
}

/// A figure of the beds whose law is `law`; of all of them where it is empty.
Json lambda_figure(const Design& design, const std::string& law, const std::string& id, const std::string& title, const std::string& caption,
                   const std::string& y, const std::string& y_label, bool log_y, const Json& lines) {
  Json panels = Json::array();
  for (const Bed& bed : design.beds) {
    if (!law.empty() && bed.law != law) continue;
    Json series = Json::array();
    for (const Loss loss : {Loss::transport, Loss::sinkhorn, Loss::sliced})
      series.push_back({{"label", loss_name(loss)},
                        {"y", y},
                        {"low", y + "_low"},
                        {"high", y + "_high"},
                        {"where", {{"bed", bed.title}, {"loss", loss_name(loss)}}},
                        {"style", "line"}});
    panels.push_back({{"title", bed.title}, {"series", std::move(series)}, {"lines", lines}});
  }
  return {{"kind", "curves"},
          {"id", id},
          {"title", title},
          {"caption", caption},
          {"file", "lambda.csv"},
          {"x", "share"},
          {"x_label", "λ / median cost"},
          {"y_label", y_label},
          {"log_x", true},
          {"log_y", log_y},
          {"panels", std::move(panels)}};
}

Json curve_figure(const Design& design) {
  Json panels = Json::array();
  for (std::size_t b = 0; b < design.beds.size(); ++b) {
    Json series = Json::array();
    for (const Arm& arm : design.arms) {
      if (arm.bed != b || (arm.loss != Loss::sliced && arm.share != design.shares.front() && arm.share != design.shares.back())) continue;
      series.push_back({{"label", arm_name(arm)},
                        {"y", "W2"},
                        {"low", "W2_low"},
                        {"high", "W2_high"},
                        {"where", {{"bed", design.beds[b].title}, {"arm", arm_name(arm)}}},
                        {"style", "line"}});
    }
    panels.push_back({{"title", design.beds[b].title}, {"series", std::move(series)}});
  }
  return {{"kind", "curves"},
          {"id", "curves"},
          {"title", "Exact W_2² along the training"},
          {"caption", "Smallest and largest λ, and SW_2². Geometric mean over the starts with a 95 % t-interval of the logarithm."},
          {"file", "curves.csv"},
          {"x", "step"},
          {"x_label", "step"},
          {"y_label", "W_2²"},
          {"log_x", false},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

Json line_figure() {
  const auto series = [](const std::string& name, const std::string& style) {
    return Json{{"label", name}, {"y", "theta"}, {"where", {{"series", name}}}, {"style", style}};
  };
  return {{"kind", "curves"},
          {"id", "line"},
          {"title", "The line: x, y = ±1, T = θx, squared cost"},
          {"caption",
           "θ after training. The minimiser of h_λ is the root of θ = tanh(2θ/λ), from λ = 2 on 0, where all points are sent to one. The laws agree at θ = 1, "
           "the minimiser of L_λ (R13)."},
          {"file", "line.csv"},
          {"x", "lambda"},
          {"x_label", "λ"},
          {"y_label", "θ at the end"},
          {"log_x", false},
          {"log_y", false},
          {"panels",
           {{{"title", "θ at the end of training"},
             {"series", {series("minimiser of h_λ", "dashed"), series("trained on h_λ", "points"), series("trained on L_λ", "points")}}}}}};
}

Json stationarity_figure(const Results& results) {
  Json panels = Json::array();
  for (const StationarityResult& s : results.stationarity) {
    const std::string alpha = divisor_text(s.divisor);
    panels.push_back(
        {{"title", "α = " + alpha},
         {"series",
          {{{"label", "observed"}, {"y", "observed"}, {"low", "observed_low"}, {"high", "observed_high"}, {"where", {{"alpha", alpha}}}, {"style", "line"}},
           {{"label", "bound (R8, R9)"}, {"y", "bound"}, {"where", {{"alpha", alpha}}}, {"style", "dashed"}},
           {{"label", "its noise term"}, {"y", "noise"}, {"where", {{"alpha", alpha}}}, {"style", "dashed"}}}}});
  }
  return {{"kind", "curves"},
          {"id", "stationarity"},
          {"title", "Stationarity against T"},
          {"caption",
           "Minibatches, affine generator, two moons. Observed: mean over t < T of ‖∇h(θ_t)‖², ∇h by a tight oracle at every θ_t; mean over the starts, 95 % "
           "t-interval. Bound: 2 h(θ0)/(αT) + mean δ_t² + L1 α mean σ_t², with δ_t of R7 at the gap that was reached and σ_t² of R11 at θ_t."},
          {"file", "stationarity.csv"},
          {"x", "T"},
          {"x_label", "T"},
          {"y_label", "mean ‖∇h‖²"},
          {"log_x", true},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

Json loose_figure() {
  Json panels = Json::array();
  for (const std::string start : {"cold", "warm"})
    panels.push_back({{"title", start == "cold" ? "oracle from ψ = 0 at every step" : "oracle from the potentials of the step before"},
                      {"series",
                       {{{"label", "‖∇h‖² at the end"},
                         {"y", "stationarity"},
                         {"low", "stationarity_low"},
                         {"high", "stationarity_high"},
                         {"where", {{"start", start}}},
                         {"style", "line"}},
                        {{"label", "δ² of R7 at the gap reached"}, {"y", "bound"}, {"where", {{"start", start}}}, {"style", "dashed"}}}}});
  return {{"kind", "curves"},
          {"id", "loose"},
          {"title", "Stationarity against the oracle's ε"},
          {"caption",
           "Full gradients, affine generator, two moons, α = 1/L1, mean over the last quarter of the steps. Geometric mean over the starts with a 95 % "
           "t-interval of the "
           "logarithm. By R10 an oracle that stops at ε lets the mean of ‖∇h‖² stay at δ(ε)² at worst, beside a term that falls like 1/T."},
          {"file", "loose.csv"},
          {"x", "tolerance"},
          {"x_label", "ε/λ asked for"},
          {"y_label", "‖∇h‖²"},
          {"log_x", true},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

Json tables_json() {
  return {{{"id", "final"},
           {"title", "After training"},
           {"caption",
            "Geometric means over the starts with 95 % t-intervals of the logarithm, of the spread plain means. W_2² is exact, between the images of "
            "all atoms "
            "of x and all atoms of y; fresh: "
            "between images of new "
            "inputs and new targets. Spread: root mean square distance to the mean over that of the target. Step: multiple of the matched step 1/(2 κ "
            "λ_max(E "
            "JᵀJ)) at θ0, κ = 1 for "
            "h_λ, 2 for L_λ, 1/d for SW_2², kept by the lowest W_2² of its trials. At the edge: no smaller or no larger multiple was tried."},
           {"file", "final.csv"},
           {"columns",
            {column("bed", "target, generator", "s"), column("loss", "loss", "s"), column("share", "λ/med C", "s"), column("step", "step", "s"),
             column("edge", "at the edge", "s"), column("alpha", "α", ".2g"), column("W2", "W_2²", ".3g", "W2_low", "W2_high"),
             column("W2_start", "at θ0", ".3g"), column("SW2", "SW_2²", ".3g"), column("spread", "spread", ".3f", "spread_low", "spread_high"),
             column("fresh", "W_2², fresh", ".3g", "fresh_low", "fresh_high"), column("gap", "largest gap/λ", ".2g"),
             column("sweeps", "half-sweeps a step", ".1f"), column("diverged", "diverged", ".0f")}}},
          {{"id", "line"},
           {"title", "The line"},
           {"caption", "θ after training from the same start. Predicted: the minimiser of h_λ, from λ = 2 on the last step of θ ↦ tanh(2θ/λ)."},
           {"file", "line_ends.csv"},
           {"columns",
            {column("lambda", "λ", "g"), column("transport", "θ by h_λ", ".6f"), column("predicted", "predicted", ".6f"),
             column("W2_transport", "W_2² left by h_λ", ".3g"), column("sinkhorn", "θ by L_λ", ".6f")}}},
          {{"id", "loose"},
           {"title", "Loose oracles"},
           {"caption",
            "Full gradients at α = 1/L1. Bound: δ² of R7, mean over the last quarter of the steps. Error: largest ‖G − ∇h‖ over what R7 allows at the gap "
            "reached."},
           {"file", "loose.csv"},
           {"columns",
            {column("start", "oracle's start", "s"), column("tolerance", "ε/λ", "g"), column("reached", "largest gap/λ", ".2g"),
             column("stationarity", "‖∇h‖² at the end", ".3g", "stationarity_low", "stationarity_high"), column("bound", "bound", ".3g"),
             column("ratio", "error", ".3f"), column("value", "h at the end / start", ".4f"), column("sweeps", "half-sweeps a step", ".1f")}}},
          {{"id", "trials"},
           {"title", "Trials of step sizes"},
           {"caption", "One start of its own for each multiple of the matched step, the same multiples for every loss. No W_2²: diverged."},
           {"file", "trials.csv"},
           {"columns",
            {column("bed", "target, generator", "s"), column("loss", "loss", "s"), column("share", "λ/med C", "s"), column("multiple", "step", "s"),
             column("alpha", "α", ".2g"), column("W2", "W_2²", ".3g"), column("kept", "", "s")}}}};
}

}  // namespace

void write_summary(const Design& design, const Results& results, const ExperimentContext& context) {
  write_arms(design, results, context.folder);
  write_theory(results, context.folder);
  Json figures = Json::array();
  add_samples(design, results, context, figures);
  std::vector<std::string> laws;
  for (const Bed& bed : design.beds)
    if (std::find(laws.begin(), laws.end(), bed.law) == laws.end()) laws.push_back(bed.law);
  for (const std::string& law : laws)
    figures.push_back(lambda_figure(design, law, "lambda-" + law, fmt::format("Exact W_2² after training against λ: {}", law),
                                    "Geometric mean over the starts with a 95 % t-interval of the logarithm. SW_2² has no λ.", "W2", "W_2²", true,
                                    Json::array()));
  figures.push_back(lambda_figure(design, "", "spread", "Spread of the generated points over the target's",
                                  "Root mean square distance to the mean, 1 is right; mean over the starts with a 95 % t-interval.", "spread", "spread", false,
                                  Json::array({{{"y", 1.0}, {"label", ""}, {"legend", "as the target"}}})));
  figures.push_back(curve_figure(design));
  figures.push_back(line_figure());
  figures.push_back(stationarity_figure(results));
  figures.push_back(loose_figure());
  Index diverged = 0;
  for (const ArmResult& arm : results.arms) diverged += arm.diverged();
  std::vector<std::string> facts;
  facts.push_back(
      fmt::format("{} arms, {} trials of {} steps each, then {} starts; {} trainings diverged (an image more than {:g} times farther out than the target).",
                  design.arms.size(), design.multiples.size(), design.steps, design.replicates, diverged, kFar));
  facts.push_back(fmt::format("{} of {} kept steps lie at the edge of the grid of step sizes.", steps_at_edge(results), results.arms.size()));
  if (design.defect != Defect::none) facts.push_back(fmt::format("A mistake was planted: {}.", context.settings.word("defect")));
  const Json summary{{"name", context.folder.filename().string()},
                     {"title", "Regularised transport in the plane"},
                     {"description", fmt::format("Finite samples of {} points each. Oracle SGD (report 003, Algorithms 1 and 2) descends h_λ = d(G, "
                                                 "Y) and the "
                                                 "Sinkhorn loss L_λ = 2 d(G, Y) − d(G, G) − "
                                                 "d(Y, Y) for the KL regulariser and the squared cost, λ in units of the median cost between target points, "
                                                 "full gradients, oracles with warm starts that stop at a "
                                                 "certified gap of {:g} λ; beside them SW_2² with {} fresh directions a step. Steps are matched: with "
                                                 "its plan "
                                                 "held fixed each loss has a known curvature in the "
                                                 "images, and the steps are the same multiples of its inverse. Starts and atoms are the same for all losses.",
                                                 design.atoms, design.tolerance_share, design.directions)},
                     {"profile", context.profile},
                     {"seed", context.seed},
                     {"advice", advice_of(design, results)},
                     {"verdicts", verdicts_json(verdicts_of(design, results))},
                     {"facts", facts},
                     {"departures",
                      {departure("objective of Algorithm 2", "∇d̄ by the plan", "only ∇d has the plan's formula (R4, R12)", "d throughout"),
                       departure("oracle", "a neural network, gap unknown", "gap ≤ ε", "certified gap, recorded at every step"),
                       departure("L1", "L = L1 + L0²/λ", "L1 alone bounds the step (R9)", "α = 1/L1 and smaller")}},
                     {"tables", tables_json()},
                     {"figures", std::move(figures)}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace slicecheck::oracle_plane
