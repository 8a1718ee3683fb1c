#pragma once
/// Rounding bounds that several claims about losses share. Derivations: core/tolerances.h.

#include "slicecheck/claims/loss_case.h"
#include "slicecheck/claims/loss_subject.h"

namespace slicecheck {

/// max_k ‖z_k‖.
inline double largest_norm(const Points<double>& cloud) { return cloud.rowwise().norm().maxCoeff(); }

/// One evaluation of a subject, and how far its gaps may be from those of the exact clouds.
struct Evaluation {
  LossGradient<double> loss;
  double gap_error;    ///< bound on the error of every gap: rounding, and `moved`
  double size;         ///< max‖z‖ + max‖y‖
  double value_error;  ///< bound on |value − exact value|
};

/// Evaluates a subject on clouds that differ from the exact ones by at most `moved` in every gap (because they, or the directions, had to be rounded).
Evaluation evaluate(const LossSubject& subject, const Points<double>& z, const Points<double>& y, const Points<double>& theta, double p, double moved = 0.0);

/// Bound on the error of Σ_k ‖g_k‖ over one evaluation's gradient that is matched by ranks, for p > 1: the error of p|Δ|^{p−1} at every gap, and the rounding
/// of the sums.
double gradient_error(const LossSubject& subject, const LossCase& c, const Evaluation& evaluation);

/// Points and directions reflected at the hyperplane orthogonal to v: x ↦ x − 2v(v·x)/(v·v); unchanged for v = 0. Computed in double, then rounded to the
/// subject's scalar.
struct Reflected {
  Points<double> points;
  double error;  ///< bound on the distance of any row from its exact reflection, per unit of norm
};
/// The reflection at v of every row.
Reflected reflected(const LossSubject& subject, const Points<double>& points, const Eigen::RowVectorXd& v);

}  // namespace slicecheck
