/// T6: one assumption broken at a time, on the line: which claim notices, and which does not.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "npsgd_neighbourhood.h"
#include "npsgd_neighbourhood_broken.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/path_distance.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::npsgd {

namespace {

constexpr double kHorizon = 4.0;      ///< where the end of a run counts
constexpr double kPathHorizon = 4.0;  ///< where the path does

/// Distances at falling step sizes.
struct Series {
  std::string title;
  std::string y;  ///< what the distance is
  ConvergenceData data;
  ConvergenceJudgement judgement;
};

class Bench {
 public:
  explicit Bench(const ExperimentContext& context)
      : context_(context),
        replicates_(context.settings.integer_at_least("assumptions.replicates", 2)),
        share_replicates_(context.settings.integer_at_least("assumptions.share_replicates", 2)) {}

  /// measure(α, replicate of the stream): a list of `replicates` values for each step size.
  std::vector<std::vector<double>> table(const std::string& name, const std::vector<double>& step_sizes, Index replicates,
                                         const std::function<double(double alpha, std::uint32_t replicate)>& measure) {
    const auto count = static_cast<Index>(step_sizes.size());
    const std::uint32_t number = kAssumptions + tables_++;
    const Points<double> rows = replicate_table(context_, "assumption-" + name, count * replicates, 1, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
      row[0] = measure(step_sizes[static_cast<std::size_t>(i / replicates)], stream_replicate(number, i));
    });
    std::vector<std::vector<double>> out;
    for (Index j = 0; j < count; ++j) out.emplace_back(rows.data() + j * replicates, rows.data() + (j + 1) * replicates);
    return out;
  }

  const Series& series(const std::string& name, const std::string& title, const std::string& y, double first, std::vector<double> etas,
                       const std::function<double(double alpha, std::uint32_t replicate)>& measure) {
    const std::vector<double> step_sizes = halved_step_sizes(first, context_.settings.integer_at_least("assumptions.step_sizes", 3));
    const std::vector<std::vector<double>> distances = table(name, step_sizes, replicates_, measure);
    all_.push_back(std::make_unique<Series>(Series{title, y, {step_sizes, distances, distances, std::move(etas)}, {}}));
    all_.back()->judgement = judge_distances(all_.back()->data, context_.seed);
    return *all_.back();
  }

  void verdict(const std::string& what, const std::string& statement, const Series& series, Outcome expected) {
    part.verdicts.push_back({"T6", what, statement, series.judgement.measured,
                             fmt::format("{} independent runs at each of {} step sizes", replicates_, series.data.step_sizes.size()), level_text(),
                             series.judgement.outcome, expected});
  }

  void row(const std::string& assumption, const std::string& what, const std::string& claim, const std::string& prediction, const std::string& measured,
           const std::string& outcome) {
    rows_.add({assumption, what, claim, prediction, measured, outcome});
  }

