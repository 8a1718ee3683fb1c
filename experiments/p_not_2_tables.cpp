/// Tables of experiment `p-not-2`.

#include <algorithm>
#include <cmath>

#include "p_not_2.h"
#include "slicecheck/core/error.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::exponents {

namespace {

CsvTable::Cell cell(double value) { return std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()); }
void add(std::vector<CsvTable::Cell>& row, const MeanEstimate& estimate) {
  for (const double value : {estimate.mean, estimate.interval.low, estimate.interval.high}) row.push_back(cell(value));
}

/// "31 [25, 38]", or "31" of fewer than three starts; how many never came there where some did not.
std::string steps_text(const std::vector<double>& hits, std::uint64_t steps) {
  const auto reached = static_cast<std::size_t>(std::count_if(hits.begin(), hits.end(), [](double t) { return std::isfinite(t); }));
  if (reached < hits.size()) return fmt::format("never reached in {} steps by {} of {}", steps, hits.size() - reached, hits.size());
  const MeanEstimate mean = geometric_mean(hits);
  if (hits.size() < 3) return fmt::format("{:.3g}", mean.mean);
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", mean.mean, mean.interval.low, mean.interval.high);
}

std::vector<double> quotients(const std::vector<double>& above, const std::vector<double>& below) {
  std::vector<double> out;
  for (std::size_t i = 0; i < above.size(); ++i) out.push_back(above[i] / below[i]);
  return out;
}

void write_final(const Design& design, const std::vector<TestbedResults>& results, const std::filesystem::path& folder) {
  CsvTable table({"testbed", "scheme",  "p",        "share", "alpha", "edge",    "diverged", "F0",        "F",      "F_low",     "F_high",  "floor_F",   "W2",
                  "W2_low",  "W2_high", "floor_W2", "own0",  "own",   "own_low", "own_high", "floor_own", "u_norm", "on_sphere", "u0_hash", "batch_hash"});
  for (std::size_t b = 0; b < results.size(); ++b)
    for (std::size_t arm = 0; arm < results[b].finals.size(); ++arm) {
      const Measured& m = results[b].finals[arm];
      const std::size_t e = arm % design.exponents.size();
      const auto end = [&](Yardstick what) { return geometric_mean(m.values(kEnd + static_cast<Index>(what))); };
      std::vector<CsvTable::Cell> row{design.testbeds[b].title,
                                      scheme_name(m),
                                      number_text(m.p),
                                      power_text(m.share),
                                      m.alpha,
                                      std::string(results[b].at_edge[e] ? "yes" : "no"),
                                      std::int64_t{m.diverged()},
                                      cell(geometric_mean(m.values(kStart)).mean)};
      add(row, end(Yardstick::f));
      row.push_back(cell(results[b].floors.f));
      add(row, end(Yardstick::w2));
      row.push_back(cell(results[b].floors.w2));
      row.push_back(cell(geometric_mean(m.values(kStart + static_cast<Index>(Yardstick::own))).mean));
      add(row, end(Yardstick::own));
      row.push_back(cell(results[b].floors.own[e]));
      row.push_back(cell(geometric_mean(m.values(kNorm)).mean));
      row.push_back(cell(m.diverged() > 0 ? kNoNumber : mean_with_t_interval(m.values(kOnSphere), kConfidence).mean));
      row.emplace_back(results[b].u0_hashes[arm]);
      row.emplace_back(results[b].batch_hashes[arm]);
      table.add(row);
    }
  table.write(folder / "final.csv");
}

