#pragma once
/// A plain dense network into a box: the plane generator of report 002.

#include <vector>

#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// T(u, x) = low + (high − low) · σ(W_M h_{M−1} + b_M), entry by entry, with h_0 = x and h_m = elu(W_m h_{m−1} + b_m); σ the logistic function,
/// elu(t) = t for t > 0 and e^t − 1 otherwise, which is C¹. Every image lies in the open box, whatever u is: A4 holds (up to rounding onto its faces).
///
/// u = (W_1 by rows, b_1, …, W_M by rows, b_M). Report 002: 10 inputs, two hidden layers of 64, 2 outputs: 4,994 parameters.
/// u0: weights uniform on ±√(6/(fan-in + fan-out)) (Glorot), as the report has them; its biases are 0, which makes its law singular: here N(0, 10⁻⁴).
template <class S>
class BoxGenerator final : public Generator<S> {
 public:
  /// @throws InputError for dimensions or widths below 1, and unless low < high are finite.
  BoxGenerator(Index input_dimension, std::vector<Index> hidden_widths, Index output_dimension, double low, double high);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index parameters() const override { return offsets_.back(); }
  [[nodiscard]] Index input_dimension() const override { return widths_.front(); }
  [[nodiscard]] Index output_dimension() const override { return widths_.back(); }
  [[nodiscard]] std::vector<Index> tensors() const override;
  [[nodiscard]] Vector<S> initial(const RandomStream& stream) const override;
  [[nodiscard]] std::unique_ptr<Linearisation<S>> linearise(VectorView<S> u, PointsView<S> x) const override;

 private:
  std::vector<Index> widths_;   // input, hidden layers, output
  std::vector<Index> offsets_;  // where W_1, …, W_M begin in u; then d_u
  double low_;
  double high_;
};

}  // namespace slicecheck
