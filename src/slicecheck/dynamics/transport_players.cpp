#include "slicecheck/dynamics/transport_players.h"

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void require_finite(bool finite, const char* what) {
  if (!finite) reject("{} not finite", what);
}

/// How many vectors a scheme remembers.
template <class S>
std::size_t remembered(const Scheme<S>& scheme) {
  return scheme.start(Vector<S>::Zero(1)).memory.size();
}

/// A part of the second player: where it stands in u and in the memory, and its own count of steps.
struct Part {
  Index first;
  Index size;
  std::size_t memory;
  std::size_t memories;
  std::uint64_t step;
};

template <class S, class Move>
void move_part(State<S>& whole, const Part& at, Move&& move) {
  State<S> part{whole.u.segment(at.first, at.size), at.step};
  for (std::size_t i = 0; i < at.memories; ++i) part.memory.push_back(std::move(whole.memory[at.memory + i]));
  move(part);
  whole.u.segment(at.first, at.size) = part.u;
  for (std::size_t i = 0; i < at.memories; ++i) whole.memory[at.memory + i] = std::move(part.memory[i]);
}

}  // namespace

template <class S>
Represented<S>::Represented(const Critic<S>* encoder, VectorView<S> parameters, const Points<S>& points) {
  if (encoder == nullptr) {
    represented_ = points.template cast<double>();
    return;
  }
  parameters_ = parameters;
  at_ = encoder->linearise(parameters_, points);
  represented_ = at_->features().template cast<double>();
  norms_ = represented_.rowwise().norm() / std::sqrt(static_cast<double>(represented_.cols()));
  for (Index i = 0; i < represented_.rows(); ++i) represented_.row(i) /= norms_[i];
}

template <class S>
Points<S> Represented<S>::through_sphere(const Points<double>& cotangent) const {
  Points<S> out(cotangent.rows(), cotangent.cols());
  const auto size = static_cast<double>(cotangent.cols());
  for (Index i = 0; i < out.rows(); ++i) {
    const double along = cotangent.row(i).dot(represented_.row(i)) / size;
    out.row(i) = ((cotangent.row(i) - along * represented_.row(i)) / norms_[i]).template cast<S>();
  }
  return out;
}

template <class S>
Points<S> Represented<S>::pullback_points(const Points<double>& cotangent) const {
  return at_ ? at_->pullback_points({through_sphere(cotangent), {}}) : Points<S>(cotangent.template cast<S>());
}

template <class S>
Vector<S> Represented<S>::pullback_parameters(const Points<double>& cotangent) const {
  return at_->pullback_parameters({through_sphere(cotangent), {}});
}

template <class S>
TransportPlayers<S>::TransportPlayers(TransportTraining<S> training) : training_(std::move(training)) {
  const auto positive = [](double value, const char* what) {
    if (!std::isfinite(value) || value <= 0.0) reject("training on regularised transport: {} is {}; it must be finite and positive", what, value);
  };
  positive(training_.lambda, "lambda");
  if (!training_.source || !training_.target) reject("training on regularised transport: a law is missing");
  if (training_.dual_batch < 2) reject("training on regularised transport: minibatches of {} points; at least 2 are needed", training_.dual_batch);
  if (!training_.sweeps) {
    if (!training_.duals || !training_.dual_scheme) reject("training on regularised transport: potentials or their scheme are missing");
    positive(training_.dual_step_size, "the step size of the potentials");
    if (training_.dual_steps < 1) reject("training on regularised transport: {} steps of the potentials; at least 1 is needed", training_.dual_steps);
  }
  if (training_.encoded && training_.encoder_every > 0) {
    if (!training_.encoder_scheme) reject("training on regularised transport: the encoder has no scheme");
    positive(training_.encoder_step_size, "the step size of the encoder");
  }
}

