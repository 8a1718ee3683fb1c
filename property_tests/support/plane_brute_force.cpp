#include "support/plane_brute_force.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace slicecheck::testing {

namespace {

using Pair = std::array<Extended, 2>;

std::vector<Pair> extended(PointsView<double> cloud) {
  std::vector<Pair> points;
  for (Index k = 0; k < cloud.rows(); ++k) points.push_back({Extended(cloud(k, 0)), Extended(cloud(k, 1))});
  return points;
}

Extended dot(const Pair& a, const Pair& b) { return a[0] * b[0] + a[1] * b[1]; }

/// By the signs of projected differences: the points may be closer than a hundred digits of their coordinates tell.
std::vector<std::size_t> order_along(const std::vector<Pair>& points, const Pair& theta) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return dot({points[b][0] - points[a][0], points[b][1] - points[a][1]}, theta) > 0;
  });
  return order;
}

/// All angles in [0, π] at which two points of the cloud have equal projections, whatever the points do there.
void add_critical_angles(const std::vector<Pair>& points, std::vector<Extended>& angles) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      Extended x = points[j][1] - points[i][1];
      Extended y = points[i][0] - points[j][0];
      if (y < 0) {
        x = -x;
        y = -y;
      }
      if (y != 0) angles.push_back(atan2(y, x));
    }
  }
}

/// A unit vector with cos φ and sin φ, and with cos 2φ and sin 2φ.
struct Turn {
  explicit Turn(const Extended& phi) : theta{cos(phi), sin(phi)}, cosine(theta[0] * theta[0] - theta[1] * theta[1]), sine(2 * theta[0] * theta[1]) {}
  Pair theta;
  Extended cosine;
  Extended sine;
};

/// The largest of (trace + a cos 2φ + b sin 2φ)/2 on the arc from low to high.
Extended largest_on_arc(const Extended& trace, const Extended& a, const Extended& b, const Extended& low, const Extended& high, const Turn& from,
                        const Turn& to) {
  const Extended pi = boost::math::constants::pi<Extended>();
  const Extended ends = std::max(Extended(a * from.cosine + b * from.sine), Extended(a * to.cosine + b * to.sine));
  Extended peak = atan2(b, a) / 2;
  if (peak < 0) peak += pi;
  const bool inside = (a != 0 || b != 0) && low <= peak && peak <= high;
  return (trace + (inside ? Extended(sqrt(a * a + b * b)) : ends)) / 2;
}

void average_duplicates(const std::vector<Pair>& points, std::vector<Pair>& rows) {
  const std::vector<Pair> before = rows;
  for (std::size_t k = 0; k < points.size(); ++k) {
    rows[k] = {0, 0};
    int count = 0;
    for (std::size_t l = 0; l < points.size(); ++l) {
      if (points[l] != points[k]) continue;
      ++count;
      for (std::size_t j = 0; j < 2; ++j) rows[k][j] += before[l][j];
    }
    for (std::size_t j = 0; j < 2; ++j) rows[k][j] /= count;
  }
}

/// The largest distance of a point of Z from one of Y.
double reach(PointsView<double> z, PointsView<double> y) {
  double largest = 0.0;
  for (Index k = 0; k < z.rows(); ++k) largest = std::max(largest, (y.rowwise() - z.row(k)).rowwise().norm().maxCoeff());
  return largest;
}

/// Arcs shorter than the rounding of an angle hide a mean square gap of up to 10u·(events)·reach²/π from the sweep (P3 of theory/plane.md). It enters the bound
/// of the value as 2·64u·(its root)·√value ≤ 10⁻¹² value + 10¹²·(64u)²·(it): with u = 2⁻⁶⁴ some 10⁻⁴² n² reach².
double unresolved(PointsView<double> z, PointsView<double> y) {
  const double unit = static_cast<double>(std::numeric_limits<long double>::epsilon()) / 2.0;
  const double points = static_cast<double>(z.rows());
  const double hidden = 10.0 * unit * points * points * std::pow(reach(z, y), 2);
  return 1e12 * std::pow(64.0 * unit, 2) * hidden + std::numeric_limits<double>::min();
}

}  // namespace

