/// Trainings of experiment `mnist-transport`.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "mnist_transport.h"
#include "slicecheck/core/error.h"
#include "slicecheck/generators/dense_critic.h"
#include "slicecheck/measures/image_folder.h"

namespace slicecheck::transport_mnist {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSweepTolerance = 1e-4;  // of λ: plans by sweeps in a training
constexpr double kCertificate = 1e-6;     // of λ: what ε is measured with
constexpr Index kMostSweeps = 5000;
const std::string kWgan = "wgan-gp";
constexpr std::uint64_t kScaleStep = 1;    // of the evaluation streams: the mean cost at u_0
constexpr std::uint64_t kMinibatches = 2;  // on: the minibatches of certificates

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c == '/')
      words.emplace_back();
    else
      words.back().push_back(c);
  }
  return words;
}

/// OBJECTIVE/COST/SPACE or OBJECTIVE/COST/SPACE/sweeps.
TransportTraining<float> parse_training(const std::string& text) {
  const auto words = split(text);
  TransportTraining<float> out;
  if (words.size() < 3 || words.size() > 4) reject("settings: the arm '{}' is neither wgan-gp nor OBJECTIVE/COST/SPACE nor OBJECTIVE/COST/SPACE/sweeps", text);
  if (words[0] != "h" && words[0] != "sinkhorn") reject("settings: unknown objective '{}'; expected h or sinkhorn", words[0]);
  if (words[2] != "pixels" && words[2] != "encoded") reject("settings: the cost is taken on '{}'; expected pixels or encoded", words[2]);
  if (words.size() == 4 && words[3] != "sweeps") reject("settings: the arm '{}' ends in '{}'; expected sweeps, or nothing", text, words[3]);
  out.sinkhorn_loss = words[0] == "sinkhorn";
  out.cost = ground_cost_by_name(words[1]);
  out.encoded = words[2] == "encoded";
  out.sweeps = words.size() == 4;
  return out;
}

std::string cost_text(GroundCost cost) {
  if (cost == GroundCost::l1) return "ℓ₁";
  return cost == GroundCost::squared ? "squared" : "cosine";
}

std::string name_of(const TransportTraining<float>& training) {
  return fmt::format("{}, {}, {}{}", training.sinkhorn_loss ? "L_λ" : "h_λ", cost_text(training.cost), training.encoded ? "encoded" : "pixels",
                     training.sweeps ? ", sweeps" : "");
}

/// The WGAN-GP's two players. Where something is not finite the training has diverged: nothing moves any more, as in `TransportPlayers`.
class WganPlayers final : public TwoPlayer<float> {
 public:
  [[nodiscard]] TwoPlayerState<float> start(const TwoPlayerParts<float>& parts) const override {
    TwoPlayerState<float> state = TwoPlayer::start(parts);
    state.statistics = Vector<float>::Zero(1);  // its critic normalises nothing
    return state;
  }
  CriticReport update_critic(const TwoPlayerParts<float>& parts, TwoPlayerState<float>& state, const Batch<float>& batch, std::uint64_t t,
                             Index k) const override {
    const State<float> before = state.critic;
    try {
      if (!TransportPlayers<float>::diverged_at(state)) {
        const CriticReport report = TwoPlayer::update_critic(parts, state, batch, t, k);
        if (state.critic.u.allFinite()) return report;
        stop(state, t);
      }
    } catch (const InputError&) {
      stop(state, t);
    }
    state.critic = before;
    return {kNaN, kNaN, kNaN, kNaN};
  }
  GeneratorReport update_generator(const TwoPlayerParts<float>& parts, TwoPlayerState<float>& state, const Batch<float>& batch,
                                   std::uint64_t t) const override {
    State<float> before = state.generator;
    try {
      if (!TransportPlayers<float>::diverged_at(state)) {
        const GeneratorReport report = TwoPlayer::update_generator(parts, state, batch, t);
        if (state.generator.u.allFinite()) return report;
        stop(state, t);
      }
    } catch (const InputError&) {
      stop(state, t);
    }
    state.generator = std::move(before);
    ++state.generator.step;
    return {kNaN, kNaN};
  }

