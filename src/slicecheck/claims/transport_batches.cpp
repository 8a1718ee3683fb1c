/// R11: mean and variance of Algorithm 1's estimate, over all minibatches.

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_moments.h"
#include "slicecheck/claims/transport_tree.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// A problem with n, m ≤ 3, potentials near the optimum in scale only (any mass, any marginals), and a vector of slopes ∇C_ij with d entries.
struct BatchCase {
  TransportProblem problem;
  DualPotentials potentials;
  std::vector<Points<double>> slopes;
  Index batch = 1;
  RealTable density;      ///< the textbook's m
  double relative = 0.0;  ///< error of m in double: relative (KL) …
  double absolute = 0.0;  ///< … or absolute (quadratic)

  [[nodiscard]] std::vector<NamedValues> values() const {
    std::vector<NamedValues> out{named("a", problem.a),
                                 named("b", problem.b),
                                 {"C", problem.cost},
                                 named("lambda", problem.lambda),
                                 named("quadratic", problem.regulariser == Regulariser::quadratic ? 1.0 : 0.0),
                                 named("phi", potentials.phi),
                                 named("psi", potentials.psi),
                                 named("S", static_cast<double>(batch))};
    for (const Points<double>& slope : slopes) out.push_back({"slope of C", slope});
    return out;
  }

  /// Bound on the error of m_ij as computed in double.
  [[nodiscard]] double error(Index i, Index j) const { return relative * static_cast<double>(density(i, j)) + absolute; }
};

BatchCase draw_batch_case(PointDraws& draws, int size) {
  BatchCase c;
  TransportCase drawn = draw_transport_case(draws, std::min(size, 2));
  c.problem = std::move(drawn.problem);
  const Index n = c.problem.n();
  const Index m = c.problem.m();
  const double lambda = c.problem.lambda;
  const bool kl = c.problem.regulariser == Regulariser::kl;
  // Rows that touch V = 0 from below, moved by a few λ: m is of order 1 for KL, and for the quadratic regulariser positive in places.
  c.potentials.psi = (c.problem.cost.maxCoeff() - c.problem.cost.minCoeff() + lambda) * 0.5 * normal_vector(draws, m);
  c.potentials.phi = (c.problem.cost.rowwise() + c.potentials.psi.transpose()).rowwise().minCoeff();
  for (double& phi : c.potentials.phi) phi += lambda * (kl ? draws.normal() : draws.uniform(-0.5, 3.0));
  const Index d = between(draws, 1, 2);
  for (Index k = 0; k < d; ++k) {
    Points<double> slope(n, m);
    for (double& entry : slope.reshaped<Eigen::RowMajor>()) entry = draws.normal();
    c.slopes.push_back(std::move(slope));
  }
  c.batch = between(draws, 1, n * m > 6 ? 2 : 3);
  c.density = textbook_density(c.problem, textbook_potentials(c.problem, c.potentials));
  // V is two subtractions and a division; e^V adds its own error.
  const double terms = c.potentials.phi.cwiseAbs().maxCoeff() + c.potentials.psi.cwiseAbs().maxCoeff() + c.problem.cost.cwiseAbs().maxCoeff();
  const double of_v = tolerance::gamma(6.0, kDoubleUnit) * terms / lambda;
  c.relative = (kl ? std::expm1(of_v) : 0.0) + tolerance::gamma(16.0, kDoubleUnit);
  c.absolute = kl ? 0.0 : of_v;
  return c;
}

/// The subject's W for every order of every minibatch, with its probability.
struct Listed {
  double probability = 0.0;
  Points<double> weights;
};

std::vector<Listed> list_batches(const TransportSubject& subject, const BatchCase& c) {
  std::vector<Listed> all;
  const auto of_y = index_tuples(c.problem.m(), c.batch);
  for (const auto& x : index_tuples(c.problem.n(), c.batch))
    for (const auto& y : of_y) {
      double probability = 1.0;
      for (const Index i : x) probability *= c.problem.a[i];
      for (const Index j : y) probability *= c.problem.b[j];
      all.push_back({probability, subject.transport->weights_of_batch(c.problem, c.potentials, x, y)});
      expect_size("the rows of a minibatch's weights", all.back().weights.rows(), c.problem.n());
      expect_size("the columns of a minibatch's weights", all.back().weights.cols(), c.problem.m());
    }
  return all;
}

