#include "slicecheck/dynamics/critical_points.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <optional>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

constexpr double kWallWidth = 1e-12;
constexpr double kResolved = 1e-6;    // of the scale of ‖∇F‖
constexpr double kFarthest = 0.05;    // of r: how far Newton may go
constexpr double kAround = 1e-6;      // of r: Goldstein's radius
constexpr Index kDirections = 1024;   // looked at in that distance
constexpr double kNeighbours = 1e-3;  // of r: where a minimum is compared
constexpr double kDifference = 1e-6;  // of r: step of finite differences
constexpr std::size_t kMostFree = 4;  // walls beside those that are met, both sides of which are tried
constexpr std::size_t kMostWalls = 10;

double sphere_rounding(Index d) { return tolerance::gamma(static_cast<double>(d) + 8.0, tolerance::unit_roundoff<double>()); }

std::vector<int> chosen_sides(const FlowField& field, VectorView<double> u) {
  std::vector<int> sides = sides_at(field, u);
  for (int& side : sides) side = side == 0 ? 1 : side;
  return sides;
}

/// The sides with bit i of `piece` for walls[i].
std::vector<int> with_sides(std::vector<int> sides, const std::vector<Index>& walls, std::uint64_t piece) {
  for (std::size_t i = 0; i < walls.size(); ++i) sides[static_cast<std::size_t>(walls[i])] = ((piece >> i) & 1) != 0 ? 1 : -1;
  return sides;
}

/// Some direction leads from u into the piece: strictly to the given side of every wall.
bool can_be_entered(const FlowField& field, VectorView<double> u, const std::vector<int>& sides, const std::vector<Index>& walls) {
  Points<double> rows(static_cast<Index>(walls.size()), u.size());
  Index count = 0;
  for (const Index wall : walls) {
    const Eigen::VectorXd normal = field.switch_gradient(u, wall, sides);
    if (normal.norm() > 0.0) rows.row(count++) = sides[static_cast<std::size_t>(wall)] * normal.normalized().transpose();
  }
  return count == 0 || strict_direction(rows.topRows(count)).margin > 1e-10;
}

/// The smallest λ ≥ 0 for which ‖g + λu‖, g in the hull of the rows, is smallest.
double smallest_multiplier(const Points<double>& gradients, VectorView<double> u, double radius) {
  if (gradients.rows() == 1) return std::max(0.0, -gradients.row(0).dot(u)) / (radius * radius);
  const auto norm_at = [&](double lambda) {
    return minimum_norm_point(PointHull(gradients.rowwise() + lambda * u.transpose()), {.gap = 0.0, .iterations = 200}).norm;
  };
  double low = 0.0;
  double high = gradients.rowwise().norm().maxCoeff() / radius;
  for (int i = 0; i < 120; ++i) {
    const double left = low + (high - low) / 3.0;
    const double right = high - (high - low) / 3.0;
    if (norm_at(left) <= norm_at(right))
      high = right;
    else
      low = left;
  }
  return low;
}

}  // namespace

Points<double> points_around(VectorView<double> u, double distance, Index count) {
  const Index d = u.size();
  Points<double> out = u.transpose().replicate(d == 1 ? 2 : count, 1);
  for (Index i = 0; i < out.rows(); ++i) {
    const double angle = 2.0 * std::numbers::pi * (static_cast<double>(i) + 0.25) / static_cast<double>(count);
    if (d == 1) {
      out(i, 0) += i == 0 ? distance : -distance;
    } else {
      out(i, 0) += distance * std::cos(angle);
      out(i, 1) += distance * std::sin(angle);
    }
  }
  return out;
}

