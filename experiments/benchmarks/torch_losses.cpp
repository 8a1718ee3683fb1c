#include "torch_losses.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "slicecheck/loss/sample_loss.h"
#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/torch_info.h"
#include "sorters.h"

namespace slicecheck::benchmarks {

namespace {

constexpr Index kProjections = Index{1} << 18;  // of a chunk

/// Sorted values and the 64-bit indices they came from, along the last dimension: what torch::sort returns.
using Sorted = std::pair<torch::Tensor, torch::Tensor>;

Sorted sort_by_torch(const torch::Tensor& keys) {
  auto [values, indices] = keys.sort(1);
  return {std::move(values), std::move(indices)};
}

Sorted sort_by_vqsort(const torch::Tensor& keys) {
  const Index rows = keys.size(0);
  const Index n = keys.size(1);
  Sorted out{torch::empty_like(keys), torch::empty(keys.sizes(), torch::kLong)};
  std::vector<std::uint64_t> packed(static_cast<std::size_t>(n));
  const float* in = keys.data_ptr<float>();
  float* values = out.first.data_ptr<float>();
  std::int64_t* indices = out.second.data_ptr<std::int64_t>();
  for (Index l = 0; l < rows; ++l, in += n, values += n, indices += n) {
    for (Index k = 0; k < n; ++k) packed[static_cast<std::size_t>(k)] = pack(in[k], static_cast<std::uint32_t>(k));
    vqsort(packed.data(), packed.size());
    for (Index k = 0; k < n; ++k) {
      const std::uint64_t entry = packed[static_cast<std::size_t>(k)];
      values[k] = unpack_value(entry);
      indices[k] = static_cast<std::int64_t>(entry & 0xFFFF'FFFFU);
    }
  }
  return out;
}

/// The sort that replaces LibTorch's, with the derivative that LibTorch's has.
class SortByVqsort : public torch::autograd::Function<SortByVqsort> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& keys) {
    Sorted sorted = sort_by_vqsort(keys);
    context->save_for_backward({sorted.second});
    return sorted.first;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient) {
    const torch::Tensor indices = context->get_saved_variables().front();
    return {torch::zeros_like(gradient.front()).scatter_(1, indices, gradient.front())};
  }
};

struct Form {
  bool chunked;
  bool autograd;
  bool vectorised_sort;
};

class TorchLossEvaluation {
 public:
  TorchLossEvaluation(const Clouds& clouds, Form form)
      : form_(form), z_(tensor_view<float>(clouds.z)), y_(tensor_view<float>(clouds.y)), theta_(tensor_view<float>(clouds.directions)) {
    use_one_torch_thread();
  }

  LossGradient<float> evaluate() const {
    const Index n = z_.size(0);
    const Index count = theta_.size(0);
    const Index chunk = form_.chunked ? std::max<Index>(1, kProjections / n) : count;
    LossGradient<float> out;
    torch::Tensor total;
    for (Index first = 0; first < count; first += chunk) {
      const torch::Tensor theta = theta_.narrow(0, first, std::min(chunk, count - first));
      const auto [sum, part] = form_.autograd ? by_autograd(theta) : by_hand(theta);
      out.value += sum;
      total = total.defined() ? total + part : part;
    }
    out.value /= static_cast<double>(n) * static_cast<double>(count);
    out.gradient = to_points<float>(total);
    return out;
  }

 private:
  /// Σ Δ² of the chunk, and its share of the gradient.
  [[nodiscard]] std::pair<double, torch::Tensor> by_autograd(const torch::Tensor& theta) const {
    const torch::AutoGradMode recording(true);
    const torch::Tensor z = z_.detach().requires_grad_(true);
    const auto sorted = [&](const torch::Tensor& points) {
      const torch::Tensor projected = theta.matmul(points.t());
      return form_.vectorised_sort ? SortByVqsort::apply(projected) : sort_by_torch(projected).first;
    };
    const torch::Tensor squares = (sorted(z) - sorted(y_)).square().sum(1);
    const torch::Tensor loss = squares.sum() * scale();
    const torch::Tensor part = torch::autograd::grad({loss}, {z}).front();
    return {squares.detach().sum(torch::kDouble).item<double>(), part};
  }

  [[nodiscard]] std::pair<double, torch::Tensor> by_hand(const torch::Tensor& theta) const {
    const torch::NoGradGuard off;
    const auto sort = [&](const torch::Tensor& points) {
      const torch::Tensor projected = theta.matmul(points.t());
      return form_.vectorised_sort ? sort_by_vqsort(projected) : sort_by_torch(projected);
    };
    const auto [sorted_z, order] = sort(z_);
    torch::Tensor gaps = sorted_z.sub_(sort(y_).first);
    const double sum = gaps.square().sum(1).sum(torch::kDouble).item<double>();
    const torch::Tensor weights = torch::empty_like(gaps).scatter_(1, order, gaps);
    return {sum, weights.t().matmul(theta).mul_(2.0 * scale())};
  }

  [[nodiscard]] double scale() const { return 1.0 / (static_cast<double>(z_.size(0)) * static_cast<double>(theta_.size(0))); }

  Form form_;
  torch::Tensor z_, y_, theta_;
};

}  // namespace

std::vector<TorchLossForm> torch_loss_forms() {
  std::vector<TorchLossForm> forms;
  for (const bool vectorised_sort : {false, true})
    for (const bool chunked : {true, false})
      for (const bool autograd : {true, false}) {
        const Form form{chunked, autograd, vectorised_sort};
        forms.push_back({fmt::format("{}, {}", chunked ? "chunked" : "unchunked", autograd ? "autograd" : "backward by hand"), vectorised_sort,
                         [form](const Clouds& clouds) { return [evaluation = TorchLossEvaluation(clouds, form)] { return evaluation.evaluate(); }; }});
      }
  return forms;
}

std::function<double()> torch_value(const Clouds& clouds) {
  use_one_torch_thread();
  const torch::Tensor z = tensor_view<float>(clouds.z);
  const torch::Tensor y = tensor_view<float>(clouds.y);
  const torch::Tensor theta = tensor_view<float>(clouds.directions);
  return [=] {
    const torch::NoGradGuard off;
    const auto sorted = [&](const torch::Tensor& points) { return sort_by_torch(theta.matmul(points.t())).first; };
    return sorted(z).sub_(sorted(y)).square_().sum(1).sum(torch::kDouble).item<double>() / static_cast<double>(z.size(0) * theta.size(0));
  };
}

std::string torch_description() { return fmt::format("LibTorch {}, {} thread(s)", torch_version(), at::get_num_threads()); }

}  // namespace slicecheck::benchmarks