template <class S>
TwoPlayerState<S> TransportPlayers<S>::start(const TwoPlayerParts<S>& parts) const {
  check_two_player_parts(parts);
  if (training_.encoded && !parts.critic) reject("training on regularised transport: the cost is taken on features, and there is no critic");
  if (!training_.sweeps) {
    const Index size = training_.encoded ? parts.critic->feature_dimension() : parts.generator->output_dimension();
    if (training_.duals->input_dimension() != size)
      reject("training on regularised transport: the potentials take {} coordinates; the cost sees {}", training_.duals->input_dimension(), size);
  }
  TwoPlayerState<S> state;
  state.generator = parts.generator_scheme->start(parts.generator->initial({parts.seed, Purpose::initial, parts.replicate, 0}));
  const Index duals = dual_parameters(), encoder = training_.encoded ? parts.critic->parameters() : 0;
  state.critic.u.resize(problems() * duals + encoder);
  const auto remember = [&](const Scheme<S>* scheme, Index first, Index size) {
    if (scheme == nullptr || size == 0) return;
    State<S> part = scheme->start(state.critic.u.segment(first, size));
    state.critic.u.segment(first, size) = part.u;
    for (Vector<S>& memory : part.memory) state.critic.memory.push_back(std::move(memory));
  };
  for (Index pair = 0; pair < problems() && duals > 0; ++pair) {
    state.critic.u.segment(pair * duals, duals) = training_.duals->initial(parts.seed, parts.replicate, static_cast<std::uint64_t>(pair));
    remember(training_.dual_scheme.get(), pair * duals, duals);
  }
  if (encoder > 0) {
    state.critic.u.tail(encoder) = parts.critic->initial({parts.seed, Purpose::critic_initial, parts.replicate, 0});
    remember(training_.encoder_every > 0 ? training_.encoder_scheme.get() : nullptr, problems() * duals, encoder);
  }
  state.statistics = Vector<S>::Zero(1);
  return state;
}

template <class S>
std::optional<std::uint64_t> TransportPlayers<S>::diverged_at(const TwoPlayerState<S>& state) {
  if (state.statistics.size() != 1 || !(state.statistics[0] > S{0})) return std::nullopt;
  return static_cast<std::uint64_t>(state.statistics[0]) - 1;
}

template <class S>
Vector<S> TransportPlayers<S>::encoder_of(const TwoPlayerParts<S>& parts, VectorView<S> v) const {
  return training_.encoded ? Vector<S>(v.tail(parts.critic->parameters())) : Vector<S>();
}

template <class S>
Represented<S> TransportPlayers<S>::represented(const TwoPlayerParts<S>& parts, VectorView<S> v, const Points<S>& points) const {
  require_finite(points.allFinite(), "images are");
  Represented<S> out(training_.encoded ? parts.critic.get() : nullptr, encoder_of(parts, v), points);
  require_finite(out.points().allFinite(), "features are");
  return out;
}

template <class S>
TransportProblem TransportPlayers<S>::problem(const Points<double>& z, const Points<double>& y) const {
  return uniform_problem(training_.cost, z, y, training_.lambda, training_.regulariser);
}

template <class S>
DualPotentials TransportPlayers<S>::potentials(VectorView<S> v, Index pair, const Points<double>& z, const Points<double>& y,
                                               const TransportProblem& problem) const {
  const Index size = dual_parameters();
  DualPotentials found = training_.duals->potentials(v.segment(pair * size, size), z.template cast<S>(), y.template cast<S>());
  require_finite(found.phi.allFinite() && found.psi.allFinite(), "potentials are");
  return with_best_constant(problem, std::move(found));
}

template <class S>
typename TransportPlayers<S>::Plan TransportPlayers<S>::plan(VectorView<S> v, Index pair, const Points<double>& z, const Points<double>& y) const {
  const TransportProblem between = problem(z, y);
  if (training_.sweeps) {
    const TransportSolution solved = solve_transport(between, training_.solver);
    return {solved.dual_value, gradient_weights(between, solved.potentials)};
  }
  const DualPotentials found = potentials(v, pair, z, y, between);
  const double value = dual_value(between, found);
  require_finite(std::isfinite(value), "D is");
  return {value, gradient_weights(between, found)};
}

