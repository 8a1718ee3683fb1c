#pragma once
/// Unregularised transport d_c, exactly: what R15 compares the limit λ → 0 with.

#include "slicecheck/core/types.h"

namespace slicecheck {

/// An optimal plan with its dual certificate.
struct ExactTransport {
  double value = 0.0;   ///< d_c = ⟨π, C⟩
  Points<double> plan;  ///< n×m, a vertex: at most n + m − 1 entries are not 0
  Vector<double> phi;   ///< Σ aφ − Σ bψ = d_c and φ_i − ψ_j ≤ C_ij, both to rounding
  Vector<double> psi;
};

/// min ⟨π, C⟩ over plans with marginals a and b, by successive shortest paths with dual potentials; cycles that ties leave in the support are taken out at the
/// end. Every path fills a sink, empties a source or an entry of the plan: it ends whatever is degenerate.
/// @throws InputError unless C is n×m and finite, and the weights positive with sum 1 to rounding.
ExactTransport exact_transport(VectorView<double> a, VectorView<double> b, PointsView<double> cost);

}  // namespace slicecheck
