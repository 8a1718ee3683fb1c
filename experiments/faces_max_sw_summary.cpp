/// Tables, figures and the summary of experiment `faces-max-sw`.

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "faces_max_sw.h"
#include "plane.h"
#include "slicecheck/measures/image_folder.h"
#include "slicecheck/reporting/csv_table.h"

namespace slicecheck::faces {

namespace {

CsvTable::Cell cell(double value) { return std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()); }
void add(std::vector<CsvTable::Cell>& row, const MeanEstimate& estimate) {
  for (const double value : {estimate.mean, estimate.interval.low, estimate.interval.high}) row.push_back(cell(value));
}

std::string loss_name(const Design& d, const Measured& m) { return d.losses[m.arm.loss].objective.name(); }

std::string diverged_text(const Measured& m) {
  if (m.diverged() == 0) return "none";
  double first = std::numeric_limits<double>::infinity();
  for (const double step : m.values(kDivergedAt))
    if (std::isfinite(step)) first = std::min(first, step);
  return fmt::format("{} of {}, first at step {}", m.diverged(), m.rows.rows(), first);
}

void write_final(const Design& d, const std::vector<Measured>& results, const Floor& floor, const std::filesystem::path& folder) {
  CsvTable table({"loss",           "optimiser", "step_size",  "share",       "radius",       "alpha",        "W2",
                  "W2_low",         "W2_high",   "floor_W2",   "mean_W2",     "variance",     "variance_low", "variance_high",
                  "variance_real",  "max_sw",    "max_sw_low", "max_sw_high", "floor_max_sw", "mean_max_sw",  "sw",
                  "sw_low",         "sw_high",   "floor_sw",   "mean_sw",     "over_best",    "gradient",     "largest_gradient",
                  "first_gradient", "active",    "moved",      "diverged"});
  for (const Measured& m : results) {
    const Loss& loss = d.losses[m.arm.loss];
    const double w2 = geometric_mean(m.values(kW2)).mean;
    std::vector<CsvTable::Cell> row{loss_name(d, m), m.arm.optimiser(), m.arm.step(), m.arm.adam ? std::string("none") : power_text(m.arm.share),
                                    m.arm.radius,    m.arm.alpha};
    add(row, geometric_mean(m.values(kW2)));
    row.push_back(cell(floor.halves.w2));
    row.push_back(cell(floor.mean_image.w2));
    add(row, geometric_mean(m.values(kVariance)));
    row.push_back(cell(floor.halves.variance));
    add(row, geometric_mean(m.values(kMaxSw)));
    row.push_back(cell(floor.halves.max_sw));
    row.push_back(cell(floor.mean_image.max_sw));
    add(row, geometric_mean(m.values(kSw)));
    row.push_back(cell(floor.halves.sw));
    row.push_back(cell(floor.mean_image.sw));
    row.push_back(cell(w2 / geometric_mean(m.values(kBestW2)).mean));
    row.push_back(cell(geometric_mean(m.values(kGradient)).mean));
    row.push_back(cell(geometric_mean(m.values(kLargest)).mean));
    row.push_back(cell(loss.gradient));
    if (m.arm.radius > 0.0)
      row.emplace_back(m.diverged() > 0 ? std::string() : fmt::format("{:.0f} %", 100.0 * mean_with_t_interval(m.values(kActive), kConfidence).mean));
    else
      row.emplace_back(std::string("no ball"));
    row.push_back(cell(geometric_mean(m.values(kMoved)).mean));
    row.emplace_back(diverged_text(m));
    table.add(row);
  }
  table.write(folder / "final.csv");
}

void write_curves(const Design& d, const std::vector<Measured>& results, const std::filesystem::path& folder) {
  CsvTable table({"loss", "optimiser", "step_size", "step", "W2", "W2_low", "W2_high", "sw", "variance"});
  for (const Measured& m : results)
    for (std::size_t look = 0; look < d.looks.size(); ++look) {
      const Index column = kCurves + kCurveValues * static_cast<Index>(look);
      const MeanEstimate w2 = geometric_mean(m.values(column));
      std::vector<CsvTable::Cell> row{loss_name(d, m), m.arm.optimiser(), m.arm.step(), static_cast<std::int64_t>(d.looks[look])};
      for (const double value :
           {w2.mean, w2.interval.low, w2.interval.high, geometric_mean(m.values(column + 1)).mean, geometric_mean(m.values(column + 2)).mean})
        row.emplace_back(std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()));
      table.add(row);
    }
  table.write(folder / "curves.csv");
}

