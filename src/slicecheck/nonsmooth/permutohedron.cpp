#include "slicecheck/nonsmooth/permutohedron.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

void check_arguments(VectorView<double> m, VectorView<double> values) {
  if (m.size() != values.size() || m.size() == 0)
    reject("permutohedron: a point with {} entries for {} values; they must be as many, and at least one", m.size(), values.size());
  for (Index i = 0; i < m.size(); ++i) {
    if (!std::isfinite(m[i])) reject("permutohedron: entry {} of the point is {}; it must be finite", i, m[i]);
    if (!std::isfinite(values[i])) reject("permutohedron: value {} is {}; it must be finite", i, values[i]);
  }
}

Eigen::VectorXd descending(VectorView<double> vector) {
  Eigen::VectorXd sorted = vector;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  return sorted;
}

struct Entry {
  double value;
  Index place;
};

/// A run of neighbours that share one fitted value.
struct Pool {
  double sum;
  Index count;
  [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
};

/// Pools of the non-increasing sequence nearest to x.
std::vector<Pool> pool_adjacent_violators(const Eigen::VectorXd& x) {
  std::vector<Pool> pools;
  for (const double entry : x) {
    Pool last{entry, 1};
    while (!pools.empty() && pools.back().mean() <= last.mean()) {
      last = {pools.back().sum + last.sum, pools.back().count + last.count};
      pools.pop_back();
    }
    pools.push_back(last);
  }
  return pools;
}

}  // namespace

double majorisation_excess(VectorView<double> m, VectorView<double> values) {
  check_arguments(m, values);
  const Eigen::VectorXd difference = descending(m) - descending(values);
  double excess = 0.0;
  double prefix = 0.0;
  for (const double step : difference) {
    prefix += step;
    excess = std::max(excess, prefix);
  }
  return std::max(excess, std::abs(prefix));
}

Eigen::VectorXd project_onto_permutohedron(VectorView<double> m, VectorView<double> values) {
  check_arguments(m, values);
  const Index n = m.size();
  // Entry and place side by side: a sort of places alone reads the entries all over memory.
  std::vector<Entry> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = {m[i], i};
  std::sort(order.begin(), order.end(), [](const Entry& a, const Entry& b) { return a.value != b.value ? a.value > b.value : a.place < b.place; });
  Eigen::VectorXd difference = -descending(values);
  for (Index rank = 0; rank < n; ++rank) difference[rank] += order[static_cast<std::size_t>(rank)].value;
  Eigen::VectorXd projection(n);
  std::size_t rank = 0;
  for (const Pool& pool : pool_adjacent_violators(difference)) {
    for (Index i = 0; i < pool.count; ++i, ++rank) projection[order[rank].place] = order[rank].value - pool.mean();
  }
  return projection;
}

}  // namespace slicecheck
