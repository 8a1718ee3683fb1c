#pragma once
/// Regularised transport by the textbook, in long double, for small problems: what the claims R compare with. Nothing here calls loss/regularised.

#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// 64 bits of mantissa on x86: 2,048 times finer than double.
using Real = long double;
/// Row-major, as `Points`.
template <class S>
using Table = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// A table in long double.
using RealTable = Table<Real>;
/// A vector in long double.
using RealVector = Eigen::Matrix<Real, Eigen::Dynamic, 1>;

/// The KL divergence, and not the quadratic regulariser.
inline bool is_kl(Regulariser regulariser) { return regulariser == Regulariser::kl; }
/// Of a problem.
inline bool is_kl(const TransportProblem& problem) { return is_kl(problem.regulariser); }

/// Potentials in Lemma 2.1's convention (φ as printed there, with the factor 1/e in f and M for KL).
struct TextbookPotentials {
  RealVector phi;
  RealVector psi;
};

/// Potentials of this library in Lemma 2.1's convention, in long double: for KL φ = phi + λ.
TextbookPotentials textbook_potentials(const TransportProblem& problem, const DualPotentials& potentials);

/// M(V) of Lemma 2.1: e^{V/λ}/e or V₊/λ, n×m.
RealTable textbook_density(const TransportProblem& problem, const TextbookPotentials& potentials);
/// ab·M(V).
RealTable textbook_plan(const TransportProblem& problem, const TextbookPotentials& potentials);
/// Eφ − Eψ − E f(V).
Real textbook_dual(const TransportProblem& problem, const TextbookPotentials& potentials);
/// I(π).
Real textbook_regularisation(const TransportProblem& problem, const RealTable& plan);
/// ⟨π, C⟩ + λ I(π).
Real textbook_primal(const TransportProblem& problem, const RealTable& plan);
/// The plan with the marginals a and b exactly (to rounding in long double) that rounding makes of the potentials' plan.
RealTable textbook_feasible_plan(const TransportProblem& problem, const TextbookPotentials& potentials);
/// P(π') − D(φ, ψ) for that plan, as a difference of the two values.
Real textbook_gap(const TransportProblem& problem, const TextbookPotentials& potentials);

/// d, π*, the potentials, to `gap` ≤ the tolerance asked for where `textbook_solution` gets there; see `gap` for how far it got.
struct TextbookSolution {
  TextbookPotentials potentials;
  RealTable plan;         ///< feasible
  Real value = 0.0L;      ///< D ≤ d ≤ D + gap
  Real transport = 0.0L;  ///< ⟨π, C⟩
  Real regularisation = 0.0L;
  Real gap = 0.0L;
};
/// Alternating exact half-steps from φ = 0 and, every fourth time, up to eight steps of Newton's method while they let the dual grow, for both regularisers;
/// until the gap is at most `tolerance` (in the units of C), rounding keeps the dual from growing, or `most_sweeps` times.
TextbookSolution textbook_solution(const TransportProblem& problem, Real tolerance, int most_sweeps = 20'000);

}  // namespace slicecheck