/// E W = ab m at the potentials that are given, optimal or not, and that is what `weights_of_d` says.
Trial mean(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const BatchCase c = draw_batch_case(draws, size);
  Points<double> expected = Points<double>::Zero(c.problem.n(), c.problem.m());
  for (const Listed& batch : list_batches(subject, c)) expected += batch.probability * batch.weights;
  const Points<double> whole = subject.transport->weights_of_d(c.problem, c.potentials);
  expect_size("the rows of the weights of d", whole.rows(), c.problem.n());
  expect_size("the columns of the weights of d", whole.cols(), c.problem.m());
  double worst = 0.0;
  for (Index i = 0; i < c.problem.n(); ++i)
    for (Index j = 0; j < c.problem.m(); ++j) {
      const double ab = c.problem.a[i] * c.problem.b[j];
      const double right = ab * static_cast<double>(c.density(i, j));
      // At most 3⁶ non-negative terms of at most 8 factors, whose probabilities add up to 1 within the weights' own sums.
      const double allowed = ab * c.error(i, j) + tolerance::gamma(800.0, kDoubleUnit) * right + std::numeric_limits<double>::min();
      for (const double got : {expected(i, j), whole(i, j)}) {
        const double ratio = std::abs(got - right) / allowed;
        worst = std::isnan(ratio) || std::isnan(worst) ? std::numeric_limits<double>::quiet_NaN() : std::max(worst, ratio);
      }
    }
  auto values = c.values();
  values.push_back({"E W", expected});
  values.push_back({"weights of d", whole});
  return trial_of(worst, 1.0, std::move(values));
}

/// Var g of the textbook: V_xy, V_x, V_y from Z = m ∇C, by the formula for each S.
struct TextbookVariance {
  double v_xy = 0.0;
  double v_x = 0.0;
  double v_y = 0.0;
  double size = 0.0;  ///< the largest ‖Z_ij‖

  explicit TextbookVariance(const BatchCase& c) {
    std::vector<RealTable> z;
    for (const Points<double>& slope : c.slopes) z.emplace_back(c.density.cwiseProduct(slope.cast<Real>()));
    const Real one = batch_moments(c.problem.a, c.problem.b, z, 1).covariance.trace();
    v_xy = static_cast<double>(one);
    // V_x and V_y: one side's mean taken first.
    std::vector<RealTable> given_x;
    std::vector<RealTable> given_y;
    for (const RealTable& table : z) {
      const RealVector rows = table * c.problem.b.cast<Real>();
      const RealVector columns = table.transpose() * c.problem.a.cast<Real>();
      given_x.emplace_back(rows.replicate(1, c.problem.m()));
      given_y.emplace_back(columns.transpose().replicate(c.problem.n(), 1));
    }
    v_x = static_cast<double>(batch_moments(c.problem.a, c.problem.b, given_x, 1).covariance.trace());
    v_y = static_cast<double>(batch_moments(c.problem.a, c.problem.b, given_y, 1).covariance.trace());
    for (Index i = 0; i < c.problem.n(); ++i)
      for (Index j = 0; j < c.problem.m(); ++j) {
        Real square = 0.0L;
        for (const RealTable& table : z) square += table(i, j) * table(i, j);
        size = std::max(size, static_cast<double>(std::sqrt(square)));
      }
  }

  [[nodiscard]] double of(double S) const { return (v_xy + (S - 1.0) * (v_x + v_y)) / (S * S); }
};

