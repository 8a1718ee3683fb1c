#include "slicecheck/loss/regularised/exact_transport.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

namespace {

/// Ships the mass of one source after the other along shortest paths of the residual graph. Potentials keep C_ij − φ_i + ψ_j ≥ 0, with equality where π_ij > 0.
class ShortestPaths {
 public:
  ShortestPaths(VectorView<double> a, VectorView<double> b, PointsView<double> cost)
      : cost_(cost),
        supply_(a),
        demand_(b),
        plan_(Points<double>::Zero(a.size(), b.size())),
        phi_(cost.rowwise().minCoeff()),
        psi_(Vector<double>::Zero(b.size())) {}

  void run() {
    for (Index i = 0; i < supply_.size(); ++i)
      while (supply_[i] > 0.0 && ship(i)) continue;
    // What rounding of the weights' sums has left goes where there is room for it: nowhere else than beside the last mass shipped.
    for (Index i = 0; i < supply_.size(); ++i) {
      if (!(supply_[i] > 0.0)) continue;
      Index most = 0;
      plan_.row(i).maxCoeff(&most);
      plan_(i, most) += supply_[i];
    }
  }

  Points<double>& plan() { return plan_; }
  [[nodiscard]] const Vector<double>& psi() const { return psi_; }

 private:
  /// Dijkstra's algorithm from source i to the nearest sink with demand; false where there is none.
  bool ship(Index source) {
    const Index n = supply_.size();
    const Index m = demand_.size();
    constexpr double kFar = std::numeric_limits<double>::infinity();
    Vector<double> to_column = Vector<double>::Constant(m, kFar);
    Vector<double> to_row = Vector<double>::Constant(n, kFar);
    std::vector<Index> row_before(static_cast<std::size_t>(m), -1);
    std::vector<Index> column_before(static_cast<std::size_t>(n), -1);
    std::vector<char> settled(static_cast<std::size_t>(m), 0);
    std::vector<Index> rows{source};
    to_row[source] = 0.0;
    Index sink = -1;
    double length = 0.0;
    for (std::size_t next = 0; sink < 0;) {
      for (; next < rows.size(); ++next) {
        const Index i = rows[next];
        for (Index j = 0; j < m; ++j) {
          if (settled[at(j)]) continue;
          const double through = to_row[i] + std::max(cost_(i, j) - phi_[i] + psi_[j], 0.0);
          if (through < to_column[j]) {
            to_column[j] = through;
            row_before[at(j)] = i;
          }
        }
      }
      Index nearest = -1;
      for (Index j = 0; j < m; ++j)
        if (!settled[at(j)] && to_column[j] < kFar && (nearest < 0 || to_column[j] < to_column[nearest])) nearest = j;
      if (nearest < 0) return false;
      settled[at(nearest)] = 1;
      length = to_column[nearest];
      if (demand_[nearest] > 0.0) {
        sink = nearest;
        break;
      }
      for (Index i = 0; i < n; ++i)
        if (plan_(i, nearest) > 0.0 && to_row[i] == kFar) {
          to_row[i] = length;
          column_before[at(i)] = nearest;
          rows.push_back(i);
        }
    }
    for (Index i = 0; i < n; ++i)
      if (to_row[i] < length) phi_[i] += length - to_row[i];
    for (Index j = 0; j < m; ++j)
      if (settled[at(j)] && to_column[j] < length) psi_[j] += length - to_column[j];
    double amount = std::min(supply_[source], demand_[sink]);
    for (Index j = sink; row_before[at(j)] != source; j = column_before[at(row_before[at(j)])])
      amount = std::min(amount, plan_(row_before[at(j)], column_before[at(row_before[at(j)])]));
    for (Index j = sink;;) {
      const Index i = row_before[at(j)];
      plan_(i, j) += amount;
      if (i == source) break;
      j = column_before[at(i)];
      plan_(i, j) -= amount;
    }
    supply_[source] -= amount;
    demand_[sink] -= amount;
    return true;
  }

  static std::size_t at(Index k) { return static_cast<std::size_t>(k); }

  PointsView<double> cost_;
  Vector<double> supply_;
  Vector<double> demand_;
  Points<double> plan_;
  Vector<double> phi_;
  Vector<double> psi_;
};

/// Makes the support a forest without moving a marginal: mass goes round every cycle until an entry of it is 0. All entries have reduced cost 0, so the value
/// stays.
class Forest {
 public:
  explicit Forest(Points<double>& plan) : plan_(plan), n_(plan.rows()), neighbours_(static_cast<std::size_t>(plan.rows() + plan.cols())) {}

  void purge() {
    for (Index i = 0; i < n_; ++i)
      for (Index j = 0; j < plan_.cols(); ++j)
        if (plan_(i, j) > 0.0) add(i, n_ + j);
  }

 private:
  double& entry(Index u, Index v) { return u < n_ ? plan_(u, v - n_) : plan_(v, u - n_); }
  std::vector<Index>& of(Index u) { return neighbours_[static_cast<std::size_t>(u)]; }

  void add(Index row, Index column) {
    const std::vector<Index> path = way(column, row);
    if (!path.empty()) {
      // The cycle row → column → … → row: every second edge loses what the others gain.
      double amount = entry(path[0], path[1]);
      for (std::size_t k = 0; k + 1 < path.size(); k += 2) amount = std::min(amount, entry(path[k], path[k + 1]));
      for (std::size_t k = 0; k + 1 < path.size(); ++k) entry(path[k], path[k + 1]) += k % 2 == 0 ? -amount : amount;
      entry(row, column) += amount;
      for (std::size_t k = 0; k + 1 < path.size(); k += 2)
        if (!(entry(path[k], path[k + 1]) > 0.0)) {
          std::erase(of(path[k]), path[k + 1]);
          std::erase(of(path[k + 1]), path[k]);
        }
    }
    of(row).push_back(column);
    of(column).push_back(row);
  }

  /// The path in the forest, or nothing.
  std::vector<Index> way(Index from, Index to) {
    std::vector<Index> before(neighbours_.size(), -1);
    std::vector<Index> open{from};
    before[static_cast<std::size_t>(from)] = from;
    while (!open.empty()) {
      const Index u = open.back();
      open.pop_back();
      for (const Index v : of(u)) {
        if (before[static_cast<std::size_t>(v)] >= 0) continue;
        before[static_cast<std::size_t>(v)] = u;
        open.push_back(v);
      }
    }
    if (before[static_cast<std::size_t>(to)] < 0) return {};
    std::vector<Index> path{to};
    while (path.back() != from) path.push_back(before[static_cast<std::size_t>(path.back())]);
    std::reverse(path.begin(), path.end());
    return path;
  }

  Points<double>& plan_;
  Index n_;
  std::vector<std::vector<Index>> neighbours_;
};

}  // namespace

ExactTransport exact_transport(VectorView<double> a, VectorView<double> b, PointsView<double> cost) {
  TransportProblem{a, b, cost, 1.0, Regulariser::kl}.validate();
  ShortestPaths paths(a, b, cost);
  paths.run();
  Forest(paths.plan()).purge();
  ExactTransport out;
  out.plan = paths.plan();
  out.psi = paths.psi();
  out.phi.resize(a.size());
  for (Index i = 0; i < a.size(); ++i) out.phi[i] = (cost.row(i).transpose() + out.psi).minCoeff();  // feasible to one rounding
  out.value = out.plan.cwiseProduct(cost).sum();
  return out;
}

}  // namespace slicecheck
