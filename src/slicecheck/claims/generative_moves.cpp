#include "slicecheck/claims/generative_case.h"
#include "slicecheck/claims/generative_players.h"

namespace slicecheck {

namespace {

/// The value and, away from ties and kinks, the derivative along r; a gradient's size is checked first.
void compare(WorstOf& worst, Trial& counted, const PlayersCase& c, const PlayersTextbook& book, const Tracked& expected, double value,
             const Eigen::VectorXd& gradient, const Eigen::VectorXd& along) {
  expect_size("a gradient", gradient.size(), along.size());
  worst.add(std::abs(value - expected.value), distance_of_values(expected));
  const bool derivative = !book.near_kink() && !book.near_tie();
  if (derivative) worst.add(std::abs(gradient.dot(along) - expected.slope), distance_of_slopes(expected, c.roundings()));
  counted.counts["near a tie or a kink: value only"] += derivative ? 0 : 1;
}

/// The scheme was called once, on the state as it was, with the declared step size, and what it made of that is there.
void require_step(WorstOf& worst, const WitnessScheme& scheme, const State<double>& before, const State<double>& after, double alpha) {
  worst.require(scheme.calls().size() == 1);
  if (scheme.calls().size() != 1) return;
  const SchemeCall& call = scheme.calls().front();
  worst.require(call.alpha == alpha);
  worst.require(same_bits(call.before, before));
  worst.require(same_bits(call.after, after));
}

/// ‖φ‖ is a sum of at most d squares and a root.
void compare_norm(WorstOf& worst, double reported, const Eigen::VectorXd& gradient) {
  worst.add(std::abs(reported - gradient.norm()), sum_rounding(2.0 * static_cast<double>(gradient.size()) + 8.0, gradient.norm()));
}

Trial with(const PlayersCase& c, const WorstOf& worst, Trial&& counted) {
  Trial trial = worst.trial(c);
  trial.counts = std::move(counted.counts);
  return trial;
}

PlayersCase draw_case(PointDraws& draws, int size) {
  const PlayersWish wish{draw_generator_objective(draws), draw_critic_objective(draws), draws.below(2) == 0};
  return draw_players_case(draws, wish, size);
}

PlayersCase draw_max_sliced_case(PointDraws& draws, int size) {
  PlayersWish wish;
  wish.generator_objective.kind = GeneratorObjective::Kind::max_sliced;
  wish.generator_objective.on_features = draws.below(2) == 0;
  wish.generator_objective.root = draws.below(3) == 0;
  wish.generator_objective.directions = 1;
  wish.critic_objective.kind = CriticObjective::Kind::bce;
  wish.normalised = draws.below(2) == 0;
  wish.least_dimension = 2;
  PlayersCase c = draw_players_case(draws, wish, size);
  if (draws.below(2) == 0) {
    Eigen::VectorXd direction = normal_vector(draws, c.objective_dimension());
    c.state.direction = (direction / direction.norm()).transpose();
  }
  return c;
}

// ------------------------------------------------------------------------------------------------------------------------------------------- objectives

Trial judge_objective(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PlayersCase c = draw_case(draws, size);
  const Points<double> directions = objective_directions(c.parts, c.objective_dimension(), c.t);
  const auto found = subject.players->objective(c.parts, c.state.generator.u, c.state.critic.u, c.batch, directions, {}, c.t);
  PlayersTextbook book;
  WorstOf worst;
  Trial counted;
  compare(worst, counted, c, book, c.generator_objective(book, c.batch, directions), found.value, found.phi, c.along_u);
  return with(c, worst, std::move(counted));
}

/// w_θ of the two clouds that the objective is taken on.
Tracked seen_along(const PlayersCase& c, const Eigen::RowVectorXd& direction) {
  PlayersTextbook book;
  return c.generator_objective(book, c.batch, Points<double>(direction));
}

/// max-SW: value and φ are those of w_θ at the direction that is reported; θ is a unit vector; the value is not below w at the mean gap and at the direction
/// before, nor, in the plane, at any of 180 angles.
Trial judge_worst_direction(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PlayersCase c = draw_max_sliced_case(draws, size);
  const Index d = c.objective_dimension();
  TwoPlayerState<double> state = c.state;
  const auto found = subject.players->objective(c.parts, state.generator.u, state.critic.u, c.batch, Points<double>(0, 0), state.direction, c.t);
  const GeneratorReport report = subject.players->update_generator(c.parts, state, c.batch, c.t);
  expect_size("the direction", found.direction.size(), d);
  expect_size("the direction of the update", state.direction.size(), d);
  WorstOf worst;
  Trial counted;
  PlayersTextbook book;
  compare(worst, counted, c, book, c.generator_objective(book, c.batch, Points<double>(found.direction)), found.value, found.phi, c.along_u);
  worst.add(std::abs(found.direction.norm() - 1.0), sum_rounding(static_cast<double>(d) + 8.0, 4.0));
  worst.require(found.direction == state.direction && found.value == report.loss);

  std::vector<Eigen::RowVectorXd> seen;
  if (c.state.direction.size() == d) seen.push_back(c.state.direction);
  const Points<double> z = c.parts.generator->forward(c.state.generator.u, c.batch.x);
  const bool on_features = c.parts.generator_objective.on_features;
  const auto on = [&](const Points<double>& points) { return on_features ? c.critic->linearise(c.state.critic.u, points)->features() : points; };
  const Eigen::RowVectorXd gap = on(z).colwise().mean() - on(c.batch.y).colwise().mean();
  if (gap.norm() > 0.0) seen.emplace_back(gap / gap.norm());
  constexpr int angles = 180;
  for (int i = 0; d == 2 && i < angles; ++i) {
    const double angle = M_PI * (i + 0.5) / angles;
    seen.emplace_back(Eigen::RowVector2d(std::cos(angle), std::sin(angle)));
  }
  for (const Eigen::RowVectorXd& direction : seen) {
    const Tracked there = seen_along(c, direction);
    worst.add(std::max(0.0, there.value - found.value), distance_of_values(there) + sum_rounding(16.0, there.value));
  }
  return with(c, worst, std::move(counted));
}

// ---------------------------------------------------------------------------------------------------------------------------------------------- updates

Trial judge_generator_update(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PlayersCase c = draw_case(draws, size);
  TwoPlayerState<double> state = c.state;
  const GeneratorReport report = subject.players->update_generator(c.parts, state, c.batch, c.t);
  WorstOf worst;
  Trial counted;
  require_step(worst, *c.generator_scheme, c.state.generator, state.generator, c.parts.generator_step_size);
  worst.require(c.critic_scheme->calls().empty());
  if (c.generator_scheme->calls().size() == 1) {
    const Eigen::VectorXd& phi = c.generator_scheme->calls().front().phi;
    PlayersTextbook book;
    const Tracked expected = c.generator_objective(book, c.batch, objective_directions(c.parts, c.objective_dimension(), c.t));
    compare(worst, counted, c, book, expected, report.loss, phi, c.along_u);
    compare_norm(worst, report.gradient_norm, phi);
  }
  return with(c, worst, std::move(counted));
}

/// The points of the penalty lie between a point of Y and one of T(u, X): how far they do not, against the rounding of an image and of a convex combination.
/// Both ends are taken with probability below 2⁻⁵⁰.
void require_between(WorstOf& worst, const PlayersCase& c, const Points<double>& points) {
  worst.require(points.rows() == c.n() && points.cols() == c.batch.y.cols());
  if (points.rows() != c.n() || points.cols() != c.batch.y.cols()) return;
  PlayersTextbook book;
  const TrackedCloud z = book.images(c.shape, exactly(c.state.generator.u), c.batch.x);
  const Points<double> images = c.parts.generator->forward(c.state.generator.u, c.batch.x);
  for (Index k = 0; k < c.n(); ++k) {
    worst.require(points.row(k) != c.batch.y.row(k) && points.row(k) != images.row(k));
    Eigen::RowVectorXd image(points.cols());
    double error = 0.0;
    double size = c.batch.y.row(k).cwiseAbs().sum();
    for (Index j = 0; j < points.cols(); ++j) {
      const Tracked& entry = z[static_cast<std::size_t>(k)][static_cast<std::size_t>(j)];
      image[j] = entry.value;
      error += entry.error;
      size += entry.size();
    }
    const Eigen::RowVectorXd span = c.batch.y.row(k) - image;
    const Eigen::RowVectorXd offset = points.row(k) - image;
    const double share = span.squaredNorm() > 0.0 ? std::clamp(offset.dot(span) / span.squaredNorm(), 0.0, 1.0) : 0.0;
    worst.add((offset - share * span).norm(), 2.0 * error + sum_rounding(16.0 + static_cast<double>(points.cols()), 4.0 * size));
  }
}

Trial judge_critic_update(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  PlayersCase c = draw_case(draws, size);
  const bool trained = draws.below(8) > 0;
  if (!trained) c.parts.critic_objective = {CriticObjective::Kind::none, 0.0};
  // An update of the generator comes before: what it leaves behind would be in the critic's gradient.
  TwoPlayerState<double> state = c.state;
  (void)subject.players->update_generator(c.parts, state, c.parts.sampler->draw(c.t + 1), c.t);
  c.state = state;
  c.critic_scheme->forget();
  const Index k = between(draws, 0, c.parts.critic_steps - 1);
  const CriticReport report = subject.players->update_critic(c.parts, state, c.batch, c.t + 1, k);

  WorstOf worst;
  Trial counted;
  if (!trained) {
    worst.require(c.critic_scheme->calls().empty() && same_bits(c.state.critic, state.critic));
    worst.require(std::isnan(report.loss) && std::isnan(report.gradient_norm));
    return with(c, worst, std::move(counted));
  }
  require_step(worst, *c.critic_scheme, c.state.critic, state.critic, c.parts.critic_step_size);
  PlayersTextbook book;
  const auto v = exactly(c.state.critic.u);
  const Tracked slope_real = book.mean_slope(book.critic(c.critic->net(), v, exactly(c.batch.y)).scores);
  const Tracked slope_generated = book.mean_slope(book.critic(c.critic->net(), v, book.images(c.shape, exactly(c.state.generator.u), c.batch.x)).scores);
  worst.add(std::abs(report.slope_real - slope_real.value), distance_of_values(slope_real));
  worst.add(std::abs(report.slope_generated - slope_generated.value), distance_of_values(slope_generated));
  if (c.critic_scheme->calls().size() == 1) {
    const bool penalised = c.parts.critic_objective.penalty > 0.0;
    worst.require(c.critic->between().size() == (penalised ? 1U : 0U));
    if (c.critic->between().size() != (penalised ? 1U : 0U)) return with(c, worst, std::move(counted));
    const Points<double> between_clouds = penalised ? c.critic->between().front() : Points<double>();
    if (penalised) require_between(worst, c, between_clouds);
    const Eigen::VectorXd& gradient = c.critic_scheme->calls().front().phi;
    compare(worst, counted, c, book, c.critic_objective(book, c.batch, between_clouds), report.loss, gradient, c.along_v);
    compare_norm(worst, report.gradient_norm, gradient);
  }
  return with(c, worst, std::move(counted));
}

// ------------------------------------------------------------------------------------------------------------------------------------ who stays in place

Trial judge_generator_alone(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PlayersCase c = draws.below(6) == 0 ? draw_max_sliced_case(draws, size) : draw_case(draws, size);
  TwoPlayerState<double> state = c.state;
  (void)subject.players->update_generator(c.parts, state, c.batch, c.t);
  WorstOf worst;
  worst.require(same_bits(state.critic, c.state.critic));
  worst.require(same_bits(state.statistics, c.state.statistics));
  Trial trial = worst.trial(c);
  trial.values.push_back(named("v after", state.critic.u));
  return trial;
}

Trial judge_critic_alone(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PlayersCase c = draws.below(6) == 0 ? draw_max_sliced_case(draws, size) : draw_case(draws, size);
  TwoPlayerState<double> state = c.state;
  (void)subject.players->update_critic(c.parts, state, c.batch, c.t, 0);
  WorstOf worst;
  worst.require(same_bits(state.generator, c.state.generator));
  worst.require(same_bits(state.direction.transpose(), c.state.direction.transpose()));
  worst.require(c.generator_scheme->calls().empty());
  Trial trial = worst.trial(c);
  trial.values.push_back(named("u after", state.generator.u));
  return trial;
}

/// r ← 0.9 r + 0.1 · batch with Y, then with T(u, X).
Trial judge_statistics(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  PlayersWish wish{draw_generator_objective(draws), draw_critic_objective(draws), true};
  wish.critic_objective.penalty = 0.0;
  const PlayersCase c = draw_players_case(draws, wish, size);
  TwoPlayerState<double> state = c.state;
  (void)subject.players->update_critic(c.parts, state, c.batch, c.t, 0);
  expect_size("the running statistics", state.statistics.size(), c.critic->statistics());
  PlayersTextbook book;
  const auto v = exactly(c.state.critic.u);
  const auto real = book.critic(c.critic->net(), v, exactly(c.batch.y)).statistics;
  const auto generated = book.critic(c.critic->net(), v, book.images(c.shape, exactly(c.state.generator.u), c.batch.x)).statistics;
  WorstOf worst;
  for (Index i = 0; i < state.statistics.size(); ++i) {
    Tracked r(c.state.statistics[i]);
    for (const auto* batch : {&real, &generated}) r = r * Tracked(0.9) + (*batch)[static_cast<std::size_t>(i)] * Tracked(0.1);
    worst.add(std::abs(state.statistics[i] - r.value), distance_of_values(r));
  }
  Trial trial = worst.trial(c);
  trial.values.push_back(named("statistics", c.state.statistics));
  trial.values.push_back(named("statistics after", state.statistics));
  return trial;
}

}  // namespace

std::vector<TypedCheck<TwoPlayerSubject>> player_checks() {
  return {{"the generator's objective", 6, judge_objective},
          {"the worst direction", 6, judge_worst_direction, false, 3},
          {"the generator's update", 6, judge_generator_update},
          {"the critic's update", 6, judge_critic_update},
          {"the generator leaves the critic in place", 6, judge_generator_alone},
          {"the critic leaves the generator in place", 6, judge_critic_alone},
          {"running statistics", 6, judge_statistics}};
}

}  // namespace slicecheck
