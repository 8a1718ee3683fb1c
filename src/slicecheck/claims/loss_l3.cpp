#include <algorithm>
#include <cmath>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/sample_objective.h"

namespace slicecheck {

namespace {

constexpr int kAscentSteps = 12;

Eigen::VectorXd normal_vector(const RandomStream& stream, Index count, std::uint64_t first_block) {
  Eigen::VectorXd v(count);
  stream.fill_normal(v, first_block);
  return v;
}

/// |f(u') − f(u'')| ≤ K_f‖u' − u''‖ for u', u'' in the ball.
Judgement judged_pair(const SampleObjective& f, const CertifiedBall& ball, const Eigen::VectorXd& u1, const Eigen::VectorXd& u2) {
  const ObjectiveValue one = f.at(u1, ball.rounding);
  const ObjectiveValue two = f.at(u2, ball.rounding);
  const double up = 1.0 + tolerance::gamma(static_cast<double>(u1.size()) + 8.0, tolerance::unit_roundoff<double>());
  const double bound = f.lipschitz_bound(ball) * (u1 - u2).norm() * up;
  const double rounding = one.at.value_error + two.at.value_error;
  Judgement judgement;
  judgement.observed = std::abs(one.at.loss.value - two.at.loss.value);
  judgement.allowed = bound + rounding;
  if (bound > 0.0 && rounding < 1e-3 * bound) judgement.tightness = judgement.observed / bound;
  return judgement;
}

void keep_worse(Judgement& worst, const Judgement& other) {
  const double tightness = std::isnan(worst.tightness) ? other.tightness : std::fmax(worst.tightness, other.tightness);
  if (!(other.ratio() <= worst.ratio())) worst = other;
  worst.tightness = tightness;
}

/// ‖φ(u)‖ ≤ K_f at a u of the ball: the gradient is a limit of difference quotients.
Judgement judged_gradient(const SampleObjective& f, const CertifiedBall& ball, const ObjectiveValue& got) {
  const double bound = f.lipschitz_bound(ball);
  // φ = Σ_k J_kᵀ g_k, ‖J_k‖ ≤ Λ: what the rounding of the gaps does to Σ_k ‖g_k‖ is multiplied by Λ; the pullback's own sums are relative to the bound.
  const double at_gaps = tolerance::gap_power_derivative(2.0, got.at.size, got.at.gap_error) +
                         tolerance::gamma(static_cast<double>(f.theta().rows() + f.y().cols()) + 8.0, f.loss().unit_roundoff) * 2.0 * got.at.size;
  const double sums = tolerance::gamma(static_cast<double>(f.x().rows() * (ball.u0.size() + 8)) + 32.0, tolerance::unit_roundoff<double>());
  Judgement judgement;
  judgement.observed = got.gradient.norm();
  judgement.allowed = bound * (1.0 + 8.0 * sums) + ball.lipschitz * at_gaps;
  if (bound > 0.0) judgement.tightness = judgement.observed / bound;
  return judgement;
}

/// Two random points of the ball, then an ascent of f: the steepest pair, and the longest gradient, that a projected ascent
/// from u0 finds.
Judgement searched_pairs(const SampleObjective& f, const CertifiedBall& ball, const RandomStream& stream) {
  const Index d_u = ball.u0.size();
  const auto scaled = [&](std::uint64_t block, double fraction) -> Eigen::VectorXd {
    const Eigen::VectorXd v = normal_vector(stream, d_u, block);
    return ball.u0 + v * (0.999 * fraction * ball.radius / std::max(v.norm(), 1e-300));
  };
  const auto blocks = static_cast<std::uint64_t>(d_u);
  Judgement worst = judged_pair(f, ball, scaled(1, 1.0), scaled(1 + blocks, 0.5));
  Eigen::VectorXd u = ball.u0;
  for (int step = 0; step < kAscentSteps && worst.ratio() <= 1.0; ++step) {
    const ObjectiveValue here = f.at(u, ball.rounding);
    keep_worse(worst, judged_gradient(f, ball, here));
    const Eigen::VectorXd& phi = here.gradient;
    if (!(phi.norm() > 0.0)) break;
    Eigen::VectorXd next = u + phi * (0.5 * ball.radius / phi.norm()) - ball.u0;
    if (next.norm() > 0.999 * ball.radius) next *= 0.999 * ball.radius / next.norm();
    next += ball.u0;
    if ((next - u).norm() < 1e-3 * ball.radius) break;
    keep_worse(worst, judged_pair(f, ball, next, u));
    u = next;
  }
  return worst;
}

Judgement gradient_bound(const SampleObjective& f, const CertifiedBall& ball, const RandomStream& stream) {
  const Eigen::VectorXd v = normal_vector(stream, ball.u0.size(), 1);
  return judged_gradient(f, ball, f.at(ball.u0 + v * (0.5 * ball.radius / std::max(v.norm(), 1e-300)), ball.rounding));
}

using Judge = Judgement (*)(const SampleObjective&, const CertifiedBall&, const RandomStream&);

Judgement skipped_without_certificate() {
  Judgement judgement;
  judgement.skipped = "the generator has no certificate";
  return judgement;
}

/// A loss under test, behind a network that the case's number draws.
std::function<Judgement(const LossSubject&, const LossCase&)> on_loss(Judge judge) {
  return [judge](const LossSubject& subject, const LossCase& c) {
    const RandomStream stream(c.number, Purpose::cases, 3, 0);
    const RandomStream inputs(c.number, Purpose::cases, 3, 1);
    PointDraws draws(stream, 1'000'000);
    const auto generator = drawn_network(draws, 3, c.d());
    const Points<double> x = drawn_inputs(inputs, c.n(), generator->input_dimension(), c.kind == "duplicates");
    const CertifiedBall ball = certified_ball(*generator, generator->initial({c.number, Purpose::initial, 3, 0}), std::exp2(draws.uniform(-6.0, 1.0)), x);
    return judge(SampleObjective(subject, generator, x, c.y, c.theta), ball, stream);
  };
}

/// A generator under test, behind the textbook loss.
std::function<Trial(const GeneratorSubject&, const RandomStream&, int)> on_generator(Judge judge) {
  return [judge](const GeneratorSubject& subject, const RandomStream& stream, int size) -> Trial {
    PointDraws draws(stream, 1'000'000);
    const auto generator = subject.make(draws, size);
    const auto n = static_cast<Index>(size);
    const Points<double> x = drawn_inputs(stream, n, generator->input_dimension(), false);
    Points<double> y(n, generator->output_dimension());
    const double target_spread = std::exp2(draws.uniform(-3.0, 3.0));
    for (Index i = 0; i < y.size(); ++i) y.data()[i] = target_spread * draws.normal();
    Points<double> theta(1, y.cols());
    for (Index j = 0; j < y.cols(); ++j) theta(0, j) = draws.normal();
    theta.row(0).normalize();
    // Weights and biases of one size, ordinary or small: certificates that forget act(0) are wrong for small ones.
    Eigen::VectorXd u0(generator->parameters());
    const double spread = std::exp2(-static_cast<double>(draws.below(5)));
    for (Index i = 0; i < u0.size(); ++i) u0[i] = spread * draws.normal();
    const CertifiedBall ball = certified_ball(*generator, u0, spread * std::exp2(draws.uniform(-6.0, 1.0)), x);
    const std::vector<NamedValues> values{{"X", x}, {"Y", y}, {"directions", theta}, {"u0", Points<double>(u0.transpose())}};
    if (!ball.known) return {skipped_without_certificate(), values};
    return {judge(SampleObjective(textbook_loss(), generator, x, y, theta), ball, stream), values};
  };
}

/// T(u, x_k) is a function of u and x_k: the image of a row does not depend on the rows beside it (batch normalisation breaks this, and A2 with it).
Trial own_input(const GeneratorSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 1'000'000);
  const auto generator = subject.make(draws, size);
  const Points<double> x = drawn_inputs(stream, size + 1, generator->input_dimension(), false);
  Eigen::VectorXd u(generator->parameters());
  for (Index i = 0; i < u.size(); ++i) u[i] = draws.normal();
  Trial trial;
  trial.values = {{"X", x}, {"u", Points<double>(u.transpose())}};
  const CertifiedBall ball = certified_ball(*generator, u, 0.0, x);
  if (!ball.known) return {skipped_without_certificate(), trial.values};
  const Points<double> together = generator->forward(u, x);
  for (Index k = 0; k < x.rows(); ++k) {
    const double distance = (generator->forward(u, x.row(k)) - together.row(k)).norm();
    if (!(distance <= trial.judgement.observed)) trial.judgement.observed = distance;
  }
  trial.judgement.allowed = 2.0 * ball.rounding;
  return trial;
}

}  // namespace

Claim claim_l3() {
  Claim claim;
  claim.id = "L3";
  claim.title = "f is locally Lipschitz in u";
  claim.statement =
      "On the ball B(u0, ε), |f(u') − f(u'')| ≤ K_f‖u' − u''‖ with K_f = 2Λ(εΛ + max‖T_u0(x_k)‖ + max‖y_k‖), Λ a certified Lipschitz constant of u ↦ T(u, x_k) "
      "there. Searched for by ascent, not only sampled.";
  claim.source = "report 000, proposition on the sample loss; certificates: own derivation (theory/loss.md)";
  claim.checks = {{"pairs found by ascent", {.points = 12, .dimension = 4, .directions = 3, .large_cases = false}, on_loss(searched_pairs), false, 2},
                  {"norm of the gradient", {.points = 12, .dimension = 4, .directions = 3, .large_cases = false}, on_loss(gradient_bound)}};
  std::get<std::vector<TypedCheck<GeneratorSubject>>>(claim.typed) = {{"pairs found by ascent", 6, on_generator(searched_pairs)},
                                                                      {"norm of the gradient", 6, on_generator(gradient_bound)},
                                                                      {"an image depends on its own input", 6, own_input}};
  return claim;
}

}  // namespace slicecheck