void write_trainings(const Design& d, const std::vector<Measured>& results, const std::filesystem::path& folder) {
  CsvTable table({"loss", "optimiser", "step_size", "replicate", "hash", "W2", "variance", "max_sw", "sw", "best_W2", "gradient", "largest_gradient", "active",
                  "moved", "diverged_at"});
  for (const Measured& m : results)
    for (Index r = 0; r < m.rows.rows(); ++r) {
      std::vector<CsvTable::Cell> row{loss_name(d, m), m.arm.optimiser(), m.arm.step(), std::int64_t{r}, m.hashes[static_cast<std::size_t>(r)]};
      for (const Index column : {kW2, kVariance, kMaxSw, kSw, kBestW2, kGradient, kLargest, kActive, kMoved, kDivergedAt})
        row.push_back(cell(m.rows(r, column)));
      table.add(row);
    }
  table.write(folder / "trainings.csv");
}

/// Images of the law's shape as grey ones: of colour the luma.
IdxImages grey(const Design& d, const Points<float>& points) {
  const IdxImages images = images_from_points<float>(points, d.height, d.width);
  return d.colour ? luma_of_planes(images) : images;
}

/// Real images, and a row of generated ones for each loss.
void add_image_figures(const Design& d, const std::vector<Measured>& results, const ExperimentContext& context, Json& figures) {
  const Index side = context.settings.integer_at_least("figure_side", 1);
  Json panels = Json::array();
  const auto show = [&](const std::string& title, const std::string& name, const Points<float>& points) {
    const std::string file = fmt::format("images-{}.idx", name);
    write_idx_images(context.folder / file, grey(d, points));
    panels.push_back({{"title", title}, {"file", file}, {"grid", {side, side}}});
  };
  show("drawn from the folder", "real", d.images->sample<float>({context.seed, Purpose::figure, 1, 0}, d.shown));
  figures.push_back({{"kind", "images"}, {"id", "real"}, {"title", "Real images"}, {"caption", "Not chosen."}, {"columns", 1}, {"panels", panels}});
  panels = Json::array();
  for (std::size_t loss = 0; loss < d.losses.size(); ++loss)
    for (const std::string kind : {"without", "ball", "adam"}) {
      const Measured* best = nullptr;
      double lowest = std::numeric_limits<double>::infinity();
      for (const Measured& m : results) {
        const bool fits = m.arm.loss == loss && (kind == "adam" ? m.arm.adam : !m.arm.adam && (m.arm.radius > 0.0) == (kind == "ball"));
        const double w2 = fits && m.shown.size() > 0 ? geometric_mean(m.values(kW2)).mean : kNoNumber;
        if (!(w2 < lowest)) continue;
        lowest = w2;
        best = &m;
      }
      if (best == nullptr) continue;
      const std::string step = best->arm.adam ? "" : fmt::format(", {}", best->arm.step());
      show(fmt::format("{}: {}{}", d.losses[loss].objective.name(), best->arm.optimiser(), step), slug(d.losses[loss].id + " " + kind), best->shown);
    }
  figures.push_back(
      {{"kind", "images"},
       {"id", "images"},
       {"title", "Generated images"},
       {"caption", fmt::format("The first start, the same inputs everywhere; not chosen. Of SGD without and with a ball the step and radius with the lowest "
                               "W_2² over the starts.{}",
                               d.colour ? " Colour is shown as luma." : "")},
       {"columns", 3},
       {"panels", std::move(panels)}});
}

