#pragma once
/// What claim T4 says of long runs on the two-point line: they enter a neighbourhood of C_r that shrinks with α.

#include <vector>

#include "slicecheck/claims/dynamics_subject.h"
#include "slicecheck/claims/typed_check.h"

namespace slicecheck {

/// NPSGD on the two-point line: batches of n, ball B(0, r), noise a, step size α.
struct LineScheme {
  Index n = 2;
  double radius = 1.0;
  double noise = 1.0;
  double alpha = 0.01;

  /// ρ = min(c_n, r): C_r ⊇ {−ρ, ρ}.
  [[nodiscard]] double nearest_critical() const;

  /// Bound on E(|u_t| − ρ)², hence on E dist(u_t, C_r)², after t steps from u_0 in the ball: (1 − 2α)^{2t}(|u_0| − ρ)² + α(4 Var ξ + a²)/(4(1 − α)),
  /// ξ = 1 − 2m/n. Derivation: neighbourhood.cpp.
  [[nodiscard]] double mean_square_bound(double u0, std::uint64_t steps) const;
};

/// Schemes that project.
std::vector<TypedCheck<SchemeSubject>> neighbourhood_checks();

}  // namespace slicecheck