 private:
  static void stop(TwoPlayerState<float>& state, std::uint64_t t) { state.statistics[0] = static_cast<float>(t + 1); }
};

double positive(const Settings& s, const std::string& key) {
  const double value = s.number(key);
  if (!std::isfinite(value) || value <= 0.0) reject("settings: {} is {}; it must be finite and positive", key, value);
  return value;
}

/// Mean cost between images at u_0 and real ones, at v_0.
double mean_cost_at_start(const Pictures& pictures, const TransportTraining<float>& training, const TwoPlayerParts<float>& parts, Index batch) {
  const Vector<float> u0 = parts.generator->initial({parts.seed, Purpose::initial, parts.replicate, 0});
  const Vector<float> v0 = parts.critic->initial({parts.seed, Purpose::critic_initial, parts.replicate, 0});
  const Points<float> z = generated_pictures(pictures, u0, {parts.seed, Purpose::evaluation_source, parts.replicate, kScaleStep}, batch, batch);
  const Points<float> y = pictures.images->sample<float>({parts.seed, Purpose::evaluation_target, parts.replicate, kScaleStep}, batch);
  const Critic<float>* encoder = training.encoded ? parts.critic.get() : nullptr;
  return cost_matrix(training.cost, Represented<float>(encoder, v0, z).points(), Represented<float>(encoder, v0, y).points()).mean();
}

