#include "convergence.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"
#include "slicecheck/statistics/binomial.h"
#include "slicecheck/statistics/trend.h"

namespace slicecheck {

namespace {

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/// The slope needs positive medians; a lower bound may be 0 throughout.
bool all_medians_positive(const std::vector<std::vector<double>>& groups) {
  return std::all_of(groups.begin(), groups.end(), [](const auto& group) { return median_of(group) > 0.0; });
}

void check_data(const ConvergenceData& data) {
  const std::size_t count = data.step_sizes.size();
  if (count < 3) reject("convergence: {} step sizes; at least 3 are needed", count);
  if (data.upper.size() != count || data.lower.size() != count || data.etas.empty())
    reject("convergence: {} step sizes, {} and {} groups of distances, {} thresholds", count, data.upper.size(), data.lower.size(), data.etas.size());
  for (std::size_t j = 1; j < count; ++j)
    if (!(data.step_sizes[j] < data.step_sizes[j - 1]))
      reject("convergence: step size {} follows {}; they must fall", data.step_sizes[j], data.step_sizes[j - 1]);
}

}  // namespace

Json verdict_json(const ExperimentVerdict& v) {
  return {{"claim", v.claim},
          {"what", v.what},
          {"statement", v.statement},
          {"measured", v.measured},
          {"sample", v.sample},
          {"confidence", v.confidence},
          {"outcome", std::string(outcome_name(v.outcome))},
          {"expected", std::string(outcome_name(v.expected))}};
}

Json verdicts_json(const std::vector<ExperimentVerdict>& verdicts) {
  Json all = Json::array();
  for (const ExperimentVerdict& verdict : verdicts) all.push_back(verdict_json(verdict));
  return all;
}

Points<double> replicate_table(const ExperimentContext& context, const std::string& name, Index count, Index width,
                               const std::function<void(Index replicate, Eigen::Ref<Eigen::RowVectorXd> row)>& compute) {
  ReplicateSettings settings;
  settings.checkpoint_folder = context.folder / "checkpoints" / name;
  settings.checkpoint_seconds = context.settings.number("checkpoint.seconds");
  settings.fingerprint = fmt::format("{} {} {} × {} seed {} program {}\n{}", context.profile, name, count, width, context.seed, build::fingerprint(),
                                     context.settings.json().dump());
  settings.resume = context.resume;
  return run_replicates(count, width, compute, settings, context.ranks, fmt::format("{}: {}", context.folder.filename().string(), name), context.progress);
}

std::uint32_t stream_replicate(std::uint32_t table, Index replicate) {
  if (table >= 4096 || replicate < 0 || replicate >= (Index{1} << 20))
    throw Error(fmt::format("replicate {} of table {} has no stream of its own", replicate, table));
  return (table << 20) | static_cast<std::uint32_t>(replicate);
}

Exceedance exceedance(const std::vector<double>& values, double eta, double confidence) {
  const auto above = static_cast<double>(std::count_if(values.begin(), values.end(), [&](double value) { return !(value <= eta); }));
  const auto all = static_cast<double>(values.size());
  return {above / all, clopper_pearson(above, all, confidence)};
}

std::vector<double> halved_step_sizes(double first, Index count) {
  if (count < 1 || !std::isfinite(first) || !(first > 0.0)) reject("step sizes: {} of them from {}; expected at least one, and a positive first", count, first);
  std::vector<double> out;
  for (Index j = 0; j < count; ++j) out.push_back(std::ldexp(first, -static_cast<int>(j)));
  return out;
}

std::vector<double> medians_of(const std::vector<std::vector<double>>& groups) {
  std::vector<double> out;
  for (const auto& group : groups) out.push_back(median_of(group));
  return out;
}

std::string power_text(double alpha) {
  int exponent = 0;
  return std::frexp(alpha, &exponent) == 0.5 ? fmt::format("2^{}", exponent - 1) : fmt::format("{:.4g}", alpha);
}

ConvergenceJudgement judge_convergence(const ConvergenceData& data, double level, std::uint64_t seed, double flat) {
  check_data(data);
  const std::size_t last = data.step_sizes.size() - 1;
  const auto etas = static_cast<double>(data.etas.size());
  ConvergenceJudgement out;
  for (const auto& group : data.upper) {
    out.exceedances.emplace_back();
    for (const double eta : data.etas) out.exceedances.back().push_back(exceedance(group, eta, 0.95));
  }
  out.trend_p_value = decreasing_trend_p_value(data.upper);
  const RandomStream bootstrap(seed, Purpose::cases, 0xB007U, 0);
  out.slope = slope_of_log_medians(data.step_sizes, data.upper, 0.95, 2000, bootstrap);
  out.guaranteed = guaranteed_slope_interval(data.step_sizes, data.upper, 1.0 - level / 3.0);
  // (ii) Two intervals for each η; each may err with level/(6·etas) at the end that counts.
  const double confidence = 1.0 - level / (3.0 * etas);
  bool moved = false;
  for (const double eta : data.etas)
    moved = moved || (exceedance(data.upper.front(), eta, confidence).interval.low > 0.5 && exceedance(data.upper[last], eta, confidence).interval.high < 0.5);
  const bool falls = out.trend_p_value <= level / 3.0 && out.guaranteed.low > 0.0;
  bool stays = false;
  if (all_medians_positive(data.lower)) {
    const double first = median_interval(data.upper.front(), 1.0 - level / 3.0).high;
    const double end = median_interval(data.lower[last], 1.0 - level / 3.0).low;
    const bool slow = end > first * std::pow(data.step_sizes[last] / data.step_sizes.front(), flat);
    for (const double eta : data.etas)
      stays =
          stays || (exceedance(data.lower[last], eta, confidence).interval.low > 0.5 && exceedance(data.lower[last - 1], eta, confidence).interval.low > 0.5);
    stays = stays && slow;
  }
  out.outcome = stays ? Outcome::refuted : falls && moved ? Outcome::holds : Outcome::inconclusive;  // distances that fall towards a positive limit stay
  out.measured = fmt::format(
      "median {:.3g} at α = {}, {:.3g} at {}; slope of log median {:.3f} (bootstrap 95 %: {:.3f} to {:.3f}; surely in [{:.2f}, {:.2f}]); trend p {}",
      out.slope.medians.front(), power_text(data.step_sizes.front()), out.slope.medians.back(), power_text(data.step_sizes.back()), out.slope.slope,
      out.slope.interval.low, out.slope.interval.high, out.guaranteed.low, out.guaranteed.high,
      out.trend_p_value > 0.0 ? fmt::format("= {:.1e}", out.trend_p_value) : std::string("< 1e-300"));
  return out;
}

}  // namespace slicecheck
