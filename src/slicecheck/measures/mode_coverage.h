#pragma once
/// How well a sample covers the centres of a mixture (theory/generative.md, claim G5).

#include <vector>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// What counts as close to a centre, and how much is enough.
struct ModeCoverageSettings {
  double radius = 0.03;             ///< a point counts for its nearest centre if it is at most this far from it
  double least_share = 1.0 / 18.0;  ///< of all points: a centre with at least this share is covered (a third of its own share, for six equal ones)
};

/// What was counted.
struct ModeCoverage {
  Index modes = 0;             ///< centres covered
  double high_quality = 0.0;   ///< share of all points within the radius of their nearest centre
  std::vector<double> shares;  ///< share of all points that count for each centre
};

/// Each point of the n×d sample counts for its nearest centre alone (the first of equally near ones), and only within the radius. `modes` never stands alone:
/// a cloud that is spread out between the centres is told by `high_quality`, and by an exact W_2 beside it.
/// @throws InputError unless there are points and centres of one dimension, all finite, and the settings are positive and finite.
ModeCoverage mode_coverage(PointsView<double> points, PointsView<double> centres, const ModeCoverageSettings& settings = {});

}  // namespace slicecheck
