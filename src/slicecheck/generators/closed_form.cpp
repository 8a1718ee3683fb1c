#include "slicecheck/generators/closed_form.h"

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/spectral_norm.h"

namespace slicecheck {

namespace {

template <class S>
class LineLinearisation final : public Linearisation<S> {
 public:
  LineLinearisation(S u, PointsView<S> x) : x_(x), images_(u * x) {}
  [[nodiscard]] const Points<S>& images() const override { return images_; }
  [[nodiscard]] Vector<S> pullback(PointsView<S> cotangent) const override {
    check_cotangent<S>(images_, cotangent);
    return Vector<S>::Constant(1, x_.cwiseProduct(cotangent).sum());
  }

 private:
  Points<S> x_;
  Points<S> images_;
};

template <class S>
class AffineLinearisation final : public Linearisation<S> {
 public:
  AffineLinearisation(VectorView<S> u, PointsView<S> x, Index d) : x_(x) {
    const Eigen::Map<const Points<S>> matrix(u.data(), d, x.cols());
    images_ = (x * matrix.transpose()).rowwise() + u.tail(d).transpose();
  }
  [[nodiscard]] const Points<S>& images() const override { return images_; }
  [[nodiscard]] Vector<S> pullback(PointsView<S> cotangent) const override {
    check_cotangent<S>(images_, cotangent);
    const Index d = images_.cols();
    Vector<S> out(d * (x_.cols() + 1));
    Eigen::Map<Points<S>>(out.data(), d, x_.cols()).noalias() = cotangent.transpose() * x_;
    out.tail(d) = cotangent.colwise().sum().transpose();
    return out;
  }

 private:
  Points<S> x_;
  Points<S> images_;
};

}  // namespace

template <class S>
Vector<S> TwoPointLine<S>::initial(const RandomStream& stream) const {
  return Vector<S>::Constant(1, static_cast<S>(stream.normals(0)[0]));
}

template <class S>
std::unique_ptr<Linearisation<S>> TwoPointLine<S>::linearise(VectorView<S> u, PointsView<S> x) const {
  check_generator_arguments<S>(*this, u, x);
  return std::make_unique<LineLinearisation<S>>(u[0], x);
}

template <class S>
Affine<S>::Affine(Index input_dimension, Index output_dimension) : input_(input_dimension), output_(output_dimension) {
  if (input_ < 1 || output_ < 1) reject("affine generator: the dimensions are {} → {}; both must be at least 1", input_, output_);
}

template <class S>
Vector<S> Affine<S>::initial(const RandomStream& stream) const {
  Eigen::VectorXd u(parameters());
  stream.fill_normal(u);
  u.head(output_ * input_) /= std::sqrt(static_cast<double>(input_));
  return u.cast<S>();
}

template <class S>
std::unique_ptr<Linearisation<S>> Affine<S>::linearise(VectorView<S> u, PointsView<S> x) const {
  check_generator_arguments<S>(*this, u, x);
  return std::make_unique<AffineLinearisation<S>>(u, x, output_);
}

/// Λ = |x|: T is linear in u.
template <class S>
std::optional<GeneratorBounds> TwoPointLine<S>::bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const {
  const double up = 1.0 + tolerance::gamma(8.0, tolerance::unit_roundoff<double>());
  const double size = std::abs(x[0]);
  const double image = (std::abs(static_cast<double>(u0[0])) + radius) * size * up;
  return GeneratorBounds{size, image, tolerance::gamma(1.0, tolerance::unit_roundoff<double>()) * image};
}

/// Λ = √(1 + ‖x‖²): T is linear in (A, b), and ‖ΔA x + Δb‖ ≤ ‖Δ(A, b)‖_F √(1 + ‖x‖²).
template <class S>
std::optional<GeneratorBounds> Affine<S>::bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const {
  const Vector<double> u = u0.template cast<double>();
  const Eigen::Map<const Points<double>> a(u.data(), output_, input_);
  LayerBounds layers(x.norm() * (1.0 + tolerance::gamma(static_cast<double>(input_) + 4.0, tolerance::unit_roundoff<double>())));
  layers.add({.blocks = {a}, .bias_norm = u.tail(output_).norm(), .width = output_, .fan_in = input_}, radius);
  return layers.last();
}

template class TwoPointLine<float>;
template class TwoPointLine<double>;
template class Affine<float>;
template class Affine<double>;

}  // namespace slicecheck
