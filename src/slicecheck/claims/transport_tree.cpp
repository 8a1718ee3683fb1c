#include "slicecheck/claims/transport_tree.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// Probability of every vector of counts of S draws.
std::map<std::vector<Index>, double> all_counts(VectorView<double> weights, Index S) {
  std::map<std::vector<Index>, double> counts;
  for (const std::vector<Index>& tuple : index_tuples(weights.size(), S)) {
    std::vector<Index> count(static_cast<std::size_t>(weights.size()), 0);
    double probability = 1.0;
    for (const Index i : tuple) {
      ++count[static_cast<std::size_t>(i)];
      probability *= weights[i];
    }
    counts[count] += probability;
  }
  return counts;
}

/// π = ab + s on the diagonal and − s off it.
struct TwoByTwo {
  RealTable ab;
  Real excess;  ///< C_11 + C_22 − C_12 − C_21
  Real low;     ///< of s
  Real high;

  explicit TwoByTwo(const TransportProblem& problem) : ab(2, 2) {
    for (Index i = 0; i < 2; ++i)
      for (Index j = 0; j < 2; ++j) ab(i, j) = static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]);
    const RealTable c = problem.cost.cast<Real>();
    excess = (c(0, 0) - c(0, 1)) + (c(1, 1) - c(1, 0));
    low = -std::min(ab(0, 0), ab(1, 1));
    high = std::min(ab(0, 1), ab(1, 0));
  }

  /// An entry that a bound of s makes 0 is 0.
  [[nodiscard]] RealTable plan(Real s) const {
    RealTable p(2, 2);
    for (Index i = 0; i < 2; ++i)
      for (Index j = 0; j < 2; ++j) {
        p(i, j) = ab(i, j) + (i == j ? s : -s);
        if ((s == low && i == j && ab(i, j) == -low) || (s == high && i != j && ab(i, j) == high)) p(i, j) = 0.0L;
      }
    return p;
  }

  /// Fills the entries (i, i') of V/λ where `plan` is 0 from V_11 + V_22 − V_12 − V_21 = −excess.
  void complete(RealTable& scaled, const RealTable& plan, Real lambda) const {
    const bool diagonal = plan(0, 0) == 0.0L || plan(1, 1) == 0.0L;
    const auto at = [&](Index k) -> std::pair<Index, Index> { return diagonal ? std::pair{k, k} : std::pair{k, 1 - k}; };
    const auto [i, j] = at(0);
    const auto [k, l] = at(1);
    if (plan(i, j) != 0.0L && plan(k, l) != 0.0L) return;
    const Real others = diagonal ? scaled(0, 1) + scaled(1, 0) - excess / lambda : scaled(0, 0) + scaled(1, 1) + excess / lambda;
    if (plan(i, j) != 0.0L)
      scaled(k, l) = others - scaled(i, j);
    else if (plan(k, l) != 0.0L)
      scaled(i, j) = others - scaled(k, l);
    else
      scaled(i, j) = scaled(k, l) = others / 2.0L;
  }
};

/// π_11 π_22 = e^{−excess/λ} π_12 π_21, a quadratic equation in s; the pair whose product is the smaller one by its own quadratic equation, without
/// cancellation.
RealTable kl_plan(const TwoByTwo& t, Real lambda) {
  const bool diagonal_small = t.excess >= 0.0L;
  const Real ratio = std::exp(-std::abs(t.excess) / lambda);
  const Real p = diagonal_small ? t.ab(0, 0) : t.ab(0, 1);
  const Real q = diagonal_small ? t.ab(1, 1) : t.ab(1, 0);
  const Real r = diagonal_small ? t.ab(0, 1) : t.ab(0, 0);
  const Real w = diagonal_small ? t.ab(1, 0) : t.ab(1, 1);
  const Real square = 1.0L - ratio;
  const Real linear = (p + q) + ratio * (r + w);
  const Real constant = p * q * square;
  // linear² − 4 square constant, as a sum of what is not negative.
  const Real discriminant = (p - q) * (p - q) + 4.0L * p * q * ratio * (2.0L - ratio) + ratio * (r + w) * (2.0L * (p + q) + ratio * (r + w));
  const Real s = 2.0L * constant / (linear + std::sqrt(discriminant));
  const Real r_plan = r + s;
  const Real w_plan = w + s;
  const Real product = ratio * r_plan * w_plan;
  const Real apart = std::abs(p - q);
  const Real larger = (apart + std::sqrt(apart * apart + 4.0L * product)) / 2.0L;
  const Real smaller = larger > 0.0L ? product / larger : 0.0L;
  RealTable plan(2, 2);
  const auto set = [&](Real first, Real second, Real third, Real fourth) { plan << first, third, fourth, second; };
  const Real p_plan = p >= q ? larger : smaller;
  const Real q_plan = p >= q ? smaller : larger;
  if (diagonal_small)
    set(p_plan, q_plan, r_plan, w_plan);
  else
    set(r_plan, w_plan, p_plan, q_plan);
  return plan;
}

