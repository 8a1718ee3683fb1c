#pragma once
/// A dense critic on Eigen, differentiated by hand.

#include <optional>

#include "slicecheck/generators/critic.h"

namespace slicecheck {

/// leaky_relu has slope kCriticLeakySlope on the left, the left slope AT ITS KINK 0 too.
enum class CriticActivation { leaky_relu, tanh };

/// Slope of a critic's leaky ReLU on the left.
constexpr double kCriticLeakySlope = 0.2;

/// What is added to a batch's variance before its root is taken.
constexpr double kNormalisationEpsilon = 1e-5;

/// h_0 = x, h_m = act(W_m h_{m−1} + b_m) for m = 1, …, M, features h = h_M, score s = W_{M+1} h_M + b_{M+1}.
///
/// With batch normalisation the first pre-activation a = W_1 x + b_1 is replaced by scale · (a − mean)/√(variance + 10⁻⁵) + shift, unit by unit, with the mean
/// and the BIASED variance (divided by n) over this very batch; they are the statistics, means first. A batch of one is normalised to `shift`: its features do
/// not depend on its point, and the derivative in the point is 0.
///
/// v = (W_1 by rows, b_1, [scale, shift,] W_2 by rows, b_2, …, W_{M+1}, b_{M+1}); W_m is width × width before. v0: weights N(0, 2 / fan-in) (He), biases and
/// shifts N(0, 10⁻⁴), scales 1 + N(0, 10⁻⁴), all from one run of normals of the stream: absolutely continuous.
template <class S>
class DenseCritic final : public Critic<S> {
 public:
  /// @throws InputError for an input dimension or a width below 1, and without a hidden layer.
  DenseCritic(Index input_dimension, std::vector<Index> hidden_widths, CriticActivation act, bool batch_normalisation = false);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index parameters() const override { return offset(layers()); }
  [[nodiscard]] Index input_dimension() const override { return input_; }
  [[nodiscard]] Index feature_dimension() const override { return widths_[widths_.size() - 2]; }
  [[nodiscard]] Index statistics() const override { return normalised_ ? 2 * width(0) : 0; }
  [[nodiscard]] Vector<S> initial(const RandomStream& stream) const override;
  [[nodiscard]] std::unique_ptr<CriticLinearisation<S>> linearise(VectorView<S> v, PointsView<S> points) const override;
  /// Exact: ∇_x s by back-propagation, and the derivative of ⟨c, ∇_x s⟩ = ds(x)·c in v with c = 2(‖∇_x s‖ − 1)∇_x s/(n‖∇_x s‖) fixed. AT A KINK of leaky_relu
  /// the slope is held fixed. @throws InputError with batch normalisation, where s is no function of one point.
  [[nodiscard]] PenaltyGradient<S> gradient_penalty(VectorView<S> v, PointsView<S> points) const override;

  [[nodiscard]] Index layers() const { return static_cast<Index>(widths_.size()); }  ///< M + 1, that of the score included
  /// Units of layer 0, …, M.
  [[nodiscard]] Index width(Index layer) const { return widths_[static_cast<std::size_t>(layer)]; }
  [[nodiscard]] Index fan_in(Index layer) const { return layer == 0 ? input_ : width(layer - 1); }  ///< columns of its weights
  [[nodiscard]] Index offset(Index layer) const;                                                    ///< where its weights begin in v
  [[nodiscard]] CriticActivation activation() const { return act_; }
  [[nodiscard]] bool normalised() const { return normalised_; }

 private:
  Index input_;
  std::vector<Index> widths_;  // hidden layers, then 1
  CriticActivation act_;
  bool normalised_;
};

}  // namespace slicecheck
