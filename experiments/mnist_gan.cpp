/// Experiment `mnist-gan`: report 002, section 2.2 and Figures 2.3–2.4, made fair.

#include "mnist_gan.h"

#include <fmt/format.h>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/measures/idx_labels.h"
#include "slicecheck/statistics/frechet.h"
#include "slicecheck/torch/image_classifier.h"
#include "slicecheck/torch/layered_network.h"
#include "summary.h"

namespace slicecheck {

namespace {

using namespace gan_mnist;

constexpr std::uint32_t kRealReplicate = 0xFFFF'FFFFU;  // apart from every training's draws

/// The first file of MNIST that is missing, or nothing.
std::optional<std::filesystem::path> missing_file(const std::filesystem::path& data) {
  for (const char* file : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
    if (!std::filesystem::exists(data / "mnist" / file)) return data / "mnist" / file;
  return std::nullopt;
}

LabelledImages mnist(const std::filesystem::path& data, const std::string& part) {
  const auto images = data / "mnist" / (part + "-images-idx3-ubyte"), labels = data / "mnist" / (part + "-labels-idx1-ubyte");
  for (const auto& path : {images, labels})
    if (!std::filesystem::exists(path)) reject("{} is missing; scripts/fetch_data.sh puts it there", path.string());
  LabelledImages out{read_idx_images(images), read_idx_labels(labels)};
  if (out.images.height != kSide || out.images.width != kSide)
    reject("{}: images of {} × {}; MNIST has {} × {}", images.string(), out.images.height, out.images.width, kSide, kSide);
  return out;
}

/// An arm as settings have it: generator/critic, and /optimiser where it is not the setting's.
struct Spelling {
  std::string generator;
  std::string critic;
  std::string optimiser;
};

Spelling parse_arm(const std::string& text, const std::string& usual_optimiser) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == '/')
      words.emplace_back();
    else
      words.back().push_back(c);
  }
  if (words.size() < 2 || words.size() > 3) reject("settings: the arm '{}' is not GENERATOR/CRITIC or GENERATOR/CRITIC/OPTIMISER", text);
  return {words[0], words[1], words.size() == 3 ? words[2] : usual_optimiser};
}

GeneratorObjective generator_objective(const std::string& name, Index directions) {
  using Kind = GeneratorObjective::Kind;
  if (name == "gan-bce") return {.kind = Kind::bce};
  if (name == "gan-report") return {.kind = Kind::sigmoid_mean};
  if (name == "wgan") return {.kind = Kind::score_mean};
  if (name == "sw1") return {Kind::sliced, true, 1.0, false, directions};
  if (name == "sw2-squared") return {Kind::sliced, true, 2.0, false, directions};
  if (name == "sw2") return {Kind::sliced, true, 2.0, true, directions};
  reject("settings: unknown objective of the generator '{}'; expected gan-bce, gan-report, wgan, sw1, sw2-squared or sw2 (sliced ones on features)", name);
}

CriticObjective critic_objective(const std::string& name, const Settings& s) {
  using Kind = CriticObjective::Kind;
  if (name == "bce") return {Kind::bce};
  if (name == "linear") return {Kind::sigmoid_mean};
  if (name == "wgan-gp") {
    if (!(s.number("penalty.weight") > 0.0)) reject("settings: penalty.weight is {}; it must be positive", s.number("penalty.weight"));
    return {Kind::score_mean, s.number("penalty.weight")};
  }
  reject("settings: unknown objective of the critic '{}'; expected bce, linear or wgan-gp", name);
}

/// What all trainings have in common.
struct Common {
  std::shared_ptr<const Law> images;  ///< the 60,000 training images
  std::shared_ptr<const Law> source = Gaussian::standard(kLatent);
  std::shared_ptr<const Generator<float>> generator;
  std::shared_ptr<const Critic<float>> normalised;  ///< report 002's critic
  std::shared_ptr<const Critic<float>> plain;       ///< without batch normalisation, for a gradient penalty
  std::shared_ptr<const ImageClassifier> classifier;
  GaussianFit test;  ///< of the features of all test images
};

