#include "slicecheck/generators/bounded_generator.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

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

/// A segment in the ball from u to v: where it runs inside B(0, 2R) the product rule gives the slope Λχ + H|χ'|/R at most, elsewhere T_B does not move.
template <class S>
std::optional<GeneratorBounds> BoundedGenerator<S>::bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const {
  const double u = tolerance::unit_roundoff<double>();
  const auto d_u = static_cast<double>(u0.size());
  const double up = 1.0 + tolerance::gamma(2.0 * d_u + 32.0, u);
  const double norm = u0.template cast<double>().stableNorm();
  const double nearest = std::max(0.0, norm - radius * up) / (radius_ * up);  // ‖u‖/R on the ball lies in [nearest, farthest]
  const double farthest = (norm + radius) * up / radius_;
  if (nearest >= 2.0) return GeneratorBounds{};
  const bool inside = farthest <= 1.0;
  const auto inner = inside || radius <= 2.0 * radius_ ? inner_->bounds(u0, radius, x) : inner_->bounds(Vector<S>::Zero(u0.size()), 2.0 * radius_ * up, x);
  if (!inner || inside) return inner;
  // Absolute errors. ‖u‖/R ≤ 2 is a norm and a quotient, and χ moves by at most 15/8 times its error; the polynomial is a dozen roundings of terms that add up
  // to 32. χ' moves by at most 10/√3 times the error of ‖u‖/R, and its own roundings are relative: less than 20 times the error of χ in all.
  const double factor_error = tolerance::gamma(2.0 * d_u + 16.0, u) * 4.0 + tolerance::gamma(16.0, u) * 32.0;
  const double factor = std::min(1.0, cut_off(nearest) + factor_error);                           // χ falls
  const double slope = -cut_off_slope(std::clamp(1.5, nearest, farthest)) + 20.0 * factor_error;  // |χ'| rises up to 3/2 and then falls
  const double lipschitz = (inner->lipschitz * factor + inner->image * slope / radius_) * up;
  const double image = inner->image * factor * up;
  const double rounding = (inner->rounding + (factor_error + 2.0 * u) * (inner->image + inner->rounding)) * up;
  return GeneratorBounds{lipschitz, image, rounding};
}

template class BoundedGenerator<float>;
template class BoundedGenerator<double>;

}  // namespace slicecheck
