#include "slicecheck/gallery/broken_players.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

enum class PlayersFlaw {
  none,
  critic_moved_by_generator_step,
  generator_moved_by_critic_step,
  real_features_not_detached,
  stale_real_features,
  statistics_moved_by_real_pass,
  statistics_moved_twice,
  statistics_not_moved,
  statistics_of_real_points_only,
  sliced_step_size,
  start_depends_on_objective,
  start_ignores_replicate,
  sw1_labelled_sw2,
  missing_square,
  missing_root,
  root_in_value_only,
  directions_not_normalised,
  unsorted_target,
  saturating_bce,
  critic_sign,
  penalty_not_differentiated,
  penalty_at_real_points,
  direction_not_normalised,
  stale_direction,
  depends_on_calls,
};

using Kind = GeneratorObjective::Kind;
using CriticKind = CriticObjective::Kind;

double sigma(double s) { return 1.0 / (1.0 + std::exp(-s)); }

/// One update of a two-player training with one thing wrong. Written apart from `TwoPlayer`.
class BrokenPlayers final : public TwoPlayer<double> {
 public:
  explicit BrokenPlayers(PlayersFlaw flaw) : flaw_(flaw) {}

  [[nodiscard]] TwoPlayerState<double> start(const TwoPlayerParts<double>& parts) const override;
  CriticReport update_critic(const TwoPlayerParts<double>& parts, TwoPlayerState<double>& state, const Batch<double>& batch, std::uint64_t t,
                             Index k) const override;
  GeneratorReport update_generator(const TwoPlayerParts<double>& parts, TwoPlayerState<double>& state, const Batch<double>& batch,
                                   std::uint64_t t) const override;
  [[nodiscard]] ObjectiveGradient<double> objective(const TwoPlayerParts<double>& parts, VectorView<double> u, VectorView<double> v, const Batch<double>& batch,
                                                    PointsView<double> directions, const Eigen::RowVectorXd& previous, std::uint64_t t) const override;

 private:
  struct CloudGradient {
    double value = 0.0;
    Points<double> of_z;
    Points<double> of_y;  // what only code that forgets to detach would look at
    Eigen::RowVectorXd direction;
  };

  [[nodiscard]] bool is(PlayersFlaw flaw) const { return flaw_ == flaw; }
  [[nodiscard]] CloudGradient sliced(const GeneratorObjective& objective, const Points<double>& z, const Points<double>& y,
                                     const Points<double>& directions) const;
  [[nodiscard]] CloudGradient on_clouds(const TwoPlayerParts<double>& parts, const Points<double>& z, const Points<double>& y, const Points<double>& directions,
                                        const Eigen::RowVectorXd& previous, std::uint64_t t) const;
  [[nodiscard]] Points<double> drawn_directions(const TwoPlayerParts<double>& parts, std::uint64_t t) const;
  void move_statistics(TwoPlayerState<double>& state, const CriticLinearisation<double>& at) const;
  /// Of the gradient in v that nobody sets to 0. It is kept in `direction`, which sliced losses have no use for, so that a run stays a function of its state.
  [[nodiscard]] bool leaves_behind(const TwoPlayerParts<double>& parts) const {
    return is(PlayersFlaw::real_features_not_detached) && parts.generator_objective.on_features && parts.generator_objective.kind == Kind::sliced;
  }

  PlayersFlaw flaw_;
  mutable std::atomic<int> calls_{0};
};

TwoPlayerState<double> BrokenPlayers::start(const TwoPlayerParts<double>& parts) const {
  TwoPlayerState<double> state;
  const std::uint32_t replicate = is(PlayersFlaw::start_ignores_replicate) ? 0 : parts.replicate;
  const std::uint64_t step = is(PlayersFlaw::start_depends_on_objective) && parts.generator_objective.kind == Kind::sliced ? 1 : 0;
  state.generator = parts.generator_scheme->start(parts.generator->initial({parts.seed, Purpose::initial, replicate, step}));
  if (!parts.critic) return state;
  state.critic.u = parts.critic->initial({parts.seed, Purpose::critic_initial, replicate, 0});
  if (parts.critic_scheme) state.critic = parts.critic_scheme->start(state.critic.u);
  state.statistics = Eigen::VectorXd::Zero(parts.critic->statistics());
  return state;
}

