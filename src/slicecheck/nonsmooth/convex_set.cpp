#include "slicecheck/nonsmooth/convex_set.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

void check_vector(const char* what, VectorView<double> vector) {
  for (Index i = 0; i < vector.size(); ++i)
    if (!std::isfinite(vector[i])) reject("{}: entry {} is {}; it must be finite", what, i, vector[i]);
}

void check_inner(const char* what, const std::shared_ptr<const ConvexSet>& inner) {
  if (inner == nullptr) reject("{}: the inner set is missing", what);
}

Eigen::VectorXd checked_image(const char* what, Eigen::VectorXd image, Index expected) {
  if (image.size() != expected) reject("linear image: the {} map returned {} entries; expected {}", what, image.size(), expected);
  check_vector(what, image);
  return image;
}

}  // namespace

double ConvexSet::support(VectorView<double> direction) const { return maximiser(direction).dot(direction); }

void ConvexSet::check_direction(VectorView<double> direction) const {
  if (direction.size() != dimension()) reject("convex set: the direction has {} entries; the set is in dimension {}", direction.size(), dimension());
  check_vector("convex set, direction", direction);
}

PointHull::PointHull(Points<double> points) : points_(std::move(points)) {
  if (points_.rows() == 0 || points_.cols() == 0)
    reject("point hull: the matrix of points is {} × {}; it needs a point and a dimension", points_.rows(), points_.cols());
  for (Index k = 0; k < points_.rows(); ++k) check_vector("point hull, a point", points_.row(k).transpose());
}

Eigen::VectorXd PointHull::maximiser(VectorView<double> direction) const {
  check_direction(direction);
  Index best = 0;
  (points_ * direction).maxCoeff(&best);
  return points_.row(best).transpose();
}

Permutohedron::Permutohedron(VectorView<double> values) : ascending_(values) {
  if (values.size() == 0) reject("permutohedron: there are no values; it needs at least one");
  check_vector("permutohedron, values", values);
  std::sort(ascending_.begin(), ascending_.end());
}

Eigen::VectorXd Permutohedron::maximiser(VectorView<double> direction) const {
  check_direction(direction);
  std::vector<Index> order(static_cast<std::size_t>(dimension()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return direction[a] < direction[b]; });
  Eigen::VectorXd best(dimension());
  for (Index rank = 0; rank < dimension(); ++rank) best[order[static_cast<std::size_t>(rank)]] = ascending_[rank];
  return best;
}

MinkowskiSum::MinkowskiSum(std::vector<Term> terms) : terms_(std::move(terms)) {
  if (terms_.empty()) reject("Minkowski sum: there are no terms; it needs at least one");
  for (const Term& term : terms_) {
    check_inner("Minkowski sum", term.set);
    if (!std::isfinite(term.weight) || term.weight < 0.0) reject("Minkowski sum: a weight is {}; it must be finite and at least 0", term.weight);
    if (term.set->dimension() != dimension())
      reject("Minkowski sum: a set in dimension {} beside one in dimension {}; they must agree", term.set->dimension(), dimension());
  }
}

Eigen::VectorXd MinkowskiSum::maximiser(VectorView<double> direction) const {
  check_direction(direction);
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(dimension());
  for (const Term& term : terms_) sum += term.weight * term.set->maximiser(direction);
  return sum;
}

LinearImage::LinearImage(Points<double> matrix, std::shared_ptr<const ConvexSet> inner) : image_dimension_(matrix.rows()), inner_(std::move(inner)) {
  check_inner("linear image", inner_);
  if (matrix.rows() == 0 || matrix.cols() != inner_->dimension())
    reject("linear image: the matrix is {} × {}; it needs a row, and {} columns", matrix.rows(), matrix.cols(), inner_->dimension());
  for (Index i = 0; i < matrix.rows(); ++i) check_vector("linear image, a row of the matrix", matrix.row(i).transpose());
  const auto shared = std::make_shared<const Points<double>>(std::move(matrix));
  forward_ = [shared](VectorView<double> c) -> Eigen::VectorXd { return *shared * c; };
  transpose_ = [shared](VectorView<double> direction) -> Eigen::VectorXd { return shared->transpose() * direction; };
}

LinearImage::LinearImage(Index image_dimension, Map forward, Map transpose, std::shared_ptr<const ConvexSet> inner)
    : image_dimension_(image_dimension), forward_(std::move(forward)), transpose_(std::move(transpose)), inner_(std::move(inner)) {
  check_inner("linear image", inner_);
  if (image_dimension_ < 1) reject("linear image: the dimension of the image is {}; it must be at least 1", image_dimension_);
  if (!forward_ || !transpose_) reject("linear image: a map is missing; both the map and its transpose are needed");
}

Eigen::VectorXd LinearImage::maximiser(VectorView<double> direction) const {
  check_direction(direction);
  const Eigen::VectorXd pulled_back = checked_image("transpose", transpose_(direction), inner_->dimension());
  return checked_image("forward", forward_(inner_->maximiser(pulled_back)), image_dimension_);
}

Translated::Translated(std::shared_ptr<const ConvexSet> inner, Eigen::VectorXd offset) : inner_(std::move(inner)), offset_(std::move(offset)) {
  check_inner("translated set", inner_);
  if (offset_.size() != inner_->dimension())
    reject("translated set: the offset has {} entries; the set is in dimension {}", offset_.size(), inner_->dimension());
  check_vector("translated set, offset", offset_);
}

Eigen::VectorXd Translated::maximiser(VectorView<double> direction) const {
  check_direction(direction);
  return inner_->maximiser(direction) + offset_;
}

std::shared_ptr<const ConvexSet> bounded_normal_cone(VectorView<double> u, double radius, double bound, double slack) {
  if (u.size() == 0) reject("normal cone: u has no entries; it needs at least one");
  check_vector("normal cone, u", u);
  if (!std::isfinite(radius) || !(radius > 0.0)) reject("normal cone: the radius is {}; it must be finite and positive", radius);
  if (!std::isfinite(bound) || !(bound >= 0.0)) reject("normal cone: the bound is {}; it must be finite and at least 0", bound);
  if (!(slack >= 0.0 && slack < radius)) reject("normal cone: the slack is {}; it must be at least 0 and below the radius {}", slack, radius);
  const double rounding = tolerance::gamma(static_cast<double>(u.size()) + 8.0, tolerance::unit_roundoff<double>());
  const double norm = u.stableNorm();
  if (norm > radius * (1.0 + rounding)) reject("normal cone: ‖u‖ is {:.17g}; it must be at most the radius {:.17g}", norm, radius);
  if (norm < radius * (1.0 - rounding) - slack) return std::make_shared<PointHull>(Points<double>::Zero(1, u.size()));
  Points<double> ends = Points<double>::Zero(2, u.size());
  ends.row(1) = (u / norm * (bound * (1.0 + rounding))).transpose();
  return std::make_shared<PointHull>(std::move(ends));
}

}  // namespace slicecheck
