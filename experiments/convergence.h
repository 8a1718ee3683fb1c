#pragma once
/// What the experiments on the convergence theorems share: replicates with checkpoints, exceedances with intervals, and the judgement "it becomes small with
/// α".

#include <string>
#include <vector>

#include "experiment.h"
#include "slicecheck/claims/verdict.h"
#include "slicecheck/core/replicates.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/statistics/slope_of_medians.h"

namespace slicecheck {

/// One verdict of an experiment, as its section of the report shows it (docs/formats.md).
struct ExperimentVerdict {
  std::string claim;       ///< T1, …
  std::string what;        ///< testbed, or what was broken
  std::string statement;   ///< the prediction
  std::string measured;    ///< the numbers
  std::string sample;      ///< "200 replicates at each of 8 step sizes"
  std::string confidence;  ///< what the outcome may be wrong with, and what it rests on
  Outcome outcome = Outcome::inconclusive;
  Outcome expected = Outcome::holds;
};
Json verdict_json(const ExperimentVerdict& verdict);
Json verdicts_json(const std::vector<ExperimentVerdict>& verdicts);

/// What a part of an experiment adds to summary.json; its CSV files are written already.
struct ConvergencePart {
  std::vector<ExperimentVerdict> verdicts;
  std::vector<std::string> facts;
  Json tables = Json::array();
  Json figures = Json::array();
};

/// The probability that an experiment of this project may pay in all for verdicts that are wrong by chance. Divided by the number of its verdicts.
constexpr double kExperimentFalseAlarm = 1e-6;

/// The table `name` of replicates: run_replicates with the context's ranks, checkpoints in folder/checkpoints/name, and a fingerprint of everything that the
/// rows depend on (settings, seed, profile, program). Settings key checkpoint.seconds.
Points<double> replicate_table(const ExperimentContext& context, const std::string& name, Index count, Index width,
                               const std::function<void(Index replicate, Eigen::Ref<Eigen::RowVectorXd> row)>& compute);

/// A number of replicate that no two tables share: stream replicates of table number `table` start at table·2^20.
std::uint32_t stream_replicate(std::uint32_t table, Index replicate);

/// The share of values that exceed η, with Clopper and Pearson's interval.
struct Exceedance {
  double share;
  Interval interval;
};
Exceedance exceedance(const std::vector<double>& values, double eta, double confidence);

/// α_0 2^{−j}, j = 0, …, count − 1. @throws InputError unless count ≥ 1 and α_0 is finite and positive.
std::vector<double> halved_step_sizes(double first, Index count);

/// What is judged: distances at falling step sizes, independent replicates in each.
struct ConvergenceData {
  std::vector<double> step_sizes;          ///< falling
  std::vector<std::vector<double>> upper;  ///< [step size][replicate]: upper bounds of the true distances
  std::vector<std::vector<double>> lower;  ///< lower bounds of them, for "refuted"; may be 0
  std::vector<double> etas;                ///< ascending
};

struct ConvergenceJudgement {
  Outcome outcome = Outcome::inconclusive;
  double trend_p_value = 1.0;                        ///< of "the upper distances do not fall"
  MedianSlope slope;                                 ///< of the medians of the upper distances, at 95 %
  Interval guaranteed{};                             ///< of that slope, at the level of the verdict
  std::vector<std::vector<Exceedance>> exceedances;  ///< [step size][η], of the upper distances; 95 % intervals, for tables
  std::string measured;                              ///< a sentence with the numbers
};

/// HOLDS, unless it is refuted, if (i) the trend test says that the upper distances fall with α, and (ii) for some η the probability to exceed it is above 1/2
/// at the largest α and below 1/2 at the smallest, and (iii) the guaranteed interval of the slope of log median against log α is positive; each at a share of
/// `level`, so that a family of distances that does not fall is called "holds" with probability ≤ level.
///
/// REFUTED if for some η the LOWER distances exceed it with probability above 1/2 at each of the two smallest step sizes, and the true medians fall more slowly
/// than α^flat: the lower median at the smallest α is surely above the upper median at the largest times (α_last/α_first)^flat. The distance stays, and does
/// not fall like a rate. A limit as α → 0 is out of reach of any measurement: what is refuted is that it shows at the measured step sizes. Otherwise
/// inconclusive.
/// @throws InputError for fewer than 3 step sizes and unequal shapes.
ConvergenceJudgement judge_convergence(const ConvergenceData& data, double level, std::uint64_t seed, double flat = 0.25);

/// The median of each group; the mean of the two middle values where their number is even.
std::vector<double> medians_of(const std::vector<std::vector<double>>& groups);

/// "2^-7" for 1/128; the number otherwise.
std::string power_text(double alpha);

}  // namespace slicecheck
