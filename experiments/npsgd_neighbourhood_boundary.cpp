/// T5: for which r runs end at the sphere.

#include "npsgd_neighbourhood_boundary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck::npsgd {

namespace {

std::vector<double> radii_of(const Settings& settings, const std::string& key) {
  const double from = settings.number(key + ".radii_from");
  const double to = settings.number(key + ".radii_to");
  const Index count = settings.integer_at_least("boundary.radii", 3);
  if (!std::isfinite(to) || !(from > 0.0) || !(to > from)) reject("settings: {} has radii from {} to {}; expected 0 < from < to", key, from, to);
  std::vector<double> out;
  for (Index i = 0; i < count; ++i) out.push_back(from + (to - from) * static_cast<double>(i) / static_cast<double>(count - 1));
  return out;
}

Ball look_at(const Testbed& testbed, double radius) {
  Ball ball{radius, smallest_outward_slope(*testbed.field, radius), 0.0, 0, 0};
  const CriticalSet critical = critical_set_of(testbed, radius);
  for (const CriticalPoint& point : critical.points()) {
    if (point.on_sphere) {
      ++ball.on_sphere;
      ball.multiplier = std::max(ball.multiplier, point.multiplier);
    } else if (point.minimum) {
      ++ball.minima_inside;
    }
  }
  return ball;
}

Measured measure(const ExperimentContext& context, const Testbed& testbed, std::uint32_t number) {
  const Settings& settings = context.settings;
  const std::string key = settings_key(testbed);
  const Index replicates = settings.integer_at_least("boundary.replicates", 2);
  const double noise = noise_of(settings);
  Measured out{&testbed, settings.number(key + ".horizon"), {}, {}, {}, {}};
  // Quartered instead of halved: many radii.
  const Index count = settings.integer_at_least("boundary.step_sizes", 2);
  for (Index j = 0; j < count; ++j) out.step_sizes.push_back(std::ldexp(settings.number(key + ".boundary_first_step_size"), -2 * static_cast<int>(j)));
  const std::vector<double> radii = radii_of(settings, key);
  for (const double radius : radii) out.balls.push_back(look_at(testbed, radius));
  const Index parameters = testbed.generator->parameters();
  const Index each = count * replicates;
  const Points<double> rows =
      replicate_table(context, "boundary-" + testbed.name, static_cast<Index>(radii.size()) * each, 2, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
        const double radius = radii[static_cast<std::size_t>(i / each)];
        const double alpha = out.step_sizes[static_cast<std::size_t>(count - 1 - i % each / replicates)];
        const Walk walk{&testbed,   Eigen::VectorXd::Zero(parameters), 0.5 * radius, std::make_shared<NoisedProjectedSgd<double>>(radius, noise), alpha,
                        out.horizon};
        const double norm = end_of_walk(walk, context.seed, stream_replicate(kBoundary + number, i)).stableNorm();
        row[0] = std::max(0.0, radius - norm);
        row[1] = norm >= radius * (1.0 - 1e-14) ? 1.0 : 0.0;
      });
  for (Index b = 0; b < static_cast<Index>(radii.size()); ++b) {
    BallRuns runs;
    for (Index j = 0; j < count; ++j) {
      const auto block = rows.middleRows(b * each + (count - 1 - j) * replicates, replicates);
      const Eigen::VectorXd gaps = block.col(0);
      runs.gaps.emplace_back(gaps.begin(), gaps.end());
      runs.exactly.push_back(block.col(1).mean());
    }
    out.runs.push_back(std::move(runs));
  }
  const Points<double> plain = replicate_table(context, "plain-sgd-" + testbed.name, replicates, 1, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
    const Walk walk{&testbed, Eigen::VectorXd::Zero(parameters), 0.5 * radii.back(), std::make_shared<Sgd<double>>(), out.step_sizes.back(), out.horizon};
    row[0] = end_of_walk(walk, context.seed, stream_replicate(kPlainSgd + number, i)).norm();
  });
  out.plain.assign(plain.data(), plain.data() + plain.size());
  return out;
}

}  // namespace

std::optional<std::size_t> first_free(const Measured& measured) {
  const auto first = std::find_if(measured.balls.begin(), measured.balls.end(), [](const Ball& ball) { return ball.on_sphere == 0; });
  if (first == measured.balls.end()) return std::nullopt;
  return static_cast<std::size_t>(first - measured.balls.begin());
}

std::optional<std::size_t> ball_that_holds(const Measured& measured) {
  std::optional<std::size_t> best;
  const auto hold = [&](std::size_t b) { return measured.balls[b].multiplier * measured.balls[b].radius * measured.balls[b].radius; };
  for (std::size_t b = 0; b < measured.balls.size(); ++b)
    if (measured.balls[b].minima_inside == 0 && hold(b) > 0.0 && (!best || hold(b) > hold(*best))) best = b;
  return best;
}