BrokenPlayers::CloudGradient BrokenPlayers::sliced(const GeneratorObjective& objective, const Points<double>& z, const Points<double>& y,
                                                   const Points<double>& directions) const {
  const double p = is(PlayersFlaw::sw1_labelled_sw2) && objective.exponent == 2.0 ? 1.0 : objective.exponent;
  const Index n = z.rows();
  CloudGradient out{0.0, Points<double>::Zero(n, z.cols()), Points<double>::Zero(n, z.cols()), {}};
  const double weight = 1.0 / static_cast<double>(n * directions.rows());
  for (const auto& theta : directions.rowwise()) {
    const Eigen::VectorXd a = z * theta.transpose();
    const Eigen::VectorXd b = y * theta.transpose();
    std::vector<Index> of_z(static_cast<std::size_t>(n));
    std::iota(of_z.begin(), of_z.end(), Index{0});
    std::vector<Index> of_y = of_z;
    if (!is(PlayersFlaw::unsorted_target)) std::stable_sort(of_y.begin(), of_y.end(), [&](Index i, Index j) { return b[i] < b[j]; });
    std::stable_sort(of_z.begin(), of_z.end(), [&](Index i, Index j) { return a[i] < a[j]; });
    for (std::size_t r = 0; r < of_z.size(); ++r) {
      const double gap = a[of_z[r]] - b[of_y[r]];
      out.value += weight * std::pow(std::abs(gap), p);
      const double slope = gap == 0.0 ? 0.0 : weight * p * std::pow(std::abs(gap), p - 1.0) * (gap > 0.0 ? 1.0 : -1.0);
      out.of_z.row(of_z[r]) += slope * theta;
      out.of_y.row(of_y[r]) -= slope * theta;
    }
  }
  const bool root = (objective.root && !is(PlayersFlaw::missing_root)) || (is(PlayersFlaw::missing_square) && objective.exponent == 2.0);
  if (!root) return out;
  const double factor = out.value > 0.0 ? std::pow(out.value, 1.0 / p - 1.0) / p : 0.0;
  out.value = std::pow(out.value, 1.0 / p);
  if (is(PlayersFlaw::root_in_value_only)) return out;
  out.of_z *= factor;
  out.of_y *= factor;
  return out;
}

BrokenPlayers::CloudGradient BrokenPlayers::on_clouds(const TwoPlayerParts<double>& parts, const Points<double>& z, const Points<double>& y,
                                                      const Points<double>& directions, const Eigen::RowVectorXd& previous, std::uint64_t t) const {
  if (parts.generator_objective.kind == Kind::sliced) return sliced(parts.generator_objective, z, y, directions);
  const bool known = previous.size() == z.cols();
  Eigen::RowVectorXd direction = previous;
  if (!known || !is(PlayersFlaw::stale_direction)) {
    MaxSlicedSettings settings;
    settings.random_starts = parts.restarts;
    direction = max_sliced_w2_squared(z, y, settings, {parts.seed, Purpose::ascent, parts.replicate, t}, known ? previous : Eigen::RowVectorXd()).direction;
  }
  CloudGradient out = sliced(parts.generator_objective, z, y, direction);
  if (is(PlayersFlaw::direction_not_normalised))  // the gradient along a direction whose largest coordinate is 1
    out.of_z = sliced(parts.generator_objective, z, y, direction / direction.cwiseAbs().maxCoeff()).of_z;
  out.direction = std::move(direction);
  return out;
}

