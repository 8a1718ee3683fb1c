#include <algorithm>
#include <cmath>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_loss_case.h"

namespace slicecheck {

namespace {

/// Y is the law of z: the atoms in another order, some of them split in halves.
MovingClouds draw_equal_laws(PointDraws& draws, int size, GroundCost cost) {
  MovingClouds c = draw_moving_clouds(draws, cost, size);
  std::vector<std::pair<Index, double>> atoms;
  for (Index i = 0; i < c.z.rows(); ++i) {
    const bool split = draws.below(3) == 0;
    for (int k = 0; k < (split ? 2 : 1); ++k)
      atoms.insert(atoms.begin() + between(draws, 0, static_cast<Index>(atoms.size())), {i, split ? 0.5 * c.a[i] : c.a[i]});
  }
  c.y.resize(static_cast<Index>(atoms.size()), c.z.cols());
  c.b.resize(c.y.rows());
  for (Index j = 0; j < c.y.rows(); ++j) {
    c.y.row(j) = c.z.row(atoms[static_cast<std::size_t>(j)].first);
    c.b[j] = atoms[static_cast<std::size_t>(j)].second;
  }
  return c;
}

/// Where every cost is differentiable: c(z, z) of L1 has a kink.
GroundCost draw_smooth_cost(PointDraws& draws) { return draws.below(2) == 0 ? GroundCost::squared : GroundCost::cosine; }

/// Both losses of two equal laws are 0.
Trial loss_of_equal_laws(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const MovingClouds c = draw_equal_laws(draws, size, static_cast<GroundCost>(draws.below(3)));
  const SinkhornProblem problem = c.at(0.0L);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const LossAccuracy accuracy = accuracy_of(problem, loss);
  const bool sharp = draws.below(2) == 0;
  Trial trial =
      sharp ? trial_of(std::abs(loss.sharp_value), accuracy.sharp_value(problem), c.values()) : trial_of(std::abs(loss.value), accuracy.value(), c.values());
  trial.values.push_back(named(sharp ? "loss with the sharp d" : "loss with d", sharp ? loss.sharp_value : loss.value));
  return trial;
}

/// v along a gradient, row by row, so that ⟨gradient, v⟩ is the sum of the rows' norms.
Points<double> rows_along(const Points<double>& gradient) {
  Points<double> v = gradient;
  for (Index i = 0; i < v.rows(); ++i) v.row(i).normalize();  // 0 stays 0
  return v;
}

/// Σ_i ‖∇_i‖ = 0 at equal laws.
Trial gradient_at_equal_laws(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  MovingClouds c = draw_equal_laws(draws, size, draw_smooth_cost(draws));
  const SinkhornProblem problem = c.at(0.0L);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  c.v = rows_along(subject.transport->loss_gradient(problem, loss, c.cost, c.z, c.y));
  const Slope slope = slope_of(subject, c);
  Trial trial = trial_of(std::abs(slope.value), slope.error, c.values());
  trial.values.push_back(named("sum of the gradient's norms", slope.value));
  return trial;
}

/// max |C − u ⊕ v|, u and v such that π(C − u ⊕ v) has no marginals: centring by rows and columns in turn.
Real largest_residual(const TransportProblem& problem, const RealTable& plan) {
  RealTable r = problem.cost.cast<Real>();
  for (int k = 0; k < 500; ++k) {
    for (Index i = 0; i < r.rows(); ++i) r.row(i).array() -= plan.row(i).dot(r.row(i)) / plan.row(i).sum();
    for (Index j = 0; j < r.cols(); ++j) r.col(j).array() -= plan.col(j).dot(r.col(j)) / plan.col(j).sum();
  }
  return r.cwiseAbs().maxCoeff();
}

/// A bound on Σ |W − W*| of R4's weights for potentials within `gap`; NaN where it does not apply. With π̃ = π*e^δ: Σ π*(e^δ − 1 − δ) ≤ κ = gap/λ, so that
/// |δ| ≤ 1 if κ ≤ .36 min π*, and then Σ π*(e^δ − 1)² ≤ 4.2κ. The residuals r of C after weighted least squares differ by an element w of the space projected
/// off: ‖w‖²_π̃ ≤ Σ π*|e^δ − 1||w||r*|. Together √(2κ)(1 + 3.5 max|r*|/λ) + κ; and the rounding of the normal equations.
double sharp_weights_error(const TransportProblem& problem, double gap) {
  const TextbookSolution best = textbook_solution(problem, 1e-16L * static_cast<Real>(problem.lambda + problem.cost.maxCoeff()), 3000);
  const double kappa = gap / problem.lambda;
  const auto least = static_cast<double>(best.plan.minCoeff());
  if (!(kappa <= 0.36 * least)) return std::numeric_limits<double>::quiet_NaN();
  const double residual = static_cast<double>(largest_residual(problem, best.plan)) / problem.lambda;
  const double terms = 64.0 + 16.0 * static_cast<double>(problem.n() + problem.m());
  return std::sqrt(2.0 * kappa) * (1.0 + 3.5 * residual) + kappa +
         tolerance::gamma(terms, kDoubleUnit) * (1.0 + problem.cost.maxCoeff() / problem.lambda) / least;
}

/// The same for d̄ with R4's weights, KL, atoms of like weights and λ not below a quarter of the largest cost.
Trial sharp_gradient_at_equal_laws(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  MovingClouds c = draw_equal_laws(draws, size, draw_smooth_cost(draws));
  c.regulariser = Regulariser::kl;
  c.a = Vector<double>::Constant(c.z.rows(), 1.0 / static_cast<double>(c.z.rows()));
  for (Index j = 0; j < c.y.rows(); ++j) {
    Index copies = 0;
    for (Index k = 0; k < c.y.rows(); ++k) copies += c.y.row(k) == c.y.row(j) ? 1 : 0;
    c.b[j] = 1.0 / static_cast<double>(c.z.rows() * copies);
  }
  SinkhornProblem problem = c.at(0.0L);
  const double largest = problem.xx.maxCoeff();
  c.lambda = problem.lambda = largest > 0.0 ? std::max(c.lambda, 0.25 * largest) : 1.0;
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const LossAccuracy accuracy = accuracy_of(problem, loss);
  const Points<double> between = subject.transport->weights_of_sharp_d(problem.between(), loss.xy.potentials);
  const Points<double> within = subject.transport->weights_of_sharp_d(problem.within_x(), loss.xx.potentials);
  const Points<double> gradient = 2.0 * subject.transport->pullback(c.cost, c.z, c.y, between) - subject.transport->pullback(c.cost, c.z, c.z, within) -
                                  subject.transport->pullback(c.cost, c.z, c.z, within.transpose());
  c.v = rows_along(gradient);
  const double error = 2.0 * c.between(0.0).L0 * (sharp_weights_error(problem.between(), accuracy.xy) + accuracy.plans) +
                       c.within(0.0).L0 * (sharp_weights_error(problem.within_x(), accuracy.xx) + accuracy.plans) +
                       tolerance::gamma(64.0, kDoubleUnit) * largest;
  if (std::isnan(error)) return skipped_trial("the plan has entries too small for the bound on d̄'s weights");
  Trial trial = trial_of(gradient.cwiseProduct(c.v).sum(), error, c.values());
  trial.values.push_back(named("sum of the norms of the sharp gradient", gradient.rowwise().norm().sum()));
  return trial;
}

double draw_theta(PointDraws& draws, int size) {
  if (size == 1) return static_cast<double>(between(draws, -1, 1));
  return draws.uniform(-2.0, 2.0);
}

Real log_cosh(Real t) { return std::abs(t) + std::log1p(std::exp(-2.0L * std::abs(t))) - std::log(2.0L); }

/// λ[ln cosh(2θ²/λ) + ln cosh(2/λ) − 2 ln cosh(2θ/λ)]; 0 at θ = ±1.
Trial value_on_the_line(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double theta = draw_theta(draws, size);
  const MovingClouds c = line_clouds(0.5, power_of_two(draws, -3.0, 4.0), theta);
  const SinkhornProblem problem = c.at(0.0L);
  const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
  const auto t = static_cast<Real>(theta);
  const auto lambda = static_cast<Real>(c.lambda);
  const auto expected = static_cast<double>(lambda * (log_cosh(2.0L * t * t / lambda) + log_cosh(2.0L / lambda) - 2.0L * log_cosh(2.0L * t / lambda)));
  const double error = accuracy_of(problem, loss).value() + 2.0 * matrix_rounding(problem.xy) + matrix_rounding(problem.xx) + matrix_rounding(problem.yy);
  Trial trial = trial_of(std::abs(loss.value - expected), error, c.values());
  trial.values.push_back(named("loss", loss.value));
  trial.values.push_back(named("closed form", expected));
  return trial;
}

/// 4θ tanh(2θ²/λ) − 4 tanh(2θ/λ): 0 at θ = ±1, and at θ = 0 as well.
Trial slope_on_the_line(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double theta = draw_theta(draws, size);
  const MovingClouds c = line_clouds(0.5, power_of_two(draws, -3.0, 4.0), theta);
  const Slope slope = slope_of(subject, c);
  const auto t = static_cast<Real>(theta);
  const auto lambda = static_cast<Real>(c.lambda);
  const auto expected = static_cast<double>(4.0L * t * std::tanh(2.0L * t * t / lambda) - 4.0L * std::tanh(2.0L * t / lambda));
  // Rounding of the matrices moves the plans by that much of λ (R5).
  const SinkhornProblem problem = c.at(0.0L);
  const double rounded = (2.0 * c.between(0.0).L0 * matrix_rounding(problem.xy) + c.within(0.0).L0 * matrix_rounding(problem.xx)) / c.lambda;
  Trial trial = trial_of(std::abs(slope.value - expected), slope.error + rounded, c.values());
  trial.values.push_back(named("slope", slope.value));
  trial.values.push_back(named("closed form", expected));
  return trial;
}

/// L1, one point against one (each perhaps several times): 2‖θ − θ0‖₁ with slope 2‖v‖₁ on either side of θ0, and at θ0 an element of Clarke's cube.
Trial kink_of_l1(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 1, 3);
  MovingClouds c;
  c.cost = GroundCost::l1;
  c.regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  c.a = draw_weights(draws, between(draws, 1, size));
  c.b = draw_weights(draws, between(draws, 1, size));
  const Eigen::RowVectorXd at = normal_vector(draws, d).array().round().matrix().transpose();
  Eigen::RowVectorXd side(d);
  for (double& entry : side) entry = draws.below(2) == 0 ? 1.0 : -1.0;
  const double t = std::exp2(static_cast<double>(between(draws, -20, 0)));
  c.lambda = power_of_two(draws, -4.0, 4.0);
  c.y = at.replicate(c.b.size(), 1);
  c.v = side.replicate(c.a.size(), 1);
  const auto value_and_pull = [&](double step, double& error) {
    c.z = (at + step * side).replicate(c.a.size(), 1);
    const SinkhornProblem problem = c.at(0.0L);
    const SinkhornLoss loss = subject.transport->loss(problem, fine_settings(problem));
    const LossAccuracy accuracy = accuracy_of(problem, loss);
    const Points<double> gradient = subject.transport->loss_gradient(problem, loss, c.cost, c.z, c.y);
    expect_size("the gradient", gradient.size(), c.z.size());
    error = accuracy.gradient({static_cast<double>(d), 0.0}, {2.0 * static_cast<double>(d), 0.0}, c.lambda, c.regulariser) +
            tolerance::gamma(64.0, kDoubleUnit) * 4.0 * static_cast<double>(d);
    const double expected = 2.0 * step * static_cast<double>(d);
    return std::tuple<double, double, Eigen::RowVectorXd>(std::abs(loss.value - expected), accuracy.value(), gradient.colwise().sum());
  };
  double error = 0.0;
  const auto [off, allowed, pull] = value_and_pull(t, error);
  double worst = std::max(off / allowed, std::abs(pull.dot(side) - 2.0 * static_cast<double>(d)) / error);
  const auto [off_there, allowed_there, pull_there] = value_and_pull(0.0, error);
  worst = std::max({worst, off_there / allowed_there, pull_there.cwiseAbs().maxCoeff() / (2.0 + error)});
  if (std::isnan(off) || std::isnan(off_there) || !pull.allFinite() || !pull_there.allFinite()) worst = std::numeric_limits<double>::quiet_NaN();
  Trial trial = trial_of(worst, 1.0, c.values());
  trial.values.push_back(named("step", t));
  trial.values.push_back({"pull beside the kink", Points<double>(pull)});
  trial.values.push_back({"pull at the kink", Points<double>(pull_there)});
  return trial;
}

/// The slope of d alone on the line, by `solve` and the weights of d.
Slope slope_of_d(const TransportSubject& subject, const MovingClouds& c) {
  const SinkhornProblem problem = c.at(0.0L);
  SinkhornLoss all;
  for (TransportSolution* of : {&all.xy, &all.xx, &all.yy}) *of = subject.transport->solve(problem.between(), fine_settings(problem));
  const Points<double> weights = subject.transport->weights_of_d(problem.between(), all.xy.potentials);
  const LossAccuracy accuracy = accuracy_of({problem.a, problem.b, problem.xy, problem.xy, problem.xy, problem.lambda, problem.regulariser}, all);
  const SlopeBounds bounds = c.between(0.0);
  const double rounded = bounds.L0 * (matrix_rounding(problem.xy) / c.lambda + tolerance::gamma(64.0, kDoubleUnit));
  return {subject.transport->pullback(c.cost, c.z, c.y, weights).cwiseProduct(c.v).sum(), accuracy.gradient(bounds, {}, c.lambda, c.regulariser) + rounded};
}

/// 2θ − 2 tanh(2θ/λ).
Real slope_of_d_in_closed_form(double theta, double lambda) {
  return 2.0L * static_cast<Real>(theta) - 2.0L * std::tanh(2.0L * static_cast<Real>(theta) / static_cast<Real>(lambda));
}

/// ∇d is 2 − 2 tanh(2/λ) ≠ 0 where the laws are equal; size 1 is θ = 1.
Trial slope_of_d_alone(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double theta = size == 1 ? 1.0 : draw_theta(draws, size);
  const MovingClouds c = line_clouds(0.5, power_of_two(draws, -3.0, 4.0), theta);
  const Slope slope = slope_of_d(subject, c);
  const auto expected = static_cast<double>(slope_of_d_in_closed_form(theta, c.lambda));
  Trial trial = trial_of(std::abs(slope.value - expected), slope.error, c.values());
  trial.values.push_back(named("slope of d", slope.value));
  trial.values.push_back(named("closed form", expected));
  return trial;
}

/// Descent of d alone collapses to θ = 0 for λ ≥ 2, and ends below 1 for smaller λ: θ = .9575 for λ = 1, which is size 1.
Trial where_descent_of_d_ends(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double lambda = size == 1 ? 1.0 : (draws.below(2) == 0 ? draws.uniform(0.25, 1.8) : draws.uniform(2.1, 8.0));
  double low = 1e-3;
  double high = 4.0;
  Slope last;
  for (int k = 0; k < 36; ++k) {
    const double middle = 0.5 * (low + high);
    last = slope_of_d(subject, line_clouds(0.5, lambda, middle));
    (last.value < 0.0 ? low : high) = middle;
  }
  const bool collapses = lambda >= 2.0;
  // |slope'| ≤ 2 + 4/λ.
  const double off = static_cast<double>(std::abs(slope_of_d_in_closed_form(high, lambda)));
  const double allowed = last.error + (2.0 + 4.0 / lambda) * (high - low);
  Trial trial = collapses ? trial_of(high - 1e-3, 4.0 * std::exp2(-35.0), {}) : trial_of(high > 0.1 ? off : 1.0, allowed, {});
  trial.values = {named("lambda", lambda), named("theta", high)};
  return trial;
}

}  // namespace

Claim claim_r13() {
  Claim claim;
  claim.id = "R13";
  claim.title = "Stationary at the truth";
  claim.statement =
      "Where G and Y have one law, L_λ is 0 and stationary, with d and with d̄, by symmetry alone; so it may be elsewhere (θ = 0 on the line). For L1 "
      "there is a kink, with 0 in Clarke's set. d alone is not stationary there: on the line its slope is 2 − 2 tanh(2/λ), and descent collapses to θ = 0 "
      "for λ ≥ 2.";
  claim.source = "report 003, Lemma 4.3; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"loss of equal laws", 4, loss_of_equal_laws},
                                                                      {"gradient at equal laws", 4, gradient_at_equal_laws},
                                                                      {"gradient of d̄ at equal laws", 3, sharp_gradient_at_equal_laws},
                                                                      {"value on the line", 3, value_on_the_line},
                                                                      {"slope on the line", 3, slope_on_the_line},
                                                                      {"kink of L1", 3, kink_of_l1},
                                                                      {"slope of d alone", 3, slope_of_d_alone},
                                                                      {"where descent of d alone ends", 3, where_descent_of_d_ends, false, 10}};
  return claim;
}

}  // namespace slicecheck
