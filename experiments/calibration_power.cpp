/// Part 3 of `calibration`: for every claim, the planted defect that is hardest to see.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <map>

#include "calibration.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/gallery/matrix.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/statistics/binomial.h"
#include "summary.h"

namespace slicecheck {

namespace {

constexpr double kConfidence = 0.95;
constexpr double kMissed = 1e-6;  // probability that no case refuses the defect

/// One check of one claim on one planted defect.
struct Job {
  const Claim* claim;
  const PlantedDefect* defect;
  std::string check;
  std::uint64_t cases;                             ///< drawn here
  std::uint64_t drawn;                             ///< drawn by `verify` in this profile
  std::function<Judgement(std::uint64_t)> judged;  ///< of case number i
  double refused = 0.0;
  double skipped = 0.0;

  [[nodiscard]] double share() const { return refused / static_cast<double>(cases); }
  [[nodiscard]] Interval interval() const { return clopper_pearson(refused, static_cast<double>(cases), kConfidence); }
};

struct PowerBudget {
  std::uint64_t cases;
  std::uint64_t least;
  std::uint64_t verify;  ///< cases per check of `verify`
  std::uint64_t seed;
};

/// As `verify` counts: one in `cost` of the budget, but not fewer than `least`.
std::uint64_t case_count(std::uint64_t cases, std::uint64_t least, std::uint64_t cost) {
  return std::min(cases, std::max(least, cases / std::max<std::uint64_t>(1, cost)));
}

void add_jobs(const Claim& claim, const PlantedDefect& defect, const LossSubject& subject, const PowerBudget& budget, std::vector<Job>& jobs) {
  for (const LossCheck& check : claim.checks) {
    if ((check.other_exponents && subject.squares_only) || (check.per_direction && subject.one_value_only)) continue;
    jobs.push_back({&claim, &defect, check.name, case_count(budget.cases, budget.least, check.cost), case_count(budget.verify, claim.minimum_cases, check.cost),
                    [&claim, &check, &subject, seed = budget.seed](std::uint64_t number) {
                      const RandomStream stream = case_stream(claim.id, check.name, seed, number);
                      PointDraws draws(stream, 0);
                      return judge(check, subject, rounded_case(subject, draw_loss_case(draws, check.limits)));
                    }});
  }
}

template <class S>
void add_jobs(const Claim& claim, const PlantedDefect& defect, const S& subject, const PowerBudget& budget, std::vector<Job>& jobs) {
  for (const TypedCheck<S>& check : typed_checks<S>(claim))
    jobs.push_back({&claim, &defect, check.name, case_count(budget.cases, budget.least, check.cost), case_count(budget.verify, claim.minimum_cases, check.cost),
                    [&claim, &check, &subject, seed = budget.seed](std::uint64_t number) {
                      const int size = 1 + static_cast<int>(number % static_cast<std::uint64_t>(check.largest));
                      return judge(check, subject, case_stream(claim.id, check.name, seed, number), size).judgement;
                    }});
}

void run_jobs(std::vector<Job>& jobs, Progress& progress) {
  std::vector<std::size_t> first{0};
  for (const Job& job : jobs) first.push_back(first.back() + static_cast<std::size_t>(job.cases));
  std::vector<std::int8_t> outcomes(first.back());  // 1 refused, −1 skipped
  std::atomic<std::size_t> done{0};
  parallel_for(static_cast<Index>(outcomes.size()), [&](Index i) {
    const auto position = static_cast<std::size_t>(i);
    const auto job = static_cast<std::size_t>(std::upper_bound(first.begin(), first.end(), position) - first.begin()) - 1;
    const Judgement judgement = jobs[job].judged(position - first[job]);
    outcomes[position] = !judgement.skipped.empty() ? std::int8_t{-1} : judgement.refutes() ? std::int8_t{1} : std::int8_t{0};
    progress.update("power on planted defects", static_cast<double>(++done) / static_cast<double>(outcomes.size()));
  });
  for (std::size_t j = 0; j < jobs.size(); ++j)
    for (std::size_t i = first[j]; i < first[j + 1]; ++i) {
      jobs[j].refused += outcomes[i] == 1 ? 1.0 : 0.0;
      jobs[j].skipped += outcomes[i] == -1 ? 1.0 : 0.0;
    }
}

/// Smallest N with 1 − (1 − p)^N ≥ 1 − 10⁻⁶.
double cases_needed(double p) { return p >= 1.0 ? 1.0 : std::ceil(std::log(kMissed) / std::log1p(-p)); }

/// Of a claim: on each defect the check that refuses most of its cases; of these, the defect with the smallest share above 0.
struct Nearest {
  const Claim* claim;
  const Job* job = nullptr;
  std::int64_t tried = 0;
  std::int64_t refused = 0;
};

std::vector<Nearest> nearest_defects(const std::vector<Job>& jobs) {
  std::vector<Nearest> all;
  for (std::size_t i = 0; i < jobs.size();) {
    if (all.empty() || all.back().claim != jobs[i].claim) all.push_back({jobs[i].claim});
    Nearest& nearest = all.back();
    const Job* best = &jobs[i];
    for (const PlantedDefect* defect = best->defect; i < jobs.size() && jobs[i].defect == defect && jobs[i].claim == nearest.claim; ++i)
      if (jobs[i].share() > best->share()) best = &jobs[i];
    ++nearest.tried;
    if (!(best->refused > 0.0)) continue;
    ++nearest.refused;
    if (nearest.job == nullptr || best->share() < nearest.job->share()) nearest.job = best;
  }
  return all;
}

void write_pairs(const std::vector<Job>& jobs, const std::filesystem::path& file) {
  CsvTable table({"claim", "check", "defect", "cases", "skipped", "refused", "share", "share_low", "share_high"});
  for (const Job& job : jobs)
    table.add({job.claim->id, job.check, job.defect->name, static_cast<std::int64_t>(job.cases), static_cast<std::int64_t>(job.skipped),
               static_cast<std::int64_t>(job.refused), job.share(), job.interval().low, job.interval().high});
  table.write(file);
}

void write_nearest(const std::vector<Nearest>& all, const std::filesystem::path& file) {
  CsvTable table({"claim", "title", "check", "defect", "what", "cases", "refused", "share", "share_low", "share_high", "needed", "needed_at_low", "drawn",
                  "missed", "defects_refused", "defects_tried"});
  for (const Nearest& nearest : all) {
    if (nearest.job == nullptr) continue;
    const Job& job = *nearest.job;
    const Interval interval = job.interval();
    table.add({nearest.claim->id, nearest.claim->title, job.check, job.defect->name, job.defect->title, static_cast<std::int64_t>(job.cases),
               static_cast<std::int64_t>(job.refused), job.share(), interval.low, interval.high, cases_needed(job.share()), cases_needed(interval.low),
               static_cast<std::int64_t>(job.drawn), std::pow(1.0 - job.share(), static_cast<double>(job.drawn)), nearest.refused, nearest.tried});
  }
  table.write(file);
}

Json power_table(const PowerBudget& budget) {
  const std::string cases = budget.least < budget.cases ? fmt::format("{} drawn cases, fewer where a case is long, but at least {}", budget.cases, budget.least)
                                                        : fmt::format("{} drawn cases", budget.cases);
  return {
      {"id", "power"},
      {"title", "The nearest planted defect of every claim"},
      {"caption",
       fmt::format(
           "Every check on every planted defect that it judges, on {} (the first ones of `verify --seed {}`). For each defect the check that refuses most "
           "cases; shown is the defect with the smallest share of refused cases above "
           "0. Share: of all cases drawn, those that could not be judged included, with a 95 % Clopper–Pearson interval. Needed: cases for which at least "
           "one refuses the defect with probability 1 − 10⁻⁶, at the measured share and at the lower end of its interval. Missed: probability, at the measured "
           "share, that none of the cases of this check refuses it in a `verify` of {} cases a check (fewer where a case is long). The row is chosen after the "
           "fact, as the smallest of many: its share is, if anything, too small, and a larger budget finds defects that are harder still. Defects that no "
           "case refused here are counted, not shown. power_pairs.csv has every pair.",
           cases, budget.seed, budget.verify)},
      {"file", "power.csv"},
      {"columns",
       {column("claim", "claim", "s"), column("check", "check", "s"), column("defect", "defect", "s"), column("what", "what is wrong", "s"),
        column("cases", "cases", "d"), column("share", "share refused", ".2g", "share_low", "share_high"), column("needed", "needed", ".0f"),
        column("needed_at_low", "at the lower end", ".0f"), column("drawn", "drawn by verify", "d"), column("missed", "missed", ".1g"),
        column("defects_refused", "defects refused", "d"), column("defects_tried", "of", "d")}}};
}

/// All claims together: the defect whose best check, of any claim, has the smallest share.
std::string whole_suite_fact(const std::vector<Job>& jobs) {
  std::map<const PlantedDefect*, const Job*> best;  // they lie in one vector: its order
  for (const Job& job : jobs) {
    const Job*& of_defect = best[job.defect];
    if (of_defect == nullptr || job.share() > of_defect->share()) of_defect = &job;
  }
  const Job* hardest = nullptr;
  std::vector<std::string> unseen;
  for (const auto& [defect, job] : best) {
    if (!(job->refused > 0.0)) unseen.push_back(defect->name);
    if (job->refused > 0.0 && (hardest == nullptr || job->share() < hardest->share())) hardest = job;
  }
  if (hardest == nullptr) return fmt::format("None of {} planted defects was refused on this budget.", best.size());
  const Interval interval = hardest->interval();
  std::string fact = fmt::format(
      "All claims together: of {} planted defects the hardest is {}; {} '{}' refuses it in {:.2g} [{:.2g}, {:.2g}] of cases: {:.0f} needed.", best.size(),
      hardest->defect->name, hardest->claim->id, hardest->check, hardest->share(), interval.low, interval.high, cases_needed(hardest->share()));
  if (!unseen.empty()) fact += fmt::format(" Not refused on this budget: {}.", fmt::join(unseen, ", "));
  return fact;
}

std::vector<std::string> power_facts(const std::vector<Job>& jobs, const std::vector<Nearest>& all, const PowerBudget& budget) {
  std::vector<std::string> facts;
  const Nearest* hardest = nullptr;
  std::vector<std::string> blind;
  std::vector<std::string> short_of;
  std::uint64_t cases = 0;
  for (const Job& job : jobs) cases += job.cases;
  for (const Nearest& nearest : all) {
    if (nearest.job == nullptr) {
      blind.push_back(nearest.claim->id);
      continue;
    }
    if (hardest == nullptr || nearest.job->share() < hardest->job->share()) hardest = &nearest;
    if (cases_needed(nearest.job->share()) > static_cast<double>(nearest.job->drawn))
      short_of.push_back(fmt::format("{} ({} needed, {} drawn)", nearest.claim->id, cases_needed(nearest.job->share()), nearest.job->drawn));
  }
  if (hardest != nullptr) {
    const Interval interval = hardest->job->interval();
    facts.push_back(
        fmt::format("Power: {} single cases of {} (claim, check, defect). The hardest nearest defect is that of {}: {} is refused by '{}' in {:.2g} "
                    "[{:.2g}, {:.2g}] of cases, so that {:.0f} cases refuse it with probability 1 − 10⁻⁶.",
                    cases, jobs.size(), hardest->claim->id, hardest->job->defect->name, hardest->job->check, hardest->job->share(), interval.low, interval.high,
                    cases_needed(hardest->job->share())));
  }
  facts.push_back(short_of.empty() ? "Every claim's nearest defect needs no more cases of its best check than `verify` draws."
                                   : fmt::format("`verify` with {} cases a check draws fewer than the nearest defect of these claims needs for 1 − 10⁻⁶: {}.",
                                                 budget.verify, fmt::join(short_of, ", ")));
  facts.push_back(whole_suite_fact(jobs));
  if (!blind.empty()) facts.push_back(fmt::format("No planted defect was refused on this budget by {}.", fmt::join(blind, ", ")));
  return facts;
}

}  // namespace

CalibrationPart calibrate_power(const ExperimentContext& context) {
  const PowerBudget budget{static_cast<std::uint64_t>(context.settings.integer_at_least("power.cases", 1)),
                           static_cast<std::uint64_t>(context.settings.integer_at_least("power.least", 1)),
                           static_cast<std::uint64_t>(context.settings.integer_at_least("power.verify_cases", 1)), context.seed};
  const auto defects = gallery();
  std::vector<Job> jobs;
  for (const Claim& claim : claims())
    for (const PlantedDefect& defect : defects)
      if (claim.applies_to(defect.subject)) std::visit([&](const auto& subject) { add_jobs(claim, defect, subject, budget, jobs); }, defect.subject);
  if (jobs.empty()) throw Error("no claim judges a planted defect: there is no power to measure");
  run_jobs(jobs, context.progress);
  const auto all = nearest_defects(jobs);
  write_pairs(jobs, context.folder / "power_pairs.csv");
  write_nearest(all, context.folder / "power.csv");
  CalibrationPart part;
  part.facts = power_facts(jobs, all, budget);
  part.tables.push_back(power_table(budget));
  return part;
}

}  // namespace slicecheck