ObjectiveGradient<double> BrokenPlayers::objective(const TwoPlayerParts<double>& parts, VectorView<double> u, VectorView<double> v, const Batch<double>& batch,
                                                   PointsView<double> directions, const Eigen::RowVectorXd& previous, std::uint64_t t) const {
  const GeneratorObjective& objective = parts.generator_objective;
  const auto image = parts.generator->linearise(u, batch.x);
  ObjectiveGradient<double> out;
  Points<double> of_image;
  if (objective.kind == Kind::sliced || objective.kind == Kind::max_sliced) {
    CloudGradient loss;
    if (objective.on_features) {
      const auto generated = parts.critic->linearise(v, image->images());
      Eigen::VectorXd v_of_y = v;
      if (is(PlayersFlaw::stale_real_features)) v_of_y = parts.critic->initial({parts.seed, Purpose::critic_initial, parts.replicate, 0});
      const auto real = parts.critic->linearise(v_of_y, batch.y);
      loss = on_clouds(parts, generated->features(), real->features(), directions, previous, t);
      of_image = generated->pullback_points({loss.of_z, {}});
    } else {
      loss = on_clouds(parts, image->images(), batch.y, directions, previous, t);
      of_image = loss.of_z;
    }
    out.value = loss.value;
    out.direction = std::move(loss.direction);
  } else {
    const auto generated = parts.critic->linearise(v, image->images());
    Eigen::VectorXd slopes = generated->scores();
    for (double& entry : slopes) {
      const double s = entry;
      if (objective.kind == Kind::bce && is(PlayersFlaw::saturating_bce)) {
        out.value += std::log1p(-sigma(s));
        entry = -sigma(s);
      } else if (objective.kind == Kind::bce) {
        out.value += std::log1p(std::exp(-s));
        entry = -sigma(-s);
      } else if (objective.kind == Kind::sigmoid_mean) {
        out.value -= sigma(s);
        entry = -sigma(s) * sigma(-s);
      } else {
        out.value -= s;
        entry = -1.0;
      }
    }
    const auto n = static_cast<double>(slopes.size());
    out.value /= n;
    of_image = generated->pullback_points({{}, slopes / n});
  }
  out.phi = image->pullback(of_image);
  if (is(PlayersFlaw::depends_on_calls)) out.phi *= 1.0 + 1e-6 * calls_++;
  return out;
}

Points<double> BrokenPlayers::drawn_directions(const TwoPlayerParts<double>& parts, std::uint64_t t) const {
  if (parts.generator_objective.kind != Kind::sliced) return Points<double>(0, 0);
  const bool on_features = parts.generator_objective.on_features;
  Points<double> theta = objective_directions(parts, on_features ? parts.critic->feature_dimension() : parts.generator->output_dimension(), t);
  if (!is(PlayersFlaw::directions_not_normalised)) return theta;
  const RandomStream stream(parts.seed, Purpose::directions, parts.replicate, t);
  for (Index l = 0; l < theta.rows(); ++l) theta.row(l) *= 0.5 + stream.uniforms(static_cast<std::uint64_t>(l))[0];
  return theta;
}

GeneratorReport BrokenPlayers::update_generator(const TwoPlayerParts<double>& parts, TwoPlayerState<double>& state, const Batch<double>& batch,
                                                std::uint64_t t) const {
  const Points<double> directions = drawn_directions(parts, t);
  ObjectiveGradient<double> found = objective(parts, state.generator.u, state.critic.u, batch, directions, state.direction, t);
  Eigen::VectorXd in_v = Eigen::VectorXd::Zero(state.critic.u.size());  // of the loss through Y's features
  const bool on_features = parts.generator_objective.on_features;
  if (on_features && (is(PlayersFlaw::critic_moved_by_generator_step) || is(PlayersFlaw::real_features_not_detached))) {
    const auto real = parts.critic->linearise(state.critic.u, batch.y);
    const auto generated = parts.critic->linearise(state.critic.u, parts.generator->forward(state.generator.u, batch.x));
    const CloudGradient loss = on_clouds(parts, generated->features(), real->features(), directions, state.direction, t);
    in_v = real->pullback_parameters({loss.of_y, {}});
  }
  if (is(PlayersFlaw::critic_moved_by_generator_step)) state.critic.u -= parts.generator_step_size * in_v;
  if (is(PlayersFlaw::statistics_moved_by_real_pass) && parts.critic) move_statistics(state, *parts.critic->linearise(state.critic.u, batch.y));
  state.direction = std::move(found.direction);
  const bool slower = is(PlayersFlaw::sliced_step_size) && parts.generator_objective.kind == Kind::sliced;
  parts.generator_scheme->advance(state.generator, found.phi, (slower ? 0.1 : 1.0) * parts.generator_step_size,
                                  {parts.seed, Purpose::noise, parts.replicate, t});
  if (leaves_behind(parts)) state.direction = in_v.transpose();
  return {found.value, found.phi.norm()};
}

