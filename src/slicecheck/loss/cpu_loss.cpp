#include "slicecheck/loss/cpu_loss.h"

#include <limits>
#include <type_traits>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/cpu/evaluation.h"

namespace slicecheck {

namespace {

template <class S>
void check(PointsView<S> z, PointsView<S> y, PointsView<S> directions) {
  check_loss_arguments<S>(z, y, directions);
  if (z.rows() > std::numeric_limits<std::int32_t>::max()) reject("n is {}; the cpu loss takes fewer than 2^31 points", z.rows());
}

}  // namespace

template <class S>
CpuLoss<S>::CpuLoss(double p) : p_(p), workspaces_(std::make_unique<cpu::WorkspacePool<S>>()) {
  check_exponent(p);
}

template <class S>
CpuLoss<S>::~CpuLoss() = default;

template <class S>
std::string_view CpuLoss<S>::name() const {
  return std::is_same_v<S, float> ? "cpu-float" : "cpu";
}

template <class S>
void CpuLoss<S>::evaluate_into(PointsView<S> z, PointsView<S> y, PointsView<S> directions, LossGradient<S>& out) const {
  check<S>(z, y, directions);
  typename cpu::WorkspacePool<S>::Loan space(*workspaces_);
  cpu::evaluate<S>(z, y, directions, p_, *space, out.per_direction, &out.gradient);
  out.value = out.per_direction.sum() / static_cast<double>(directions.rows());
}

template <class S>
LossGradient<S> CpuLoss<S>::evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  LossGradient<S> out;
  evaluate_into(z, y, directions, out);
  return out;
}

template <class S>
Vector<double> CpuLoss<S>::values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  check<S>(z, y, directions);
  typename cpu::WorkspacePool<S>::Loan space(*workspaces_);
  Vector<double> out;
  cpu::evaluate<S>(z, y, directions, p_, *space, out, nullptr);
  return out;
}

template class CpuLoss<float>;
template class CpuLoss<double>;

}  // namespace slicecheck
