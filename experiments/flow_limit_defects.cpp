/// Part of `flow-limit`: what the judgement of T1 must refuse, and what it must not.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>

#include "flow_limit.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/path_distance.h"
#include "slicecheck/gallery/broken_dynamics.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck {

namespace {

/// φ with a constant added: a bias of length `bias` along the diagonal.
class BiasedSgd final : public Scheme<double> {
 public:
  explicit BiasedSgd(double bias) : bias_(bias) {}
  [[nodiscard]] std::string name() const override { return "sgd with a biased gradient"; }
  void advance(State<double>& state, VectorView<double> phi, double alpha, const RandomStream&) const override {
    state.u -= alpha * (phi.array() + bias_ / std::sqrt(static_cast<double>(phi.size()))).matrix();
    ++state.step;
  }

 private:
  double bias_;
};

/// One way of training on the testbed.
struct Way {
  std::string name;
  std::string title;
  Outcome expected;
  std::function<Points<double>(double alpha, std::uint32_t replicate, std::uint64_t steps)> path;
};

/// A ball that no right path reaches, and the noise of NPSGD: in the limit α → 0 it vanishes, so that NPSGD follows the flow too.
constexpr double kBall = 1000.0;
constexpr double kNoise = 0.5;

/// Defects that leave the limit alone: NPSGD's noise has another law, which vanishes with α all the same; a gradient comes one step late; batches depend on
/// calls that are made in order here. Other claims refuse them.
bool leaves_the_limit(const std::string& name) {
  static const std::vector<std::string> harmless{"noise-uniform", "noise-shared-by-coordinates", "noise-repeated-by-tensor", "stale-gradient",
                                                 "depends-on-calls"};
  return std::find(harmless.begin(), harmless.end(), name) != harmless.end();
}

/// Defects that change nothing in what is looked at here, so that their paths would be those of SGD or NPSGD to the bit: the ball is never reached, the step
/// size is constant, replicates are compared with nothing. `cube-directions` has another F, by less than the smallest η: too small to be seen.
bool is_about_something_else(const std::string& name) {
  static const std::vector<std::string> other{
      "projection-before-noise",      "noise-missing",           "start-not-projected",        "coordinatewise-clipping",
      "per-tensor-projection",        "first-step-size",         "shared-by-replicates",       "noise-shared-by-replicates",
      "training-start-not-projected", "noise-of-the-first-step", "start-shared-by-replicates", "cube-directions"};
  return std::find(other.begin(), other.end(), name) != other.end();
}

Points<double> rows_of(const std::vector<Eigen::VectorXd>& path) {
  Points<double> out(static_cast<Index>(path.size()), path.front().size());
  for (Index t = 0; t < out.rows(); ++t) out.row(t) = path[static_cast<std::size_t>(t)].transpose();
  return out;
}

std::vector<Way> ways(const Testbed& testbed, std::uint64_t seed) {
  const auto with_scheme = [&testbed, seed](const std::function<std::shared_ptr<const Scheme<double>>()>& make) {
    return [&testbed, seed, make](double alpha, std::uint32_t replicate, std::uint64_t steps) {
      return walk(testbed_training(testbed, alpha, seed, replicate, make()), steps);
    };
  };
  const std::vector<Index> tensors = testbed.generator->tensors();
  std::vector<Way> all{
      {"sgd", "SGD", Outcome::holds, with_scheme([] { return std::make_shared<Sgd<double>>(); })},
      {"npsgd", "NPSGD in a large ball", Outcome::holds, with_scheme([] { return std::make_shared<NoisedProjectedSgd<double>>(kBall, kNoise); })},
      {"biased-gradient", "a constant of length 0.25 added to φ", Outcome::refuted, with_scheme([] { return std::make_shared<BiasedSgd>(0.25); })}};
  for (const SchemeDefect& defect : broken_schemes()) {
    if (is_about_something_else(defect.name)) continue;
    const auto make = defect.subject.make;
    all.push_back({defect.name, defect.title, leaves_the_limit(defect.name) ? Outcome::holds : Outcome::refuted,
                   with_scheme([make, tensors] { return std::shared_ptr<const Scheme<double>>(make(kBall, kNoise, tensors)); })});
  }
  for (const SamplerDefect& defect : broken_samplers()) {
    if (is_about_something_else(defect.name)) continue;
    const auto make = defect.subject.make;
    all.push_back({defect.name, defect.title, leaves_the_limit(defect.name) ? Outcome::holds : Outcome::refuted,
                   [&testbed, seed, make](double alpha, std::uint32_t replicate, std::uint64_t steps) {
                     TrainingParts<double> parts = testbed_training(testbed, alpha, seed, replicate);
                     parts.sampler = make(testbed.source, testbed.target, {testbed.n, 1, seed, replicate});
                     return walk(parts, steps);
                   }});
  }
  for (const TrainingDefect& defect : broken_trainings()) {
    if (is_about_something_else(defect.name)) continue;
    const auto path = defect.subject.path;
    all.push_back({defect.name, defect.title, leaves_the_limit(defect.name) ? Outcome::holds : Outcome::refuted,
                   [&testbed, seed, path](double alpha, std::uint32_t replicate, std::uint64_t steps) {
                     return rows_of(path(testbed_training(testbed, alpha, seed, replicate), steps));
                   }});
  }
  return all;
}

/// d_C to the flow from the path's own start, or from the centre of K where it does not start in K; 1 for a path that leaves every bound (d_C is at most 1).
struct Distance {
  double value;
  bool diverged;
};
Distance distance_of(const Testbed& testbed, const Way& way, double alpha, std::uint32_t replicate, double horizon) {
  Points<double> path;
  try {
    path = way.path(alpha, replicate, static_cast<std::uint64_t>(std::llround(horizon / alpha)));
  } catch (const InputError& error) {
    // A training refuses a loss that is not finite; anything else is a mistake of ours.
    if (std::string_view(error.what()).find("finite") == std::string_view::npos) throw;
    return {1.0, true};
  }
  if (!path.allFinite()) return {1.0, true};
  Eigen::VectorXd start = path.row(0).transpose();
  if (!((start - testbed.centre).norm() <= testbed.spread)) start = testbed.centre;
  return {distance_to_flow(path, alpha, solve_flow(*testbed.field, start, {.horizon = horizon, .tolerance = 1e-7})).stopped, false};
}

}  // namespace

