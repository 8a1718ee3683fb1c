#pragma once
/// Critics D: the networks that a generator plays against, or whose features a sliced loss is taken on (theory/generative.md).

#include <memory>
#include <string>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// A linear form on what a critic gives for n points: Σ_k ⟨features_k, h_k⟩ + Σ_k scores_k s_k. An empty part is zero.
template <class S>
struct CriticCotangent {
  Points<S> features;  ///< n×m, or empty
  Vector<S> scores;    ///< n, or empty
};

/// D at one (v, points). Valid only while the critic, v and the points that made it are alive and unchanged.
template <class S>
class CriticLinearisation {
 public:
  CriticLinearisation() = default;
  CriticLinearisation(const CriticLinearisation&) = delete;
  CriticLinearisation& operator=(const CriticLinearisation&) = delete;
  virtual ~CriticLinearisation() = default;

  /// h_k, the last layer before the score, n×m.
  [[nodiscard]] virtual const Points<S>& features() const = 0;
  /// s_k, the score before any sigmoid (a logit), n entries.
  [[nodiscard]] virtual const Vector<S>& scores() const = 0;
  /// Means and variances that normalising layers took over this batch, one after the other; empty without such layers.
  [[nodiscard]] virtual const Vector<S>& statistics() const = 0;

  /// Derivative of the form in v, a vector of d_v entries. Batch statistics are differentiated through.
  [[nodiscard]] virtual Vector<S> pullback_parameters(const CriticCotangent<S>& cotangent) const = 0;
  /// Derivative of the form in the points, n×d.
  [[nodiscard]] virtual Points<S> pullback_points(const CriticCotangent<S>& cotangent) const = 0;
};

/// A penalty on v, with its gradient.
template <class S>
struct PenaltyGradient {
  double value = 0.0;
  Vector<S> gradient;  ///< d_v entries
};

/// A map of a point to features and a score, x ↦ (h, s), with all parameters in ONE flat vector v. A critic with batch normalisation is no map of a point:
/// there h_k and s_k depend on the other points of the batch.
template <class S>
class Critic {
 public:
  Critic() = default;
  Critic(const Critic&) = delete;
  Critic& operator=(const Critic&) = delete;
  virtual ~Critic() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual Index parameters() const = 0;           ///< d_v
  [[nodiscard]] virtual Index input_dimension() const = 0;      ///< d
  [[nodiscard]] virtual Index feature_dimension() const = 0;    ///< m
  [[nodiscard]] virtual Index statistics() const { return 0; }  ///< entries of CriticLinearisation::statistics()

  /// v0, drawn from the stream.
  [[nodiscard]] virtual Vector<S> initial(const RandomStream& stream) const = 0;

  /// Features, scores and pullbacks at (v, points), with the statistics of this very batch. v: d_v entries; points: n×d.
  /// @throws InputError for wrong shapes and n = 0.
  [[nodiscard]] virtual std::unique_ptr<CriticLinearisation<S>> linearise(VectorView<S> v, PointsView<S> points) const = 0;

  /// (1/n) Σ_k (‖∇_x s(points_k)‖ − 1)² and its gradient in v: the gradient penalty of WGAN-GP, which needs second derivatives. AT ∇_x s = 0, where the norm
  /// has a kink, its slope is taken as 0. @throws InputError for critics that have none: this default, and critics with batch normalisation.
  [[nodiscard]] virtual PenaltyGradient<S> gradient_penalty(VectorView<S> v, PointsView<S> points) const;
};

/// Rejects v and points that do not fit the critic; the sentence names both sizes.
template <class S>
void check_critic_arguments(const Critic<S>& critic, VectorView<S> v, PointsView<S> points);

/// Rejects a cotangent whose parts are neither empty nor of the shapes of what the critic gave.
template <class S>
void check_critic_cotangent(const CriticLinearisation<S>& at, const CriticCotangent<S>& cotangent);

}  // namespace slicecheck
