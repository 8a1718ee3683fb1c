#pragma once
/// The loss for a handful of points: plain loops, where everything else would cost more than the work.

#include "slicecheck/core/types.h"

namespace slicecheck::cpu {

constexpr Index kFewPoints = 8;

/// As `evaluate` (evaluation.h), for n ≤ kFewPoints. Insertion sorts; at a tie the points keep the order of their rows.
template <class S>
void evaluate_few_points(PointsView<S> z, PointsView<S> y, PointsView<S> directions, double p, Vector<double>& per_direction, Points<S>* gradient);

}  // namespace slicecheck::cpu
