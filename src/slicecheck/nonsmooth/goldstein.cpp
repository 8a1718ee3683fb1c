#include "slicecheck/nonsmooth/goldstein.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

struct Batch {
  Points<double> x;
  Points<double> y;
  Points<double> directions;
};

void check_settings(VectorView<double> u, const GoldsteinSettings& settings) {
  if (!u.allFinite()) reject("Goldstein criticality: u has an entry that is not finite");
  if (!(settings.delta > 0.0) || !std::isfinite(settings.delta)) reject("Goldstein criticality: delta is {}; it must be finite and positive", settings.delta);
  if (settings.points < 1) reject("Goldstein criticality: {} points; at least 1 is needed", settings.points);
  if (settings.n < 1 || settings.batches < 1 || settings.directions < 1)
    reject("Goldstein criticality: {} batches of {} points with {} directions; each must be at least 1", settings.batches, settings.n, settings.directions);
}

class FrozenObjective {
 public:
  FrozenObjective(const Generator<double>& generator, const SampleLoss<double>& loss, const Law& source, const Law& target, const GoldsteinSettings& settings,
                  std::uint64_t seed, std::uint32_t replicate)
      : generator_(generator), loss_(loss) {
    for (Index b = 0; b < settings.batches; ++b) {
      const auto step = static_cast<std::uint64_t>(b);
      batches_.push_back(
          {source.sample<double>(RandomStream(seed, Purpose::evaluation_source, replicate, step), settings.n),
           target.sample<double>(RandomStream(seed, Purpose::evaluation_target, replicate, step), settings.n),
           uniform_directions<double>(RandomStream(seed, Purpose::evaluation_directions, replicate, step), settings.directions, generator.output_dimension())});
    }
  }

  [[nodiscard]] Eigen::VectorXd gradient(const Eigen::VectorXd& v) const {
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(v.size());
    for (const Batch& batch : batches_) {
      const auto linear = generator_.linearise(v, batch.x);
      sum += linear->pullback(loss_.evaluate(linear->images(), batch.y, batch.directions).gradient);
    }
    sum /= static_cast<double>(batches_.size());
    if (!sum.allFinite()) reject("Goldstein criticality: the gradient at a point at distance {} from 0 is not finite", v.norm());
    return sum;
  }

 private:
  const Generator<double>& generator_;
  const SampleLoss<double>& loss_;
  std::vector<Batch> batches_;
};

/// Points of B(u, δ) ∩ B_r.
class Neighbourhood {
 public:
  Neighbourhood(VectorView<double> u, const GoldsteinSettings& settings, std::uint64_t seed, std::uint32_t replicate)
      : u_(u), delta_(settings.delta), radius_(settings.radius.value_or(std::numeric_limits<double>::infinity())), seed_(seed), replicate_(replicate) {}

  /// Uniform in B(u, δ), then projected.
  [[nodiscard]] Eigen::VectorXd random(std::uint64_t number) const {
    const RandomStream stream(seed_, Purpose::cases, replicate_, number);
    return projected(u_ + delta_ * uniform_in_ball(stream));
  }

  /// u − δ(0.9 x/‖x‖ + 0.1 of a uniform point of the unit ball): almost opposite to x, but random. Then projected.
  [[nodiscard]] Eigen::VectorXd opposite(const Eigen::VectorXd& x, std::uint64_t number) const {
    const RandomStream stream(seed_, Purpose::cases, replicate_, number);
    return projected(u_ + delta_ * (0.1 * uniform_in_ball(stream) - 0.9 * x.stableNormalized()));
  }

 private:
  [[nodiscard]] Eigen::VectorXd uniform_in_ball(const RandomStream& stream) const {
    Eigen::VectorXd v(u_.size());
    stream.fill_normal(v, 1);
    return v.normalized() * std::pow(stream.uniforms(0)[0], 1.0 / static_cast<double>(u_.size()));
  }

  [[nodiscard]] Eigen::VectorXd projected(Eigen::VectorXd v) const {
    const double norm = v.norm();
    if (norm > radius_) v *= radius_ / norm;
    return v;
  }

  Eigen::VectorXd u_;
  double delta_;
  double radius_;
  std::uint64_t seed_;
  std::uint32_t replicate_;
};

}  // namespace

std::string_view goldstein_name(GoldsteinVerdict verdict) { return verdict == GoldsteinVerdict::delta_critical ? "delta-critical" : "inconclusive"; }

GoldsteinVerdict Goldstein::verdict(double tolerance) const {
  if (!(tolerance >= 0.0)) reject("Goldstein criticality: the tolerance is {}; it must be at least 0", tolerance);
  return norm <= tolerance ? GoldsteinVerdict::delta_critical : GoldsteinVerdict::inconclusive;
}

Goldstein goldstein_criticality(const Generator<double>& generator, const SampleLoss<double>& loss, const Law& source, const Law& target, VectorView<double> u,
                                const GoldsteinSettings& settings, std::uint64_t seed, std::uint32_t replicate) {
  check_settings(u, settings);
  if (settings.radius && *settings.radius <= settings.delta)  // the slack of the cone stays below the radius: 0 is not near the sphere
    reject("Goldstein criticality: the radius is {}; it must be above delta = {}", *settings.radius, settings.delta);
  const FrozenObjective objective(generator, loss, source, target, settings, seed, replicate);
  const Neighbourhood around(u, settings, seed, replicate);
  Points<double> gradients(0, u.size());
  Goldstein result;
  result.smallest_gradient = std::numeric_limits<double>::infinity();
  const auto add = [&](const Eigen::VectorXd& v) {
    const Eigen::VectorXd g = objective.gradient(v);
    gradients.conservativeResize(gradients.rows() + 1, Eigen::NoChange);
    gradients.bottomRows(1) = g.transpose();
    result.smallest_gradient = std::min(result.smallest_gradient, g.norm());
    result.largest_gradient = std::max(result.largest_gradient, g.norm());
  };
  const auto nearest = [&] {
    std::vector<MinkowskiSum::Term> terms{{1.0, std::make_shared<PointHull>(gradients)}};
    if (settings.radius) {
      auto cone = bounded_normal_cone(u, *settings.radius, result.largest_gradient, settings.delta);
      result.ray = cone->maximiser(u).norm() > 0.0;
      terms.push_back({1.0, std::move(cone)});
    }
    return minimum_norm_point(MinkowskiSum(std::move(terms)), {});
  };
  for (std::uint64_t number = 0; number < settings.points; ++number) add(around.random(number));
  MinimumNorm present = nearest();
  for (std::uint64_t number = 0; number < settings.refinements && present.norm > 0.0; ++number) {
    add(around.opposite(present.point, settings.points + number));
    present = nearest();
  }
  result.norm = present.norm;
  result.gradients = static_cast<std::uint64_t>(gradients.rows());
  return result;
}

}  // namespace slicecheck
