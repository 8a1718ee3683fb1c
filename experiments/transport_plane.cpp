/// Experiment `transport-plane`: oracle SGD on regularised transport in the plane (report 003).

#include "transport_plane.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"

namespace slicecheck::oracle_plane {

namespace {

constexpr Index kFirstTrial = 1024;  // replicates of the trials begin here

/// Positive numbers, ascending.
std::vector<double> numbers(const Settings& s, const std::string& key) {
  std::vector<double> out;
  for (const std::string& word : s.words(key)) {
    double value = 0.0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value) || !(value > 0.0))
      reject("settings: {} has '{}'; expected positive numbers such as 0.5", key, word);
    out.push_back(value);
  }
  std::sort(out.begin(), out.end());
  if (out.empty()) reject("settings: {} is empty", key);
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) reject("settings: {} names a number twice", key);
  return out;
}

std::vector<Index> whole_numbers(const Settings& s, const std::string& key, Index least, Index most) {
  std::vector<Index> out = s.integers(key);
  std::sort(out.begin(), out.end());
  if (out.empty() || std::adjacent_find(out.begin(), out.end()) != out.end() || out.front() < least || out.back() > most)
    reject("settings: {} needs different whole numbers from {} to {}", key, least, most);
  return out;
}

double positive(const Settings& s, const std::string& key) {
  const double value = s.number(key);
  if (!std::isfinite(value) || !(value > 0.0)) reject("settings: {} is {}; it must be finite and positive", key, value);
  return value;
}

Bed bed_of(const Settings& s, const std::string& law, const std::string& generator, std::size_t number) {
  Bed bed;
  bed.law = law;
  bed.generator_name = generator;
  bed.title = law + ", " + generator;
  std::replace(bed.title.begin(), bed.title.begin() + static_cast<std::ptrdiff_t>(law.size()), '-', ' ');
  bed.table = static_cast<std::uint32_t>(1 + number);
  bed.target = law_by_name(law);
  if (bed.target->dimension() != 2) reject("settings: targets has '{}', which has dimension {}", law, bed.target->dimension());
  if (generator == "affine")
    bed.generator = std::make_shared<Affine<double>>(2, 2);
  else if (generator == "mlp")
    bed.generator = std::make_shared<DenseMlp<double>>(2, s.integers("hidden"), 2, parse_activation(s.word("activation")));
  else
    reject("settings: unknown generator '{}'; expected affine or mlp", generator);
  return bed;
}

/// The exact W_2² at the end; infinite where it diverged.
double score(const Eigen::Ref<const Eigen::RowVectorXd>& row) { return std::isfinite(row[kW2]) ? row[kW2] : std::numeric_limits<double>::infinity(); }

std::vector<ArmResult> measure_arms(const Design& design, const ExperimentContext& context) {
  const auto arms = static_cast<Index>(design.arms.size()), multiples = static_cast<Index>(design.multiples.size());
  const auto trials = replicate_table(context, "trials", arms * multiples, row_width(design), [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
    train(design, design.arms[static_cast<std::size_t>(i / multiples)], design.multiples[static_cast<std::size_t>(i % multiples)], context.seed, kFirstTrial,
          row);
  });
  std::vector<ArmResult> out(design.arms.size());
  std::vector<Index> kept(design.arms.size());
  for (Index arm = 0; arm < arms; ++arm) {
    ArmResult& result = out[static_cast<std::size_t>(arm)];
    result.trials = trials.middleRows(arm * multiples, multiples);
    Index best = 0;
    for (Index k = 1; k < multiples; ++k)
      if (score(result.trials.row(k)) < score(result.trials.row(best))) best = k;
    result.multiple = kept[static_cast<std::size_t>(arm)] = design.multiples[static_cast<std::size_t>(best)];
    result.at_edge = best == 0 || best + 1 == multiples;
  }
  const auto rows = replicate_table(context, "trainings", arms * design.replicates, row_width(design), [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
    const auto arm = static_cast<std::size_t>(i / design.replicates);
    train(design, design.arms[arm], kept[arm], context.seed, i % design.replicates, row);
  });
  for (Index arm = 0; arm < arms; ++arm) out[static_cast<std::size_t>(arm)].rows = rows.middleRows(arm * design.replicates, design.replicates);
  return out;
}

void run_transport_plane(const ExperimentContext& context) {
  const Design design = design_of(context);
  Results results;
  results.line = measure_line(design, context);
  results.slopes = measure_slopes(design, context);
  results.batches = measure_batches(design, context);
  results.loose = measure_loose(design, context);
  results.stationarity = measure_stationarity(design, context);
  results.arms = measure_arms(design, context);
  if (context.writes) write_summary(design, results, context);
}

}  // namespace

