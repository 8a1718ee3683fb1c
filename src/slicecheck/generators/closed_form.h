#pragma once
/// Small generators whose every derivative is known by hand: the testbeds of the theory.

#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// Testbed 1, the two-point line: T(u, x) = u·x with u, x ∈ R. With x = +1 for the atom a and x = −1 for b: T(u, a) = u, T(u, b) = −u.
/// u0 is standard normal.
template <class S>
class TwoPointLine final : public Generator<S> {
 public:
  [[nodiscard]] std::string name() const override { return "two-point-line"; }
  [[nodiscard]] Index parameters() const override { return 1; }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 1; }
  [[nodiscard]] Vector<S> initial(const RandomStream& stream) const override;
  [[nodiscard]] std::unique_ptr<Linearisation<S>> linearise(VectorView<S> u, PointsView<S> x) const override;
  [[nodiscard]] std::optional<GeneratorBounds> bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const override;
};

/// Testbed 2, affine: T(u, x) = A x + b with u = (A by rows, b), A: d×d_x, b: d. The entries of A are N(0, 1/d_x) at the start, those of b N(0, 1).
template <class S>
class Affine final : public Generator<S> {
 public:
  /// @throws InputError unless both dimensions are ≥ 1.
  Affine(Index input_dimension, Index output_dimension);

  [[nodiscard]] std::string name() const override { return "affine"; }
  [[nodiscard]] Index parameters() const override { return output_ * (input_ + 1); }
  [[nodiscard]] Index input_dimension() const override { return input_; }
  [[nodiscard]] Index output_dimension() const override { return output_; }
  [[nodiscard]] std::vector<Index> tensors() const override { return {output_ * input_, output_}; }
  [[nodiscard]] Vector<S> initial(const RandomStream& stream) const override;
  [[nodiscard]] std::unique_ptr<Linearisation<S>> linearise(VectorView<S> u, PointsView<S> x) const override;
  [[nodiscard]] std::optional<GeneratorBounds> bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const override;

 private:
  Index input_;
  Index output_;
};

}  // namespace slicecheck
