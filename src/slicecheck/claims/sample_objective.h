#pragma once
/// u ↦ f(u, X, Y, θ) for one loss and one generator, with what is certified about it: claims L3, L4, N6, N7.

#include <memory>

#include "slicecheck/claims/loss_bounds.h"
#include "slicecheck/claims/loss_subject.h"
#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// A ball of parameters and what holds on it.
struct CertifiedBall {
  Eigen::VectorXd u0;
  double radius = 0.0;
  double lipschitz = 0.0;  ///< Λ: the largest over the batch
  double image = 0.0;      ///< max_k ‖T_{u0}(x_k)‖
  double rounding = 0.0;   ///< of every computed image on the ball, in double
  bool known = false;      ///< the generator has certificates at every input
};

/// What the generator certifies on B(u0, radius) for the rows of x.
CertifiedBall certified_ball(const Generator<double>& generator, const Eigen::VectorXd& u0, double radius, const Points<double>& x);

/// f at one u: value and gradient, each with its bound.
struct ObjectiveValue {
  Evaluation at;             ///< of the loss at the images (rounded to the subject's scalar), its error including that of the images
  Eigen::VectorXd gradient;  ///< φ(u, X, Y, θ)
};

/// f(u, X, Y, θ) = w(T_u(X), Y), p = 2.
class SampleObjective {
 public:
  /// The loss is referred to and must outlive the objective. x: n×d_x, y: n×d, theta: L×d.
  SampleObjective(const LossSubject& loss, std::shared_ptr<const Generator<double>> generator, Points<double> x, Points<double> y, Points<double> theta)
      : loss_(loss), generator_(std::move(generator)), x_(std::move(x)), y_(std::move(y)), theta_(std::move(theta)) {}

  /// `image_error`: how far the computed images may be from the exact ones (CertifiedBall::rounding).
  [[nodiscard]] ObjectiveValue at(const Eigen::VectorXd& u, double image_error) const;

  [[nodiscard]] const LossSubject& loss() const { return loss_; }
  [[nodiscard]] const Generator<double>& generator() const { return *generator_; }
  [[nodiscard]] const Points<double>& x() const { return x_; }
  [[nodiscard]] const Points<double>& y() const { return y_; }
  [[nodiscard]] const Points<double>& theta() const { return theta_; }

  /// K_f = 2Λ(εΛ + max_k ‖T_{u0}(x_k)‖ + max_k ‖y_k‖), times the largest ‖θ‖².
  [[nodiscard]] double lipschitz_bound(const CertifiedBall& ball) const;

 private:
  const LossSubject& loss_;
  std::shared_ptr<const Generator<double>> generator_;
  Points<double> x_;
  Points<double> y_;
  Points<double> theta_;
};

/// The textbook loss, for claims that judge generators.
const LossSubject& textbook_loss();

/// n inputs: small normals, now and then equal rows. Row k is a pure function of (stream, k).
Points<double> drawn_inputs(const RandomStream& stream, Index n, Index dimension, bool repeat_rows);

}  // namespace slicecheck
