#pragma once
/// The constants and bounds of the theorems on regularised transport (claims R5–R12, R15, R16), in one class that defects derive from.

#include "slicecheck/loss/regularised/sinkhorn_loss.h"
#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// What is known of θ ↦ C(θ) on a convex set.
struct CostConstants {
  double L0 = 0.0;      ///< sup over θ, i, j of ‖∇C_ij‖, or its sharper form with u ⊕ v taken off (R5)
  double rms_L0 = 0.0;  ///< L̃0 = sup over θ of √λ_max(Σ ab ∇C ∇Cᵀ) ≤ L0
  double L1 = 0.0;      ///< Lipschitz constant of every ∇C_ij
};

/// An interval that contains a value.
struct TransportInterval {
  double low = 0.0;
  double high = 0.0;
};

/// Every function is a formula of theory/regularised_transport.md.
class TransportBounds {
 public:
  virtual ~TransportBounds() = default;

  /// L with ‖∇h(θ) − ∇h(θ')‖ ≤ L‖θ − θ'‖: L1 + L0²/λ (KL, R5), L1 + L̃0²/λ (quadratic, R6).
  [[nodiscard]] virtual double smoothness(const CostConstants& constants, double lambda, Regulariser regulariser) const;
  /// K with ‖Δπ*‖ ≤ K‖Δθ‖, in ℓ₁ (KL: L0/λ) or in χ² (quadratic: L̃0/λ).
  [[nodiscard]] virtual double plan_stability(const CostConstants& constants, double lambda, Regulariser regulariser) const;
  /// δ with ‖G − ∇h‖ ≤ δ for potentials within `gap` of the optimum (R7). KL: L0 τ(gap/λ), or L0 √(2 gap/λ) if the plan has mass 1; quadratic: L̃0 √(2 gap/λ).
  [[nodiscard]] virtual double gradient_error(double gap, const CostConstants& constants, double lambda, Regulariser regulariser, bool unit_mass) const;
  /// The largest step for which `stationarity` holds with L1 alone: 1/L1 (R9). Infinite for L1 = 0.
  [[nodiscard]] virtual double largest_step(const CostConstants& constants) const;
  /// 2Δ/(αT) + δ² + Lασ²: a bound on the mean over t < T of E‖∇h(θ_t)‖² for a constant step α ≤ 1/L (R8; L = L1 by R9). `delta_squared`: E of δ_t², averaged
  /// over t (R10).
  [[nodiscard]] virtual double stationarity(double excess, double alpha, double steps, double delta_squared, double L, double sigma_squared) const;
  /// Var g = [V_xy + (S − 1)(V_x + V_y)]/S² (R11).
  [[nodiscard]] virtual double batch_variance(double v_xy, double v_x, double v_y, double batch) const;
  /// Error of the Sinkhorn loss's gradient if every term errs by δ: 3δ (R12).
  [[nodiscard]] virtual double loss_gradient_error(double delta) const;
  /// Its noise if every term has σ²: 5σ² for batches of their own, 9σ² if the terms share one (R12).
  [[nodiscard]] virtual double loss_noise(double sigma_squared, bool shared_batch) const;
  /// 2L + L_self (R12).
  [[nodiscard]] virtual double loss_smoothness(double between, double within) const;
  /// d given d_c: KL [d_c, d_c + λ min(H(a), H(b))], quadratic [d_c + λ/2, d_c + (λ/2) min(n, m)] (R15).
  [[nodiscard]] virtual TransportInterval small_lambda(const TransportProblem& problem, double exact) const;
  /// d for large λ: KL [E C − osc(C⊥)²/(8λ), E C]; quadratic, for λ ≥ max C⊥: the single number E C + λ/2 − Σ ab C⊥²/(2λ), and [E C + λ/2 − Σ ab C⊥²/(2λ), E C
  /// + λ/2] otherwise (R16).
  [[nodiscard]] virtual TransportInterval large_lambda(const TransportProblem& problem) const;
  /// lim L_λ for λ → ∞: 2 E c(X, Y) − E c(X, X') − E c(Y, Y'), which is MMD² for costs of negative type (R16).
  [[nodiscard]] virtual double loss_at_infinity(const SinkhornProblem& problem) const;
  /// [2Δ + Σ α_t δ_t² + L Σ α_t² σ_t²]/Σ α_t: a bound on Σ α_t E‖∇h(θ_t)‖² / Σ α_t for steps α_t ≤ 1/L of any sizes, both averages weighted by the steps
  /// (R10). The three vectors have one entry a step.
  [[nodiscard]] virtual double weighted_stationarity(double excess, VectorView<double> alpha, VectorView<double> delta_squared, double L,
                                                     VectorView<double> sigma_squared) const;
};

/// τ(κ), the inverse of t − ln(1 + t) on t ≥ 0: −1 − W₋₁(−e^{−1−κ}) (R7).
/// @throws InputError unless κ ≥ 0.
double mass_error(double kappa);

/// C centred twice under a and b: C⊥ = C − E_b C − E_a C + E C.
Points<double> centred_cost(const TransportProblem& problem);

}  // namespace slicecheck