/// Images of `count` inputs, batch by batch: the generator normalises by its batch, so that an image is what it is in a training.
Points<float> generated(const Common& common, const Vector<float>& u, const RandomStream& stream, Index count, Index batch) {
  const Index batches = (count + batch - 1) / batch;
  const auto x = common.source->sample<float>(stream, batches * batch);
  Points<float> out(batches * batch, kSide * kSide);
  for (Index b = 0; b < batches; ++b) out.middleRows(b * batch, batch) = common.generator->forward(u, x.middleRows(b * batch, batch));
  return out.topRows(count);
}

std::vector<double> scored(const Common& common, const Points<float>& images) {
  std::vector<double> values(kValues);
  values[kScore] = classifier_score(common.classifier->probabilities(images));
  values[kFrechet] = frechet_distance(fit_gaussian(common.classifier->features(images)), common.test);
  return values;
}

Entry make_entry(const Common& common, const std::string& text, std::uint32_t replicate, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const Spelling spelling = parse_arm(text, s.word("optimiser"));
  Entry entry;
  TwoPlayerParts<float>& parts = entry.arm.parts;
  parts.generator = common.generator;
  parts.generator_objective = generator_objective(spelling.generator, s.integer_at_least("directions", 1));
  parts.critic_objective = critic_objective(spelling.critic, s);
  const bool wasserstein = parts.critic_objective.kind == CriticObjective::Kind::score_mean;
  parts.critic = wasserstein ? common.plain : common.normalised;
  parts.critic_steps = wasserstein ? s.integer_at_least("penalty.critic_steps", 1) : 1;
  const Index batch = s.integer_at_least("batch", 2);
  parts.sampler = std::make_shared<FreshBatches<float>>(common.source, common.images, SamplerSettings{batch, 1, context.seed, replicate});
  parts.generator_scheme = parts.critic_scheme = two_player_scheme(spelling.optimiser);
  parts.generator_step_size = parts.critic_step_size = s.number(spelling.optimiser + "_step_size");
  parts.seed = context.seed;
  parts.replicate = replicate;
  entry.generator = parts.generator_objective.name();
  entry.critic = wasserstein ? "Wasserstein critic with gradient penalty" : parts.critic_objective.name();
  entry.critic_kind = parts.critic_objective.kind;
  entry.arm.loss = fmt::format("{}, {}", entry.generator, entry.critic);
  entry.arm.optimiser = spelling.optimiser == "sgd" ? "SGD" : "Adam";
  entry.arm.id = fmt::format("{}-{}-{}-{}", spelling.generator, spelling.critic, spelling.optimiser, replicate);
  entry.arm.description = fmt::format("{}; {}; {}; {}; {}; step {}; {} steps of the critic", parts.generator->name(), parts.critic->name(), entry.generator,
                                      parts.critic_objective.name(), parts.generator_scheme->name(), parts.generator_step_size, parts.critic_steps);
  const Index count = s.integer_at_least("images", 2), side = s.integer_at_least("figure_side", 1);
  entry.arm.evaluate = [&common, &context, count, side, batch, replicate, id = entry.arm.id](const TwoPlayerState<float>& state) {
    if (replicate == 0) {
      const auto shown = generated(common, state.generator.u, {context.seed, Purpose::figure, 0, 0}, side * side, batch);
      write_idx_images(context.folder / grid_file(id, state.generator.step), images_from_points<float>(shown, kSide, kSide));
    }
    return scored(common, generated(common, state.generator.u, {context.seed, Purpose::evaluation_source, replicate, 0}, count, batch));
  };
  return entry;
}

RealScore real_score(const Common& common, const LabelledImages& test, Index count, std::uint64_t seed) {
  const ImageLaw test_law("MNIST test images", test.images);
  const auto tested = test_law.sample<float>({seed, Purpose::evaluation_target, kRealReplicate, 0}, count);
  const auto trained = common.images->sample<float>({seed, Purpose::evaluation_target, kRealReplicate, 1}, count);
  return {scored(common, tested)[kScore], scored(common, trained)[kFrechet]};
}