Design design_of(const ExperimentContext& context) {
  const Settings& s = context.settings;
  Design design;
  for (const std::string& law : s.words("targets"))
    for (const std::string& generator : s.words("generators")) {
      Bed bed = bed_of(s, law, generator, design.beds.size());
      if (std::any_of(design.beds.begin(), design.beds.end(), [&](const Bed& other) { return other.title == bed.title; }))
        reject("settings: targets and generators name '{}' twice", bed.title);
      design.beds.push_back(std::move(bed));
    }
  if (design.beds.empty() || design.beds.size() > 32) reject("settings: targets and generators make {} combinations; expected 1 to 32", design.beds.size());
  design.shares = numbers(s, "lambda_shares");
  for (std::size_t b = 0; b < design.beds.size(); ++b) {
    for (const Loss loss : {Loss::transport, Loss::sinkhorn})
      for (const double share : design.shares) design.arms.push_back({b, loss, share});
    design.arms.push_back({b, Loss::sliced, 0.0});
  }
  design.multiples = whole_numbers(s, "step_multiples", -30, 10);
  design.lambdas = numbers(s, "line.lambdas");
  design.divisors = whole_numbers(s, "stationarity.step_divisors", 1, 1'000'000);
  design.tolerances = numbers(s, "loose.tolerance_shares");
  design.atoms = s.integer_at_least("atoms", 2);
  design.steps = static_cast<std::uint64_t>(s.integer_at_least("steps", 1));
  design.replicates = s.integer_at_least("replicates", 3);
  if (design.replicates > kFirstTrial)
    reject("settings: replicates is {}; it must be at most {}: the starts beyond are those of the trials", design.replicates, kFirstTrial);
  design.directions = s.integer_at_least("directions", 1);
  design.tolerance_share = positive(s, "tolerance_share");
  design.defect = defect_by_name(s.word("defect"));
  for (const char* key : {"line.start", "stationarity.lambda_share", "stationarity.tolerance_share", "loose.lambda_share"}) (void)positive(s, key);
  for (const auto& [key, least] :
       {std::pair{"line.steps", Index{1}}, std::pair{"stationarity.atoms", Index{2}}, std::pair{"stationarity.batch", Index{1}},
        std::pair{"stationarity.steps", Index{2}}, std::pair{"stationarity.replicates", Index{3}}, std::pair{"stationarity.batches", Index{16}},
        std::pair{"loose.atoms", Index{2}}, std::pair{"loose.steps", Index{8}}, std::pair{"loose.replicates", Index{3}}})
    (void)s.integer_at_least(key, least);
  for (std::uint64_t t = 0;; t = std::max(t + 1, t * 3 / 2)) {
    design.looks.push_back(std::min(t, design.steps));
    if (t >= design.steps) break;
  }
  return design;
}

std::string loss_name(Loss loss) { return loss == Loss::transport ? "h_λ" : loss == Loss::sinkhorn ? "L_λ" : "SW_2²"; }

std::string arm_name(const Arm& arm) { return arm.loss == Loss::sliced ? "SW_2²" : fmt::format("{}, λ = {:g} med C", loss_name(arm.loss), arm.share); }

std::string bed_in_list(const Bed& bed) { return fmt::format("{} on {}", bed.generator_name, bed.title.substr(0, bed.title.find(','))); }

double largest_of(const Eigen::Ref<const Points<double>>& values) { return values.allFinite() ? values.maxCoeff() : kNoNumber; }

Index steps_at_edge(const Results& results) {
  return std::count_if(results.arms.begin(), results.arms.end(), [](const ArmResult& arm) { return arm.at_edge; });
}

double worse_of(double one, double other) { return std::isnan(one) || other <= one ? one : other; }

MeanEstimate geometric_mean(const std::vector<double>& values) {
  std::vector<double> logs;
  for (const double value : values) {
    if (!std::isfinite(value) || !(value > 0.0)) return {kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
    logs.push_back(std::log(value));
  }
  const MeanEstimate out = mean_with_t_interval(logs, kConfidence);
  return {std::exp(out.mean), kNoNumber, {std::exp(out.interval.low), std::exp(out.interval.high)}};
}

}  // namespace slicecheck::oracle_plane

namespace slicecheck {

Experiment transport_plane(std::string quick, std::string full) {
  Experiment out{"transport-plane", "Regularised transport in the plane: h_lambda, the Sinkhorn loss and SW (report 003)", std::move(quick), std::move(full),
                 oracle_plane::run_transport_plane};
  out.distributed = true;
  return out;
}

}  // namespace slicecheck
