#include "slicecheck/statistics/frechet.h"

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "slicecheck/core/error.h"

namespace slicecheck {

GaussianFit fit_gaussian(PointsView<double> cloud) {
  if (cloud.rows() < 2) reject("a covariance of {} points; at least 2 are needed", cloud.rows());
  if (!cloud.allFinite()) reject("a covariance of points that are not finite");
  GaussianFit fit{cloud.colwise().mean().transpose(), {}};
  const Points<double> centred = cloud.rowwise() - fit.mean.transpose();
  fit.covariance = centred.transpose() * centred / static_cast<double>(cloud.rows() - 1);
  return fit;
}

double frechet_distance(const GaussianFit& a, const GaussianFit& b) {
  if (a.mean.size() != b.mean.size()) reject("the Fréchet distance of Gaussians of dimensions {} and {}", a.mean.size(), b.mean.size());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> of_a(a.covariance);
  const Eigen::MatrixXd root = of_a.eigenvectors() * of_a.eigenvalues().cwiseMax(0.0).cwiseSqrt().asDiagonal() * of_a.eigenvectors().transpose();
  const Eigen::MatrixXd product = root * b.covariance * root;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> of_product(product, Eigen::EigenvaluesOnly);
  const double coupling = of_product.eigenvalues().cwiseMax(0.0).cwiseSqrt().sum();
  return std::max(0.0, (a.mean - b.mean).squaredNorm() + a.covariance.trace() + b.covariance.trace() - 2.0 * coupling);
}

}  // namespace slicecheck
