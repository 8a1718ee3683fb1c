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

template void project_onto_ball<float>(Vector<float>&, double);
template void project_onto_ball<double>(Vector<double>&, double);
template void add_noise<float>(Vector<float>&, double, const RandomStream&);
template void add_noise<double>(Vector<double>&, double, const RandomStream&);
template class Sgd<float>;
template class Sgd<double>;
template class NoisedProjectedSgd<float>;
template class NoisedProjectedSgd<double>;

}  // namespace slicecheck
