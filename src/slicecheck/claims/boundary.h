#pragma once
/// What claim T5 says of critical points on the sphere ‖u‖ = r.

#include <vector>

#include "slicecheck/claims/criticality_subject.h"
#include "slicecheck/claims/typed_check.h"

namespace slicecheck {

/// dist(0, ∂_C F(u) + N_r(u)) on the two-point line with batches of n, |u| ≤ r.
///
/// ∂_C F(u) = {2u − 2c_n sign(u)}, and [−2c_n, 2c_n] at 0. Inside the ball: 2·||u| − c_n|, and 0 at u = 0. At |u| = r the ray takes what points inwards: 0 if
/// r ≤ c_n, 2(r − c_n) otherwise.
double line_distance(Index n, double u, double radius);

/// dist(0, (u − c) + N_r(u)), ‖u‖ ≤ r: for F(u) = ‖u − c‖²/2 + a constant.
///
/// Inside: ‖u − c‖. On the sphere (`on_sphere`; the norm of a u that was put there is r to rounding only) the best multiplier λ̂ = max(0, ⟨c, u⟩/‖u‖² − 1): if
/// ⟨c, u⟩ ≥ ‖u‖² the part of c across u is left, else ‖u − c‖. It is 0 on the sphere at u = rc/‖c‖ alone, for r ≤ ‖c‖, with λ̂ = (‖c‖ − r)/r.
double quadratic_distance(const Eigen::VectorXd& u, const Eigen::VectorXd& c, bool on_sphere);

/// The checks of boundary points (T5), on measures of criticality.
std::vector<TypedCheck<CriticalitySubject>> boundary_checks();

}  // namespace slicecheck
