#include "torch_training.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <utility>

#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck::benchmarks {

namespace {

/// Parameters in separate tensors, as a framework keeps them, which are views of one vector.
class Network {
 public:
  template <class S>
  Network(const NetworkShape& shape, const Vector<S>& u0) : flat_(torch::empty({u0.size()}, torch::CppTypeToScalarType<S>::value)) {
    Eigen::Map<Vector<S>>(flat_.data_ptr<S>(), u0.size()) = u0;
    Index offset = 0;
    Index seen = shape.input;
    const auto take = [&](Index count) { return flat_.narrow(0, std::exchange(offset, offset + count), count); };
    std::vector<Index> widths = shape.hidden;
    widths.push_back(shape.output);
    for (const Index width : widths) {
      parameters_.push_back(take(width * seen).view({width, seen}).detach().requires_grad_(true));
      parameters_.push_back(take(width).detach().requires_grad_(true));
      seen += width;
    }
  }

  [[nodiscard]] torch::Tensor forward(const torch::Tensor& x) const {
    torch::Tensor seen = x;
    for (std::size_t m = 0;; m += 2) {
      const torch::Tensor pre = torch::addmm(parameters_[m + 1], seen, parameters_[m].t());
      if (m + 2 == parameters_.size()) return pre;
      seen = torch::cat({seen, torch::relu(pre)}, 1);
    }
  }

  void forget_gradients() {
    for (torch::Tensor& p : parameters_) p.mutable_grad().reset();
  }

  [[nodiscard]] std::vector<torch::Tensor>& parameters() { return parameters_; }
  [[nodiscard]] torch::Tensor& flat() { return flat_; }

  [[nodiscard]] Vector<double> phi() const {
    Vector<double> out(flat_.numel());
    Index offset = 0;
    for (const torch::Tensor& p : parameters_) {
      const torch::Tensor gradient = p.grad().contiguous();
      out.segment(offset, gradient.numel()) = Eigen::Map<const Vector<double>>(gradient.data_ptr<double>(), gradient.numel());
      offset += gradient.numel();
    }
    return out;
  }

 private:
  torch::Tensor flat_;
  std::vector<torch::Tensor> parameters_;
};

/// Rows of unit length in, their transpose out: report 000 has directions as columns.
torch::Tensor report_loss(const torch::Tensor& outputs, const torch::Tensor& targets, const torch::Tensor& theta) {
  const auto sorted = [&](const torch::Tensor& points) { return std::get<0>(points.matmul(theta).sort(0)); };
  return (sorted(targets) - sorted(outputs)).square().mean();
}

class Report000 final : public TorchTraining {
 public:
  Report000(const NetworkShape& shape, const Vector<float>& u0, const Points<float>& x, const Points<float>& y, Index batch, Index directions, StepRule rule,
            bool validate)
      : network_(shape, u0),
        x_(tensor_view<float>(x).clone()),
        y_(tensor_view<float>(y).clone()),
        batch_(batch),
        directions_(directions),
        rule_(rule),
        validate_(validate) {
    use_one_torch_thread();
  }

  double step() override {
    const auto [inputs, targets] = next_batch();
    network_.forget_gradients();
    const torch::Tensor outputs = network_.forward(inputs);
    const torch::Tensor loss = criterion(outputs, targets);
    loss.backward();
    update();
    const double value = told(loss, outputs, targets);
    if (validate_) validate();
    return value;
  }

 private:
  /// Item by item, then stacked, as a host loader does.
  std::pair<torch::Tensor, torch::Tensor> next_batch() {
    std::vector<torch::Tensor> inputs;
    std::vector<torch::Tensor> targets;
    for (Index k = 0; k < batch_; ++k, position_ = (position_ + 1) % x_.size(0)) {
      inputs.push_back(x_[position_]);
      targets.push_back(y_[position_]);
    }
    return {torch::stack(inputs), torch::stack(targets)};
  }

  /// Fresh directions each time.
  [[nodiscard]] torch::Tensor criterion(const torch::Tensor& outputs, const torch::Tensor& targets) const {
    const torch::Tensor theta = torch::randn({targets.size(1), directions_});
    return report_loss(outputs, targets, theta / theta.norm(2, 0, true).clamp_min(1e-12));
  }

  /// The loss as a number; its "KL divergence" beside it.
  double told(const torch::Tensor& loss, const torch::Tensor& outputs, const torch::Tensor& targets) {
    divergence_ += torch::kl_div(torch::log_softmax(outputs.detach(), 1), torch::softmax(targets, 1), at::Reduction::Mean).item<double>();
    return loss.item<double>();
  }

