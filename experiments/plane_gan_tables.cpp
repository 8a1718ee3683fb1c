/// Tables of experiment `plane-gan`.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plane_gan.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck::gan_plane {

namespace {

constexpr double kConfidence = 0.95;
constexpr double kHalfFrame = 0.65;  // of the density pictures

MeanEstimate mean_of(const std::vector<double>& values) { return mean_with_t_interval(values, kConfidence); }

std::string listed(const std::vector<double>& values, const char* format) {
  std::vector<std::string> words;
  words.reserve(values.size());
  for (const double value : values) words.push_back(fmt::format(fmt::runtime(format), value));
  return fmt::format("{}", fmt::join(words, ", "));
}

/// How many of `points` fall into each cell of a cells×cells grid, as a density.
std::vector<double> density(const Points<double>& points, Index cells) {
  std::vector<double> out(static_cast<std::size_t>(cells * cells), 0.0);
  const double side = 2.0 * kHalfFrame / static_cast<double>(cells);
  const double each = 1.0 / (static_cast<double>(points.rows()) * side * side);
  for (Index k = 0; k < points.rows(); ++k) {
    const auto column = static_cast<Index>(std::floor((points(k, 0) + kHalfFrame) / side));
    const auto row = static_cast<Index>(std::floor((points(k, 1) + kHalfFrame) / side));
    if (column >= 0 && column < cells && row >= 0 && row < cells) out[static_cast<std::size_t>(row * cells + column)] += each;
  }
  return out;
}

void write_final(const Results& results, const ExperimentContext& context) {
  CsvTable table({"loss", "optimiser", "modes_each", "hq_each", "W2_each", "modes", "modes_low", "modes_high", "hq", "hq_low", "hq_high", "W2", "W2_low",
                  "W2_high", "best_W2", "setback", "setback_low", "setback_high"});
  for (const Group& group : groups_of(results)) {
    const auto modes = finals(results, group, kModes);
    const auto quality = finals(results, group, kHighQuality);
    const auto w2 = finals(results, group, kExactW2);
    const auto back = setbacks(results, group);
    std::vector<CsvTable::Cell> row{group.loss, group.optimiser, listed(modes, "{:.0f}"), listed(quality, "{:.2f}"), listed(w2, "{:.3f}")};
    for (const auto& values : {modes, quality, w2}) {
      const MeanEstimate estimate = mean_of(values);
      row.insert(row.end(), {estimate.mean, estimate.interval.low, estimate.interval.high});
    }
    const MeanEstimate setback = mean_of(back);
    row.insert(row.end(), {mean_of(w2).mean - setback.mean, setback.mean, setback.interval.low, setback.interval.high});
    table.add(std::move(row));
  }
  table.write(context.folder / "final.csv");
}

void write_evaluations(const Results& results, const ExperimentContext& context) {
  CsvTable each({"loss", "optimiser", "replicate", "step", "modes", "hq", "W2"});
  CsvTable means({"loss", "optimiser", "step", "modes", "modes_low", "modes_high", "hq", "hq_low", "hq_high", "W2", "W2_low", "W2_high"});
  for (const Group& group : groups_of(results)) {
    const auto& first = results.records[group.members.front()].evaluations;
    for (std::size_t e = 0; e < first.size(); ++e) {
      std::vector<CsvTable::Cell> row{group.loss, group.optimiser, static_cast<std::int64_t>(first[e].step)};
      for (std::size_t value = 0; value < kValues; ++value) {
        std::vector<double> over;
        for (const std::size_t member : group.members) over.push_back(results.records[member].evaluations[e].values[value]);
        const auto [low, high] = std::minmax_element(over.begin(), over.end());
        row.insert(row.end(), {std::accumulate(over.begin(), over.end(), 0.0) / static_cast<double>(over.size()), *low, *high});
      }
      means.add(std::move(row));
    }
    for (const std::size_t member : group.members)
      for (const auto& [step, values] : results.records[member].evaluations)
        each.add({group.loss, group.optimiser, static_cast<std::int64_t>(results.entries[member].arm.parts.replicate), static_cast<std::int64_t>(step),
                  values[kModes], values[kHighQuality], values[kExactW2]});
  }
  each.write(context.folder / "evaluations.csv");
  means.write(context.folder / "means.csv");
}

void write_densities(const Results& results, const ExperimentContext& context) {
  const Index cells = context.settings.integer_at_least("density_cells", 2);
  const Index count = context.settings.integer_at_least("density_points", 1);
  CsvTable table({"loss", "optimiser", "x", "y", "density"});
  const double side = 2.0 * kHalfFrame / static_cast<double>(cells);
  const auto add = [&](const std::string& loss, const std::string& optimiser, const Points<double>& points) {
    const auto values = density(points, cells);
    for (Index row = 0; row < cells; ++row)
      for (Index column = 0; column < cells; ++column)
        table.add({loss, optimiser, -kHalfFrame + (static_cast<double>(column) + 0.5) * side, -kHalfFrame + (static_cast<double>(row) + 0.5) * side,
                   values[static_cast<std::size_t>(row * cells + column)]});
  };
  add("target", "target", GaussianMixture::six_centres()->sample<double>({context.seed, Purpose::figure, 1, 0}, count));
  for (const Group& group : groups_of(results)) add(group.loss, group.optimiser, final_points(results, group.members.front(), count).cast<double>());
  table.write(context.folder / "densities.csv");
}

}  // namespace

std::vector<Group> groups_of(const Results& results) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < results.entries.size(); ++i) {
    const TwoPlayerArm& arm = results.entries[i].arm;
    if (groups.empty() || groups.back().loss != arm.loss || groups.back().optimiser != arm.optimiser)
      groups.push_back({arm.loss, arm.optimiser, results.entries[i].adversarial, {}});
    groups.back().members.push_back(i);
  }
  return groups;
}

std::vector<double> finals(const Results& results, const Group& group, Value value) {
  std::vector<double> out;
  for (const std::size_t member : group.members) out.push_back(results.records[member].evaluations.back().values[value]);
  return out;
}

std::vector<double> setbacks(const Results& results, const Group& group) {
  std::vector<double> out;
  for (const std::size_t member : group.members) {
    const auto& evaluations = results.records[member].evaluations;
    double best = evaluations.front().values[kExactW2];
    for (const auto& evaluation : evaluations) best = std::min(best, evaluation.values[kExactW2]);
    out.push_back(evaluations.back().values[kExactW2] - best);
  }
  return out;
}

Points<float> final_points(const Results& results, std::size_t member, Index count) {
  const TwoPlayerParts<float>& parts = results.entries[member].arm.parts;
  const auto x = Gaussian::standard(parts.generator->input_dimension())->sample<float>({parts.seed, Purpose::figure, parts.replicate, 0}, count);
  return parts.generator->forward(results.records[member].state.generator.u, x);
}

void write_tables(const Results& results, const ExperimentContext& context) {
  write_final(results, context);
  write_evaluations(results, context);
  write_densities(results, context);
}

}  // namespace slicecheck::gan_plane
