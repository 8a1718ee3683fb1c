#pragma once
/// The loss for daily use on the CPU: vectorised for the processor at hand, in blocks of directions, on all threads.

#include <memory>

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

namespace cpu {
template <class S>
class WorkspacePool;
}

/// Subject `cpu` (double) and `cpu-float`. At a tie the points keep the order of their rows, so that the gradient is a vertex of the Clarke set (N1).
///
/// Both clouds are first centred on the mean of Y, which changes no gap: a common offset of 10^6 would otherwise cost single precision its digits.
///
/// COST: 6ndL operations of projection and gradient, and 2L sorts of n keys; one direction a vector lane up to `kSortByColumns` points (cpu/evaluation.h), a
/// key sort for each direction beyond. Memory beyond the arguments: O(nd) for the centred clouds and O(threads·n·64) for directions in the works, whatever L
/// is; it is kept for the next call, and calls after the first with the same sizes allocate nothing in `evaluate_into`.
///
/// The same bits for any number of threads on one instruction set: each sum is taken in a fixed order. An evaluation may run on several threads at once.
template <class S>
class CpuLoss final : public SampleLoss<S> {
 public:
  /// @throws InputError unless p is finite and ≥ 1.
  explicit CpuLoss(double p = 2.0);
  ~CpuLoss() override;

  [[nodiscard]] std::string_view name() const override;
  [[nodiscard]] double exponent() const override { return p_; }
  [[nodiscard]] LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;
  void evaluate_into(PointsView<S> z, PointsView<S> y, PointsView<S> directions, LossGradient<S>& out) const override;
  [[nodiscard]] Vector<double> values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;

 private:
  double p_;
  std::unique_ptr<cpu::WorkspacePool<S>> workspaces_;
};

}  // namespace slicecheck
