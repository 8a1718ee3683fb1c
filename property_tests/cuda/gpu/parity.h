#pragma once
/// A loss in float, p = 2, against the reference in double.

#include <functional>
#include <string>

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck::testing {

/// What a loss is evaluated on, exact in float.
struct Clouds {
  Points<float> z;
  Points<float> y;
  Points<float> theta;
};

enum class Kind {
  normal,      ///< standard normals
  duplicates,  ///< the same, every point about three times
  lattice,     ///< coordinates −1, −3/4, …, 1, and the frame among the directions: ties that arithmetic in float keeps
  offset,      ///< normals around 1000 in every coordinate
};
std::string name_of(Kind kind);

/// n points in R^d, `count` directions; a pure function of its arguments.
Clouds clouds_of(Kind kind, Index n, Index d, Index count);

/// Largest observed / allowed of each comparison: at most 1 where a loss agrees with the reference up to the rounding of float. NaN becomes infinity.
struct Parity {
  double values = 0.0;   ///< per direction, and their mean
  double members = 0.0;  ///< gradients of single directions: δ-membership in the Clarke set, as claim N1 judges it
  double sums = 0.0;     ///< the gradient over all directions against the mean of those
  [[nodiscard]] double worst() const;
};

using Evaluate = std::function<LossGradient<float>(const Points<float>& z, const Points<float>& y, const Points<float>& theta)>;

/// Evaluates on all directions, and on each direction by itself.
///
/// Both clouds are moved by the first target before they are compared, exactly, so that `size` in core/tolerances.h is their spread. A single direction's
/// gradient is judged by claims/tie_membership.h: where projections differ by more than twice their error, every point has the target of its own rank; closer
/// ones may hold each other's. (On more than 1000 points eight directions are judged: it takes n² steps.) Sums over directions take γ_k, where each term
/// passes through at most k additions.
Parity parity_of(const Clouds& clouds, const Evaluate& evaluate, Index additions);

}  // namespace slicecheck::testing
