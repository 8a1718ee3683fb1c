#pragma once
/// Unregularised transport by the textbook, in long double, for a few atoms: what R15 compares the limit λ → 0 with.

#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// An optimal plan with its dual certificate.
struct UnregularisedTransport {
  RealTable plan;  ///< marginals a and b to the rounding of the weights
  RealVector phi;  ///< φ_i − ψ_j ≤ C_ij for all i, j
  RealVector psi;
  Real low = 0.0L;   ///< Σ aφ − Σ bψ ≤ d_c
  Real high = 0.0L;  ///< ⟨π, C⟩ ≥ d_c
};

/// Successive shortest paths: each fills up a weight or empties an entry of the plan. The potentials are distances in the residual graph.
UnregularisedTransport unregularised_transport(const TransportProblem& problem);

}  // namespace slicecheck
