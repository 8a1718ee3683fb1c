#include <algorithm>
#include <cmath>

#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck {

namespace {

enum class LimitDefect {
  larger_entropy,
  larger_number_of_atoms,
  no_half_at_zero,
  sixteenth,
  of_uncentred_costs,
  centred_once,
  exact_for_any_lambda,
  rooted,
  never_negative,
  one_self_term,
  distinct_pairs,
  root_mean_square,
};

double entropy(const Vector<double>& weights) { return -(weights.array() * weights.array().log()).sum(); }

double mean(const TransportProblem& problem, const Points<double>& table) { return problem.a.dot(table * problem.b); }

/// TransportBounds of the two limits with one thing wrong.
class BrokenLimits final : public TransportBounds {
 public:
  explicit BrokenLimits(LimitDefect defect) : defect_(defect) {}

  [[nodiscard]] TransportInterval small_lambda(const TransportProblem& problem, double exact) const override {
    TransportInterval interval = TransportBounds::small_lambda(problem, exact);
    const bool kl = problem.regulariser == Regulariser::kl;
    if (defect_ == LimitDefect::larger_entropy && kl) interval.high = exact + problem.lambda * std::max(entropy(problem.a), entropy(problem.b));
    if (defect_ == LimitDefect::larger_number_of_atoms && !kl)
      interval.high = exact + 0.5 * problem.lambda * static_cast<double>(std::max(problem.n(), problem.m()));
    if (defect_ == LimitDefect::no_half_at_zero && !kl) interval.low = exact;
    return interval;
  }

  [[nodiscard]] TransportInterval large_lambda(const TransportProblem& problem) const override {
    TransportInterval interval = TransportBounds::large_lambda(problem);
    const double expected = mean(problem, problem.cost);
    if (problem.regulariser == Regulariser::quadratic) {
      if (defect_ == LimitDefect::exact_for_any_lambda) interval.high = interval.low;
      return interval;
    }
    Points<double> table = centred_cost(problem);
    if (defect_ == LimitDefect::of_uncentred_costs) table = problem.cost;
    if (defect_ == LimitDefect::centred_once) {
      table = problem.cost;
      table.colwise() -= Vector<double>(problem.cost * problem.b);
    }
    const double oscillation = table.maxCoeff() - table.minCoeff();
    interval.low = expected - oscillation * oscillation / ((defect_ == LimitDefect::sixteenth ? 16.0 : 8.0) * problem.lambda);
    return interval;
  }

  [[nodiscard]] double loss_at_infinity(const SinkhornProblem& problem) const override {
    const double limit = TransportBounds::loss_at_infinity(problem);
    switch (defect_) {
      case LimitDefect::rooted: return std::sqrt(std::max(0.0, limit));
      case LimitDefect::never_negative: return std::max(0.0, limit);
      case LimitDefect::one_self_term: return limit + mean(problem.within_y(), problem.yy);
      case LimitDefect::distinct_pairs: {
        const double of_x = 1.0 - problem.a.squaredNorm();
        return of_x > 0.0 ? limit + mean(problem.within_x(), problem.xx) * (1.0 - 1.0 / of_x) : limit;
      }
      case LimitDefect::root_mean_square: {
        const auto size = [](const TransportProblem& p) { return std::sqrt(mean(p, Points<double>(p.cost.cwiseAbs2()))); };
        return 2.0 * size(problem.between()) - size(problem.within_x()) - size(problem.within_y());
      }
      default: return limit;
    }
  }

 private:
  LimitDefect defect_;
};

TransportBoundsDefect defect(const std::string& name, const std::string& title, LimitDefect kind) {
  return transport_bounds_defect(name, title, std::make_shared<BrokenLimits>(kind));
}

}  // namespace

std::vector<TransportBoundsDefect> broken_limits() {
  return {
      defect("larger-entropy", "KL, small λ: the larger of the two entropies", LimitDefect::larger_entropy),
      defect("larger-number-of-atoms", "quadratic, small λ: max(n, m) for min(n, m)", LimitDefect::larger_number_of_atoms),
      defect("no-half-lambda", "quadratic, small λ: the lower bound is d_c, not d_c + λ/2", LimitDefect::no_half_at_zero),
      defect("sixteenth-of-the-oscillation", "KL, large λ: osc²/(16λ) for osc²/(8λ)", LimitDefect::sixteenth),
      defect("oscillation-of-the-costs", "KL, large λ: the oscillation of C itself, not of C⊥", LimitDefect::of_uncentred_costs),
      defect("centred-once", "KL, large λ: C is centred in its rows only", LimitDefect::centred_once),
      defect("exact-for-any-lambda", "quadratic, large λ: the value for λ ≥ max C⊥ is given for every λ", LimitDefect::exact_for_any_lambda),
      defect("mmd-for-its-square", "the limit of the loss is MMD, not MMD²", LimitDefect::rooted),
      defect("limit-never-negative", "the limit of the loss is cut off at 0, as if every distance were of negative type", LimitDefect::never_negative),
      defect("limit-with-one-self-term", "E c(Y, Y') is left out of the limit of the loss", LimitDefect::one_self_term),
      defect("limit-over-distinct-pairs", "E c(X, X') over pairs of different atoms, as for a sample", LimitDefect::distinct_pairs),
      defect("limit-of-root-mean-squares", "the limit of the loss with √E c² for E c", LimitDefect::root_mean_square),
  };
}

}  // namespace slicecheck
