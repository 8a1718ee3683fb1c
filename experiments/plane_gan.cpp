/// Experiment `plane-gan`: report 002, section 2.1 and Figures 2.1–2.2, made fair.

#include "plane_gan.h"

#include <fmt/format.h>

#include <cmath>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/generators/box_generator.h"
#include "slicecheck/generators/dense_critic.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/measures/mode_coverage.h"

namespace slicecheck {

namespace {

using namespace gan_plane;

constexpr Index kLatent = 10;                 // as in the report
const std::vector<Index> kWidths = {64, 64};  // of both networks
constexpr double kHalfSide = 0.5;             // the report's sigmoid output: a box with modes in its corners
constexpr double kWideHalfSide = 0.6;         // of the variants …-wide, whose box holds every mode inside
constexpr std::uint32_t kFloorReplicate = 0xFFFF'FFFFU;

struct Loss {
  GeneratorObjective generator;
  CriticObjective critic;
  Index critic_steps = 1;
};

Loss loss_by_name(const std::string& name, const Settings& s) {
  using Generating = GeneratorObjective::Kind;
  using Judging = CriticObjective::Kind;
  const Index directions = s.integer_at_least("directions", 1);
  const auto sliced = [&](bool on_features, double p, bool root) {
    return Loss{{Generating::sliced, on_features, p, root, directions}, {on_features ? Judging::bce : Judging::none}};
  };
  if (name == "gan") return {{.kind = Generating::bce}, {Judging::bce}};
  if (name == "wgan-gp") {
    if (!(s.number("penalty.weight") > 0.0)) reject("settings: penalty.weight is {}; it must be positive", s.number("penalty.weight"));
    return {{.kind = Generating::score_mean}, {Judging::score_mean, s.number("penalty.weight")}, s.integer_at_least("penalty.critic_steps", 1)};
  }
  if (name == "sw1-features") return sliced(true, 1.0, false);
  if (name == "sw2-squared-features") return sliced(true, 2.0, false);
  if (name == "sw2-features") return sliced(true, 2.0, true);
  if (name == "sw1-samples") return sliced(false, 1.0, false);
  if (name == "sw2-squared-samples") return sliced(false, 2.0, false);
  if (name == "sw2-samples") return sliced(false, 2.0, true);
  if (name == "max-sw-samples") return {{Generating::max_sliced, false, 2.0, false, 1}, {Judging::none}};
  reject(
      "settings: unknown loss '{}'; expected gan, wgan-gp, sw1-features, sw2-squared-features, sw2-features, sw1-samples, sw2-squared-samples, sw2-samples or "
      "max-sw-samples, each with -wide after it or not",
      name);
}

/// What all trainings have in common.
struct Common {
  std::shared_ptr<const GaussianMixture> target = GaussianMixture::six_centres();
  std::shared_ptr<const Law> source = Gaussian::standard(kLatent);
  std::shared_ptr<const Generator<float>> generator = std::make_shared<BoxGenerator<float>>(kLatent, kWidths, 2, -kHalfSide, kHalfSide);
  std::shared_ptr<const Generator<float>> wide_generator = std::make_shared<BoxGenerator<float>>(kLatent, kWidths, 2, -kWideHalfSide, kWideHalfSide);
  std::shared_ptr<const Critic<float>> critic = std::make_shared<DenseCritic<float>>(2, kWidths, CriticActivation::leaky_relu);
};

/// The same fresh points at every step and for every training of a replicate: what changes between two evaluations is the generator.
std::vector<double> evaluate(const Common& common, const Points<double>& generated, std::uint64_t seed, std::uint32_t replicate) {
  const auto y = common.target->sample<double>({seed, Purpose::evaluation_target, replicate, 0}, generated.rows());
  const ModeCoverage coverage = mode_coverage(generated, common.target->centres());
  std::vector<double> values(kValues);
  values[kModes] = static_cast<double>(coverage.modes);
  values[kHighQuality] = coverage.high_quality;
  values[kExactW2] = std::sqrt(exact_w2_squared(generated, y));
  return values;
}

Entry make_entry(const Common& common, const std::string& loss_name, const std::string& optimiser, std::uint32_t replicate, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const bool wide = loss_name.ends_with("-wide");
  const Loss loss = loss_by_name(wide ? loss_name.substr(0, loss_name.size() - 5) : loss_name, s);
  Entry entry;
  TwoPlayerParts<float>& parts = entry.arm.parts;
  parts.generator = wide ? common.wide_generator : common.generator;
  parts.critic = common.critic;
  parts.sampler =
      std::make_shared<FreshBatches<float>>(common.source, common.target, SamplerSettings{s.integer_at_least("batch", 1), 1, context.seed, replicate});
  parts.generator_objective = loss.generator;
  parts.critic_objective = loss.critic;
  parts.critic_steps = loss.critic_steps;
  parts.generator_scheme = parts.critic_scheme = two_player_scheme(optimiser);
  // What suits the others is many times too large for a gradient penalty.
  const bool penalised = loss.critic.penalty > 0.0;
  parts.generator_step_size = parts.critic_step_size = s.number((penalised ? "penalty." : "") + optimiser + "_step_size");
  parts.seed = context.seed;
  parts.replicate = replicate;
  entry.adversarial = loss.generator.kind != GeneratorObjective::Kind::sliced && loss.generator.kind != GeneratorObjective::Kind::max_sliced;
  entry.arm.loss = (loss_name == "wgan-gp" ? "WGAN-GP" : loss.generator.name()) + (wide ? ", wide box" : "");
  entry.arm.optimiser = optimiser == "sgd" ? "SGD" : "Adam";
  entry.arm.id = fmt::format("{}-{}-{}", loss_name, optimiser, replicate);
  entry.arm.description = fmt::format("{}; {}; {}; {}; {}; step {}", parts.generator->name(), parts.critic->name(), loss.generator.name(), loss.critic.name(),
                                      parts.generator_scheme->name(), parts.generator_step_size);
  const Index points = s.integer_at_least("points", 1);
  entry.arm.evaluate = [&common, &context, generator = parts.generator, points, replicate](const TwoPlayerState<float>& state) {
    const auto x = common.source->sample<float>({context.seed, Purpose::evaluation_source, replicate, 0}, points);
    return evaluate(common, generator->forward(state.generator.u, x).cast<double>(), context.seed, replicate);
  };
  return entry;
}

/// Means over the replicates of what fresh points of the target score against the very points that the trainings are scored against.
TargetScore target_score(const Common& common, Index points, Index replicates, std::uint64_t seed) {
  TargetScore floor{};
  for (Index r = 0; r < replicates; ++r) {
    const auto other = common.target->sample<double>({seed, Purpose::evaluation_target, kFloorReplicate, static_cast<std::uint64_t>(r)}, points);
    const auto values = evaluate(common, other, seed, static_cast<std::uint32_t>(r));
    floor.w2 += values[kExactW2] / static_cast<double>(replicates);
    floor.high_quality += values[kHighQuality] / static_cast<double>(replicates);
    floor.modes += values[kModes] / static_cast<double>(replicates);
  }
  return floor;
}

void run_plane_gan(const ExperimentContext& context) {
  const Settings& s = context.settings;
  const Common common;
  const Index replicates = s.integer_at_least("replicates", 1);
  Results results;
  for (const std::string& optimiser : s.words("optimisers"))
    for (const std::string& loss : s.words("losses"))
      for (Index r = 0; r < replicates; ++r) results.entries.push_back(make_entry(common, loss, optimiser, static_cast<std::uint32_t>(r), context));
  if (results.entries.empty()) reject("settings: losses or optimisers is empty; name at least one of each");
  std::vector<TwoPlayerArm> arms;
  for (const Entry& entry : results.entries) arms.push_back(entry.arm);
  results.hashes = common_hashes(arms);
  results.records = run_two_player_arms(arms, context);
  results.floor = target_score(common, s.integer("points"), replicates, context.seed);
  write_two_player_rows(arms, results.records, context.folder);
  write_tables(results, context);
  Json summary{{"name", "plane-gan"}, {"profile", context.profile}, {"seed", context.seed}};
  summary.update(summarise(results, context));
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment plane_gan(std::string quick, std::string full) {
  return {"plane-gan", "GAN against sliced losses in the plane (report 002, Figures 2.1 and 2.2)", std::move(quick), std::move(full), run_plane_gan};
}

}  // namespace slicecheck
