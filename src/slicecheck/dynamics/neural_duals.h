#pragma once
/// Dual potentials of regularised transport as networks, trained on minibatches, and what they are worth on one (claims R2, R7).

#include <memory>

#include "slicecheck/dynamics/scheme.h"
#include "slicecheck/generators/critic.h"
#include "slicecheck/loss/regularised/transport_cost.h"
#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// The potentials with the constant added to phi that makes D largest. Afterwards the plan has mass 1: the constant is −λ ln Σ ab e^{V/λ} for KL, as a
/// log-sum-exp that cannot overflow, and the root t of Σ ab (V + t)₊ = λ for the quadratic regulariser.
/// @throws InputError for potentials of wrong size.
DualPotentials with_best_constant(const TransportProblem& problem, DualPotentials potentials);

/// dD/dphi and dD/dpsi: a_i − Σ_j π_ij and Σ_i π_ij − b_j.
DualPotentials dual_derivative(const TransportProblem& problem, const DualPotentials& potentials);

/// D and its gradient in the parameters.
template <class S>
struct DualGradient {
  double value = 0.0;
  Vector<S> gradient;
};

/// φ(z) = scale · score_α(z) + t and ψ(y) = scale · score_β(y), all parameters in ONE vector (α, β, t).
///
/// KL: e^{V/λ} overflows where V/λ exceeds 709, and long before that one entry of a minibatch decides a gradient. So phi is that of `DualPotentials` (the mass
/// does not enter the exponent), networks begin at φ = ψ = 0, where no exponent is positive for a cost ≥ 0, and before every step t is set to the best constant
/// on the minibatch: an exact ascent over one parameter, after which the plan has mass 1 and no entry of dD exceeds 1. Nothing is clamped.
template <class S>
class NeuralDuals {
 public:
  /// `scale`: the unit of the potentials, of the size of a mean cost. The parameters of both networks must end in those of the score's linear form (weights on
  /// the features, then a bias).
  /// @throws InputError for a missing network, normalising layers, two input dimensions, a scale that is not positive and finite.
  NeuralDuals(std::shared_ptr<const Critic<S>> phi, std::shared_ptr<const Critic<S>> psi, double scale);

  [[nodiscard]] Index parameters() const { return phi_->parameters() + psi_->parameters() + 1; }
  [[nodiscard]] Index input_dimension() const { return phi_->input_dimension(); }
  [[nodiscard]] double scale() const { return scale_; }

  /// Both networks as they are drawn (purpose `dual_initial`, step 2·pair for φ and 2·pair + 1 for ψ), but their last linear forms 0: φ = ψ = 0; t = 0.
  [[nodiscard]] Vector<S> initial(std::uint64_t seed, std::uint32_t replicate, std::uint64_t pair) const;

  /// φ at the rows of z, ψ at those of y. May have entries that are not finite where the parameters are large.
  [[nodiscard]] DualPotentials potentials(VectorView<S> parameters, PointsView<S> z, PointsView<S> y) const;

  /// D on the minibatch and its gradient in (α, β); the entry of t is 0: t is set, not trained. `problem`: of the same points.
  [[nodiscard]] DualGradient<S> gradient(VectorView<S> parameters, PointsView<S> z, PointsView<S> y, const TransportProblem& problem) const;

  /// One step up: t to the best constant on the minibatch, then α and β by the scheme along −dD. Returns D in between, NaN where it is not finite (then only
  /// the step is counted).
  double ascend(State<S>& state, PointsView<S> z, PointsView<S> y, const TransportProblem& problem, const Scheme<S>& scheme, double step_size,
                const RandomStream& noise) const;

 private:
  std::shared_ptr<const Critic<S>> phi_;
  std::shared_ptr<const Critic<S>> psi_;
  double scale_;
};

/// What potentials are worth on one minibatch.
struct DualCertificate {
  double value = 0.0;      ///< D(φ, ψ)
  double low = 0.0;        ///< ≤ d of the minibatch: D of the solver, less what rounding leaves open
  double high = 0.0;       ///< ≥ d: the solver's primal value, likewise
  double bound = 0.0;      ///< δ(ε) of R7 at ε = epsilon_high(), for the gradient in the points z
  double error = 0.0;      ///< ‖Σ_ij (π − π*)_ij ∂c(z_i, y_j)/∂z‖, π* the solver's plan
  double slack = 0.0;      ///< the same bound for the solver's gap: what error may owe to it
  double size = 0.0;       ///< ‖Σ_ij π*_ij ∂c(z_i, y_j)/∂z‖
  Index sweeps = 0;        ///< of the solver, begun at the potentials
  bool certified = false;  ///< the solver reached its tolerance

  /// ε = d − D is between these.
  [[nodiscard]] double epsilon_low() const { return low - value; }
  [[nodiscard]] double epsilon_high() const { return high - value; }
};

/// Solves the problem from the potentials on and compares. The gradient is taken in the points themselves (θ = z): there L0 is the largest slope of the cost on
/// the minibatch, and L̃0² ≤ max_i a_i Σ_j b_j ‖∂c(z_i, y_j)‖². Give potentials `with_best_constant`: the bound for KL is the one of plans of mass 1.
/// @throws InputError as `solve_transport`; unless the problem's cost has the shape of the clouds.
DualCertificate certify_duals(const TransportProblem& problem, const DualPotentials& potentials, GroundCost cost, PointsView<double> z, PointsView<double> y,
                              const SolverSettings& settings);

/// The problem between two clouds with equal weights.
TransportProblem uniform_problem(GroundCost cost, PointsView<double> z, PointsView<double> y, double lambda, Regulariser regulariser);

}  // namespace slicecheck
