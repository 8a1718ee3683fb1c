#pragma once
/// Algorithm 1 where every minibatch can be listed: exact expectations, no statistics (claims R8–R11).

#include <vector>

#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// Minibatches of S atoms of each law that agree up to their order.
struct Minibatch {
  double probability = 0.0;
  Points<double> share;  ///< #{k: x_k = i} #{l: y_l = j}/S², n×m
};

/// All of them, S independent draws from a and from b: n^S m^S orders, fewer entries.
std::vector<Minibatch> all_minibatches(VectorView<double> a, VectorView<double> b, Index S);

/// Every (i_1, …, i_S) with entries below n, in lexicographic order.
std::vector<std::vector<Index>> index_tuples(Index n, Index S);

/// The solution of a problem with n, m ≤ 2 in closed form, to the rounding of long double; λ = 0 is a linear programme, of whose solutions a vertex is given.
struct SmallSolution {
  Real value = 0.0L;
  RealTable plan;
  RealTable scaled;  ///< V/λ of optimal potentials (m = e^{V/λ} or (V/λ)₊); of size 0 for λ = 0
};
/// @throws Error unless n, m ≤ 2.
SmallSolution small_solution(const TransportProblem& problem);

/// How far the oracle's potentials are from the optimum, in units of λ: V/λ is off by x_i − y_j.
struct PotentialError {
  Vector<double> x;
  Vector<double> y;
};

/// Algorithm 1 on a family with n, m ≤ 2: steps α_t, and for each an oracle that is off by `errors`. With λ = 0 the errors are 0 and the plan is a solution of
/// the linear programme.
struct SmallDescent {
  CostFamily family;
  Eigen::VectorXd start;
  Vector<double> steps;
  std::vector<PotentialError> errors;
  Index batch = 1;

  [[nodiscard]] std::vector<NamedValues> values() const;
};

/// Expectations over all sequences of minibatches; h(θ) = d at θ, ∇h = Σ π* ∇C, G_t = E g_t.
///
/// A step is what was walked, (θ_t − θ_{t+1})/α_t, so that the rounding of θ is part of the noise; what is left is the rounding of h and of the sums.
struct TreeSums {
  Vector<double> gradient_squared;  ///< E‖∇h(θ_t)‖², one entry a step
  Vector<double> error_squared;     ///< E‖G_t − ∇h(θ_t)‖²
  Vector<double> noise;             ///< E‖g_t − G_t‖²
  double largest_error_squared = 0.0;
  double largest_noise = 0.0;
  double first_value = 0.0;  ///< h(θ_0)
  double last_value = 0.0;   ///< E h(θ_T)
  double slack = 0.0;        ///< on averages of ‖∇h‖² with weights α_t: what rounding adds
};
/// Walks the whole tree of minibatches.
TreeSums walk(const SmallDescent& descent);

/// max √(1 + ‖x‖²) over the rows of the family's tables: |C| ≤ ((‖θ‖ + 1) reach)² and ‖∇C‖ ≤ 2(‖θ‖ + 1) reach² in every family but the cosine's, where they
/// are smaller; what rounding of C is measured against.
double reach(const CostFamily& family);

/// observed ≤ bound up to the slack, with tightness where the slack is small; also for bounds that are not positive.
Trial within_bound(double observed, double bound, double slack, std::vector<NamedValues> values);

}  // namespace slicecheck