/// The classifier, the real images and their scores.
Common prepare(const ExperimentContext& context, Results& results) {
  const Settings& s = context.settings;
  Common common;
  const Index width = s.integer_at_least("width", 1);
  common.generator = image_generator(width);
  common.normalised = image_critic(width, true);
  common.plain = image_critic(width, false);
  LabelledImages training = mnist(context.data, "train");
  const LabelledImages test = mnist(context.data, "t10k");
  ClassifierSettings classifier;
  classifier.steps = s.integer_at_least("classifier.steps", 1);
  classifier.batch = s.integer_at_least("classifier.batch", 1);
  classifier.step_size = s.number("classifier.step_size");
  classifier.seed = context.seed;
  common.classifier = std::make_shared<ImageClassifier>(training, classifier, context.progress);
  results.accuracy = common.classifier->accuracy(test);
  results.classifier_parameters = common.classifier->parameters();
  std::vector<Index> all(static_cast<std::size_t>(test.images.count));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Index>(i);
  common.test = fit_gaussian(common.classifier->features(points_of_images(test.images, all)));
  common.images = std::make_shared<ImageLaw>("MNIST", std::move(training.images));
  results.real = real_score(common, test, s.integer_at_least("images", 2), context.seed);
  return common;
}

/// Trainings that share a critic start alike; those of another critic are run after them.
void run_all(Results& results, const ExperimentContext& context) {
  std::vector<std::string> critics;
  for (const Entry& entry : results.entries) {
    const std::string name = entry.arm.parts.critic->name();
    if (std::find(critics.begin(), critics.end(), name) == critics.end()) critics.push_back(name);
  }
  results.records.resize(results.entries.size());
  for (const std::string& critic : critics) {
    std::vector<TwoPlayerArm> arms;
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < results.entries.size(); ++i) {
      if (results.entries[i].arm.parts.critic->name() != critic) continue;
      positions.push_back(i);
      arms.push_back(results.entries[i].arm);
    }
    for (const std::string& hash : common_hashes(arms)) results.hashes.push_back(fmt::format("{} (all {} trainings with {})", hash, arms.size(), critic));
    auto records = run_two_player_arms(arms, context);
    for (std::size_t i = 0; i < positions.size(); ++i) results.records[positions[i]] = std::move(records[i]);
  }
}

void run_mnist_gan(const ExperimentContext& context) {
  const Settings& s = context.settings;
  if (const auto missing = missing_file(context.data)) {
    write_not_run(context, "GAN against sliced losses on MNIST", "Report 002, section 2.2.",
                  fmt::format("not run: MNIST is not there: {} is missing; scripts/fetch_data.sh puts it there.", missing->string()));
    return;
  }
  Results results;
  const Common common = prepare(context, results);
  for (const std::string& arm : s.words("arms"))
    for (Index r = 0; r < s.integer_at_least("replicates", 1); ++r) results.entries.push_back(make_entry(common, arm, static_cast<std::uint32_t>(r), context));
  if (results.entries.empty()) reject("settings: arms is empty; name at least one, such as gan-bce/bce");
  run_all(results, context);
  std::vector<TwoPlayerArm> arms;
  for (const Entry& entry : results.entries) arms.push_back(entry.arm);
  write_two_player_rows(arms, results.records, context.folder);
  const Index side = s.integer("figure_side");
  write_idx_images(context.folder / "real.idx",
                   images_from_points<float>(common.images->sample<float>({context.seed, Purpose::figure, 1, 0}, side * side), kSide, kSide));
  write_tables(results, context);
  Json summary{{"name", "mnist-gan"}, {"profile", context.profile}, {"seed", context.seed}};
  summary.update(summarise(results, context));
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment mnist_gan(std::string quick, std::string full) {
  return {"mnist-gan", "GAN against sliced losses on MNIST (report 002, Figures 2.3 and 2.4)", std::move(quick), std::move(full), run_mnist_gan};
}

}  // namespace slicecheck