Points<double> entered_gradients(const FlowField& field, VectorView<double> u) {
  const std::vector<int> sides = chosen_sides(field, u);
  const PieceValue here = field.evaluate(u, sides);
  std::vector<Index> walls;
  for (Index j = 0; j < here.switches.size(); ++j)
    if (std::abs(here.switches[j]) <= kWallWidth || std::abs(here.switches[j]) <= kWallWidth * (1.0 + field.switch_gradient(u, j, sides).norm()))
      walls.push_back(j);
  if (walls.empty()) return here.gradient.transpose();
  if (walls.size() > kMostWalls) throw Error(fmt::format("critical set: {} walls meet at one point; at most {} are resolved", walls.size(), kMostWalls));
  std::vector<Eigen::VectorXd> gradients;
  for (std::uint64_t piece = 0; piece < (std::uint64_t{1} << walls.size()); ++piece) {
    const std::vector<int> chosen = with_sides(sides, walls, piece);
    if (can_be_entered(field, u, chosen, walls)) gradients.push_back(field.evaluate(u, chosen).gradient);
  }
  if (gradients.empty()) return here.gradient.transpose();
  Points<double> out(static_cast<Index>(gradients.size()), u.size());
  for (std::size_t i = 0; i < gradients.size(); ++i) out.row(static_cast<Index>(i)) = gradients[i].transpose();
  return out;
}

std::vector<CriticalStratum> strata_at(Index parameters, const std::vector<int>& sides, const std::vector<Index>& walls, bool sphere) {
  std::vector<CriticalStratum> out;
  const auto add = [&](const std::vector<Index>& met) {
    std::vector<Index> free;
    for (const Index wall : walls)
      if (std::find(met.begin(), met.end(), wall) == met.end()) free.push_back(wall);
    if (free.size() > kMostFree) free.clear();
    for (std::uint64_t piece = 0; piece < (std::uint64_t{1} << free.size()); ++piece)
      for (const bool on_sphere : {false, true})
        if ((sphere || !on_sphere) && static_cast<Index>(met.size()) + (on_sphere ? 1 : 0) <= parameters)
          out.push_back({with_sides(sides, free, piece), met, on_sphere});
  };
  add({});
  for (std::size_t i = 0; i < walls.size(); ++i) {
    add({walls[i]});
    for (std::size_t k = i + 1; k < walls.size() && parameters > 1; ++k) add({walls[i], walls[k]});
  }
  return out;
}

Eigen::VectorXd PointSearch::equations(VectorView<double> u, const CriticalStratum& stratum) const {
  const Index d = u.size();
  const PieceValue value = field_.evaluate(u, stratum.sides);
  const Index conditions = static_cast<Index>(stratum.walls.size()) + (stratum.sphere ? 1 : 0);
  if (conditions == 0) return value.gradient;
  Eigen::VectorXd out(d);
  Eigen::VectorXd normal = Eigen::VectorXd::Zero(d);
  Index row = 0;
  for (const Index wall : stratum.walls) {
    normal = field_.switch_gradient(u, wall, stratum.sides);
    out[row++] = value.switches[wall];
  }
  if (stratum.sphere) {
    normal = u;
    out[row++] = (u.squaredNorm() - radius_ * radius_) / (2.0 * radius_);
  }
  // One condition in the plane: the other equation is along its tangent.
  if (row < d) out[row] = normal.norm() > 0.0 ? (normal[0] * value.gradient[1] - normal[1] * value.gradient[0]) / normal.norm() : 0.0;
  return out;
}

bool PointSearch::solve(Eigen::VectorXd& u, const CriticalStratum& stratum) const {
  const Index d = u.size();
  const Eigen::VectorXd start = u;
  const double h = kDifference * radius_;
  Eigen::VectorXd value = equations(u, stratum);
  for (int iteration = 0; iteration < 60 && value.norm() > 0.0; ++iteration) {
    Eigen::MatrixXd slope(d, d);
    for (Index k = 0; k < d; ++k) {
      const Eigen::VectorXd step = h * Eigen::VectorXd::Unit(d, k);
      slope.col(k) = (equations(u + step, stratum) - equations(u - step, stratum)) / (2.0 * h);
    }
    Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> factors;
    factors.setThreshold(1e-7);  // a curve of critical points has a singular slope: the shortest step leads to the curve
    factors.compute(slope);
    Eigen::VectorXd step = -factors.solve(value);
    const double longest = kFarthest / 4.0 * radius_;
    if (step.norm() > longest) step *= longest / step.norm();
    bool better = false;
    for (int cut = 0; cut < 12 && !better; ++cut, step /= 2.0) {
      const Eigen::VectorXd next_value = equations(u + step, stratum);
      better = next_value.norm() < value.norm();
      if (!better) continue;
      u += step;
      value = next_value;
    }
    if (!better || (u - start).norm() > kFarthest * radius_) break;
  }
  return (u - start).norm() <= kFarthest * radius_;
}