double quantile(std::vector<double> values, double level) {
  if (values.empty()) return kNaN;
  std::sort(values.begin(), values.end());
  const double place = level * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

/// Certificates on `count` fresh minibatches, the same at every evaluation.
void add_certificates(std::vector<double>& values, const TransportPlayers<float>& players, const TwoPlayerParts<float>& parts,
                      const TwoPlayerState<float>& state, Index count) {
  const TransportTraining<float>& training = players.training();
  const SolverSettings solver{kCertificate * training.lambda, kMostSweeps};
  std::vector<double> epsilon, bound, error, relative;
  double exceeded = 0.0, negative = 0.0, uncertified = 0.0;
  for (Index k = 0; k < count; ++k) {
    const std::uint64_t step = kMinibatches + static_cast<std::uint64_t>(k);
    const auto x = training.source->sample<float>({parts.seed, Purpose::evaluation_source, parts.replicate, step}, training.dual_batch);
    const auto y = training.target->sample<float>({parts.seed, Purpose::evaluation_target, parts.replicate, step}, training.dual_batch);
    const DualCertificate found = players.certify(parts, state, x, y, solver);
    epsilon.push_back(std::max(found.epsilon_high(), 0.0) / training.lambda);
    bound.push_back(found.bound);
    error.push_back(found.error);
    relative.push_back(found.error / found.size);
    exceeded += found.error > found.bound + found.slack ? 1.0 : 0.0;
    negative += found.epsilon_high() < 0.0 ? 1.0 : 0.0;
    uncertified += found.certified ? 0.0 : 1.0;
  }
  values[kEpsilon] = quantile(epsilon, 0.5);
  values[kEpsilonLow] = quantile(epsilon, 0.25);
  values[kEpsilonHigh] = quantile(epsilon, 0.75);
  values[kBound] = quantile(bound, 0.5);
  values[kError] = quantile(error, 0.5);
  values[kRelative] = quantile(relative, 0.5);
  values[kExceeded] = exceeded;
  values[kNegative] = negative;
  values[kUncertified] = uncertified;
}

/// A grid for the report; of colour the luma.
IdxImages grid_images(const Pictures& pictures, const Points<float>& points) {
  const IdxImages images = images_from_points<float>(points, pictures.rows, pictures.columns);
  return pictures.colour ? luma_of_planes(images) : images;
}

void make_wgan(Entry& entry, const Settings& s) {
  TwoPlayerParts<float>& parts = entry.arm.parts;
  parts.generator_objective.kind = GeneratorObjective::Kind::score_mean;
  parts.critic_objective = {CriticObjective::Kind::score_mean, positive(s, "penalty.weight")};
  parts.critic_scheme = parts.generator_scheme;
  parts.critic_step_size = parts.generator_step_size;
  parts.critic_steps = s.integer_at_least("penalty.critic_steps", 1);
  entry.wgan = true;
  entry.name = training_name(kWgan);
  entry.second = fmt::format("a critic of {} parameters, {} updates a step of the generator", parts.critic->parameters(), parts.critic_steps);
  entry.arm.players = std::make_shared<WganPlayers>();
  entry.arm.loss = entry.name;
}

std::shared_ptr<const TransportPlayers<float>> make_transport(Entry& entry, const std::string& word, const Settings& s) {
  TwoPlayerParts<float>& parts = entry.arm.parts;
  TransportTraining<float> training = parse_training(word);
  parts.critic_objective.kind = CriticObjective::Kind::none;
  training.dual_batch = s.integer_at_least("batch", 2);
  entry.mean_cost = mean_cost_at_start(*entry.pictures, training, parts, training.dual_batch);
  training.regulariser = regulariser_by_name(s.word("regulariser"));
  training.lambda = positive(s, "lambda_share") * entry.mean_cost;
  training.source = entry.pictures->source;
  training.target = entry.pictures->images;
  training.solver = {kSweepTolerance * training.lambda, kMostSweeps};
  const Index inputs = training.encoded ? parts.critic->feature_dimension() : parts.generator->output_dimension();
  const auto network = [&] { return std::make_shared<DenseCritic<float>>(inputs, s.integers("duals.widths"), CriticActivation::leaky_relu); };
  training.duals = std::make_shared<NeuralDuals<float>>(network(), network(), entry.mean_cost);
  training.dual_scheme = std::make_shared<Adam<float>>(0.5, 0.9);
  training.dual_step_size = s.number("duals.step_size");
  training.dual_steps = s.integer_at_least("duals.steps", 1);
  training.encoder_scheme = std::make_shared<Adam<float>>(0.5, 0.999);
  training.encoder_every = s.integer_at_least("encoder.every", 0);
  training.encoder_step_size = s.number("encoder.step_size");
  entry.sinkhorn_loss = training.sinkhorn_loss;
  entry.encoded = training.encoded;
  entry.sweeps = training.sweeps;
  entry.cost = training.cost;
  entry.lambda = training.lambda;
  entry.name = name_of(training);
  const int problems = training.sinkhorn_loss ? 2 : 1;
  entry.second = training.sweeps ? "no potentials (sweeps)"
                                 : fmt::format("{} potentials of {} parameters together, {} updates a step of the generator", 2 * problems,
                                               problems * (training.duals->parameters() - 1), training.dual_steps);
  if (training.encoded)
    entry.second += training.encoder_every == 0
                        ? fmt::format("; an encoder of {} parameters, as drawn", parts.critic->parameters())
                        : fmt::format("; an encoder of {} parameters, one update every {} steps", parts.critic->parameters(), training.encoder_every);
  entry.arm.loss = entry.name;
  return std::make_shared<TransportPlayers<float>>(std::move(training));
}

}  // namespace

std::string training_name(const std::string& word) { return word == kWgan ? "WGAN-GP" : name_of(parse_training(word)); }

