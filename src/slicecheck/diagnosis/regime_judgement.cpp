#include "slicecheck/diagnosis/regime_judgement.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

std::string percent(double share) {
  if (!std::isfinite(share)) return "?";
  if (share >= 10.0) return fmt::format("{:.2g} %", 100.0 * share);
  return share < 0.0995 ? fmt::format("{:.1f} %", 100.0 * share) : fmt::format("{:.0f} %", 100.0 * share);
}

/// Below this share of the drift the spread is no noise to speak of, and its fall with α is that of rounding.
constexpr double kNoNoise = 1e-4;

std::string percent(const Jackknifed& share) {
  return fmt::format("{} [{}, {}]", percent(share.value), percent(share.interval.low), percent(share.interval.high));
}

/// Two digits, rounded down, so that what is suggested does not fall short of what it was computed for.
double rounded_down(double value) {
  const double unit = std::pow(10.0, std::floor(std::log10(value)) - 1.0);
  return std::floor(value / unit) * unit;
}

/// The largest factor c ≤ 1 with noise²·c + step²·c² ≤ tolerance²: noise falls like √α, the error of the step like α.
double step_factor(double noise, double step, double tolerance) {
  const double a = step * step;
  const double b = noise * noise;
  const double t = tolerance * tolerance;
  const double c = a > 0.0 ? (std::sqrt(b * b + 4.0 * a * t) - b) / (2.0 * a) : t / b;
  return std::min(1.0, c);
}

/// Where the noise comes from, and what lowers it besides a smaller step. The variance of a step is batches + directions/L, so that more directions leave the
/// part of the batch, and larger batches that of the directions.
std::string noise_advice(const RegimeMeasurements& m, const RegimeStatistics& s, double tolerance) {
  // NPSGD's own noise adds αa²S to the variance of every coordinate, less what the flow contracts.
  const double own = m.settings.step_size * m.settings.noise * m.settings.noise * s.horizon * static_cast<double>(m.parameters);
  const double at_end = s.looks.back().spread.front();
  if (m.settings.noise > 0.0 && own > 0.5 * at_end)
    return fmt::format("; most of the noise is NPSGD's own (a = {:g} adds up to {:.3g} in norm over this time): a smaller a helps most", m.settings.noise,
                       std::sqrt(own));
  if (!(m.start_noise > 0.0)) return "";
  const double directions = m.start_direction_noise / m.start_noise;
  const double batch = 1.0 - directions;
  // The share of the variance that may stay, at 0.9 of the tolerance.
  const double left = (0.81 * tolerance * tolerance - s.step.value * s.step.value) / (s.noise.value * s.noise.value);
  const std::string parts =
      fmt::format("; of a step's noise at the start {:.0f} % comes from its {} direction{} and {:.0f} % from its batch of {}: ", 100.0 * directions,
                  m.settings.directions, m.settings.directions == 1 ? "" : "s", 100.0 * batch, m.settings.batch);
  if (left > batch)
    return parts + fmt::format("about {:.0f} directions a step do as much as the smaller step",
                               std::ceil(static_cast<double>(m.settings.directions) * directions / (left - batch)));
  if (left > directions)
    return parts + fmt::format("batches of about {:.0f} do as much as the smaller step, but they change F",
                               std::ceil(static_cast<double>(m.settings.batch) * batch / (left - directions)));
  return parts + "neither alone does as much as the smaller step";
}

/// The largest of the measured step sizes that meets 0.9 of the tolerance; where none does, what is extrapolated from the smallest, which is nearest to the law
/// of small steps.
void suggest_step(RegimeJudgement& out, const RegimeMeasurements& m, const RegimeStatistics& s, double tolerance) {
  const double drift = s.drift.back().value;
  const auto last = static_cast<std::size_t>(m.settings.levels) - 1;
  double factor = 0.0;
  for (std::size_t j = 0; j <= last; ++j) {
    const double noise = s.spread[j].value / drift;
    // Twice the distance to half of the step; at the last step size as much as half of what it is at the one before.
    const double step = (j < last ? 2.0 * s.distance_of_means[j].value : s.distance_of_means[j - 1].value) / drift;
    factor = step_factor(noise, step, 0.9 * tolerance);
    if (factor < 1.0 && j < last) continue;
    factor = std::ldexp(factor, -static_cast<int>(j));
    break;
  }
  if (!(factor > 0.0) || !std::isfinite(factor) || factor >= 1.0) return;
  out.suggested_step_size = rounded_down(factor * m.settings.step_size);
  const double steps = std::ceil(s.horizon / *out.suggested_step_size);
  out.advice = fmt::format("Take α = {:g} and {:.0f} steps for the same time", *out.suggested_step_size, steps);
}