std::vector<std::string> steps_of(const std::vector<Measured>& results) {
  std::vector<std::string> out;
  for (const Measured& m : results)
    if (!m.arm.adam && std::find(out.begin(), out.end(), m.arm.step()) == out.end()) out.push_back(m.arm.step());
  return out;
}

Json curve_figure(const Design& d, const std::vector<Measured>& results, const Floor& floor) {
  Json panels = Json::array();
  for (std::size_t loss = 0; loss < d.losses.size(); ++loss)
    for (const std::string& step : steps_of(results)) {
      Json series = Json::array();
      for (const Measured& m : results)
        if (m.arm.loss == loss && (m.arm.adam || m.arm.step() == step))
          series.push_back({{"label", m.arm.optimiser()},
                            {"y", "W2"},
                            {"where", {{"loss", loss_name(d, m)}, {"optimiser", m.arm.optimiser()}, {"step_size", m.arm.step()}}},
                            {"style", m.arm.adam ? "dashed" : "line"}});
      panels.push_back({{"title", fmt::format("{}, {}", d.losses[loss].objective.name(), step)},
                        {"series", std::move(series)},
                        {"lines",
                         {{{"y", floor.halves.w2}, {"label", "two halves"}, {"legend", "two halves of the images, and the mean image"}},
                          {{"y", floor.mean_image.w2}, {"label", "mean image"}, {"legend", "two halves of the images, and the mean image"}}}}});
    }
  return {
      {"kind", "curves"},
      {"id", "curves"},
      {"title", "Exact W_2² along the training"},
      {"caption",
       "Geometric mean over the starts; a curve ends where one of them is not finite. The share is that of an SGD step; Adam has one step size and is the "
       "same in all panels of a loss. Where the mean image scores less than two halves of the images do, a W_2² that falls below both is no proof of better "
       "images: see the total variance in the table."},
      {"file", "curves.csv"},
      {"x", "step"},
      {"x_label", "step"},
      {"y_label", "W_2²"},
      {"log_x", false},
      {"log_y", true},
      {"panels", std::move(panels)}};
}

