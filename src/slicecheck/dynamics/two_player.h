#pragma once
/// Two-player trainings: a generator against a critic, and sliced losses on samples or on the critic's features (theory/generative.md, claims G).

#include <memory>
#include <string>

#include "slicecheck/dynamics/sampler.h"
#include "slicecheck/dynamics/scheme.h"
#include "slicecheck/generators/critic.h"
#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// What the generator descends; s are the critic's scores of T(u, X), σ the logistic function.
struct GeneratorObjective {
  /// Which.
  enum class Kind {
    bce,           ///< mean −ln σ(s): the GAN, in the form that does not saturate where the critic wins
    sigmoid_mean,  ///< −mean σ(s): what report 002 codes as its GAN
    score_mean,    ///< −mean s: a Wasserstein GAN
    sliced,        ///< SW_p^p, or its p-th root
    max_sliced,    ///< a lower bound of max-SW_2² by restarted ascent, the exact one in the plane; differentiated at the direction found, held fixed
  };
  Kind kind = Kind::sliced;
  bool on_features = false;  ///< the sliced kinds: on the critic's features h of both clouds instead of on the clouds
  double exponent = 2.0;     ///< p ≥ 1; max_sliced has p = 2
  bool root = false;         ///< the p-th root; AT VALUE 0 its gradient is 0 (theory/generative.md, claim G2)
  Index directions = 30;     ///< L

  /// "SW_2² on features", "GAN (BCE)", …
  [[nodiscard]] std::string name() const;
};

/// What the critic descends.
struct CriticObjective {
  /// Which.
  enum class Kind {
    none,          ///< it stays as it was drawn
    bce,           ///< mean −ln σ(s(Y)) + mean −ln(1 − σ(s(T(u, X))))
    sigmoid_mean,  ///< mean σ(s(T(u, X))) − mean σ(s(Y)): report 002's critic, linear in sigmoid outputs
    score_mean,    ///< mean s(T(u, X)) − mean s(Y) + penalty · gradient penalty, taken at points between Y and T(u, X): WGAN-GP
  };
  Kind kind = Kind::bce;
  double penalty = 0.0;  ///< ≥ 0; score_mean only

  /// "BCE critic", "linear critic on sigmoids", …
  [[nodiscard]] std::string name() const;
};

/// What a two-player training consists of.
template <class S>
struct TwoPlayerParts {
  std::shared_ptr<const Generator<S>> generator;
  std::shared_ptr<const Critic<S>> critic;    ///< may be empty where nothing asks for it: sliced losses on samples, and no critic's objective
  std::shared_ptr<const Sampler<S>> sampler;  ///< its directions are not used: those of features have another dimension
  GeneratorObjective generator_objective;
  CriticObjective critic_objective;
  std::shared_ptr<const Scheme<S>> generator_scheme;
  std::shared_ptr<const Scheme<S>> critic_scheme;
  double generator_step_size = 0.05;
  double critic_step_size = 0.05;
  Index critic_steps = 1;  ///< updates of the critic, each on a batch of its own, before one of the generator, on the last of these batches
  Index restarts = 2;      ///< max_sliced on clouds of d > 2: random starts beside the fixed ones and the direction of the step before
  std::uint64_t seed = 1;
  std::uint32_t replicate = 0;
};

/// Where it stands.
template <class S>
struct TwoPlayerState {
  State<S> generator;            ///< u, and what its scheme remembers
  State<S> critic;               ///< v, likewise; empty without a critic
  Vector<S> statistics;          ///< running statistics of the critic's normalising layers: nothing in a training reads them
  Eigen::RowVectorXd direction;  ///< max_sliced: the direction of the last step; empty before the first
};

/// What one update of the critic did.
struct CriticReport {
  double loss = 0.0;             ///< its objective before the update, penalty and all; NaN without an objective
  double gradient_norm = 0.0;    ///< NaN likewise
  double slope_real = 0.0;       ///< mean σ(s)(1 − σ(s)) over Y: near 0 the critic is saturated, and gradients through σ vanish; NaN without a critic
  double slope_generated = 0.0;  ///< the same over T(u, X)
};