std::string figures(const RegimeStatistics& s) {
  return fmt::format("a run's distance to the flow is {} of the distance it travels (noise {}, step {})", percent(s.error), percent(s.noise.value),
                     percent(s.step.value));
}

void collect_reasons(RegimeJudgement& out, const RegimeMeasurements& m, const RegimeStatistics& s, double confidence) {
  const auto add = [&](const std::string& text) { out.reasons.push_back(text); };
  const auto level = fmt::format("{:g} %", 100.0 * confidence);
  const auto root = [](double v) { return std::sqrt(std::max(0.0, v)); };
  add(fmt::format("Over the time S = {:.4g} the mean path travels {:.4g} (root mean square over {} looks, at α/{}); ‖u0‖ = {:.4g}.", s.horizon,
                  s.drift.back().value, m.settings.looks, 1 << (m.settings.levels - 1), m.start_norm));
  if (s.spread[0].value <= kNoNoise * s.drift.back().value || !std::isfinite(s.spread_slope.value))
    add("Replicates agree to rounding: there is no noise to speak of.");
  else
    add(fmt::format("The spread of replicates falls with α like α to the power {:.2f} [{:.2f}, {:.2f}] ({} jackknife); 1/2 is what T1 predicts for small α.",
                    s.spread_slope.value, s.spread_slope.interval.low, s.spread_slope.interval.high, level));
  if (std::isfinite(s.difference_slope.value))
    add(
        fmt::format("The mean paths at α and α/2 are {:.3g} apart, those at α/2 and α/4 {:.3g}: like α to the power {:.2f} [{:.2f}, {:.2f}]; 1 is predicted, "
                    "and the error of the "
                    "step is taken to be twice the first.",
                    s.distance_of_means[0].value, s.distance_of_means[1].value, s.difference_slope.value, s.difference_slope.interval.low,
                    s.difference_slope.interval.high));
  else
    add(fmt::format(
        "The mean paths at α and α/2 are {:.3g} apart, those at α/2 and α/4 {:.3g}: not told from 0 with {} replicates, so the error of the step has "
        "only an upper bound, {} of the drift.",
        s.distance_of_means[0].value, s.distance_of_means[1].value, m.settings.replicates, percent(s.step.interval.high)));
  add(fmt::format(
      "Criticality residual dist(0, ∇F + N_r), a.e. gradient of the expected minibatch loss: {:.4g} at the start, {:.4g} [{:.4g}, {:.4g}] at the end "
      "({} t-interval over replicates).",
      root(s.start_residual.mean), root(s.residual[0].mean), root(s.residual[0].interval.low), root(s.residual[0].interval.high), level));
  const double signal = std::max(0.0, s.start_residual.mean);
  add(fmt::format("Noise of one step at the start: its gradient has {} of its mean square from ∇F, {} from noise, of which directions make {}.",
                  percent(signal / (signal + m.start_noise)), percent(m.start_noise / (signal + m.start_noise)),
                  percent(m.start_noise > 0.0 ? m.start_direction_noise / m.start_noise : 0.0)));
  add(fmt::format("F falls from {:.4g} to {:.4g} [{:.4g}, {:.4g}] at α and {:.4g} at α/{}.", s.start_objective.mean, s.objective[0].mean,
                  s.objective[0].interval.low, s.objective[0].interval.high, s.objective.back().mean, 1 << (m.settings.levels - 1)));
  if (m.settings.radius > 0.0)
    add(fmt::format("Of the last quarter's steps at α, {} end on the sphere of radius {:g}; the pull −⟨∇F, u⟩/‖u‖ out of the ball is {:.3g} [{:.3g}, {:.3g}].",
                    percent(s.on_sphere[0].mean), m.settings.radius, s.outward[0].mean, s.outward[0].interval.low, s.outward[0].interval.high));
  if (m.given_norm > m.start_norm * (1.0 + 1e-9))
    add(fmt::format("u0 has norm {:.4g} and does not lie in the ball: the training starts from its projection.", m.given_norm));
  std::string kinks = "; kinks inside this generator cannot be seen from outside: `slicecheck audit` probes for them";
  if (m.kinks == KinksSeen::none_there) kinks = "; the generator is smooth, it has no kinks";
  if (m.kinks == KinksSeen::counted)
    kinks = fmt::format("; {} pre-activations exactly 0, and between two looks {} of the units change sides", m.met.kinks, percent(m.met.sides_changed));
  add(fmt::format("Ties of projections, exact as computed: in {} of {} steps looked at, {} of them harmful (N6{}){}.", m.met.with_ties, m.met.steps,
                  m.met.harmful_ties, m.met.unjudged_ties > 0 ? fmt::format("; {} more were not judged", m.met.unjudged_ties) : std::string(), kinks));
}

