#include "slicecheck/claims/piecewise_linear.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

/// value + slope·(t v), to first order next to the point.
struct Form {
  double value = 0.0;
  Eigen::RowVectorXd slope;
};

using Walls = std::vector<Eigen::RowVectorXd>;

void add_wall(const Eigen::RowVectorXd& normal, Walls& walls) {
  const bool known = std::any_of(walls.begin(), walls.end(), [&](const Eigen::RowVectorXd& other) {
    return normal.size() == 1 || normal[0] * other[1] == normal[1] * other[0];  // exact: small multiples of powers of 1/4
  });
  if (!known) walls.push_back(normal);
}

/// One walk through the map along a direction; `on_wall` where the direction decides nothing.
class Walk {
 public:
  Walk(const Eigen::VectorXd& v, Walls& walls) : v_(v), walls_(walls) {}

  [[nodiscard]] bool on_wall() const { return on_wall_; }

  /// Sign of the form for small t > 0.
  int sign(const Form& form) {
    if (form.value != 0.0) return form.value > 0.0 ? 1 : -1;
    if (form.slope.isZero(0.0)) return 0;
    add_wall(form.slope, walls_);
    const double along = form.slope.dot(v_.transpose());
    on_wall_ = on_wall_ || along == 0.0;
    return along > 0.0 ? 1 : -1;
  }

  Form rectified(const Form& form) {
    if (sign(form) > 0) return form;
    return {0.0, Eigen::RowVectorXd::Zero(form.slope.size())};
  }

  Form image(const PiecewiseLinearMap& map, const Eigen::VectorXd& s, double x) {
    std::vector<Form> hidden;
    for (Index i = 0; i < map.slope.rows(); ++i)
      hidden.push_back(rectified({map.slope.row(i).dot(s.transpose()) + map.gain[i] * x + map.bias[i], map.slope.row(i)}));
    if (!map.second.empty()) {
      std::vector<Form> next;
      for (const PiecewiseLinearMap::Unit& unit : map.second) next.push_back(rectified(combined(hidden, unit.in, unit.bias, map.parameters())));
      hidden = std::move(next);
    }
    Form image = combined(hidden, {map.out.data(), map.out.data() + map.out.size()}, map.offset, map.parameters());
    image.value += map.drift.dot(s.transpose());
    image.slope += map.drift;
    return image;
  }

 private:
  static Form combined(const std::vector<Form>& of, const std::vector<double>& with, double bias, Index parameters) {
    Form sum{bias, Eigen::RowVectorXd::Zero(parameters)};
    for (std::size_t i = 0; i < of.size(); ++i) {
      sum.value += with[i] * of[i].value;
      sum.slope += with[i] * of[i].slope;
    }
    return sum;
  }

  const Eigen::VectorXd& v_;
  Walls& walls_;
  bool on_wall_ = false;
};

/// Numbers 0 … base^n − 1 as n digits: ordered batches.
std::vector<std::size_t> digits(std::size_t code, std::size_t base, Index n) {
  std::vector<std::size_t> out;
  for (Index k = 0; k < n; ++k, code /= base) out.push_back(code % base);
  return out;
}

std::size_t power(std::size_t base, Index n) {
  std::size_t out = 1;
  for (Index k = 0; k < n; ++k) out *= base;
  return out;
}

