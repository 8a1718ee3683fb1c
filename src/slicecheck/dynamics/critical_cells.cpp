#include "slicecheck/dynamics/critical_cells.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "slicecheck/core/parallel.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

constexpr std::size_t kMostWalls = 8;

/// Values of a function at the centre (column 0) and the corners of a cell: largest first and second differences. Corners i and 2^d − 1 − i are opposite.
struct Differences {
  double first = 0.0;
  double second = 0.0;
};

template <class Value>
Differences differences(Index corners, const Value& value) {
  Differences out;
  for (Index i = 0; i < corners; ++i) {
    out.first = std::max(out.first, (value(1 + i) - value(0)).norm());
    out.second = std::max(out.second, (value(0) - (value(1 + i) + value(corners - i)) / 2.0).norm());
  }
  return out;
}

/// Centre and corners, one a column.
Eigen::MatrixXd places(VectorView<double> centre, double side) {
  const Index d = centre.size();
  const Index corners = Index{1} << d;
  Eigen::MatrixXd out = centre.replicate(1, 1 + corners);
  for (Index i = 0; i < corners; ++i)
    for (Index k = 0; k < d; ++k) out(k, 1 + i) += ((i >> k) & 1) != 0 ? side / 2.0 : -side / 2.0;
  return out;
}

double nearest_norm(VectorView<double> centre, double side) { return (centre.cwiseAbs().array() - side / 2.0).max(0.0).matrix().norm(); }
double farthest_norm(VectorView<double> centre, double side) { return (centre.cwiseAbs().array() + side / 2.0).matrix().norm(); }

/// What the pieces look like at the places of a cell.
struct CellPieces {
  std::vector<Index> walls;
  Eigen::MatrixXd gradients;  // d × (pieces · places)
  double spread = 0.0;
  bool seen = true;  // false: too many walls
};

/// All pieces for the given touched walls. Fails, with the walls completed, where another wall turns out to be touched.
bool look(const FlowField& field, const Eigen::MatrixXd& at, std::vector<int> sides, CellPieces& pieces) {
  const Index corners = at.cols() - 1;
  const Index count = Index{1} << pieces.walls.size();
  pieces.gradients.resize(at.rows(), count * at.cols());
  Eigen::MatrixXd h(field.switches(), at.cols());
  Differences largest;
  const std::vector<Index> known = pieces.walls;
  for (Index piece = 0; piece < count; ++piece) {
    for (std::size_t i = 0; i < known.size(); ++i) sides[static_cast<std::size_t>(known[i])] = ((piece >> i) & 1) != 0 ? 1 : -1;
    for (Index p = 0; p < at.cols(); ++p) {
      const PieceValue value = field.evaluate(at.col(p), sides);
      pieces.gradients.col(piece * at.cols() + p) = value.gradient;
      h.col(p) = value.switches;
    }
    for (Index j = 0; j < h.rows(); ++j) {
      if (std::find(pieces.walls.begin(), pieces.walls.end(), j) != pieces.walls.end()) continue;
      const Differences of_wall = differences(corners, [&](Index p) { return h.col(p).segment<1>(j); });
      const double margin = 2.0 * of_wall.second + of_wall.first / 16.0;
      if (h.row(j).minCoeff() <= margin && h.row(j).maxCoeff() >= -margin) pieces.walls.push_back(j);
    }
    if (pieces.walls.size() > known.size()) return false;
    const Differences of_gradient = differences(corners, [&](Index p) { return pieces.gradients.col(piece * at.cols() + p); });
    largest = {std::max(largest.first, of_gradient.first), std::max(largest.second, of_gradient.second)};
  }
  pieces.spread = 2.0 * largest.second + largest.first / 4.0;
  return true;
}

CellPieces pieces_of(const FlowField& field, const Eigen::MatrixXd& at) {
  CellPieces pieces;
  std::vector<int> sides = sides_at(field, at.col(0));
  for (int& side : sides) side = side == 0 ? 1 : side;
  while (!look(field, at, sides, pieces)) {
    if (pieces.walls.size() > kMostWalls) {
      pieces.seen = false;
      break;
    }
  }
  std::sort(pieces.walls.begin(), pieces.walls.end());
  return pieces;
}

/// min over the columns of gradients + cone of ⟨column, x⟩; cone: columns of directions, or none.
double smallest_product(const Eigen::MatrixXd& gradients, const Eigen::MatrixXd& cone, const Eigen::VectorXd& x) {
  double out = (x.transpose() * gradients).minCoeff();
  if (cone.cols() > 0) out += std::min(0.0, (x.transpose() * cone).minCoeff());
  return out;
}

/// Every gradient plus every end of the cone, one a row.
Points<double> sums(const Eigen::MatrixXd& gradients, const Eigen::MatrixXd& cone) {
  Points<double> rows(gradients.cols() * (cone.cols() + 1), gradients.rows());
  rows.topRows(gradients.cols()) = gradients.transpose();
  for (Index i = 0; i < cone.cols(); ++i)
    rows.middleRows((i + 1) * gradients.cols(), gradients.cols()) = gradients.transpose().rowwise() + cone.col(i).transpose();
  return rows;
}

