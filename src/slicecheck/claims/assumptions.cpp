/// T6: assumptions that matter.
///
/// NOISE. With φ = 0 in a ball that is not reached, u_T = u_0 + αa Σ_t ε_t: over the flow time S = αT each coordinate of the noise adds up to a normal of
/// variance α²a²T = αa²S, which vanishes with α. Noise √α·a would add up to a²S for every α: the path does not become a flow line (T1), and at large times u
/// keeps a spread that does not shrink (T4 fails). So Σ (u_T − u_0)²/(αa²S) over coordinates and independent replicates is χ², exactly.
///
/// A2. Bounding T by a cut-off χ(‖u‖/R) (A4) keeps it Lipschitz in u; the indicator of a ball in place of χ makes it jump on a sphere. The judge follows a ray
/// from 0 beyond 2R for the R of `generator_subjects`, and halves the three intervals on which T changes most, towards the larger change: at a jump the change
/// stays while Λ‖u − v‖, Λ certified on the ball around the midpoint, is halved every time, wherever the sphere is.

#include "slicecheck/claims/assumptions.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/dynamics.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/sample_objective.h"

namespace slicecheck {

namespace {

constexpr double kFarBall = 1e6;  ///< a radius that no iterate of our cases reaches

/// Σ (u_T − u_0)²/(αa²S), d coordinates and `replicates` replicates, φ = 0. The rounding of T ≤ 2¹¹ sums of numbers below 100 is below 10⁻¹⁰ of √(αa²S) ≥ 2⁻⁷,
/// which changes no p-value that is not below the level by more than one part in 10⁶.
double noise_over_time(const Scheme<double>& scheme, Index d, double alpha, double noise, std::uint64_t steps, std::uint64_t seed, std::uint32_t replicates) {
  const Eigen::VectorXd phi = Eigen::VectorXd::Zero(d);
  double sum = 0.0;
  for (std::uint32_t replicate = 0; replicate < replicates; ++replicate) {
    State<double> state = scheme.start(Eigen::VectorXd::Ones(d));
    expect_size("u_0", state.u.size(), d);
    for (std::uint64_t t = 0; t < steps; ++t) scheme.advance(state, phi, alpha, {seed, Purpose::noise, replicate, t});
    expect_size("u after the steps", state.u.size(), d);
    if (!state.u.allFinite()) throw Error("u is not finite");
    sum += (state.u - Eigen::VectorXd::Ones(d)).squaredNorm();
  }
  return sum / (alpha * alpha * noise * noise * static_cast<double>(steps));
}

Trial judge_noise(const SchemeSubject& subject, const RandomStream& stream, int size) {
  if (!subject.projects) return skipped_trial("the scheme does not project");
  PointDraws draws(stream, 0);
  constexpr std::uint32_t kReplicates = 12;
  const Index d = between(draws, 1, size);
  const double noise = power_of_two(draws, -2.0, 2.0);
  const double time = draws.uniform(0.5, 1.5);
  const std::uint64_t seed = draws.below(std::uint64_t{1} << 52);  // a double shows it exactly
  std::vector<double> p_values;
  std::vector<NamedValues> values{named("noise", noise), named("flow time", time)};
  for (const double alpha : {0x1p-5, 0x1p-9}) {
    const auto steps = static_cast<std::uint64_t>(std::ceil(time / alpha));
    const auto degrees = static_cast<double>(d) * kReplicates;
    const double sum = noise_over_time(*subject.make(kFarBall, noise, {d}), d, alpha, noise, steps, seed, kReplicates);
    p_values.push_back(sum_of_squares_p_value(sum, degrees));
    values.push_back(named("alpha, steps, variance over alpha a^2 S", Eigen::Vector3d(alpha, static_cast<double>(steps), sum / degrees)));
  }
  return trial_of_p_value(smallest_of(p_values), std::move(values));
}

Trial judge_rays(const GeneratorSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 1'000'000);  // the points before are the inputs
  const auto generator = subject.make(draws, size);
  const Points<double> x = drawn_inputs(stream, 1, generator->input_dimension(), false);
  const Eigen::VectorXd direction = normal_vector(draws, generator->parameters()).normalized();
  const double end = 5.0 * std::sqrt(static_cast<double>(direction.size()));
  Trial trial;
  trial.judgement.tightness = 0.0;
  bool known = true;
  double worst_at = 0.0;
  double worst_width = 0.0;
  /// ‖T(s·e) − T(t·e)‖ against Λ(t − s).
  const auto judged = [&](double s, double t) {
    const auto bounds =
        generator->bounds(0.5 * (s + t) * direction,
                          0.5 * (t - s) * (1.0 + sum_rounding(2.0 * static_cast<double>(direction.size()) + 16.0, 1.0)) + sum_rounding(4.0, t), x.row(0));
    known = known && bounds.has_value();
    Judgement judgement;
    if (!known) return judgement;
    judgement.observed = (generator->forward(t * direction, x) - generator->forward(s * direction, x)).norm();
    // t·e and s·e are rounded, and e is a unit vector to rounding.
    const double distance = (t - s) + sum_rounding(2.0 * static_cast<double>(direction.size()) + 16.0, t);
    judgement.allowed = bounds->lipschitz * distance + 2.0 * bounds->rounding;
    if (bounds->lipschitz > 0.0) judgement.tightness = judgement.observed / (bounds->lipschitz * distance);
    return judgement;
  };
  const auto keep = [&](const Judgement& one, double s, double t) {
    const double tightness = std::isnan(one.tightness) ? trial.judgement.tightness : std::max(trial.judgement.tightness, one.tightness);
    if (!(one.ratio() <= trial.judgement.ratio())) {
      trial.judgement = one;
      worst_at = s;
      worst_width = t - s;
    }
    trial.judgement.tightness = tightness;
  };
  struct Interval {
    double change;
    double from;
    double to;
  };
  constexpr int kIntervals = 16;
  std::vector<Interval> intervals;
  for (int i = 0; i < kIntervals; ++i) {
    const double s = end * i / kIntervals;
    const double t = end * (i + 1) / kIntervals;
    const Judgement here = judged(s, t);
    keep(here, s, t);
    intervals.push_back({here.observed, s, t});
  }
  std::stable_sort(intervals.begin(), intervals.end(), [](const Interval& a, const Interval& b) { return a.change > b.change; });
  for (int k = 0; k < 3; ++k) {
    auto [change, s, t] = intervals[static_cast<std::size_t>(k)];
    for (int halving = 0; halving < 30 && known && !trial.judgement.refutes(); ++halving) {
      const double middle = 0.5 * (s + t);
      const Judgement left = judged(s, middle);
      const Judgement right = judged(middle, t);
      keep(left, s, middle);
      keep(right, middle, t);
      (left.observed >= right.observed ? t : s) = middle;
    }
  }
  trial.values = {{"x", x}, named("direction", direction), named("from, to, along it", Eigen::Vector2d(worst_at, worst_at + worst_width))};
  if (!known) return skipped_trial("the generator has no certificate");
  return trial;
}

}  // namespace

