#include "slicecheck/loss/sample_loss.h"

#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

template <class S>
void check_finite(PointsView<S> points, std::string_view name) {
  if (points.allFinite()) return;
  for (Index k = 0; k < points.rows(); ++k)
    for (Index j = 0; j < points.cols(); ++j)
      if (!std::isfinite(points(k, j))) reject("{} is not finite: row {}, column {} is {}", name, k + 1, j + 1, static_cast<double>(points(k, j)));
}

}  // namespace

template <class S>
void check_loss_arguments(PointsView<S> z, PointsView<S> y, PointsView<S> directions) {
  if (z.rows() == 0 || z.cols() == 0) reject("Z is empty ({} × {}); at least one point is needed", z.rows(), z.cols());
  if (z.rows() != y.rows()) reject("Z has {} points and Y has {}; the loss compares batches of one size", z.rows(), y.rows());
  if (z.cols() != y.cols()) reject("Z has dimension {} and Y has dimension {}; they must agree", z.cols(), y.cols());
  if (directions.rows() == 0) reject("there are no directions; at least one is needed");
  if (directions.cols() != z.cols()) reject("the directions have dimension {} and the points have dimension {}; they must agree", directions.cols(), z.cols());
  check_finite<S>(z, "Z");
  check_finite<S>(y, "Y");
  check_finite<S>(directions, "the matrix of directions");
}

void check_exponent(double p) {
  if (!std::isfinite(p) || p < 1.0) reject("the exponent p is {}; it must be a finite number, at least 1", p);
}

template void check_loss_arguments<float>(PointsView<float>, PointsView<float>, PointsView<float>);
template void check_loss_arguments<double>(PointsView<double>, PointsView<double>, PointsView<double>);

}  // namespace slicecheck