Json radius_figure(const Design& d, const std::vector<Measured>& results) {
  Json panels = Json::array();
  for (std::size_t loss = 0; loss < d.losses.size(); ++loss) {
    Json series = Json::array(), lines = Json::array();
    for (const Measured& m : results) {
      if (m.arm.loss != loss || m.arm.adam) continue;
      const double w2 = geometric_mean(m.values(kW2)).mean;
      if (m.arm.radius == 0.0 && std::isfinite(w2)) lines.push_back({{"y", w2}, {"label", m.arm.step()}, {"legend", "without a ball"}});
    }
    for (const std::string& step : steps_of(results))
      series.push_back({{"label", step},
                        {"y", "W2"},
                        {"low", "W2_low"},
                        {"high", "W2_high"},
                        {"where", {{"loss", d.losses[loss].objective.name()}, {"step_size", step}, {"ball", "yes"}}},
                        {"style", "line"}});
    panels.push_back({{"title", d.losses[loss].objective.name()}, {"series", std::move(series)}, {"lines", std::move(lines)}});
  }
  return {{"kind", "curves"},
          {"id", "radius"},
          {"title", "W_2² at the end against the radius of the gradient's ball"},
          {"caption",
           "SGD. Radius in units of the first gradient. Geometric mean over the starts with a 95 % t-interval of the logarithm; nothing where one diverged."},
          {"file", "radius.csv"},
          {"x", "radius"},
          {"x_label", "radius"},
          {"y_label", "W_2²"},
          {"log_x", true},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

void write_radius(const Design& d, const std::vector<Measured>& results, const std::filesystem::path& folder) {
  CsvTable table({"loss", "step_size", "ball", "radius", "W2", "W2_low", "W2_high"});
  for (const Measured& m : results) {
    if (m.arm.adam) continue;
    const MeanEstimate w2 = geometric_mean(m.values(kW2));
    std::vector<CsvTable::Cell> row{loss_name(d, m), m.arm.step(), std::string(m.arm.radius > 0.0 ? "yes" : "no"), m.arm.radius};
    for (const double value : {w2.mean, w2.interval.low, w2.interval.high})
      row.emplace_back(std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()));
    table.add(row);
  }
  table.write(folder / "radius.csv");
}

std::vector<std::string> facts_of(const Design& d, const std::vector<Measured>& results, const Floor& floor) {
  std::vector<std::string> out;
  out.push_back(
      fmt::format("{} images of {}, {} × {}{}, as points of dimension {}. {} ({} parameters), critic {} ({} parameters); batches of {}, {} steps, {} starts.",
                  d.count, d.folder, d.colour ? d.height / 3 : d.height, d.width, d.colour ? " in three planes" : "", d.images->dimension(),
                  d.generator->name(), d.generator->parameters(), d.critic->name(), d.critic->parameters(), d.batch, d.steps, d.replicates));
  if (d.folder != "data:celeba" && d.folder.find("celeba") == std::string::npos)
    out.emplace_back("CelebA itself: not run. Its name stands in report 002; these are other images, and nothing here says what holds on it.");
  out.push_back(fmt::format(
      "Yardsticks between {0} images and {0} others: two disjoint halves of the images have W_2² {1:.4g}, SW_2² {2:.3g}, max-SW_2² at least {3:.3g}; the mean "
      "image, {0} times, W_2² {4:.4g}, SW_2² {5:.3g}, max-SW_2² at least {6:.3g}. The images' total variance is {7:.3g}, that of the mean image 0. {8}",
      d.points(), floor.halves.w2, floor.halves.sw, floor.halves.max_sw, floor.mean_image.w2, floor.mean_image.sw, floor.mean_image.max_sw,
      floor.halves.variance,
      floor.mean_image.w2 < floor.halves.w2
          ? "By W_2² the mean image is better than other real images: with so few points in so many dimensions W_2² rewards shrinking to the mean."
          : "By W_2² the mean image is no better than other real images."));
  std::vector<std::string> units;
  for (const Loss& loss : d.losses) units.push_back(fmt::format("{}: ‖φ‖ = {:.3g}, share 1 is α = {:.3g}", loss.objective.name(), loss.gradient, loss.unit));
  out.push_back(fmt::format("At the first start, {}.", fmt::join(units, "; ")));
  std::vector<std::string> hashes;
  for (Index r = 0; r < d.replicates; ++r) {
    const std::string& first = results.front().hashes[static_cast<std::size_t>(r)];
    const bool same = std::all_of(results.begin(), results.end(), [&](const Measured& m) { return m.hashes[static_cast<std::size_t>(r)] == first; });
    hashes.push_back(fmt::format("{} in {}", first, same ? "all trainings" : "SOME TRAININGS ONLY"));
  }
  out.push_back(fmt::format("u₀ and v₀ of the starts have the hashes {}.", fmt::join(hashes, ", ")));
  Index diverged = 0, all = 0;
  for (const Measured& m : results) {
    diverged += m.diverged();
    all += m.rows.rows();
  }
  out.push_back(fmt::format("{} of {} trainings diverged (a loss or an image not finite).", diverged, all));
  return out;
}

Json tables_json(const Design& d) {
  return {
      {{"id", "final"},
       {"title", "After training"},
       {"caption", fmt::format("Geometric means over {} starts, 95 % t-interval of the logarithm. W_2²: exact, between {} images and as many generated "
                               "ones, mean over two disjoint halves; beside it what the two halves have between them, and the mean image of one against the "
                               "other. Variance: Σ‖z − z̄‖²/(n − 1) of generated images, and of real ones; a W_2² below that of the mean image at a lower "
                               "variance is shrinking. max-SW_2²: from below, by the ascent. Share: what "
                               "the first step takes off the loss, to first order. Ball: φ ↦ φ·min(1, radius/‖φ‖), radius in units of ‖φ‖ at the first "
                               "start; active where ‖φ‖ was larger. Over its best: "
                               "W_2² at the end over the lowest of the run.",
                               d.replicates, d.points())},
       {"file", "final.csv"},
       {"columns",
        {column("loss", "loss", "s"), column("step_size", "step", "s"), column("optimiser", "optimiser", "s"), column("W2", "W_2²", ".4g", "W2_low", "W2_high"),
         column("floor_W2", "two halves", ".3g"), column("mean_W2", "mean image", ".3g"),
         column("variance", "variance", ".3g", "variance_low", "variance_high"), column("variance_real", "of real images", ".3g"),
         column("max_sw", "max-SW_2² ≥", ".3g", "max_sw_low", "max_sw_high"), column("sw", "SW_2²", ".3g", "sw_low", "sw_high"),
         column("floor_sw", "two halves", ".3g"), column("over_best", "over its best", ".3g"), column("gradient", "mean ‖φ‖", ".3g"),
         column("largest_gradient", "largest", ".3g"), column("active", "ball active", "s"), column("moved", "‖u − u₀‖", ".3g"),
         column("diverged", "diverged", "s")}}}};
}

}  // namespace

