/// Experiment `p-not-2`: SW_p^p for p ≠ 2 as a training loss (left open by report 002).

#include "p_not_2.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "experiments.h"
#include "plane.h"
#include "slicecheck/core/error.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/sample_loss.h"
#include "slicecheck/measures/idx_images.h"
#include "slicecheck/torch/conv_generator.h"

namespace slicecheck::exponents {

namespace {

constexpr Index kMostBatches = 1000;                // of an evaluation: it has 1024 numbers of its own, the last of them for W_2²
constexpr Index kMostSteps = (Index{1} << 24) - 1;  // of a training: numbers from 2^24 on are other evaluations

double positive(const Settings& s, const std::string& key) {
  const double value = s.number(key);
  if (!std::isfinite(value) || !(value > 0.0)) reject("settings: {} is {}; it must be finite and positive", key, value);
  return value;
}

std::vector<double> chosen_exponents(const Settings& s) {
  std::vector<double> out;
  for (const std::string& word : s.words("exponents")) {
    double p = 0.0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), p);
    if (error != std::errc() || end != word.data() + word.size()) reject("settings: exponents has '{}'; expected numbers such as 1.5", word);
    check_exponent(p);
    out.push_back(p);
  }
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) reject("settings: exponents names a number twice");
  if (std::find(out.begin(), out.end(), 2.0) == out.end()) reject("settings: exponents must have 2: the others are compared with it");
  return out;
}

std::vector<double> chosen_shares(const Settings& s) {
  std::vector<Index> powers = s.integers("share_exponents");
  std::sort(powers.begin(), powers.end());
  const bool twice = std::adjacent_find(powers.begin(), powers.end()) != powers.end();
  if (twice || powers.size() < 3 || powers.front() < -40 || powers.back() > 20)
    reject("settings: share_exponents needs at least 3 different whole numbers from -40 to 20");
  std::vector<double> out;
  for (const Index k : powers) out.push_back(std::ldexp(1.0, static_cast<int>(k)));
  return out;
}

/// 1, 2, …, then about four to a doubling, and the last step.
std::vector<std::uint64_t> looks_until(std::uint64_t steps) {
  std::vector<std::uint64_t> out;
  for (int k = 0;; ++k) {
    const auto step = static_cast<std::uint64_t>(std::llround(std::exp2(0.25 * k)));
    if (step >= steps) break;
    if (out.empty() || out.back() != step) out.push_back(step);
  }
  out.push_back(steps);
  return out;
}

Testbed common_testbed(const Settings& s, const std::string& section, std::uint32_t table) {
  const auto at_least = [&](const std::string& key, Index least) { return s.integer_at_least(section + "." + key, least); };
  Testbed bed;
  bed.table = table;
  bed.batch = at_least("batch", 1);
  bed.directions = at_least("directions", 1);
  const Index steps = at_least("steps", 2);
  if (steps > kMostSteps) reject("settings: {}.steps is {}; it must be at most {}", section, steps, kMostSteps);
  bed.steps = static_cast<std::uint64_t>(steps);
  bed.trials = at_least("trials", 1);
  bed.replicates = at_least("replicates", 3);
  bed.figure_points = at_least("figure_points", 1);
  bed.w2_points = at_least("w2_points", 1);
  bed.final = {bed.batch, at_least("final_batches", 2), at_least("final_directions", 1), kConfidence};
  bed.along = {bed.batch, at_least("batches", 1), at_least("evaluation_directions", 1), kConfidence};
  for (const auto& [key, batches] : {std::pair{"batches", bed.along.batches}, std::pair{"final_batches", bed.final.batches}})
    if (batches > kMostBatches) reject("settings: {}.{} is {}; it must be at most {}", section, key, batches, kMostBatches);
  bed.looks = looks_until(bed.steps);
  return bed;
}

