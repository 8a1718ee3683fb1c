/// Algorithm 1 on the line, step by step: R8, R9 and the first bullet of Theorem 4.2 (F4).

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/statistics/confidence.h"
#include "summary.h"
#include "transport_bounds.h"

namespace slicecheck::transport_theorems {

namespace {

constexpr double kStart = 2.0;    // θ_0
constexpr double kOracle = 0.01;  // ε/λ of the oracle that stops early
constexpr double kRight = 0.8;    // weight of y = 1

/// What a run of Algorithm 1 is: x = ±1 uniform, y = ±1 with weights .8, .2, G = θx, squared cost, KL, S = 1.
struct Algorithm {
  double lambda = 1.0;
  double alpha = 1.0;
  bool exact = true;  ///< the oracle's potentials are optimal; otherwise within λ/100
};

Points<double> slopes(double theta) {
  Points<double> out(2, 2);
  out << 2.0 * (theta - 1.0), 2.0 * (theta + 1.0), 2.0 * (theta + 1.0), 2.0 * (theta - 1.0);
  return out;
}

/// At one θ: ‖∇h‖², what the oracle's plan errs by, the noise.
struct Step {
  TransportProblem problem;
  DualPotentials best;    ///< to start the next solution with
  DualPotentials oracle;  ///< what g is made of
  double squared = 0.0;   ///< ‖∇h(θ)‖²
  double error = 0.0;     ///< δ² by R7
  double variance = 0.0;  ///< E‖g − G‖²
};

Step look_at(double theta, const Algorithm& algorithm, const DualPotentials* start) {
  Step out;
  out.problem = line_problem(theta, algorithm.lambda, kRight);
  const TransportSolution s = nearly_exact(out.problem, start);
  out.best = s.potentials;
  out.oracle = s.potentials;
  const Points<double> derivative = slopes(theta);
  const double gradient = gradient_weights(out.problem, s.potentials).cwiseProduct(derivative).sum();
  out.squared = gradient * gradient;
  if (!algorithm.exact) {
    const TransportSolution rough = solve_transport(out.problem, {kOracle * algorithm.lambda, 20'000});
    out.oracle = rough.potentials;
    CostConstants c;
    c.L0 = derivative.cwiseAbs().maxCoeff();
    const double delta = TransportBounds().gradient_error(rough.gap + rough.floor, c, algorithm.lambda, Regulariser::kl, false);
    out.error = delta * delta;
  }
  const Points<double> z = plan_density(out.problem, out.oracle).cwiseProduct(derivative);
  const double mean = out.problem.a.dot(z * out.problem.b);
  out.variance = out.problem.a.dot(Points<double>((z.array() - mean).square()) * out.problem.b);
  return out;
}

double next_theta(double theta, const Algorithm& algorithm, const Step& step, Index x, Index y) {
  return theta - algorithm.alpha * minibatch_weights(step.problem, step.oracle, {x}, {y}).cwiseProduct(slopes(theta)).sum();
}

/// Σ over the tree of minibatches, by depth.
struct Depth {
  double squared = 0.0;
  double error = 0.0;
  double noise = 0.0;  ///< the largest E‖g − G‖²
};

void walk(double theta, double probability, std::size_t depth, const Algorithm& algorithm, const DualPotentials* start, std::vector<Depth>& out) {
  const Step step = look_at(theta, algorithm, start);
  out[depth].squared += probability * step.squared;
  out[depth].error += probability * step.error;
  out[depth].noise = std::max(out[depth].noise, step.variance);
  if (depth + 1 == out.size()) return;
  for (Index x = 0; x < 2; ++x)
    for (Index y = 0; y < 2; ++y)
      walk(next_theta(theta, algorithm, step, x, y), probability * step.problem.a[x] * step.problem.b[y], depth + 1, algorithm, &step.best, out);
}

/// The same along one training.
std::vector<Depth> simulate(const Algorithm& algorithm, std::uint64_t seed, std::uint32_t replicate, std::size_t steps) {
  std::vector<Depth> out(steps);
  double theta = kStart;
  DualPotentials start;
  for (std::size_t t = 0; t < steps; ++t) {
    const Step step = look_at(theta, algorithm, t == 0 ? nullptr : &start);
    out[t] = {step.squared, step.error, step.variance};
    const RandomStream stream(seed, Purpose::oracle_batch, replicate, t);
    PointDraws draws(stream, 0);
    const Index x = draws.uniform() < 0.5 ? 0 : 1;
    const Index y = draws.uniform() < kRight ? 0 : 1;
    theta = next_theta(theta, algorithm, step, x, y);
    start = step.best;
  }
  return out;
}

/// An upper bound of h(θ_0) − inf h. Between grid points h loses at most half a cell's width times the largest slope there; beyond |θ| = 2.5 it is at least
/// min C = (|θ| − 1)² > 2.2, above h(1).
double excess(double lambda) {
  constexpr Index cells = 5000;
  double least = std::numeric_limits<double>::infinity();
  DualPotentials start;
  for (Index k = 0; k <= cells; ++k) {
    const double theta = -2.5 + 5.0 * static_cast<double>(k) / cells;
    const TransportSolution s = solve_transport(line_problem(theta, lambda, kRight), {1e-9, 20'000}, k == 0 ? nullptr : &start);
    start = s.potentials;
    least = std::min(least, s.dual_value - s.floor);
  }
  const TransportSolution first = nearly_exact(line_problem(kStart, lambda, kRight));
  return first.primal_value() + first.floor - (least - 2.0 * 3.5 * (0.5 * 5.0 / cells));
}

}  // namespace

Part stationarity_part(const ExperimentContext& context, const HeldBounds& bounds) {
  const Settings& s = context.settings;
  const auto enumerated = static_cast<std::size_t>(s.integer("stationarity.enumerated"));
  const auto longest = static_cast<std::size_t>(s.integer("stationarity.longest"));
  const Index replicates = s.integer("stationarity.replicates");
  const double L1 = 2.0;        // squared cost, x² = 1
  const double sharp_L0 = 2.0;  // 2 max|x| max|y|
  CsvTable table({"arm", "kind", "T", "value", "low", "high"});
  Closest with_L{"R8", "α = 1/L", "mean of E‖∇h‖² ≤ 2Δ/(αT) + δ² + Lασ², α = 1/L, exact oracle", Closest::Kind::bound, true},
      with_L1{"R9", "α = 1/L₁", "the same with L₁ for L, α = 1/L₁, exact oracle", Closest::Kind::bound, true},
      with_errors{"R10", "α = 1/L₁, ε ≤ λ/100", "the same with the mean of E δ_t², α = 1/L₁, oracle with ε ≤ λ/100", Closest::Kind::bound, true};
  Json panels = Json::array();
  std::vector<std::string> evidence;
  std::vector<std::string> smaller, larger, open, early_smaller, early_larger;
  constexpr int kLooks = 9 * 32;  // more than the horizons of all arms
  std::uint32_t arm_number = 0;
  for (const double lambda : {0.1, 1.0, 4.0}) {
    const double delta_h = excess(lambda);
    const double L = L1 + sharp_L0 * sharp_L0 / lambda;
    struct Arm {
      std::string label;
      Algorithm algorithm;
      double L;
      Closest* closest;
    };
    const std::vector<Arm> arms{{"α = 1/L", {lambda, 1.0 / L, true}, L, &with_L},
                                {"α = 1/L₁", {lambda, 1.0 / L1, true}, L1, &with_L1},
                                {"α = 1/L₁, ε ≤ λ/100", {lambda, 1.0 / L1, false}, L1, &with_errors}};
    std::vector<MeanEstimate> ends;
    std::vector<double> early;
    for (const Arm& arm : arms) {
      const std::string name = fmt::format("λ = {:g}, {}", lambda, arm.label);
      std::vector<Depth> tree(enumerated);
      walk(kStart, 1.0, 0, arm.algorithm, nullptr, tree);
      std::vector<std::vector<Depth>> runs(static_cast<std::size_t>(replicates));
      parallel_for(replicates, [&](Index r) {
        runs[static_cast<std::size_t>(r)] = simulate(arm.algorithm, context.seed, (arm_number << 20U) + static_cast<std::uint32_t>(r), longest);
      });
      ++arm_number;
      double squared = 0.0, error = 0.0, noise = 0.0;
      for (std::size_t t = 0; t < enumerated; ++t) {
        squared += tree[t].squared;
        error += tree[t].error;
        noise = std::max(noise, tree[t].noise);
        const auto T = static_cast<double>(t + 1);
        const double bound = bounds.stationarity(delta_h, arm.algorithm.alpha, T, error / T, arm.L, noise);
        table.add({name, std::string("exact"), static_cast<std::int64_t>(t + 1), squared / T, kUnknown, kUnknown});
        table.add({name, std::string("bound"), static_cast<std::int64_t>(t + 1), bound, kUnknown, kUnknown});
        arm.closest->see(squared / T, bound, fmt::format("λ = {:g}, T = {}", lambda, t + 1));
      }
      early.push_back(squared / static_cast<double>(enumerated));
      std::vector<double> totals(static_cast<std::size_t>(replicates), 0.0);
      error = 0.0;
      MeanEstimate end{};
      for (std::size_t t = 0; t < longest; ++t) {
        for (std::size_t r = 0; r < totals.size(); ++r) {
          totals[r] += runs[r][t].squared;
          error += runs[r][t].error / static_cast<double>(replicates);
          noise = std::max(noise, runs[r][t].noise);
        }
        const auto T = static_cast<double>(t + 1);
        if (t + 1 != longest && (t + 1 <= enumerated || ((t + 1) & t) != 0)) continue;
        std::vector<double> means;
        for (const double total : totals) means.push_back(total / T);
        end = mean_with_t_interval(means, 0.95);
        table.add({name, std::string("mean"), static_cast<std::int64_t>(t + 1), end.mean, end.interval.low, end.interval.high});
        const double bound = bounds.stationarity(delta_h, arm.algorithm.alpha, T, error / T, arm.L, noise);
        table.add({name, std::string("bound"), static_cast<std::int64_t>(t + 1), bound, kUnknown, kUnknown});
        arm.closest->see(mean_with_t_interval(means, 1.0 - kExperimentFalseAlarm / kLooks).interval.low, bound,
                         fmt::format("λ = {:g}, T = {}, low end of the interval of {} trainings", lambda, t + 1, replicates));
      }
      ends.push_back(end);
      const auto of_kind = [&](const std::string& label, const std::string& kind, const std::string& style) {
        return curve(label, "value", style, {{"arm", name}, {"kind", kind}});
      };
      Json simulated = of_kind(fmt::format("mean of {} trainings", replicates), "mean", "points");
      simulated["low"] = "low";
      simulated["high"] = "high";
      panels.push_back(
          {{"title", name}, {"series", {of_kind("bound", "bound", "line"), of_kind("sum over all minibatches", "exact", "points"), std::move(simulated)}}});
    }
    (ends[1].interval.high < ends[0].interval.low   ? smaller
     : ends[1].interval.low > ends[0].interval.high ? larger
                                                    : open)
        .push_back(fmt::format("{:g}", lambda));
    (early[1] < early[0] ? early_smaller : early_larger).push_back(fmt::format("{:g}", lambda));
    evidence.push_back(fmt::format(
        "λ = {:g}: L = {:.3g}, L₁ = {:g}. Mean of ‖∇h‖² with α = 1/L and 1/L₁: {:.3g} and {:.3g} over {} steps (exact), {:.3g} [{:.3g}, {:.3g}] and "
        "{:.3g} [{:.3g}, {:.3g}] over {} steps.",
        lambda, L, L1, early[0], early[1], enumerated, ends[0].mean, ends[0].interval.low, ends[0].interval.high, ends[1].mean, ends[1].interval.low,
        ends[1].interval.high, longest));
  }
  table.write(context.folder / "stationarity.csv");
  Part part;
  part.closest = {with_L, with_L1, with_errors};
  part.figures.push_back(curves_figure(
      "stationarity", "Algorithm 1: mean of E‖∇h‖² over the first T steps",
      fmt::format(
          "x = ±1 uniform, y = 1 with weight .8, y = −1 with .2, G = θx, squared cost, KL, S = 1, θ₀ = 2: four minibatches a step. Up to T = {} the sum over "
          "all "
          "sequences of minibatches, with no sampling; beyond, the mean of {} trainings with a 95 % t-interval. L = L₁ + L₀⊥²/λ, L₁ = 2. Bounds: R8 with L, "
          "and R9, which has L₁ in its place; σ² is the largest noise that any of the trainings met up to T. Last column: the oracle stops, from ψ = 0, at a "
          "certified gap ε ≤ λ/100, and "
          "δ² is the mean of R7's bound (R10).",
          enumerated, replicates),
      "T", "T", "mean of E‖∇h(θ_t)‖², t < T", true, true, std::move(panels)));
  const auto sides = [](const std::vector<std::string>& below, const std::vector<std::string>& above, const std::vector<std::string>& undecided) {
    std::vector<std::string> clauses;
    if (!below.empty()) clauses.push_back("smaller at " + lambdas_text(below));
    if (!above.empty()) clauses.push_back("larger at " + lambdas_text(above));
    if (!undecided.empty()) clauses.push_back("not decided at " + lambdas_text(undecided));
    return fmt::format("{}", fmt::join(clauses, ", "));
  };
  part.advice.push_back(advice_entry(
      "What does the larger step 1/L₁ change in Algorithm 1?",
      with_L.exceeded() || with_L1.exceeded()
          ? std::string("Not decided: a bound was exceeded; see the verdicts.")
          : fmt::format("It stays within R9's bound. Beside 1/L, the mean of ‖∇h‖² over the first {} steps is {}; over the first {}, with S = 1, it is {}.",
                        enumerated, sides(early_smaller, early_larger, {}), longest, sides(smaller, larger, open)),
      evidence));
  return part;
}

}  // namespace slicecheck::transport_theorems