/// Σ p ‖g − E g‖² over all minibatches.
Trial variance(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const BatchCase c = draw_batch_case(draws, size);
  const TextbookVariance textbook(c);
  const std::vector<Listed> batches = list_batches(subject, c);
  const auto d = static_cast<Index>(c.slopes.size());
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(d);
  std::vector<Eigen::VectorXd> estimates;
  for (const Listed& batch : batches) {
    Eigen::VectorXd g(d);
    for (Index k = 0; k < d; ++k) g[k] = batch.weights.cwiseProduct(c.slopes[static_cast<std::size_t>(k)]).sum();
    mean += batch.probability * g;
    estimates.push_back(std::move(g));
  }
  double observed = 0.0;
  for (std::size_t k = 0; k < batches.size(); ++k) observed += batches[k].probability * (estimates[k] - mean).squaredNorm();
  const double expected = textbook.of(static_cast<double>(c.batch));
  // Every g errs by at most η, so √Var does too (Minkowski); the sums are those of at most 3⁶ terms.
  double largest_error = 0.0;
  for (Index i = 0; i < c.problem.n(); ++i)
    for (Index j = 0; j < c.problem.m(); ++j) {
      double slope = 0.0;
      for (const Points<double>& of : c.slopes) slope += of(i, j) * of(i, j);
      largest_error = std::max(largest_error, std::sqrt(slope) * c.error(i, j));
    }
  const double eta = 2.0 * (largest_error + tolerance::gamma(800.0, kDoubleUnit) * textbook.size);
  const double allowed = 2.0 * eta * std::sqrt(expected) + eta * eta + tolerance::gamma(800.0, kDoubleUnit) * expected;
  auto values = c.values();
  values.push_back(named("Var g", observed));
  values.push_back(named("by the formula", expected));
  return trial_of(std::abs(observed - expected), allowed, std::move(values));
}

/// The subject's formula, with the textbook's V_xy, V_x, V_y, against the variance over all minibatches of the textbook's estimate.
Trial formula(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const BatchCase c = draw_batch_case(draws, size);
  const TextbookVariance textbook(c);
  RealTable mean_weights = RealTable::Zero(c.problem.n(), c.problem.m());
  const auto batches = all_minibatches(c.problem.a, c.problem.b, c.batch);
  std::vector<RealTable> z;
  for (const Points<double>& slope : c.slopes) z.emplace_back(c.density.cwiseProduct(slope.cast<Real>()));
  std::vector<RealVector> estimates;
  RealVector mean = RealVector::Zero(static_cast<Index>(z.size()));
  for (const Minibatch& batch : batches) {
    RealVector g(mean.size());
    for (Index k = 0; k < g.size(); ++k) g[k] = batch.share.cast<Real>().cwiseProduct(z[static_cast<std::size_t>(k)]).sum();
    mean += static_cast<Real>(batch.probability) * g;
    estimates.push_back(std::move(g));
  }
  Real observed = 0.0L;
  for (std::size_t k = 0; k < batches.size(); ++k) observed += static_cast<Real>(batches[k].probability) * (estimates[k] - mean).squaredNorm();
  const auto S = static_cast<double>(c.batch);
  const double expected = subject.bounds->batch_variance(textbook.v_xy, textbook.v_x, textbook.v_y, S);
  // Probabilities are products in double, shares err by a rounding; both are relative to terms of size ‖Z‖² at most.
  const double allowed = tolerance::gamma(64.0, kDoubleUnit) * (static_cast<double>(observed) + textbook.v_xy + textbook.size * textbook.size * kDoubleUnit +
                                                                2.0 * textbook.size * std::sqrt(textbook.v_xy));
  auto values = c.values();
  values.push_back(named("V_xy", textbook.v_xy));
  values.push_back(named("V_x", textbook.v_x));
  values.push_back(named("V_y", textbook.v_y));
  values.push_back(named("Var g", static_cast<double>(observed)));
  values.push_back(named("by the subject's formula", expected));
  return trial_of(std::abs(static_cast<double>(observed) - expected), allowed, std::move(values));
}

}  // namespace

Claim claim_r11() {
  Claim claim;
  claim.id = "R11";
  claim.title = "Minibatches of Algorithm 1";
  claim.statement =
      "For any potentials and any weights E g = Σ ab m ∇C exactly, and Var g = [V_xy + (S − 1)(V_x + V_y)]/S² with V_xy, V_x, V_y the variances of Z = m "
      "∇C, E[Z|x], E[Z|y]: it falls like 1/S, not 1/S².";
  claim.source = "report 003, Algorithm 1; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"the mean over all minibatches", 4, mean}, {"their variance", 4, variance}};
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"the formula of the variance", 4, formula}};
  return claim;
}

}  // namespace slicecheck
