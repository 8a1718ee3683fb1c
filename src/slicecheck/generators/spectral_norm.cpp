#include "slicecheck/generators/spectral_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

constexpr int kSquarings = 10;

}  // namespace

double spectral_norm_bound(PointsView<double> w) {
  if (w.size() == 0) return 0.0;
  const double largest = w.cwiseAbs().maxCoeff();
  if (largest == 0.0 || !std::isfinite(largest)) return largest;
  const double u = tolerance::unit_roundoff<double>();
  const bool wide = w.cols() > w.rows();
  const Points<double> scaled = w / largest;  // no overflow; one rounding per entry, in `entries`
  Eigen::MatrixXd gram = wide ? Eigen::MatrixXd(scaled * scaled.transpose()) : Eigen::MatrixXd(scaled.transpose() * scaled);
  const double inner = static_cast<double>(wide ? w.cols() : w.rows());
  const double frobenius = scaled.squaredNorm();
  const double gram_error = tolerance::gamma(inner + 4.0, u) * frobenius;
  const double squaring_error = tolerance::gamma(static_cast<double>(gram.rows()) + 4.0, u);
  std::vector<double> scales;
  for (int level = 0; level < kSquarings; ++level) {
    scales.push_back(gram.norm());
    gram /= scales.back();
    gram = (gram * gram).eval();
  }
  double bound = gram.norm() * (1.0 + squaring_error);
  std::reverse(scales.begin(), scales.end());
  for (const double scale : scales) bound = scale * std::sqrt(bound + squaring_error) * (1.0 + 8.0 * u);
  return largest * std::sqrt(bound + gram_error) * (1.0 + 8.0 * u);
}

}  // namespace slicecheck
