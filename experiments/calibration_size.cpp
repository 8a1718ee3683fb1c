/// Part 1 of `calibration`: the p-values of subjects without a defect.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <optional>

#include "calibration.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/statistics/binomial.h"
#include "slicecheck/statistics/goodness_of_fit.h"
#include "summary.h"

namespace slicecheck {

namespace {

constexpr double kFalseAlarm = 1e-6;  // of all tests of one table together
constexpr std::uint64_t kTries = 64;  // cases of one seed until one can be judged
constexpr double kThresholds[] = {0.01, 0.05, 0.1, 0.5};

/// What is known of the law of a p-value under the hypothesis.
enum class LawOfP {
  exact,      ///< one continuous statistic of known law: uniform
  bound,      ///< counts, a bound on a tail, or the smallest of several: P(p ≤ t) ≤ t, no more
  asymptotic  ///< uniform in the limit only
};

std::string word(LawOfP law) { return law == LawOfP::exact ? "uniform" : law == LawOfP::bound ? "at most" : "in the limit"; }

/// p-values of one check on one subject, or of one function.
struct Row {
  std::string claim;
  std::string check;
  std::string subject;
  LawOfP law = LawOfP::bound;
  std::function<std::optional<double>(std::uint64_t)> draw;  ///< of seed number k
  std::vector<double> p;                                     ///< sorted
  Index asked = 0;