std::string level_text(const RegimeMeasurements& m, Index level) { return fmt::format("α = {:g}", std::ldexp(m.settings.step_size, -static_cast<int>(level))); }

/// What is said where a step is out of the question: the largest measured step size after the last bad one.
void suggest_good_level(RegimeJudgement& out, const RegimeMeasurements& m, const std::vector<bool>& bad) {
  Index level = m.settings.levels;
  while (level > 0 && !bad[static_cast<std::size_t>(level) - 1]) --level;
  if (level == m.settings.levels) {
    out.advice =
        fmt::format("Take a much smaller step: {} fails as well. `slicecheck audit` estimates second derivatives and suggests one.", level_text(m, level - 1));
    return;
  }
  out.suggested_step_size = std::ldexp(m.settings.step_size, -static_cast<int>(level));
  out.advice = fmt::format("Take {} or smaller, and ask again.", level_text(m, level));
}

RegimeJudgement judge_failures(const RegimeMeasurements& m) {
  RegimeJudgement out;
  out.regime = Regime::step_too_large;
  std::vector<Index> failed(static_cast<std::size_t>(m.settings.levels));
  std::vector<bool> bad(failed.size());
  for (const RegimeRun& run : m.runs) failed[static_cast<std::size_t>(run.level)] += run.failed_at ? 1 : 0;
  Index worst = m.settings.levels;
  for (Index level = m.settings.levels - 1; level >= 0; --level) {
    const auto j = static_cast<std::size_t>(level);
    bad[j] = failed[j] > 0;
    if (bad[j]) worst = level;
  }
  for (Index level = 0; level < m.settings.levels; ++level)
    out.reasons.push_back(
        fmt::format("{}: {} of {} runs leave what can be computed.", level_text(m, level), failed[static_cast<std::size_t>(level)], m.settings.replicates));
  std::uint64_t first = ~std::uint64_t{0};
  for (const RegimeRun& run : m.runs)
    if (run.level == worst && run.failed_at) first = std::min(first, *run.failed_at);
  out.answer = fmt::format("Step too large: {} of {} runs at {} leave what can be computed, the first at step {}.", failed[static_cast<std::size_t>(worst)],
                           m.settings.replicates, level_text(m, worst), first);
  suggest_good_level(out, m, bad);
  return out;
}

/// F at the end far above F(u0), in half of the runs: the training climbs. Intervals by the jackknife say nothing of paths that grow like this.
bool judge_climb(RegimeJudgement& out, const RegimeMeasurements& m, const RegimeStatistics& s) {
  constexpr double kFar = 10.0;
  std::vector<double> ends;
  std::vector<bool> bad;
  for (Index level = 0; level < m.settings.levels; ++level) {
    std::vector<double> values;
    for (const RegimeRun& run : m.runs)
      if (run.level == level) values.push_back(run.objective);
    std::nth_element(values.begin(), values.begin() + static_cast<Index>(values.size() / 2), values.end());
    ends.push_back(values[values.size() / 2]);
    bad.push_back(!(ends.back() <= kFar * s.start_objective.mean));
  }
  if (!bad.front()) return false;
  out.regime = Regime::step_too_large;
  out.answer =
      fmt::format("Step too large: at {} F climbs from {:.4g} to {:.4g} (median over the replicates).", level_text(m, 0), s.start_objective.mean, ends.front());
  suggest_good_level(out, m, bad);
  return true;
}

RegimeJudgement& judge_stuck(RegimeJudgement& out, const RegimeMeasurements& m, const RegimeStatistics& s) {
  out.regime = Regime::stuck_on_the_ball;
  out.suggested_radius = m.given_norm + std::sqrt(s.horizon * std::max(0.0, m.given_objective));
  out.answer = fmt::format(
      "Stuck on the ball: {} of the last quarter's steps end on the sphere of radius {:g}, and descent still pulls outwards there (multiplier {:.3g}).",
      percent(s.on_sphere[0].mean), m.settings.radius, s.outward[0].mean / m.settings.radius);
  out.advice = fmt::format(
      "What it converges to is a critical point of the ball, not of F (T5). Take r ≥ ‖u0‖ + √(S·F(u0)) = {:.4g}, u0 as given: no solution of the flow from it "
      "goes further in the time S = {:.4g}.",
      *out.suggested_radius, s.horizon);
  return out;
}

}  // namespace