void BrokenPlayers::move_statistics(TwoPlayerState<double>& state, const CriticLinearisation<double>& at) const {
  if (at.statistics().size() != 0) state.statistics = 0.9 * state.statistics + 0.1 * at.statistics();
}

CriticReport BrokenPlayers::update_critic(const TwoPlayerParts<double>& parts, TwoPlayerState<double>& state, const Batch<double>& batch, std::uint64_t t,
                                          Index k) const {
  CriticReport report{std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN(), 0.0, 0.0};
  if (!parts.critic) return report;
  const auto image = parts.generator->linearise(state.generator.u, batch.x);
  const auto real = parts.critic->linearise(state.critic.u, batch.y);
  const auto generated = parts.critic->linearise(state.critic.u, image->images());
  for (int times = is(PlayersFlaw::statistics_not_moved) ? 2 : is(PlayersFlaw::statistics_moved_twice) ? 0 : 1; times < 2; ++times) {
    move_statistics(state, *real);
    if (!is(PlayersFlaw::statistics_of_real_points_only)) move_statistics(state, *generated);
  }
  Eigen::VectorXd of_real = real->scores();
  Eigen::VectorXd of_generated = generated->scores();
  const auto n = static_cast<double>(of_real.size());
  const auto slope = [](double s) { return sigma(s) * sigma(-s); };
  report.slope_real = of_real.unaryExpr(slope).mean();
  report.slope_generated = of_generated.unaryExpr(slope).mean();
  const CriticKind kind = parts.critic_objective.kind;
  if (kind == CriticKind::none) return report;

  if (kind == CriticKind::bce) {
    const auto term = [](double s) { return std::log1p(std::exp(s)); };
    report.loss = (-of_real).unaryExpr(term).mean() + of_generated.unaryExpr(term).mean();
    of_real = (-of_real).unaryExpr(&sigma) / -n;
    of_generated = of_generated.unaryExpr(&sigma) / n;
  } else if (kind == CriticKind::sigmoid_mean) {
    report.loss = of_generated.unaryExpr(&sigma).mean() - of_real.unaryExpr(&sigma).mean();
    of_real = of_real.unaryExpr(slope) / -n;
    of_generated = of_generated.unaryExpr(slope) / n;
  } else {
    report.loss = of_generated.mean() - of_real.mean();
    of_real.setConstant(-1.0 / n);
    of_generated.setConstant(1.0 / n);
  }
  if (is(PlayersFlaw::critic_sign)) {
    of_real = -of_real;
    of_generated = -of_generated;
  }
  Eigen::VectorXd gradient = real->pullback_parameters({{}, of_real}) + generated->pullback_parameters({{}, of_generated});
  const std::uint64_t update = t * static_cast<std::uint64_t>(parts.critic_steps) + static_cast<std::uint64_t>(k);
  if (const double penalty = parts.critic_objective.penalty; penalty > 0.0) {
    Points<double> points = batch.y;
    const RandomStream stream(parts.seed, Purpose::interpolation, parts.replicate, update);
    for (Index i = 0; i < points.rows() && !is(PlayersFlaw::penalty_at_real_points); ++i)
      points.row(i) += (1.0 - PointDraws(stream, static_cast<std::uint64_t>(i)).uniform()) * (image->images().row(i) - points.row(i));
    const PenaltyGradient<double> at = parts.critic->gradient_penalty(state.critic.u, points);
    report.loss += penalty * at.value;
    if (!is(PlayersFlaw::penalty_not_differentiated)) gradient += penalty * at.gradient;
  }
  if (leaves_behind(parts) && state.direction.size() == gradient.size()) gradient += state.direction.transpose();
  report.gradient_norm = gradient.norm();
  if (is(PlayersFlaw::generator_moved_by_critic_step))
    state.generator.u -= parts.critic_step_size * image->pullback(generated->pullback_points({{}, of_generated}));
  parts.critic_scheme->advance(state.critic, gradient, parts.critic_step_size, {parts.seed, Purpose::critic_noise, parts.replicate, update});
  return report;
}

