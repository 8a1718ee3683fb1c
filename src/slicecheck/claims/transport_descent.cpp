/// R8 and R10: how stationary Algorithm 1 gets.

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_descent_case.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// The largest step that R8 allows, or a part of it; 1 where h is linear and every step is allowed.
double draw_step(PointDraws& draws, double L) {
  const double share = draws.below(2) == 0 ? 1.0 : draws.uniform(0.05, 1.0);
  return L > 0.0 ? share / L : 1.0;
}

/// A lower bound on h at every θ, the infimum itself for translations.
double infimum(const CostFamily& family, const Eigen::VectorXd& start, double first_value) {
  if (family.kind != "translation, squared") return family.least_cost + (family.regulariser == Regulariser::quadratic ? 0.5 * family.lambda : 0.0);
  const Eigen::VectorXd best = family.points[1].values.transpose() * family.b - family.points[0].values.transpose() * family.a;
  return first_value - (start - best).squaredNorm();
}

SmallDescent draw_descent(PointDraws& draws, CostFamily family, int size, bool each, bool steps_differ) {
  SmallDescent descent;
  descent.start = draw_start(draws, family);
  const TreeShape shape = draw_shape(draws, family, size);
  descent.batch = shape.batch;
  const double L = smoothness_everywhere(family);
  const double step = draw_step(draws, L);
  descent.steps = Vector<double>::Constant(shape.steps, step);
  if (steps_differ)
    for (double& alpha : descent.steps) alpha = power_of_two(draws, -6.0, 0.0) * step;
  descent.errors = draw_errors(draws, family, shape.steps, each);
  descent.family = std::move(family);
  return descent;
}

Trial theorem_trial(const TransportBoundsSubject& subject, const SmallDescent& descent, const TreeSums& sums, double excess) {
  const double L = smoothness_everywhere(descent.family);
  const auto steps = static_cast<double>(descent.steps.size());
  const double bound = subject.bounds->stationarity(excess, descent.steps[0], steps, sums.largest_error_squared, L, sums.largest_noise);
  auto values = descent.values();
  values.push_back(named("Delta", excess));
  values.push_back(named("delta^2", sums.largest_error_squared));
  values.push_back(named("sigma^2", sums.largest_noise));
  values.push_back(named("L", L));
  return within_bound(sums.gradient_squared.mean(), bound, sums.slack, std::move(values));
}

/// One atom against two, an exact oracle, the longest step: the noise is the same at every node, and the bound is nearly reached.
SmallDescent draw_steady_descent(PointDraws& draws, int size) {
  CostFamily family;
  do family = draw_family(draws, FamilyKind::translation, draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic, 1);
  while (family.a.size() * family.b.size() != 2);
  SmallDescent descent = draw_descent(draws, std::move(family), size, false, false);
  descent.steps.setConstant(1.0 / smoothness_everywhere(descent.family));
  for (PotentialError& error : descent.errors) {
    error.x.setZero();
    error.y.setZero();
  }
  return descent;
}

/// Δ from the infimum or a lower bound on it, δ² and σ² the largest of any node.
Trial whole_tree(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const SmallDescent descent =
      draws.below(3) == 0 ? draw_steady_descent(draws, size) : draw_descent(draws, draw_small_family(draws, false), size, false, false);
  const TreeSums sums = walk(descent);
  return theorem_trial(subject, descent, sums, sums.first_value - infimum(descent.family, descent.start, sums.first_value));
}

/// Δ replaced by the fall of E h, which the theorem's proof allows, and which costs without a lower bound need.
Trial fall_of_h(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const SmallDescent descent = draw_descent(draws, draw_small_family(draws, true), size, false, false);
  const TreeSums sums = walk(descent);
  return theorem_trial(subject, descent, sums, sums.first_value - sums.last_value);
}

