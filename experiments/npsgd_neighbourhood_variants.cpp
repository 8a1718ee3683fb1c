/// T4 and T6 beside each other: what changes if a part of NPSGD is left out or done otherwise, at the same step sizes, time, noise and starting points.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "npsgd_neighbourhood.h"
#include "slicecheck/gallery/broken_scheme.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::npsgd {

namespace {

/// A scheme for every step size.
struct Variant {
  std::string key;
  std::string title;
  bool planar;  ///< makes a difference for two parameters only
  std::shared_ptr<const Scheme<double>> (*make)(double radius, double noise, double alpha);
  double (*cube)(double radius);  ///< half of the side of the square that it keeps u in; null: no square
};

std::shared_ptr<const Scheme<double>> npsgd_scheme(double radius, double noise) { return std::make_shared<NoisedProjectedSgd<double>>(radius, noise); }

const std::vector<Variant>& all_variants() {
  using Made = std::shared_ptr<const Scheme<double>>;
  static const std::vector<Variant> all{
      {"npsgd", "NPSGD", false, [](double r, double a, double) { return npsgd_scheme(r, a); }, nullptr},
      {"no-noise", "without noise", false, [](double r, double, double) { return npsgd_scheme(r, 0.0); }, nullptr},
      // A ball that no run reaches the sphere of: as good as none.
      {"no-projection", "without projection", false, [](double r, double a, double) { return npsgd_scheme(1e9 * r, a); }, nullptr},
      // α·(a/√α) = √α·a.
      {"root-noise", "noise √α·a·ε", false, [](double r, double a, double alpha) { return npsgd_scheme(r, a / std::sqrt(alpha)); }, nullptr},
      {"per-tensor", "every tensor projected by itself", true,
       [](double r, double a, double) -> Made {
         return std::make_shared<PerTensorProjectedSgd<double>>(r, a, std::vector<Index>{1, 1});
       },
       [](double r) { return r; }},
      {"clipped", "coordinates clipped to ±r/√2", true,
       [](double r, double a, double) -> Made {
         return std::make_shared<PerTensorProjectedSgd<double>>(r / std::sqrt(2.0), a, std::vector<Index>{1, 1});
       },
       [](double r) { return r / std::sqrt(2.0); }},
  };
  return all;
}

struct Ends {
  std::vector<double> step_sizes;
  std::vector<std::vector<double>> upper;
  std::vector<std::vector<double>> lower;
};

Ends measure(const ExperimentContext& context, const Setup& setup, const Variant& variant, bool judged, std::uint32_t number) {
  const Index replicates = judged ? judged_replicates(setup, context.settings.integer_at_least("variants.judged_replicates", 2))
                                  : context.settings.integer_at_least("variants.replicates", 2);
  const double noise = noise_of(context.settings);
  Ends out;
  out.step_sizes = halved_step_sizes(setup.first_step_size, context.settings.integer_at_least("variants.step_sizes", 3));
  const auto count = static_cast<Index>(out.step_sizes.size());
  const Points<double> rows =
      replicate_table(context, fmt::format("variant-{}-{}-{}", variant.key, setup.testbed->name, setup.large ? "large" : "small"), count * replicates, 2,
                      [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
                        const double alpha = out.step_sizes[static_cast<std::size_t>(count - 1 - i / replicates)];
                        const Walk walk{setup.testbed, setup.centre, setup.spread, variant.make(setup.radius, noise, alpha), alpha, setup.horizon};
                        const CriticalDistance distance = setup.critical.distance(end_of_walk(walk, context.seed, stream_replicate(kVariants + number, i)));
                        row << distance.upper, distance.lower;
                      });
  for (Index j = 0; j < count; ++j) {
    const auto block = rows.middleRows((count - 1 - j) * replicates, replicates);
    const Eigen::VectorXd upper = block.col(0);
    const Eigen::VectorXd lower = block.col(1);
    out.upper.emplace_back(upper.begin(), upper.end());
    out.lower.emplace_back(lower.begin(), lower.end());
  }
  return out;
}

/// The threshold that the table and the figure show.
constexpr std::size_t kShown = 3;
double shown_eta(const Setup& setup) { return setup.etas[kShown]; }

/// What T4 says of a variant, in words.
std::string why_of(const Variant& variant) {
  if (variant.key == "npsgd") return "the scheme of T4: falls to 0";
  if (variant.key == "no-noise") return "not covered: T4 asks for noise > 0; here batches make noise of their own";
  if (variant.key == "no-projection") return "not covered: C_r is the set of the ball; falls only where C_r is inside";
  if (variant.key == "root-noise") return "must stay: over a flow time the noise has variance a²S whatever α";
  return "must stay where descent in its square ends away from C_r";
}

Json table_of() {
  return {
      {"id", "variants"},
      {"title", "Other schemes at the smallest step size"},
      {"caption",
       "P(dist(u, C_r) > r/10) at flow time S over independent runs with Clopper and Pearson's 95 % intervals, at the largest and the smallest step size, and "
       "the slope of the log of the median distance over all of them (bootstrap 95 %). All schemes have the same step sizes, time, noise a and starting "
       "points; "
       "C_r is that of the ball throughout. With tensors of one entry each, projecting every tensor by itself and clipping every coordinate to [−r, r] are one "
       "scheme: a square around the ball. Clipping to ±r/√2 keeps u in a square inside it. Gap: distance of C_r from where projected gradient descent in that "
       "square ends."},
      {"file", "variants_summary.csv"},
      {"columns",
       {column("case", "testbed, ball", "s"), column("variant", "scheme", "s"), column("gap", "gap", "s"),
        column("far_first", "far, largest α", ".2f", "far_first_low", "far_first_high"),
        column("far_last", "far, smallest α", ".2f", "far_last_low", "far_last_high"), column("slope", "slope", ".2f", "slope_low", "slope_high")}}};
}

Json figure_of(const std::vector<Setup>& setups) {
  Json panels = Json::array();
  for (const Setup& setup : setups) {
    Json series = Json::array();
    for (const Variant& variant : all_variants())
      if (!variant.planar || setup.parameters() == 2)
        series.push_back({{"label", variant.title},
                          {"y", "far"},
                          {"low", "far_low"},
                          {"high", "far_high"},
                          {"where", {{"case", setup.title()}, {"variant", variant.title}, {"threshold", threshold_text(setup, kShown)}}},
                          {"style", "line"}});
    panels.push_back({{"title", setup.title()}, {"series", std::move(series)}});
  }
  return curves(
      "variants", "What becomes of P(dist > r/10) as α → 0",
      "Share of independent runs that end farther than r/10 from C_r, against the step size, with Clopper and Pearson's 95 % intervals. To the left α → 0: a "
      "scheme that T4 speaks of goes to 0. Noise √α·a does not, because its variance over the flow time S is a²S for every α. Squares instead of the ball: "
      "not where the square's own boundary points lie away from C_r. Without projection: not where C_r is on the sphere, since the run leaves the ball.",
      "variants.csv", "step_size", "step size α", "share of runs with dist(u, C_r) > r/10", true, false, std::move(panels));
}

/// A verdict where something must fail: the distance stays.
ExperimentVerdict refutation(const Setup& setup, const Variant& variant, const ConvergenceJudgement& judgement, const Ends& ends, const std::string& why) {
  ExperimentVerdict verdict;
  verdict.claim = variant.key == "root-noise" ? "T6" : "T4";
  verdict.what = fmt::format("{}: {}", variant.title, setup.title());
  verdict.statement = fmt::format("Distances to C_r of runs with {} fall to 0 with α as those of NPSGD do. They must not: {}.",
                                  variant.key == "root-noise" ? "noise √α·a·ε in place of α·a·ε" : variant.title, why);
  verdict.measured = judgement.measured;
  verdict.sample = fmt::format("{} independent runs at each of {} step sizes", ends.upper.front().size(), ends.upper.size());
  verdict.confidence = level_text();
  verdict.outcome = judgement.outcome;
  verdict.expected = Outcome::refuted;
  return verdict;
}

/// What a square does: where descent in it ends, and how far from C_r that is.
struct Square {
  Eigen::VectorXd limit;
  double gap;
};

Square descend(const Setup& setup, double side) {
  Eigen::VectorXd limit = descent_in_cube(*setup.testbed->field, side, setup.centre.cwiseMax(-side).cwiseMin(side), 2.0 * setup.horizon, 1.0 / 64.0);
  const double gap = setup.critical.distance(limit).lower;
  return {std::move(limit), gap};
}

/// A share of runs, and where it was found.
struct Found {
  Exceedance share;
  std::string where;
};
std::string text_of(const Found& found) {
  return fmt::format("{:.2f} ({}; 95 % interval {:.2f} to {:.2f})", found.share.share, found.where, found.share.interval.low, found.share.interval.high);
}

}  // namespace