/// Each cell of `candidates` that meets the ball and passes the test, in order.
std::vector<CriticalCell> tested(const CellTest& test, const CellLevel& level, std::vector<CriticalCell> candidates) {
  std::vector<char> kept(candidates.size(), 0);
  parallel_for(static_cast<Index>(candidates.size()), [&](Index i) {
    const auto number = static_cast<std::size_t>(i);
    const Eigen::VectorXd centre = level.centre(candidates[number]);
    kept[number] = test.meets_ball(centre, level.side) && test.keeps(centre, level.side, candidates[number]) ? 1 : 0;
  });
  std::vector<CriticalCell> out;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (kept[i] != 0) out.push_back(std::move(candidates[i]));
  return out;
}

}  // namespace

bool CellTest::meets_ball(VectorView<double> centre, double side) const { return nearest_norm(centre, side) <= radius_; }

bool CellTest::keeps(VectorView<double> centre, double side, CriticalCell& cell) const {
  const Eigen::MatrixXd at = places(centre, side);
  CellPieces pieces = pieces_of(field_, at);
  cell.walls = pieces.walls;
  cell.meets_sphere = nearest_norm(centre, side) <= radius_ && farthest_norm(centre, side) >= radius_;
  cell.distance = 0.0;
  if (!pieces.seen) return true;
  const double size = pieces.gradients.colwise().norm().maxCoeff();
  const double allowed = pieces.spread + 1e-12 * size;
  Eigen::MatrixXd cone(at.rows(), 0);
  if (cell.meets_sphere) cone = 2.0 * size * at.rightCols(at.cols() - 1).colwise().normalized();
  const Eigen::VectorXd mean = pieces.gradients.rowwise().mean();
  if (mean.norm() > allowed && smallest_product(pieces.gradients, cone, mean) > allowed * mean.norm()) return false;
  const MinimumNorm nearest = minimum_norm_point(PointHull(sums(pieces.gradients, cone)), {.gap = allowed / 16.0, .iterations = 200});
  cell.distance = nearest.norm;
  return nearest.lower_bound <= allowed;
}

Eigen::VectorXd CellLevel::centre(const CriticalCell& cell) const {
  Eigen::VectorXd out = origin;
  for (Index k = 0; k < origin.size(); ++k) out[k] += side * (static_cast<double>(cell.at[static_cast<std::size_t>(k)]) + 0.5);
  return out;
}

CellLevel coarse_cells(const CellTest& test, Index parameters, double radius, double coarse) {
  constexpr double kShift = 0.381966011;
  CellLevel level;
  level.side = radius * coarse;
  level.origin = Eigen::VectorXd::Constant(parameters, -radius - kShift * level.side);
  const auto count = static_cast<std::int64_t>(std::ceil((2.0 + kShift * coarse) / coarse * (1.0 + 1e-12)));
  std::vector<CriticalCell> candidates;
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t k = 0; k < (parameters == 1 ? 1 : count); ++k) candidates.push_back({.at = {i, k}});
  level.cells = tested(test, level, std::move(candidates));
  return level;
}

CellLevel halved(const CellTest& test, const CellLevel& level) {
  CellLevel next{level.origin, level.side / 2.0, {}};
  std::vector<CriticalCell> candidates;
  for (const CriticalCell& cell : level.cells)
    for (std::int64_t i = 0; i < 2; ++i)
      for (std::int64_t k = 0; k < (level.origin.size() == 1 ? 1 : 2); ++k) candidates.push_back({.at = {2 * cell.at[0] + i, 2 * cell.at[1] + k}});
  next.cells = tested(test, next, std::move(candidates));
  return next;
}

std::vector<std::vector<std::size_t>> clusters(const CellLevel& level) {
  const auto key = [](std::int64_t i, std::int64_t k) { return (i << 31) + k; };
  std::unordered_map<std::int64_t, std::size_t> where;
  for (std::size_t i = 0; i < level.cells.size(); ++i) where.emplace(key(level.cells[i].at[0], level.cells[i].at[1]), i);
  std::vector<char> reached(level.cells.size(), 0);
  std::vector<std::vector<std::size_t>> out;
  for (std::size_t first = 0; first < level.cells.size(); ++first) {
    if (reached[first] != 0) continue;
    reached[first] = 1;
    std::vector<std::size_t> members{first};
    for (std::size_t next = 0; next < members.size(); ++next) {
      const CriticalCell& cell = level.cells[members[next]];
      for (std::int64_t i = -1; i <= 1; ++i)
        for (std::int64_t k = -1; k <= 1; ++k) {
          const auto found = where.find(key(cell.at[0] + i, cell.at[1] + k));
          if (found == where.end() || reached[found->second] != 0) continue;
          reached[found->second] = 1;
          members.push_back(found->second);
        }
    }
    out.push_back(std::move(members));
  }
  return out;
}

}  // namespace slicecheck