PointSearch::Judged PointSearch::judged_by(VectorView<double> u, const Points<double>& gradients, double slack) const {
  const double bound = gradients.rowwise().norm().maxCoeff();
  const std::vector<MinkowskiSum::Term> terms{{1.0, std::make_shared<PointHull>(gradients)}, {1.0, bounded_normal_cone(u, radius_, bound, slack)}};
  const MinimumNorm nearest = minimum_norm_point(MinkowskiSum(terms), {.gap = 0.0, .iterations = 1000});
  CriticalPoint point{.u = u, .residual = nearest.norm};
  point.on_sphere = u.norm() >= radius_ * (1.0 - sphere_rounding(u.size())) - slack;
  if (point.on_sphere) point.multiplier = smallest_multiplier(gradients, u, radius_);
  point.resolved = point.residual <= kResolved * scale_;
  return {point, nearest.lower_bound};
}

CriticalPoint PointSearch::judged(VectorView<double> u) const { return judged_by(u, entered_gradients(field_, u), 0.0).point; }

SteepSpot PointSearch::judged_around(VectorView<double> u) const {
  const double distance = kAround * radius_;
  Points<double> gradients = points_around(u, distance, kDirections);
  std::vector<std::vector<int>> sides;
  for (Index i = 0; i < gradients.rows(); ++i) {
    sides.push_back(chosen_sides(field_, gradients.row(i).transpose()));
    gradients.row(i) = field_.evaluate(gradients.row(i).transpose(), sides.back()).gradient.transpose();
  }
  double first = 0.0;
  double second = 0.0;
  bool walls = false;
  const Index count = gradients.rows();
  for (Index i = 0; i < count; ++i) {
    const Index next = (i + 1) % count;
    const Index after = (i + 2) % count;
    const auto side = [&](Index k) -> const std::vector<int>& { return sides[static_cast<std::size_t>(k)]; };
    if (side(i) != side(next)) {
      walls = true;
      continue;
    }
    first = std::max(first, (gradients.row(next) - gradients.row(i)).norm());
    if (side(next) == side(after)) second = std::max(second, (gradients.row(next) - (gradients.row(i) + gradients.row(after)) / 2.0).norm());
  }
  const Judged judged = judged_by(u, gradients, distance);
  return {judged.point, judged.lower > 2.0 * second + (walls ? first : 0.0) + 10.0 * kAround * scale_};
}

std::vector<CriticalPoint> PointSearch::polished(VectorView<double> start, const std::vector<Index>& walls, bool sphere) const {
  std::vector<CriticalPoint> out;
  for (const CriticalStratum& stratum : strata_at(start.size(), chosen_sides(field_, start), walls, sphere)) {
    Eigen::VectorXd u = start;
    if (!solve(u, stratum)) continue;
    if (stratum.sphere && u.norm() > 0.0) u *= radius_ / u.norm();
    if (u.norm() <= radius_ * (1.0 + sphere_rounding(u.size()))) out.push_back(judged(u));
  }
  return out;
}

bool PointSearch::is_minimum(VectorView<double> u) const {
  const double here = value_at(field_, u);
  // F is a mean of squares: a few hundred terms of one sign, each with a few roundings.
  const double rounding = tolerance::gamma(2000.0, tolerance::unit_roundoff<double>()) * (std::abs(here) + scale_ * radius_);
  const Points<double> around = points_around(u, kNeighbours * radius_, 16);
  for (Index i = 0; i < around.rows(); ++i) {
    Eigen::VectorXd other = around.row(i).transpose();
    if (other.norm() > radius_) other *= radius_ / other.norm();
    if (value_at(field_, other) < here - rounding) return false;
  }
  return true;
}

}  // namespace slicecheck
