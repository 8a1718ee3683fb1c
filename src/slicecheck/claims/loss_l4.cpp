#include <algorithm>
#include <cmath>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/sample_objective.h"
#include "slicecheck/loss/plane_sweep.h"

namespace slicecheck {

namespace {

constexpr Index kBatch = 2;
constexpr Index kMostAtoms = 3;

/// Two finite laws and a network; F(u) = Σ over all batches of two atoms each, with their probabilities: no Monte-Carlo error.
struct FiniteProblem {
  std::shared_ptr<const Generator<double>> generator;
  Points<double> x_atoms;
  Points<double> y_atoms;
  Eigen::VectorXd u0;
  double radius = 0.0;
};

/// All multisets of two atoms with their probabilities under equal weights.
std::vector<std::pair<Points<double>, double>> batches_of(const Points<double>& atoms) {
  std::vector<std::pair<Points<double>, double>> batches;
  const double each = 1.0 / static_cast<double>(atoms.rows() * atoms.rows());
  for (Index i = 0; i < atoms.rows(); ++i)
    for (Index j = i; j < atoms.rows(); ++j) {
      Points<double> batch(kBatch, atoms.cols());
      batch << atoms.row(i), atoms.row(j);
      batches.emplace_back(std::move(batch), i == j ? each : 2.0 * each);
    }
  return batches;
}

/// SW_2² of one batch with a bound on its error.
struct Measured {
  double value;
  double error;
};
using Distance = std::function<Measured(const Points<double>& z, const Points<double>& y, double image_error)>;

/// The mean of w over the axes. Over an orthonormal frame w has the same Lipschitz constant κ/d as SW_2² itself (theory/loss.md, L4).
Distance over_axes(const LossSubject& subject) {
  return [&subject](const Points<double>& z, const Points<double>& y, double image_error) {
    const Points<double> rounded = subject.rounded(z);
    const Points<double> axes = Points<double>::Identity(z.cols(), z.cols());
    const Evaluation got = evaluate(subject, rounded, y, axes, 2.0, image_error + subject.unit_roundoff * largest_norm(rounded));
    return Measured{got.loss.value, got.value_error};
  };
}

/// SW_2² in the plane, by the sweep; elsewhere over the axes.
Measured exact_distance(const Points<double>& z, const Points<double>& y, double image_error) {
  if (z.cols() != 2) return over_axes(textbook_loss())(z, y, image_error);
  const PlaneSliced exact = exact_plane_sw(z, y, {.gradient = false, .max = false});
  return {exact.value, exact.value_error + tolerance::value(exact.value, 2.0, image_error, z.rows(), tolerance::unit_roundoff<double>())};
}

/// F(u), and E K_f / d where asked.
Measured objective(const FiniteProblem& problem, const Eigen::VectorXd& u, const Distance& distance, double image_error) {
  Measured sum{0.0, 0.0};
  for (const auto& [x, x_probability] : batches_of(problem.x_atoms)) {
    const Points<double> z = problem.generator->forward(u, x);
    for (const auto& [y, y_probability] : batches_of(problem.y_atoms)) {
      const Measured one = distance(z, y, image_error);
      sum.value += x_probability * y_probability * one.value;
      sum.error += x_probability * y_probability * one.error;
    }
  }
  sum.error += tolerance::gamma(64.0, tolerance::unit_roundoff<double>()) * std::abs(sum.value);
  return sum;
}

Judgement judged(const FiniteProblem& problem, const Distance& distance, PointDraws& draws) {
  Judgement judgement;
  double expected_bound = 0.0;
  double rounding = 0.0;
  for (const auto& [x, x_probability] : batches_of(problem.x_atoms)) {
    const CertifiedBall ball = certified_ball(*problem.generator, problem.u0, problem.radius, x);
    if (!ball.known) {
      judgement.skipped = "the generator has no certificate";
      return judgement;
    }
    rounding = std::max(rounding, ball.rounding);
    for (const auto& [y, y_probability] : batches_of(problem.y_atoms))
      expected_bound += x_probability * y_probability * 2.0 * ball.lipschitz * (problem.radius * ball.lipschitz + ball.image + largest_norm(y));
  }
  expected_bound /= static_cast<double>(problem.y_atoms.cols());
  const auto in_ball = [&](double fraction) -> Eigen::VectorXd {
    Eigen::VectorXd v(problem.u0.size());
    for (Index i = 0; i < v.size(); ++i) v[i] = draws.normal();
    return problem.u0 + v * (0.999 * fraction * problem.radius / std::max(v.norm(), 1e-300));
  };
  const Eigen::VectorXd u1 = in_ball(1.0);
  const Eigen::VectorXd u2 = draws.below(2) == 0 ? in_ball(1.0) : Eigen::VectorXd(2.0 * problem.u0 - u1);
  const Measured one = objective(problem, u1, distance, rounding);
  const Measured two = objective(problem, u2, distance, rounding);
  const double up = 1.0 + tolerance::gamma(static_cast<double>(u1.size()) + 96.0, tolerance::unit_roundoff<double>());
  const double bound = expected_bound * (u1 - u2).norm() * up;
  judgement.observed = std::abs(one.value - two.value);
  judgement.allowed = bound + one.error + two.error;
  if (bound > 0.0 && one.error + two.error < 1e-3 * bound) judgement.tightness = judgement.observed / bound;
  return judgement;
}

/// The constant κ/d in the points themselves, for the mean over an orthonormal frame: all of Z at Re and all of Y at −Se, moved along e, attain it in the
/// limit.
Judgement frame_witness(const LossSubject& subject, const LossCase& c) {
  const double scale = std::max({std::abs(c.z(0, 0)), std::abs(c.y(0, 0)), 1e-12});
  const Eigen::RowVectorXd e = Eigen::RowVectorXd::Unit(c.d(), static_cast<Index>(c.number % static_cast<std::uint64_t>(c.d())));
  const auto all_at = [&](double factor) { return subject.rounded(Points<double>((factor * e).replicate(c.n(), 1))); };
  const Points<double> y = all_at(-0.5 * scale);
  const Points<double> z1 = all_at(2.0 * scale);
  const Points<double> z2 = all_at(2.0 * scale * (1.0 - 1.0 / 256.0));
  const Distance distance = over_axes(subject);
  const Measured one = distance(z1, y, 0.0);
  const Measured two = distance(z2, y, 0.0);
  const double kappa = 2.0 * (largest_norm(z1) + largest_norm(y));  // Z = Z', r = 0 up to the pair's own distance, which only lowers the norm
  const double bound = kappa / static_cast<double>(c.d()) * largest_norm(z1 - z2);
  Judgement judgement;
  judgement.observed = std::abs(one.value - two.value);
  judgement.allowed = bound * (1.0 + tolerance::gamma(32.0, tolerance::unit_roundoff<double>())) + one.error + two.error;
  if (one.error + two.error < 1e-3 * bound) judgement.tightness = judgement.observed / bound;
  return judgement;
}

Judgement on_loss(const LossSubject& subject, const LossCase& c) {
  const RandomStream stream(c.number, Purpose::cases, 4, 0);
  PointDraws draws(stream, 1'000'000);
  FiniteProblem problem;
  problem.generator = drawn_network(draws, 2, c.d());
  problem.x_atoms = drawn_inputs(stream, 2 + static_cast<Index>(draws.below(2)), problem.generator->input_dimension(), false);
  problem.y_atoms = c.y.topRows(std::min(c.n(), kMostAtoms));
  problem.u0 = problem.generator->initial({c.number, Purpose::initial, 4, 0});
  problem.radius = std::exp2(draws.uniform(-6.0, 1.0));
  return judged(problem, over_axes(subject), draws);
}

Trial on_generator(const GeneratorSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 1'000'000);
  FiniteProblem problem;
  problem.generator = subject.make(draws, size);
  problem.x_atoms = drawn_inputs(stream, size > 2 ? 3 : 2, problem.generator->input_dimension(), false);
  problem.y_atoms.resize(2, problem.generator->output_dimension());
  for (Index i = 0; i < problem.y_atoms.size(); ++i) problem.y_atoms.data()[i] = draws.normal();
  problem.u0.resize(problem.generator->parameters());
  for (Index i = 0; i < problem.u0.size(); ++i) problem.u0[i] = draws.normal();
  problem.radius = std::exp2(draws.uniform(-6.0, 1.0));
  return {judged(problem, exact_distance, draws),
          {{"atoms of x", problem.x_atoms}, {"atoms of y", problem.y_atoms}, {"u0", Points<double>(problem.u0.transpose())}}};
}

}  // namespace

Claim claim_l4() {
  Claim claim;
  claim.id = "L4";
  claim.title = "F is locally Lipschitz";
  claim.statement =
      "On B(u0, ε), |F(u') − F(u'')| ≤ (E K_f / d)‖u' − u''‖, d the dimension of the images. F is computed without Monte-Carlo error: finite laws, every batch "
      "with "
      "its probability, the mean over θ exact in the plane and over an orthonormal frame elsewhere, for which the same constant holds.";
  claim.source = "report 000 (with K_F = E K_f); the factor 1/d: own derivation (theory/loss.md)";
  claim.checks = {{"F over a frame", {.points = 3, .dimension = 4, .directions = 1, .large_cases = false}, on_loss, false, 5},
                  {"sharp witness over a frame", {.points = 12, .dimension = 8, .directions = 1, .large_cases = false}, frame_witness}};
  std::get<std::vector<TypedCheck<GeneratorSubject>>>(claim.typed) = {{"F of finite laws", 4, on_generator, false, 2}};
  return claim;
}

}  // namespace slicecheck
