#pragma once
/// The loss as a user of LibTorch writes it: project, sort, subtract, |·|^p, mean; its gradient by automatic differentiation through the sort.

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// Subject `torch` (double) and `torch-float`. It shares no code with the other subjects beyond the check of its arguments.
///
/// At a tie the gradient is that of the order in which `torch::sort` leaves the points: one optimal matching (N4). Where Δ = 0 the derivative of |Δ|^p is 0,
/// for every p ≥ 1: never NaN. Both clouds are first centred on the mean of Y, as `CpuLoss` does. Directions are taken in chunks whose length depends on n
/// alone, so that at most 2^18 projections of a cloud are in memory at once (one direction where n is larger), and summed in a fixed order.
template <class S>
class TorchLoss final : public SampleLoss<S> {
 public:
  /// Keeps LibTorch on one thread (`use_one_torch_thread`).
  /// @throws InputError unless p is finite and ≥ 1.
  explicit TorchLoss(double p = 2.0);

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] double exponent() const override { return p_; }

  /// @throws Error with the first line of LibTorch's message where LibTorch fails (out of memory).
  [[nodiscard]] LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;
  [[nodiscard]] Vector<double> values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;

 private:
  double p_;
};

}  // namespace slicecheck
