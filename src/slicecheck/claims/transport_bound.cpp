#include "slicecheck/claims/transport_bound.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace slicecheck {

Real plan_distance(Real epsilon, double lambda, Regulariser regulariser) {
  const Real kappa = epsilon / static_cast<Real>(lambda);
  return std::sqrt(2.0L * kappa) + (regulariser == Regulariser::kl ? kappa : 0.0L);
}

Real plan_distance(const TransportProblem& problem, Real epsilon) { return plan_distance(epsilon, problem.lambda, problem.regulariser); }

Real cost_distance(const TransportProblem& problem, Real epsilon) {
  const auto oscillation = static_cast<Real>(problem.cost.maxCoeff() - problem.cost.minCoeff());
  return 0.5L * oscillation * std::sqrt(2.0L * epsilon / static_cast<Real>(problem.lambda));
}

Trial ratio_trial(Real ratio, std::vector<NamedValues> values) {
  return trial_of(static_cast<double>(std::isnan(ratio) ? ratio : std::max(0.0L, ratio)), 1.0, std::move(values));
}

}  // namespace slicecheck
