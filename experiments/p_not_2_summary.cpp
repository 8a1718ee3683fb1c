/// Figures and the summary of experiment `p-not-2`.

#include <algorithm>
#include <cmath>

#include "p_not_2.h"
#include "plane.h"
#include "slicecheck/core/error.h"
#include "slicecheck/measures/idx_images.h"
#include "slicecheck/reporting/csv_table.h"

namespace slicecheck::exponents {

namespace {

/// The shown points of the first SGD training of each exponent beside the target.
void add_samples(const Design& design, const std::vector<TestbedResults>& results, const ExperimentContext& context, Json& figures) {
  CsvTable samples({"testbed", "series", "x", "y"});
  Json scatter = Json::array();
  for (std::size_t b = 0; b < results.size(); ++b) {
    const Testbed& bed = design.testbeds[b];
    Json grids = Json::array();
    const Index columns = std::max<Index>(1, static_cast<Index>(std::sqrt(static_cast<double>(bed.figure_points))));
    const auto show = [&](const std::string& title, const std::string& name, const Points<float>& points) {
      if (bed.side > 0) {
        const std::string file = fmt::format("samples-{}-{}.idx", bed.id, slug(name));
        write_idx_images(context.folder / file, images_from_points<float>(points, bed.side, bed.side));
        grids.push_back({{"title", title}, {"file", file}, {"grid", {bed.figure_points / columns, columns}}});
        return;
      }
      for (Index k = 0; k < points.rows(); ++k) samples.add({bed.title, name, static_cast<double>(points(k, 0)), static_cast<double>(points(k, 1))});
      const auto series = [&](const std::string& label, const std::string& which) {
        return Json{{"label", label}, {"file", "samples.csv"}, {"x", "x"}, {"y", "y"}, {"where", {{"testbed", bed.title}, {"series", which}}}};
      };
      if (name != "target")
        scatter.push_back({{"title", fmt::format("{}: {}", bed.title, title)}, {"series", {series("target", "target"), series("generated", name)}}});
    };
    show(bed.title, "target", bed.target->sample<float>({context.seed, Purpose::figure, 1, 0}, bed.figure_points));
    for (const Measured& m : results[b].finals) {
      if (m.noised || m.rows(0, kDiverged) > 0.0) continue;
      Points<float> points(bed.figure_points, bed.target->dimension());
      for (Index k = 0; k < points.size(); ++k) points.data()[k] = static_cast<float>(m.rows(0, row_width(bed, false) + k));
      show(p_name(m.p), p_name(m.p), points);
    }
    if (bed.side > 0)
      figures.push_back({{"kind", "images"},
                         {"id", "images-" + bed.id},
                         {"title", fmt::format("{}: real and generated images", bed.title)},
                         {"caption", "SGD, the first start, the same inputs for every p. Fresh draws, not chosen."},
                         {"columns", 3},
                         {"panels", std::move(grids)}});
  }
  if (scatter.empty()) return;
  samples.write(context.folder / "samples.csv");
  figures.push_back({{"kind", "scatter"},
                     {"id", "samples"},
                     {"title", "Target and generated points"},
                     {"caption", "SGD, the first start, the same inputs for every p."},
                     {"columns", std::min<std::size_t>(4, design.exponents.size())},
                     {"panels", std::move(scatter)}});
}

Json curve_figure(const Design& design, const std::vector<TestbedResults>& results, Yardstick what, const std::string& id, const std::string& title,
                  const std::string& y, const std::string& y_label) {
  Json panels = Json::array();
  for (std::size_t b = 0; b < results.size(); ++b)
    for (const std::string scheme : {"SGD", "NPSGD"}) {
      Json series = Json::array();
      for (const double p : design.exponents)
        series.push_back({{"label", p_name(p)},
                          {"y", y},
                          {"low", y + "_low"},
                          {"high", y + "_high"},
                          {"where", {{"testbed", design.testbeds[b].title}, {"scheme", scheme}, {"p", number_text(p)}}},
                          {"style", "line"}});
      panels.push_back({{"title", fmt::format("{}, {}", design.testbeds[b].title, scheme)},
                        {"series", std::move(series)},
                        {"lines", {{{"y", floor_of(results[b].floors, what, 0)}, {"label", ""}, {"legend", "two samples of the target"}}}}});
    }
  return {{"kind", "curves"},
          {"id", id},
          {"title", title},
          {"caption",
           "Geometric mean over the starts with a 95 % t-interval of the logarithm; each p at the step size that its trials kept. Starts, batches and "
           "directions are the same for every p."},
          {"file", "curves.csv"},
          {"x", "step"},
          {"x_label", "step"},
          {"y_label", y_label},
          {"log_x", true},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

Json trial_figure(const Design& design) {
  Json panels = Json::array();
  for (const Testbed& bed : design.testbeds) {
    Json series = Json::array();
    for (const double p : design.exponents)
      series.push_back({{"label", p_name(p)}, {"y", "F"}, {"where", {{"testbed", bed.title}, {"p", number_text(p)}}}, {"style", "line"}});
    panels.push_back({{"title", fmt::format("{}, {} steps", bed.title, bed.steps)}, {"series", std::move(series)}});
  }
  return {{"kind", "curves"},
          {"id", "trials"},
          {"title", "Trials: F at the end against the step size"},
          {"caption",
           "SGD. The step size in the common unit: the share of SW_2² that the first step takes off, to first order. A training that diverged has no point."},
          {"file", "trials.csv"},
          {"x", "share"},
          {"x_label", "share of the first step"},
          {"y_label", "F = SW_2² at the end"},
          {"log_x", true},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

/// Of one testbed: their step sizes differ.
Json hover_figure(const Design& design, const std::vector<Hover>& hover, const std::string& id, const std::string& name) {
  Json series = Json::array(), lines = Json::array();
  for (const double p : design.exponents)
    series.push_back({{"label", p_name(p)},
                      {"y", "level"},
                      {"low", "level_low"},
                      {"high", "level_high"},
                      {"where", {{"testbed", name}, {"p", number_text(p)}}},
                      {"style", "line"}});
  for (const Hover& h : hover) {
    if (h.testbed != name || !(h.p < 2.0)) continue;
    std::vector<double> first;
    for (Index r = 0; r < h.levels.rows(); ++r) first.push_back(h.levels(r, 0));
    const double level = geometric_mean(first).mean;
    if (std::isfinite(level))
      lines.push_back({{"slope", 1.0 / (2.0 - h.p)}, {"through", {h.alphas.front(), level}}, {"legend", "predicted: α to the power 1/(2 − p)"}});
  }
  Json panels = Json::array({{{"title", name}, {"series", std::move(series)}, {"lines", std::move(lines)}}});
  return {
      {"kind", "curves"},
      {"id", id},
      {"title", fmt::format("Where a constant step ends, near a point without gaps: {}", name)},
      {"caption",
       "Root mean square distance over the last half of the steps. Shift: T(u, x) = x + u and Y = X, distance ‖u‖. Network: Y = T(u*, X) of the same network "
       "with the same X, distance √SW_2² to Y. The gradient of |gap|^p does not fade at p = 1, and fades more slowly than the gap for 1 < p < 2."},
      {"file", "hover.csv"},
      {"x", "alpha"},
      {"x_label", "α"},
      {"y_label", "distance"},
      {"log_x", true},
      {"log_y", true},
      {"panels", std::move(panels)}};
}

std::vector<std::string> facts_of(const Design& design, const std::vector<TestbedResults>& results) {
  std::vector<std::string> out = design.not_run;
  for (std::size_t b = 0; b < results.size(); ++b) {
    const Testbed& bed = design.testbeds[b];
    const TestbedResults& r = results[b];
    const auto one = [](const std::vector<std::string>& all) {
      return std::all_of(all.begin(), all.end(), [&](const std::string& s) { return s == all.front(); });
    };
    out.push_back(fmt::format(
        "{}: {} ({} parameters), batches of {}, {} directions a step, {} steps. u₀ of the first start has the hash {} in {}, its first batch {} in {}.",
        bed.title, bed.generator->name(), bed.generator->parameters(), bed.batch, bed.directions, bed.steps, r.u0_hashes.front(),
        one(r.u0_hashes) ? "all trainings" : "SOME TRAININGS ONLY", r.batch_hashes.front(), one(r.batch_hashes) ? "all" : "SOME ONLY"));
    Index trials = 0, diverged = 0, lost = 0;
    for (const Measured& m : r.trials) {
      trials += m.rows.rows();
      diverged += m.diverged();
    }
    for (const Measured& m : r.finals) lost += m.diverged();
    out.push_back(
        fmt::format("{}: {} trials of {} steps by SGD, {} for each p, of which {} diverged; then {} trainings from {} other starts, of which {} diverged.",
                    bed.title, trials, bed.steps, static_cast<std::size_t>(trials) / design.exponents.size(), diverged,
                    static_cast<Index>(r.finals.size()) * bed.replicates, bed.replicates, lost));
    std::vector<std::string> edges, norms;
    for (std::size_t e = 0; e < design.exponents.size(); ++e) {
      if (r.at_edge[e]) edges.push_back(number_text(design.exponents[e]));
      norms.push_back(fmt::format("{:.3g} (p = {})", r.scales[e].gradient_norm, number_text(design.exponents[e])));
    }
    out.push_back(fmt::format("{}: ‖φ_p‖ at the first start of the trials: {}. {}", bed.title, fmt::join(norms, ", "),
                              edges.empty() ? std::string("No step size that was kept is at the edge of those tried.")
                                            : fmt::format("At the edge of the step sizes tried: p = {}.", fmt::join(edges, ", "))));
  }
  return out;
}

}  // namespace

void write_summary(const Design& design, const std::vector<TestbedResults>& results, const std::vector<Hover>& hover, const ExperimentContext& context) {
  write_tables(design, results, hover, context.folder);
  Json figures{curve_figure(design, results, Yardstick::f, "objective", "SW_2² along the training", "F", "F = SW_2²"),
               curve_figure(design, results, Yardstick::w2, "distance", "Exact W_2² along the training", "W2", "W_2²"), trial_figure(design),
               hover_figure(design, hover, "hover-shift", "shift"), hover_figure(design, hover, "hover-network", "network and its copy")};
  add_samples(design, results, context, figures);
  const Json summary{
      {"name", context.folder.filename().string()},
      {"title", "SW_p for p other than 2"},
      {"description",
       "Report 002 leaves SW_p for p ≠ 2 open. Here SW_p^p is the training loss for several p, each by SGD and by NPSGD with a constant step, a finite source "
       "and "
       "fresh batches, from the same u₀ with the same batches and directions. Step sizes are compared at equal decrease: α of share s takes s·SW_2² off SW_2² "
       "in the "
       "first step, to first order, whatever p; the same shares are tried for every p, and the one with the lowest SW_2² at the end of the trials is kept. All "
       "p are "
       "then measured by common yardsticks, SW_2² on fresh batches and exact W_2² on fresh samples, and by their own loss."},
      {"profile", context.profile},
      {"seed", context.seed},
      {"advice", advice_of(design, results, hover)},
      {"facts", facts_of(design, results)},
      {"departures",
       {departure("loss", "SW_1 in the code, SW_2 in the text", "SW_2² (T1)", "SW_p^p, as named"),
        departure("network", "a critic's features", "no critic", "no critic: SW_p^p of the samples"),
        departure("step size", "one for all losses", "constant; α → 0 only between runs", "constant; found for each p by the same number of trials"),
        departure("directions a step", "30", "one θ a step", "as the settings say, the same for every p")}},
      {"tables", tables_json(design)},
      {"figures", std::move(figures)}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace slicecheck::exponents
