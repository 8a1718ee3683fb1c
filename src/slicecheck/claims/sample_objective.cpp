#include "slicecheck/claims/sample_objective.h"

#include <algorithm>

#include "slicecheck/loss/reference_loss.h"

namespace slicecheck {

CertifiedBall certified_ball(const Generator<double>& generator, const Eigen::VectorXd& u0, double radius, const Points<double>& x) {
  CertifiedBall ball{u0, radius, 0.0, 0.0, 0.0, true};
  const Points<double> images = generator.forward(u0, x);
  for (Index k = 0; k < x.rows(); ++k) {
    const auto bounds = generator.bounds(u0, radius, x.row(k));
    if (!bounds) {
      ball.known = false;
      return ball;
    }
    ball.lipschitz = std::max(ball.lipschitz, bounds->lipschitz);
    ball.rounding = std::max(ball.rounding, bounds->rounding);
  }
  ball.image = largest_norm(images) + ball.rounding;
  return ball;
}

ObjectiveValue SampleObjective::at(const Eigen::VectorXd& u, double image_error) const {
  const auto image = generator_->linearise(u, x_);
  const Points<double> z = loss_.rounded(image->images());
  const double moved = image_error + loss_.unit_roundoff * largest_norm(z);
  ObjectiveValue out{evaluate(loss_, z, y_, theta_, 2.0, moved), {}};
  out.gradient = image->pullback(out.at.loss.gradient);
  return out;
}

double SampleObjective::lipschitz_bound(const CertifiedBall& ball) const {
  const double up = 1.0 + tolerance::gamma(4.0 * static_cast<double>(y_.cols()) + 32.0, tolerance::unit_roundoff<double>());
  return 2.0 * ball.lipschitz * (ball.radius * ball.lipschitz + ball.image + largest_norm(y_)) * theta_.rowwise().squaredNorm().maxCoeff() * up;
}

const LossSubject& textbook_loss() {
  static const LossSubject subject =
      make_loss_subject<double>("reference", "plain loops in double", [](double p) { return std::make_unique<ReferenceLoss>(p); });
  return subject;
}

Points<double> drawn_inputs(const RandomStream& stream, Index n, Index dimension, bool repeat_rows) {
  Points<double> x(n, dimension);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    const bool repeat = draws.below(2) == 0;
    for (Index j = 0; j < dimension; ++j) x(k, j) = draws.normal();
    if (repeat_rows && repeat && k > 0) x.row(k) = x.row(k - 1);
  }
  return x;
}

}  // namespace slicecheck
