#include "slicecheck/diagnosis/sampled_gradient.h"

#include "slicecheck/core/error.h"

namespace slicecheck {

GradientEstimate SampledGradient::estimate(double radius) const {
  const auto b = static_cast<double>(batches);
  const double pairs = b * (b - 1.0);
  GradientEstimate out;
  out.squared_norm = (norm_of_sum - sum_of_norms) / pairs;
  out.residual = out.squared_norm;
  out.outward = -radial_sum / b;
  const bool on_sphere = radius > 0.0 && u_norm >= radius * (1.0 - 1e-6);
  if (on_sphere && out.outward > 0.0) out.residual -= (radial_sum * radial_sum - radial_squares) / pairs;
  return out;
}

double SampledGradient::variance() const {
  const auto b = static_cast<double>(batches);
  return (sum_of_norms - norm_of_sum / b) / (b - 1.0);
}

template <class S>
SampledGradient sample_gradient(const Generator<S>& generator, const SampleLoss<S>& loss, const Law& source, const Law& target, VectorView<S> u,
                                const GradientSampling& sampling) {
  if (sampling.batches < 2) reject("gradient of F: {} batches; expected at least 2", sampling.batches);
  const Eigen::VectorXd here = Vector<S>(u).template cast<double>();
  SampledGradient out;
  out.batches = sampling.batches;
  out.u_norm = here.norm();
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(here.size());
  for (Index b = 0; b < sampling.batches; ++b) {
    const std::uint64_t draw = 1024 * (sampling.slot * 1024 + static_cast<std::uint64_t>(b) / 1000) + static_cast<std::uint64_t>(b) % 1000;
    const Points<S> x = source.sample<S>({sampling.seed, Purpose::evaluation_source, sampling.replicate, draw}, sampling.n);
    const Points<S> y = target.sample<S>({sampling.seed, Purpose::evaluation_target, sampling.replicate, draw}, sampling.n);
    const Points<S> theta = uniform_directions<S>({sampling.seed, Purpose::evaluation_directions, sampling.replicate, draw}, sampling.directions, y.cols());
    const auto image = generator.linearise(u, x);
    const Eigen::VectorXd g = image->pullback(loss.evaluate(image->images(), y, theta).gradient).template cast<double>();
    if (!g.allFinite()) reject("gradient of F: batch {} has a gradient that is not finite", b);
    sum += g;
    out.sum_of_norms += g.squaredNorm();
    const double radial = out.u_norm > 0.0 ? g.dot(here) / out.u_norm : 0.0;
    out.radial_sum += radial;
    out.radial_squares += radial * radial;
  }
  out.norm_of_sum = sum.squaredNorm();
  return out;
}

template SampledGradient sample_gradient(const Generator<float>&, const SampleLoss<float>&, const Law&, const Law&, VectorView<float>, const GradientSampling&);
template SampledGradient sample_gradient(const Generator<double>&, const SampleLoss<double>&, const Law&, const Law&, VectorView<double>,
                                         const GradientSampling&);

}  // namespace slicecheck
