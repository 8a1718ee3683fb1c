#pragma once
/// The order of work in an evaluation of the cpu loss.

#include "slicecheck/core/types.h"
#include "slicecheck/loss/cpu/workspace.h"

namespace slicecheck::cpu {

/// Up to this many points directions are sorted side by side, one a vector lane; beyond, one after another. Measured: docs/performance.md.
template <class S>
constexpr Index kSortByColumns = sizeof(S) == 4 ? 16'384 : 8192;

/// Up to this many directions of n points are sorted one after another: side by side most lanes would be idle. Measured likewise, on lanes of 16.
constexpr Index few_directions(Index n) { return n < 64 ? 0 : n < 256 ? 1 : n < 1024 ? 3 : 4; }

/// How the work is laid out; `automatic` is the choice by these bounds and that of few_points.h. The others are for tests and benchmarks.
enum class Layout { automatic, columns, rows, few_points };

/// @param per_direction w_θ for each direction; NaN where a projection overflows.
/// @param gradient n×d, of the mean over the directions; null where it is not wanted. Rows of NaN where a projection overflows.
/// Arguments are those of SampleLoss, checked before.
template <class S>
void evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions, double p, Workspace<S>& space, Vector<double>& per_direction, Points<S>* gradient,
              Layout layout = Layout::automatic);

}  // namespace slicecheck::cpu