/// Σ π C + λ Σ π (V/λ)-or-its-half: I in terms of V/λ.
Real primal(const TransportProblem& problem, const RealTable& plan, const RealTable& scaled) {
  Real sum = 0.0L;
  for (Index i = 0; i < plan.rows(); ++i)
    for (Index j = 0; j < plan.cols(); ++j) {
      const Real p = plan(i, j);
      if (p == 0.0L) continue;
      const Real density = scaled.size() == 0 ? 0.0L : scaled(i, j) / (problem.regulariser == Regulariser::kl ? 1.0L : 2.0L);
      sum += p * (static_cast<Real>(problem.cost(i, j)) + static_cast<Real>(problem.lambda) * density);
    }
  return sum;
}

class Walk {
 public:
  explicit Walk(const SmallDescent& descent)
      : descent_(descent), batches_(all_minibatches(descent.family.a, descent.family.b, descent.batch)), reach_(reach(descent.family)) {
    const Index steps = descent.steps.size();
    if (static_cast<Index>(descent.errors.size()) != steps) throw Error("there must be one oracle a step");
    sums_.gradient_squared = sums_.error_squared = sums_.noise = Vector<double>::Zero(steps);
  }

  TreeSums run() {
    visit(0, descent_.start, 1.0);
    // Sums and products of at most 64 roundings; costs and h err by that relative to (‖θ‖ + 1)² reach², and every node is the end of one step and the start of
    // another.
    sums_.slack = tolerance::gamma(64.0, kDoubleUnit) * (magnitude_ + 4.0 * costs_) / descent_.steps.sum();
    return std::move(sums_);
  }

 private:
  void visit(Index t, const Eigen::VectorXd& theta, double probability) {
    const TransportProblem problem = descent_.family.at(theta);
    const SmallSolution solution = small_solution(problem);
    const auto value = static_cast<double>(solution.value);
    const double norm = (theta.norm() + 1.0) * reach_;
    costs_ += probability * (norm * norm + std::abs(value));
    if (t == 0) sums_.first_value = value;
    if (t == descent_.steps.size()) {
      sums_.last_value += probability * value;
      return;
    }
    const double alpha = descent_.steps[t];
    const std::vector<Points<double>> slopes = descent_.family.derivatives(theta);
    const Points<double> plan = solution.plan.cast<double>();
    const Points<double> density = density_of(problem, solution, descent_.errors[static_cast<std::size_t>(t)]);
    const Index parameters = theta.size();
    Eigen::VectorXd gradient(parameters);
    for (Index k = 0; k < parameters; ++k) gradient[k] = plan.cwiseProduct(slopes[static_cast<std::size_t>(k)]).sum();
    Eigen::MatrixXd walked(parameters, static_cast<Index>(batches_.size()));
    Eigen::VectorXd mean = Eigen::VectorXd::Zero(parameters);
    for (std::size_t batch = 0; batch < batches_.size(); ++batch) {
      const Points<double> weights = batches_[batch].share.cwiseProduct(density);
      Eigen::VectorXd child(parameters);
      for (Index k = 0; k < parameters; ++k) child[k] = theta[k] - alpha * weights.cwiseProduct(slopes[static_cast<std::size_t>(k)]).sum();
      walked.col(static_cast<Index>(batch)) = (theta - child) / alpha;
      mean += batches_[batch].probability * walked.col(static_cast<Index>(batch));
      visit(t + 1, child, probability * batches_[batch].probability);
    }
    double noise = 0.0;
    for (std::size_t batch = 0; batch < batches_.size(); ++batch)
      noise += batches_[batch].probability * (walked.col(static_cast<Index>(batch)) - mean).squaredNorm();
    const double error = (mean - gradient).squaredNorm();
    sums_.gradient_squared[t] += probability * gradient.squaredNorm();
    sums_.error_squared[t] += probability * error;
    sums_.noise[t] += probability * noise;
    sums_.largest_error_squared = std::max(sums_.largest_error_squared, error);
    sums_.largest_noise = std::max(sums_.largest_noise, noise);
    const double of_slopes = 2.0 * norm * reach_;
    magnitude_ += probability * alpha * (4.0 * (gradient.squaredNorm() + mean.squaredNorm()) + 2.0 * (error + noise) + of_slopes * of_slopes);
  }

