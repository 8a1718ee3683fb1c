#include "slicecheck/dynamics/critical_set.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/dynamics/critical_cells.h"
#include "slicecheck/dynamics/critical_points.h"

namespace slicecheck {

namespace {

constexpr std::size_t kMostCells = 60000;       // looked at on one level
constexpr std::size_t kMostCellsDeeper = 8000;  // the same below `fine`
constexpr double kDeepest = 0x1p-30;            // of r: side at which deeper cutting ends
constexpr double kStretch = 0.01;               // of r: half a stretch of a long cluster, at least
constexpr double kStretches = 8.0;              // along the side of a square as large as the cluster, at most
constexpr double kSpot = 1e-4;                  // of r: size of what is left after deeper cutting
constexpr double kSame = 1e-6;                  // of r: points nearer to each other are one

void check_radius(double radius) {
  if (!std::isfinite(radius) || !(radius > 0.0)) reject("critical set: the radius is {}; it must be finite and positive", radius);
}

void check_plane(const FlowField& field) {
  if (field.parameters() != 1 && field.parameters() != 2) reject("critical set: the field has {} parameters; the search is for 1 or 2", field.parameters());
}

Points<double> rows_of(const std::vector<CriticalPoint>& points) {
  if (points.empty()) reject("critical set: there are no points; F has a minimum on the ball, at least");
  Points<double> out(static_cast<Index>(points.size()), points.front().u.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].u.size() != out.cols() || out.cols() == 0 || !points[i].u.allFinite())
      reject("critical set: point {} has {} entries, or one that is not finite; expected {}", i, points[i].u.size(), out.cols());
    out.row(static_cast<Index>(i)) = points[i].u.transpose();
  }
  return out;
}

/// The largest ‖∇F‖ on a grid over the ball.
double gradient_scale(const FlowField& field, double radius) {
  constexpr Index kHalf = 10;
  double scale = 0.0;
  Eigen::VectorXd u(field.parameters());
  for (Index i = -kHalf; i <= kHalf; ++i)
    for (Index k = -kHalf; k <= (u.size() == 1 ? -kHalf : kHalf); ++k) {
      u[0] = radius * static_cast<double>(i) / static_cast<double>(kHalf);
      if (u.size() > 1) u[1] = radius * static_cast<double>(k) / static_cast<double>(kHalf);
      if (u.norm() <= radius) scale = std::max(scale, gradient_at(field, u).norm());
    }
  return scale;
}

/// The survivors, and the points found in them.
class SetSearch {
 public:
  SetSearch(const FlowField& field, double radius)
      : test_(field, radius), points_(field, radius, gradient_scale(field, radius)), field_(field), radius_(radius) {}

  CriticalSet run(const CriticalSearch& search) {
    level_ = coarse_cells(test_, field_.parameters(), radius_, search.coarse);
    const std::size_t parts = std::size_t{1} << field_.parameters();
    while (level_.side > search.fine * radius_ * (1.0 + 1e-12) && level_.cells.size() * parts <= kMostCells) level_ = halved(test_, level_);
    dropped_.assign(level_.cells.size(), 0);
    for (const std::vector<std::size_t>& cluster : clusters(level_)) look_into(cluster);
    return result();
  }

 private:
  [[nodiscard]] double reach() const { return level_.side / 2.0 * std::sqrt(static_cast<double>(field_.parameters())); }