ConvergencePart variants(const ExperimentContext& context, const std::vector<Setup>& setups) {
  ConvergencePart part;
  CsvTable shares({"case", "variant", "step_size", "threshold", "eta", "far", "far_low", "far_high", "median"});
  CsvTable table({"case", "variant", "eta", "replicates", "far_first", "far_first_low", "far_first_high", "far_last", "far_last_low", "far_last_high", "median",
                  "slope", "slope_low", "slope_high", "gap", "why"});
  for (std::size_t v = 0; v < all_variants().size(); ++v) {
    const Variant& variant = all_variants()[v];
    std::optional<Found> least;
    std::optional<Found> most;
    for (std::size_t c = 0; c < setups.size(); ++c) {
      const Setup& setup = setups[c];
      if (variant.planar && setup.parameters() != 2) continue;
      std::optional<Square> square;
      if (variant.cube != nullptr) square = descend(setup, variant.cube(setup.radius));
      // A square is judged where its own limit is clearly elsewhere.
      const bool judged = variant.key == "root-noise" || (square && square->gap > 1.5 * shown_eta(setup));
      const Ends ends = measure(context, setup, variant, judged, static_cast<std::uint32_t>(c * 16 + v));
      const ConvergenceJudgement judgement = judge_distances({ends.step_sizes, ends.upper, ends.lower, setup.etas}, context.seed);
      if (judged)
        part.verdicts.push_back(
            refutation(setup, variant, judgement, ends,
                       square ? fmt::format("descent in the square ends at ({:.3f}, {:.3f}), {:.3g} from C_r", square->limit[0], square->limit[1], square->gap)
                              : "over a flow time S its variance is a²S for every α"));
      for (std::size_t j = 0; j < ends.step_sizes.size(); ++j)
        for (std::size_t e = 0; e < setup.etas.size(); ++e) {
          const Exceedance& far = judgement.exceedances[j][e];
          shares.add({setup.title(), variant.title, ends.step_sizes[j], threshold_text(setup, e), setup.etas[e], far.share, far.interval.low, far.interval.high,
                      judgement.slope.medians[j]});
        }
      const Exceedance& first = judgement.exceedances.front()[kShown];
      const Exceedance& last = judgement.exceedances.back()[kShown];
      table.add({setup.title(), variant.title, shown_eta(setup), static_cast<std::int64_t>(ends.upper.back().size()), first.share, first.interval.low,
                 first.interval.high, last.share, last.interval.low, last.interval.high, judgement.slope.medians.back(), judgement.slope.slope,
                 judgement.slope.interval.low, judgement.slope.interval.high, square ? fmt::format("{:.3f}", square->gap) : "–", why_of(variant)});
      const Found found{last, setup.title()};
      if (!least || last.share < least->share.share) least = found;
      if (!most || last.share > most->share.share) most = found;
    }
    part.facts.push_back(fmt::format("{}: P(dist > r/10) at the smallest step size is between {} and {}. T4 says: {}.", variant.title, text_of(*least),
                                     text_of(*most), why_of(variant)));
  }
  if (context.writes) {
    shares.write(context.folder / "variants.csv");
    table.write(context.folder / "variants_summary.csv");
  }
  part.tables.push_back(table_of());
  part.figures.push_back(figure_of(setups));
  return part;
}

}  // namespace slicecheck::npsgd
