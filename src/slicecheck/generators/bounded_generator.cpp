#include "slicecheck/generators/bounded_generator.h"

#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

double cut_off(double t) {
  if (t <= 1.0) return 1.0;
  if (t >= 2.0) return 0.0;
  const double s = t - 1.0;
  return 1.0 - s * s * s * (10.0 + s * (-15.0 + 6.0 * s));
}

double cut_off_slope(double t) {
  if (t <= 1.0 || t >= 2.0) return 0.0;
  const double s = t - 1.0;
  return -30.0 * s * s * (1.0 - s) * (1.0 - s);
}

namespace {

template <class S>
class BoundedLinearisation final : public Linearisation<S> {
 public:
  BoundedLinearisation(std::unique_ptr<Linearisation<S>> inner, VectorView<S> u, double radius) : inner_(std::move(inner)), parameters_(u.size()) {
    const double norm = u.template cast<double>().stableNorm();
    factor_ = static_cast<S>(cut_off(norm / radius));
    const double slope = cut_off_slope(norm / radius);
    if (slope != 0.0) radial_ = u * static_cast<S>(slope / (radius * norm));
    // Outside B(0, 2R) the images are 0 even where the inner ones overflow.
    images_ = factor_ == S{0} ? Points<S>::Zero(inner_->images().rows(), inner_->images().cols()) : Points<S>(inner_->images() * factor_);
  }
  [[nodiscard]] const Points<S>& images() const override { return images_; }
  [[nodiscard]] Vector<S> pullback(PointsView<S> cotangent) const override {
    check_cotangent<S>(images_, cotangent);
    if (factor_ == S{0}) return Vector<S>::Zero(parameters_);
    Vector<S> out = factor_ * inner_->pullback(cotangent);
    if (radial_.size() > 0) out += radial_ * inner_->images().cwiseProduct(cotangent).sum();
    return out;
  }

 private:
  std::unique_ptr<Linearisation<S>> inner_;
  Index parameters_;
  S factor_;
  Vector<S> radial_;  // the gradient of u ↦ χ(‖u‖/R); empty where it vanishes
  Points<S> images_;
};

}  // namespace

template <class S>
BoundedGenerator<S>::BoundedGenerator(std::shared_ptr<const Generator<S>> inner, double radius) : inner_(std::move(inner)), radius_(radius) {
  if (!std::isfinite(radius) || radius <= 0.0) reject("bounded generator: the radius is {}; it must be finite and positive", radius);
}

template <class S>
std::string BoundedGenerator<S>::name() const {
  return fmt::format("bounded[{}, R = {}]", inner_->name(), radius_);
}

template <class S>
std::unique_ptr<Linearisation<S>> BoundedGenerator<S>::linearise(VectorView<S> u, PointsView<S> x) const {
  return std::make_unique<BoundedLinearisation<S>>(inner_->linearise(u, x), u, radius_);
}

template class BoundedGenerator<float>;
template class BoundedGenerator<double>;

}  // namespace slicecheck
