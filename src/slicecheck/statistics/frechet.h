#pragma once
/// The Fréchet distance of Gaussians that are fitted to clouds: the formula of the "Fréchet inception distance", on whatever features are given.

#include "slicecheck/core/types.h"

namespace slicecheck {

/// A mean and a covariance (divisor n − 1) of n points.
struct GaussianFit {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

/// @throws InputError for fewer than 2 points, and entries that are not finite.
GaussianFit fit_gaussian(PointsView<double> cloud);

/// ‖m_a − m_b‖² + tr A + tr B − 2 tr (A^{1/2} B A^{1/2})^{1/2} = W_2² between N(m_a, A) and N(m_b, B), never below 0. Square roots by symmetric
/// eigendecompositions; eigenvalues that rounding made negative count as 0. Of covariances that are estimated from n points it is biased upwards, by about the
/// dimension over n: compare at equal n, beside what two clouds of one law give.
/// @throws InputError for dimensions that differ.
double frechet_distance(const GaussianFit& a, const GaussianFit& b);

}  // namespace slicecheck