std::string regime_name(Regime regime) {
  switch (regime) {
    case Regime::flow: return "in the flow regime";
    case Regime::noise_dominated: return "noise-dominated";
    case Regime::step_too_large: return "step too large";
    case Regime::stuck_on_the_ball: return "stuck on the ball";
    case Regime::undecided: return "undecided";
  }
  throw Error("an unknown regime");
}

RegimeJudgement judge_regime(const RegimeMeasurements& m, double tolerance, double confidence) {
  if (!(tolerance > 0.0 && tolerance < 1.0)) reject("regime: the tolerance is {}; expected a number in (0, 1)", tolerance);
  for (const RegimeRun& run : m.runs)
    if (run.failed_at) return judge_failures(m);
  RegimeJudgement out;
  out.statistics = regime_statistics(m, confidence);
  const RegimeStatistics& s = *out.statistics;
  collect_reasons(out, m, s, confidence);
  if (!std::any_of(s.phi_squares.begin(), s.phi_squares.end(), [](double square) { return square > 0.0; })) {
    out.answer = "Undecided: nothing moves, the stochastic gradient is 0 at every step of every run.";
    out.advice = "Start from another u0, where the generator is not dead or constant.";
    return out;
  }
  if (m.settings.radius > 0.0 && s.on_sphere[0].interval.low > 0.5 && s.outward[0].interval.low > 0.0) return judge_stuck(out, m, s);
  if (judge_climb(out, m, s)) return out;
  if (!s.drift_seen) {
    out.regime = Regime::noise_dominated;
    out.answer = fmt::format(
        "Noise-dominated: no drift can be told from the noise; at α = {:g} replicates are {:.3g} from their mean on average, and the mean path travels {:.3g} "
        "[{:.3g}, {:.3g}].",
        m.settings.step_size, s.spread[0].value, s.drift.back().value, s.drift.back().interval.low, s.drift.back().interval.high);
    out.advice = s.residual[0].interval.low > 0.0
                     ? "∇F is not 0 at the end, so there is something to descend: train for a longer time, with a smaller step or larger batches."
                     : "∇F is not told from 0 at the end: the training may hover about a critical point. Compare with a run from another u0.";
    return out;
  }
  // Surely falling, not told from √α, or not there.
  const bool spread_falls = s.spread_slope.interval.low > 0.0 || s.spread_slope.interval.high >= 0.5 || s.spread[0].value <= kNoNoise * s.drift.back().value;
  if (s.error.interval.high <= tolerance && spread_falls) {
    out.regime = Regime::flow;
    out.answer = fmt::format("In the flow regime: at α = {:g}, {}.", m.settings.step_size, figures(s));
    out.advice = "Nothing needs to change. A larger step would still do where the figure is far below the tolerance.";
    return out;
  }
  if (s.error.interval.low > tolerance) {
    const bool amplified = s.spread_slope.interval.low > 0.75;
    const bool step = s.step.value >= s.noise.value;
    out.regime = step || amplified ? Regime::step_too_large : Regime::noise_dominated;
    out.answer = fmt::format(
        "{}: at α = {:g}, {}{}.", out.regime == Regime::step_too_large ? "Step too large" : "Noise-dominated", m.settings.step_size, figures(s),
        amplified && !step ? fmt::format("; the spread falls like α to the power {:.2f}, faster than noise does: the step amplifies it", s.spread_slope.value)
                           : std::string());
    suggest_step(out, m, s, tolerance);
    if (out.regime == Regime::noise_dominated) {
      if (!spread_falls)
        out.advice = fmt::format(
            "The spread does not fall with α (power {:.2f}): the flow spreads paths apart, or its noise has settled. A smaller step alone will not bring "
            "agreement; average over more directions and larger batches",
            s.spread_slope.value);
      out.advice += noise_advice(m, s, tolerance);
    }
    out.advice += ".";
    return out;
  }
  out.answer = fmt::format("Undecided at a tolerance of {}: at α = {:g}, {}{}.", percent(tolerance), m.settings.step_size, figures(s),
                           spread_falls ? "" : "; and the spread of replicates does not fall with α");
  out.advice = spread_falls ? fmt::format("More replicates than {} decide, or another tolerance.", m.settings.replicates)
                            : "The flow may spread paths apart: look at smaller step sizes (regime.levels).";
  return out;
}

}  // namespace slicecheck
