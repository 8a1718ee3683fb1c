/// Means, ratios and tables of experiment `npsgd-guidelines`.

#include <algorithm>
#include <cmath>

#include "npsgd_guidelines.h"
#include "slicecheck/core/error.h"
#include "slicecheck/reporting/csv_table.h"

namespace slicecheck::guidelines {

namespace {

/// An estimate as three cells; empty where there is none.
void add(std::vector<CsvTable::Cell>& row, double value) { row.push_back(std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string())); }
void add(std::vector<CsvTable::Cell>& row, const MeanEstimate& estimate) {
  add(row, estimate.mean);
  add(row, estimate.interval.low);
  add(row, estimate.interval.high);
}
void add(std::vector<CsvTable::Cell>& row, const Ratio& ratio) {
  add(row, ratio.ratio);
  add(row, ratio.interval.low);
  add(row, ratio.interval.high);
}

void add_names(std::vector<std::string>& columns, const std::string& name) { columns.insert(columns.end(), {name, name + "_low", name + "_high"}); }

/// Columns that every question's file begins with.
std::vector<std::string> first_columns() {
  std::vector<std::string> out{"target", "setting", "x", "sweep", "replicates", "diverged"};
  add_names(out, "F");
  add_names(out, "F0");
  add_names(out, "norm");
  add_names(out, "moved");
  return out;
}

std::vector<CsvTable::Cell> first_cells(const Measured& m, const Design& design) {
  std::vector<CsvTable::Cell> row{
      design.targets[m.arm.target].title, m.arm.label, m.arm.x, std::string(m.arm.x > 0.0 ? "yes" : "no"), std::int64_t{m.rows.rows()},
      std::int64_t{m.diverged()}};
  for (const Index column : {kF, kF0}) add(row, m.geometric_mean(column));
  for (const Index column : {kNorm, kMoved}) add(row, m.mean(column));
  return row;
}

void write_radius(const Results& results, const Design& design, const std::filesystem::path& folder) {
  auto columns = first_columns();
  for (const char* name : {"boundary", "pull", "multiplier", "initial_norm", "ratio"}) add_names(columns, name);
  columns.emplace_back("pull_noise");
  CsvTable table(columns);
  for (const Measured& m : results[Question::radius]) {
    auto row = first_cells(m, design);
    add(row, m.mean(kBoundary));
    add(row, m.mean(kPull));
    std::vector<double> multipliers = m.values(kPull);
    for (double& value : multipliers) value = std::isnan(value) ? value : std::max(0.0, value);
    if (m.diverged() > 0)
      add(row, MeanEstimate{kNoNumber, kNoNumber, {kNoNumber, kNoNumber}});
    else
      add(row, mean_with_t_interval(multipliers, kConfidence));
    add(row, m.mean(kInitialNorm));
    add(row, ratio_of(m, results.reference(Question::radius, m.arm.target), kConfidence));
    add(row, m.mean(kPullError).mean);
    table.add(row);
  }
  table.write(folder / "radius.csv");
}

void write_noise(const Results& results, const Design& design, const std::filesystem::path& folder) {
  auto columns = first_columns();
  for (const char* name : {"gradient_step", "ratio"}) add_names(columns, name);
  columns.insert(columns.end(), {"noise_step", "noise_over_gradient"});
  CsvTable table(columns);
  for (const Measured& m : results[Question::noise]) {
    auto row = first_cells(m, design);
    MeanEstimate step = m.mean(kGradient);
    const double alpha = m.arm.schedule.initial;
    step = {alpha * step.mean, alpha * step.standard_error, {alpha * step.interval.low, alpha * step.interval.high}};
    add(row, step);
    add(row, ratio_of(m, results.reference(Question::noise, m.arm.target), kConfidence));
    const double noise = alpha * m.arm.noise * std::sqrt(static_cast<double>(design.generator->parameters()));
    add(row, noise);
    add(row, noise / step.mean);
    table.add(row);
  }
  table.write(folder / "noise.csv");
}

void write_schedule(const Results& results, const Design& design, const std::filesystem::path& folder) {
  auto columns = first_columns();
  add_names(columns, "ratio");
  columns.emplace_back("flow_time");
  CsvTable table(columns);
  const auto& all = results[Question::schedule];
  const Measured* constant = nullptr;  // of the same target and α_0: it comes first
  for (const Measured& m : all) {
    if (m.arm.schedule.kind == "constant") constant = &m;
    auto row = first_cells(m, design);
    add(row, ratio_of(m, *constant, kConfidence));
    const auto schedule = make_schedule(m.arm.schedule);
    double time = 0.0;
    for (std::uint64_t t = 0; t < m.arm.steps; ++t) time += schedule->step_size(t);
    add(row, time);
    table.add(row);
  }
  table.write(folder / "schedule.csv");
}

void write_atoms(const Results& results, const Design& design, const std::filesystem::path& folder) {
  auto columns = first_columns();
  for (const char* name : {"F_source", "ratio", "gap"}) add_names(columns, name);
  CsvTable table(columns);
  for (const Measured& m : results[Question::atoms]) {
    auto row = first_cells(m, design);
    add(row, m.geometric_mean(kFSource));
    add(row, ratio_of(m, results.reference(Question::atoms, m.arm.target), kConfidence, kFSource));
    std::vector<double> gaps = m.values(kFSource);
    const auto own = m.values(kF);
    for (std::size_t i = 0; i < gaps.size(); ++i) gaps[i] -= own[i];
    add(row, m.diverged() > 0 ? MeanEstimate{kNoNumber, kNoNumber, {kNoNumber, kNoNumber}} : mean_with_t_interval(gaps, kConfidence));
    table.add(row);
  }
  table.write(folder / "atoms.csv");
}

/// A row for each α and level.
void write_infinity(const Results& results, const Design& design, const std::filesystem::path& folder) {
  auto columns = first_columns();
  columns.insert(columns.end(), {"level", "reached", "run_steps"});
  for (const char* name : {"steps", "time", "F_half", "fall"}) add_names(columns, name);
  CsvTable table(columns);
  for (const Measured& m : results[Question::infinity])
    for (std::size_t level = 0; level < design.levels(); ++level) {
      const Index column = kHits + static_cast<Index>(level);
      const auto hits = m.values(column);
      auto row = first_cells(m, design);
      row.emplace_back(design.level_name(level));
      row.emplace_back(static_cast<std::int64_t>(std::count_if(hits.begin(), hits.end(), [](double t) { return std::isfinite(t); })));
      row.emplace_back(static_cast<std::int64_t>(m.arm.steps));
      MeanEstimate steps = m.geometric_mean(column);
      add(row, steps);
      steps.mean *= m.arm.x;
      steps.interval = {steps.interval.low * m.arm.x, steps.interval.high * m.arm.x};
      add(row, steps);
      add(row, m.geometric_mean(kFHalf));
      // F(u_T)/F(u_{T/2}), replicate by replicate.
      Measured half = m;
      half.rows.col(kF) = m.rows.col(kFHalf);
      add(row, ratio_of(m, half, kConfidence));
      table.add(row);
    }
  table.write(folder / "infinity.csv");
}

void write_trainings(const Results& results, const Design& design, const std::filesystem::path& folder) {
  std::vector<std::string> columns{"question",
                                   "target",
                                   "setting",
                                   "x",
                                   "replicate",
                                   "diverged",
                                   "F",
                                   "F0",
                                   "F_half",
                                   "F_continuous_source",
                                   "boundary",
                                   "pull",
                                   "pull_standard_error",
                                   "initial_norm",
                                   "norm",
                                   "moved",
                                   "gradient_norm"};
  for (std::size_t level = 0; level < design.levels(); ++level) columns.push_back(fmt::format("hit_{}", level));
  CsvTable table(columns);
  for (std::size_t k = 0; k < kQuestions; ++k)
    for (const Measured& m : results.of[k])
      for (Index i = 0; i < m.rows.rows(); ++i) {
        std::vector<CsvTable::Cell> row{question_name(static_cast<Question>(k)), design.targets[m.arm.target].title, m.arm.label, m.arm.x, std::int64_t{i}};
        for (Index j = 0; j < m.rows.cols(); ++j) add(row, m.rows(i, j));
        table.add(row);
      }
  table.write(folder / "trainings.csv");
}

}  // namespace

