#include "slicecheck/loss/plane_sweep.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/plane_events.h"
#include "slicecheck/loss/plane_sweeper.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

using plane::PlaneSweep;

namespace {

constexpr double kLargest = 0x1p500;

struct Magnitudes {
  double least = std::numeric_limits<double>::infinity();  ///< of those that are not 0
  double largest = 0.0;
};

void check_cloud(PointsView<double> cloud, const char* name, Magnitudes& magnitudes) {
  if (cloud.cols() != 2) reject("exact SW in the plane: {} is {} × {}; it must be n × 2", name, cloud.rows(), cloud.cols());
  for (Index k = 0; k < cloud.rows(); ++k) {
    for (Index j = 0; j < 2; ++j) {
      const double magnitude = std::abs(cloud(k, j));
      if (std::isfinite(magnitude) && magnitude > kLargest)
        reject("exact SW in the plane: {} has {} in row {}, column {}; the largest magnitude whose square is a double is 2^500", name, cloud(k, j), k + 1,
               j + 1);
      if (magnitude > 0.0) magnitudes.least = std::min(magnitudes.least, magnitude);
      magnitudes.largest = std::max(magnitudes.largest, magnitude);
    }
  }
}

/// The numbers of the clouds themselves, from those of 2^raised times the clouds.
PlaneSliced lowered(PlaneSliced out, int raised) {
  // Where a result is below the normal doubles, ldexp rounds once more.
  constexpr double underflow = std::numeric_limits<double>::denorm_min();
  const double points = static_cast<double>(out.gradient.rows());
  out.value = std::ldexp(out.value, -2 * raised);
  out.max_value = std::ldexp(out.max_value, -2 * raised);
  for (double& entry : out.gradient.reshaped()) entry = std::ldexp(entry, -raised);
  out.value_error = std::ldexp(out.value_error, -2 * raised) + underflow;
  if (points > 0.0) out.gradient_error = std::ldexp(out.gradient_error, -raised) + 2.0 * points * underflow;
  if (out.max_error > 0.0) out.max_error = std::ldexp(out.max_error, -2 * raised) + 2.0 * underflow;
  return out;
}

}  // namespace

PlaneSliced exact_plane_sw(PointsView<double> z, PointsView<double> y, const PlaneSweepOptions& options) {
  Magnitudes magnitudes;
  check_cloud(z, "Z", magnitudes);
  check_cloud(y, "Y", magnitudes);
  check_loss_arguments<double>(z, y, Points<double>::Identity(1, 2));
  if (z.rows() >= Index{1} << 31) reject("exact SW in the plane: {} points are too many; at most 2^31 − 1", z.rows());
  // Differences of numbers above 2^−400 are 0 or above 2^−453, and nothing in their products underflows. Smaller ones are raised, if they can be.
  if (magnitudes.least < 0x1p-400 && magnitudes.largest < 0x1p400) {
    const int raised = 400 - std::ilogb(magnitudes.largest);
    const auto raise = [&](double x) { return std::ldexp(x, raised); };
    const PlaneClouds clouds(z.unaryExpr(raise), y.unaryExpr(raise));
    return lowered(PlaneSweep(clouds, options)(), raised);
  }
  const PlaneClouds clouds(z, y);
  return PlaneSweep(clouds, options)();
}

}  // namespace slicecheck
