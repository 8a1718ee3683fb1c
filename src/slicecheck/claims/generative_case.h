#pragma once
/// The cases of the claims G3, G4 and G6: small two-player trainings somewhere on their way, with witnesses of what the players call.

#include <array>
#include <cstring>

#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/generative_textbook.h"

namespace slicecheck {

/// One call of a scheme: what it was given, and what it made of that.
struct SchemeCall {
  State<double> before;
  Eigen::VectorXd phi;
  double alpha = 0.0;
  State<double> after;
};

/// A scheme that remembers its calls.
class WitnessScheme final : public Scheme<double> {
 public:
  /// The calls go on to `inner`.
  explicit WitnessScheme(std::shared_ptr<const Scheme<double>> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::string name() const override { return inner_->name(); }
  [[nodiscard]] State<double> start(Vector<double> u0) const override { return inner_->start(std::move(u0)); }
  void advance(State<double>& state, VectorView<double> phi, double alpha, const RandomStream& noise) const override {
    calls_.push_back({state, phi, alpha, {}});
    inner_->advance(state, phi, alpha, noise);
    calls_.back().after = state;
  }
  [[nodiscard]] const Scheme<double>& inner() const { return *inner_; }
  [[nodiscard]] const std::vector<SchemeCall>& calls() const { return calls_; }
  void forget() const { calls_.clear(); }

 private:
  std::shared_ptr<const Scheme<double>> inner_;
  mutable std::vector<SchemeCall> calls_;
};

/// A critic that remembers where its gradient penalty was taken.
class WitnessCritic final : public Critic<double> {
 public:
  /// The calls go on to `inner`.
  explicit WitnessCritic(std::shared_ptr<const DenseCritic<double>> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::string name() const override { return inner_->name(); }
  [[nodiscard]] Index parameters() const override { return inner_->parameters(); }
  [[nodiscard]] Index input_dimension() const override { return inner_->input_dimension(); }
  [[nodiscard]] Index feature_dimension() const override { return inner_->feature_dimension(); }
  [[nodiscard]] Index statistics() const override { return inner_->statistics(); }
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override { return inner_->initial(stream); }
  [[nodiscard]] std::unique_ptr<CriticLinearisation<double>> linearise(VectorView<double> v, PointsView<double> points) const override {
    return inner_->linearise(v, points);
  }
  [[nodiscard]] PenaltyGradient<double> gradient_penalty(VectorView<double> v, PointsView<double> points) const override {
    between_.emplace_back(points);
    return inner_->gradient_penalty(v, points);
  }
  [[nodiscard]] const DenseCritic<double>& net() const { return *inner_; }
  [[nodiscard]] const std::vector<Points<double>>& between() const { return between_; }

 private:
  std::shared_ptr<const DenseCritic<double>> inner_;
  mutable std::vector<Points<double>> between_;
};

/// A training of two small networks: images in R^1, …, R^4, 2 to 12 points, everything that it remembers at random.
struct PlayersCase {
  TwoPlayerParts<double> parts;
  GeneratorShape shape;
  std::shared_ptr<const WitnessCritic> critic;
  std::shared_ptr<const WitnessScheme> generator_scheme;
  std::shared_ptr<const WitnessScheme> critic_scheme;
  TwoPlayerState<double> state;
  Batch<double> batch;
  std::uint64_t t = 0;
  Eigen::VectorXd along_u;  ///< directions that derivatives are compared along; no entry is 0
  Eigen::VectorXd along_v;

  [[nodiscard]] Index n() const { return batch.x.rows(); }
  /// Dimension of the clouds that a sliced objective is taken on.
  [[nodiscard]] Index objective_dimension() const;
  /// Roundings on a path.
  [[nodiscard]] double roundings() const;
  [[nodiscard]] std::vector<NamedValues> values() const;
  [[nodiscard]] std::string description() const;

  /// The generator's objective by the textbook, with its derivative along `along_u`; at `direction` if it is max-SW.
  [[nodiscard]] Tracked generator_objective(PlayersTextbook& book, const Batch<double>& on, const Points<double>& directions) const;
  /// The critic's objective likewise along `along_v`, the penalty at these points.
  [[nodiscard]] Tracked critic_objective(PlayersTextbook& book, const Batch<double>& on, const Points<double>& between) const;
};

/// What a case is to be about.
struct PlayersWish {
  GeneratorObjective generator_objective;
  CriticObjective critic_objective;
  bool normalised = false;  ///< the critic normalises its batch
  Index least_dimension = 1;
};

/// Any sliced loss, on samples or on features, with 1 to 4 directions, exponents 1, 1.5, 2 and 3, with or without the root.
GeneratorObjective draw_sliced_objective(PointDraws& draws, bool on_features);
/// Any objective but max-SW.
GeneratorObjective draw_generator_objective(PointDraws& draws);
/// Any objective that a critic descends.
CriticObjective draw_critic_objective(PointDraws& draws);
/// SGD, Adam, NPSGD with noise, the latter on gradients in a ball, or Adam with clipped weights.
std::shared_ptr<const Scheme<double>> draw_scheme(PointDraws& draws);

/// A case of that kind. `draws` must be at the beginning of a stream of its own.
PlayersCase draw_players_case(PointDraws& draws, const PlayersWish& wish, int size);

/// Equal to the last bit.
bool same_bits(const Eigen::VectorXd& a, const Eigen::VectorXd& b);
/// The same for all that a scheme's state holds.
bool same_bits(const State<double>& a, const State<double>& b);

/// The largest observed / allowed of several comparisons, as one trial.
class WorstOf {
 public:
  /// One comparison; the worst ratio is kept.
  void add(double observed, double allowed);
  /// Something that is right or wrong.
  void require(bool right) { add(right ? 0.0 : 1.0, 0.0); }
  /// What was worst, with the matrices of the case.
  [[nodiscard]] Trial trial(const PlayersCase& c) const;

 private:
  Judgement worst_;
};

}  // namespace slicecheck