  [[nodiscard]] static Points<double> density_of(const TransportProblem& problem, const SmallSolution& solution, const PotentialError& error) {
    Points<double> density(problem.n(), problem.m());
    for (Index i = 0; i < problem.n(); ++i)
      for (Index j = 0; j < problem.m(); ++j) {
        if (solution.scaled.size() == 0) {
          density(i, j) = static_cast<double>(solution.plan(i, j)) / (problem.a[i] * problem.b[j]);
          continue;
        }
        const Real v = solution.scaled(i, j) + static_cast<Real>(error.x[i]) - static_cast<Real>(error.y[j]);
        density(i, j) = static_cast<double>(problem.regulariser == Regulariser::kl ? std::exp(v) : std::max(v, 0.0L));
      }
    return density;
  }

  const SmallDescent& descent_;
  std::vector<Minibatch> batches_;
  double reach_;
  TreeSums sums_;
  double magnitude_ = 0.0;
  double costs_ = 0.0;
};

}  // namespace

std::vector<std::vector<Index>> index_tuples(Index n, Index S) {
  std::vector<std::vector<Index>> tuples{{}};
  for (Index k = 0; k < S; ++k) {
    std::vector<std::vector<Index>> longer;
    for (const auto& tuple : tuples)
      for (Index i = 0; i < n; ++i) {
        longer.push_back(tuple);
        longer.back().push_back(i);
      }
    tuples = std::move(longer);
  }
  return tuples;
}

std::vector<Minibatch> all_minibatches(VectorView<double> a, VectorView<double> b, Index S) {
  std::vector<Minibatch> batches;
  const auto of_y = all_counts(b, S);
  for (const auto& [x, p] : all_counts(a, S))
    for (const auto& [y, q] : of_y) {
      Minibatch batch{p * q, Points<double>(a.size(), b.size())};
      for (Index i = 0; i < a.size(); ++i)
        for (Index j = 0; j < b.size(); ++j)
          batch.share(i, j) = static_cast<double>(x[static_cast<std::size_t>(i)] * y[static_cast<std::size_t>(j)]) / static_cast<double>(S * S);
      batches.push_back(std::move(batch));
    }
  return batches;
}

SmallSolution small_solution(const TransportProblem& problem) {
  const Index n = problem.n();
  const Index m = problem.m();
  if (n > 2 || m > 2) throw Error("a closed form needs at most two atoms of each law");
  const auto lambda = static_cast<Real>(problem.lambda);
  const bool kl = problem.regulariser == Regulariser::kl;
  SmallSolution solution;
  if (n == 1 || m == 1) {
    solution.plan = problem.a.cast<Real>() * problem.b.cast<Real>().transpose();
    if (lambda > 0.0L) solution.scaled = RealTable::Constant(n, m, kl ? 0.0L : 1.0L);
  } else {
    const TwoByTwo t(problem);
    if (!(lambda > 0.0L)) {
      solution.plan = t.plan(t.excess < 0.0L ? t.high : t.low);
    } else if (kl) {
      solution.plan = kl_plan(t, lambda);
    } else {
      const Real s = -t.excess / (lambda * t.ab.cwiseInverse().sum());
      solution.plan = t.plan(std::clamp(s, t.low, t.high));
    }
    if (lambda > 0.0L) {
      solution.scaled = solution.plan.cwiseQuotient(t.ab);
      if (kl) solution.scaled = solution.scaled.array().log();
      t.complete(solution.scaled, solution.plan, lambda);
    }
  }
  solution.value = primal(problem, solution.plan, solution.scaled);
  return solution;
}

std::vector<NamedValues> SmallDescent::values() const {
  std::vector<NamedValues> out = family.values();
  out.push_back(named("start", start));
  out.push_back(named("steps", steps));
  out.push_back(named("batch", static_cast<double>(batch)));
  for (const PotentialError& error : errors) {
    out.push_back(named("error of phi/lambda", error.x));
    out.push_back(named("error of psi/lambda", error.y));
  }
  return out;
}

double reach(const CostFamily& family) {
  double largest = 1.0;
  for (const NamedValues& points : family.points) largest = std::max(largest, 1.0 + points.values.rowwise().squaredNorm().maxCoeff());
  return std::sqrt(largest);
}

TreeSums walk(const SmallDescent& descent) { return Walk(descent).run(); }

Trial within_bound(double observed, double bound, double slack, std::vector<NamedValues> values) {
  values.push_back(named("observed", observed));
  values.push_back(named("bound", bound));
  Trial trial = bound > 0.0 ? trial_of(observed, bound + slack, std::move(values)) : trial_of(observed - bound, slack, std::move(values));
  if (bound > 0.0 && slack <= 1e-3 * bound) trial.judgement.tightness = observed / bound;
  return trial;
}

}  // namespace slicecheck
