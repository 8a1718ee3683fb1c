#include "slicecheck/loss/regularised/tree_plan.h"

#include <vector>

namespace slicecheck {

std::optional<Points<double>> tree_plan(const TransportProblem& problem, Points<double> plan) {
  const Index n = problem.n();
  const Index m = problem.m();
  Vector<double> lacks(n + m);
  lacks << problem.a - plan.rowwise().sum(), problem.b - plan.colwise().sum().transpose();
  // Prim's algorithm from row 0; nodes n + j are columns.
  std::vector<Index> order{0};
  std::vector<Index> parent(static_cast<std::size_t>(n + m), 0);
  Vector<double> nearest = Vector<double>::Constant(n + m, -1.0);
  std::vector<char> inside(static_cast<std::size_t>(n + m), 0);
  inside[0] = 1;
  for (Index last = 0; static_cast<Index>(order.size()) < n + m;) {
    const Index begin = last < n ? n : 0;
    for (Index v = begin; v < begin + (last < n ? m : n); ++v) {
      const double entry = last < n ? plan(last, v - n) : plan(v, last - n);
      if (inside[static_cast<std::size_t>(v)] || !(entry > nearest[v])) continue;
      nearest[v] = entry;
      parent[static_cast<std::size_t>(v)] = last;
    }
    last = -1;
    for (Index v = 0; v < n + m; ++v)
      if (!inside[static_cast<std::size_t>(v)] && nearest[v] >= 0.0 && (last < 0 || nearest[v] > nearest[last])) last = v;
    if (last < 0) return std::nullopt;
    inside[static_cast<std::size_t>(last)] = 1;
    order.push_back(last);
  }
  for (auto v = order.rbegin(); *v != 0; ++v) {
    const Index up = parent[static_cast<std::size_t>(*v)];
    double& entry = *v < n ? plan(*v, up - n) : plan(up, *v - n);
    entry += lacks[*v];
    lacks[up] -= lacks[*v];
    if (!(entry >= 0.0)) return std::nullopt;
  }
  return plan;
}

}  // namespace slicecheck
