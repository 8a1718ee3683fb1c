#include "slicecheck/loss/cpu/few_points.h"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "slicecheck/loss/gap_power.h"

namespace slicecheck::cpu {

namespace {

template <class S>
using Few = std::array<S, kFewPoints>;

/// θ·(cloud − centre), where the difference is rounded to S first, as in the other layouts. False where one is not finite.
template <class S>
bool project(PointsView<S> cloud, const S* centre, const S* theta, Few<S>& out) {
  bool finite = true;
  for (Index k = 0; k < cloud.rows(); ++k) {
    S sum{0};
    for (Index j = 0; j < cloud.cols(); ++j) sum += theta[j] * (cloud(k, j) - centre[j]);
    out[static_cast<std::size_t>(k)] = sum;
    finite = finite && std::isfinite(sum);
  }
  return finite;
}

}  // namespace

template <class S>
void evaluate_few_points(PointsView<S> z, PointsView<S> y, PointsView<S> directions, double p, Vector<double>& per_direction, Points<S>* gradient) {
  const Index n = z.rows();
  const Index d = z.cols();
  const Index count = directions.rows();
  const double scale = 1.0 / (static_cast<double>(n) * static_cast<double>(count));
  constexpr Index kShort = 16;
  std::array<S, kShort> short_centre{};
  Vector<S> long_centre;
  if (d > kShort) long_centre.resize(d);
  S* const centre = d > kShort ? long_centre.data() : short_centre.data();
  for (Index j = 0; j < d; ++j) {
    double sum = 0.0;
    for (Index k = 0; k < n; ++k) sum += static_cast<double>(y(k, j));
    centre[j] = static_cast<S>(sum / static_cast<double>(n));
  }
  if (gradient != nullptr) gradient->setZero(n, d);
  for (Index l = 0; l < count; ++l) {
    const S* const theta = directions.data() + l * directions.outerStride();
    Few<S> of_z{};
    Few<S> of_y{};
    const bool z_finite = project<S>(z, centre, theta, of_z);
    const bool y_finite = project<S>(y, centre, theta, of_y);
    if (!z_finite || !y_finite) {  // NaN has no place in an order
      per_direction[l] = std::numeric_limits<double>::quiet_NaN();
      if (gradient != nullptr) gradient->setConstant(std::numeric_limits<S>::quiet_NaN());
      continue;
    }
    std::array<std::size_t, kFewPoints> order{};  // rows of Z by projection
    for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k) {
      std::size_t i = k;
      for (; i > 0 && of_z[k] < of_z[order[i - 1]]; --i) order[i] = order[i - 1];
      order[i] = k;
      for (i = k; i > 0 && of_y[i] < of_y[i - 1]; --i) std::swap(of_y[i], of_y[i - 1]);
    }
    double sum = 0.0;
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(n); ++rank) {
      const S gap = of_z[order[rank]] - of_y[rank];
      sum += static_cast<double>(gap_power(gap, p));
      if (gradient == nullptr) continue;
      const auto weight = static_cast<S>(scale * static_cast<double>(gap_power_derivative(gap, p)));
      for (Index j = 0; j < d; ++j) (*gradient)(static_cast<Index>(order[rank]), j) += weight * theta[j];
    }
    per_direction[l] = sum / static_cast<double>(n);
  }
}

template void evaluate_few_points<float>(PointsView<float>, PointsView<float>, PointsView<float>, double, Vector<double>&, Points<float>*);
template void evaluate_few_points<double>(PointsView<double>, PointsView<double>, PointsView<double>, double, Vector<double>&, Points<double>*);

}  // namespace slicecheck::cpu