void check_settings(const Settings& s, bool cifar10) {
  if (s.words("arms").empty()) reject("settings: arms is empty; name at least one, such as h/l1/pixels");
  for (const std::string& list : cifar10 ? std::vector<std::string>{"arms", "cifar10_arms"} : std::vector<std::string>{"arms"}) {
    std::set<std::string> names;
    for (const std::string& word : s.words(list))
      if (!names.insert(training_name(word)).second) reject("settings: {} has {} twice", list, word);
  }
  (void)regulariser_by_name(s.word("regulariser"));
  for (const char* key : {"lambda_share", "step_size", "duals.step_size", "encoder.step_size", "classifier.step_size", "penalty.weight"})
    (void)positive(s, key);
  for (const char* key : {"width", "steps", "replicates", "record_every", "certificates", "figure_side", "duals.steps", "penalty.critic_steps",
                          "classifier.steps", "classifier.batch"})
    (void)s.integer_at_least(key, 1);
  for (const char* key : {"batch", "images"}) (void)s.integer_at_least(key, 2);
  for (const char* key : {"evaluate_every", "encoder.every"}) (void)s.integer_at_least(key, 0);
  const DenseCritic<float> shape(1, s.integers("duals.widths"), CriticActivation::leaky_relu);  // refuses widths
}

std::string grid_file(const std::string& arm, std::uint64_t step) { return fmt::format("grid-{}-{}.idx", arm, step); }

Entry make_entry(std::shared_ptr<const Pictures> pictures, const std::string& word, std::uint32_t replicate, const ExperimentContext& context) {
  const Settings& s = context.settings;
  Entry entry;
  entry.pictures = pictures;
  TwoPlayerParts<float>& parts = entry.arm.parts;
  const Index batch = s.integer_at_least("batch", 2);
  parts.generator = pictures->generator;
  parts.critic = pictures->critic;
  parts.sampler = std::make_shared<FreshBatches<float>>(pictures->source, pictures->images, SamplerSettings{batch, 1, context.seed, replicate});
  parts.generator_scheme = two_player_scheme("adam");
  parts.generator_step_size = s.number("step_size");
  parts.seed = context.seed;
  parts.replicate = replicate;
  std::shared_ptr<const TransportPlayers<float>> players;
  if (word == kWgan) {
    make_wgan(entry, s);
  } else {
    players = make_transport(entry, word, s);
    entry.arm.players = players;
  }
  entry.key = fmt::format("{}-{}", pictures->colour ? "cifar10" : "mnist", word);
  std::replace(entry.key.begin(), entry.key.end(), '/', '-');
  entry.arm.id = fmt::format("{}-{}", entry.key, replicate);
  entry.arm.optimiser = "Adam";
  entry.arm.description = fmt::format("{}; {}; {}; lambda {}", parts.generator->name(), parts.critic->name(), entry.name, entry.lambda);
  const Index count = s.integer_at_least("images", 2), side = s.integer_at_least("figure_side", 1), minibatches = s.integer_at_least("certificates", 1);
  entry.arm.evaluate = [pictures, &context, parts, players, count, side, batch, minibatches, id = entry.arm.id](const TwoPlayerState<float>& state) {
    std::vector<double> values(kValues, kNaN);
    const Vector<float>& u = state.generator.u;
    const auto shown = generated_pictures(*pictures, u, {context.seed, Purpose::figure, 0, 0}, side * side, batch);
    if (parts.replicate == 0 && shown.allFinite()) write_idx_images(context.folder / grid_file(id, state.generator.step), grid_images(*pictures, shown));
    const auto judged = generated_pictures(*pictures, u, {context.seed, Purpose::evaluation_source, parts.replicate, 0}, count, batch);
    if (!judged.allFinite()) return values;
    values[kScore] = classifier_score(pictures->classifier->probabilities(judged));
    values[kFrechet] = frechet_distance(fit_gaussian(pictures->classifier->features(judged)), pictures->test);
    if (players && !TransportPlayers<float>::diverged_at(state)) add_certificates(values, *players, parts, state, minibatches);
    return values;
  };
  return entry;
}

}  // namespace slicecheck::transport_mnist
