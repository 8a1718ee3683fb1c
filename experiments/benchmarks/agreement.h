#pragma once
/// Whether a candidate computes the loss and its gradient: what is asked before anything is timed.

#include <string>
#include <vector>

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck::benchmarks {

/// Two clouds of n points in R^d and L directions, in single precision.
struct Clouds {
  Points<float> z;
  Points<float> y;
  Points<float> directions;
  bool exact;  ///< no projection onto a direction is rounded, in whatever order its products are summed

  [[nodiscard]] Index n() const { return z.rows(); }
  [[nodiscard]] Index d() const { return z.cols(); }
  [[nodiscard]] Index count() const { return directions.rows(); }
};

/// Standard normals, the second cloud moved by 1/4 and a little wider; directions uniform on the sphere.
Clouds random_clouds(Index n, Index d, Index count);

/// The same, rounded to so few bits that every projection, every partial sum of one and every gap is a number of single precision. The second cloud is
/// symmetric (n even), so that its mean is 0 and centring on it rounds nothing. Ties abound, but a tie is one in every implementation.
/// `directions` are then unit vectors to a few bits only, which no formula of the loss minds.
/// @throws InputError for an odd n.
Clouds exact_clouds(Index n, Index d, Index count);

/// Value and gradient by the definition, in double, and how far a candidate of unit roundoff u may be from them.
///
/// NEAR-TIES. A projection errs by at most E (tolerance::gap; 0 for exact clouds), so that a point can only take a rank whose projection is within 2E of its
/// own. It is then matched to a target between those of the lowest and of the highest such rank: an interval that is looked up, not estimated. So
///
///     |G_kj − gradient_kj| ≤ (2/(nL)) Σ_l |θ_lj| (s + E + γ_{L+16}(|Δ| + s + E)),    s the half-width of that interval for point k and direction l,
///
/// for every implementation that sorts what it has projected, breaks ties as it likes, and sums over directions in any order. On random clouds of many
/// dimensions s is large in single precision; on exact clouds s is not 0 at exact ties alone.
struct Expected {
  double value;
  Points<double> gradient;
  double value_tolerance;  ///< tolerance::value, and γ_n for a sum over the points in the candidate's own precision
  Points<double> gradient_tolerance;
};

/// `weight_error`: relative error of the weights 1/n, for a candidate that computes them by differences of rounded sums.
Expected expected_loss(const Clouds& clouds, double unit_roundoff, double weight_error = 0.0);

/// Largest observed / allowed of the value and of the entries of the gradient: at most 1 where the candidate is right. NaN counts as infinity.
struct Agreement {
  double value = 0.0;
  double gradient = 0.0;

  [[nodiscard]] bool holds() const { return value <= 1.0 && gradient <= 1.0; }
};

/// `gradient` may be empty (0×0) for a candidate without one.
Agreement agreement(const Expected& expected, double value, const Points<double>& gradient);

/// Losses with one mistake each, to see that it is noticed: "unsorted-target", "scaled-gradient" (by 1 + 1/1000), "exchanged-rows" (of the gradient),
/// "scaled-value" (by 1 + 1/1000), "nan-gradient".
std::vector<std::string> defect_names();

/// @throws InputError for an unknown name.
LossGradient<double> evaluate_with_defect(const std::string& name, const Clouds& clouds);

}  // namespace slicecheck::benchmarks
