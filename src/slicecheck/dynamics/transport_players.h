#pragma once
/// Trainings on regularised transport as two-player trainings: the generator descends h_λ or the Sinkhorn loss by its plan (claims R4, R12), the other player
/// is the dual potentials, and now and then an encoder.

#include <memory>
#include <optional>
#include <string>

#include "slicecheck/dynamics/neural_duals.h"
#include "slicecheck/dynamics/two_player.h"
#include "slicecheck/measures/law.h"

namespace slicecheck {

/// Points as the cost sees them: as they are, or the features f of a critic scaled to the sphere of radius √m, √m f/‖f‖, m the number of features. On the
/// sphere every cost is bounded (l1 by 2m, squared by 4m, cosine by 2), whatever the parameters: an encoder that ascends a loss cannot scale it to infinity.
/// Valid while the points are alive and unchanged.
template <class S>
class Represented {
 public:
  /// `encoder`: empty for the points as they are.
  Represented(const Critic<S>* encoder, VectorView<S> parameters, const Points<S>& points);

  /// n×d or n×m; not finite where all features of a point are 0.
  [[nodiscard]] const Points<double>& points() const { return represented_; }
  /// Derivative of Σ_k ⟨cotangent_k, represented_k⟩ in the points.
  [[nodiscard]] Points<S> pullback_points(const Points<double>& cotangent) const;
  /// The same in the encoder's parameters; there must be an encoder.
  [[nodiscard]] Vector<S> pullback_parameters(const Points<double>& cotangent) const;

 private:
  [[nodiscard]] Points<S> through_sphere(const Points<double>& cotangent) const;

  Vector<S> parameters_;
  std::unique_ptr<CriticLinearisation<S>> at_;
  Points<double> represented_;
  Vector<double> norms_;
};

/// What a training on regularised transport is.
template <class S>
struct TransportTraining {
  bool sinkhorn_loss = false;  ///< 2d(G, Y) − d(G, G') instead of d(G, Y): L_λ but for d(Y, Y), which does not depend on the generator
  bool encoded = false;        ///< the cost is taken between features of `TwoPlayerParts::critic`, on the sphere
  bool sweeps = false;         ///< plans by `solve_transport` on the minibatch instead of networks
  GroundCost cost = GroundCost::l1;
  Regulariser regulariser = Regulariser::kl;
  double lambda = 1.0;
  std::shared_ptr<const NeuralDuals<S>> duals;  ///< the same kind of networks for both problems
  std::shared_ptr<const Scheme<S>> dual_scheme;
  double dual_step_size = 1e-3;
  Index dual_steps = 5;   ///< steps up before each step of the generator, each on a minibatch of its own (purpose `dual_batch`, step t·dual_steps + k)
  Index dual_batch = 64;  ///< points in it
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  std::shared_ptr<const Scheme<S>> encoder_scheme;
  double encoder_step_size = 1e-3;
  Index encoder_every = 0;  ///< a step up of the encoder after every so many steps of the generator; 0: it stays as it was drawn
  SolverSettings solver;    ///< where plans are by sweeps, and of d(Y, Y) in the encoder's steps
};

/// The two players. `critic.u` is (potentials between G and Y, potentials within G, encoder), each part by a scheme of its own.
///
/// - The generator's gradient is Σ_ij π_ij ∂c(z_i, y_j) pulled back through the encoder and the generator: potentials, constant and plan are held fixed,
///   Danskin's derivative. For KL and quadratic alike the constant is set to the best on the minibatch.
/// - Within G the problem is taken between the two halves of a batch, which are independent; BOTH slots of its cost are differentiated.
/// - The encoder's step ascends the loss on a minibatch by its plans, in every slot of every term; for the Sinkhorn loss with d(Y, Y), its plan between the
///   halves of Y by sweeps.
///
/// Where images, features, potentials or D are not finite the training has diverged: nothing moves any more, reports are NaN, and `diverged_at` says since
/// when.
template <class S>
class TransportPlayers : public TwoPlayer<S> {
 public:
  /// @throws InputError for a training without what it needs: potentials and a scheme (not with sweeps), laws, an encoder's scheme where it moves; λ or step
  /// sizes that are not positive and finite; counts below 1 (dual_batch: 2).
  explicit TransportPlayers(TransportTraining<S> training);

  [[nodiscard]] const TransportTraining<S>& training() const { return training_; }

  /// u0 as in every two-player training; the encoder begins at the critic's v0.
  [[nodiscard]] TwoPlayerState<S> start(const TwoPlayerParts<S>& parts) const override;
  /// `dual_steps` steps up of the potentials, then perhaps one of the encoder. `batch` is not looked at. The report's loss: −D, or −(2D − D') on the last
  /// minibatch.
  CriticReport update_critic(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>& batch, std::uint64_t t, Index k) const override;
  GeneratorReport update_generator(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>& batch, std::uint64_t t) const override;
  /// D or 2D − D' at the potentials (d with sweeps) and its gradient. @throws InputError where something is not finite.
  [[nodiscard]] ObjectiveGradient<S> objective(const TwoPlayerParts<S>& parts, VectorView<S> u, VectorView<S> v, const Batch<S>& batch,
                                               PointsView<S> directions, const Eigen::RowVectorXd& previous, std::uint64_t t) const override;

  /// The loss on clouds of points as functions of the encoder's parameters: its value, d(Y, Y) included, and the gradient.
  [[nodiscard]] DualGradient<S> encoder_objective(const TwoPlayerParts<S>& parts, VectorView<S> v, const Points<S>& z, const Points<S>& y) const;

  /// The certificate of the potentials between G and Y on one minibatch, at a state of a training. With sweeps: of the solver's potentials at its own
  /// tolerance.
  [[nodiscard]] DualCertificate certify(const TwoPlayerParts<S>& parts, const TwoPlayerState<S>& state, const Points<S>& x, const Points<S>& y,
                                        const SolverSettings& settings) const;

  /// The step at which the training diverged, or nothing.
  [[nodiscard]] static std::optional<std::uint64_t> diverged_at(const TwoPlayerState<S>& state);

 private:
  /// Potentials and plan of one problem.
  struct Plan {
    double value;
    Points<double> weights;
  };
  [[nodiscard]] Index dual_parameters() const { return training_.sweeps ? 0 : training_.duals->parameters(); }
  [[nodiscard]] Index problems() const { return training_.sinkhorn_loss ? 2 : 1; }
  [[nodiscard]] Vector<S> encoder_of(const TwoPlayerParts<S>& parts, VectorView<S> v) const;
  [[nodiscard]] Represented<S> represented(const TwoPlayerParts<S>& parts, VectorView<S> v, const Points<S>& points) const;
  [[nodiscard]] Plan plan(VectorView<S> v, Index pair, const Points<double>& z, const Points<double>& y) const;
  [[nodiscard]] DualPotentials potentials(VectorView<S> v, Index pair, const Points<double>& z, const Points<double>& y, const TransportProblem& problem) const;
  [[nodiscard]] TransportProblem problem(const Points<double>& z, const Points<double>& y) const;
  void step_up(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, std::uint64_t t, CriticReport& report) const;
  void move_encoder(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Points<S>& images, const Points<S>& y, std::uint64_t update,
                    CriticReport& report, const RandomStream& noise) const;

  TransportTraining<S> training_;
};

}  // namespace slicecheck
