#pragma once
/// The order of work in an evaluation of the cpu loss.

#include "slicecheck/core/types.h"
#include "slicecheck/loss/cpu/workspace.h"

namespace slicecheck::cpu {

/// Up to this many points directions are sorted side by side, one a vector lane; beyond, one after another. Measured: docs/performance.md.
constexpr Index kSortByColumns = 4096;

/// Up to this many directions they are sorted one after another whatever n is: most lanes would be idle. Measured likewise.
constexpr Index kFewDirections = 4;

/// How the work is laid out; `automatic` is the choice by the two bounds above. The others are for tests and benchmarks.
enum class Layout { automatic, columns, rows };

/// @param per_direction w_θ for each direction; NaN where a projection overflows.
/// @param gradient n×d, of the mean over the directions; null where it is not wanted. Rows of NaN where a projection overflows.
/// Arguments are those of SampleLoss, checked before.
template <class S>
void evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions, double p, Workspace<S>& space, Vector<double>& per_direction, Points<S>* gradient,
              Layout layout = Layout::automatic);

}  // namespace slicecheck::cpu