  void validate() {
    const torch::NoGradGuard off;
    const auto [inputs, targets] = next_batch();
    const torch::Tensor outputs = network_.forward(inputs);
    validation_ += told(criterion(outputs, targets), outputs, targets);
  }

  void update() {
    const torch::NoGradGuard off;
    for (torch::Tensor& p : network_.parameters()) {
      if (!rule_.radius) {
        p.add_(p.grad(), -rule_.alpha);
        continue;
      }
      torch::Tensor change = p.grad() * -rule_.alpha;
      change += rule_.noise * torch::randn_like(p) * rule_.alpha;
      p.add_(change);
      const torch::Tensor norm = p.norm();
      if (norm.item<double>() > *rule_.radius) p.copy_(p * (*rule_.radius / norm));
    }
  }

  Network network_;
  torch::Tensor x_, y_;
  Index batch_, directions_;
  StepRule rule_;
  bool validate_;
  Index position_ = 0;
  double divergence_ = 0.0;
  double validation_ = 0.0;
};

/// Forward, ∂w/∂Z from `loss`, backward. Leaves the gradients in the network's parameters.
template <class S>
double backward_with(Network& network, const Batch<S>& batch, const SampleLoss<S>& loss, LossGradient<S>& out) {
  network.forget_gradients();
  const torch::Tensor outputs = network.forward(tensor_view<S>(batch.x));
  const torch::Tensor values = outputs.detach();
  loss.evaluate_into(Eigen::Map<const Points<S>>(values.data_ptr<S>(), values.size(0), values.size(1)), batch.y, batch.directions, out);
  outputs.backward(tensor_view<S>(out.gradient));
  return out.value;
}

class TorchNetworkTraining final : public TorchTraining {
 public:
  TorchNetworkTraining(const NetworkShape& shape, const Vector<float>& u0, std::shared_ptr<const Sampler<float>> sampler,
                       std::shared_ptr<const SampleLoss<float>> loss, StepRule rule)
      : network_(shape, u0), sampler_(std::move(sampler)), loss_(std::move(loss)), rule_(rule) {
    use_one_torch_thread();
  }

  double step() override {
    const Batch<float> batch = sampler_->draw(step_++);
    const double value = backward_with<float>(network_, batch, *loss_, out_);
    const torch::NoGradGuard off;
    for (torch::Tensor& p : network_.parameters()) p.add_(p.grad(), -rule_.alpha);
    if (rule_.radius) {
      torch::Tensor& u = network_.flat();
      u.add_(torch::randn_like(u), rule_.alpha * rule_.noise);
      const double norm = u.norm().item<double>();
      if (norm > *rule_.radius) u.mul_(*rule_.radius / norm);
    }
    return value;
  }

 private:
  Network network_;
  std::shared_ptr<const Sampler<float>> sampler_;
  std::shared_ptr<const SampleLoss<float>> loss_;
  StepRule rule_;
  LossGradient<float> out_;
  std::uint64_t step_ = 0;
};

}  // namespace

std::unique_ptr<TorchTraining> report_000_training(const NetworkShape& shape, const Vector<float>& u0, const Points<float>& x, const Points<float>& y,
                                                   Index batch, Index directions, const StepRule& rule, bool validate) {
  return std::make_unique<Report000>(shape, u0, x, y, batch, directions, rule, validate);
}

std::unique_ptr<TorchTraining> torch_network_training(const NetworkShape& shape, const Vector<float>& u0, std::shared_ptr<const Sampler<float>> sampler,
                                                      std::shared_ptr<const SampleLoss<float>> loss, const StepRule& rule) {
  return std::make_unique<TorchNetworkTraining>(shape, u0, std::move(sampler), std::move(loss), rule);
}

TorchGradient report_000_gradient(const NetworkShape& shape, const Vector<double>& u, const Batch<double>& batch) {
  use_one_torch_thread();
  Network network(shape, u);
  const torch::Tensor loss =
      report_loss(network.forward(tensor_view<double>(batch.x)), tensor_view<double>(batch.y), tensor_view<double>(batch.directions).t());
  loss.backward();
  return {loss.item<double>(), network.phi()};
}

TorchGradient torch_network_gradient(const NetworkShape& shape, const Vector<double>& u, const Batch<double>& batch, const SampleLoss<double>& loss) {
  use_one_torch_thread();
  Network network(shape, u);
  LossGradient<double> out;
  const double value = backward_with<double>(network, batch, loss, out);
  return {value, network.phi()};
}

bool has_torch_trainings() { return true; }

}  // namespace slicecheck::benchmarks
