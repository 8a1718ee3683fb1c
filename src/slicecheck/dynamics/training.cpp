#include "slicecheck/dynamics/training.h"

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"

namespace slicecheck {

namespace {

// Evaluation streams use step = 1024·t + batch; the slots from 1000 on are for what callers draw beside F (an exact W_2², say).
constexpr std::uint64_t kSlots = 1024;
constexpr Index kLargestBatches = 1000;

}  // namespace

template <class S>
State<S> start(const TrainingParts<S>& parts) {
  return parts.scheme->start(parts.generator->initial({parts.seed, Purpose::initial, parts.replicate, 0}));
}

template <class S>
StepReport advance(const TrainingParts<S>& parts, State<S>& state) {
  const std::uint64_t t = state.step;
  const Batch<S> batch = parts.sampler->draw(t);
  const auto image = parts.generator->linearise(state.u, batch.x);
  if (!image->images().allFinite())
    reject("step {}: the generator's images are not finite; the step size {} is too large for this training", t, parts.schedule->step_size(t));
  const LossGradient<S> loss = parts.loss->evaluate(image->images(), batch.y, batch.directions);
  if (!std::isfinite(loss.value))
    reject("step {}: the loss is {}; the step size {} is too large for this training", t, loss.value, parts.schedule->step_size(t));
  const Vector<S> phi = image->pullback(loss.gradient);
  const double alpha = parts.schedule->step_size(t);
  parts.scheme->advance(state, phi, alpha, {parts.seed, Purpose::noise, parts.replicate, t});
  return {loss.value, alpha, phi.template cast<double>().norm()};
}

template <class S>
MeanEstimate estimate_objective(const Generator<S>& generator, const SampleLoss<S>& loss, const Law& source, const Law& target, VectorView<S> u,
                                const ObjectiveSettings& settings, std::uint64_t seed, std::uint32_t replicate, std::uint64_t step) {
  if (settings.batches < 1 || settings.batches > kLargestBatches)
    reject("objective: {} batches; their number must lie between 1 and {}", settings.batches, kLargestBatches);
  std::vector<double> values(static_cast<std::size_t>(settings.batches));
  parallel_for(settings.batches, [&](Index b) {
    const std::uint64_t draw = kSlots * step + static_cast<std::uint64_t>(b);
    const Points<S> x = source.sample<S>({seed, Purpose::evaluation_source, replicate, draw}, settings.n);
    const Points<S> y = target.sample<S>({seed, Purpose::evaluation_target, replicate, draw}, settings.n);
    const Points<S> theta = uniform_directions<S>({seed, Purpose::evaluation_directions, replicate, draw}, settings.directions, y.cols());
    values[static_cast<std::size_t>(b)] = loss.values(generator.forward(u, x), y, theta).mean();
  });
  return mean_with_t_interval(values, settings.confidence);
}

template State<float> start(const TrainingParts<float>&);
template State<double> start(const TrainingParts<double>&);
template StepReport advance(const TrainingParts<float>&, State<float>&);
template StepReport advance(const TrainingParts<double>&, State<double>&);
template MeanEstimate estimate_objective(const Generator<float>&, const SampleLoss<float>&, const Law&, const Law&, VectorView<float>, const ObjectiveSettings&,
                                         std::uint64_t, std::uint32_t, std::uint64_t);
template MeanEstimate estimate_objective(const Generator<double>&, const SampleLoss<double>&, const Law&, const Law&, VectorView<double>,
                                         const ObjectiveSettings&, std::uint64_t, std::uint32_t, std::uint64_t);

}  // namespace slicecheck
