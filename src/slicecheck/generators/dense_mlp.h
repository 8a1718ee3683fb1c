#pragma once
/// The dense residual network of report 000: every layer sees the input and all earlier layers.

#include "slicecheck/generators/activation.h"
#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// T(u, x) = W_M h + b_M with h = (x, h_1, …, h_{M−1}) all earlier features side by side, and h_m = act(W_m (x, h_1, …, h_{m−1}) + b_m).
///
/// u = (W_1 by rows, b_1, …, W_M by rows, b_M); W_m is (width of layer m) × (d_x + all earlier widths). With 2 inputs, two hidden layers of 256 and 2 outputs:
/// 68,102 parameters. u0: weights N(0, 2 / fan-in) (He), biases 0; the biases make its law singular, so `initial` draws them N(0, 10⁻⁴) instead: absolutely
/// continuous, as claim T1 asks.
template <class S>
class DenseMlp final : public Generator<S> {
 public:
  /// @throws InputError for dimensions or widths below 1.
  DenseMlp(Index input_dimension, std::vector<Index> hidden_widths, Index output_dimension, Activation act);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index parameters() const override { return parameters_; }
  [[nodiscard]] Index input_dimension() const override { return input_; }
  [[nodiscard]] Index output_dimension() const override { return widths_.back(); }
  [[nodiscard]] std::vector<Index> tensors() const override;
  [[nodiscard]] Vector<S> initial(const RandomStream& stream) const override;
  [[nodiscard]] std::unique_ptr<Linearisation<S>> linearise(VectorView<S> u, PointsView<S> x) const override;
  [[nodiscard]] std::optional<GeneratorBounds> bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const override;

  [[nodiscard]] Index layers() const { return static_cast<Index>(widths_.size()); }  ///< M, the output layer included
  /// Units of a layer; layer 0 is the input.
  [[nodiscard]] Index width(Index layer) const { return widths_[static_cast<std::size_t>(layer)]; }
  [[nodiscard]] Index fan_in(Index layer) const;  ///< columns of W_m
  [[nodiscard]] Index offset(Index layer) const;  ///< where W_m begins in u
  [[nodiscard]] Activation activation() const { return act_; }

 private:
  Index input_;
  std::vector<Index> widths_;  // hidden layers, then the output
  Activation act_;
  Index parameters_ = 0;
};

}  // namespace slicecheck
