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

/// A number, or nothing where it is none: the report shows a dash.
CsvTable::Cell cell(double value) { return std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()); }

/// Mean, and the ends of its t-interval: none for one replicate.
void append_interval(std::vector<CsvTable::Cell>& row, const std::vector<double>& values) {
  const bool finite = std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  const MeanEstimate estimate = finite ? mean_with_t_interval(values, kConfidence) : MeanEstimate{};
  row.insert(row.end(), {finite ? cell(estimate.mean) : std::string(), finite ? cell(estimate.interval.low) : std::string(),
                         finite ? cell(estimate.interval.high) : std::string()});
}

/// A number, or a dash where there is none.
std::string shown(double value, int digits) { return std::isfinite(value) ? fmt::format("{:.{}g}", value, digits) : "–"; }

void write_final_table(const Results& results, Index certificates, const std::filesystem::path& folder) {
  CsvTable table({"images", "name", "lambda", "score", "score_low", "score_high", "frechet", "frechet_low", "frechet_high", "frechet_start", "learns",
                  "epsilon", "bound", "error", "relative", "exceeded", "negative"});
  for (const Group& group : results.groups()) {
    const Entry& entry = results.entry(group);
    const std::size_t end = results.records[group.front()].evaluations.size() - 1;
    std::vector<CsvTable::Cell> row{entry.pictures->name, entry.name, shown(entry.wgan ? NAN : entry.lambda, 3)};
    const auto stopped = results.diverged(group);
    const auto at_end = [&](Value value) { return stopped ? NAN : results.last(group, value); };
    for (const Value value : {kScore, kFrechet}) {
      if (stopped)
        row.insert(row.end(), {std::string(), std::string(), std::string()});
      else
        append_interval(row, values_of(results, group, value, end));
    }
    row.insert(row.end(), {cell(results.first(group, kFrechet)), stopped                 ? fmt::format("diverged at step {}", *stopped)
                                                                 : results.learns(group) ? std::string("yes")
                                                                                         : std::string("no")});
    const double epsilon = at_end(kEpsilon);
    row.insert(row.end(),
               {std::isfinite(epsilon) ? fmt::format("{:.2g} [{:.2g}, {:.2g}]", epsilon, at_end(kEpsilonLow), at_end(kEpsilonHigh)) : std::string("–"),
                shown(at_end(kBound), 2), shown(at_end(kError), 2), shown(at_end(kRelative), 2)});
    for (const Value value : {kExceeded, kNegative}) {
      const auto [count, evaluations] = results.total(group, value);
      row.emplace_back(evaluations == 0 ? std::string("–") : fmt::format("{:.0f} of {}", count, evaluations * static_cast<std::size_t>(certificates)));
    }
    table.add(std::move(row));
  }
  for (const std::string& name : results.cifar10_names) {
    std::vector<CsvTable::Cell> row{std::string("CIFAR-10"), name, std::string("–")};
    row.insert(row.end(), 7, std::string());
    row.emplace_back(std::string("not run"));
    row.insert(row.end(), 6, std::string("–"));
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
      const auto stopped = results.diverged(group);
      const bool stands_still = stopped && first[e].step > *stopped;
      for (const Value value : {kScore, kFrechet}) {
        const auto over = values_of(results, group, value, e);
        const auto [low, high] = std::minmax_element(over.begin(), over.end());
        for (const double shown_value : {average(over), *low, *high}) row.push_back(cell(stands_still ? NAN : shown_value));
      }
      for (const Value value : {kEpsilon, kEpsilonLow, kEpsilonHigh, kBound, kError, kRelative})
        row.push_back(cell(stands_still ? NAN : average(values_of(results, group, value, e))));
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
    auto at = TransportPlayers<float>::diverged_at(records[member].state);
    for (const auto& evaluation : records[member].evaluations)  // the last step may have led where nothing is finite
      if (!at && !std::isfinite(evaluation.values[kFrechet])) at = evaluation.step;
    if (at && (!out || *at < *out)) out = at;
  }
  return out;
}

std::pair<double, std::size_t> Results::total(const Group& group, Value value) const {
  std::pair<double, std::size_t> out{0.0, 0};
  for (const std::size_t member : group)
    for (const auto& evaluation : records[member].evaluations) {
      if (!std::isfinite(evaluation.values[value])) continue;
      out.first += evaluation.values[value];
      ++out.second;
    }
  return out;
}

std::string not_compared(std::uint64_t step) { return fmt::format("diverged at step {}: not compared", step); }

void write_tables(const Results& results, const ExperimentContext& context) {
  write_final_table(results, context.settings.integer("certificates"), context.folder);
  write_quality_table(results, context.folder);
}

}  // namespace slicecheck::transport_mnist
