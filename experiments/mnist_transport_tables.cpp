/// Tables of experiment `mnist-transport`, and what is read off them.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mnist_transport.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck::transport_mnist {

namespace {

constexpr double kConfidence = 0.95;
constexpr double kLearnt = 0.25;  // of the Fréchet distance at u_0

std::vector<double> values_of(const Results& results, const Group& group, Value value, std::size_t evaluation) {
  std::vector<double> out;
  for (const std::size_t member : group) out.push_back(results.records[member].evaluations[evaluation].values[value]);
  return out;
}

double average(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Mean, and the ends of its t-interval: the whole line for one replicate.
void append_interval(std::vector<CsvTable::Cell>& row, const std::vector<double>& values) {
  if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); })) {
    row.insert(row.end(), {average(values), average(values), average(values)});
    return;
  }
  const MeanEstimate estimate = mean_with_t_interval(values, kConfidence);
  row.insert(row.end(), {estimate.mean, estimate.interval.low, estimate.interval.high});
}

/// A number, or a dash where there is none.
std::string shown(double value, int digits) { return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : "–"; }

void write_final_table(const Results& results, const std::filesystem::path& folder) {
  CsvTable table({"images", "name", "lambda", "score", "score_low", "score_high", "frechet", "frechet_low", "frechet_high", "frechet_start", "learns",
                  "epsilon", "bound", "error", "relative", "exceeded"});
  for (const Group& group : results.groups()) {
    const Entry& entry = results.entry(group);
    const std::size_t end = results.records[group.front()].evaluations.size() - 1;
    std::vector<CsvTable::Cell> row{entry.pictures->name, entry.name, shown(entry.wgan ? NAN : entry.lambda, 3)};
    append_interval(row, values_of(results, group, kScore, end));
    append_interval(row, values_of(results, group, kFrechet, end));
    row.insert(row.end(), {results.first(group, kFrechet), std::string(results.diverged(group) ? "diverged" : results.learns(group) ? "yes" : "no")});
    const double epsilon = results.last(group, kEpsilon) / entry.lambda;
    row.insert(row.end(), {std::isfinite(epsilon) ? fmt::format("{:.2g} [{:.2g}, {:.2g}]", epsilon, results.last(group, kEpsilonLow) / entry.lambda,
                                                                results.last(group, kEpsilonHigh) / entry.lambda)
                                                  : std::string("–"),
                           shown(results.last(group, kBound), 2), shown(results.last(group, kError), 2), shown(results.last(group, kRelative), 2),
                           shown(results.last(group, kExceeded), 2)});
    table.add(std::move(row));
  }
  table.write(folder / "final.csv");
}

void write_quality_table(const Results& results, const std::filesystem::path& folder) {
  CsvTable table({"images", "name", "step", "score", "score_low", "score_high", "frechet", "frechet_low", "frechet_high", "epsilon", "epsilon_low",
                  "epsilon_high", "bound", "error", "relative"});
  for (const Group& group : results.groups()) {
    const Entry& entry = results.entry(group);
    const auto& first = results.records[group.front()].evaluations;
    for (std::size_t e = 0; e < first.size(); ++e) {
      std::vector<CsvTable::Cell> row{entry.pictures->name, entry.name, static_cast<std::int64_t>(first[e].step)};
      for (const Value value : {kScore, kFrechet}) {
        const auto over = values_of(results, group, value, e);
        const auto [low, high] = std::minmax_element(over.begin(), over.end());
        row.insert(row.end(), {average(over), *low, *high});
      }
      for (const Value value : {kEpsilon, kEpsilonLow, kEpsilonHigh}) row.emplace_back(average(values_of(results, group, value, e)) / entry.lambda);
      for (const Value value : {kBound, kError, kRelative}) row.emplace_back(average(values_of(results, group, value, e)));
      table.add(std::move(row));
    }
  }
  table.write(folder / "quality.csv");
}

}  // namespace

std::vector<Group> Results::groups() const {
  std::vector<Group> out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (out.empty() || entries[out.back().front()].key != entries[i].key) out.emplace_back();
    out.back().push_back(i);
  }
  return out;
}

double Results::last(const Group& group, Value value) const { return average(values_of(*this, group, value, records[group.front()].evaluations.size() - 1)); }
double Results::first(const Group& group, Value value) const { return average(values_of(*this, group, value, 0)); }
bool Results::learns(const Group& group) const { return last(group, kFrechet) < kLearnt * first(group, kFrechet); }

std::optional<std::uint64_t> Results::diverged(const Group& group) const {
  std::optional<std::uint64_t> out;
  for (const std::size_t member : group) {
    if (entries[member].wgan) continue;
    const auto at = TransportPlayers<float>::diverged_at(records[member].state);
    if (at && (!out || *at < *out)) out = at;
  }
  return out;
}

void write_tables(const Results& results, const ExperimentContext& context) {
  write_final_table(results, context.folder);
  write_quality_table(results, context.folder);
}

}  // namespace slicecheck::transport_mnist