  [[nodiscard]] std::uint64_t seed() const { return context_.seed; }
  /// Runs where only a share is judged: fewer.
  [[nodiscard]] Index share_replicates() const { return share_replicates_; }
  [[nodiscard]] const ExperimentContext& context() const { return context_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Series>>& all() const { return all_; }
  [[nodiscard]] const CsvTable& rows() const { return rows_; }

  ConvergencePart part;

 private:
  const ExperimentContext& context_;
  Index replicates_;
  Index share_replicates_;
  std::uint32_t tables_ = 0;
  std::vector<std::unique_ptr<Series>> all_;
  CsvTable rows_{{"assumption", "run", "claim", "prediction", "measured", "outcome"}};
};

std::string outcome_text(const Series& series) { return std::string(outcome_name(series.judgement.outcome)); }

std::string range_text(const Series& series) {
  const MedianSlope& slope = series.judgement.slope;
  return fmt::format("median {} {:.3g} at α = {}, {:.3g} at {}; slope {:.2f} ({:.2f} to {:.2f})", series.y, slope.medians.front(),
                     power_text(series.data.step_sizes.front()), slope.medians.back(), power_text(series.data.step_sizes.back()), slope.slope,
                     slope.interval.low, slope.interval.high);
}

double distance_to_set(double u, const std::vector<double>& set) {
  double least = std::abs(u - set.front());
  for (const double point : set) least = std::min(least, std::abs(u - point));
  return least;
}

/// d_C between SGD and the flow from its own u0.
double path_to_flow(const LineModel& model, const std::function<double(double u0, double s)>& flow, double alpha, std::uint64_t seed, std::uint32_t replicate) {
  const Points<double> path = walk(line_training(model, alpha, seed, replicate), static_cast<std::uint64_t>(std::ceil(kPathHorizon / alpha - 1e-9)));
  const auto gap = [&](double s) { return std::abs(interpolated(path, alpha, s)[0] - flow(path(0, 0), s)); };
  return path_distance(gap, 0.5 * alpha, static_cast<Index>(kPathHorizon)).stopped;
}

// ---- A1

void break_a1(Bench& bench) {
  const LineModel model = oscillating_model();
  const std::vector<double> set = oscillating_critical_points();
  const Series& series =
      bench.series("A1", "A1: T not piecewise C²", "dist(u, C_r)", 0x1p-4, {0.005, 0.01, 0.02, 0.05, 0.1}, [&](double alpha, std::uint32_t r) {
        const auto scheme = std::make_shared<NoisedProjectedSgd<double>>(2.0, noise_of(bench.context().settings));
        // Where g' is small the flow is slow.
        return distance_to_set(line_end(line_training(model, alpha, bench.seed(), r, scheme), alpha, 4.0 * kHorizon), set);
      });
  const std::string what = "NPSGD on T = ±(1/4 + g(u − 1/4)), g(w) = w(1 + ½ sin log|w|): Lipschitz, but no piece next to the minimum u = 1/4 is C²";
  bench.verdict("A1 broken", what + ": distances to C_r fall with α all the same.", series, Outcome::holds);
  bench.row("A1", what, "T4", "nothing: T stays Lipschitz and its flow unique", range_text(series), outcome_text(series));
}

// ---- A2

void break_a2(Bench& bench) {
  constexpr double kRadius = 0.15;
  const double held = kRadius * kRadius + 1.0 - 0.5 * kRadius;  // F(R), the least F inside
  // F with T = h: h² + 1 − |h|/2.
  const auto excess = [&](bool smooth, double alpha, std::uint32_t r) {
    const LineModel model = cut_off_model(kRadius, smooth);
    const TrainingParts<double> parts = line_training(model, alpha, bench.seed(), r);
    const Vector<double> u = Vector<double>::Constant(1, line_end(parts, alpha, kHorizon));
    const double h = model.generator->forward(u, Points<double>::Ones(1, 1))(0, 0);
    return h * h + 1.0 - 0.5 * std::abs(h) - held;
  };
  const Series& series = bench.series("A2", "A2: T with an indicator", "F(u) − F(R)", 0x1p-4, {0.01, 0.02, 0.04},
                                      [&](double alpha, std::uint32_t r) { return std::max(0.0, excess(false, alpha, r)); });
  const std::vector<double> smallest{series.data.step_sizes.back()};
  const std::vector<double> smooth =
      bench.table("A2-smooth", smallest, bench.share_replicates(), [&](double alpha, std::uint32_t r) { return excess(true, alpha, r); }).front();
  const Exceedance above = exceedance(smooth, 0.0, 0.95);
  CsvTable jump({"gap", "indicator", "smooth"});
  double steepest = 0.0;
  const auto quotient = [&](bool with_smooth, double gap) {
    const LineModel model = cut_off_model(kRadius, with_smooth);
    const auto at = [&](double u) { return model.generator->forward(Vector<double>::Constant(1, u), Points<double>::Ones(1, 1))(0, 0); };
    return std::abs(at(kRadius + gap) - at(kRadius)) / gap;
  };
  for (int k = 4; k <= 20; ++k) {
    const double gap = std::ldexp(1.0, -k);
    steepest = std::max(steepest, quotient(true, gap));
    jump.add({gap, quotient(false, gap), quotient(true, gap)});
  }
  if (bench.context().writes) jump.write(bench.context().folder / "jump.csv");
  const std::string what =
      fmt::format("SGD on T = ±u·1(|u| ≤ {}), A4's cut-off taken literally: F jumps from {:.3f} up to 1 at |u| = {}", kRadius, held, kRadius);
  bench.verdict("A2 broken", what + ". No curve along which F falls can cross the jump, so F(u) at the end goes to F(R) with α.", series, Outcome::refuted);
  bench.row(
      "A2", what, "T0, T1", "fails: a step lands beyond the jump, where φ = 0, and stays; with the C² cut-off F falls",
      fmt::format(
          "{}; |T(R + h) − T(R)|/h is {:.2g} at h = 2^-20, with the C² cut-off at most {:.2f}; there {:.2f} of the runs end with F > F(R) ({:.2f} to {:.2f})",
          range_text(series), quotient(false, 0x1p-20), steepest, above.share, above.interval.low, above.interval.high),
      outcome_text(series));
}

// ---- A3

void break_a3(Bench& bench) {
  constexpr double kScale = 0.01;
  const auto decay = [](double u0, double s) { return u0 * std::exp(-2.0 * s); };
  for (const double index : {0.9, 1.5, 3.0}) {
    const LineModel model = heavy_model(index, kScale);
    const Series& series =
        bench.series(fmt::format("A3-{}", index), fmt::format("A3: tails of index {}", index), "d_C", 0x1p-4, {0.001, 0.002, 0.005, 0.01, 0.02, 0.05},
                     [&](double alpha, std::uint32_t r) { return path_to_flow(model, decay, alpha, bench.seed(), r); });
    const std::string what = fmt::format("SGD on T = u onto symmetric targets with Pareto tails of index {}", index);
    const double predicted = index < 2.0 ? 1.0 - 1.0 / index : 0.5;
    if (index < 1.0)
      bench.verdict("A3 broken", what + ": no mean, F = ∞. The distance of its path to the flow of the medians, u' = −2u, falls with α.", series,
                    Outcome::refuted);
    bench.row("A3", what, "T1",
              index < 1.0 ? fmt::format("fails: slope 1 − 1/{} = {:.2f} in the limit", index, predicted)
                          : fmt::format("holds, slope {:.2f}: a mean is enough here", predicted),
              range_text(series), outcome_text(series));
  }
}

// ---- A4

void break_a4(Bench& bench) {
  const LineModel model = unbounded_model();
  const auto flow = [](double u0, double s) { return 0.25 + (u0 - 0.25) * std::exp(-2.0 * s); };
  const Series& series = bench.series("A4", "A4: T unbounded", "d_C", 0x1p-5, {0.01, 0.02, 0.05, 0.1},
                                      [&](double alpha, std::uint32_t r) { return path_to_flow(model, flow, alpha, bench.seed(), r); });
  const std::string what = "SGD on the two-point line as it is, T = ±u";
  bench.verdict("A4 broken", what + ", unbounded in u: the distance of its path to the flow falls with α all the same.", series, Outcome::holds);
  bench.row("A4", what, "T1", "nothing, for bounded times: T need be bounded only on the ball that energy keeps the flow in", range_text(series),
            outcome_text(series));
}

// ---- A5

/// Share of runs that are beyond 1000·R within 200 steps.
double explodes(double radius, double alpha, std::uint64_t seed, std::uint32_t replicate) {
  const TrainingParts<double> parts = line_training(cubic_model(radius, 0.01 * radius), alpha, seed, replicate);
  State<double> state = start(parts);
  for (int t = 0; t < 200; ++t) {
    advance(parts, state);
    if (!(std::abs(state.u[0]) <= 1000.0 * radius)) return 1.0;
  }
  return 0.0;
}

void break_a5(Bench& bench) {
  const LineModel model = cubic_model(0.5, 0.01);
  const std::shared_ptr<const FiniteLaw> points = FiniteLaw::two_points();
  const FiniteFlowField field(model.generator, *points, *points, 2);
  // One flow from the middle of K, which is as small as the distances looked at.
  const FlowPath path = solve_flow(field, Eigen::VectorXd::Constant(1, model.centre), {.horizon = kPathHorizon});
  const Series& series = bench.series("A5", "A5: T = u + u³", "d_C", 0x1p-6, {0.01, 0.02, 0.05, 0.1}, [&](double alpha, std::uint32_t r) {
    return path_to_flow(
        model, [&](double, double s) { return path.at(std::min(s, path.horizon()))[0]; }, alpha, bench.seed(), r);
  });
  const std::vector<double> multiples{0.25, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 4.0};
  CsvTable table({"radius", "multiple", "alpha", "share", "low", "high"});
  std::string shares;
  Outcome outcome = Outcome::holds;
  for (const double radius : {2.0, 4.0, 8.0}) {
    std::vector<double> alphas;
    for (const double multiple : multiples) alphas.push_back(multiple / (3.0 * std::pow(radius, 4.0)));
    const auto exploded = bench.table(fmt::format("A5-R{}", radius), alphas, bench.share_replicates(),
                                      [&](double alpha, std::uint32_t r) { return explodes(radius, alpha, bench.seed(), r); });
    for (std::size_t k = 0; k < multiples.size(); ++k) {
      const Exceedance share = exceedance(exploded[k], 0.5, 0.95);
      table.add({fmt::format("R = {}", radius), multiples[k], alphas[k], share.share, share.interval.low, share.interval.high});
    }
    // Two intervals for each of three radii, of each one end.
    const double confidence = 1.0 - kLevel / 3.0;
    const Interval below = exceedance(exploded[1], 0.5, confidence).interval;
    const Interval above = exceedance(exploded[7], 0.5, confidence).interval;
    if (below.low > 0.5 || above.high < 0.5)
      outcome = Outcome::refuted;
    else if (outcome == Outcome::holds && !(below.high < 0.5 && above.low > 0.5))
      outcome = Outcome::inconclusive;
    shares += fmt::format("{}R = {}: {:.2f} at half of 1/(3R⁴), {:.2f} at twice", shares.empty() ? "" : "; ", radius, exceedance(exploded[1], 0.5, 0.95).share,
                          exceedance(exploded[7], 0.5, 0.95).share);
  }
  if (bench.context().writes) table.write(bench.context().folder / "explosion.csv");
  const std::string what = "SGD on T = ±(u + u³): second derivatives grow with u";
  bench.verdict("A5 broken, K fixed", what + ". For u0 in a fixed K the distance of its path to the flow falls with α all the same.", series, Outcome::holds);
  bench.part.verdicts.push_back({"T6", "A5 broken, K growing",
                                 what + ". From |u0| ≈ R runs explode if α is above about 1/(3R⁴): at twice this more than half do, at half of it fewer.",
                                 shares, fmt::format("{} independent runs for each R and α", bench.share_replicates()), level_text(), outcome, Outcome::holds});
  bench.row("A5", what, "T1", "holds for each K; no α serves all K: explosion above α ≈ 1/(3R⁴)",
            fmt::format("{}; share that explodes: {}", range_text(series), shares), outcome_text(series) + "; " + std::string(outcome_name(outcome)));
}

// ---- A6

void break_a6(Bench& bench) {
  const LineModel model = continuous_model();
  const Series& series = bench.series("A6", "A6: continuous laws", "dist(u, C_r)", 0x1p-3, {0.01, 0.02, 0.05, 0.1, 0.2}, [&](double alpha, std::uint32_t r) {
    const auto scheme = std::make_shared<NoisedProjectedSgd<double>>(1.0, noise_of(bench.context().settings));
    return distance_to_set(line_end(line_training(model, alpha, bench.seed(), r, scheme), alpha, 2.0 * kHorizon), {-1.0 / 3.0, 0.0, 1.0 / 3.0});
  });
  const std::string what = "NPSGD on T = ux with x and y uniform in [−1, 1] in place of ±1, n = 2; C_r = {−1/3, 0, 1/3}";
  bench.verdict("A6 broken", what + ": distances to C_r fall with α all the same.", series, Outcome::holds);
  bench.row("A6", what, "T4", "nothing: F is as smooth as with finite laws", range_text(series), outcome_text(series));
}

// ---- A7

void break_a7(Bench& bench) {
  constexpr double kPiece = 0x1p-5;
  const LineModel model = toothed_model(kPiece);
  std::vector<double> alphas;
  for (int k = 3; k >= -6; --k) alphas.push_back(std::ldexp(kPiece, k));
  // Each distance from runs of its own.
  const auto far_from = [&](bool average) {
    return bench.table(average ? "A7-average" : "A7-pieces", alphas, bench.share_replicates(), [&](double alpha, std::uint32_t r) {
      const TrainingParts<double> parts = line_training(model, alpha, bench.seed(), r);
      const double u0 = start(parts).u[0];
      return std::abs(line_end(parts, alpha, kPathHorizon) - (average ? averaged_flow(kPathHorizon) : top_of_tooth(kPiece, u0)));
    });
  };
  const auto average = far_from(true);
  const auto pieces = far_from(false);
  const double middle = 0.5 * averaged_flow(kPathHorizon);
  CsvTable table({"ratio", "alpha", "average", "average_low", "average_high", "pieces", "pieces_low", "pieces_high"});
  for (std::size_t j = 0; j < alphas.size(); ++j) {
    const Interval a = median_interval(average[j], 0.95);
    const Interval p = median_interval(pieces[j], 0.95);
    table.add({alphas[j] / kPiece, alphas[j], medians_of({average[j]}).front(), a.low, a.high, medians_of({pieces[j]}).front(), p.low, p.high});
  }
  if (bench.context().writes) table.write(bench.context().folder / "pieces.csv");
  // Far from one of two ends that lie `2·middle` apart: nearer to the other.
  const Interval above = exceedance(pieces[1], middle, 1.0 - kLevel).interval;
  const Interval below = exceedance(average.back(), middle, 1.0 - kLevel).interval;
  const Outcome outcome = above.low > 0.5 && below.low > 0.5 ? Outcome::holds : above.high < 0.5 || below.high < 0.5 ? Outcome::refuted : Outcome::inconclusive;
  const std::string what =
      fmt::format("SGD on T = h(u), h' = 1 on three quarters of each piece of length {} and −1 on the rest: A7 holds, but only at the scale of the pieces",
                  power_text(kPiece));
  const std::string measured =
      fmt::format("α = 4 pieces: median distance {:.3f} to the flow of the mean slope, {:.3f} to that of F; α = 1/64 piece: {:.3f} and {:.3f}",
                  medians_of({average[1]}).front(), medians_of({pieces[1]}).front(), medians_of({average.back()}).front(), medians_of({pieces.back()}).front());
  bench.part.verdicts.push_back(
      {"T6", "A7 at the scale of α",
       what + ". Steps longer than the pieces follow the mean slope ½, far from the flow of F, which stops at the first tooth; steps much "
              "shorter follow the flow of F.",
       measured, fmt::format("{} independent runs at each of {} step sizes", bench.share_replicates(), alphas.size()), level_text(), outcome, Outcome::holds});
  bench.row("A7", what, "T1", "T1 for α below the pieces only; with pieces of all sizes (A7 broken) for no α", measured, std::string(outcome_name(outcome)));
}

// ---- the size of the noise

void break_noise(Bench& bench) {
  const Testbed& line = testbed_by_name("two-point-line");
  const CriticalSet critical = two_point_line_critical_set(line.n, 1.0);
  const double noise = noise_of(bench.context().settings);
  const Series& series = bench.series("noise", "noise √α·a·ε", "dist(u, C_r)", 0x1p-3, {0.05, 0.1, 0.2}, [&](double alpha, std::uint32_t r) {
    const Walk walk{&line,   Eigen::VectorXd::Constant(1, 0.9), 0.1, std::make_shared<NoisedProjectedSgd<double>>(1.0, noise / std::sqrt(alpha)), alpha,
                    kHorizon};
    return critical.distance(end_of_walk(walk, bench.seed(), r)).upper;
  });
  const auto& shares = series.judgement.exceedances;
  bench.row("noise α·a·ε", "NPSGD on the two-point line, r = 1, with noise √α·a·ε (more in the table of variants)", "T4",
            "fails: the spread does not depend on α",
            fmt::format("P(dist > 0.05) is {:.2f} at α = {} and {:.2f} ({:.2f} to {:.2f}) at α = {}", shares.front()[0].share,
                        power_text(series.data.step_sizes.front()), shares.back()[0].share, shares.back()[0].interval.low, shares.back()[0].interval.high,
                        power_text(series.data.step_sizes.back())),
            outcome_text(series));
}

// ---- what is shown

Json rates_figure(const Bench& bench) {
  CsvTable table({"case", "distance", "step_size", "median", "low", "high"});
  Json panels = Json::array();
  for (const auto& series : bench.all()) {
    for (std::size_t j = 0; j < series->data.step_sizes.size(); ++j) {
      const Interval interval = median_interval(series->data.upper[j], 0.95);
      table.add({series->title, series->y, series->data.step_sizes[j], medians_of({series->data.upper[j]}).front(), interval.low, interval.high});
    }
    const std::size_t middle = series->data.step_sizes.size() / 2;
    const Json through{series->data.step_sizes[middle], medians_of({series->data.upper[middle]}).front()};
    Json panel{{"title", fmt::format("{}: {}", series->title, series->y)},
               {"series",
                {{{"label", "median over runs"}, {"y", "median"}, {"low", "low"}, {"high", "high"}, {"where", {{"case", series->title}}}, {"style", "line"}}}}};
    if (through[1].get<double>() > 0.0) panel["lines"] = {{{"slope", 0.5}, {"through", through}, {"label", "√α"}}};
    panels.push_back(std::move(panel));
  }
  if (bench.context().writes) table.write(bench.context().folder / "assumption_rates.csv");
  return curves(
      "assumption-rates", "Distances with an assumption broken",
      "Median over independent runs with a distribution-free 95 % interval, against the step size; each panel has the distance of the claim in question. "
      "What goes to 0 with α (to the left) falls like the guide √α or otherwise; where the claim fails the curve stays level or even rises.",
      "assumption_rates.csv", "step_size", "step size α", "median distance", true, true, std::move(panels));
}

}  // namespace

ConvergencePart assumptions(const ExperimentContext& context) {
  Bench bench(context);
  break_a1(bench);
  break_a2(bench);
  break_a3(bench);
  break_a4(bench);
  break_a5(bench);
  break_a6(bench);
  break_a7(bench);
  break_noise(bench);
  if (context.writes) bench.rows().write(context.folder / "assumptions.csv");
  bench.part.tables.push_back(assumptions_table());
  bench.part.figures.push_back(rates_figure(bench));
  bench.part.figures.push_back(explosion_figure());
  bench.part.figures.push_back(pieces_figure());
  return std::move(bench.part);
}

}  // namespace slicecheck::npsgd
