#pragma once
/// Trainings written with LibTorch: report 000's own loop, and its network with our loss. In torch_training.cpp; in no_torch.cpp where the build has no
/// LibTorch.

#include <memory>
#include <optional>
#include <vector>

#include "slicecheck/dynamics/sampler.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck::benchmarks {

/// The dense residual network of report 000: `DenseMlp` with ReLU.
struct NetworkShape {
  Index input;
  std::vector<Index> hidden;
  Index output;
};

/// How parameters move. NPSGD where there is a radius.
struct StepRule {
  double alpha = 1e-3;
  std::optional<double> radius;
  double noise = 0.0;
};

class TorchTraining {
 public:
  TorchTraining() = default;
  TorchTraining(const TorchTraining&) = delete;
  TorchTraining& operator=(const TorchTraining&) = delete;
  virtual ~TorchTraining() = default;
  virtual double step() = 0;  ///< one update; returns the loss
};

/// What the code of report 000 does for each batch, in single precision: take the items of the batch from the fixed pairs one by one and stack them; forward
/// with parameters in separate tensors; `directions` normals, normalised; both clouds projected to [n, L] and sorted along dimension 0; mean of the squared
/// differences; backward; the optimiser (for NPSGD: noise for each tensor, each tensor projected by itself); the loss and its "KL divergence" as numbers.
/// Left out, in its favour: Python and the progress bar. Its validation, after each epoch on the same pairs, is one batch more for each step, forward, loss and
/// "KL divergence" without a gradient: made where `validate` says so.
std::unique_ptr<TorchTraining> report_000_training(const NetworkShape& shape, const Vector<float>& u0, const Points<float>& x, const Points<float>& y,
                                                   Index batch, Index directions, const StepRule& rule, bool validate);

/// The same network in LibTorch, its gradient by autograd, with our batches and our loss. NPSGD projects the whole vector.
std::unique_ptr<TorchTraining> torch_network_training(const NetworkShape& shape, const Vector<float>& u0, std::shared_ptr<const Sampler<float>> sampler,
                                                      std::shared_ptr<const SampleLoss<float>> loss, const StepRule& rule);

struct TorchGradient {
  double loss;
  Vector<double> phi;  ///< in the order of `DenseMlp`
};

/// The loss and its gradient in u as report 000's code computes them, in double.
TorchGradient report_000_gradient(const NetworkShape& shape, const Vector<double>& u, const Batch<double>& batch);

/// The same with LibTorch's network and the gradient of the loss, ∂w/∂Z, given.
TorchGradient torch_network_gradient(const NetworkShape& shape, const Vector<double>& u, const Batch<double>& batch, const SampleLoss<double>& loss);

/// Whether this build has these.
bool has_torch_trainings();

}  // namespace slicecheck::benchmarks