  /// Stretch by stretch: from the cell whose hull is nearest to 0, and from the stretch's other end.
  void look_into(const std::vector<std::size_t>& cluster) {
    std::vector<std::size_t> left = cluster;
    stretch_ = std::max(kStretch * radius_, level_.side * std::sqrt(static_cast<double>(cluster.size())) / kStretches);
    while (!left.empty()) {
      const CellLevel stretch = take_stretch(left);
      const CriticalCell& best = stretch.cells.front();
      const Eigen::VectorXd from = stretch.centre(best);
      CriticalCell any = best;
      std::size_t farthest = 0;
      for (std::size_t i = 0; i < stretch.cells.size(); ++i) {
        const CriticalCell& cell = stretch.cells[i];
        any.meets_sphere = any.meets_sphere || cell.meets_sphere;
        for (const Index wall : cell.walls)
          if (std::find(any.walls.begin(), any.walls.end(), wall) == any.walls.end()) any.walls.push_back(wall);
        if ((stretch.centre(cell) - from).norm() > (stretch.centre(stretch.cells[farthest]) - from).norm()) farthest = i;
      }
      std::vector<CriticalPoint> found = points_.polished(from, any.walls, any.meets_sphere);
      if (farthest != 0) {
        const std::vector<CriticalPoint> more = points_.polished(stretch.centre(stretch.cells[farthest]), any.walls, any.meets_sphere);
        found.insert(found.end(), more.begin(), more.end());
      }
      if (!accept(found, left)) look_deeper(stretch, best_of(found, from));
    }
  }

  /// Takes the cells near that of smallest distance out of `left`; that cell comes first.
  CellLevel take_stretch(std::vector<std::size_t>& left) {
    CellLevel stretch{level_.origin, level_.side, {}};
    const std::size_t best = *std::min_element(left.begin(), left.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(level_.cells[a].distance, a) < std::pair(level_.cells[b].distance, b);
    });
    stretch.cells.push_back(level_.cells[best]);
    members_.assign(1, best);
    const Eigen::VectorXd centre = level_.centre(level_.cells[best]);
    std::vector<std::size_t> rest;
    for (const std::size_t i : left) {
      if (i == best) continue;
      if ((level_.centre(level_.cells[i]) - centre).norm() <= stretch_) {
        stretch.cells.push_back(level_.cells[i]);
        members_.push_back(i);
      } else {
        rest.push_back(i);
      }
    }
    left = std::move(rest);
    return stretch;
  }

  /// Keeps the resolved points near the stretch; cells near to them need no search of their own. Any other resolved point is one too: it is kept, and counts as
  /// found in the stretch where it lies.
  bool accept(const std::vector<CriticalPoint>& found, std::vector<std::size_t>& left) {
    bool any = false;
    for (const CriticalPoint& point : found) {
      if (!point.resolved) continue;
      found_.push_back(point);
      const auto near = [&](std::size_t i, double distance) { return (level_.centre(level_.cells[i]) - point.u).norm() <= distance; };
      const bool inside = std::any_of(members_.begin(), members_.end(), [&](std::size_t i) { return near(i, 2.0 * reach()); });
      any = any || inside;
      if (inside) std::erase_if(left, [&](std::size_t i) { return near(i, stretch_); });
    }
    return any;
  }

  [[nodiscard]] CriticalPoint best_of(const std::vector<CriticalPoint>& found, const Eigen::VectorXd& centre) const {
    Eigen::VectorXd inside = centre;
    if (inside.norm() > radius_) inside *= radius_ / inside.norm();
    CriticalPoint best = points_.judged(inside);
    for (const CriticalPoint& point : found)
      if (point.residual < best.residual && (point.u - centre).norm() <= stretch_) best = point;
    return best;
  }

  /// Cuts the stretch further. `best`: its best point so far, unresolved.
  void look_deeper(CellLevel level, const CriticalPoint& best) {
    const std::size_t parts = std::size_t{1} << field_.parameters();
    while (level.side > kDeepest * radius_ && !level.cells.empty()) {
      if (level.cells.size() * parts > kMostCellsDeeper) {
        found_.push_back(best);
        return;
      }
      level = halved(test_, level);
    }
    std::sort(level.cells.begin(), level.cells.end(),
              [](const CriticalCell& a, const CriticalCell& b) { return std::pair(a.distance, a.at) < std::pair(b.distance, b.at); });
    bool refuted = true;
    while (!level.cells.empty()) {
      const CriticalCell cell = level.cells.front();
      const Eigen::VectorXd u = level.centre(cell);
      std::erase_if(level.cells, [&](const CriticalCell& other) { return (level.centre(other) - u).norm() <= kSpot * radius_; });
      refuted = !look_at_spot(u, cell) && refuted;
    }
    if (refuted)
      for (const std::size_t i : members_) dropped_[i] = 1;
  }

  /// False where nothing near u is critical.
  bool look_at_spot(const Eigen::VectorXd& u, const CriticalCell& cell) {
    std::vector<CriticalPoint> found = points_.polished(u, cell.walls, cell.meets_sphere);
    const SteepSpot spot = points_.judged_around(u.norm() > radius_ ? Eigen::VectorXd(u * (radius_ / u.norm())) : u);
    found.push_back(spot.point);
    for (const CriticalPoint& point : found) {
      if (!point.resolved || (point.u - u).norm() > kSpot * radius_) continue;
      found_.push_back(point);
      return true;
    }
    if (spot.refuted) return false;
    found_.push_back(best_of(found, u));
    return true;
  }

  CriticalSet result() {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const CriticalPoint& a, const CriticalPoint& b) { return std::pair(!a.resolved, a.residual) < std::pair(!b.resolved, b.residual); });
    std::vector<CriticalPoint> points;
    for (const CriticalPoint& point : found_) {
      const bool known = std::any_of(points.begin(), points.end(), [&](const CriticalPoint& p) { return (p.u - point.u).norm() <= kSame * radius_; });
      if (!known) points.push_back(point);
    }
    for (CriticalPoint& point : points) point.minimum = points_.is_minimum(point.u);
    std::vector<Eigen::VectorXd> kept;
    for (std::size_t i = 0; i < level_.cells.size(); ++i)
      if (dropped_[i] == 0) kept.push_back(level_.centre(level_.cells[i]));
    // A resolved point that no cell holds shows that the estimates of the cells were too small there: its surroundings are cells all the same.
    for (const CriticalPoint& point : points)
      if (point.resolved && std::none_of(kept.begin(), kept.end(), [&](const Eigen::VectorXd& centre) { return (centre - point.u).norm() <= reach(); }))
        kept.push_back(point.u);
    if (kept.empty() || points.empty())
      throw Error("critical set: no cell can hold a critical point, although F has a minimum on the ball; the field's gradients are not those of its F");
    std::stable_sort(points.begin(), points.end(),
                     [&](const CriticalPoint& a, const CriticalPoint& b) { return value_at(field_, a.u) < value_at(field_, b.u); });
    Points<double> cells(static_cast<Index>(kept.size()), field_.parameters());
    for (std::size_t i = 0; i < kept.size(); ++i) cells.row(static_cast<Index>(i)) = kept[i].transpose();
    return {radius_, std::move(points), std::move(cells), reach()};
  }

  CellTest test_;
  PointSearch points_;
  const FlowField& field_;
  double radius_;
  CellLevel level_;
  std::vector<char> dropped_;         // cells of level_ that deeper cutting has emptied
  double stretch_ = 0.0;              // radius of the present stretch
  std::vector<std::size_t> members_;  // its cells
  std::vector<CriticalPoint> found_;
};

}  // namespace