std::vector<double> Measured::values(Index column) const {
  std::vector<double> out;
  for (Index i = 0; i < rows.rows(); ++i) out.push_back(rows(i, column));
  return out;
}

Index Measured::diverged() const {
  Index count = 0;
  for (Index i = 0; i < rows.rows(); ++i) count += rows(i, kDiverged) > 0.0 ? 1 : 0;
  return count;
}

MeanEstimate Measured::mean(Index column, double confidence) const {
  const auto all = values(column);
  for (const double value : all)
    if (!std::isfinite(value)) return {kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
  MeanEstimate out = mean_with_t_interval(all, confidence);
  if (column == kBoundary) out.interval = {std::max(0.0, out.interval.low), std::min(1.0, out.interval.high)};
  return out;
}

MeanEstimate Measured::geometric_mean(Index column, double confidence) const {
  std::vector<double> logs = values(column);
  for (double& value : logs) {
    value = std::log(value);
    if (!std::isfinite(value)) return {kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
  }
  const MeanEstimate out = mean_with_t_interval(logs, confidence);
  return {std::exp(out.mean), kNoNumber, {std::exp(out.interval.low), std::exp(out.interval.high)}};
}

Ratio ratio_of(const Measured& one, const Measured& other, double confidence, Index column) {
  Measured ratio = one;
  ratio.rows.col(column) = one.rows.col(column).cwiseQuotient(other.rows.col(column));
  const MeanEstimate estimate = ratio.geometric_mean(column, confidence);
  return {estimate.mean, estimate.interval};
}

std::vector<const Measured*> Results::sweep(Question q, std::size_t target) const {
  std::vector<const Measured*> out;
  for (const Measured& m : (*this)[q])
    if (m.arm.target == target && m.arm.x > 0.0) out.push_back(&m);
  return out;
}

const Measured& Results::reference(Question q, std::size_t target) const {
  for (const Measured& m : (*this)[q])
    if (m.arm.target == target && m.arm.x == 0.0) return m;
  throw Error("npsgd-guidelines: this question has no reference");
}

std::vector<std::size_t> Results::targets(Question q) const {
  std::vector<std::size_t> out;
  for (const Measured& m : (*this)[q])
    if (out.empty() || out.back() != m.arm.target) out.push_back(m.arm.target);
  return out;
}

void write_tables(const Results& results, const Design& design, const std::filesystem::path& folder) {
  write_radius(results, design, folder);
  write_noise(results, design, folder);
  write_schedule(results, design, folder);
  write_atoms(results, design, folder);
  write_infinity(results, design, folder);
  write_trainings(results, design, folder);
}

}  // namespace slicecheck::guidelines
