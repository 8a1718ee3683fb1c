#pragma once
/// A generator made bounded in u (assumption A4) by a smooth cut-off.

#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// χ(t): 1 for t ≤ 1, 0 for t ≥ 2, twice continuously differentiable in between: 1 − 10s³ + 15s⁴ − 6s⁵ with s = t − 1.
double cut_off(double t);

/// χ'(t); its least value is −15/8, so Lip(χ) = 15/8.
double cut_off_slope(double t);

/// T_B(u, x) = T(u, x)·χ(‖u‖ / R): equal to T on B(0, R) and 0 outside B(0, 2R).
///
/// The report's indicator 1_{B(0,R)}(u) would be discontinuous in u and break A2 (claim T6); this one is C². Everywhere where χ = 0 the loss is constant, hence
/// critical: radii and paths that are judged must stay inside B(0, R).
template <class S>
class BoundedGenerator final : public Generator<S> {
 public:
  /// @throws InputError unless radius is finite and > 0.
  BoundedGenerator(std::shared_ptr<const Generator<S>> inner, double radius);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index parameters() const override { return inner_->parameters(); }
  [[nodiscard]] Index input_dimension() const override { return inner_->input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return inner_->output_dimension(); }
  [[nodiscard]] std::vector<Index> tensors() const override { return inner_->tensors(); }
  [[nodiscard]] Vector<S> initial(const RandomStream& stream) const override { return inner_->initial(stream); }
  [[nodiscard]] std::unique_ptr<Linearisation<S>> linearise(VectorView<S> u, PointsView<S> x) const override;
  /// Λ_B = Λ·max χ + H·max|χ'|/R, both maxima over the values of ‖u‖/R on the ball; Λ and H are the inner generator's, on B(u0, radius) or, where that is
  /// smaller, on B(0, 2R), outside of which T_B = 0. Nothing where the inner generator has no certificate.
  [[nodiscard]] std::optional<GeneratorBounds> bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const override;

  [[nodiscard]] const Generator<S>& inner() const { return *inner_; }
  [[nodiscard]] double radius() const { return radius_; }

 private:
  std::shared_ptr<const Generator<S>> inner_;
  double radius_;
};

}  // namespace slicecheck
