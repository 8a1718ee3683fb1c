#include "slicecheck/measures/mode_coverage.h"

#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

void check(PointsView<double> points, PointsView<double> centres, const ModeCoverageSettings& settings) {
  if (points.rows() == 0) reject("mode coverage: there are no points");
  if (centres.rows() == 0) reject("mode coverage: there are no centres");
  if (points.cols() != centres.cols() || points.cols() == 0)
    reject("mode coverage: the points have dimension {} and the centres {}; it must be the same, and at least 1", points.cols(), centres.cols());
  if (!points.allFinite()) reject("mode coverage: a point has an entry that is not finite");
  if (!centres.allFinite()) reject("mode coverage: a centre has an entry that is not finite");
  const auto positive = [](double value, const char* name) {
    if (!(std::isfinite(value) && value > 0.0)) reject("mode coverage: the {} is {}; it must be finite and positive", name, value);
  };
  positive(settings.radius, "radius");
  positive(settings.least_share, "least share");
}

}  // namespace

ModeCoverage mode_coverage(PointsView<double> points, PointsView<double> centres, const ModeCoverageSettings& settings) {
  check(points, centres, settings);
  std::vector<Index> counts(static_cast<std::size_t>(centres.rows()), 0);
  Index close = 0;
  for (Index k = 0; k < points.rows(); ++k) {
    Index nearest = 0;
    const double distance = (centres.rowwise() - points.row(k)).rowwise().norm().minCoeff(&nearest);
    if (!(distance <= settings.radius)) continue;
    ++counts[static_cast<std::size_t>(nearest)];
    ++close;
  }
  ModeCoverage out;
  const auto total = static_cast<double>(points.rows());
  out.high_quality = static_cast<double>(close) / total;
  for (const Index count : counts) {
    out.shares.push_back(static_cast<double>(count) / total);
    if (out.shares.back() >= settings.least_share) ++out.modes;
  }
  return out;
}

}  // namespace slicecheck