PlaneTruth brute_force_plane(PointsView<double> z, PointsView<double> y) {
  const auto zs = extended(z);
  const auto ys = extended(y);
  const std::size_t n = zs.size();
  const Extended pi = boost::math::constants::pi<Extended>();
  std::vector<Extended> angles{0, pi};
  add_critical_angles(zs, angles);
  add_critical_angles(ys, angles);
  std::sort(angles.begin(), angles.end());
  PlaneTruth truth{0, std::vector<Pair>(n, Pair{0, 0}), 0};
  Extended squares = 0;
  Turn from(angles[0]);
  for (std::size_t arc = 0; arc + 1 < angles.size(); ++arc) {
    const Extended length = angles[arc + 1] - angles[arc];
    if (length < Extended("1e-90")) continue;
    const Turn to(angles[arc + 1]);
    const Turn middle((angles[arc] + angles[arc + 1]) / 2);
    const auto order_z = order_along(zs, middle.theta);
    const auto order_y = order_along(ys, middle.theta);
    // ∫ θθᵀ dφ = [[c, s], [s, length − c]].
    const Extended c = length / 2 + (to.sine - from.sine) / 4;
    const Extended s = (from.cosine - to.cosine) / 4;
    Extended xx = 0;
    Extended xy = 0;
    Extended yy = 0;
    for (std::size_t r = 0; r < n; ++r) {
      const Pair gap{zs[order_z[r]][0] - ys[order_y[r]][0], zs[order_z[r]][1] - ys[order_y[r]][1]};
      truth.gradient[order_z[r]][0] += 2 * (c * gap[0] + s * gap[1]) / (n * pi);
      truth.gradient[order_z[r]][1] += 2 * (s * gap[0] + (length - c) * gap[1]) / (n * pi);
      xx += gap[0] * gap[0];
      xy += gap[0] * gap[1];
      yy += gap[1] * gap[1];
    }
    truth.value += (c * xx + 2 * s * xy + (length - c) * yy) / (n * pi);
    squares += length * (xx + yy) / (n * pi);
    truth.max_value = std::max(truth.max_value, Extended(largest_on_arc(xx + yy, xx - yy, 2 * xy, angles[arc], angles[arc + 1], from, to) / n));
    from = to;
  }
  average_duplicates(zs, truth.gradient);
  if (truth.value > 0) truth.condition = std::sqrt(static_cast<double>(Extended(squares / truth.value)));
  return truth;
}

Extended extended_projected_cost(PointsView<double> z, PointsView<double> y, const std::array<Extended, 2>& theta) {
  const auto zs = extended(z);
  const auto ys = extended(y);
  const auto order_z = order_along(zs, theta);
  const auto order_y = order_along(ys, theta);
  Extended sum = 0;
  for (std::size_t r = 0; r < zs.size(); ++r) {
    const Extended gap = dot(zs[order_z[r]], theta) - dot(ys[order_y[r]], theta);
    sum += gap * gap;
  }
  return sum / zs.size();
}

std::string plane_complaint(const PlaneSliced& claimed, PointsView<double> z, PointsView<double> y, const PlaneTruth& truth) {
  const auto magnitude = [](const Extended& x) { return static_cast<double>(Extended(abs(x))); };
  const double value = static_cast<double>(truth.value);
  const double error = magnitude(claimed.value - truth.value);
  if (!(claimed.value >= 0.0)) return fmt::format("the value is {}", claimed.value);
  if (!(error <= claimed.value_error)) return fmt::format("value {}, exact {}: error {:.3g}, bound {:.3g}", claimed.value, value, error, claimed.value_error);
  if (!(claimed.value_error <= 1e-12 * truth.condition * value + unresolved(z, y)))
    return fmt::format("value {}, condition {:.3g}: the bound {:.3g} is too weak", value, truth.condition, claimed.value_error);
  if (claimed.gradient.rows() != z.rows()) return fmt::format("the gradient has {} rows", claimed.gradient.rows());
  double gradient_error = 0.0;
  for (Index k = 0; k < z.rows(); ++k) {
    const auto& row = truth.gradient[static_cast<std::size_t>(k)];
    gradient_error += std::hypot(magnitude(claimed.gradient(k, 0) - row[0]), magnitude(claimed.gradient(k, 1) - row[1]));
  }
  if (!(gradient_error <= claimed.gradient_error)) return fmt::format("gradient: error {:.3g}, bound {:.3g}", gradient_error, claimed.gradient_error);
  const double largest = static_cast<double>(truth.max_value);
  const double max_error = magnitude(claimed.max_value - truth.max_value);
  if (!(max_error <= claimed.max_error))
    return fmt::format("max {}, exact {}: error {:.3g}, bound {:.3g}", claimed.max_value, largest, max_error, claimed.max_error);
  // The condition of the maximum: reach bounds every ‖Δ_r‖. (64u)² of its square is lost in any case.
  const double floor = 2.0 * std::pow(32.0 * static_cast<double>(std::numeric_limits<long double>::epsilon()) * reach(z, y), 2);
  if (!(claimed.max_error <= 1e-12 * reach(z, y) * std::sqrt(largest) + floor + unresolved(z, y)))
    return fmt::format("max {}, reach {:.3g}: the bound {:.3g} is too weak", largest, reach(z, y), claimed.max_error);
  if (!(claimed.max_value >= claimed.value)) return fmt::format("max {} below the value {}", claimed.max_value, claimed.value);
  // √w is Lipschitz in θ, with a constant below the largest distance of a point of Z from one of Y; θ was rounded to double, and lay within 24u of the exact
  // one.
  const double turn = 4.0 * std::numeric_limits<double>::epsilon() * reach(z, y);
  const Extended attained = extended_projected_cost(z, y, {Extended(claimed.max_direction[0]), Extended(claimed.max_direction[1])});
  const double missed = magnitude(attained - truth.max_value);
  const double allowed = claimed.max_error + 2.0 * turn * std::sqrt(largest) + turn * turn;
  if (!(missed <= allowed)) return fmt::format("max direction gives {}, the maximum is {}", static_cast<double>(attained), largest);
  return "";
}

}  // namespace slicecheck::testing
