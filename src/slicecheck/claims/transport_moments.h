#pragma once
/// Algorithm 1 on translations of a cloud under the squared cost, for any number of steps and atoms: the first two moments of θ_t obey a linear recursion, so
/// that expectations need neither a tree nor statistics (claims R8, R10, R11).

#include <vector>

#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// E and covariance of (1/S²) Σ_kl Z(x_k, y_l) for S independent draws of each law, Z given as one n×m table for each of its D entries:
/// [V_xy + (S − 1)(V_x + V_y)]/S², V the covariances of Z, E[Z|x], E[Z|y].
struct BatchMoments {
  RealVector mean;       ///< D
  RealTable covariance;  ///< D×D
};
/// The mean and the covariance of (1/S²) Σ Z_kl over S i.i.d. atoms of either law, exactly (R11); z: one n×m table for each coordinate.
BatchMoments batch_moments(VectorView<double> a, VectorView<double> b, const std::vector<RealTable>& z, Index S);

/// C_ij = ‖x_i + θ − y_j‖² with an oracle whose density is the same at every θ (its potentials follow the translation). With q = θ − (E y − E x), ∇h = 2q and
/// h − inf h = ‖q‖² for every λ and regulariser; g = 2(sq + r), s = Σ W, r = Σ W (x_i − E x − y_j + E y).
struct TranslationDescent {
  Vector<double> a;
  Vector<double> b;
  Points<double> x;
  Points<double> y;
  Eigen::VectorXd start;           ///< q_0
  std::vector<RealTable> density;  ///< m of each oracle, n×m, used in turn: step t has entry t mod their number
  Vector<double> steps;
  Index batch = 1;

  /// x_i − E x − y_j + E y, one table for each coordinate.
  [[nodiscard]] std::vector<RealTable> centred_gaps() const;
  [[nodiscard]] std::vector<NamedValues> values() const;
};

/// Entry t: E at step t.
struct MomentSums {
  Vector<double> gradient_squared;  ///< E‖∇h(θ_t)‖²
  Vector<double> error_squared;     ///< E‖G_t − ∇h(θ_t)‖²
  Vector<double> noise;             ///< E‖g_t − G_t‖²
  double first_excess = 0.0;        ///< h(θ_0) − inf h
  double last_excess = 0.0;         ///< E h(θ_T) − inf h
  double slack = 0.0;               ///< on averages with weights α_t
};
/// Sums in long double; `slack` is what double would need in each step, 2⁻¹¹ of which suffices for 2,000 of them.
MomentSums moments(const TranslationDescent& descent);

}  // namespace slicecheck
