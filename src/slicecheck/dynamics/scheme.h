#pragma once
/// Optimiser steps: how φ moves u.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// Where a training stands after `step` updates. Everything that a scheme remembers between steps is in here.
template <class S>
struct State {
  Vector<S> u;
  std::uint64_t step = 0;
  std::vector<Vector<S>> memory{};  ///< Adam's moments, say; empty for schemes that remember nothing
};

/// Orthogonal projection of the WHOLE vector onto the closed ball B(0, radius). The norm is summed in double. A vector inside comes back unchanged, to the bit.
/// The result is inside the ball up to two roundings per coordinate. An entry that is not finite stays so: trainings refuse it at the next step.
template <class S>
void project_onto_ball(Vector<S>& u, double radius);

/// A subject under test: one update u ↦ u⁺.
template <class S>
class Scheme {
 public:
  Scheme() = default;
  Scheme(const Scheme&) = delete;
  Scheme& operator=(const Scheme&) = delete;
  virtual ~Scheme() = default;

  [[nodiscard]] virtual std::string name() const = 0;

  /// The state before the first step.
  [[nodiscard]] virtual State<S> start(Vector<S> u0) const { return {std::move(u0), 0}; }

  /// One update with the stochastic gradient φ and the step size α; adds 1 to state.step. `noise` is the stream of this step's noise.
  virtual void advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const = 0;
};

/// u⁺ = u − αφ.
template <class S>
class Sgd final : public Scheme<S> {
 public:
  [[nodiscard]] std::string name() const override { return "sgd"; }
  void advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const override;
};

/// Noised projected SGD (claim T4): u⁺ = π_r(u − αφ + α·a·ε), ε standard normal in R^{d_u}, π_r the projection of the whole vector onto B(0, r). u0 is
/// projected too.
template <class S>
class NoisedProjectedSgd final : public Scheme<S> {
 public:
  /// @throws InputError unless radius > 0 and noise ≥ 0, both finite. The theorem asks for noise > 0.
  NoisedProjectedSgd(double radius, double noise);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] State<S> start(Vector<S> u0) const override;
  void advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const override;

  [[nodiscard]] double radius() const { return radius_; }
  [[nodiscard]] double noise() const { return noise_; }

 private:
  double radius_;
  double noise_;
};

/// Adam: m⁺ = β₁m + (1 − β₁)φ, q⁺ = β₂q + (1 − β₂)φ² (entry by entry), u⁺ = u − α · m̂/(√q̂ + ε) with m̂ = m⁺/(1 − β₁^t), q̂ = q⁺/(1 − β₂^t), t = 1, 2, …
/// The theorems T1 and T4 are about SGD; nothing is claimed of Adam.
template <class S>
class Adam final : public Scheme<S> {
 public:
  /// @throws InputError unless 0 ≤ beta1, beta2 < 1 and epsilon > 0 is finite.
  Adam(double beta1, double beta2, double epsilon = 1e-8);

  [[nodiscard]] std::string name() const override;
  /// Both moments begin at 0.
  [[nodiscard]] State<S> start(Vector<S> u0) const override;
  void advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const override;

 private:
  double beta1_;
  double beta2_;
  double epsilon_;
};

/// Another scheme on the gradient projected onto a ball: φ ↦ φ · min(1, radius/‖φ‖) ("gradient clipping"), the norm of the WHOLE vector. AT φ = 0 it is 0.
template <class S>
class GradientBall final : public Scheme<S> {
 public:
  /// @throws InputError unless there is a scheme and radius > 0 is finite.
  GradientBall(std::shared_ptr<const Scheme<S>> inner, double radius);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] State<S> start(Vector<S> u0) const override { return inner_->start(std::move(u0)); }
  void advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const override;

 private:
  std::shared_ptr<const Scheme<S>> inner_;
  double radius_;
};

/// Another scheme, after which each coordinate of u is clipped to [−bound, bound] ("weight clipping"): the projection onto a cube, not onto the ball of T4. u0
/// is clipped too.
template <class S>
class ClippedCoordinates final : public Scheme<S> {
 public:
  /// @throws InputError unless there is a scheme and bound > 0 is finite.
  ClippedCoordinates(std::shared_ptr<const Scheme<S>> inner, double bound);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] State<S> start(Vector<S> u0) const override;
  void advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const override;

 private:
  std::shared_ptr<const Scheme<S>> inner_;
  double bound_;
};

/// u += scale · ε with ε standard normal: entry i is normal i % 2 of block i / 2 of the stream.
template <class S>
void add_noise(Vector<S>& u, double scale, const RandomStream& stream);

}  // namespace slicecheck
