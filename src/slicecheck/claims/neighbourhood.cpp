/// T4 on the two-point line: NPSGD enters a neighbourhood of C_r.
///
/// φ = 2u − 2 sign(u)ξ, ξ = 1 − 2m/n, E ξ = c_n, and F(u) = u² + 1 − 2c_n|u| (theory/dynamics.md). C_r = {−ρ, 0, ρ} with ρ = min(c_n, r). Let
/// v = u − αφ + αaε, so that u⁺ = π_r(v), and s = sign(u) (any sign at 0). Then s·v = |u| + αZ with
///
///     Z = 2(ξ − |u|) + a sε,   E Z = 2(c_n − |u|),   Var Z = 4 Var ξ + a² = V,   given u.
///
/// r ≥ c_n. Let D = (|u| − c_n)² = F(u) − min F. As |v| ≥ s·v, (|v| − c_n)² = v² − 2c_n|v| + c_n² ≤ (s·v − c_n)². The projection moves |v| > r to r ≥ c_n, no
/// farther from c_n. So
///     E D⁺ ≤ E(|u| + αZ − c_n)² = (1 − 2α)² D + α² V.
/// (This is E F(u⁺) ≤ F(u) − αg² + α² E(φ² + a²ε²), from F(u + v) ≤ F(u) + gv + v² for g ∈ ∂_C F(u), with E φ² = g² + 4 Var ξ and g² = 4D.)
///
/// r < c_n. Let D = (r − |u|)². |u⁺| = min(r, |v|) ≥ min(r, |u| + αZ), so r − |u⁺| ≤ max(0, r − |u| − αZ) ≤ max(0, r − |u| − αZ'), Z' = Z − 2(c_n − r) ≤ Z, and
///     E D⁺ ≤ E(r − |u| − αZ')² = (1 − 2α)² D + α² V,   as E Z' = 2(r − |u|).
///
/// Both ways, for 0 < α < 1: E D_t ≤ (1 − 2α)^{2t} D_0 + α² V/(1 − (1 − 2α)²) = (1 − 2α)^{2t} D_0 + αV/(4(1 − α)). By Markov's inequality P(dist(u_t, C_r) > η)
/// ≤ E D_t/η², which tends to 0 if first t → ∞ and then α → 0: T4 on the line. The judge counts how many of N independent replicates are farther than η from
/// {−ρ, ρ}, in fact, after αt ≥ 3: binomial, with at most this probability.

#include "slicecheck/claims/neighbourhood.h"

#include <bit>
#include <cmath>

#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/nonsmooth_criticality.h"
#include "slicecheck/claims/step_sizes.h"
#include "slicecheck/statistics/binomial.h"

