#pragma once
/// Algorithm 1: stochastic gradient steps on the sample loss f(u, X, Y, θ).

#include <functional>
#include <memory>

#include "slicecheck/dynamics/sampler.h"
#include "slicecheck/dynamics/schedule.h"
#include "slicecheck/dynamics/scheme.h"
#include "slicecheck/generators/generator.h"
#include "slicecheck/loss/sample_loss.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck {

/// What a training consists of. A subject under test as a whole.
template <class S>
struct TrainingParts {
  std::shared_ptr<const Generator<S>> generator;
  std::shared_ptr<const SampleLoss<S>> loss;
  std::shared_ptr<const Sampler<S>> sampler;
  std::shared_ptr<const Scheme<S>> scheme;
  std::shared_ptr<Schedule> schedule;
  std::uint64_t seed = 1;
  std::uint32_t replicate = 0;
};

/// What one update did.
struct StepReport {
  double loss;       ///< f at the point the update started from
  double step_size;  ///< α
  double phi_norm;   ///< ‖φ‖
};

/// u_{t+1} = scheme(u_t, φ(u_t, X_{t+1}, Y_{t+1}, θ_{t+1}), α_t): draw a batch, evaluate the loss at T(u, X), pull its gradient back, advance. Advances `state`
/// by one step.
/// @throws InputError when f is not finite (the step was too large): the sentence names the step.
template <class S>
StepReport advance(const TrainingParts<S>& parts, State<S>& state);

/// u0 of a training: the generator's initial law, then what the scheme does to it (NPSGD projects).
template <class S>
State<S> start(const TrainingParts<S>& parts);

/// How F is estimated: `batches` independent fresh batches (X, Y) of n points, each with its own fresh `directions`.
struct ObjectiveSettings {
  Index n = 256;
  Index batches = 20;
  Index directions = 250;
  double confidence = 0.95;
};

/// F(u) = E f(u, X, Y, θ), the expected minibatch loss, with a t-interval over the independent batches. `step` distinguishes evaluations: each draws afresh.
template <class S>
MeanEstimate estimate_objective(const Generator<S>& generator, const SampleLoss<S>& loss, const Law& source, const Law& target, VectorView<S> u,
                                const ObjectiveSettings& settings, std::uint64_t seed, std::uint32_t replicate, std::uint64_t step);

}  // namespace slicecheck
