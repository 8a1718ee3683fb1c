#pragma once
/// Small problems whose subgradient flow is known, wholly or through F (claims T0 and T3).

#include <functional>
#include <memory>
#include <string>

#include "slicecheck/core/random.h"
#include "slicecheck/dynamics/flow_field.h"
#include "slicecheck/nonsmooth/finite_objective.h"

namespace slicecheck {

/// F(u) = Σ_j [½ k_j (v_j − c_j)² + a_j |v_j − w_j| + b_j], v = Qᵀu, Q orthogonal, b_j the smallest constant that makes F ≥ 0. Every coordinate of v moves on
/// its own, v_j' ∈ −k_j (v_j − c_j) − a_j·Sign(v_j − w_j), so the flow is elementary: the solution SLIDES along v_j = w_j where k_j|c_j − w_j| ≤ a_j, waits on
/// it (others leave) where k_j|c_j − w_j| < −a_j, and crosses it elsewhere.
class KinkedQuadratic final : public FlowField {
 public:
  /// One coordinate. a = 0: no wall.
  struct Coordinate {
    double k;  ///< > 0
    double c;
    double a;
    double w;
  };

  /// q: d×d orthogonal. @throws InputError unless all fits and k > 0.
  KinkedQuadratic(Eigen::MatrixXd q, std::vector<Coordinate> coordinates);

  [[nodiscard]] Index parameters() const override { return q_.rows(); }
  [[nodiscard]] Index switches() const override { return static_cast<Index>(walls_.size()); }
  [[nodiscard]] std::string switch_name(Index j) const override;
  [[nodiscard]] PieceValue evaluate(VectorView<double> u, const std::vector<int>& sides) const override;
  [[nodiscard]] Eigen::VectorXd switch_gradient(VectorView<double> u, Index j, const std::vector<int>& sides) const override;

  /// u(s) from u0; where solutions are not unique, the one that waits.
  [[nodiscard]] Eigen::VectorXd exact(VectorView<double> u0, double s) const;
  /// Σ_j of the absolute values of the terms of F, and of those of ∇F: what their rounding is relative to.
  [[nodiscard]] double size(VectorView<double> u) const;
  /// The same for ∇F.
  [[nodiscard]] double slope(VectorView<double> u) const;

 private:
  Eigen::MatrixXd q_;
  std::vector<Coordinate> coordinates_;
  std::vector<double> constants_;
  std::vector<Index> walls_;  // coordinate of switch j
};

/// A field, a start, and what is known of the solution.
struct FlowProblem {
  std::string name;
  std::shared_ptr<const FlowField> field;
  Eigen::VectorXd u0;
  std::shared_ptr<const FiniteObjective> objective;         ///< the same F, summed over multisets; null where F is no expected loss
  std::function<Eigen::VectorXd(double)> exact;             ///< u(s); null where there is no closed form
  double growth = 1.0;                                      ///< with a closed form: solutions from two points come apart by at most this factor
  std::function<double(const Eigen::VectorXd&)> magnitude;  ///< bound on the terms of F at u: its rounding is relative to it
  std::function<double(const Eigen::VectorXd&)> slope;      ///< the same for ∇F
  /// F(u), with a bound on its rounding: of `objective` where there is one.
  [[nodiscard]] FiniteValue value(const Eigen::VectorXd& u) const;
};

/// c_n as everywhere; two-point line with batches of n from u0 ≠ 0: u(s) = ±(c_n + (|u0| − c_n)e^{−2s}).
FlowProblem line_problem(Index n, double u0);
/// T(u, x) = x + u in dimension d ∈ {1, 2}: E SW_2²(X + u, Y) = ‖u + E x − E y‖²/d + a constant, whatever n; u(s) = u* + (u0 − u*)e^{−2s/d}.
FlowProblem translation_problem(PointDraws& draws, Index d);
/// A KinkedQuadratic in dimension d, u0 off its walls or on some.
FlowProblem kinked_problem(PointDraws& draws, Index d);
/// A generator between two finite laws.
FlowProblem expected_loss_problem(std::string name, std::shared_ptr<const Generator<double>> generator, const FiniteLaw& source, const FiniteLaw& target,
                                  Index n, Eigen::VectorXd u0);
/// 2 or 3 normal atoms, of unequal probabilities half of the time.
std::shared_ptr<const FiniteLaw> drawn_law(PointDraws& draws, const char* name, Index dimension);

/// The six kinds, by size: 1 the line, 2 translations, 3 kinked quadratics, 4 affine maps, 5 one hidden unit (tanh or ReLU) into the plane, 6 the same into the
/// line, with ties.
constexpr int kFlowProblemKinds = 6;
/// A problem of the kind of its size.
FlowProblem drawn_flow_problem(PointDraws& draws, int size);

}  // namespace slicecheck