namespace {

/// The ball without points of C_r on its sphere at which F rises outwards most steeply everywhere.
std::optional<std::size_t> ball_that_frees(const Measured& measured) {
  std::optional<std::size_t> best;
  for (std::size_t b = 0; b < measured.balls.size(); ++b)
    if (measured.balls[b].outward > 0.0 && measured.balls[b].on_sphere == 0 && (!best || measured.balls[b].outward > measured.balls[*best].outward)) best = b;
  return best;
}

/// Where the first radius without points on the sphere is, between two radii of the list, by bisection; nothing where that is not between two.
std::optional<double> threshold_radius(const Measured& measured) {
  if (measured.testbed->name == "two-point-line") {
    const CriticalSet set = two_point_line_critical_set(measured.testbed->n, 1.0);
    return set.points().back().u.norm();
  }
  const auto free = first_free(measured);
  if (!free || *free == 0) return std::nullopt;
  double low = measured.balls[*free - 1].radius;
  double high = measured.balls[*free].radius;
  for (int halving = 0; halving < 6; ++halving) {
    const double middle = 0.5 * (low + high);
    (look_at(*measured.testbed, middle).on_sphere > 0 ? low : high) = middle;
  }
  return high;
}

}  // namespace

std::optional<PowerLawFit> slope_of_gaps(const Measured& measured, std::size_t b) {
  std::vector<double> means;
  std::vector<double> errors;
  for (const auto& gaps : measured.runs[b].gaps) {
    const MeanEstimate mean = mean_with_t_interval(gaps, 0.95);
    if (!(mean.mean > 0.0) || !(mean.standard_error > 0.0)) return std::nullopt;
    means.push_back(mean.mean);
    errors.push_back(mean.standard_error / mean.mean);
  }
  if (means.size() < 3) return std::nullopt;
  return fit_power_law(measured.step_sizes, means, errors, 0.95);
}

namespace {

/// One end of two exact binomial intervals, each at half of the level.
ExperimentVerdict judge(const Measured& measured, std::size_t b, bool at_sphere) {
  const Ball& ball = measured.balls[b];
  const double eta = kNear * ball.radius;
  const auto& gaps = measured.runs[b].gaps;
  const std::size_t last = gaps.size() - 1;
  const Interval end = exceedance(gaps[last], eta, 1.0 - kLevel).interval;
  const Interval before = exceedance(gaps[last - 1], eta, 1.0 - kLevel).interval;
  ExperimentVerdict verdict;
  verdict.claim = "T5";
  verdict.what = fmt::format("{}, r = {:.3g}", measured.testbed->title, ball.radius);
  if (at_sphere) {
    verdict.statement = fmt::format(
        "C_r has points on the sphere (λ̂ up to {:.3g}) and no minimum inside: runs go to the sphere as α → 0. Judged: more than half are within η of it at the "
        "smallest α.",
        ball.multiplier);
    verdict.outcome = end.high < 0.5 ? Outcome::holds : end.low > 0.5 && before.low > 0.5 ? Outcome::refuted : Outcome::inconclusive;
  } else {
    verdict.statement = fmt::format(
        "C_r has no point on the sphere (smallest outward slope found: {:.3g}): runs stay away from it as α → 0. Judged: more than half are farther than η at "
        "the "
        "smallest α.",
        ball.outward);
    verdict.outcome = end.low > 0.5 ? Outcome::holds : end.high < 0.5 && before.high < 0.5 ? Outcome::refuted : Outcome::inconclusive;
  }
  std::vector<std::string> shares;
  for (std::size_t j = 0; j <= last; ++j)
    shares.push_back(fmt::format("{:.2f} at α = {}", 1.0 - exceedance(gaps[j], eta, 0.95).share, power_text(measured.step_sizes[j])));
  verdict.measured = fmt::format("share within η = {:.3g} of the sphere: {}; surely in [{:.2f}, {:.2f}] at the smallest", eta, fmt::join(shares, ", "),
                                 1.0 - end.high, 1.0 - end.low);
  verdict.sample = fmt::format("{} independent runs at each of {} step sizes", gaps.front().size(), gaps.size());
  verdict.confidence = level_text();
  return verdict;
}

}  // namespace

ConvergencePart boundary(const ExperimentContext& context) {
  ConvergencePart part;
  std::vector<Measured> all;
  std::vector<std::optional<double>> thresholds;
  for (std::size_t m = 0; m < neighbourhood_testbeds().size(); ++m) {
    all.push_back(measure(context, *neighbourhood_testbeds()[m], static_cast<std::uint32_t>(m)));
    thresholds.push_back(threshold_radius(all.back()));
    if (const auto holds = ball_that_holds(all.back())) part.verdicts.push_back(judge(all.back(), *holds, true));
    if (const auto frees = ball_that_frees(all.back())) part.verdicts.push_back(judge(all.back(), *frees, false));
  }
  if (context.writes) write_balls(context, all);
  show_balls(all, thresholds, part);
  return part;
}

}  // namespace slicecheck::npsgd