template <class S>
ObjectiveGradient<S> TransportPlayers<S>::objective(const TwoPlayerParts<S>& parts, VectorView<S> u, VectorView<S> v, const Batch<S>& batch, PointsView<S>,
                                                    const Eigen::RowVectorXd&, std::uint64_t) const {
  const GroundCost cost = training_.cost;
  const auto image = parts.generator->linearise(u, batch.x);
  const Represented<S> z = represented(parts, v, image->images());
  const Represented<S> y = represented(parts, v, batch.y);
  const Plan between = plan(v, 0, z.points(), y.points());
  double value = between.value;
  Points<double> slope = cost_pullback(cost, z.points(), y.points(), between.weights);
  if (training_.sinkhorn_loss) {
    const Index half = z.points().rows() / 2;
    const Points<double> first = z.points().topRows(half), second = z.points().bottomRows(half);
    const Plan within = plan(v, 1, first, second);
    value = 2.0 * value - within.value;
    slope *= 2.0;
    slope.topRows(half) -= cost_pullback(cost, first, second, within.weights);
    slope.bottomRows(half) -= cost_pullback(cost, second, first, within.weights.transpose());
  }
  return {value, image->pullback(z.pullback_points(slope)), {}};
}

template <class S>
DualGradient<S> TransportPlayers<S>::encoder_objective(const TwoPlayerParts<S>& parts, VectorView<S> v, const Points<S>& z, const Points<S>& y) const {
  const GroundCost cost = training_.cost;
  const Represented<S> at_z = represented(parts, v, z), at_y = represented(parts, v, y);
  Points<double> slope_z = Points<double>::Zero(at_z.points().rows(), at_z.points().cols());
  Points<double> slope_y = Points<double>::Zero(at_y.points().rows(), at_y.points().cols());
  double value = 0.0;
  // Both slots of factor · d between rows of one cloud and rows of another.
  const auto add = [&](double factor, const Plan& plan, const Points<double>& a, Eigen::Ref<Points<double>> slope_a, const Points<double>& b,
                       Eigen::Ref<Points<double>> slope_b) {
    value += factor * plan.value;
    slope_a += factor * cost_pullback(cost, a, b, plan.weights);
    slope_b += factor * cost_pullback(cost, b, a, plan.weights.transpose());
  };
  add(training_.sinkhorn_loss ? 2.0 : 1.0, plan(v, 0, at_z.points(), at_y.points()), at_z.points(), slope_z, at_y.points(), slope_y);
  if (training_.sinkhorn_loss) {
    const auto subtract = [&](const Points<double>& points, Points<double>& slope, bool generated) {
      const Index half = points.rows() / 2;
      const Points<double> first = points.topRows(half), second = points.bottomRows(half);
      Plan within{};
      if (generated) {
        within = plan(v, 1, first, second);
      } else {
        const TransportProblem of_y = problem(first, second);
        const TransportSolution solved = solve_transport(of_y, training_.solver);
        within = {solved.dual_value, gradient_weights(of_y, solved.potentials)};
      }
      add(-1.0, within, first, slope.topRows(half), second, slope.bottomRows(half));
    };
    subtract(at_z.points(), slope_z, true);
    subtract(at_y.points(), slope_y, false);
  }
  return {value, at_z.pullback_parameters(slope_z) + at_y.pullback_parameters(slope_y)};
}

template <class S>
void TransportPlayers<S>::move_encoder(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Points<S>& images, const Points<S>& y,
                                       std::uint64_t update, CriticReport& report, const RandomStream& noise) const {
  const DualGradient<S> up = encoder_objective(parts, state.critic.u, images, y);
  require_finite(std::isfinite(up.value) && up.gradient.allFinite(), "the encoder's gradient is");
  const Index size = parts.critic->parameters();
  const std::size_t before = training_.sweeps ? 0 : static_cast<std::size_t>(problems()) * remembered(*training_.dual_scheme);
  move_part(state.critic, {state.critic.u.size() - size, size, before, remembered(*training_.encoder_scheme), update},
            [&](State<S>& part) { training_.encoder_scheme->advance(part, -up.gradient, training_.encoder_step_size, noise); });
  report.gradient_norm = up.gradient.template cast<double>().norm();
}

