#include "trainings.h"

#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck::benchmarks {

namespace {

TrainingParts<double> training(std::shared_ptr<const Generator<double>> generator, Loss loss, const Sizes& sizes, std::uint32_t replicate) {
  constexpr std::uint64_t kSeed = 1;
  const std::shared_ptr<const Law> normal = Gaussian::standard(generator->input_dimension());
  const std::shared_ptr<const Law> target = Gaussian::standard(generator->output_dimension());
  std::shared_ptr<const SampleLoss<double>> chosen;
  if (loss == Loss::reference)
    chosen = std::make_shared<ReferenceLoss>(2.0);
  else
    chosen = std::make_shared<CpuLoss<double>>(2.0);
  return {std::move(generator),
          std::move(chosen),
          std::make_shared<FreshBatches<double>>(normal, target, SamplerSettings{sizes.n, sizes.directions, kSeed, replicate}),
          std::make_shared<Sgd<double>>(),
          make_schedule({.initial = 1e-3}),
          kSeed,
          replicate};
}

}  // namespace

TrainingParts<double> affine_training(Loss loss, const Sizes& sizes, Index dimension, std::uint32_t replicate) {
  return training(std::make_shared<Affine<double>>(dimension, dimension), loss, sizes, replicate);
}

TrainingParts<double> mlp_training(Loss loss, const Sizes& sizes, Index width) {
  return training(std::make_shared<DenseMlp<double>>(2, std::vector<Index>{width, width}, 2, Activation::relu), loss, sizes, 0);
}

}  // namespace slicecheck::benchmarks