/// What one update of the generator did.
struct GeneratorReport {
  double loss = 0.0;           ///< its objective before the update
  double gradient_norm = 0.0;  ///< ‖φ‖
};

/// The value of an objective of the generator and its gradient in u.
template <class S>
struct ObjectiveGradient {
  double value = 0.0;
  Vector<S> phi;
  Eigen::RowVectorXd direction;  ///< max_sliced: where the maximum was found
};

/// A subject under test: the two updates. Each player moves only itself:
///
/// - update_critic moves v, by its scheme along the gradient of the critic's objective in v alone, with u fixed; and the running statistics, once from Y and
/// once
///   from T(u, X), r ← 0.9 r + 0.1 · batch.
/// - update_generator moves u, by its scheme along the gradient of its objective in u alone, with v fixed: on features, Y's features are constants, and a
/// change
///   of T(u, X) moves h(T(u, X)) only. v and the running statistics stay to the bit, though the critic is evaluated on both clouds.
///
/// Features move when the critic does: the theorems on F are about a fixed target, and say nothing then.
template <class S>
class TwoPlayer {
 public:
  TwoPlayer() = default;
  TwoPlayer(const TwoPlayer&) = delete;
  TwoPlayer& operator=(const TwoPlayer&) = delete;
  virtual ~TwoPlayer() = default;

  /// u0 and v0: pure functions of (networks, seed, replicate) up to what the schemes do to them (NPSGD projects), so that trainings which differ in their
  /// objectives and schemes start alike.
  [[nodiscard]] virtual TwoPlayerState<S> start(const TwoPlayerParts<S>& parts) const;

  /// t: the step of the generator's update that follows; k < critic_steps. @throws InputError when a loss is not finite, naming the step.
  virtual CriticReport update_critic(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>& batch, std::uint64_t t, Index k) const;

  /// @throws InputError when the loss is not finite, naming the step.
  virtual GeneratorReport update_generator(const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state, const Batch<S>& batch, std::uint64_t t) const;

  /// The generator's objective at u and v, and its gradient in u. directions: L×d, or L×m on features (not looked at by the other kinds). `previous`: for
  /// max_sliced, or empty.
  [[nodiscard]] virtual ObjectiveGradient<S> objective(const TwoPlayerParts<S>& parts, VectorView<S> u, VectorView<S> v, const Batch<S>& batch,
                                                       PointsView<S> directions, const Eigen::RowVectorXd& previous, std::uint64_t t) const;
};

/// What the updates of one step did; of several updates of the critic, the last.
struct TwoPlayerReport {
  CriticReport critic;
  GeneratorReport generator;
};
/// One step: critic_steps updates of the critic (one without an objective), then one of the generator, on the last batch, which is the sampler's batch t: the
/// same for any critic_steps. The others come from 2^39 on. `state.generator.step` counts.
template <class S>
TwoPlayerReport advance(const TwoPlayer<S>& players, const TwoPlayerParts<S>& parts, TwoPlayerState<S>& state);

/// The directions of the step that leads from t to t + 1: L×dimension, uniform on the sphere; the same for every objective of this dimension.
template <class S>
Points<S> objective_directions(const TwoPlayerParts<S>& parts, Index dimension, std::uint64_t t);

/// 16 hexadecimal digits (FNV-1a) of the bits of u0 and v0 as they are drawn, before a scheme projects them: equal for two trainings that start alike.
template <class S>
std::string initial_hash(const TwoPlayerParts<S>& parts);

/// @throws InputError, naming what is missing, for parts that do not fit together: no generator, sampler or scheme; an objective that needs a critic without
/// one; dimensions that differ; p < 1; step sizes that are not positive and finite; critic_steps < 1; a penalty without score_mean.
template <class S>
void check_two_player_parts(const TwoPlayerParts<S>& parts);

}  // namespace slicecheck
