#pragma once
/// Trainings that the tests of this folder share.

#include "slicecheck/dynamics/training.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck::testing {

/// Testbed 1 of the theory: two atoms ±1 on both sides, T(u, x) = u·x, batches of n.
template <class S>
TrainingParts<S> two_point_line(double alpha, Index n = 2, std::uint64_t seed = 1, std::uint32_t replicate = 0) {
  const std::shared_ptr<const Law> points = FiniteLaw::two_points();
  return {std::make_shared<TwoPointLine<S>>(),
          std::make_shared<CpuLoss<S>>(2.0),
          std::make_shared<FreshBatches<S>>(points, points, SamplerSettings{n, 1, seed, replicate}),
          std::make_shared<Sgd<S>>(),
          make_schedule({.initial = alpha}),
          seed,
          replicate};
}

/// A small network in the plane, NPSGD, a schedule that remembers, and batches of several blocks.
template <class S>
TrainingParts<S> small_network(std::uint64_t seed = 1) {
  return {std::make_shared<DenseMlp<S>>(2, std::vector<Index>{5}, 2, Activation::relu),
          std::make_shared<CpuLoss<S>>(2.0),
          std::make_shared<FreshBatches<S>>(law_by_name("standard-normal"), law_by_name("two-moons"), SamplerSettings{24, 70, seed, 0}),
          std::make_shared<NoisedProjectedSgd<S>>(3.0, 0.5),
          make_schedule({.kind = "plateau", .initial = 0.05, .factor = 0.5, .patience = 1}),
          seed,
          0};
}

}  // namespace slicecheck::testing
