// A build without LibTorch: there are no such opponents.
#include "torch_losses.h"
#include "torch_training.h"

namespace slicecheck::benchmarks {

std::vector<TorchLossForm> torch_loss_forms() { return {}; }
std::function<double()> torch_value(const Clouds&) { return {}; }
std::string torch_description() { return {}; }

std::unique_ptr<TorchTraining> report_000_training(const NetworkShape&, const Vector<float>&, const Points<float>&, const Points<float>&, Index, Index,
                                                   const StepRule&, bool) {
  return nullptr;
}
std::unique_ptr<TorchTraining> torch_network_training(const NetworkShape&, const Vector<float>&, std::shared_ptr<const Sampler<float>>,
                                                      std::shared_ptr<const SampleLoss<float>>, const StepRule&) {
  return nullptr;
}
TorchGradient report_000_gradient(const NetworkShape&, const Vector<double>&, const Batch<double>&) { return {}; }
TorchGradient torch_network_gradient(const NetworkShape&, const Vector<double>&, const Batch<double>&, const SampleLoss<double>&) { return {}; }
bool has_torch_trainings() { return false; }

}  // namespace slicecheck::benchmarks
