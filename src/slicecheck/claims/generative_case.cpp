#include "slicecheck/claims/generative_case.h"

#include "slicecheck/core/error.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"

namespace slicecheck {

namespace {

/// Standard normals, X and Y apart from each other, as functions of the step.
class NormalBatches final : public Sampler<double> {
 public:
  NormalBatches(std::uint64_t seed, Index n, Index input, Index output) : seed_(seed), n_(n), input_(input), output_(output) {}
  [[nodiscard]] std::string name() const override { return "standard normals"; }
  [[nodiscard]] Batch<double> draw(std::uint64_t t) const override {
    Batch<double> batch{cloud(Purpose::source, t, input_), cloud(Purpose::target, t, output_), {}};
    batch.y.array() += 0.5;
    return batch;
  }

 private:
  [[nodiscard]] Points<double> cloud(Purpose purpose, std::uint64_t t, Index dimension) const {
    Eigen::VectorXd entries(n_ * dimension);
    RandomStream(seed_, purpose, 0, t).fill_normal(entries);
    return Eigen::Map<const Points<double>>(entries.data(), n_, dimension);
  }

  std::uint64_t seed_;
  Index n_;
  Index input_;
  Index output_;
};

std::shared_ptr<const Generator<double>> draw_generator(PointDraws& draws, int size, Index output, GeneratorShape& shape) {
  shape.input = between(draws, 1, 2);
  shape.act = draws.below(2) == 0 ? Activation::tanh : Activation::leaky_relu;
  shape.widths.clear();
  if (draws.below(3) > 0) shape.widths.push_back(between(draws, 1, size + 1));
  shape.widths.push_back(output);
  if (shape.widths.size() == 1) return std::make_shared<Affine<double>>(shape.input, output);
  return std::make_shared<DenseMlp<double>>(shape.input, std::vector<Index>{shape.widths.front()}, output, shape.act);
}

std::shared_ptr<const DenseCritic<double>> draw_critic(PointDraws& draws, int size, Index input, const PlayersWish& wish) {
  std::vector<Index> widths(1 + draws.below(2));
  for (Index& width : widths) width = between(draws, wish.least_dimension, std::max<Index>(wish.least_dimension, std::min(size + 1, 5)));
  return std::make_shared<DenseCritic<double>>(input, widths, draws.below(2) == 0 ? CriticActivation::tanh : CriticActivation::leaky_relu, wish.normalised);
}

/// A state that the scheme could have come to: its start, and two updates with random gradients.
State<double> on_the_way(PointDraws& draws, const Scheme<double>& scheme, Eigen::VectorXd start, std::uint64_t seed) {
  State<double> state = scheme.start(std::move(start));
  for (std::uint64_t i = 0; i < 2; ++i) scheme.advance(state, normal_vector(draws, state.u.size()), 0.01, {seed, Purpose::noise, 77, i});
  return state;
}

std::vector<Tracked> scores_of(PlayersTextbook& book, const DenseCritic<double>& net, const Eigen::VectorXd& v, const Eigen::VectorXd& along,
                               const TrackedCloud& z) {
  return book.critic(net, exactly(v, along), z).scores;
}

}  // namespace

Index PlayersCase::objective_dimension() const {
  return parts.generator_objective.on_features ? critic->feature_dimension() : parts.generator->output_dimension();
}

double PlayersCase::roundings() const { return roundings_on_a_path(shape, &critic->net(), n(), parts.generator_objective.directions); }

std::vector<NamedValues> PlayersCase::values() const { return {named("u", state.generator.u), named("v", state.critic.u), {"X", batch.x}, {"Y", batch.y}}; }

std::string PlayersCase::description() const {
  return fmt::format("{} and {}, {}, {}; {}", parts.generator_objective.name(), parts.critic_objective.name(), parts.generator->name(), critic->name(),
                     generator_scheme->name());
}

Tracked PlayersCase::generator_objective(PlayersTextbook& book, const Batch<double>& on, const Points<double>& directions) const {
  const GeneratorObjective& objective = parts.generator_objective;
  const TrackedCloud z = book.images(shape, exactly(state.generator.u, along_u), on.x);
  const bool sliced = objective.kind == GeneratorObjective::Kind::sliced || objective.kind == GeneratorObjective::Kind::max_sliced;
  if (sliced && !objective.on_features) return book.sliced(z, exactly(on.y), directions, objective.exponent, objective.root);
  const auto v = exactly(state.critic.u);
  if (!sliced) return book.generator_objective(objective.kind, book.critic(critic->net(), v, z).scores);
  const TrackedCloud h = book.critic(critic->net(), v, z).features;
  return book.sliced(h, book.critic(critic->net(), v, exactly(on.y)).features, directions, objective.exponent, objective.root);
}

Tracked PlayersCase::critic_objective(PlayersTextbook& book, const Batch<double>& on, const Points<double>& between) const {
  const TrackedCloud z = book.images(shape, exactly(state.generator.u), on.x);
  const Tracked value = book.critic_objective(parts.critic_objective.kind, scores_of(book, critic->net(), state.critic.u, along_v, exactly(on.y)),
                                              scores_of(book, critic->net(), state.critic.u, along_v, z));
  const double penalty = parts.critic_objective.penalty;
  return penalty > 0.0 ? value + book.gradient_penalty(critic->net(), exactly(state.critic.u, along_v), between) * Tracked(penalty) : value;
}

GeneratorObjective draw_sliced_objective(PointDraws& draws, bool on_features) {
  constexpr std::array exponents{1.0, 1.5, 2.0, 2.0, 3.0};
  GeneratorObjective objective;
  objective.kind = GeneratorObjective::Kind::sliced;
  objective.on_features = on_features;
  objective.exponent = exponents[static_cast<std::size_t>(draws.below(exponents.size()))];
  objective.root = draws.below(3) == 0;
  objective.directions = between(draws, 1, 4);
  return objective;
}

GeneratorObjective draw_generator_objective(PointDraws& draws) {
  constexpr std::array on_scores{GeneratorObjective::Kind::bce, GeneratorObjective::Kind::sigmoid_mean, GeneratorObjective::Kind::score_mean};
  const std::uint64_t choice = draws.below(6);
  if (choice >= 3) return draw_sliced_objective(draws, choice >= 4);
  GeneratorObjective objective;
  objective.kind = on_scores[static_cast<std::size_t>(choice)];
  objective.directions = 1;
  return objective;
}

CriticObjective draw_critic_objective(PointDraws& draws) {
  constexpr std::array kinds{CriticObjective::Kind::bce, CriticObjective::Kind::sigmoid_mean, CriticObjective::Kind::score_mean};
  CriticObjective objective;
  objective.kind = kinds[static_cast<std::size_t>(draws.below(kinds.size()))];
  if (objective.kind == CriticObjective::Kind::score_mean && draws.below(3) > 0) objective.penalty = draws.uniform(0.1, 10.0);
  return objective;
}

std::shared_ptr<const Scheme<double>> draw_scheme(PointDraws& draws) {
  switch (draws.below(5)) {
    case 0: return std::make_shared<Sgd<double>>();
    case 1: return std::make_shared<Adam<double>>(0.5, 0.999);
    case 2: return std::make_shared<NoisedProjectedSgd<double>>(power_of_two(draws, 0.0, 3.0), draws.uniform(0.0, 1.0));
    case 3: return std::make_shared<GradientBall<double>>(std::make_shared<Sgd<double>>(), power_of_two(draws, -3.0, 1.0));
    default: return std::make_shared<ClippedCoordinates<double>>(std::make_shared<Adam<double>>(0.9, 0.99), 1.0);
  }
}

PlayersCase draw_players_case(PointDraws& draws, const PlayersWish& wish, int size) {
  PlayersCase c;
  const Index d = between(draws, wish.least_dimension, std::max<Index>(wish.least_dimension, std::min(size + 1, 4)));
  const Index n = between(draws, 2, std::max<Index>(2, Index{2} * size));
  c.parts.generator = draw_generator(draws, size, d, c.shape);
  PlayersWish settled = wish;
  settled.normalised = wish.normalised && wish.critic_objective.penalty == 0.0;
  c.critic = std::make_shared<WitnessCritic>(draw_critic(draws, size, d, settled));
  c.parts.critic = c.critic;
  c.parts.generator_objective = wish.generator_objective;
  c.parts.critic_objective = wish.critic_objective;
  c.generator_scheme = std::make_shared<WitnessScheme>(draw_scheme(draws));
  c.critic_scheme = std::make_shared<WitnessScheme>(draw_scheme(draws));
  c.parts.generator_scheme = c.generator_scheme;
  c.parts.critic_scheme = c.critic_scheme;
  c.parts.generator_step_size = power_of_two(draws, -8.0, -2.0);
  c.parts.critic_step_size = power_of_two(draws, -8.0, -2.0);
  c.parts.critic_steps = between(draws, 1, 3);
  c.parts.restarts = 1;
  c.parts.seed = draws.below(std::uint64_t{1} << 62);
  c.parts.replicate = static_cast<std::uint32_t>(draws.below(1000));
  c.parts.sampler = std::make_shared<NormalBatches>(c.parts.seed, n, c.shape.input, d);
  c.t = draws.below(1000);
  c.batch = c.parts.sampler->draw(c.t);

  Eigen::VectorXd u = c.parts.generator->initial({c.parts.seed, Purpose::initial, 77, 0});
  Eigen::VectorXd v = c.critic->initial({c.parts.seed, Purpose::critic_initial, 77, 0});
  u += 0.3 * normal_vector(draws, u.size());
  v += 0.3 * normal_vector(draws, v.size());
  v.tail(c.critic->feature_dimension() + 1) *= power_of_two(draws, -1.0, 2.0);  // scores in the tails of σ too
  c.state.generator = on_the_way(draws, c.generator_scheme->inner(), std::move(u), c.parts.seed);
  c.state.critic = on_the_way(draws, c.critic_scheme->inner(), std::move(v), c.parts.seed);
  c.state.statistics = normal_vector(draws, c.critic->statistics());
  const auto direction_entries = [&](Index dimension) {
    Eigen::VectorXd entries(dimension);
    for (double& entry : entries) entry = draws.uniform(0.5, 1.5) * (draws.below(2) == 0 ? 1.0 : -1.0);
    return entries;
  };
  c.along_u = direction_entries(c.state.generator.u.size());
  c.along_v = direction_entries(c.state.critic.u.size());
  return c;
}

bool same_bits(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)) == 0);
}

bool same_bits(const State<double>& a, const State<double>& b) {
  if (a.step != b.step || a.memory.size() != b.memory.size() || !same_bits(a.u, b.u)) return false;
  for (std::size_t i = 0; i < a.memory.size(); ++i)
    if (!same_bits(a.memory[i], b.memory[i])) return false;
  return true;
}

void WorstOf::add(double observed, double allowed) {
  Judgement judgement;
  judgement.observed = observed;
  judgement.allowed = allowed;
  if (!std::isnan(worst_.ratio()) && !(judgement.ratio() <= worst_.ratio())) worst_ = judgement;
}

Trial WorstOf::trial(const PlayersCase& c) const {
  Trial trial;
  trial.judgement = worst_;
  if (worst_.refutes()) trial.judgement.note = c.description();
  trial.values = c.values();
  return trial;
}

}  // namespace slicecheck
