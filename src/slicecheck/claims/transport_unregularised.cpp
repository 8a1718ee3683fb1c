#include "slicecheck/claims/transport_unregularised.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

constexpr Real kFar = std::numeric_limits<Real>::infinity();

/// Distances in the residual graph: C_ij from i to j, −C_ij back along entries of the plan that are not 0. Nodes 0…n − 1 are x, the rest y.
struct Distances {
  std::vector<Real> of;
  std::vector<Index> from;  ///< the node before, −1 at the start of a path
};

Distances shortest(const TransportProblem& problem, const RealTable& plan, std::vector<Real> start) {
  const Index n = problem.n();
  Distances d{std::move(start), std::vector<Index>(static_cast<std::size_t>(n + problem.m()), -1)};
  const auto at = [&](Index node) -> Real& { return d.of[static_cast<std::size_t>(node)]; };
  // Cycles of length 0 come out as −10⁻¹⁹: an improvement that small is none.
  const Real slack = 64.0L * std::numeric_limits<Real>::epsilon() * static_cast<Real>(problem.cost.cwiseAbs().maxCoeff());
  bool moved = true;
  for (Index round = 0; moved && round <= n + problem.m(); ++round) {
    moved = false;
    const auto relax = [&](Index from, Index to, Real length) {
      if (!(at(from) + length < at(to) - slack)) return;
      at(to) = at(from) + length;
      d.from[static_cast<std::size_t>(to)] = from;
      moved = true;
    };
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < problem.m(); ++j) {
        relax(i, n + j, static_cast<Real>(problem.cost(i, j)));
        if (plan(i, j) > 0.0L) relax(n + j, i, -static_cast<Real>(problem.cost(i, j)));
      }
  }
  return d;
}

}  // namespace

UnregularisedTransport unregularised_transport(const TransportProblem& problem) {
  const Index n = problem.n();
  const Index m = problem.m();
  RealTable plan = RealTable::Zero(n, m);
  RealVector left = problem.a.cast<Real>();
  RealVector open = problem.b.cast<Real>();
  for (int path = 0;; ++path) {
    if (path > 10'000) throw Error("the shortest paths do not end");
    std::vector<Real> start(static_cast<std::size_t>(n + m), kFar);
    for (Index i = 0; i < n; ++i)
      if (left[i] > 0.0L) start[static_cast<std::size_t>(i)] = 0.0L;
    const Distances d = shortest(problem, plan, std::move(start));
    Index end = -1;
    for (Index j = 0; j < m; ++j)
      if (open[j] > 0.0L && d.of[static_cast<std::size_t>(n + j)] < kFar &&
          (end < 0 || d.of[static_cast<std::size_t>(n + j)] < d.of[static_cast<std::size_t>(end)]))
        end = n + j;
    if (end < 0) break;
    Real moved = open[end - n];
    Index first = end;
    for (Index to = end, from = d.from[static_cast<std::size_t>(to)]; from >= 0; to = from, from = d.from[static_cast<std::size_t>(to)]) {
      if (from >= n) moved = std::min(moved, plan(to, from - n));
      first = from;
    }
    moved = std::min(moved, left[first]);
    for (Index to = end, from = d.from[static_cast<std::size_t>(to)]; from >= 0; to = from, from = d.from[static_cast<std::size_t>(to)]) {
      if (from < n)
        plan(from, to - n) += moved;
      else
        plan(to, from - n) -= moved;
    }
    left[first] -= moved;
    open[end - n] -= moved;
  }
  const Distances d = shortest(problem, plan, std::vector<Real>(static_cast<std::size_t>(n + m), 0.0L));
  UnregularisedTransport out;
  out.psi.resize(m);
  for (Index j = 0; j < m; ++j) out.psi[j] = -d.of[static_cast<std::size_t>(n + j)];
  out.phi.resize(n);
  const RealTable cost = problem.cost.cast<Real>();
  for (Index i = 0; i < n; ++i) out.phi[i] = (cost.row(i) + out.psi.transpose()).minCoeff();
  out.low = problem.a.cast<Real>().dot(out.phi) - problem.b.cast<Real>().dot(out.psi);
  out.high = plan.cwiseProduct(cost).sum();
  out.plan = std::move(plan);
  return out;
}

}  // namespace slicecheck
