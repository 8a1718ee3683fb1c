#pragma once
/// The loss as the textbook has it: plain loops in double. Nothing here is fast; every fast implementation is compared with it.

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// Subject `reference`. At a tie the points keep the order of their rows (stable sort).
class ReferenceLoss final : public SampleLoss<double> {
 public:
  /// @throws InputError unless p is finite and ≥ 1.
  explicit ReferenceLoss(double p = 2.0) : p_(p) { check_exponent(p); }

  [[nodiscard]] std::string_view name() const override { return "reference"; }
  [[nodiscard]] double exponent() const override { return p_; }
  [[nodiscard]] LossGradient<double> evaluate(PointsView<double> z, PointsView<double> y, PointsView<double> directions) const override;

 private:
  double p_;
};

}  // namespace slicecheck