/// lim ∇F(s + tv), t ↓ 0; nothing on a wall.
std::optional<Eigen::RowVectorXd> limit_along(const PiecewiseLinearMap& map, const Eigen::VectorXd& s, const Eigen::VectorXd& v,
                                              const std::vector<LineAtom>& inputs, const std::vector<LineAtom>& targets, Index n, Walls& walls) {
  Walk walk(v, walls);
  std::vector<Form> images;
  for (const LineAtom& atom : inputs) images.push_back(walk.image(map, s, atom.at));
  // Ranks of the images; equal ones may be taken in any order, they have one value and one slope.
  std::vector<std::size_t> rank(images.size());
  for (std::size_t i = 0; i < images.size(); ++i)
    for (std::size_t j = 0; j < images.size(); ++j)
      if (walk.sign({images[i].value - images[j].value, images[i].slope - images[j].slope}) > 0) ++rank[i];
  if (walk.on_wall()) return std::nullopt;
  Eigen::RowVectorXd gradient = Eigen::RowVectorXd::Zero(map.parameters());
  for (std::size_t i = 0; i < power(inputs.size(), n); ++i) {
    std::vector<std::size_t> x = digits(i, inputs.size(), n);
    std::sort(x.begin(), x.end(), [&](std::size_t a, std::size_t b) { return rank[a] < rank[b]; });
    for (std::size_t j = 0; j < power(targets.size(), n); ++j) {
      std::vector<std::size_t> y = digits(j, targets.size(), n);
      std::sort(y.begin(), y.end(), [&](std::size_t a, std::size_t b) { return targets[a].at < targets[b].at; });
      double probability = 1.0;
      Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(map.parameters());
      for (std::size_t k = 0; k < x.size(); ++k) {
        probability *= inputs[x[k]].probability * targets[y[k]].probability;
        sum += (images[x[k]].value - targets[y[k]].at) * images[x[k]].slope;
      }
      gradient += probability * 2.0 / static_cast<double>(n) * sum;
    }
  }
  return gradient;
}

/// Unit vectors in the middle of the sectors that the walls cut the plane into.
std::vector<Eigen::VectorXd> sector_middles(const Walls& walls) {
  std::vector<double> angles;
  for (const Eigen::RowVectorXd& a : walls) {
    angles.push_back(std::atan2(a[0], -a[1]));
    angles.push_back(std::atan2(-a[0], a[1]));
  }
  if (angles.empty()) angles.push_back(0.3);
  std::sort(angles.begin(), angles.end());
  std::vector<Eigen::VectorXd> middles;
  for (std::size_t i = 0; i < angles.size(); ++i) {
    const double next = i + 1 < angles.size() ? angles[i + 1] : angles.front() + 2.0 * std::numbers::pi;
    const double middle = 0.5 * (angles[i] + next);
    middles.emplace_back(Eigen::Vector2d(std::cos(middle), std::sin(middle)));
  }
  return middles;
}

double distance_of_segment(const Eigen::RowVector2d& a, const Eigen::RowVector2d& b) {
  const Eigen::RowVector2d along = b - a;
  const double length = along.squaredNorm();
  const double t = length > 0.0 ? std::clamp(-a.dot(along) / length, 0.0, 1.0) : 0.0;
  return (a + t * along).norm();
}

}  // namespace

std::shared_ptr<const TiedMlp> PiecewiseLinearMap::network() const {
  std::vector<Index> widths{slope.rows()};
  if (!second.empty()) widths.push_back(static_cast<Index>(second.size()));
  const auto mlp = std::make_shared<DenseMlp<double>>(1, widths, 1, Activation::relu);
  Eigen::VectorXd base = Eigen::VectorXd::Zero(mlp->parameters());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(mlp->parameters(), parameters());
  const Index first = slope.rows();
  base.head(first) = gain;
  base.segment(first, first) = bias;
  matrix.middleRows(first, first) = slope;
  if (!second.empty()) {
    const Index fan = mlp->fan_in(1);  // x and the first layer
    for (std::size_t i = 0; i < second.size(); ++i) {
      for (Index j = 0; j < first; ++j) base[mlp->offset(1) + static_cast<Index>(i) * fan + 1 + j] = second[i].in[static_cast<std::size_t>(j)];
      base[mlp->offset(1) + static_cast<Index>(second.size()) * fan + static_cast<Index>(i)] = second[i].bias;
    }
  }
  const Index last = mlp->layers() - 1;
  base.segment(mlp->offset(last) + mlp->fan_in(last) - out.size(), out.size()) = out;
  base[mlp->parameters() - 1] = offset;
  matrix.row(mlp->parameters() - 1) = drift;
  return std::make_shared<TiedMlp>(mlp, base, matrix);
}

