/// The plane of the two parameters: level lines of F, flow lines, C_r, and where NPSGD spends its late time.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "npsgd_neighbourhood.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/reporting/csv_table.h"

namespace slicecheck::npsgd {

namespace {

constexpr Index kCells = 60;  ///< of the density, along each side of [−r, r]²

double cell_centre(Index i, double radius) { return radius * (2.0 * (static_cast<double>(i) + 0.5) / static_cast<double>(kCells) - 1.0); }

/// Shares of (run, late step) in each cell: S/2 ≤ s ≤ S.
Points<double> late_density(const ExperimentContext& context, const Setup& setup, std::uint32_t number, double alpha) {
  const Index replicates = context.settings.integer_at_least("portrait.replicates", 1);
  const double noise = noise_of(context.settings);
  const Points<double> rows = replicate_table(
      context, fmt::format("density-{}-{}", setup.testbed->name, setup.large ? "large" : "small"), replicates, kCells * kCells,
      [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
        row.setZero();
        const Walk walk{setup.testbed, setup.centre, setup.spread, std::make_shared<NoisedProjectedSgd<double>>(setup.radius, noise), alpha, setup.horizon};
        const auto cell = [&](double x) {
          const double place = std::floor((x / setup.radius + 1.0) * 0.5 * static_cast<double>(kCells));
          return std::clamp(static_cast<Index>(place), Index{0}, kCells - 1);
        };
        visit_walk(walk, context.seed, stream_replicate(kDensity + number, i), [&](double s, const Eigen::VectorXd& u) {
          if (s >= 0.5 * setup.horizon) row[cell(u[0]) * kCells + cell(u[1])] += 1.0;
        });
      });
  Points<double> density(kCells, kCells);
  const Eigen::RowVectorXd sums = rows.colwise().sum();
  for (Index i = 0; i < kCells; ++i)
    for (Index j = 0; j < kCells; ++j) density(i, j) = sums[i * kCells + j] / sums.sum();
  return density;
}

/// Flow lines from two rings of starting points.
std::vector<Points<double>> flow_lines(const Setup& setup) {
  constexpr Index kOuter = 14;
  constexpr Index kInner = 8;
  std::vector<Points<double>> lines(kOuter + kInner);
  parallel_for(kOuter + kInner, [&](Index k) {
    const bool outer = k < kOuter;
    const double angle = 2.0 * std::numbers::pi * (outer ? static_cast<double>(k) / kOuter : (static_cast<double>(k - kOuter) + 0.5) / kInner) + 0.1;
    const Eigen::Vector2d u0 = (outer ? 0.97 : 0.45) * setup.radius * Eigen::Vector2d(std::cos(angle), std::sin(angle));
    lines[static_cast<std::size_t>(k)] = flow_in_ball(*setup.testbed->field, setup.radius, u0, setup.horizon, 1.0 / 32.0);
  });
  return lines;
}

std::string kind_of(const CriticalPoint& point) {
  return point.on_sphere ? "point of C_r on the sphere" : point.minimum ? "local minimum inside" : "other point of C_r";
}

Json panel_of(const Setup& setup) {
  const Json where{{"case", setup.title()}};
  const auto at = [&](const std::string& file, const std::string& value) {
    return Json{{"file", file}, {"x", "u1"}, {"y", "u2"}, {"value", value}, {"where", where}};
  };
  Json points = Json::array();
  for (const char* kind : {"local minimum inside", "other point of C_r", "point of C_r on the sphere"})
    if (std::any_of(setup.critical.points().begin(), setup.critical.points().end(), [&](const auto& point) { return kind_of(point) == kind; }))
      points.push_back({{"label", kind}, {"file", "portrait_points.csv"}, {"x", "u1"}, {"y", "u2"}, {"where", {{"case", setup.title()}, {"kind", kind}}}});
  Json contours = at("level_lines.csv", "F");
  contours["label"] = "level lines of F";
  return {{"title", setup.title()},
          {"radius", setup.radius},
          {"density", at("density.csv", "share")},
          {"contours", std::move(contours)},
          {"paths",
           {{{"label", "flow, kept in the ball"}, {"file", "flow_lines.csv"}, {"x", "u1"}, {"y", "u2"}, {"path", "path"}, {"where", where}, {"arrows", true}}}},
          {"points", std::move(points)}};
}

Json figure_of(const ExperimentContext& context, bool large, Json panels, const std::string& alphas) {
  const std::string lesson =
      large ? "T4: as α falls the shading shrinks to marks. Which ones depends on where runs start: C_r is more than any one run visits."
            : "T5: F still falls outwards at the marks on the circle; they are critical for the ball, not for F. The shading is pressed against the circle and "
              "spread along it.";
  return {
      {"kind", "phase"},
      {"id", large ? "portraits-large" : "portraits-small"},
      {"title", large ? "The plane of the two parameters: large balls" : "The plane of the two parameters: small balls"},
      {"caption",
       fmt::format("Dashed circle: the ball B(0, r). Level lines: F, dense near its lowest values. Arrows: solutions of the subgradient flow; where they meet "
                   "the circle they are held back and slide along it. Marks: C_r. Shading: where NPSGD is at late times (S/2 ≤ s ≤ S), as shares of all late "
                   "steps of {} independent runs at α = {}, all started in one small ball far from C_r. {}",
                   context.settings.integer("portrait.replicates"), alphas, lesson)},
      {"x_label", "u₁, bias of the hidden unit"},
      {"y_label", "u₂, weight of its feature"},
      {"columns", 2},
      {"density_label", "share of late steps"},
      {"panels", std::move(panels)}};
}

void write_points(const ExperimentContext& context, const std::vector<const Setup*>& pairs) {
  CsvTable table({"case", "kind", "u1", "u2"});
  for (const Setup* setup : pairs)
    for (const CriticalPoint& point : setup->critical.points()) table.add({setup->title(), kind_of(point), point.u[0], point.u[1]});
  table.write(context.folder / "portrait_points.csv");
}

}  // namespace

ConvergencePart portraits(const ExperimentContext& context, const std::vector<Setup>& setups) {
  std::vector<const Setup*> pairs;
  for (const Setup& setup : setups)
    if (setup.parameters() == 2) pairs.push_back(&setup);
  CsvTable density({"case", "u1", "u2", "share"});
  CsvTable levels({"case", "u1", "u2", "F"});
  CsvTable paths({"case", "path", "s", "u1", "u2"});
  ConvergencePart part;
  std::array<Json, 2> panels{Json::array(), Json::array()};  // large balls, small ones
  std::array<std::vector<std::string>, 2> alphas;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const Setup& setup = *pairs[k];
    const double alpha = std::ldexp(setup.first_step_size, -static_cast<int>(context.settings.integer_at_least("portrait.halvings", 0)));
    alphas[setup.large ? 0 : 1].push_back(power_text(alpha));
    const Points<double> shares = late_density(context, setup, static_cast<std::uint32_t>(k), alpha);
    panels[setup.large ? 0 : 1].push_back(panel_of(setup));
    if (!context.writes) continue;
    for (Index i = 0; i < kCells; ++i)
      for (Index j = 0; j < kCells; ++j)
        if (shares(i, j) > 0.0) density.add({setup.title(), cell_centre(i, setup.radius), cell_centre(j, setup.radius), shares(i, j)});
    constexpr Index kSide = 81;
    Points<double> values(kSide, kSide);
    const auto place = [&](Index i) { return 1.15 * setup.radius * (2.0 * static_cast<double>(i) / (kSide - 1) - 1.0); };
    parallel_for(kSide, [&](Index i) {
      for (Index j = 0; j < kSide; ++j) values(i, j) = value_at(*setup.testbed->field, Eigen::Vector2d(place(i), place(j)));
    });
    for (Index i = 0; i < kSide; ++i)
      for (Index j = 0; j < kSide; ++j) levels.add({setup.title(), for_plot(place(i)), for_plot(place(j)), for_plot(values(i, j))});
    const std::vector<Points<double>> lines = flow_lines(setup);
    for (std::size_t p = 0; p < lines.size(); ++p) {
      Eigen::RowVectorXd last = lines[p].row(0).array() + 10.0 * setup.radius;
      for (Index i = 0; i < lines[p].rows(); ++i) {
        if ((lines[p].row(i) - last).tail(2).norm() < 0.004 * setup.radius) continue;
        last = lines[p].row(i);
        paths.add({setup.title(), static_cast<std::int64_t>(p), last[0], for_plot(last[1]), for_plot(last[2])});
      }
    }
  }
  if (context.writes) {
    density.write(context.folder / "density.csv");
    levels.write(context.folder / "level_lines.csv");
    paths.write(context.folder / "flow_lines.csv");
    write_points(context, pairs);
  }
  for (const bool large : {true, false})
    part.figures.push_back(figure_of(context, large, std::move(panels[large ? 0 : 1]), fmt::format("{}", fmt::join(alphas[large ? 0 : 1], ", "))));
  return part;
}

}  // namespace slicecheck::npsgd
