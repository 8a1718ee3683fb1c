#include "slicecheck/dynamics/scheme.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

template <class S>
void project_onto_ball(Vector<S>& u, double radius) {
  const auto wide = u.template cast<double>();
  const double squared = wide.squaredNorm();
  // Far from both ends of the range of double the plain sum is right; elsewhere one that neither overflows nor loses a tiny vector.
  const double norm = squared > 1e-200 && squared < 1e200 ? std::sqrt(squared) : Eigen::VectorXd(wide).stableNorm();
  if (norm > radius) u = ((wide / norm) * radius).template cast<S>();
}

template <class S>
void add_noise(Vector<S>& u, double scale, const RandomStream& stream) {
  constexpr Index kTogether = 512;
  Eigen::Matrix<double, kTogether, 1> noise;
  for (Index first = 0; first < u.size(); first += kTogether) {
    const Index size = std::min(kTogether, u.size() - first);
    stream.fill_normal(noise.head(size), static_cast<std::uint64_t>(first / 2));
    u.segment(first, size) += (scale * noise.head(size)).template cast<S>();
  }
}

template <class S>
void Sgd<S>::advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream&) const {
  state.u -= static_cast<S>(alpha) * phi;
  ++state.step;
}

template <class S>
NoisedProjectedSgd<S>::NoisedProjectedSgd(double radius, double noise) : radius_(radius), noise_(noise) {
  if (!std::isfinite(radius) || radius <= 0.0) reject("NPSGD: the radius is {}; it must be finite and positive", radius);
  if (!std::isfinite(noise) || noise < 0.0) reject("NPSGD: the noise is {}; it must be finite and not negative", noise);
}

template <class S>
std::string NoisedProjectedSgd<S>::name() const {
  return fmt::format("npsgd[r = {}, a = {}]", radius_, noise_);
}

template <class S>
State<S> NoisedProjectedSgd<S>::start(Vector<S> u0) const {
  project_onto_ball(u0, radius_);
  return {std::move(u0), 0};
}

template <class S>
void NoisedProjectedSgd<S>::advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const {
  state.u -= static_cast<S>(alpha) * phi;
  if (noise_ > 0.0) add_noise(state.u, alpha * noise_, noise);
  project_onto_ball(state.u, radius_);
  ++state.step;
}

template <class S>
Adam<S>::Adam(double beta1, double beta2, double epsilon) : beta1_(beta1), beta2_(beta2), epsilon_(epsilon) {
  for (const double beta : {beta1, beta2})
    if (!(beta >= 0.0 && beta < 1.0)) reject("Adam: β is {}; it must lie in [0, 1)", beta);
  if (!std::isfinite(epsilon) || epsilon <= 0.0) reject("Adam: ε is {}; it must be finite and positive", epsilon);
}

template <class S>
std::string Adam<S>::name() const {
  return fmt::format("adam[β = {}, {}]", beta1_, beta2_);
}

template <class S>
State<S> Adam<S>::start(Vector<S> u0) const {
  const Index size = u0.size();
  return {std::move(u0), 0, {Vector<S>::Zero(size), Vector<S>::Zero(size)}};
}

template <class S>
void Adam<S>::advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream&) const {
  if (state.memory.size() != 2 || state.memory[0].size() != phi.size() || state.memory[1].size() != phi.size())
    reject("Adam: the state does not hold its two moments; begin with start()");
  Vector<S>& first = state.memory[0];
  Vector<S>& second = state.memory[1];
  first = static_cast<S>(beta1_) * first + static_cast<S>(1.0 - beta1_) * phi;
  second.array() = static_cast<S>(beta2_) * second.array() + static_cast<S>(1.0 - beta2_) * phi.array().square();
  ++state.step;
  const auto t = static_cast<double>(state.step);
  const auto first_scale = static_cast<S>(1.0 / (1.0 - std::pow(beta1_, t)));
  const auto second_scale = static_cast<S>(1.0 / (1.0 - std::pow(beta2_, t)));
  state.u.array() -= static_cast<S>(alpha) * (first_scale * first.array()) / ((second_scale * second.array()).sqrt() + static_cast<S>(epsilon_));
}

template <class S>
GradientBall<S>::GradientBall(std::shared_ptr<const Scheme<S>> inner, double radius) : inner_(std::move(inner)), radius_(radius) {
  if (!inner_) reject("gradient ball: there is no scheme to hand the gradient to");
  if (!std::isfinite(radius) || radius <= 0.0) reject("gradient ball: the radius is {}; it must be finite and positive", radius);
}

template <class S>
std::string GradientBall<S>::name() const {
  return fmt::format("{} on gradients of norm ≤ {}", inner_->name(), radius_);
}

template <class S>
void GradientBall<S>::advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const {
  Vector<S> projected = phi;
  project_onto_ball(projected, radius_);
  inner_->advance(state, projected, alpha, noise);
}

template <class S>
ClippedCoordinates<S>::ClippedCoordinates(std::shared_ptr<const Scheme<S>> inner, double bound) : inner_(std::move(inner)), bound_(bound) {
  if (!inner_) reject("weight clipping: there is no scheme whose weights could be clipped");
  if (!std::isfinite(bound) || bound <= 0.0) reject("weight clipping: the bound is {}; it must be finite and positive", bound);
}

template <class S>
std::string ClippedCoordinates<S>::name() const {
  return fmt::format("{}, weights clipped to ±{}", inner_->name(), bound_);
}

template <class S>
State<S> ClippedCoordinates<S>::start(Vector<S> u0) const {
  const auto bound = static_cast<S>(bound_);
  u0 = u0.cwiseMax(-bound).cwiseMin(bound).eval();
  return inner_->start(std::move(u0));
}

template <class S>
void ClippedCoordinates<S>::advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const {
  inner_->advance(state, phi, alpha, noise);
  const auto bound = static_cast<S>(bound_);
  state.u = state.u.cwiseMax(-bound).cwiseMin(bound).eval();
}

template void project_onto_ball<float>(Vector<float>&, double);
template void project_onto_ball<double>(Vector<double>&, double);
template void add_noise<float>(Vector<float>&, double, const RandomStream&);
template void add_noise<double>(Vector<double>&, double, const RandomStream&);
template class Sgd<float>;
template class Sgd<double>;
template class NoisedProjectedSgd<float>;
template class NoisedProjectedSgd<double>;
template class Adam<float>;
template class Adam<double>;
template class GradientBall<float>;
template class GradientBall<double>;
template class ClippedCoordinates<float>;
template class ClippedCoordinates<double>;

}  // namespace slicecheck
