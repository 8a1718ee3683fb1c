#include "slicecheck/loss/assignment.h"

#include <limits>
#include <utility>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

/// Adds one row to a partial optimal assignment along a shortest augmenting path. Potentials keep cost(i, j) − row(i) − column(j) ≥ 0, with equality on matched
/// pairs.
class Augmenter {
 public:
  explicit Augmenter(PointsView<double> cost)
      : cost_(cost), n_(cost.rows()), column_potential_(n_, 0.0), row_potential_(n_, 0.0), row_of_column_(n_, -1), column_of_row_(n_, -1) {}

  void add_row(Index row) {
    std::vector<double> distance(n_, std::numeric_limits<double>::infinity());
    std::vector<Index> previous_row(n_, -1);
    std::vector<char> settled(n_, 0);
    std::vector<Index> tree_rows{row};
    std::vector<Index> tree_columns;
    Index current_row = row;
    Index free_column = -1;
    double length = 0.0;
    while (free_column < 0) {
      Index nearest = -1;
      for (Index j = 0; j < static_cast<Index>(n_); ++j) {
        if (settled[at(j)]) continue;
        const double through = length + cost_(current_row, j) - row_potential_[at(current_row)] - column_potential_[at(j)];
        if (through < distance[at(j)]) {
          distance[at(j)] = through;
          previous_row[at(j)] = current_row;
        }
        if (nearest < 0 || distance[at(j)] < distance[at(nearest)]) nearest = j;
      }
      length = distance[at(nearest)];
      settled[at(nearest)] = 1;
      tree_columns.push_back(nearest);
      if (row_of_column_[at(nearest)] < 0) {
        free_column = nearest;
      } else {
        current_row = row_of_column_[at(nearest)];
        tree_rows.push_back(current_row);
      }
    }
    row_potential_[at(row)] += length;
    for (std::size_t t = 0; t + 1 < tree_columns.size(); ++t) {
      const Index column = tree_columns[t];
      const double slack = length - distance[at(column)];
      row_potential_[at(row_of_column_[at(column)])] += slack;
      column_potential_[at(column)] -= slack;
    }
    flip_path(row, free_column, previous_row);
  }

  [[nodiscard]] const std::vector<Index>& match() const { return column_of_row_; }

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }

  void flip_path(Index start, Index column, const std::vector<Index>& previous_row) {
    for (;;) {
      const Index row = previous_row[at(column)];
      row_of_column_[at(column)] = row;
      std::swap(column_of_row_[at(row)], column);
      if (row == start) return;
    }
  }

  PointsView<double> cost_;
  std::size_t n_;
  std::vector<double> column_potential_;
  std::vector<double> row_potential_;
  std::vector<Index> row_of_column_;
  std::vector<Index> column_of_row_;
};

}  // namespace

std::vector<Index> optimal_assignment(PointsView<double> cost) {
  if (cost.rows() != cost.cols() || cost.rows() == 0) reject("the cost matrix is {} × {}; it must be square and not empty", cost.rows(), cost.cols());
  if (!cost.allFinite()) reject("the cost matrix has an entry that is not finite");
  Augmenter augmenter(cost);
  for (Index row = 0; row < cost.rows(); ++row) augmenter.add_row(row);
  return augmenter.match();
}

double exact_w2_squared(PointsView<double> z, PointsView<double> y) {
  if (z.rows() != y.rows() || z.cols() != y.cols() || z.rows() == 0 || z.cols() == 0)
    reject("exact W2: the clouds are {} × {} and {} × {}; they must have one shape and at least one point", z.rows(), z.cols(), y.rows(), y.cols());
  Points<double> cost(z.rows(), z.rows());
  for (Index k = 0; k < z.rows(); ++k) cost.row(k) = (y.rowwise() - z.row(k)).rowwise().squaredNorm().transpose();
  const auto match = optimal_assignment(cost);
  double sum = 0.0;
  for (Index k = 0; k < z.rows(); ++k) sum += cost(k, match[static_cast<std::size_t>(k)]);
  return sum / static_cast<double>(z.rows());
}

}  // namespace slicecheck