/// One atom on one side: g − G does not depend on θ, nor δ = 0 on anything, so that Δ, L = 2 and σ² are exact for any number of steps. The step is that of the
/// regime, and the bound has to be the printed one of the regime, in which 1/L is mended to 1/T.
Trial both_regimes(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TranslationDescent descent = draw_translation(draws, 1, 1);
  const Index atoms = between(draws, 1, size + 1);
  descent.b = draw_weights(draws, atoms);
  descent.y = draw_atoms(draws, atoms, descent.x.cols());
  descent.density = {RealTable::Ones(1, atoms)};
  const auto steps = static_cast<double>(between(draws, 1, static_cast<Index>(power_of_two(draws, 0.0, 11.0))));
  if (descent.start.isZero()) descent.start = power_of_two(draws, -12.0, -6.0) * normal_vector(draws, descent.start.size());
  constexpr double L = 2.0;
  const double excess = descent.start.squaredNorm();
  descent.steps = Vector<double>::Constant(1, 1.0 / L);
  const double noise = moments(descent).noise[0];
  const bool early = steps * noise < 2.0 * excess * L;
  const double alpha = early ? 1.0 / L : std::min(1.0 / L, std::sqrt(2.0 * excess / (L * noise * steps)));
  descent.steps = Vector<double>::Constant(static_cast<Index>(steps), alpha);
  const MomentSums sums = moments(descent);
  const double delta_squared = draws.below(2) == 0 ? 0.0 : power_of_two(draws, -8.0, 8.0);
  const double bound = subject.bounds->stationarity(excess, alpha, steps, 0.0, L, noise);
  auto values = descent.values();
  values.push_back(named("sigma^2", noise));
  Trial trial = within_bound(sums.gradient_squared.mean(), bound, sums.slack, std::move(values));
  const double printed = delta_squared + (early ? 2.0 * L * excess / steps + noise : std::sqrt(noise) * std::sqrt(8.0 * L * excess / steps));
  const double own = subject.bounds->stationarity(excess, alpha, steps, delta_squared, L, noise);
  // A dozen roundings each; where α is cut to 1/L it is by rounding only.
  const double ratio = std::abs(own - printed) / (tolerance::gamma(32.0, kDoubleUnit) * printed);
  trial.values.push_back(named("bound of the regime with delta^2", printed));
  trial.values.push_back(named("the subject's", own));
  trial.counts[early ? "steps below 2ΔL/σ²" : "steps above 2ΔL/σ²"] = 1;
  if (!(ratio <= 1.0) && !trial.judgement.refutes()) {
    trial.judgement.observed = ratio;
    trial.judgement.allowed = 1.0;
  }
  return trial;
}