TwoPlayerSubject players(const std::string& name, const std::string& title, PlayersFlaw flaw) {
  return {"gallery/" + name, title, std::make_shared<BrokenPlayers>(flaw)};
}

}  // namespace

std::vector<PlayersDefect> broken_players() {
  using Flaw = PlayersFlaw;
  struct Entry {
    const char* name;
    const char* title;
    Flaw flaw;
  };
  const Entry entries[] = {
      {"critic-moved-by-generator-step", "the generator's step moves v too, through Y's features", Flaw::critic_moved_by_generator_step},
      {"generator-moved-by-critic-step", "the critic's step moves u too", Flaw::generator_moved_by_critic_step},
      {"real-features-not-detached", "the generator's gradient through Y's features is left in the critic's next one", Flaw::real_features_not_detached},
      {"stale-real-features", "Y's features are those of v_0", Flaw::stale_real_features},
      {"statistics-moved-by-real-pass", "the generator's step moves the running statistics by its pass over Y", Flaw::statistics_moved_by_real_pass},
      {"statistics-moved-twice", "running statistics move twice a step", Flaw::statistics_moved_twice},
      {"statistics-not-moved", "running statistics stay where they are", Flaw::statistics_not_moved},
      {"statistics-of-real-points-only", "running statistics leave T(u, X) out", Flaw::statistics_of_real_points_only},
      {"sliced-step-size", "another step size where the loss is sliced", Flaw::sliced_step_size},
      {"start-depends-on-objective", "another u_0 where the loss is sliced", Flaw::start_depends_on_objective},
      {"players-start-ignores-replicate", "all replicates have the u_0 and v_0 of replicate 0", Flaw::start_ignores_replicate},
      {"sw1-labelled-sw2", "SW_1 where SW_2² is declared", Flaw::sw1_labelled_sw2},
      {"missing-square", "SW_2 where SW_2² is declared", Flaw::missing_square},
      {"missing-root", "SW_p^p where SW_p is declared", Flaw::missing_root},
      {"root-in-value-only", "SW_p with the gradient of SW_p^p", Flaw::root_in_value_only},
      {"objective-directions-not-normalised", "directions of other lengths than 1", Flaw::directions_not_normalised},
      {"unsorted-y", "sorted images against Y in the order of its rows", Flaw::unsorted_target},
      {"saturating-bce", "mean ln(1 − σ) where mean −ln σ is declared", Flaw::saturating_bce},
      {"critic-sign", "the critic goes uphill", Flaw::critic_sign},
      {"penalty-not-differentiated", "the gradient penalty is in the value alone", Flaw::penalty_not_differentiated},
      {"penalty-at-real-points", "the gradient penalty is taken at Y", Flaw::penalty_at_real_points},
      {"max-sw-gradient-not-normalised", "the gradient of max-SW is taken along a vector that is not 1 long", Flaw::direction_not_normalised},
      {"stale-worst-direction", "max-SW at the direction of the step before", Flaw::stale_direction},
      {"players-depend-on-calls", "φ depends on how often was asked", Flaw::depends_on_calls}};
  std::vector<PlayersDefect> defects;
  for (const Entry& entry : entries) defects.push_back({entry.name, entry.title, players(entry.name, entry.title, entry.flaw)});
  return defects;
}

TwoPlayerSubject repaired_players() { return players("repaired-players", "the gallery's two-player training without a defect", PlayersFlaw::none); }

}  // namespace slicecheck