CriticalSet::CriticalSet(double radius, const std::vector<CriticalPoint>& points) : CriticalSet(radius, points, rows_of(points), 0.0) {}

CriticalSet::CriticalSet(double radius, std::vector<CriticalPoint> points, Points<double> cells, double reach)
    : radius_(radius), points_(std::move(points)), cells_(std::move(cells)), reach_(reach) {
  check_radius(radius);
  const Index d = rows_of(points_).cols();
  if (cells_.rows() == 0 || cells_.cols() != d || !cells_.allFinite())
    reject("critical set: {} cells of dimension {}, or an entry that is not finite; at least one of dimension {} is needed", cells_.rows(), cells_.cols(), d);
  if (!std::isfinite(reach) || !(reach >= 0.0)) reject("critical set: the reach is {}; it must be finite and at least 0", reach);
}

CriticalDistance CriticalSet::distance(VectorView<double> u) const {
  if (u.size() != cells_.cols() || !u.allFinite()) reject("critical set: u has {} entries, or one that is not finite; expected {}", u.size(), cells_.cols());
  const double nearest = std::sqrt((cells_.rowwise() - u.transpose()).rowwise().squaredNorm().minCoeff());
  CriticalDistance out{std::max(0.0, nearest - reach_), std::numeric_limits<double>::infinity()};
  for (const CriticalPoint& point : points_)
    if (point.resolved) out.upper = std::min(out.upper, (point.u - u).norm());
  return out;
}