MeanEstimate geometric_mean(const std::vector<double>& values) {
  std::vector<double> logs;
  for (const double value : values) {
    if (!std::isfinite(value) || !(value > 0.0)) return {kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
    logs.push_back(std::log(value));
  }
  const MeanEstimate out = mean_with_t_interval(logs, kConfidence);
  return {std::exp(out.mean), kNoNumber, {std::exp(out.interval.low), std::exp(out.interval.high)}};
}

void write_summary(const Design& design, const std::vector<Measured>& results, const Floor& floor, const ExperimentContext& context) {
  write_final(design, results, floor, context.folder);
  write_curves(design, results, context.folder);
  write_radius(design, results, context.folder);
  write_trainings(design, results, context.folder);
  Json figures = Json::array();
  add_image_figures(design, results, context, figures);
  figures.push_back(curve_figure(design, results, floor));
  figures.push_back(radius_figure(design, results));
  const Json summary{{"name", context.folder.filename().string()},
                     {"title", "Faces: SW against max-SW"},
                     {"description",
                      "Report 002, section 2.3, trains on CelebA with max-SW and says that the projection of the gradient onto a ball was decisive for SGD. "
                      "Here SW_2² and max-SW_2² (a restarted ascent: a lower "
                      "bound, differentiated at the direction found) are trained on samples and on a critic's features, by SGD without and with the ball, its "
                      "radius and the step swept, and by Adam, from the same "
                      "initial values with the same batches."},
                     {"profile", context.profile},
                     {"seed", context.seed},
                     {"advice", advice_of(design, results, floor)},
                     {"facts", facts_of(design, results, floor)},
                     {"departures",
                      {departure("images", "CelebA, 100,000 faces", "any bounded target", fmt::format("{} images of {}", design.count, design.folder)),
                       departure("network", "convolutions", "no batch normalisation", "dense layers without batch normalisation"),
                       departure("gradient", "projected onto a ball of a fixed radius, not given", "not projected (T1); T4 projects u, not φ",
                                 "without, and with a sweep of radii"),
                       departure("max-SW", "an ascent at each step", "nothing is claimed of it", "a restarted ascent, its value a lower bound")}},
                     {"tables", tables_json(design)},
                     {"figures", std::move(figures)}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace slicecheck::faces
