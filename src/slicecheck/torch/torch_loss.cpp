#include "slicecheck/torch/torch_loss.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <type_traits>

#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {

namespace {

constexpr Index kProjections = Index{1} << 18;  // of one cloud, in memory at once; 2^14 to 2^22 take the same time to 15 %

/// |Δ|^p with the derivatives 2Δ, sign Δ and p|Δ|^{p−1} sign Δ; LibTorch's sign of 0 is 0.
torch::Tensor gap_powers(const torch::Tensor& gaps, double p) {
  if (p == 2.0) return gaps.square();
  if (p == 1.0) return gaps.abs();
  return gaps.abs().pow(p);
}

/// θ·p_k, sorted along the points: directions×n.
torch::Tensor sorted_projections(const torch::Tensor& points, const torch::Tensor& theta) { return std::get<0>(theta.matmul(points.t()).sort(1)); }

/// Value per direction; the gradient too where `gradient` is not null.
template <class S>
Vector<double> evaluate_chunks(PointsView<S> z_in, PointsView<S> y_in, PointsView<S> directions, double p, Points<S>* gradient) {
  check_loss_arguments<S>(z_in, y_in, directions);
  try {
    const torch::AutoGradMode recording(gradient != nullptr);
    const Index n = z_in.rows();
    const Index count = directions.rows();
    const Index chunk = std::max<Index>(1, kProjections / n);
    const double scale = 1.0 / (static_cast<double>(n) * static_cast<double>(count));
    const torch::Tensor all_directions = tensor_view<S>(directions);
    const torch::Tensor y_view = tensor_view<S>(y_in);
    const torch::Tensor centre = y_view.mean(0, false, torch::kDouble).to(y_view.scalar_type());
    const torch::Tensor y = y_view - centre;
    torch::Tensor z = tensor_view<S>(z_in) - centre;
    z.set_requires_grad(gradient != nullptr);
    torch::Tensor total;
    Vector<double> values(count);
    for (Index first = 0; first < count; first += chunk) {
      const Index size = std::min(chunk, count - first);
      const torch::Tensor theta = all_directions.narrow(0, first, size);
      const torch::Tensor gaps = sorted_projections(z, theta) - sorted_projections(y, theta);
      const torch::Tensor sums = gap_powers(gaps, p).sum(1, false, torch::kDouble);
      values.segment(first, size) = Eigen::Map<const Vector<double>>(sums.data_ptr<double>(), size) / static_cast<double>(n);
      if (gradient == nullptr) continue;
      const torch::Tensor part = torch::autograd::grad({sums.sum() * scale}, {z}).front();
      total = total.defined() ? total + part : part;
    }
    if (gradient != nullptr) *gradient = to_points<S>(total);
    return values;
  } catch (...) {
    rethrow_torch_error();
  }
}

}  // namespace

template <class S>
TorchLoss<S>::TorchLoss(double p) : p_(p) {
  check_exponent(p);
  use_one_torch_thread();
}

template <class S>
std::string_view TorchLoss<S>::name() const {
  return std::is_same_v<S, float> ? "torch-float" : "torch";
}

template <class S>
LossGradient<S> TorchLoss<S>::evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  LossGradient<S> out;
  out.per_direction = evaluate_chunks<S>(z, y, directions, p_, &out.gradient);
  out.value = out.per_direction.sum() / static_cast<double>(directions.rows());
  return out;
}

template <class S>
Vector<double> TorchLoss<S>::values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  return evaluate_chunks<S>(z, y, directions, p_, nullptr);
}

template class TorchLoss<float>;
template class TorchLoss<double>;

}  // namespace slicecheck