void add_plane(Design& design, const ExperimentContext& context) {
  const Settings& s = context.settings;
  for (const std::string& law : s.words("plane.targets")) {
    if (std::any_of(design.testbeds.begin(), design.testbeds.end(), [&](const Testbed& bed) { return bed.id == law; }))
      reject("settings: plane.targets names '{}' twice", law);
    Testbed bed = common_testbed(s, "plane", static_cast<std::uint32_t>(1 + design.testbeds.size()));
    if (bed.table > 32) reject("settings: plane.targets names {} laws; at most 32 are possible", s.words("plane.targets").size());
    bed.id = law;
    bed.title = law;
    std::replace(bed.title.begin(), bed.title.end(), '-', ' ');
    bed.source = FiniteLaw::discretised(*law_by_name("standard-normal"), s.integer_at_least("source_atoms", 1), {context.seed, Purpose::law, bed.table, 0});
    bed.target = law_by_name(law);
    if (bed.target->dimension() != 2) reject("settings: plane.targets has '{}', which has dimension {}", law, bed.target->dimension());
    bed.generator = std::make_shared<DenseMlp<float>>(2, s.integers("plane.hidden"), 2, parse_activation(s.word("plane.activation")));
    design.testbeds.push_back(std::move(bed));
  }
}

void add_images(Design& design, const ExperimentContext& context) {
  const Settings& s = context.settings;
  if (!s.truth("images.run")) {
    design.not_run.emplace_back("FashionMNIST: not run, images.run is false.");
    return;
  }
  const auto path = context.data / "fashion-mnist" / "train-images-idx3-ubyte";
  if (!std::filesystem::exists(path)) {
    design.not_run.push_back(fmt::format("FashionMNIST: not run, {} is missing; scripts/fetch_data.sh puts it there.", path.string()));
    return;
  }
  Testbed bed = common_testbed(s, "images", 40);
  bed.id = "fashion-mnist";
  bed.title = "FashionMNIST";
  IdxImages images = read_idx_images(path);
  if (images.height != TransposedConvolutions::kSide || images.width != TransposedConvolutions::kSide)
    reject("{}: images of {} × {}; FashionMNIST has {} × {}", path.string(), images.height, images.width, TransposedConvolutions::kSide,
           TransposedConvolutions::kSide);
  bed.side = images.height;
  bed.source = FiniteLaw::discretised(*Gaussian::standard(TransposedConvolutions::kInput), s.integer_at_least("source_atoms", 1),
                                      {context.seed, Purpose::law, bed.table, 0});
  bed.target = std::make_shared<ImageLaw>("FashionMNIST", std::move(images));
  bed.generator = std::make_shared<ConvGenerator>(s.integer_at_least("images.width", 1), positive(s, "images.initial_gain"));
  design.testbeds.push_back(std::move(bed));
}

constexpr Index kFirstTrial = 1024;  // replicates of the trials begin here: no training that is shown starts like a trial

/// The mean logarithm of F at the end; infinite where a trial diverged.
double score(const Measured& m) {
  double sum = 0.0;
  for (const double f : m.values(kEnd + static_cast<Index>(Yardstick::f)))
    sum += std::isfinite(f) && f > 0.0 ? std::log(f) : std::numeric_limits<double>::infinity();
  return sum;
}