template <class S>
void TransportPlayers<S>::step_up(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, std::uint64_t t, CriticReport& report) const {
  const auto encoder_steps = static_cast<std::uint64_t>(training_.encoded ? training_.encoder_every : 0);
  const bool encoder_moves = encoder_steps > 0 && (t + 1) % encoder_steps == 0;
  if (training_.sweeps && !encoder_moves) return;
  const auto steps = static_cast<std::uint64_t>(training_.sweeps ? 1 : training_.dual_steps);
  for (std::uint64_t k = 0; k < steps; ++k) {
    const std::uint64_t update = t * steps + k;
    const Points<S> x = training_.source->template sample<S>({parts.seed, Purpose::dual_batch, parts.replicate, 2 * update}, training_.dual_batch);
    const Points<S> y = training_.target->template sample<S>({parts.seed, Purpose::dual_batch, parts.replicate, 2 * update + 1}, training_.dual_batch);
    const Points<S> images = parts.generator->forward(state.generator.u, x);
    const RandomStream noise(parts.seed, Purpose::critic_noise, parts.replicate, update);
    if (!training_.sweeps) {
      const Points<double> z = represented(parts, state.critic.u, images).points(), w = represented(parts, state.critic.u, y).points();
      const Index duals = dual_parameters(), half = z.rows() / 2;
      const std::size_t memory = remembered(*training_.dual_scheme);
      const auto climb = [&](Index pair, const Points<double>& a, const Points<double>& b) {
        double value = 0.0;
        move_part(state.critic, {pair * duals, duals, static_cast<std::size_t>(pair) * memory, memory, update}, [&](State<S>& part) {
          value =
              training_.duals->ascend(part, a.template cast<S>(), b.template cast<S>(), problem(a, b), *training_.dual_scheme, training_.dual_step_size, noise);
        });
        require_finite(std::isfinite(value), "D is");
        return value;
      };
      report.loss = -climb(0, z, w);
      if (training_.sinkhorn_loss) report.loss = 2.0 * report.loss + climb(1, z.topRows(half), z.bottomRows(half));
    }
    if (encoder_moves && k + 1 == steps) move_encoder(parts, state, images, y, t / encoder_steps, report, noise);
  }
}

template <class S>
CriticReport TransportPlayers<S>::update_critic(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>&, std::uint64_t t, Index) const {
  CriticReport report{kNaN, kNaN, kNaN, kNaN};
  if (diverged_at(state)) return report;
  try {
    step_up(parts, state, t, report);
    ++state.critic.step;
  } catch (const InputError&) {
    state.statistics[0] = static_cast<S>(t + 1);
    return {kNaN, kNaN, kNaN, kNaN};
  }
  return report;
}

template <class S>
GeneratorReport TransportPlayers<S>::update_generator(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>& batch, std::uint64_t t) const {
  ObjectiveGradient<S> found;
  bool usable = !diverged_at(state);
  if (usable) {
    try {
      found = objective(parts, state.generator.u, state.critic.u, batch, Points<S>(), {}, t);
      usable = std::isfinite(found.value) && found.phi.allFinite();
    } catch (const InputError&) {
      usable = false;
    }
    if (!usable) state.statistics[0] = static_cast<S>(t + 1);
  }
  if (!usable) {
    ++state.generator.step;
    return {kNaN, kNaN};
  }
  parts.generator_scheme->advance(state.generator, found.phi, parts.generator_step_size, {parts.seed, Purpose::noise, parts.replicate, t});
  return {found.value, found.phi.template cast<double>().norm()};
}

template <class S>
DualCertificate TransportPlayers<S>::certify(const TwoPlayerParts<S>& parts, const TwoPlayerState<S>& state, const Points<S>& x, const Points<S>& y,
                                             const SolverSettings& settings) const {
  const Points<S> images = parts.generator->forward(state.generator.u, x);
  const Points<double> z = represented(parts, state.critic.u, images).points(), w = represented(parts, state.critic.u, y).points();
  const TransportProblem between = problem(z, w);
  const DualPotentials start = training_.sweeps ? solve_transport(between, training_.solver).potentials : potentials(state.critic.u, 0, z, w, between);
  return certify_duals(between, start, training_.cost, z, w, settings);
}

template class Represented<float>;
template class Represented<double>;
template class TransportPlayers<float>;
template class TransportPlayers<double>;

}  // namespace slicecheck