/// The mean over so many runs of Algorithm 1 as it is sampled. Atoms are corners of a cube, λ at least 8 times the spread of C: |q_t| stays below a number
/// that is known, so that ‖∇h‖² is bounded, and Hoeffding's inequality applies.
Trial sampled(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  constexpr Index runs = 4096;
  PointDraws draws(stream, 0);
  const Index n = between(draws, 4, 6 * size);
  const Index m = between(draws, 4, 6 * size);
  const Index d = between(draws, 1, 4);
  TranslationDescent descent;
  descent.a = Vector<double>::Constant(n, 1.0 / static_cast<double>(n));
  descent.b = Vector<double>::Constant(m, 1.0 / static_cast<double>(m));
  descent.x = descent.y = Points<double>(n, d);
  descent.y.resize(m, d);
  for (double& entry : descent.x.reshaped<Eigen::RowMajor>()) entry = draws.below(2) == 0 ? -1.0 : 1.0;
  for (double& entry : descent.y.reshaped<Eigen::RowMajor>()) entry = draws.below(2) == 0 ? -1.0 : 1.0;
  TransportProblem problem{descent.a, descent.b, cost_matrix(GroundCost::squared, descent.x, descent.y), 1.0,
                           draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic};
  problem.lambda = 4.0 * static_cast<double>(d) * power_of_two(draws, 3.0, 6.0);
  TextbookPotentials potentials = textbook_solution(problem, 1e-9L * static_cast<Real>(problem.lambda), 4).potentials;
  if (draws.below(2) == 0) potentials.phi.array() -= static_cast<Real>(problem.lambda) * static_cast<Real>(draws.uniform(0.0, 0.5));
  descent.density = {textbook_density(problem, potentials)};
  descent.batch = between(draws, 1, 3);
  descent.start = power_of_two(draws, -4.0, 1.0) * normal_vector(draws, d);
  constexpr double L = 2.0;
  const double alpha = draws.uniform(0.5, 1.0) / L;
  const Index steps = between(draws, 4, 8);

  const Points<double> density = descent.density.front().cast<double>();
  std::vector<Points<double>> gaps;
  for (const RealTable& gap : descent.centred_gaps()) gaps.emplace_back(gap.cast<double>());
  double largest_r = 0.0;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) {
      double square = 0.0;
      for (const Points<double>& gap : gaps) square += gap(i, j) * gap(i, j);
      largest_r = std::max(largest_r, density(i, j) * std::sqrt(square));
    }
  const double kept = std::max(std::abs(1.0 - 2.0 * alpha * density.minCoeff()), std::abs(1.0 - 2.0 * alpha * density.maxCoeff()));
  if (!(kept < 1.0)) return skipped_trial("steps that need not contract: no bound on the path");
  const double reach = std::max(descent.start.norm(), 2.0 * alpha * largest_r / (1.0 - kept));

  // δ² and σ² for ‖q‖ ≤ reach.
  std::vector<RealTable> z{descent.density.front()};
  for (const RealTable& gap : descent.centred_gaps()) z.emplace_back(descent.density.front().cwiseProduct(gap));
  const BatchMoments of_batch = batch_moments(descent.a, descent.b, z, descent.batch);
  const double off = 2.0 * (std::abs(static_cast<double>(of_batch.mean[0]) - 1.0) * reach + of_batch.mean.tail(d).cast<double>().norm());
  const double noise = 4.0 * std::pow(std::sqrt(static_cast<double>(of_batch.covariance(0, 0))) * reach +
                                          std::sqrt(static_cast<double>(of_batch.covariance.bottomRightCorner(d, d).trace())),
                                      2.0);

  double total = 0.0;
  for (Index run = 0; run < runs; ++run) {
    PointDraws atoms(stream, 1 + static_cast<std::uint64_t>(run));
    Eigen::VectorXd q = descent.start;
    for (Index t = 0; t < steps; ++t) {
      total += 4.0 * q.squaredNorm();
      Index at_x[3];
      Index at_y[3];
      for (Index k = 0; k < descent.batch; ++k) {
        at_x[k] = between(atoms, 0, n - 1);
        at_y[k] = between(atoms, 0, m - 1);
      }
      Eigen::VectorXd g = Eigen::VectorXd::Zero(d);
      for (Index k = 0; k < descent.batch; ++k)
        for (Index l = 0; l < descent.batch; ++l)
          for (Index c = 0; c < d; ++c) g[c] += 2.0 * density(at_x[k], at_y[l]) * (q[c] + gaps[static_cast<std::size_t>(c)](at_x[k], at_y[l]));
      q -= alpha / static_cast<double>(descent.batch * descent.batch) * g;
    }
  }
  const double mean = total / static_cast<double>(runs * steps);
  const double bound = subject.bounds->stationarity(descent.start.squaredNorm(), alpha, static_cast<double>(steps), off * off, L, noise);
  const double range = 4.0 * reach * reach;
  const double over = std::max(0.0, mean - bound - tolerance::gamma(1024.0, kDoubleUnit) * range);
  auto values = descent.values();
  values.push_back(named("mean over runs", mean));
  values.push_back(named("bound", bound));
  values.push_back(named("largest", range));
  Trial trial = trial_of_p_value(std::isnan(bound) ? bound : std::exp(-2.0 * static_cast<double>(runs) * over * over / (range * range)), std::move(values));
  trial.judgement.tightness = mean / bound;
  return trial;
}

/// α_t constant: E δ_t² and E σ_t² averaged over the steps.
Trial averages(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const SmallDescent descent = draw_descent(draws, draw_small_family(draws, true), size, true, false);
  const TreeSums sums = walk(descent);
  const double bound = subject.bounds->stationarity(sums.first_value - sums.last_value, descent.steps[0], static_cast<double>(descent.steps.size()),
                                                    sums.error_squared.mean(), smoothness_everywhere(descent.family), sums.noise.mean());
  auto values = descent.values();
  values.push_back(named("E delta_t^2", sums.error_squared));
  values.push_back(named("E sigma_t^2", sums.noise));
  return within_bound(sums.gradient_squared.mean(), bound, sums.slack, std::move(values));
}