TestbedResults measure(const Testbed& bed, const Design& design, const ExperimentContext& context) {
  const std::size_t exponents = design.exponents.size(), shares = design.shares.size();
  TestbedResults out;
  for (const double p : design.exponents) out.scales.push_back(scale_of(bed, p, design.noise_share, context.seed, stream_replicate(bed.table, kFirstTrial)));
  out.floors = floors_of(bed, design.exponents, context.seed);
  out.radius = context.settings.number("radius_share") *
               bed.generator->initial({context.seed, Purpose::initial, stream_replicate(bed.table, 0), 0}).cast<double>().norm();

  const auto trial = [&](std::size_t arm) {
    const std::size_t e = arm / shares;
    return Training{design.exponents[e], design.shares[arm % shares] * out.scales[e].unit, 0.0, 0.0, 0};
  };
  const auto trials = replicate_table(context, "trials-" + bed.id, static_cast<Index>(exponents * shares) * bed.trials, row_width(bed, false),
                                      [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
                                        Training training = trial(static_cast<std::size_t>(i / bed.trials));
                                        training.stream = stream_replicate(bed.table, kFirstTrial + i % bed.trials);
                                        train(bed, training, context.seed, row);
                                      });
  for (std::size_t arm = 0; arm < exponents * shares; ++arm)
    out.trials.push_back(
        {trial(arm).p, false, design.shares[arm % shares], trial(arm).alpha, trials.middleRows(static_cast<Index>(arm) * bed.trials, bed.trials)});

  std::vector<std::size_t> kept;
  for (std::size_t e = 0; e < exponents; ++e) {
    const auto first = out.trials.begin() + static_cast<std::ptrdiff_t>(e * shares);
    const auto best =
        std::min_element(first, first + static_cast<std::ptrdiff_t>(shares), [](const Measured& a, const Measured& b) { return score(a) < score(b); });
    kept.push_back(static_cast<std::size_t>(best - first));
    out.at_edge.push_back(kept.back() == 0 || kept.back() + 1 == shares);
  }
  const auto final_training = [&](std::size_t arm, Index replicate) {
    const std::size_t e = arm % exponents;
    const bool noised = arm >= exponents;
    return Training{design.exponents[e], design.shares[kept[e]] * out.scales[e].unit, noised ? out.radius : 0.0, noised ? out.scales[e].noise : 0.0,
                    stream_replicate(bed.table, replicate)};
  };
  const auto finals = replicate_table(context, "trainings-" + bed.id, static_cast<Index>(2 * exponents) * bed.replicates, row_width(bed, true),
                                      [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
                                        train(bed, final_training(static_cast<std::size_t>(i / bed.replicates), i % bed.replicates), context.seed, row);
                                      });
  for (std::size_t arm = 0; arm < 2 * exponents; ++arm) {
    const Training first = final_training(arm, 0);
    out.finals.push_back({first.p, arm >= exponents, design.shares[kept[arm % exponents]], first.alpha,
                          finals.middleRows(static_cast<Index>(arm) * bed.replicates, bed.replicates)});
    const TrainingParts<float> parts = parts_of(bed, first, context.seed);
    const Vector<float> u0 = parts.generator->initial({parts.seed, Purpose::initial, parts.replicate, 0});
    const Batch<float> batch = parts.sampler->draw(0);
    out.u0_hashes.push_back(fmt::format("{:016x}", hash_of(u0.transpose())));
    out.batch_hashes.push_back(fmt::format("{:016x}", hash_of(batch.directions, hash_of(batch.y, hash_of(batch.x)))));
  }
  return out;
}

void run_p_not_2(const ExperimentContext& context) {
  const Design design = design_of(context);
  std::vector<TestbedResults> results;
  for (const Testbed& bed : design.testbeds) results.push_back(measure(bed, design, context));
  const auto hover = measure_hover(design, context);
  if (context.writes) write_summary(design, results, hover, context);
}

}  // namespace

Design design_of(const ExperimentContext& context) {
  const Settings& s = context.settings;
  Design design;
  design.exponents = chosen_exponents(s);
  design.shares = chosen_shares(s);
  design.levels = s.integers("levels");
  std::sort(design.levels.begin(), design.levels.end());
  if (std::adjacent_find(design.levels.begin(), design.levels.end()) != design.levels.end()) reject("settings: levels names a number twice");
  if (design.levels.empty() || design.levels.front() < 1 || design.levels.back() > 99) reject("settings: levels needs per cents from 1 to 99");
  design.noise_share = positive(s, "noise_share");
  (void)positive(s, "radius_share");
  for (const char* key : {"hover.away", "hover.first_step_size", "hover.network_first_step_size"}) (void)positive(s, key);
  for (const auto& [key, least] : {std::pair{"hover.replicates", Index{2}}, std::pair{"hover.step_sizes", Index{3}}, std::pair{"hover.steps", Index{16}},
                                   std::pair{"hover.network_steps", Index{16}}})
    (void)s.integer_at_least(key, least);  // the hovering comes last: a wrong setting of it is refused before the trainings
  add_plane(design, context);
  add_images(design, context);
  if (design.testbeds.empty()) reject("settings: plane.targets is empty, and there are no images; there is nothing to train on");
  return design;
}

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

}  // namespace slicecheck::exponents

namespace slicecheck {

Experiment p_not_2(std::string quick, std::string full) {
  Experiment out{"p-not-2", "SW_p for p other than 2, steps compared at equal decrease (left open by report 002)", std::move(quick), std::move(full),
                 exponents::run_p_not_2};
  out.distributed = true;
  return out;
}

}  // namespace slicecheck
