#pragma once
/// What the claims R4–R7 compare with: optima by the textbook with bounds on what they leave open, and bounds on the rounding of gradients.

#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_subject.h"
#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// d and π* of a problem, each with a bound on its error.
struct ReferenceOptimum {
  TextbookSolution at;
  Real open = 0.0L;         ///< at.value − open ≤ d ≤ at.value + open: the certified gap and the rounding of long double
  double plan_error = 0.0;  ///< ‖at.plan − π*‖₁, and for the quadratic regulariser in χ² too: √(2 · 2 open/λ) by strong convexity (R2)
};

/// The optimum by the textbook, with what is certified of it.
ReferenceOptimum reference_optimum(const TransportProblem& problem);

/// max|φ| + max|ψ| + max|C| + λ: what the rounding of V is relative to.
double problem_scale(const TransportProblem& problem, const TextbookPotentials& potentials);

/// Lemma 2.1's potentials in the library's convention, rounded to double.
DualPotentials rounded_potentials(const TransportProblem& problem, const TextbookPotentials& potentials);

/// An upper bound on the ε of potentials, d − D(φ, ψ).
double shortfall(const TransportProblem& problem, const DualPotentials& potentials, const ReferenceOptimum& optimum);

/// The same without an optimum to compare with: P(π') − D(φ, ψ) for the feasible plan made of them.
double certified_shortfall(const TransportProblem& problem, const DualPotentials& potentials);

/// A bound on Σ |computed − exact| over the entries of a plan formed in double from given potentials: V/λ errs by 4u scale/λ (twice: a subject may absorb the λ
/// of the other convention), the rest is a few roundings.
double plan_rounding(const TransportProblem& problem, const DualPotentials& potentials, double mass);

/// C = u ⊕ v + residual, the residual without marginals under the weights S (any u, v of least norm), in long double.
struct MarginalFit {
  RealVector uv;       ///< u, then v
  RealTable residual;  ///< C − u ⊕ v
};
/// The weighted least-squares fit of a table by u ⊕ v; a pseudo-inverse where the weights leave it open.
MarginalFit marginal_fit(const RealTable& weights, const RealTable& table);

/// W of d̄ by implicit differentiation of d̄ = ⟨π, C⟩ in long double, for the plan of the given potentials.
struct SharpWeights {
  RealTable weights;
  RealTable stiffness;  ///< π (KL), ab·1[V > 0] (quadratic)
  MarginalFit fit;      ///< of C
};
/// Of the plan of these potentials (R4).
SharpWeights sharp_weights(const TransportProblem& problem, const TextbookPotentials& potentials);

/// A bound on |Σ (W computed − W exact) M| for weights of d̄ at potentials whose plan is within `plan_error` of the one that is meant, both regularisers.
///
/// With e = plan error + rounding: Σ (π' − π) M ≤ e max|M|. The bilinear form B(S) = Σ S R_C R_M is ⟨C, M⟩ off u ⊕ v; it moves by at most 2 Σ|S' − S| max|R_C|
/// max|R_M|. A backward stable solver of the normal equations leaves ρ ≤ γ_{16(n+m)²}(‖N‖‖uv‖ + ‖S∘C‖) in the marginals, and ρ ‖uv_M‖ in B.
double sharp_error(const TransportProblem& problem, const SharpWeights& exact, const RealTable& direction, double plan_error, double scale);

/// x, y = ±1, uniform, C = (θx − y)², z = 2θ/λ. KL: π = ¼(1 + xy tanh z), quadratic: ¼(1 + xy s), s = clip(z).
struct TransportLine {
  TransportProblem problem;
  DualPotentials potentials;
  Points<double> slopes;  ///< ∂C/∂θ
  double plain = 0.0;     ///< ∇d
  double sharp = 0.0;     ///< ∇d̄
};
/// x, y = ±1 uniform, G = θx, squared cost: the closed forms of R4.
TransportLine transport_line(double theta, double lambda, Regulariser regulariser);

/// Σ W M.
Real paired(const RealTable& weights, const RealTable& direction);

/// observed / allowed; 0 where nothing was observed, whatever is allowed, unless that is NaN.
double against(double observed, double allowed);

/// Weights that a subject returned, in long double. @throws Error unless they are n×m.
RealTable checked_weights(const Points<double>& weights, const TransportProblem& problem);

}  // namespace slicecheck
