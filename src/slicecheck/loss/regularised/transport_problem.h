#pragma once
/// Regularised optimal transport between two finite laws: the problem, its potentials and its solution (claims R1, R2).
///
///   d = min over plans π with marginals a and b of ⟨π, C⟩ + λ I(π),
///   I(π) = Σ π ln(π/ab) (KL) or ½ Σ π²/(ab) (quadratic), ab standing for a_i b_j.

#include <string>
#include <string_view>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// What is added to ⟨π, C⟩.
enum class Regulariser { kl, quadratic };

/// kl or quadratic.
std::string_view regulariser_name(Regulariser regulariser);
/// @throws InputError for an unknown name; the sentence lists the known ones.
Regulariser regulariser_by_name(const std::string& name);

/// Atoms i with weights a_i (the generated law), atoms j with weights b_j (the target), C_ij between them.
struct TransportProblem {
  Vector<double> a;     ///< n weights > 0 with sum 1
  Vector<double> b;     ///< m weights > 0 with sum 1
  Points<double> cost;  ///< n×m, of any sign
  double lambda = 1.0;  ///< > 0
  Regulariser regulariser = Regulariser::kl;

  [[nodiscard]] Index n() const { return a.size(); }
  [[nodiscard]] Index m() const { return b.size(); }
  /// @throws InputError unless n, m ≥ 1, C is n×m, finite and at most 1e150 in size (squares of V must not overflow), λ is positive and finite, and the weights
  /// are positive with a sum that differs from 1 by no more than what rounding (n + m)·2⁻⁵² explains.
  void validate() const;
};

/// Potentials of the dual. For KL `phi` is φ − λ of Lemma 2.1 (the potentials of the regulariser I − Σπ + 1, which has the same minimiser): with φ itself the
/// exponent V/λ − 1 would lose λu. For the quadratic regulariser it is φ itself, which carries λ: Σ b (φ − ψ − C)₊ = λ. Its rounding is of the size of λ as
/// well, 2(n + m + 16)λ·2⁻⁵³ by `certificate_floor`, and a gap of 1e-10 cannot be certified for λ above about 4e5/(n + m + 16), in the units of C. V = φ ⊖ ψ −
/// C below is formed with this `phi`:
///   KL         m = e^{V/λ},  D = Eφ − Eψ − λ Σ ab (e^{V/λ} − 1);
///   quadratic  m = V₊/λ,     D = Eφ − Eψ − Σ ab V₊²/(2λ).
struct DualPotentials {
  Vector<double> phi;  ///< n
  Vector<double> psi;  ///< m
};

/// The φ of Lemma 2.1, in which D = Eφ − Eψ − (λ/e) Σ ab e^{(φ ⊖ ψ − C)/λ} for KL: phi + λ. For the quadratic regulariser: phi.
Vector<double> textbook_phi(const TransportProblem& problem, const DualPotentials& potentials);

/// How a solver stopped.
enum class SolverOutcome {
  certified,    ///< gap + floor ≤ tolerance: dual_value is within the tolerance of d, rounding included
  inconclusive  ///< rounding (`floor`), the number of sweeps or numbers that overflow forbade it
};

/// Potentials with a certificate: dual_value − floor ≤ d ≤ dual_value + gap + floor.
struct TransportSolution {
  DualPotentials potentials;
  double dual_value = 0.0;      ///< D(φ, ψ) ≤ d, as rounded
  double gap = 0.0;             ///< P(π') − D(φ, ψ) for the feasible plan π' made of them, by the formula of R2; 0 where rounding makes it negative
  double floor = 0.0;           ///< what rounding leaves open in dual_value and gap
  double transport = 0.0;       ///< ⟨π', C⟩, which is d̄ to within the gap's effect
  double regularisation = 0.0;  ///< I(π')
  Index sweeps = 0;             ///< half-sweeps and Newton steps
  SolverOutcome outcome = SolverOutcome::inconclusive;

  /// P(π') ≥ d, to within `floor`.
  [[nodiscard]] double primal_value() const { return dual_value + gap; }
};

/// When to stop.
struct SolverSettings {
  double tolerance = 1e-10;     ///< on gap + floor; in the units of C
  Index most_sweeps = 100'000;  ///< at least 1
};

}  // namespace slicecheck
