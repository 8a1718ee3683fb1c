#pragma once
/// What rounding in double and a certified gap leave open in an implementation of regularised transport: the tolerances of the claims R, derived.
///
/// u is the unit roundoff of double, γ_k = ku/(1 − ku), S = max|φ| + max|ψ| + max|C|. The exponent V/λ, and V₊/λ, err by at most γ_6 S/λ, however they are
/// summed.

#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_subject.h"
#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// An interval in long double.
struct RealInterval {
  Real low = 0.0L;
  Real high = 0.0L;
};

/// S.
Real potential_size(const TransportProblem& problem, const DualPotentials& potentials);

/// Of every entry of m, n×m.
RealTable density_rounding(const TransportProblem& problem, const DualPotentials& potentials);

/// Of D. For KL with λ Σ ab expm1(V/λ): no term in λ alone.
Real dual_rounding(const TransportProblem& problem, const DualPotentials& potentials);

/// Of the gap by R2's formula, where near π' = π nothing cancels.
Real gap_rounding(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan);

/// Of I(π).
Real regularisation_rounding(const TransportProblem& problem, PointsView<double> plan);

/// Of D and of the gap of the feasible plan together; covers weights whose sums are 1 only to rounding.
Real certificate_rounding(const TransportProblem& problem, const DualPotentials& potentials);

/// The same with ⟨π', C⟩ and λ I(π') of that plan.
Real solution_rounding(const TransportProblem& problem, const DualPotentials& potentials);

/// D in the convention of the library, for KL Eφ − Eψ − λ Σ ab (e^{V/λ} − 1): the textbook's less λ Σa (1 − Σb), which rounded weights leave.
Real exact_dual(const TransportProblem& problem, const DualPotentials& potentials);

/// The subject's solution. @throws Error for potentials of a wrong size, or anything that is not finite.
TransportSolution solved(const TransportSubject& subject, const TransportProblem& problem, const SolverSettings& settings);

/// gap and rounding: at most so much is D below d, and P(π') above.
Real suboptimality(const TransportProblem& problem, const TransportSolution& solution);

/// d by the textbook, from below and above; in the convention of `exact_dual`, in which rounded weights move d by no multiple of uλ for KL.
RealInterval textbook_value(const TransportProblem& problem, const TextbookSolution& solution);

/// `textbook_solution` to what rounded weights allow.
TextbookSolution textbook_optimum(const TransportProblem& problem, int most_sweeps = 1000);

/// `cost_distance`, and the rounding of ⟨π', C⟩.
Real transport_distance(const TransportProblem& problem, Real suboptimal);

/// max C − min C, or 1 where that is 0.
double cost_unit(const TransportProblem& problem);

/// Any potentials: of the size of λ or of the costs, the mass of their plan anything from 0 to e^8.
DualPotentials draw_potentials(PointDraws& draws, const TransportProblem& problem);

/// a, b, C, λ, φ, ψ for the reader.
std::vector<NamedValues> problem_values(const TransportProblem& problem);
/// The same with the potentials.
std::vector<NamedValues> problem_values(const TransportProblem& problem, const DualPotentials& potentials);

}  // namespace slicecheck
