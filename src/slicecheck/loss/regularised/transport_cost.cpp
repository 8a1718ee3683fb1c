#include "slicecheck/loss/regularised/transport_cost.h"

#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

void require_clouds(GroundCost cost, PointsView<double> z, PointsView<double> y) {
  if (z.rows() == 0 || y.rows() == 0 || z.cols() == 0 || z.cols() != y.cols())
    reject("clouds are {} × {} and {} × {}; expected n × d and m × d with n, m, d ≥ 1", z.rows(), z.cols(), y.rows(), y.cols());
  if (!z.allFinite() || !y.allFinite()) reject("the clouds have an entry that is not finite");
  if (cost != GroundCost::cosine) return;
  if (!(z.rowwise().norm().minCoeff() > 0.0) || !(y.rowwise().norm().minCoeff() > 0.0)) reject("a point is 0; the cosine cost needs a direction");
}

/// Every row divided by its norm, without over- or underflow.
Points<double> unit_rows(PointsView<double> points) {
  Points<double> out = points;
  for (Index i = 0; i < out.rows(); ++i) out.row(i).stableNormalize();
  return out;
}

}  // namespace

std::string_view ground_cost_name(GroundCost cost) {
  switch (cost) {
    case GroundCost::l1: return "l1";
    case GroundCost::squared: return "squared";
    case GroundCost::cosine: return "cosine";
  }
  reject("unknown ground cost {}", static_cast<int>(cost));
}

GroundCost ground_cost_by_name(const std::string& name) {
  for (const GroundCost cost : {GroundCost::l1, GroundCost::squared, GroundCost::cosine})
    if (name == ground_cost_name(cost)) return cost;
  reject("unknown ground cost '{}'; the known ones are l1, squared, cosine", name);
}

Points<double> cost_matrix(GroundCost cost, PointsView<double> z, PointsView<double> y) {
  require_clouds(cost, z, y);
  Points<double> c(z.rows(), y.rows());
  switch (cost) {
    case GroundCost::l1:
      for (Index i = 0; i < z.rows(); ++i) c.row(i) = (y.rowwise() - z.row(i)).cwiseAbs().rowwise().sum().transpose();
      break;
    case GroundCost::squared:  // by differences: ‖z‖² + ‖y‖² − 2⟨z, y⟩ cancels where points are close
      for (Index i = 0; i < z.rows(); ++i) c.row(i) = (y.rowwise() - z.row(i)).rowwise().squaredNorm().transpose();
      break;
    case GroundCost::cosine: {  // ½‖z/‖z‖ − y/‖y‖‖², for the same reason
      const Points<double> of_z = unit_rows(z);
      const Points<double> of_y = unit_rows(y);
      for (Index i = 0; i < z.rows(); ++i) c.row(i) = 0.5 * (of_y.rowwise() - of_z.row(i)).rowwise().squaredNorm().transpose();
      break;
    }
  }
  return c;
}

Points<double> cost_pullback(GroundCost cost, PointsView<double> z, PointsView<double> y, PointsView<double> weights) {
  require_clouds(cost, z, y);
  if (weights.rows() != z.rows() || weights.cols() != y.rows())
    reject("the weights are {} × {}; expected {} × {}, as the cost matrix", weights.rows(), weights.cols(), z.rows(), y.rows());
  Points<double> out(z.rows(), z.cols());
  switch (cost) {
    case GroundCost::l1:
      for (Index i = 0; i < z.rows(); ++i) out.row(i) = -(weights.row(i) * (y.rowwise() - z.row(i)).array().sign().matrix());
      break;
    case GroundCost::squared:
      for (Index i = 0; i < z.rows(); ++i) out.row(i) = -2.0 * (weights.row(i) * (y.rowwise() - z.row(i)));
      break;
    case GroundCost::cosine: {  // −(I − ẑẑᵀ)ŷ/‖z‖
      const Points<double> of_y = unit_rows(y);
      for (Index i = 0; i < z.rows(); ++i) {
        const Eigen::RowVectorXd of_z = z.row(i).stableNormalized();
        const Eigen::RowVectorXd pull = weights.row(i) * (of_y.rowwise() - of_z);  // the part along ẑ goes anyway
        out.row(i) = -(pull - pull.dot(of_z) * of_z) / z.row(i).stableNorm();
      }
      break;
    }
  }
  return out;
}

}  // namespace slicecheck
