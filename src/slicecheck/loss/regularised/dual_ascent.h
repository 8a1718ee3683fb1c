#pragma once
/// The state of a solver of regularised transport: both potentials, exact half-steps, Newton steps. Not part of the library's interface.

#include <array>

#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// Ascent on D in the symmetric form x = φ, y = −ψ: V_ij = x_i + y_j − C_ij. Side 0 are the rows of C, side 1 its columns; both orders of C are kept, so that
/// both half-steps stream. The same bits for any number of threads.
class DualAscent {
 public:
  /// The problem must outlive this. Starts with potentials 0.
  explicit DualAscent(const TransportProblem& problem);

  /// Another λ than the problem's, for a continuation.
  void set_lambda(double lambda);
  [[nodiscard]] double lambda() const { return lambda_; }
  /// Continues from these potentials.
  void set_potentials(const DualPotentials& potentials);
  [[nodiscard]] DualPotentials potentials() const { return {side_[0].x, -side_[1].x}; }

  /// Exact maximisation over the potential of one side. Returns by how much D grew if the other side had been maximised before, for KL: λ Σ w (S − 1 − ln S),
  /// S = marginal/weight. That is a lower bound on the duality gap before the step. For the quadratic regulariser: 0, no bound.
  double maximise(int side);

  /// After `maximise(1 − side)`: a step of the semi-smooth Newton method for the semi-dual of `side`, followed by `maximise(1 − side)`. The step's matrix is
  /// the Laplacian of the support graph with the other side eliminated, singular on every component: a multiple of the weights is added, 10⁻¹³ or what the
  /// rounding of V leaves open, and a thousand times more until the direction lets D grow.
  /// False where no length of the step lets D grow; the potentials are then as before.
  bool newton_step(int side);

  /// D, after a half-step: for KL the linear part, as the mass is 1.
  [[nodiscard]] double value() const;

  /// max |marginal/weight − 1| of `side`.
  [[nodiscard]] double residual(int side) const;

 private:
  struct Side {
    Vector<double> weights;
    Points<double> cost;  ///< rows are this side's atoms
    Vector<double> x;
    // KL only, while few bits move: e^{V/λ} at x0, one row per atom of this side, and x = x0 + λ ln scale
    Points<double> kernel;
    Vector<double> x0;
    Vector<double> scaled;  ///< weights·scale
  };

  void log_half_step(Side& own, const Side& other);
  void quadratic_half_step(Side& own, const Side& other);
  bool kernel_half_step(Side& own, const Side& other);
  void make_kernels();
  /// −λ times the Hessian's off-diagonal block, rows being the other side's atoms: π (KL), ab·1[V > 0] (quadratic).
  [[nodiscard]] Points<double> stiffness(int side) const;
  /// weight − marginal.
  [[nodiscard]] Vector<double> shortfall(int side) const;
  [[nodiscard]] Vector<double> direction(const Points<double>& couplings, const Vector<double>& missing, const Vector<double>& weights, double damping) const;
  bool search(int side, const Vector<double>& step, double slope);

  bool kl_;
  double lambda_;
  double largest_cost_;
  double spread_;
  bool careful_ = false;
  bool kernels_ = false;
  std::array<Side, 2> side_;
};

}  // namespace slicecheck
