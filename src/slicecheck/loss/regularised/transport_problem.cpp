#include "slicecheck/loss/regularised/transport_problem.h"

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

constexpr double kLargestCost = 1e150;  // squares of V must not overflow

}  // namespace

std::string_view regulariser_name(Regulariser regulariser) { return regulariser == Regulariser::kl ? "kl" : "quadratic"; }

Regulariser regulariser_by_name(const std::string& name) {
  if (name == "kl") return Regulariser::kl;
  if (name == "quadratic") return Regulariser::quadratic;
  reject("unknown regulariser '{}'; the known ones are kl, quadratic", name);
}

void TransportProblem::validate() const {
  if (n() == 0 || m() == 0) reject("a law has no atom: {} and {} weights", n(), m());
  if (cost.rows() != n() || cost.cols() != m()) reject("the cost matrix is {} × {}; expected {} × {}, as the weights", cost.rows(), cost.cols(), n(), m());
  if (!cost.allFinite()) reject("the cost matrix has an entry that is not finite");
  if (!(cost.cwiseAbs().maxCoeff() <= kLargestCost))
    reject("the cost matrix has an entry of the size {}; expected at most {}", cost.cwiseAbs().maxCoeff(), kLargestCost);
  if (!(lambda > 0.0) || !std::isfinite(lambda)) reject("lambda is {}; expected a positive finite number", lambda);
  const double slack = static_cast<double>(n() + m()) * std::numeric_limits<double>::epsilon();
  for (const Vector<double>* weights : {&a, &b}) {
    if (!weights->allFinite() || !(weights->minCoeff() > 0.0)) reject("the smallest weight is {}; expected positive finite weights", weights->minCoeff());
    if (!(std::abs(weights->sum() - 1.0) <= slack)) reject("the weights have the sum {:.17g}; expected 1", weights->sum());
  }
}

Vector<double> textbook_phi(const TransportProblem& problem, const DualPotentials& potentials) {
  if (problem.regulariser == Regulariser::quadratic) return potentials.phi;
  return potentials.phi.array() + problem.lambda;
}

}  // namespace slicecheck
