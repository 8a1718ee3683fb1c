#include "slicecheck/claims/generative_players.h"

#include <numeric>

#include "slicecheck/claims/generative_case.h"

namespace slicecheck {

namespace {

// ----------------------------------------------------------------------------------------------------------------------------------------- G3: labels

/// A permutation of n ≥ 2 labels that is not the identity.
std::vector<Index> draw_labels(PointDraws& draws, Index n) {
  std::vector<Index> labels(static_cast<std::size_t>(n));
  std::iota(labels.begin(), labels.end(), Index{0});
  for (std::size_t i = labels.size() - 1; i > 0; --i) std::swap(labels[i], labels[static_cast<std::size_t>(draws.below(i + 1))]);
  if (std::is_sorted(labels.begin(), labels.end())) std::swap(labels[0], labels[1]);
  return labels;
}

/// X, Y or both with their rows exchanged, independently.
Batch<double> relabelled(PointDraws& draws, const Batch<double>& batch) {
  Batch<double> out = batch;
  const std::uint64_t which = draws.below(3);
  const auto of_x = draw_labels(draws, batch.x.rows());
  const auto of_y = draw_labels(draws, batch.y.rows());
  if (which != 1) out.x = batch.x(of_x, Eigen::indexing::all).eval();
  if (which != 0) out.y = batch.y(of_y, Eigen::indexing::all).eval();
  return out;
}

/// Some points of both clouds are there twice.
void repeat_points(PointDraws& draws, Batch<double>& batch) {
  for (Points<double>* cloud : {&batch.x, &batch.y}) cloud->row(cloud->rows() - 1) = cloud->row(between(draws, 0, cloud->rows() - 2)).eval();
}

Trial judge_relabelling(const TwoPlayerSubject& subject, const PlayersCase& c, const Batch<double>& other) {
  const Points<double> directions = objective_directions(c.parts, c.objective_dimension(), c.t);
  const auto at = [&](const Batch<double>& batch) {
    ObjectiveGradient<double> out = subject.players->objective(c.parts, c.state.generator.u, c.state.critic.u, batch, directions, {}, c.t);
    expect_size("phi", out.phi.size(), c.state.generator.u.size());
    return out;
  };
  const ObjectiveGradient<double> one = at(c.batch);
  const ObjectiveGradient<double> two = at(other);
  PlayersTextbook book;
  const Tracked bound = c.generator_objective(book, c.batch, directions);
  WorstOf worst;
  worst.add(std::abs(one.value - two.value), distance_of_values(bound));
  const bool derivative = !book.near_kink() && !book.near_tie();
  if (derivative) worst.add(std::abs((one.phi - two.phi).dot(c.along_u)), distance_of_slopes(bound, c.roundings()));
  Trial trial = worst.trial(c);
  trial.values.push_back({"X relabelled", other.x});
  trial.values.push_back({"Y relabelled", other.y});
  trial.counts["near a tie or a kink: value only"] += derivative ? 0 : 1;
  return trial;
}

TypedCheck<TwoPlayerSubject> relabelling(std::string name, bool on_features, bool normalised, bool ties) {
  return {std::move(name), 6, [=](const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
            PointDraws draws(stream, 0);
            PlayersWish wish{draw_sliced_objective(draws, on_features), draw_critic_objective(draws), normalised};
            if (ties) wish.generator_objective = draw_sliced_objective(draws, draws.below(2) == 0);
            if (normalised) wish.critic_objective.penalty = 0.0;
            PlayersCase c = draw_players_case(draws, wish, size);
            if (ties) repeat_points(draws, c.batch);
            return judge_relabelling(subject, c, relabelled(draws, c.batch));
          }};
}

// ----------------------------------------------------------------------------------------------------------------------------------------- G6: starts

/// The parts of a case with other objectives, other schemes that project nothing, and other step sizes.
TwoPlayerParts<double> with_other_settings(PointDraws& draws, const TwoPlayerParts<double>& parts) {
  TwoPlayerParts<double> other = parts;
  other.generator_objective = draw_generator_objective(draws);
  if (parts.generator_objective.kind != GeneratorObjective::Kind::sliced || parts.generator_objective.on_features)
    other.generator_objective = draw_sliced_objective(draws, false);
  other.critic_objective.kind = draws.below(2) == 0 ? CriticObjective::Kind::none : CriticObjective::Kind::sigmoid_mean;
  other.critic_objective.penalty = 0.0;
  other.generator_scheme = std::make_shared<Adam<double>>(0.5, 0.999);
  other.critic_scheme = std::make_shared<Sgd<double>>();
  other.generator_step_size *= draws.uniform(0.1, 0.9);
  other.critic_step_size *= draws.uniform(1.1, 9.0);
  other.critic_steps += 1;
  other.restarts += 1;
  return other;
}

PlayersCase draw_any_case(PointDraws& draws, int size) {
  const PlayersWish wish{draw_generator_objective(draws), draw_critic_objective(draws), draws.below(2) == 0};
  return draw_players_case(draws, wish, size);
}

/// As `draw_any_case`, with schemes that project nothing.
PlayersCase draw_free_case(PointDraws& draws, int size) {
  PlayersCase c = draw_any_case(draws, size);
  c.parts.generator_scheme = std::make_shared<Sgd<double>>();
  c.parts.critic_scheme = std::make_shared<Adam<double>>(0.9, 0.999);
  return c;
}

Trial judge_equal_starts(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PlayersCase c = draw_free_case(draws, size);
  const TwoPlayerParts<double> other = with_other_settings(draws, c.parts);
  const TwoPlayerState<double> one = subject.players->start(c.parts);
  const TwoPlayerState<double> two = subject.players->start(other);
  WorstOf worst;
  worst.require(same_bits(one.generator.u, two.generator.u));
  worst.require(same_bits(one.critic.u, two.critic.u));
  worst.require(same_bits(one.statistics, two.statistics));
  worst.require(one.generator.step == 0 && two.generator.step == 0 && one.direction.size() == 0 && two.direction.size() == 0);
  worst.require(initial_hash(c.parts) == initial_hash(other));
  worst.require(one.generator.u.size() == c.parts.generator->parameters() && one.critic.u.size() == c.critic->parameters());
  // Batches come from the sampler, which both have; directions of a step are equal if their number is.
  TwoPlayerParts<double> as_many = other;
  as_many.generator_objective.directions = c.parts.generator_objective.directions;
  const Points<double> theta = objective_directions(c.parts, 3, c.t);
  worst.require(theta == objective_directions(as_many, 3, c.t) && theta != objective_directions(c.parts, 3, c.t + 1));
  Trial trial = worst.trial(c);
  trial.values.push_back(named("u0", one.generator.u));
  trial.values.push_back(named("the other u0", two.generator.u));
  return trial;
}

/// Equal by chance with probability below 2⁻⁵⁰: u0 and v0 have continuous laws.
Trial judge_other_starts(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const PlayersCase c = draw_free_case(draws, size);
  TwoPlayerParts<double> other = c.parts;
  if (draws.below(2) == 0)
    other.seed += 1;
  else
    other.replicate += 1;
  const TwoPlayerState<double> one = subject.players->start(c.parts);
  const TwoPlayerState<double> two = subject.players->start(other);
  WorstOf worst;
  worst.require(!same_bits(one.generator.u, two.generator.u));
  worst.require(!same_bits(one.critic.u, two.critic.u));
  worst.require(initial_hash(c.parts) != initial_hash(other));
  return worst.trial(c);
}

/// State and reports after three steps from the start.
struct Run {
  TwoPlayerState<double> state;
  Eigen::VectorXd reports;
};

Run run_of(const TwoPlayerSubject& subject, const TwoPlayerParts<double>& parts) {
  constexpr Index steps = 3;
  Run run{subject.players->start(parts), Eigen::VectorXd(steps * 6)};
  for (Index t = 0; t < steps; ++t) {
    const TwoPlayerReport report = advance(*subject.players, parts, run.state);
    run.reports.segment(6 * t, 6) << report.critic.loss, report.critic.gradient_norm, report.critic.slope_real, report.critic.slope_generated,
        report.generator.loss, report.generator.gradient_norm;
  }
  return run;
}

Trial judge_equal_runs(const TwoPlayerSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  PlayersCase c = draw_any_case(draws, size);
  c.parts.generator_step_size = c.parts.critic_step_size = 0x1p-14;  // a penalty's gradient grows like a power of v: larger steps may overflow
  const Run one = run_of(subject, c.parts);
  const Run two = run_of(subject, c.parts);
  WorstOf worst;
  worst.require(same_bits(one.state.generator, two.state.generator) && same_bits(one.state.critic, two.state.critic));
  worst.require(same_bits(one.state.statistics, two.state.statistics) && same_bits(one.reports, two.reports));
  worst.require(one.state.generator.step == 3 && one.reports.array().tail(6).isFinite().all());
  return worst.trial(c);
}

}  // namespace

std::vector<TypedCheck<TwoPlayerSubject>> relabelling_checks() {
  return {relabelling("labels of samples", false, false, false), relabelling("labels behind a critic", true, false, false),
          relabelling("labels behind a critic that normalises", true, true, false), relabelling("labels where points coincide", false, false, true)};
}

std::vector<TypedCheck<TwoPlayerSubject>> equal_start_checks() {
  return {{"equal seeds, equal starts", 6, judge_equal_starts},
          {"other seeds, other starts", 6, judge_other_starts},
          {"equal parts, equal runs", 6, judge_equal_runs, false, 2}};
}

Claim claim_g3() {
  Claim claim;
  claim.id = "G3";
  claim.title = "sliced losses do not see labels, on samples or behind a critic";
  claim.statement =
      "A sliced loss SW_p^p or SW_p, on samples or on a critic's features, batch-normalised or not, is a function of the two sets of points: value and φ "
      "stay when the rows of X, of Y or of both are exchanged independently; at a tie the value does.";
  claim.source = "L1; theory/generative.md";
  std::get<std::vector<TypedCheck<TwoPlayerSubject>>>(claim.typed) = relabelling_checks();
  return claim;
}

Claim claim_g4() {
  Claim claim;
  claim.id = "G4";
  claim.title = "each player moves only itself, by its declared objective";
  claim.statement =
      "The generator's update moves u by its scheme, with the declared step size, along the gradient of the declared objective in u alone: Y's features are "
      "constants, v, what the critic's scheme remembers and the running statistics stay to the bit. The critic's update moves v likewise, and the running "
      "statistics once with Y and once with T(u, X); u stays to the bit, and nothing of the generator's gradient is left in the critic's.";
  claim.source = "report 002, its training loops; theory/generative.md";
  std::get<std::vector<TypedCheck<TwoPlayerSubject>>>(claim.typed) = player_checks();
  return claim;
}

Claim claim_g6() {
  Claim claim;
  claim.id = "G6";
  claim.title = "equal seeds start alike";
  claim.statement =
      "u_0, v_0 and the directions of every step are functions of networks, seed and replicate: the same to the bit for trainings that differ in objectives, "
      "schemes and step sizes, others for another seed or replicate; two runs of one training are the same to the bit.";
  claim.source = "theory/generative.md";
  std::get<std::vector<TypedCheck<TwoPlayerSubject>>>(claim.typed) = equal_start_checks();
  return claim;
}

}  // namespace slicecheck