void write_steps(const Design& design, const std::vector<TestbedResults>& results, const std::filesystem::path& folder) {
  std::vector<std::string> columns{"testbed", "scheme", "p", "yardstick"};
  for (const Index level : design.levels)
    for (const char* name : {"text", "steps", "low", "high", "reached", "over_p2", "over_p2_low", "over_p2_high", "ratio_text"})
      columns.push_back(fmt::format("{}_{}", name, level));
  CsvTable table(columns);
  for (std::size_t b = 0; b < results.size(); ++b)
    for (const Yardstick what : kAllYardsticks)
      for (std::size_t arm = 0; arm < results[b].finals.size(); ++arm) {
        const Testbed& bed = design.testbeds[b];
        const std::size_t count = design.exponents.size();
        const std::size_t e = arm % count;
        const auto two = static_cast<std::size_t>(std::find(design.exponents.begin(), design.exponents.end(), 2.0) - design.exponents.begin());
        const Measured& m = results[b].finals[arm];
        const Measured& square = results[b].finals[arm - e + two];
        std::vector<CsvTable::Cell> row{bed.title, scheme_name(m), number_text(m.p),
                                        what == Yardstick::own ? std::string("its own SW_p^p") : yardstick_name(what, m.p)};
        for (const Index level : design.levels) {
          const auto hits = steps_to(m, bed, what, floor_of(results[b].floors, what, e), static_cast<double>(level));
          const auto of_square = steps_to(square, bed, what, floor_of(results[b].floors, what, two), static_cast<double>(level));
          row.emplace_back(steps_text(hits, bed.steps));
          const MeanEstimate mean = geometric_mean(hits);
          const bool all = std::isfinite(mean.mean);
          for (const double value : {mean.mean, mean.interval.low, mean.interval.high}) row.push_back(all ? cell(value) : CsvTable::Cell(std::string("never")));
          row.emplace_back(static_cast<std::int64_t>(std::count_if(hits.begin(), hits.end(), [](double t) { return std::isfinite(t); })));
          const MeanEstimate ratio = geometric_mean(quotients(hits, of_square));
          add(row, ratio);
          row.emplace_back(std::isfinite(ratio.mean) ? fmt::format("{:.3g} [{:.3g}, {:.3g}]", ratio.mean, ratio.interval.low, ratio.interval.high)
                                                     : std::string("–"));
        }
        table.add(row);
      }
  table.write(folder / "steps.csv");
}

void write_trials(const Design& design, const std::vector<TestbedResults>& results, const std::filesystem::path& folder) {
  CsvTable table({"testbed", "p", "share", "share_text", "alpha", "trials", "diverged", "F", "F_over_floor", "W2", "steps", "kept"});
  for (std::size_t b = 0; b < results.size(); ++b)
    for (std::size_t arm = 0; arm < results[b].trials.size(); ++arm) {
      const Measured& m = results[b].trials[arm];
      const Measured& kept = results[b].finals[arm / design.shares.size()];
      const double f = geometric_mean(m.values(kEnd)).mean;
      table.add(
          {design.testbeds[b].title, number_text(m.p), m.share, power_text(m.share), m.alpha, std::int64_t{m.rows.rows()}, std::int64_t{m.diverged()}, cell(f),
           cell(f / results[b].floors.f), cell(geometric_mean(m.values(kEnd + static_cast<Index>(Yardstick::w2))).mean),
           steps_text(steps_to(m, design.testbeds[b], Yardstick::f, results[b].floors.f, static_cast<double>(design.levels.back())), design.testbeds[b].steps),
           std::string(m.share == kept.share ? "kept" : "")});
    }
  table.write(folder / "trials.csv");
}

void write_curves(const Design& design, const std::vector<TestbedResults>& results, const std::filesystem::path& folder) {
  CsvTable table({"testbed", "scheme", "p", "step", "F", "F_low", "F_high", "W2", "W2_low", "W2_high", "own", "own_low", "own_high"});
  for (std::size_t b = 0; b < results.size(); ++b)
    for (const Measured& m : results[b].finals)
      for (std::size_t k = 0; k < design.testbeds[b].looks.size(); ++k) {
        std::vector<CsvTable::Cell> row{design.testbeds[b].title, scheme_name(m), number_text(m.p), static_cast<std::int64_t>(design.testbeds[b].looks[k])};
        for (const Yardstick what : kAllYardsticks) {
          const MeanEstimate mean = geometric_mean(m.values(kCurves + static_cast<Index>(k * kYardsticks) + static_cast<Index>(what)));
          for (const double value : {mean.mean, mean.interval.low, mean.interval.high})
            row.emplace_back(std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()));
        }
        table.add(row);
      }
  table.write(folder / "curves.csv");
}

void write_trainings(const Design& design, const std::vector<TestbedResults>& results, const std::filesystem::path& folder) {
  CsvTable table({"testbed", "scheme", "p", "replicate", "alpha", "diverged", "F0", "F", "W20", "W2", "own0", "own", "u_norm", "on_sphere"});
  for (std::size_t b = 0; b < results.size(); ++b)
    for (const Measured& m : results[b].finals)
      for (Index i = 0; i < m.rows.rows(); ++i) {
        std::vector<CsvTable::Cell> row{design.testbeds[b].title, scheme_name(m), number_text(m.p),
                                        std::int64_t{i},          m.alpha,        static_cast<std::int64_t>(m.rows(i, kDiverged))};
        for (const Yardstick what : kAllYardsticks)
          for (const Index column : {Index{kStart}, Index{kEnd}}) row.push_back(cell(m.rows(i, column + static_cast<Index>(what))));
        row.push_back(cell(m.rows(i, kNorm)));
        row.push_back(cell(m.rows(i, kOnSphere)));
        table.add(row);
      }
  table.write(folder / "trainings.csv");
}