PiecewiseLinearMap drawn_piecewise_linear(PointDraws& draws, Index parameters, bool two_layers, const Eigen::VectorXd& s) {
  const auto integer = [&](std::uint64_t reach) { return static_cast<double>(draws.below(2 * reach + 1)) - static_cast<double>(reach); };
  const Index width = 1 + static_cast<Index>(draws.below(2));
  PiecewiseLinearMap map;
  map.slope = Eigen::MatrixXd::Zero(width, parameters);
  map.gain = Eigen::VectorXd::Zero(width);
  map.bias = Eigen::VectorXd::Zero(width);
  for (Index i = 0; i < width; ++i) {
    for (Index j = 0; j < parameters; ++j) map.slope(i, j) = integer(2);
    map.gain[i] = draws.below(2) == 0 ? 0.0 : integer(1);
    map.bias[i] = -map.slope.row(i).dot(s.transpose()) + (draws.below(4) == 0 ? integer(1) : 0.0);  // mostly a kink at s, for the input 0 at least
  }
  if (two_layers) {
    map.second.resize(1 + draws.below(2));
    for (PiecewiseLinearMap::Unit& unit : map.second) {
      for (Index j = 0; j < width; ++j) unit.in.push_back(integer(1));
      unit.bias = draws.below(4) == 0 ? integer(1) : 0.0;
    }
  }
  map.out = Eigen::VectorXd::Zero(two_layers ? static_cast<Index>(map.second.size()) : width);
  for (Index i = 0; i < map.out.size(); ++i) map.out[i] = integer(2);
  map.drift = Eigen::RowVectorXd::Zero(parameters);
  for (Index j = 0; j < parameters; ++j) map.drift[j] = 0.5 * integer(2);
  map.offset = 0.25 * integer(3);
  return map;
}

Points<double> all_limiting_gradients(const PiecewiseLinearMap& map, const Eigen::VectorXd& s, const std::vector<LineAtom>& inputs,
                                      const std::vector<LineAtom>& targets, Index n) {
  Walls walls;
  std::vector<Eigen::VectorXd> directions;
  if (map.parameters() == 1) {
    directions = {Eigen::VectorXd::Ones(1), -Eigen::VectorXd::Ones(1)};
  } else {
    // A sector that no walk has been in is next to one that has been walked, and the wall between them is a wall of that walk: nothing is left out.
    for (std::size_t known = 0;; known = walls.size()) {
      directions = sector_middles(walls);
      for (const Eigen::VectorXd& v : directions) (void)limit_along(map, s, v, inputs, targets, n, walls);
      if (walls.size() == known) break;
    }
  }
  std::vector<Eigen::RowVectorXd> limits;
  for (const Eigen::VectorXd& v : directions)
    if (const auto limit = limit_along(map, s, v, inputs, targets, n, walls)) limits.push_back(*limit);
  Points<double> rows(static_cast<Index>(limits.size()), map.parameters());
  for (std::size_t i = 0; i < limits.size(); ++i) rows.row(static_cast<Index>(i)) = limits[i];
  return rows;
}

double distance_of_hull(const Points<double>& rows, const Eigen::VectorXd& ray) {
  if (rows.rows() == 0) reject("the hull of no points has no distance");
  std::vector<Eigen::RowVector2d> points;
  const auto in_plane = [](const auto& v) { return Eigen::RowVector2d(v[0], v.size() > 1 ? v[1] : 0.0); };
  const double largest = rows.rowwise().norm().maxCoeff();
  for (Index k = 0; k < rows.rows(); ++k) {
    points.push_back(in_plane(rows.row(k)));
    // λ‖ray‖ ≤ ‖g‖ at the nearest point of each g + ray, so this much of the ray is enough.
    if (ray.norm() > 0.0) points.push_back(points.back() + 2.0 * largest / ray.norm() * in_plane(ray));
  }
  double distance = std::numeric_limits<double>::infinity();
  std::vector<double> angles;
  for (const Eigen::RowVector2d& a : points) {
    angles.push_back(std::atan2(a[1], a[0]));
    for (const Eigen::RowVector2d& b : points) distance = std::min(distance, distance_of_segment(a, b));
  }
  // 0 is inside where no open half plane holds all points: no gap between neighbouring angles reaches π.
  std::sort(angles.begin(), angles.end());
  double gap = angles.front() + 2.0 * std::numbers::pi - angles.back();
  for (std::size_t i = 1; i < angles.size(); ++i) gap = std::max(gap, angles[i] - angles[i - 1]);
  return gap < std::numbers::pi * (1.0 - 1e-12) ? 0.0 : distance;
}

}  // namespace slicecheck