std::vector<TypedCheck<SchemeSubject>> noise_over_time_checks() { return {{"noise over a flow time", 4, judge_noise, true, 4}}; }

std::vector<TypedCheck<GeneratorSubject>> lipschitz_ray_checks() { return {{"no jump along a ray", 6, judge_rays, false, 2}}; }

Claim claim_t6() {
  Claim claim;
  claim.id = "T6";
  claim.title = "assumptions that matter";
  claim.statement =
      "The noise of NPSGD is α·a·ε: over a flow time S = αT it adds up to the variance αa²S per coordinate, which vanishes with α; with √α·a it would be a²S "
      "for "
      "every α, and T4 fails. A generator that is made bounded (A4) must stay Lipschitz in u (A2): along rays across every sphere ‖u‖ = R, ‖T(u, x) − T(v, x)‖ "
      "≤ "
      "Λ‖u − v‖ with its certified Λ; with the indicator of a ball for a cut-off it jumps, and A2 fails.";
  claim.source = "report 000, assumptions of the theorems; own derivation (theory/dynamics.md)";
  claim.leaves_out = [](const Subject& subject) {
    const auto* scheme = std::get_if<SchemeSubject>(&subject);
    return scheme != nullptr && !scheme->projects;
  };
  std::get<std::vector<TypedCheck<GeneratorSubject>>>(claim.typed) = lipschitz_ray_checks();
  std::get<std::vector<TypedCheck<SchemeSubject>>>(claim.typed) = noise_over_time_checks();
  return claim;
}

}  // namespace slicecheck