void write_hover(const std::vector<Hover>& hover, const std::filesystem::path& folder) {
  CsvTable levels({"testbed", "p", "alpha", "level", "level_low", "level_high", "settled"});
  CsvTable slopes({"testbed", "p", "slope", "slope_low", "slope_high", "predicted", "settled"});
  for (const Hover& h : hover) {
    std::size_t settled_count = 0;
    for (std::size_t a = 0; a < h.alphas.size(); ++a) {
      const auto column = static_cast<Index>(a);
      std::vector<double> level, settled;
      for (Index r = 0; r < h.levels.rows(); ++r) {
        level.push_back(h.levels(r, column));
        settled.push_back(h.settled(r, column));
      }
      const MeanEstimate mean = geometric_mean(level);
      const double still = geometric_mean(settled).mean;
      settled_count += has_settled(h, a) ? 1 : 0;
      std::vector<CsvTable::Cell> row{h.testbed, number_text(h.p), h.alphas[a]};
      for (const double value : {mean.mean, mean.interval.low, mean.interval.high})
        row.emplace_back(std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()));
      row.push_back(cell(still));
      levels.add(row);
    }
    std::vector<CsvTable::Cell> row{h.testbed, number_text(h.p)};
    add(row, hover_slope(h));
    row.emplace_back(h.p < 2.0 ? fmt::format("{:.3g}", 1.0 / (2.0 - h.p)) : std::string(h.p > 2.0 ? "still falling" : "falls to rounding"));
    row.emplace_back(fmt::format("{} of {}", settled_count, h.alphas.size()));
    slopes.add(row);
  }
  levels.write(folder / "hover.csv");
  slopes.write(folder / "hover_slopes.csv");
}

void write_fewest(const Design& design, const std::vector<TestbedResults>& results, const std::filesystem::path& folder) {
  std::vector<std::string> columns{"testbed", "p"};
  for (const Index level : design.levels)
    for (const char* name : {"steps", "share"}) columns.push_back(fmt::format("{}_{}", name, level));
  CsvTable table(columns);
  for (std::size_t b = 0; b < results.size(); ++b)
    for (std::size_t e = 0; e < design.exponents.size(); ++e) {
      std::vector<CsvTable::Cell> row{design.testbeds[b].title, number_text(design.exponents[e])};
      for (const Index level : design.levels) {
        const Fewest found = fewest_steps(design, results[b], design.testbeds[b], e, level);
        row.emplace_back(found.arm == nullptr ? std::string("never") : fmt::format("{:.3g}", found.steps));
        row.emplace_back(found.arm == nullptr ? std::string("–") : power_text(found.arm->share));
      }
      table.add(row);
    }
  table.write(folder / "fewest.csv");
}

}  // namespace

std::string scheme_name(const Measured& m) { return m.noised ? "NPSGD" : "SGD"; }
std::string p_name(double p) { return fmt::format("p = {}", number_text(p)); }

std::string number_text(double value) { return fmt::format("{:g}", value); }

std::string yardstick_name(Yardstick what, double p) {
  switch (what) {
    case Yardstick::f: return "SW_2²";
    case Yardstick::w2: return "W_2²";
    case Yardstick::own: return fmt::format("SW_{}^{}", number_text(p), number_text(p));
  }
  throw Error("p-not-2: no such yardstick");
}

double floor_of(const Floors& floors, Yardstick what, std::size_t exponent) {
  return what == Yardstick::f ? floors.f : what == Yardstick::w2 ? floors.w2 : floors.own[exponent];
}