namespace slicecheck {

namespace {

constexpr std::uint32_t kReplicates = 100;

/// φ of a fresh batch: a bit of the first two words for every image, set if it is at +|u|; one of the last two for every target, set if it is at 1.
double gradient_of_batch(const RandomStream& stream, std::uint64_t block, Index n, double u) {
  const auto words = stream.words(block);
  const auto ones = [n](std::uint32_t low, std::uint32_t high) {
    const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32) | low;
    return std::popcount(bits << (64 - n));
  };
  const double m = std::abs(ones(words[0], words[1]) - ones(words[2], words[3]));
  return 2.0 * u - std::copysign(2.0, u) * (1.0 - 2.0 * m / static_cast<double>(n));
}

struct Case {
  LineScheme line;
  double u0 = 0.0;
  double eta = 0.5;
};

/// Replicates of `steps` steps under the subject: how many end farther than η from {−ρ, ρ}.
Trial judge_case(const SchemeSubject& subject, const Case& c, PointDraws& draws, const RandomStream& stream) {
  const LineScheme& line = c.line;
  const double rho = line.nearest_critical();
  const auto steps = static_cast<std::uint64_t>(std::ceil(3.0 / line.alpha));
  const std::uint64_t seed = draws.below(std::uint64_t{1} << 52);  // a double shows it exactly
  double far = 0.0;
  Eigen::VectorXd ends(kReplicates);
  for (std::uint32_t replicate = 0; replicate < kReplicates; ++replicate) {
    const auto scheme = subject.make(line.radius, line.noise, {1});
    State<double> state = scheme->start(Eigen::VectorXd::Constant(1, c.u0));
    expect_size("u_0", state.u.size(), 1);
    Eigen::VectorXd phi(1);
    for (std::uint64_t t = 0; t < steps; ++t) {
      // Points 1, 2, … of the stream; point 0 is the case.
      phi[0] = gradient_of_batch(stream, (std::uint64_t{1} << 16) + replicate * steps + t, line.n, state.u[0]);
      scheme->advance(state, phi, line.alpha, {seed, Purpose::noise, replicate, t});
    }
    expect_size("u at the end", state.u.size(), 1);
    ends[replicate] = state.u[0];
    if (!(std::abs(std::abs(state.u[0]) - rho) <= c.eta)) far += 1.0;  // NaN too
  }
  // A step errs by at most e; the recursion for the root of the mean square shrinks what came before by 1 − 2α.
  const double rounding = sum_rounding(16.0, line.radius + line.alpha * (2.0 * line.radius + 2.0 + 8.6 * line.noise)) / (2.0 * line.alpha);
  const double root = std::sqrt(line.mean_square_bound(c.u0, steps)) + rounding;
  const double probability = std::min(1.0, root * root / (c.eta * c.eta));
  const double p = far > 0.0 ? binomial_upper_tail(far, kReplicates, probability) : 1.0;
  return trial_of_p_value(
      p, {named("n", static_cast<double>(line.n)), named("radius", line.radius), named("noise", line.noise), named("alpha", line.alpha), named("u0", c.u0),
          named("steps", static_cast<double>(steps)), named("far, of 100", far), named("probability of far, at most", probability), named("ends", ends)});
}

TypedCheck<SchemeSubject> on_line(std::string name, Case (*draw)(PointDraws&, int size)) {
  return {std::move(name), 6,
          [draw](const SchemeSubject& subject, const RandomStream& stream, int size) {
            if (!subject.projects) return skipped_trial("the scheme does not project");
            PointDraws draws(stream, 0);
            const Case c = draw(draws, size);
            return judge_case(subject, c, draws, stream);
          },
          true, 4};
}

/// A ball much larger than C_r: schemes that do not settle have room. The bound is below 0.14·η².
Case large_ball(PointDraws& draws, int size) {
  Case c;
  c.line.n = between(draws, 1, size + 1);
  c.line.radius = line_minimiser(c.line.n) + draws.uniform(1.0, 2.0);
  c.line.noise = draws.uniform(1.0, 2.0);
  c.line.alpha = draws.uniform(0.008, 0.016);
  c.u0 = draws.uniform(-1.0, 1.0) * c.line.radius;
  return c;
}

/// r < c_n. C_r is on the sphere, and η must be well below r: batches of 16 and more, for which c_n ≥ 0.72. The bound is below 0.16·η².
Case small_ball(PointDraws& draws, int size) {
  Case c;
  c.line.n = Index{16} << (size - 1) / 2;
  c.line.radius = draws.uniform(0.6, 0.7);
  c.line.noise = draws.uniform(1.0, 1.5);
  c.line.alpha = draws.uniform(0.008, 0.016);
  c.u0 = draws.uniform(-1.0, 1.0) * c.line.radius;
  c.eta = 0.5 * c.line.radius;
  return c;
}

}  // namespace

double LineScheme::nearest_critical() const { return std::min(line_minimiser(n), radius); }

double LineScheme::mean_square_bound(double u0, std::uint64_t steps) const {
  const std::vector<double> law = law_of_mismatches(n);
  const double mean = line_minimiser(n);
  double variance = 0.0;
  for (Index m = 0; m <= n; ++m) {
    const double xi = 1.0 - 2.0 * static_cast<double>(m) / static_cast<double>(n);
    variance += law[static_cast<std::size_t>(m)] * (xi - mean) * (xi - mean);
  }
  const double start = std::abs(u0) - nearest_critical();
  return std::pow(1.0 - 2.0 * alpha, 2.0 * static_cast<double>(steps)) * start * start + alpha * (4.0 * variance + noise * noise) / (4.0 * (1.0 - alpha));
}

std::vector<TypedCheck<SchemeSubject>> neighbourhood_checks() {
  return {on_line("near C_r in a large ball", large_ball), on_line("near C_r in a small ball", small_ball)};
}

}  // namespace slicecheck
