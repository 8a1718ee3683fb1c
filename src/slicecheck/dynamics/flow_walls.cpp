#include "slicecheck/dynamics/flow_walls.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/flow.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

constexpr std::size_t kMostWalls = 10;  // 2^10 pieces meet there

/// Walls whose gradient vanishes (up to rounding) do not divide anything: their kink is inert.
constexpr double kInert = 1e-14;

/// The point of smallest norm of the segment between two gradients.
Eigen::VectorXd smallest_of_two(const Points<double>& gradients) {
  const Eigen::VectorXd first = gradients.row(0).transpose();
  const Eigen::VectorXd edge = gradients.row(1).transpose() - first;
  const double length = edge.squaredNorm();
  return length > 0.0 ? Eigen::VectorXd(first + std::clamp(-first.dot(edge) / length, 0.0, 1.0) * edge) : first;
}

}  // namespace

std::vector<Index> walls_at(const FlowField& field, VectorView<double> u, const std::vector<int>& sides, double width) {
  std::vector<Index> walls;
  const Eigen::VectorXd h = field.evaluate(u, sides).switches;
  for (Index j = 0; j < h.size(); ++j)
    if (std::abs(h[j]) <= width || std::abs(h[j]) <= width * (1.0 + field.switch_gradient(u, j, sides).norm())) walls.push_back(j);
  if (walls.size() > kMostWalls) throw Error(fmt::format("flow: {} walls meet at one point; at most {} are resolved", walls.size(), kMostWalls));
  return walls;
}

Eigen::MatrixXd normals(const FlowField& field, VectorView<double> u, const std::vector<int>& sides, const std::vector<Index>& walls) {
  Eigen::MatrixXd out(u.size(), static_cast<Index>(walls.size()));
  for (std::size_t i = 0; i < walls.size(); ++i) out.col(static_cast<Index>(i)) = field.switch_gradient(u, walls[i], sides);
  return out;
}

bool piece_exists(const FlowField& field, VectorView<double> u, const std::vector<int>& sides, const std::vector<Index>& walls) {
  if (walls.size() < 2) return true;
  const Eigen::MatrixXd n = normals(field, u, sides, walls);
  Points<double> rows(n.cols(), n.rows());
  Index count = 0;
  for (Index i = 0; i < n.cols(); ++i)
    if (n.col(i).norm() > kInert) rows.row(count++) = sides[static_cast<std::size_t>(walls[static_cast<std::size_t>(i)])] * n.col(i).normalized().transpose();
  rows.conservativeResize(count, Eigen::NoChange);
  if (count < 2) return true;
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(rows.transpose());
  qr.setThreshold(kRateRounding);
  return qr.rank() == count || strict_direction(rows).margin > kRateRounding;
}

Points<double> piece_gradients(const FlowField& field, VectorView<double> u, std::vector<int> sides, const std::vector<Index>& walls) {
  const Index pieces = Index{1} << walls.size();
  Points<double> out(pieces, u.size());
  Index count = 0;
  for (Index piece = 0; piece < pieces; ++piece) {
    for (std::size_t i = 0; i < walls.size(); ++i) sides[static_cast<std::size_t>(walls[i])] = ((piece >> i) & 1) != 0 ? 1 : -1;
    if (piece_exists(field, u, sides, walls)) out.row(count++) = field.evaluate(u, sides).gradient.transpose();
  }
  if (count == 0) throw Error(fmt::format("flow: no piece was found among {} walls that meet", walls.size()));
  out.conservativeResize(count, Eigen::NoChange);
  return out;
}

Eigen::VectorXd tangential(const Eigen::MatrixXd& columns, const Eigen::VectorXd& v) {
  return v - columns * columns.completeOrthogonalDecomposition().solve(v);
}

Eigen::VectorXd smallest_gradient(const Points<double>& gradients) {
  if (gradients.rows() == 1) return gradients.row(0).transpose();
  if (gradients.rows() == 2) return smallest_of_two(gradients);
  constexpr MinimumNormOptions kOptions{.gap = 0.0, .iterations = 1000};
  Eigen::VectorXd x = minimum_norm_point(PointHull(gradients), kOptions).point;
  const double scale = gradients.rowwise().norm().maxCoeff();
  for (const double width : {1e-6, 1e-8, 1e-10, 1e-12}) {
    Eigen::MatrixXd edges(gradients.cols(), gradients.rows());
    Index count = 0;
    Eigen::VectorXd base;
    for (Index i = 0; i < gradients.rows(); ++i) {
      if (gradients.row(i).dot(x) > x.squaredNorm() + width * scale * scale) continue;
      if (base.size() == 0)
        base = gradients.row(i).transpose();
      else
        edges.col(count++) = gradients.row(i).transpose() - base;
    }
    if (base.size() == 0) break;
    Eigen::VectorXd exact = base;
    if (count > 0) exact = tangential(edges.leftCols(count), base);
    if (minimum_norm_point(PointHull(gradients.rowwise() - exact.transpose()), kOptions).norm <= 1e-12 * scale) return exact;
  }
  return x;
}

std::vector<std::vector<int>> flow_exits(const FlowField& field, VectorView<double> u0, double wall_width) {
  std::vector<int> sides = sides_at(field, u0);
  for (int& side : sides) side = side == 0 ? 1 : side;
  const std::vector<Index> walls = walls_at(field, u0, sides, wall_width);
  std::vector<std::vector<int>> exits;
  for (Index piece = 0; piece < (Index{1} << walls.size()); ++piece) {
    for (std::size_t i = 0; i < walls.size(); ++i) sides[static_cast<std::size_t>(walls[i])] = ((piece >> i) & 1) != 0 ? 1 : -1;
    const Eigen::VectorXd v = -field.evaluate(u0, sides).gradient;
    bool enters = true;
    for (const Index wall : walls) {
      const Eigen::VectorXd normal = field.switch_gradient(u0, wall, sides);
      enters = enters && sides[static_cast<std::size_t>(wall)] * normal.dot(v) > kRateRounding * normal.norm() * v.norm();
    }
    if (enters) exits.push_back(sides);
  }
  return exits;
}

bool flow_may_wait(const FlowField& field, VectorView<double> u0, double wall_width) {
  std::vector<int> sides = sides_at(field, u0);
  for (int& side : sides) side = side == 0 ? 1 : side;
  const std::vector<Index> walls = walls_at(field, u0, sides, wall_width);
  if (walls.empty() || flow_exits(field, u0, wall_width).empty()) return false;
  const Points<double> gradients = piece_gradients(field, u0, sides, walls);
  const Eigen::VectorXd v = -smallest_gradient(gradients);
  const double scale = gradients.rowwise().norm().maxCoeff();
  for (const Index wall : walls) {
    const Eigen::VectorXd normal = field.switch_gradient(u0, wall, sides);
    if (normal.norm() > kInert && std::abs(normal.dot(v)) <= kRateRounding * normal.norm() * (v.norm() + scale)) return true;
  }
  return false;
}

}  // namespace slicecheck
