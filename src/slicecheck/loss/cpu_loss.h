#pragma once
/// The loss for daily use on the CPU: blocks of directions, projected by one matrix product, sorted as (key, index) pairs.

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// Subject `cpu` (double) and `cpu-float`. At a tie the points keep the order of their rows.
///
/// Both clouds are first centred on the mean of Y, which changes no gap: a common offset of 10^6 would otherwise cost single precision its digits.
/// Directions are taken in fixed blocks and summed in a fixed order: the same bits for any number of threads.
template <class S>
class CpuLoss final : public SampleLoss<S> {
 public:
  /// @throws InputError unless p is finite and ≥ 1.
  explicit CpuLoss(double p = 2.0) : p_(p) { check_exponent(p); }

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] double exponent() const override { return p_; }
  [[nodiscard]] LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;
  [[nodiscard]] Vector<double> values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;

 private:
  double p_;
};

}  // namespace slicecheck