ConvergencePart flow_limit_defects(const ExperimentContext& context, const FlowLimitSettings& s) {
  ConvergencePart part;
  const Testbed& testbed = testbed_by_name(context.settings.word("defects.testbed"));
  const Index replicates = context.settings.integer_at_least("defects.replicates", 2);
  const double horizon = context.settings.number("defects.horizon");
  const std::vector<double> alphas =
      halved_step_sizes(context.settings.number("defects.first_step"), context.settings.integer_at_least("defects.step_sizes", 3));
  const FlowSpread spread = flow_spread(testbed, horizon);
  const std::vector<std::string> left_out = context.settings.words("defects.leave_out");
  std::vector<Way> all = ways(testbed, context.seed);
  for (const std::string& name : left_out)
    if (std::erase_if(all, [&](const Way& way) { return way.name == name; }) == 0)
      reject("settings: defects.leave_out names '{}'; there is no such way of training", name);
  const auto per_way = static_cast<Index>(alphas.size()) * replicates;
  const Points<double> rows =
      replicate_table(context, "defects", static_cast<Index>(all.size()) * per_way, 2, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
        // The same draws for every way of training: what differs is the way.
        const Index number = i % per_way;
        const Distance distance = distance_of(testbed, all[static_cast<std::size_t>(i / per_way)], alphas[static_cast<std::size_t>(number / replicates)],
                                              stream_replicate(kFlowDefects, number), horizon);
        row << distance.value, distance.diverged ? 1.0 : 0.0;
      });
  CsvTable table({"name", "title", "first", "last", "slope", "sure_low", "sure_high", "trend", "diverged", "outcome", "expected"});
  CsvTable curves({"series", "alpha", "median", "low", "high"});
  std::size_t as_declared = 0;
  for (std::size_t w = 0; w < all.size(); ++w) {
    ConvergenceData data;
    data.step_sizes = alphas;
    data.etas = s.etas;
    for (std::size_t j = 0; j < alphas.size(); ++j) {
      std::vector<double> upper;
      std::vector<double> lower;
      for (Index r = 0; r < replicates; ++r) {
        const double d = rows(static_cast<Index>(w) * per_way + static_cast<Index>(j) * replicates + r, 0);
        upper.push_back(d);
        lower.push_back(std::max(0.0, d - spread.slack));
      }
      data.upper.push_back(std::move(upper));
      data.lower.push_back(std::move(lower));
    }
    const ConvergenceJudgement judged = judge_convergence(data, kFlowLimitLevel, context.seed);
    as_declared += judged.outcome == all[w].expected ? 1 : 0;
    table.add({all[w].name, all[w].title, judged.slope.medians.front(), judged.slope.medians.back(), judged.slope.slope, judged.guaranteed.low,
               judged.guaranteed.high, judged.trend_p_value, rows.col(1).segment(static_cast<Index>(w) * per_way, per_way).mean(),
               std::string(outcome_name(judged.outcome)), std::string(outcome_name(all[w].expected))});
    for (std::size_t j = 0; j < alphas.size(); ++j)
      curves.add({all[w].name, alphas[j], judged.slope.medians[j], judged.slope.median_intervals[j].low, judged.slope.median_intervals[j].high});
    part.verdicts.push_back(
        {"T1", fmt::format("{} ({})", all[w].name, testbed.title), "P(d_C(u_α, S(K)) > η) → 0 as α → 0", judged.measured,
         fmt::format("{} replicates at each of {} step sizes", replicates, alphas.size()),
         fmt::format("false alarm ≤ {:.0e}, for the measured step sizes; the slack is measured from {} starts, not certified", kFlowLimitLevel, spread.starts),
         judged.outcome, all[w].expected});
  }
  if (context.writes) {
    table.write(context.folder / "defects.csv");
    curves.write(context.folder / "defect_curves.csv");
  }
  part.facts.push_back(
      fmt::format("Of {} ways of training on the {}, {} were judged as declared beforehand; those that are declared to hold leave the limit alone, "
                  "and are refused by other claims.{}",
                  all.size(), testbed.title, as_declared, left_out.empty() ? "" : fmt::format(" Left out of this profile: {}.", fmt::join(left_out, ", "))));
  part.tables.push_back(
      {{"id", "defects"},
       {"title", "What the judgement of T1 refuses"},
       {"caption",
        fmt::format(
            "The {} trained in ways that are wrong, from the gallery and with a biased gradient; the same draws for all. Refuted: d_C to the flow, less the "
            "slack {:.3f} for the size of K, stays above some η at the two smallest step sizes, and its median falls more slowly than α^{{1/4}}. A path that "
            "diverges counts as d_C = 1.",
            testbed.title, spread.slack)},
       {"file", "defects.csv"},
       {"columns",
        {column("name", "way of training", "s"), column("title", "what is wrong", "s"), column("first", "median d_C, largest α", ".3g"),
         column("last", "smallest α", ".3g"), column("slope", "slope", ".2f", "sure_low", "sure_high"), column("diverged", "share diverged", ".2f"),
         column("outcome", "judged", "s"), column("expected", "declared", "s")}}});
  Json series = Json::array();
  for (const char* name : {"sgd", "npsgd", "stale-gradient", "biased-gradient", "reused-direction", "same-batch", "noise-root-step"})
    if (std::any_of(all.begin(), all.end(), [&](const Way& way) { return way.name == name; }))
      series.push_back({{"label", name}, {"y", "median"}, {"low", "low"}, {"high", "high"}, {"where", {{"series", name}}}});
  part.figures.push_back(
      {{"kind", "curves"},
       {"id", "defects"},
       {"title", "Right and wrong ways of training, against the flow"},
       {"caption", "Median d_C against the step size; a right way falls like √α, a wrong one levels off at the distance between its own limit and the flow."},
       {"file", "defect_curves.csv"},
       {"x", "alpha"},
       {"x_label", "step size α"},
       {"y_label", "d_C (median)"},
       {"log_x", true},
       {"log_y", true},
       {"panels", {{{"title", ""}, {"series", series}}}}});
  return part;
}

}  // namespace slicecheck
