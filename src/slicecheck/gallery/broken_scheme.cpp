#include "slicecheck/gallery/broken_scheme.h"

#include <cmath>
#include <numeric>

#include "slicecheck/core/error.h"

namespace slicecheck {

template <class S>
PerTensorProjectedSgd<S>::PerTensorProjectedSgd(double radius, double noise, std::vector<Index> tensors)
    : radius_(radius), noise_(noise), tensors_(std::move(tensors)) {
  if (!std::isfinite(radius) || radius <= 0.0) reject("per-tensor projection: the radius is {}; it must be finite and positive", radius);
  if (!std::isfinite(noise) || noise < 0.0) reject("per-tensor projection: the noise is {}; it must be finite and not negative", noise);
}

template <class S>
std::string PerTensorProjectedSgd<S>::name() const {
  return fmt::format("npsgd, every tensor projected by itself [r = {}, a = {}]", radius_, noise_);
}

template <class S>
void PerTensorProjectedSgd<S>::advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const {
  state.u -= static_cast<S>(alpha) * phi;
  if (noise_ > 0.0) add_noise(state.u, alpha * noise_, noise);
  if (std::accumulate(tensors_.begin(), tensors_.end(), Index{0}) != state.u.size())
    reject("per-tensor projection: the tensors have {} entries and u has {}", std::accumulate(tensors_.begin(), tensors_.end(), Index{0}), state.u.size());
  Index begin = 0;
  for (const Index size : tensors_) {
    Vector<S> tensor = state.u.segment(begin, size);
    project_onto_ball(tensor, radius_);
    state.u.segment(begin, size) = tensor;
    begin += size;
  }
  ++state.step;
}

template class PerTensorProjectedSgd<float>;
template class PerTensorProjectedSgd<double>;

}  // namespace slicecheck