CriticalSet two_point_line_critical_set(Index n, double radius) {
  if (n < 1) reject("critical set: a batch of {} points; at least 1 is needed", n);
  check_radius(radius);
  double central = 1.0;  // C(2n, n)/4ⁿ = Π (2k − 1)/(2k)
  for (Index k = 1; k <= n; ++k) central *= static_cast<double>(2 * k - 1) / static_cast<double>(2 * k);
  const double c = n == 1 ? 0.0 : 1.0 - 2.0 * central;
  // F'(u) = 2u − 2c for u > 0; c as computed errs by 2n + 2 roundings.
  const double rounding = 2.0 * tolerance::gamma(2.0 * static_cast<double>(n) + 2.0, tolerance::unit_roundoff<double>());
  std::vector<CriticalPoint> points;
  if (n == 1) {
    points.push_back({.u = Eigen::VectorXd::Zero(1), .minimum = true});
    return {radius, points};
  }
  const bool on_sphere = radius <= c;
  const double multiplier = on_sphere ? 2.0 * (c - radius) / radius : 0.0;
  for (const double sign : {-1.0, 0.0, 1.0})
    points.push_back({.u = Eigen::VectorXd::Constant(1, sign * std::min(c, radius)),
                      .residual = sign == 0.0 || on_sphere ? 0.0 : rounding,
                      .on_sphere = on_sphere && sign != 0.0,
                      .multiplier = sign == 0.0 ? 0.0 : multiplier,
                      .minimum = sign != 0.0});
  return {radius, points};
}

CriticalSet find_critical_set(const FlowField& field, double radius, const CriticalSearch& search) {
  check_plane(field);
  check_radius(radius);
  if (!(search.coarse > 0.0 && search.coarse <= 0.25)) reject("critical set: the coarse cells are {} of r; expected more than 0, at most 1/4", search.coarse);
  if (!(search.fine >= 0x1p-20 && search.fine <= search.coarse))
    reject("critical set: the fine cells are {} of r; expected 2^-20 at least, and no more than the coarse ones, {}", search.fine, search.coarse);
  return SetSearch(field, radius).run(search);
}

double smallest_outward_slope(const FlowField& field, double radius, Index directions) {
  check_plane(field);
  check_radius(radius);
  if (directions < 1) reject("critical set: {} directions; at least 1 is needed", directions);
  double smallest = std::numeric_limits<double>::infinity();
  const auto look = [&](const Eigen::VectorXd& u) { smallest = std::min(smallest, (entered_gradients(field, u) * u).minCoeff() / radius); };
  if (field.parameters() == 1) {
    look(Eigen::VectorXd::Constant(1, radius));
    look(Eigen::VectorXd::Constant(1, -radius));
    return smallest;
  }
  const auto at = [&](double angle) -> Eigen::VectorXd { return radius * Eigen::Vector2d(std::cos(angle), std::sin(angle)); };
  const double step = 2.0 * std::numbers::pi / static_cast<double>(directions);
  for (Index i = 0; i < directions; ++i) {
    const double from = step * static_cast<double>(i);
    look(at(from));
    const std::vector<int> before = sides_at(field, at(from));
    const std::vector<int> after = sides_at(field, at(from + step));
    for (std::size_t j = 0; j < before.size(); ++j) {
      if (before[j] * after[j] >= 0) continue;
      double low = from;
      double high = from + step;
      for (double middle = (low + high) / 2.0; low < middle && middle < high; middle = (low + high) / 2.0)
        (sides_at(field, at(middle))[j] == before[j] ? low : high) = middle;
      look(at(low));
      look(at(high));
    }
  }
  return smallest;
}

}  // namespace slicecheck
