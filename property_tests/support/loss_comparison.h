#pragma once
/// Random clouds, and the comparison of an implementation of the loss with the reference, with the tolerances of core/tolerances.h.

#include "slicecheck/core/random.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck::testing {

template <class S>
struct Clouds {
  Points<S> z;
  Points<S> y;
  Points<S> theta;
};

/// Clouds of n points and `count` directions in d dimensions, around `offset` in every coordinate.
template <class S>
Clouds<S> random_clouds(Index n, Index count, Index d, double offset = 0.0) {
  const auto cloud = [&](std::uint32_t replicate) {
    Eigen::VectorXd entries(n * d);
    RandomStream(1, Purpose::cases, replicate, static_cast<std::uint64_t>(n)).fill_normal(entries);
    return Points<S>((Eigen::Map<const Points<double>>(entries.data(), n, d).array() + offset).template cast<S>());
  };
  return {cloud(100), cloud(101), uniform_directions<S>(RandomStream(1, Purpose::cases, 102, static_cast<std::uint64_t>(n)), count, d)};
}

/// The largest norm of a point.
double largest_norm(const Points<double>& points);

struct Ratios {
  double value = 0.0;     ///< of the value and of those of each direction
  double gradient = 0.0;  ///< of the rows of the gradient
};

/// The largest observed / allowed error, where every gap may err by as much as it does for clouds of norm `size` in an arithmetic of unit roundoff u; NaN
/// becomes infinity. A point may hold the rank of any other whose projection is as near to its own as rounding can reach.
Ratios compare_with_reference(const LossGradient<double>& got, const Clouds<double>& clouds, double p, double size, double u);

template <class S>
Clouds<double> in_double(const Clouds<S>& clouds) {
  return {clouds.z.template cast<double>(), clouds.y.template cast<double>(), clouds.theta.template cast<double>()};
}

template <class S>
LossGradient<double> in_double(const LossGradient<S>& out) {
  return {out.value, out.per_direction, out.gradient.template cast<double>()};
}

}  // namespace slicecheck::testing
