#pragma once
/// The cases of the claims on the Sinkhorn loss: clouds that move along a line, laws with a closed form, and what a subject's solutions may be wrong by.

#include <string>
#include <vector>

#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/transport_subject.h"
#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// Bounds on the derivatives along t of every entry of a matrix C(t).
struct SlopeBounds {
  double L0 = 0.0;
  double L1 = 0.0;

  /// Of the derivative of d along t, with either regulariser: L1 + L0²/λ (R5, and R6 as L̃0 ≤ L0).
  [[nodiscard]] double smoothness(double lambda) const { return L1 + L0 * L0 / lambda; }
};

/// z(t) = z + tv against y.
struct MovingClouds {
  GroundCost cost = GroundCost::squared;
  Regulariser regulariser = Regulariser::kl;
  double lambda = 1.0;
  Vector<double> a;
  Vector<double> b;
  Points<double> z;
  Points<double> y;
  Points<double> v;

  /// The three matrices at z + tv, computed in long double and rounded once.
  [[nodiscard]] SinkhornProblem at(Real t) const;
  /// For |t| ≤ reach: c(z_i(t), y_j).
  [[nodiscard]] SlopeBounds between(double reach) const;
  /// For |t| ≤ reach: c(z_k(t), z_l(t)), both slots moving.
  [[nodiscard]] SlopeBounds within(double reach) const;
  [[nodiscard]] std::vector<NamedValues> values() const;
};

/// n, m ≤ size + 1 points in R^1, …, R^3; v of a free cloud, of a translation or of an affine generator, the longest row of norm 1. No point is 0 for the
/// cosine; for L1 no two coordinates are nearer than 1/8. λ within 16 times the largest cost, either way.
MovingClouds draw_moving_clouds(PointDraws& draws, GroundCost cost, int size);

/// Bound on |C of `at` − C| by rounding, as d of every term moves by no more.
double matrix_rounding(PointsView<double> cost);

/// 2d_xy − d_xx − d_yy and the same of d̄, each with what is not known of it.
struct TextbookLoss {
  TextbookSolution xy;
  TextbookSolution xx;
  TextbookSolution yy;
  Real value = 0.0L;
  Real error = 0.0L;
  Real sharp = 0.0L;
  Real sharp_error = 0.0L;
};

/// Gaps to 10⁻¹⁶ of the sizes.
TextbookLoss textbook_loss(const SinkhornProblem& problem);

/// Distances of a subject's potentials from the optimum in dual value, and the rounding of the values they give.
struct LossAccuracy {
  double xy = 0.0;  ///< gaps, in long double
  double xx = 0.0;
  double yy = 0.0;
  double rounding = 0.0;  ///< of 2D_xy − D_xx − D_yy in double
  double plans = 0.0;     ///< of Σ π s for slopes |s| ≤ 1, every term

  /// |Σ D − L_λ| ≤ 2 xy + xx + yy + rounding.
  [[nodiscard]] double value() const { return 2.0 * xy + xx + yy + rounding; }
  /// A bound on the error of L_λ's gradient along v by plans of these potentials (R7), slopes as given.
  [[nodiscard]] double gradient(const SlopeBounds& between, const SlopeBounds& within, double lambda, Regulariser regulariser) const;
  /// A bound on the error of 2⟨π, C⟩_xy − ⟨π, C⟩_xx − ⟨π, C⟩_yy for feasible plans within the gaps.
  [[nodiscard]] double sharp_value(const SinkhornProblem& problem) const;
};

/// @throws Error unless the potentials have the sizes of the problem.
LossAccuracy accuracy_of(const SinkhornProblem& problem, const SinkhornLoss& loss);

/// A tolerance that a solver in double reaches for such costs: 10⁻¹³ of their size and λ.
SolverSettings fine_settings(const SinkhornProblem& problem);

/// Slopes are bounded, and no kink of L1 met, for |t| up to that.
inline constexpr double kSlopeReach = 1e-3;

/// A number with a bound on its error.
struct Slope {
  double value = 0.0;
  double error = 0.0;
};

/// ⟨∇_z L_λ, v⟩ at z as the subject has it. @throws Error for a gradient of another shape.
Slope slope_of(const TransportSubject& subject, const MovingClouds& c);

/// x = ±1 uniform, y = ±1 with weights (w, 1 − w), squared cost, KL, z = θx, v = x.
MovingClouds line_clouds(double weight, double lambda, double theta);

/// K_{p,q} with the path metric in units of `edge`, the two sides being the laws: C_xy = edge, C_xx = C_yy = 2·edge off the diagonal; uniform.
SinkhornProblem bipartite_problem(Index p, Index q, double edge, double lambda, Regulariser regulariser);
/// L_λ with d on it, KL: with s = edge/λ, λ [ln((1 + (p − 1)e^{−2s})/p) + ln((1 + (q − 1)e^{−2s})/q)] + 2·edge.
Real bipartite_loss(Index p, Index q, double edge, double lambda);
/// Its limit for λ → ∞: edge·(2 − 2(p − 1)/p − 2(q − 1)/q).
Real bipartite_limit(Index p, Index q, double edge);

/// x = (0, 5) uniform, y = (6, 4, 0) with weights (3, 5, 5)/13, squared cost, quadratic regulariser, λ = 16: d̄'s loss is negative.
SinkhornProblem quadratic_below_zero();

/// λ, C and the weights for the reader.
std::vector<NamedValues> shown(const SinkhornProblem& problem);

}  // namespace slicecheck