/// Steps of different sizes: averages weighted by them.
Trial weighted_averages(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const SmallDescent descent = draw_descent(draws, draw_small_family(draws, true), size, true, true);
  const TreeSums sums = walk(descent);
  const double bound = subject.bounds->weighted_stationarity(sums.first_value - sums.last_value, descent.steps, sums.error_squared,
                                                             smoothness_everywhere(descent.family), sums.noise);
  auto values = descent.values();
  values.push_back(named("E delta_t^2", sums.error_squared));
  values.push_back(named("E sigma_t^2", sums.noise));
  return within_bound(descent.steps.dot(sums.gradient_squared) / descent.steps.sum(), bound, sums.slack, std::move(values));
}

/// Translations, any number of steps and atoms, oracles that take turns; α_t constant, falling like 1/√t, or one long step with a bad oracle before many short
/// ones. Counted: in how many cases plain averages in place of weighted ones would break the bound.
Trial many_steps(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const std::uint64_t kind = draws.below(3);
  TranslationDescent descent = draw_translation(draws, size + 1, kind == 0 ? 1 : 2);
  constexpr double L = 2.0;
  const Index steps = between(draws, 2, static_cast<Index>(power_of_two(draws, 2.0, 9.0)));
  descent.steps = Vector<double>::Constant(steps, draw_step(draws, L));
  if (kind > 0)
    for (Index t = 0; t < steps; ++t) descent.steps[t] = kind == 1 ? 1.0 / (L * std::sqrt(1.0 + static_cast<double>(t))) : (t % 2 == 0 ? 1.0 / L : 0.01 / L);
  MomentSums sums = moments(descent);
  while (!(sums.last_excess < 1e100)) {  // where noise grows faster than steps contract: fewer steps
    descent.steps = Vector<double>(descent.steps.head(descent.steps.size() / 2));
    sums = moments(descent);
  }
  const double excess = descent.start.squaredNorm();
  const double observed = descent.steps.dot(sums.gradient_squared) / descent.steps.sum();
  double bound = subject.bounds->weighted_stationarity(excess - sums.last_excess, descent.steps, sums.error_squared, L, sums.noise);
  if (kind == 0)
    bound = subject.bounds->stationarity(excess - sums.last_excess, descent.steps[0], static_cast<double>(descent.steps.size()), sums.error_squared.mean(), L,
                                         sums.noise.mean());
  Trial trial = within_bound(observed, bound, sums.slack, descent.values());
  const double plain = 2.0 * excess / descent.steps.sum() + sums.error_squared.mean() + L * descent.steps.mean() * sums.noise.mean();
  if (sums.gradient_squared.mean() > plain + sums.slack) trial.counts["plain averages would break the bound"] = 1;
  return trial;
}

}  // namespace

Claim claim_r8() {
  Claim claim;
  claim.id = "R8";
  claim.title = "Stationarity of Algorithm 1";
  claim.statement =
      "Steps α ≤ 1/L, ‖G_t − ∇h‖ ≤ δ, E‖g_t − G_t‖² ≤ σ²: the mean over t < T of E‖∇h(θ_t)‖² is at most 2Δ/(αT) + δ² + Lασ². With α = 1/L that is 2LΔ/T + "
      "δ² + σ², with α = √(2Δ/(Lσ²T)) for T ≥ 2ΔL/σ² it is σ√(8LΔ/T) + δ².";
  claim.source = "report 003, Theorem 4.2 with its first bullet mended; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"the tree of all minibatches", 6, whole_tree},
                                                                            {"the fall of h over the tree", 6, fall_of_h},
                                                                            {"one atom on one side, any number of steps", 6, both_regimes},
                                                                            {"sampled, many atoms", 4, sampled, true, 5}};
  return claim;
}

Claim claim_r10() {
  Claim claim;
  claim.id = "R10";
  claim.title = "Oracles that err differently";
  claim.statement =
      "With errors δ_t that differ from step to step R8 holds with the average of E δ_t², and of E σ_t². Where the steps differ too it holds for averages "
      "weighted by α_t, of ‖∇h‖² and of δ_t²; for plain averages it does not.";
  claim.source = "report 003, Remark 4.2.2; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {
      {"averages over the tree", 6, averages}, {"averages weighted by the steps", 6, weighted_averages}, {"translations, any number of steps", 4, many_steps}};
  return claim;
}

}  // namespace slicecheck