  [[nodiscard]] double share_at(double t) const {
    return static_cast<double>(std::upper_bound(p.begin(), p.end(), t) - p.begin()) / static_cast<double>(p.size());
  }
  [[nodiscard]] double count_at(double t) const { return static_cast<double>(std::upper_bound(p.begin(), p.end(), t) - p.begin()); }
  /// p-value of "P(p ≤ t) ≤ t at every threshold", one-sided, exact binomial, corrected for their number.
  [[nodiscard]] double conservative() const {
    std::vector<double> tails;
    for (const double t : kThresholds) tails.push_back(binomial_upper_tail(count_at(t), static_cast<double>(p.size()), t));
    return smallest_of(tails);
  }
  /// p-value of "they are uniform", two-sided.
  [[nodiscard]] double uniform() const { return kolmogorov_smirnov_p_value(p); }
  [[nodiscard]] double smallest_test() const { return law == LawOfP::exact ? smallest_of({conservative(), uniform()}) : conservative(); }
};

/// The ONE check whose p-value comes from a single continuous statistic with an exact law: the ratio of two mean squares of normals, Fisher's F. All others
/// take the smallest of several p-values times their number (which the union bound allows), or judge counts, or use a bound on the tail.
bool has_exact_law(const std::string& claim, const std::string& check) { return claim == "T4" && check == "noise in proportion to alpha"; }

/// The p-value behind a judgement. Typed checks say it: observed is the level, allowed the p-value. The checks of a loss compare a deviation x with Hoeffding's
/// half-width h at the level δ = kTypedFalseAlarm; the same bound at another level: p = min(1, 2 (δ/2)^((x/h)²)). A subject that threw has the p-value 0.
double p_value_of(const Judgement& judgement, bool loss) {
  const double ratio = judgement.ratio();
  const double p = loss ? 2.0 * std::pow(kTypedFalseAlarm / 2.0, ratio * ratio) : judgement.allowed;
  return std::isnan(ratio) || std::isnan(p) ? 0.0 : std::clamp(p, 0.0, 1.0);
}

void add_loss_rows(const Claim& claim, std::uint64_t seed, std::vector<Row>& rows) {
  for (const LossCheck& check : claim.checks) {
    if (!check.randomised) continue;
    for (const LossSubject& subject : core_loss_subjects()) {
      if (!claim.applies_to(subject)) continue;
      Row row{claim.id, check.name, subject.name, LawOfP::bound, {}, {}, 0};
      row.draw = [&claim, &check, subject, seed](std::uint64_t k) -> std::optional<double> {
        for (std::uint64_t number = 0; number < kTries; ++number) {
          const RandomStream stream = case_stream(claim.id, check.name, seed + k, number);
          PointDraws draws(stream, 0);
          const Judgement judgement = judge(check, subject, rounded_case(subject, draw_loss_case(draws, check.limits)));
          if (judgement.skipped.empty()) return p_value_of(judgement, true);
        }
        return std::nullopt;
      };
      rows.push_back(std::move(row));
    }
  }
}

template <class S>
void add_typed_rows(const Claim& claim, const std::vector<S>& subjects, std::uint64_t seed, int case_size, std::vector<Row>& rows) {
  for (const TypedCheck<S>& check : typed_checks<S>(claim)) {
    if (!check.randomised) continue;
    for (const S& subject : subjects) {
      if (!claim.applies_to(subject)) continue;
      Row row{claim.id, check.name, subject.name, has_exact_law(claim.id, check.name) ? LawOfP::exact : LawOfP::bound, {}, {}, 0};
      const int size = std::min(case_size, check.largest);
      row.draw = [&claim, &check, subject, seed, size](std::uint64_t k) -> std::optional<double> {
        for (std::uint64_t i = 0; i < kTries; ++i) {  // the numbers of the cases that `verify` makes of this size
          const std::uint64_t number = static_cast<std::uint64_t>(size - 1) + i * static_cast<std::uint64_t>(check.largest);
          const Judgement judgement = judge(check, subject, case_stream(claim.id, check.name, seed + k, number), size).judgement;
          if (judgement.skipped.empty()) return p_value_of(judgement, false);
        }
        return std::nullopt;
      };
      rows.push_back(std::move(row));
    }
  }
}

std::vector<Row> claim_rows(std::uint64_t seed, int case_size) {
  std::vector<Row> rows;
  for (const Claim& claim : claims()) {
    add_loss_rows(claim, seed, rows);
    add_typed_rows(claim, generator_subjects(), seed, case_size, rows);
    add_typed_rows(claim, scheme_subjects(), seed, case_size, rows);
    add_typed_rows(claim, sampler_subjects(), seed, case_size, rows);
    add_typed_rows(claim, training_subjects(), seed, case_size, rows);
    add_typed_rows(claim, law_subjects(), seed, case_size, rows);
    add_typed_rows(claim, criticality_subjects(), seed, case_size, rows);
    add_typed_rows(claim, flow_subjects(), seed, case_size, rows);
  }
  return rows;
}

// ---- the functions themselves

std::vector<double> normals(PointDraws& draws, int count) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(draws.normal());
  return out;
}

double sum_of_squares(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return sum;
}

/// Counts of `draws` draws from the law p.
std::vector<double> counts(PointDraws& draws, int count, const std::vector<double>& p) {
  std::vector<double> out(p.size(), 0.0);
  for (int i = 0; i < count; ++i) {
    double rest = draws.uniform();
    std::size_t k = 0;
    while (k + 1 < p.size() && rest >= p[k]) rest -= p[k++];
    out[k] += 1.0;
  }
  return out;
}

std::vector<Row> function_rows(std::uint64_t seed) {
  const std::vector<double> cells{0.4, 0.3, 0.2, 0.1};
  std::vector<Row> rows;
  const auto add = [&](const std::string& name, const std::string& of, LawOfP law, std::function<double(PointDraws&)> draw) {
    Row row{"functions", name, of, law, {}, {}, 0};
    row.draw = [name, seed, draw = std::move(draw)](std::uint64_t k) -> std::optional<double> {
      const RandomStream stream = case_stream("calibration", name, seed, k);
      PointDraws draws(stream, 0);
      return draw(draws);
    };
    rows.push_back(std::move(row));
  };
  add("normal", "a normal", LawOfP::exact, [](PointDraws& d) { return normal_p_value(d.normal()); });
  add("sum of squares", "20 normals", LawOfP::exact, [](PointDraws& d) { return sum_of_squares_p_value(sum_of_squares(normals(d, 20)), 20.0); });
  add("variance ratio", "20 and 30 normals", LawOfP::exact, [](PointDraws& d) {
    const double first = sum_of_squares(normals(d, 20)) / 20.0;
    return variance_ratio_p_value(first / (sum_of_squares(normals(d, 30)) / 30.0), 20.0, 30.0);
  });
  add("binomial", "300 trials at 0.3", LawOfP::bound, [](PointDraws& d) { return binomial_p_value(counts(d, 300, {0.3, 0.7})[0], 300.0, 0.3); });
  add("multinomial", "300 draws, 4 cells", LawOfP::bound, [cells](PointDraws& d) { return multinomial_p_value(counts(d, 300, cells), cells); });
  add("Kolmogorov–Smirnov", "100 uniform values", LawOfP::bound, [](PointDraws& d) {
    std::vector<double> values;
    for (int i = 0; i < 100; ++i) values.push_back(d.uniform());
    return kolmogorov_smirnov_p_value(values);
  });
  add("bounded mean", "100 coin tosses", LawOfP::bound, [](PointDraws& d) {
    return bounded_mean_p_value(counts(d, 100, {0.5, 0.5})[0] / 100.0, 0.5, 100.0, 0.0, 1.0);
  });
  add("chi squared", "1000 draws, 4 cells", LawOfP::asymptotic, [cells](PointDraws& d) {
    std::vector<double> expected;
    for (const double p : cells) expected.push_back(1000.0 * p);
    return chi_squared_p_value(counts(d, 1000, cells), expected);
  });
  return rows;
}

// ---- running and showing

void run_rows(std::vector<Row>& rows, Index draws, const std::string& what, Progress& progress) {
  const auto count = static_cast<Index>(rows.size());
  std::vector<std::optional<double>> values(static_cast<std::size_t>(count * draws));
  std::atomic<Index> done{0};
  parallel_for(count * draws, [&](Index job) {
    values[static_cast<std::size_t>(job)] = rows[static_cast<std::size_t>(job / draws)].draw(static_cast<std::uint64_t>(job % draws));
    progress.update(what, static_cast<double>(++done) / static_cast<double>(count * draws));
  });
  for (Index i = 0; i < count; ++i) {
    Row& row = rows[static_cast<std::size_t>(i)];
    row.asked = draws;
    for (Index k = 0; k < draws; ++k)
      if (const auto& value = values[static_cast<std::size_t>(i * draws + k)]) row.p.push_back(*value);
    std::sort(row.p.begin(), row.p.end());
  }
  std::erase_if(rows, [](const Row& row) { return row.p.empty(); });
}

/// p-values of right normals, each divided by 10: what a wrong statistic looks like with as many seeds.
Row planted_row(std::uint64_t seed) {
  Row row{"planted", "normal, p-values divided by 10", "a normal", LawOfP::exact, {}, {}, 0};
  row.draw = [seed](std::uint64_t k) -> std::optional<double> {
    const RandomStream stream = case_stream("calibration", "planted", seed, k);
    return normal_p_value(PointDraws(stream, 0).normal()) / 10.0;
  };
  return row;
}

void write_rows(const std::vector<Row>& rows, const std::filesystem::path& table_file, const std::filesystem::path& values_file) {
  CsvTable table({"claim", "check", "subject", "law", "p_values", "refuted", "smallest", "at_01", "at_05", "at_05_low", "at_05_high", "at_10", "at_50",
                  "conservative_p", "uniform_p"});
  CsvTable values({"claim", "check", "subject", "p", "share"});
  for (const Row& row : rows) {
    const auto n = static_cast<double>(row.p.size());
    const Interval interval = clopper_pearson(row.count_at(0.05), n, 0.95);
    const auto refuted = std::lower_bound(row.p.begin(), row.p.end(), kTypedFalseAlarm) - row.p.begin();
    table.add({row.claim, row.check, row.subject, word(row.law), static_cast<std::int64_t>(row.p.size()), static_cast<std::int64_t>(refuted), row.p.front(),
               row.share_at(0.01), row.share_at(0.05), interval.low, interval.high, row.share_at(0.1), row.share_at(0.5), row.conservative(),
               row.law == LawOfP::exact ? CsvTable::Cell(row.uniform()) : CsvTable::Cell(std::string())});
    // At most 400 points of the empirical distribution function, its ends among them.
    const std::size_t step = std::max<std::size_t>(1, row.p.size() / 400);
    values.add({row.claim, row.check, row.subject, 0.0, 0.0});
    for (std::size_t i = step - 1; i < row.p.size(); i += step) values.add({row.claim, row.check, row.subject, row.p[i], (static_cast<double>(i) + 1.0) / n});
  }
  for (const double end : {0.0, 1.0}) values.add({std::string("uniform"), std::string("uniform"), std::string("uniform"), end, end});
  table.write(table_file);
  values.write(values_file);
}

Json size_table(const std::string& id, const std::string& title, const std::string& caption, const std::string& file, bool of_claims) {
  Json columns{column("check", of_claims ? "check" : "p-value", "s"), column("subject", of_claims ? "subject" : "of", "s"), column("law", "P(p ≤ t) is t", "s"),
               column("p_values", "p-values", "d")};
  if (of_claims) columns.insert(columns.begin(), column("claim", "claim", "s"));
  if (of_claims) columns.push_back(column("refuted", "refuted", "d"));
  for (const Json& one : {column("smallest", "smallest", ".2g"), column("at_01", "p ≤ 0.01", ".3f"),
                          column("at_05", "p ≤ 0.05", ".3f", "at_05_low", "at_05_high"), column("at_10", "p ≤ 0.1", ".3f"), column("at_50", "p ≤ 0.5", ".3f"),
                          column("conservative_p", "never too small", ".2g"), column("uniform_p", "uniform", ".2g")})
    columns.push_back(one);
  return {{"id", id}, {"title", title}, {"caption", caption}, {"file", file}, {"columns", std::move(columns)}};
}

Json size_figure(const std::vector<Row>& rows, const std::string& id, const std::string& title, const std::string& caption, const std::string& file) {
  Json panels = Json::array();
  std::vector<std::string> panel_claims;
  for (const Row& row : rows)
    if (std::find(panel_claims.begin(), panel_claims.end(), row.claim) == panel_claims.end()) panel_claims.push_back(row.claim);
  for (const std::string& claim : panel_claims) {
    Json series = Json::array();
    for (const Row& row : rows) {
      if (row.claim != claim) continue;
      const auto same = std::count_if(rows.begin(), rows.end(), [&](const Row& other) { return other.claim == claim && other.check == row.check; });
      series.push_back({{"label", same > 1 ? row.check + ", " + row.subject : row.check},
                        {"y", "share"},
                        {"where", {{"claim", row.claim}, {"check", row.check}, {"subject", row.subject}}},
                        {"style", "line"}});
    }
    series.push_back({{"label", "uniform"}, {"y", "share"}, {"where", {{"claim", "uniform"}}}, {"style", "dashed"}});
    panels.push_back({{"title", claim == "functions" ? "p-value functions" : claim}, {"series", std::move(series)}});
  }
  return {{"kind", "curves"},
          {"id", id},
          {"title", title},
          {"caption", caption},
          {"file", file},
          {"x", "p"},
          {"x_label", "t"},
          {"y_label", "share of p-values ≤ t"},
          {"log_x", false},
          {"log_y", false},
          {"panels", std::move(panels)}};
}

/// The smallest true P(p ≤ 0.05) that a row of n p-values refuses at least every other time, at this level.
double detectable(double n, double level) {
  double k = 0.0;
  while (k<n&& static_cast<double>(std::size(kThresholds)) * binomial_upper_tail(k, n, 0.05)> level) k += 1.0;
  return k / n;  // the median of a binomial with mean k is k
}

/// The checks whose p-values are all 1.
std::string silent_checks(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (const Row& row : rows)
    if (row.p.front() >= 1.0) names.push_back(fmt::format("{} '{}' on {}", row.claim, row.check, row.subject));
  return fmt::format("{}", fmt::join(names, ", "));
}

struct Smallest {
  double p = 1.0;
  const Row* row = nullptr;
};

Smallest smallest_of_rows(const std::vector<Row>& rows) {
  Smallest out;
  for (const Row& row : rows)
    if (const double p = row.smallest_test(); out.row == nullptr || p < out.p) out = {p, &row};
  return out;
}

std::int64_t passing(const std::vector<Row>& rows) {
  return std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row.smallest_test() >= kFalseAlarm / static_cast<double>(rows.size()); });
}

}  // namespace

