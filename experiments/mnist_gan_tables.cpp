/// Tables of experiment `mnist-gan`, and what is read off them.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mnist_gan.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck::gan_mnist {

namespace {

constexpr double kConfidence = 0.95;
constexpr double kLearnt = 0.25;  // of the Fréchet distance at u_0

/// Mean, and the ends of its t-interval: the whole line for one replicate.
void append(std::vector<CsvTable::Cell>& row, const std::vector<double>& values) {
  const MeanEstimate estimate = mean_with_t_interval(values, kConfidence);
  row.insert(row.end(), {estimate.mean, estimate.interval.low, estimate.interval.high});
}

std::vector<double> values_at(const Results& results, const Group& group, Value value, bool last) {
  std::vector<double> out;
  for (const std::size_t member : group.members) {
    const auto& evaluations = results.records[member].evaluations;
    out.push_back((last ? evaluations.back() : evaluations.front()).values[value]);
  }
  return out;
}

void write_final(const Results& results, const std::filesystem::path& folder) {
  CsvTable table({"generator", "critic", "optimiser", "score", "score_low", "score_high", "frechet", "frechet_low", "frechet_high", "frechet_start", "learns",
                  "slope_real", "slope_generated", "generator_gradient", "critic_loss", "frozen"});
  for (const Group& group : groups_of(results)) {
    std::vector<CsvTable::Cell> row{group.generator, group.critic, group.optimiser};
    append(row, finals(results, group, kScore));
    append(row, finals(results, group, kFrechet));
    row.insert(row.end(), {mean_of(firsts(results, group, kFrechet)), std::string(learns(results, group) ? "yes" : "no")});
    for (const auto quantity : {&TwoPlayerRow::slope_real, &TwoPlayerRow::slope_generated, &TwoPlayerRow::generator_gradient, &TwoPlayerRow::critic_loss})
      row.emplace_back(mean_of(over_last_half(results, group, quantity)));
    const double frozen = frozen_share(results, group);
    row.emplace_back(std::isnan(frozen) ? std::string("–") : fmt::format("{:.0f} %", 100.0 * frozen));
    table.add(std::move(row));
  }
  table.write(folder / "final.csv");
}

void write_quality(const Results& results, const std::filesystem::path& folder) {
  CsvTable table({"generator", "critic", "optimiser", "step", "score", "score_low", "score_high", "frechet", "frechet_low", "frechet_high"});
  for (const Group& group : groups_of(results)) {
    const auto& first = results.records[group.members.front()].evaluations;
    for (std::size_t e = 0; e < first.size(); ++e) {
      std::vector<CsvTable::Cell> row{group.generator, group.critic, group.optimiser, static_cast<std::int64_t>(first[e].step)};
      for (const Value value : {kScore, kFrechet}) {
        std::vector<double> over;
        for (const std::size_t member : group.members) over.push_back(results.records[member].evaluations[e].values[value]);
        const auto [low, high] = std::minmax_element(over.begin(), over.end());
        row.insert(row.end(), {mean_of(over), *low, *high});
      }
      table.add(std::move(row));
    }
  }
  table.write(folder / "quality.csv");
}

}  // namespace

std::string Group::name() const { return fmt::format("{}, {}{}", generator, critic, optimiser == "Adam" ? "" : ", " + optimiser); }

std::vector<Group> groups_of(const Results& results) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < results.entries.size(); ++i) {
    const Entry& entry = results.entries[i];
    if (groups.empty() || groups.back().generator != entry.generator || groups.back().critic != entry.critic || groups.back().optimiser != entry.arm.optimiser)
      groups.push_back({entry.generator, entry.critic, entry.arm.optimiser, entry.critic_kind, {}});
    groups.back().members.push_back(i);
  }
  return groups;
}

std::vector<double> finals(const Results& results, const Group& group, Value value) { return values_at(results, group, value, true); }
std::vector<double> firsts(const Results& results, const Group& group, Value value) { return values_at(results, group, value, false); }

std::vector<double> over_last_half(const Results& results, const Group& group, double TwoPlayerRow::*quantity) {
  std::vector<double> out;
  for (const std::size_t member : group.members) {
    const auto& rows = results.records[member].rows;
    std::vector<double> values;
    for (std::size_t i = rows.size() / 2; i < rows.size(); ++i) values.push_back(rows[i].*quantity);
    out.push_back(mean_of(values));
  }
  return out;
}

double mean_of(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); }

bool learns(const Results& results, const Group& group) {
  return mean_of(finals(results, group, kFrechet)) < kLearnt * mean_of(firsts(results, group, kFrechet));
}

double frozen_share(const Results& results, const Group& group) {
  if (group.critic_kind != CriticObjective::Kind::sigmoid_mean) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> shares;
  for (const std::size_t member : group.members) {
    const auto& rows = results.records[member].rows;
    // Its loss is mean σ(generated) − mean σ(real): near −1 where they are on opposite sides.
    const auto frozen = std::count_if(rows.begin(), rows.end(),
                                      [](const TwoPlayerRow& row) { return std::max(row.slope_real, row.slope_generated) < kFlat && row.critic_loss > -0.5; });
    shares.push_back(static_cast<double>(frozen) / static_cast<double>(rows.size()));
  }
  return mean_of(shares);
}

std::string grid_file(const std::string& arm, std::uint64_t step) { return fmt::format("grid-{}-{}.idx", arm, step); }

void write_tables(const Results& results, const ExperimentContext& context) {
  write_final(results, context.folder);
  write_quality(results, context.folder);
}

}  // namespace slicecheck::gan_mnist