MeanEstimate geometric_mean(const std::vector<double>& values) {
  std::vector<double> logs;
  for (const double value : values) {
    if (!std::isfinite(value) || !(value > 0.0)) return {kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
    logs.push_back(std::log(value));
  }
  const MeanEstimate out = mean_with_t_interval(logs, kConfidence);
  return {std::exp(out.mean), kNoNumber, {std::exp(out.interval.low), std::exp(out.interval.high)}};
}

void write_tables(const Design& design, const std::vector<TestbedResults>& results, const std::vector<Hover>& hover, const std::filesystem::path& folder) {
  write_final(design, results, folder);
  write_steps(design, results, folder);
  write_fewest(design, results, folder);
  write_trials(design, results, folder);
  write_curves(design, results, folder);
  write_trainings(design, results, folder);
  write_hover(hover, folder);
}

Json tables_json(const Design& design) {
  Json steps_columns{column("testbed", "target", "s"), column("scheme", "scheme", "s"), column("p", "p", "s"), column("yardstick", "yardstick", "s")};
  for (const Index level : design.levels) {
    steps_columns.push_back(column(fmt::format("text_{}", level), fmt::format("steps to −{} %", level), "s"));
    steps_columns.push_back(column(fmt::format("ratio_text_{}", level), "over p = 2", "s"));
  }
  Json fewest_columns{column("testbed", "target", "s"), column("p", "p", "s")};
  for (const Index level : design.levels) {
    fewest_columns.push_back(column(fmt::format("steps_{}", level), fmt::format("steps to −{} %", level), "s"));
    fewest_columns.push_back(column(fmt::format("share_{}", level), "at share", "s"));
  }
  return {
      {{"id", "steps"},
       {"title", "Steps until a yardstick has fallen by a share of (start − floor)"},
       {"caption",
        "Geometric mean over the starts with a 95 % t-interval of the logarithm, interpolated between looks; the ratio to p = 2 start by start. The floor is "
        "what two "
        "independent samples of the target have. \"Never reached\" is a value of its own: no number stands for it. For its own SW_p^p each p has a floor of "
        "its own."},
       {"file", "steps.csv"},
       {"columns", std::move(steps_columns)}},
      {{"id", "final"},
       {"title", "After training"},
       {"caption",
        "Geometric means over the starts, 95 % t-interval of the logarithm. Share: what the first step takes off SW_2², to first order; the share was kept by "
        "the "
        "lowest F at the end of the trials by SGD, and NPSGD takes it over. At the edge: the best share was the smallest or largest tried, so that a better "
        "one may "
        "lie beyond."},
       {"file", "final.csv"},
       {"columns",
        {column("testbed", "target", "s"), column("scheme", "scheme", "s"), column("p", "p", "s"), column("share", "share", "s"), column("alpha", "α", ".3g"),
         column("edge", "at the edge", "s"), column("F", "F = SW_2²", ".3g", "F_low", "F_high"), column("floor_F", "its floor", ".3g"),
         column("F0", "at u₀", ".3g"), column("W2", "W_2²", ".3g", "W2_low", "W2_high"), column("floor_W2", "its floor", ".3g"),
         column("own", "SW_p^p", ".3g", "own_low", "own_high"), column("floor_own", "its floor", ".3g"), column("u_norm", "‖u‖", ".3g"),
         column("on_sphere", "steps on the sphere", ".0%"), column("diverged", "diverged", ".0f")}}},
      {{"id", "fewest"},
       {"title", "The fewest steps of all trials"},
       {"caption",
        "For each p and level the step size that brought SW_2² down in the fewest steps, geometric mean over the starts of the trials, whatever came after. "
        "Large "
        "steps are fast at first and end higher, or the other way round: the table after training has the step size with the lowest end."},
       {"file", "fewest.csv"},
       {"columns", std::move(fewest_columns)}},
      {{"id", "starts"},
       {"title", "Equal starts"},
       {"caption", "Hashes (FNV-1a) of u₀ and of the first batch with its directions, at the first start."},
       {"file", "final.csv"},
       {"columns",
        {column("testbed", "target", "s"), column("scheme", "scheme", "s"), column("p", "p", "s"), column("u0_hash", "hash of u₀", "s"),
         column("batch_hash", "hash of the first batch", "s")}}},
      {{"id", "trials"},
       {"title", "Trials of step sizes"},
       {"caption",
        fmt::format(
            "SGD from starts of their own. The same shares, number of trials and steps for every p. Steps: until F has fallen by {} % of (start − floor).",
            design.levels.back())},
       {"file", "trials.csv"},
       {"columns",
        {column("testbed", "target", "s"), column("p", "p", "s"), column("share_text", "share", "s"), column("alpha", "α", ".3g"),
         column("F", "F at the end", ".3g"), column("F_over_floor", "over its floor", ".3g"), column("W2", "W_2²", ".3g"), column("steps", "steps", "s"),
         column("diverged", "diverged", ".0f"), column("kept", "", "s")}}},
      {{"id", "hover"},
       {"title", "Where a constant step ends, near a point without gaps"},
       {"caption",
        "s of distance ~ α^s with a 95 % t-interval over the replicates. Predicted: 1/(2 − p) where the gaps are linear in u. Settled: at so many step "
        "sizes the distance in the last quarter is at least 0.9 of that in the quarter before. For p < 2 s is through these alone; for p ≥ 2 through all, at a "
        "fixed "
        "number of steps."},
       {"file", "hover_slopes.csv"},
       {"columns",
        {column("testbed", "testbed", "s"), column("p", "p", "s"), column("slope", "s", ".3f", "slope_low", "slope_high"),
         column("predicted", "predicted", "s"), column("settled", "settled", "s")}}}};
}

}  // namespace slicecheck::exponents