CalibrationPart calibrate_size(const ExperimentContext& context) {
  const Index seeds = context.settings.integer_at_least("size.seeds", 10);
  const Index draws = context.settings.integer_at_least("size.draws", 100);
  const auto case_size = static_cast<int>(std::min<Index>(1000, context.settings.integer_at_least("size.case_size", 1)));
  std::vector<Row> rows = claim_rows(context.seed, case_size);
  const std::size_t asked = rows.size();
  run_rows(rows, seeds, "p-values of right subjects", context.progress);
  std::vector<Row> functions = function_rows(context.seed);
  run_rows(functions, draws, "p-value functions", context.progress);
  std::vector<Row> wrong{planted_row(context.seed)};
  run_rows(wrong, seeds, "p-value functions", context.progress);
  if (rows.empty()) throw Error("no claim has a randomised check: there is no size to measure");

  CalibrationPart part;
  std::int64_t refuted = 0;
  std::int64_t judged = 0;
  std::int64_t unjudged = 0;
  for (const Row& row : rows) {
    refuted += std::lower_bound(row.p.begin(), row.p.end(), kTypedFalseAlarm) - row.p.begin();
    judged += static_cast<std::int64_t>(row.p.size());
    unjudged += static_cast<std::int64_t>(row.asked) - static_cast<std::int64_t>(row.p.size());
  }
  const auto count = static_cast<double>(rows.size());
  const Smallest worst = smallest_of_rows(rows);
  part.facts.push_back(
      fmt::format("Size: {} p-values of {} randomised checks on subjects without a defect ({} seeds each, from {} on, cases of size {}): {} refuted at 10⁻¹².",
                  judged, rows.size(), seeds, context.seed, case_size, refuted));
  if (asked > rows.size() || unjudged > 0)
    part.facts.push_back(fmt::format("{} checks and {} seeds gave no p-value: none of {} cases could be judged.", asked - rows.size(), unjudged, kTries));
  part.facts.push_back(
      fmt::format("{} of {} checks pass at the level 10⁻⁶ for the whole table; the smallest p-value of these tests is {:.2g} ({}, {}, {}), and "
                  "{:.2g} were needed to refuse it.",
                  passing(rows), rows.size(), worst.p, worst.row->claim, worst.row->check, worst.row->subject, kFalseAlarm / count));
  part.facts.push_back(fmt::format(
      "What {} seeds can see: a check whose p-values fall below 0.05 in {:.0f} % of seeds is refused every other time. As many p-values of normals, each "
      "divided by 10 on purpose, are refused with p < {:.0e}.",
      seeds, 100.0 * detectable(static_cast<double>(seeds), kFalseAlarm / count), std::max(1e-99, 2.0 * wrong.front().smallest_test())));
  if (std::string silent = silent_checks(rows); !silent.empty())
    part.facts.push_back(fmt::format("Bounds that are never reached: no p-value of {} fell below 1. They cost power, not honesty.", silent));
  const Smallest worst_function = smallest_of_rows(functions);
  part.facts.push_back(fmt::format("{} of {} p-value functions pass the same tests on {} draws each; the smallest p-value is {:.2g} ({}).", passing(functions),
                                   functions.size(), draws, worst_function.p, worst_function.row->check));

  functions.push_back(wrong.front());
  write_rows(rows, context.folder / "size.csv", context.folder / "p_values.csv");
  write_rows(functions, context.folder / "functions.csv", context.folder / "function_p_values.csv");
  part.tables.push_back(size_table(
      "size", "p-values of subjects without a defect",
      fmt::format(
          "Share of {} seeds with a p-value of at most 0.01, 0.05 (with a 95 % Clopper–Pearson interval), 0.1 and 0.5; one case a seed, of size {} where "
          "cases have one. Never too small: one-sided binomial p-value of P(p ≤ t) ≤ t at these four t, corrected for their number. Uniform: "
          "Kolmogorov–Smirnov, only where the p-value comes from one continuous statistic of known law; all other checks take the smallest of several "
          "p-values, judge counts, or use a bound, so that their p-values may be too large, never too small. For L7 the p-value is Hoeffding's bound "
          "at the observed deviation. Subjects of one check are given the same cases: their rows are not independent.",
          seeds, case_size),
      "size.csv", true));
  part.tables.push_back(
      size_table("functions", "The p-value functions by themselves",
                 fmt::format("As above, {} draws of the hypothesis each. The last row, of {} draws, is wrong on purpose: it has to be refused.", draws, seeds),
                 "functions.csv", false));
  part.figures.push_back(size_figure(
      rows, "p-values", "p-values of subjects without a defect",
      fmt::format("Share of {} seeds whose p-value is at most t, one curve a check. On or below the diagonal, up to chance: right. Far below it: conservative, "
                  "which costs power, not honesty. Far above it: false alarms.",
                  seeds),
      "p_values.csv"));
  functions.pop_back();
  part.figures.push_back(size_figure(functions, "function-p-values", "The p-value functions by themselves",
                                     fmt::format("Share of {} draws of the hypothesis whose p-value is at most t.", draws), "function_p_values.csv"));
  return part;
}

}  // namespace slicecheck
