#include "slicecheck/dynamics/two_player.h"

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/two_player_objectives.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/max_sliced.h"
#include "slicecheck/loss/rooted.h"

namespace slicecheck {

namespace {

constexpr double kStatisticsMomentum = 0.1;
constexpr std::uint64_t kFurtherBatches = std::uint64_t{1} << 39;  // batches that only the critic sees

bool is_sliced(const GeneratorObjective& objective) {
  return objective.kind == GeneratorObjective::Kind::sliced || objective.kind == GeneratorObjective::Kind::max_sliced;
}

/// It reads scores or features of a critic.
bool needs_critic(const GeneratorObjective& objective) { return !is_sliced(objective) || objective.on_features; }

template <class S>
void require_finite(double value, std::string_view what, std::uint64_t t, double step_size) {
  if (!std::isfinite(value)) reject("step {}: {} is {}; the step size {} is too large for this training", t, what, value, step_size);
}

template <class S>
double norm_of(const Vector<S>& v) {
  return v.template cast<double>().norm();
}

/// The value of a sliced objective on two clouds, and its gradient in the first.
template <class S>
struct CloudGradient {
  double value = 0.0;
  Points<S> gradient;
  Eigen::RowVectorXd direction;
};

template <class S>
CloudGradient<S> sliced(const GeneratorObjective& objective, PointsView<S> z, PointsView<S> y, PointsView<S> directions) {
  LossGradient<S> loss = CpuLoss<S>(objective.exponent).evaluate(z, y, directions);
  if (objective.root) loss = rooted(std::move(loss), objective.exponent);
  return {loss.value, std::move(loss.gradient), {}};
}

/// max-SW_2² and its gradient at the direction found, which is held fixed: that of w_θ, a member of the Clarke set of the bound where the maximiser is unique.
template <class S>
CloudGradient<S> max_sliced(const TwoPlayerParts<S>& parts, PointsView<S> z, PointsView<S> y, const Eigen::RowVectorXd& previous, std::uint64_t t) {
  MaxSlicedSettings settings;
  settings.random_starts = parts.restarts;
  const bool usable = previous.size() == z.cols();
  settings.scanned = 0;  // the direction of the step before is the better start
  settings.covariance_starts = !usable;
  MaxSliced found = max_sliced_w2_squared(z.template cast<double>(), y.template cast<double>(), settings, {parts.seed, Purpose::ascent, parts.replicate, t},
                                          usable ? previous : Eigen::RowVectorXd());
  LossGradient<S> loss = CpuLoss<S>(2.0).evaluate(z, y, found.direction.template cast<S>());
  if (parts.generator_objective.root) loss = rooted(std::move(loss), 2.0);
  return {loss.value, std::move(loss.gradient), std::move(found.direction)};
}

}  // namespace

std::string GeneratorObjective::name() const {
  const std::string where = on_features ? " on features" : " on samples";
  switch (kind) {
    case Kind::bce: return "GAN (BCE)";
    case Kind::sigmoid_mean: return "GAN of report 002 (−mean σ)";
    case Kind::score_mean: return "Wasserstein GAN";
    case Kind::max_sliced: return (root ? "max-SW₂" : "max-SW₂²") + where;
    case Kind::sliced: break;
  }
  if (exponent == 1.0) return "SW₁" + where;
  if (exponent == 2.0) return (root ? "SW₂" : "SW₂²") + where;
  return fmt::format("SW_{0}{1}{2}", exponent, root ? "" : fmt::format("^{}", exponent), where);
}

std::string CriticObjective::name() const {
  switch (kind) {
    case Kind::none: return "critic not trained";
    case Kind::bce: return "BCE critic";
    case Kind::sigmoid_mean: return "linear critic on sigmoids";
    case Kind::score_mean: break;
  }
  return penalty > 0.0 ? fmt::format("Wasserstein critic, gradient penalty {}", penalty) : "Wasserstein critic";
}

template <class S>
void check_two_player_parts(const TwoPlayerParts<S>& parts) {
  if (!parts.generator) reject("two-player training: there is no generator");
  if (!parts.sampler) reject("two-player training: there is no sampler");
  if (!parts.generator_scheme) reject("two-player training: the generator has no scheme");
  const GeneratorObjective& objective = parts.generator_objective;
  const bool trained = parts.critic_objective.kind != CriticObjective::Kind::none;
  if (!parts.critic && needs_critic(objective)) reject("two-player training: the objective {} needs a critic, and there is none", objective.name());
  if (!parts.critic && trained) reject("two-player training: {} without a critic", parts.critic_objective.name());
  if (trained && !parts.critic_scheme) reject("two-player training: the critic has no scheme");
  if (parts.critic && parts.critic->input_dimension() != parts.generator->output_dimension())
    reject("two-player training: the generator's images have dimension {}; the critic takes {}", parts.generator->output_dimension(),
           parts.critic->input_dimension());
  check_exponent(objective.exponent);
  if (objective.kind == GeneratorObjective::Kind::max_sliced && objective.exponent != 2.0)
    reject("two-player training: max-SW is known for p = 2 alone, not for {}", objective.exponent);
  if (objective.directions < 1) reject("two-player training: {} directions; there must be at least 1", objective.directions);
  if (!std::isfinite(parts.generator_step_size) || parts.generator_step_size <= 0.0)
    reject("two-player training: the generator's step size is {}; it must be finite and positive", parts.generator_step_size);
  if (trained && (!std::isfinite(parts.critic_step_size) || parts.critic_step_size <= 0.0))
    reject("two-player training: the critic's step size is {}; it must be finite and positive", parts.critic_step_size);
  if (parts.critic_steps < 1) reject("two-player training: {} updates of the critic a step; there must be at least 1", parts.critic_steps);
  if (parts.restarts < 0) reject("two-player training: {} random starts; their number must not be negative", parts.restarts);
  if (!std::isfinite(parts.critic_objective.penalty) || parts.critic_objective.penalty < 0.0)
    reject("two-player training: the gradient penalty is {}; it must be finite and not negative", parts.critic_objective.penalty);
  if (parts.critic_objective.penalty > 0.0 && parts.critic_objective.kind != CriticObjective::Kind::score_mean)
    reject("two-player training: a gradient penalty belongs to the Wasserstein critic, not to: {}", parts.critic_objective.name());
}

template <class S>
TwoPlayerState<S> TwoPlayer<S>::start(const TwoPlayerParts<S>& parts) const {
  check_two_player_parts(parts);
  TwoPlayerState<S> state;
  state.generator = parts.generator_scheme->start(parts.generator->initial({parts.seed, Purpose::initial, parts.replicate, 0}));
  if (parts.critic) {
    Vector<S> v0 = parts.critic->initial({parts.seed, Purpose::critic_initial, parts.replicate, 0});
    state.critic = parts.critic_scheme ? parts.critic_scheme->start(std::move(v0)) : State<S>{std::move(v0), 0};
    state.statistics = Vector<S>::Zero(parts.critic->statistics());
  }
  return state;
}

template <class S>
CriticReport TwoPlayer<S>::update_critic(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>& batch, std::uint64_t t, Index k) const {
  CriticReport report;
  report.loss = report.gradient_norm = report.slope_real = report.slope_generated = std::numeric_limits<double>::quiet_NaN();
  if (!parts.critic) return report;
  const Points<S> generated = parts.generator->forward(state.generator.u, batch.x);
  if (!generated.allFinite()) reject("step {}: the generator's images are not finite; the step size {} is too large", t, parts.generator_step_size);
  const auto on_real = parts.critic->linearise(state.critic.u, batch.y);
  const auto on_generated = parts.critic->linearise(state.critic.u, generated);
  for (const auto* at : {on_real.get(), on_generated.get()})
    if (at->statistics().size() != 0)
      state.statistics = (S{1} - static_cast<S>(kStatisticsMomentum)) * state.statistics + static_cast<S>(kStatisticsMomentum) * at->statistics();
  report.slope_real = mean_logistic_slope<S>(on_real->scores());
  report.slope_generated = mean_logistic_slope<S>(on_generated->scores());
  if (parts.critic_objective.kind == CriticObjective::Kind::none) return report;

  const CriticScores<S> scores = critic_objective_on_scores<S>(parts.critic_objective.kind, on_real->scores(), on_generated->scores());
  report.loss = scores.value;
  Vector<S> gradient = on_real->pullback_parameters({{}, scores.real}) + on_generated->pullback_parameters({{}, scores.generated});
  if (parts.critic_objective.penalty > 0.0) {
    const RandomStream stream(parts.seed, Purpose::interpolation, parts.replicate,
                              t * static_cast<std::uint64_t>(parts.critic_steps) + static_cast<std::uint64_t>(k));
    Points<S> between(generated.rows(), generated.cols());
    for (Index i = 0; i < between.rows(); ++i) {
      const auto share = static_cast<S>(PointDraws(stream, static_cast<std::uint64_t>(i)).uniform());
      between.row(i) = share * batch.y.row(i) + (S{1} - share) * generated.row(i);
    }
    const PenaltyGradient<S> penalty = parts.critic->gradient_penalty(state.critic.u, between);
    report.loss += parts.critic_objective.penalty * penalty.value;
    gradient += static_cast<S>(parts.critic_objective.penalty) * penalty.gradient;
  }
  require_finite<S>(report.loss, "the critic's loss", t, parts.critic_step_size);
  report.gradient_norm = norm_of(gradient);
  const std::uint64_t update = t * static_cast<std::uint64_t>(parts.critic_steps) + static_cast<std::uint64_t>(k);
  parts.critic_scheme->advance(state.critic, gradient, parts.critic_step_size, {parts.seed, Purpose::critic_noise, parts.replicate, update});
  return report;
}

template <class S>
ObjectiveGradient<S> TwoPlayer<S>::objective(const TwoPlayerParts<S>& parts, VectorView<S> u, VectorView<S> v, const Batch<S>& batch, PointsView<S> directions,
                                             const Eigen::RowVectorXd& previous, std::uint64_t t) const {
  const GeneratorObjective& objective = parts.generator_objective;
  const auto image = parts.generator->linearise(u, batch.x);
  if (!image->images().allFinite()) reject("step {}: the generator's images are not finite; the step size {} is too large", t, parts.generator_step_size);
  const auto on_clouds = [&](PointsView<S> z, PointsView<S> y) {
    return objective.kind == GeneratorObjective::Kind::sliced ? sliced<S>(objective, z, y, directions) : max_sliced<S>(parts, z, y, previous, t);
  };
  if (!needs_critic(objective)) {
    CloudGradient<S> loss = on_clouds(image->images(), batch.y);
    return {loss.value, image->pullback(loss.gradient), std::move(loss.direction)};
  }
  const auto on_generated = parts.critic->linearise(v, image->images());
  if (is_sliced(objective)) {
    const auto on_real = parts.critic->linearise(v, batch.y);  // constants: nothing is pulled back through them
    CloudGradient<S> loss = on_clouds(on_generated->features(), on_real->features());
    return {loss.value, image->pullback(on_generated->pullback_points({std::move(loss.gradient), {}})), std::move(loss.direction)};
  }
  GeneratorScores<S> scores = generator_objective_on_scores<S>(objective.kind, on_generated->scores());
  return {scores.value, image->pullback(on_generated->pullback_points({{}, std::move(scores.generated)})), {}};
}

template <class S>
GeneratorReport TwoPlayer<S>::update_generator(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>& batch, std::uint64_t t) const {
  const GeneratorObjective& kind = parts.generator_objective;
  Points<S> directions(0, 0);
  if (kind.kind == GeneratorObjective::Kind::sliced)
    directions = objective_directions(parts, kind.on_features ? parts.critic->feature_dimension() : parts.generator->output_dimension(), t);
  ObjectiveGradient<S> found = objective(parts, state.generator.u, state.critic.u, batch, directions, state.direction, t);
  require_finite<S>(found.value, "the generator's loss", t, parts.generator_step_size);
  const GeneratorReport report{found.value, norm_of(found.phi)};
  state.direction = std::move(found.direction);
  parts.generator_scheme->advance(state.generator, found.phi, parts.generator_step_size, {parts.seed, Purpose::noise, parts.replicate, t});
  return report;
}

template <class S>
TwoPlayerReport advance(const TwoPlayer<S>& players, const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state) {
  const std::uint64_t t = state.generator.step;
  const bool critic_moves = parts.critic_objective.kind != CriticObjective::Kind::none;
  const Index updates = critic_moves ? parts.critic_steps : 1;
  TwoPlayerReport report;
  Batch<S> batch;
  for (Index k = 0; k < updates; ++k) {
    // The last is batch t whatever the number of updates, so that generators that are compared see the same ones.
    const std::uint64_t further = kFurtherBatches + t * static_cast<std::uint64_t>(updates - 1) + static_cast<std::uint64_t>(k);
    batch = parts.sampler->draw(k + 1 == updates ? t : further);
    report.critic = players.update_critic(parts, state, batch, t, k);
  }
  report.generator = players.update_generator(parts, state, batch, t);
  return report;
}

template <class S>
Points<S> objective_directions(const TwoPlayerParts<S>& parts, Index dimension, std::uint64_t t) {
  return uniform_directions<S>({parts.seed, Purpose::directions, parts.replicate, t}, parts.generator_objective.directions, dimension);
}

template <class S>
std::string initial_hash(const TwoPlayerParts<S>& parts) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto add = [&](const Vector<S>& values) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (std::size_t i = 0; i < static_cast<std::size_t>(values.size()) * sizeof(S); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
  };
  add(parts.generator->initial({parts.seed, Purpose::initial, parts.replicate, 0}));
  if (parts.critic) add(parts.critic->initial({parts.seed, Purpose::critic_initial, parts.replicate, 0}));
  return fmt::format("{:016x}", hash);
}

#define SLICECHECK_TWO_PLAYER(S)                                                                       \
  template class TwoPlayer<S>;                                                                         \
  template TwoPlayerReport advance(const TwoPlayer<S>&, const TwoPlayerParts<S>&, TwoPlayerState<S>&); \
  template Points<S> objective_directions(const TwoPlayerParts<S>&, Index, std::uint64_t);             \
  template std::string initial_hash(const TwoPlayerParts<S>&);                                         \
  template void check_two_player_parts(const TwoPlayerParts<S>&)
SLICECHECK_TWO_PLAYER(float);
SLICECHECK_TWO_PLAYER(double);
#undef SLICECHECK_TWO_PLAYER

}  // namespace slicecheck
