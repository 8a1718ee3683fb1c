/// Part of `flow-limit`: step sizes that are not admissible (T2), and the fan of solutions from a tie (T3), on the two-point line.

#include <algorithm>
#include <cmath>
#include <set>

#include "flow_limit.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/path_distance.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/statistics/goodness_of_fit.h"
#include "summary.h"

namespace slicecheck {

namespace {

/// A value that a step reaches exactly in real numbers, reached up to rounding.
constexpr double kRounding = 1e-12;
/// An admissible step size near 1/2. Within kLater steps the law of u shrinks by (1 − 2α)^kLater at most, to more than kOnTie: no right run can be taken for
/// one on the tie.
constexpr double kCloseToHalf = 0.4;
constexpr Index kLater = 20;
/// On the tie, as far as double tells: the step u − αφ rounds by a few units of 2⁻⁵² around 1.
constexpr double kOnTie = 0x1p-50;
constexpr double kQuarter = 0.25;  // c_2, the minimiser of F_2

// ---- T2

/// T(u, x) = b: all images are one point of the plane, whatever the atom.
Testbed one_point_plane() {
  const auto source = std::make_shared<FiniteLaw>("one input", Points<double>::Zero(1, 2));
  const auto target = std::make_shared<FiniteLaw>("three targets", (Points<double>(3, 2) << 0.2, 1.2, -1.1, -0.3, 0.9, -0.6).finished());
  Testbed out = testbed_by_name("affine-plane");
  out.name = "one-point-plane";
  out.title = "one moving point in the plane";
  out.source = source;
  out.target = target;
  out.n = 2;
  return out;
}

struct OneStep {
  double alpha;
  std::vector<double> values;  // of the parameter looked at, after one step
  double on_tie = 0.0;         // share of replicates within rounding of the tie after one step
  double later = 0.0;          // share of all iterates of steps 1, …, 20 on it
};

ConvergencePart step_sizes(const ExperimentContext& context) {
  ConvergencePart part;
  const Index replicates = context.settings.integer_at_least("steps.replicates", 100);
  const Testbed& line = testbed_by_name("two-point-line");
  const Testbed plane = one_point_plane();
  const std::vector<double> alphas{0.5, kCloseToHalf, 0.25, 1.0 / 64.0, 0.5};
  const auto all = static_cast<Index>(alphas.size());
  const Points<double> rows = replicate_table(context, "step-sizes", all * replicates, 2, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
    const auto k = static_cast<std::size_t>(i / replicates);
    const bool in_plane = k + 1 == alphas.size();
    const Points<double> path = walk(testbed_training(in_plane ? plane : line, alphas[k], context.seed, stream_replicate(kFlowSteps, i)), kLater);
    const Index coordinate = in_plane ? 4 : 0;  // b_1, the first coordinate of the point
    row[0] = path(1, coordinate);
    row[1] = in_plane ? 0.0 : static_cast<double>((path.col(0).tail(kLater).cwiseAbs().array() <= kOnTie).count());
  });
  CsvTable table({"where", "alpha", "distinct", "replicates", "on_tie", "later"});
  CsvTable values({"series", "x", "share"});
  std::vector<OneStep> measured;
  for (Index k = 0; k < all; ++k) {
    OneStep one{alphas[static_cast<std::size_t>(k)], {}, 0.0, 0.0};
    std::set<double> distinct;
    for (Index r = 0; r < replicates; ++r) {
      const double value = rows(k * replicates + r, 0);
      one.values.push_back(value);
      distinct.insert(std::round(value / kRounding) * kRounding);
      one.on_tie += std::abs(value) <= kOnTie ? 1.0 / static_cast<double>(replicates) : 0.0;
      one.later += rows(k * replicates + r, 1) / static_cast<double>(replicates * kLater);
    }
    const bool in_plane = k + 1 == all;
    const std::string where = in_plane ? plane.title : line.title;
    table.add({where, one.alpha, static_cast<std::int64_t>(distinct.size()), static_cast<std::int64_t>(replicates), one.on_tie, one.later});
    std::sort(one.values.begin(), one.values.end());
    const std::string label = in_plane ? "plane, α = 0.5" : fmt::format("line, α = {:.4g}", one.alpha);
    for (std::size_t r = 0; r < one.values.size(); ++r) values.add({label, one.values[r], static_cast<double>(r + 1) / static_cast<double>(one.values.size())});
    measured.push_back(std::move(one));
  }
  if (context.writes) {
    table.write(context.folder / "step_sizes.csv");
    values.write(context.folder / "step_values.csv");
  }
  // From u0 > 0: 1, 0, −1 with probabilities 3/8, 1/2, 1/8.
  std::vector<double> counts(3, 0.0);
  for (const double value : measured.front().values)
    for (int v = -1; v <= 1; ++v) counts[static_cast<std::size_t>(1 - v)] += std::abs(value - v) <= kRounding ? 1.0 : 0.0;
  const double total = counts[0] + counts[1] + counts[2];
  const double p = total == static_cast<double>(replicates) ? multinomial_p_value(counts, {0.375, 0.5, 0.125}) : 0.0;
  part.verdicts.push_back({"T2", "line, α = 1/2", "one step sends u₀ > 0 to 1, 0 or −1 with probabilities 3/8, 1/2, 1/8: this α is not admissible",
                           fmt::format("{:.0f}, {:.0f}, {:.0f} of {} replicates; p = {:.2g}", counts[0], counts[1], counts[2], replicates, p),
                           fmt::format("{} replicates", replicates), fmt::format("false alarm ≤ {:.0e}: exact multinomial test", kFlowLimitLevel),
                           p >= kFlowLimitLevel ? Outcome::holds : Outcome::refuted, Outcome::holds});
  double hits = 0.0;
  double looks = 0.0;
  for (std::size_t k = 1; k + 1 < measured.size(); ++k) {
    hits += measured[k].later * static_cast<double>(replicates * kLater);
    looks += static_cast<double>(replicates * kLater);
  }
  part.verdicts.push_back({"T2", "line, α < 1/2", "no iterate sits on the tie",
                           fmt::format("{:.0f} of {:.0f} iterates within 2^-50 of 0, at α = {}, 0.25 and 2^-6", hits, looks, kCloseToHalf),
                           fmt::format("{} replicates of {} steps at each α", replicates, kLater),
                           "an absolutely continuous law meets a point with probability 0; from K, one within 2^-50 is reached by chance with probability "
                           "below 1e-12 a path: at α = 0.25 only from u₀ next to 1, at the others not at all",
                           hits == 0.0 ? Outcome::holds : Outcome::refuted, Outcome::holds});
  part.facts.push_back(
      fmt::format("α = 1/2 on the line leaves {:.1f} % of the iterates on the tie; with one moving point in the plane the same α gives {} different values in "
                  "{} replicates: the "
                  "direction averages.",
                  100.0 * measured.front().later, std::set<double>(measured.back().values.begin(), measured.back().values.end()).size(), replicates));
  part.tables.push_back({{"id", "step-sizes"},
                         {"title", "One step at several step sizes"},
                         {"caption",
                          "From u₀ uniform in K. Different values: how many the replicates take after one step, up to 1e-12. On the tie: share within 2^-50 of "
                          "0 after one step, and over all the first steps looked at."},
                         {"file", "step_sizes.csv"},
                         {"columns",
                          {column("where", "where", "s"), column("alpha", "α", ".4g"), column("distinct", "different values", "d"),
                           column("replicates", "replicates", "d"), column("on_tie", "on the tie", ".3f"), column("later", "in all steps", ".3f")}}});
  Json series = Json::array();
  for (const char* label : {"line, α = 0.5", "line, α = 0.4", "line, α = 0.25", "plane, α = 0.5"})
    series.push_back({{"label", label}, {"y", "share"}, {"where", {{"series", label}}}, {"style", "step"}});
  part.figures.push_back({{"kind", "curves"},
                          {"id", "step-sizes"},
                          {"title", "The law of the parameter after one step"},
                          {"caption",
                           "Distribution functions over the replicates, from u₀ uniform in a small ball. At α = 1/2 the line's step forgets u: three values "
                           "are left. Any smaller α only shrinks the "
                           "differences, so that the law stays continuous."},
                          {"file", "step_values.csv"},
                          {"x", "x"},
                          {"x_label", "parameter after one step (line: u; plane: first coordinate)"},
                          {"y_label", "share of replicates ≤ x"},
                          {"log_x", false},
                          {"log_y", false},
                          {"panels", {{{"title", ""}, {"series", series}}}}});
  return part;
}

// ---- T3

/// ±(1/4)(1 − e^{−2(s−τ)₊}); side 0 stays.
double member(int side, double wait, double s) { return side * kQuarter * -std::expm1(-2.0 * std::max(0.0, s - wait)); }

struct Nearest {
  double distance = 2.0;
  double wait = 0.0;
  int side = 0;
};

/// d_C to the family {stay} ∪ {leave at τ to either side}, by a search over τ: every 1/8, then down to 1/128 around the best.
Nearest nearest_member(const Points<double>& path, double alpha, Index stop) {
  Nearest best;
  const auto look = [&](int side, double wait) {
    const auto gap = [&](double s) { return std::abs(interpolated(path, alpha, s)[0] - member(side, wait, s)); };
    const double d = path_distance(gap, alpha, stop).stopped;
    if (d < best.distance) best = {d, wait, side};
  };
  look(0, static_cast<double>(stop));
  for (const int side : {-1, 1})
    for (double wait = 0.0; wait < static_cast<double>(stop); wait += 0.125) look(side, wait);
  for (double step = 0.0625; step >= 1.0 / 128.0; step *= 0.5) {
    const Nearest now = best;
    if (now.side == 0) break;
    look(now.side, std::max(0.0, now.wait - step));
    look(now.side, now.wait + step);
  }
  return best;
}

ConvergencePart fan_of_solutions(const ExperimentContext& context, const FlowLimitSettings& s) {
  ConvergencePart part;
  const Testbed& line = testbed_by_name("two-point-line");
  const Index replicates = context.settings.integer_at_least("tie.replicates", 2);
  const std::vector<double> alphas = halved_step_sizes(s.step_sizes.front(), context.settings.integer_at_least("tie.step_sizes", 3));
  const auto stop = static_cast<Index>(std::floor(s.horizon));
  const auto at_tie = std::make_shared<StartsInBall>(line.generator, Eigen::VectorXd::Zero(1), 0.0);
  const auto path_of = [&](double alpha, Index number) {
    return walk(testbed_training(line, alpha, context.seed, stream_replicate(kFlowFan, number), nullptr, at_tie),
                static_cast<std::uint64_t>(std::llround(s.horizon / alpha)));
  };
  const Points<double> rows =
      replicate_table(context, "tie", static_cast<Index>(alphas.size()) * replicates, 3, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
        const double alpha = alphas[static_cast<std::size_t>(i / replicates)];
        const Nearest nearest = nearest_member(path_of(alpha, i), alpha, stop);
        row << nearest.distance, nearest.wait, static_cast<double>(nearest.side);
      });
  ConvergenceData data;
  data.step_sizes = alphas;
  data.etas = s.etas;
  CsvTable exits({"series", "alpha", "wait", "share"});
  CsvTable table({"alpha", "distance", "left", "right", "stayed", "wait", "wait_90"});
  for (std::size_t j = 0; j < alphas.size(); ++j) {
    std::vector<double> distances;
    std::vector<double> waits;
    double left = 0.0;
    double right = 0.0;
    for (Index r = 0; r < replicates; ++r) {
      const auto row = rows.row(static_cast<Index>(j) * replicates + r);
      distances.push_back(row[0]);
      waits.push_back(row[1]);
      left += row[2] < 0.0 ? 1.0 : 0.0;
      right += row[2] > 0.0 ? 1.0 : 0.0;
    }
    std::sort(waits.begin(), waits.end());
    const auto count = static_cast<double>(replicates);
    table.add({alphas[j], medians_of({distances}).front(), left / count, right / count, 1.0 - (left + right) / count, medians_of({waits}).front(),
               waits[static_cast<std::size_t>(0.9 * (count - 1.0))]});
    for (std::size_t r = 0; r < waits.size(); ++r)
      exits.add({fmt::format("α = {}", power_text(alphas[j])), alphas[j], waits[r], static_cast<double>(r + 1) / count});
    data.lower.emplace_back(distances.size(), 0.0);
    data.upper.push_back(std::move(distances));
  }
  const ConvergenceJudgement judged = judge_convergence(data, kFlowLimitLevel, context.seed);
  part.verdicts.push_back({"T3", "line, from the tie u₀ = 0", "SGD approaches the family S({0}) = {0} ∪ {±¼(1 − e^{−2(s−τ)₊})}", judged.measured,
                           fmt::format("{} replicates at each of {} step sizes", replicates, alphas.size()),
                           fmt::format("false alarm ≤ {:.0e}, for the measured step sizes", kFlowLimitLevel), judged.outcome, Outcome::holds});
  const auto median_wait = [&](std::size_t j) {
    const Eigen::VectorXd waits = rows.col(1).segment(static_cast<Index>(j) * replicates, replicates);
    return medians_of({{waits.begin(), waits.end()}}).front();
  };
  const double first_wait = median_wait(0);
  const double last_wait = median_wait(alphas.size() - 1);
  part.facts.push_back(fmt::format(
      "From the tie the flow may wait for any time τ. The waiting time that fits SGD's paths best has median {:.3f} at α = {} and {:.3f} at α = {}.",
      first_wait, power_text(alphas.front()), last_wait, power_text(alphas.back())));
  if (context.writes) {
    table.write(context.folder / "tie.csv");
    exits.write(context.folder / "exits.csv");
    CsvTable fan({"panel", "series", "path", "s", "u"});
    constexpr int kTimes = 200;
    for (const std::size_t j : {std::size_t{0}, alphas.size() - 1})
      for (Index r = 0; r < 24; ++r) {
        const Points<double> path = path_of(alphas[j], static_cast<Index>(j) * replicates + r % replicates);
        for (int i = 0; i <= kTimes; ++i) {
          const double time = s.horizon * i / kTimes;
          fan.add({power_text(alphas[j]), std::string("SGD"), fmt::format("{}", r), time, interpolated(path, alphas[j], time)[0]});
        }
      }
    for (const int side : {-1, 0, 1})
      for (double wait = 0.0; wait < s.horizon; wait += 1.0) {
        if (side == 0 && wait > 0.0) continue;
        for (int i = 0; i <= kTimes; ++i) {
          const double time = s.horizon * i / kTimes;
          fan.add({std::string("family"), std::string("family"), fmt::format("{} {}", side, wait), time, member(side, wait, time)});
        }
      }
    fan.write(context.folder / "tie_fan.csv");
    Json panels = Json::array();
    for (const std::size_t j : {std::size_t{0}, alphas.size() - 1})
      panels.push_back({{"title", fmt::format("α = {}", power_text(alphas[j]))},
                        {"series",
                         {{{"label", "SGD from 0"}, {"y", "u"}, {"where", {{"panel", power_text(alphas[j])}}}, {"style", "fan"}, {"path", "path"}},
                          {{"label", "solutions of the flow (waiting 0, 1, 2, …, or for ever)"},
                           {"y", "u"},
                           {"where", {{"panel", "family"}}},
                           {"style", "fan"},
                           {"path", "path"}}}}});
    part.figures.push_back({{"kind", "curves"},
                            {"id", "tie-fan"},
                            {"title", "Non-uniqueness from the tie"},
                            {"caption",
                             "The two-point line started at 0: the flow has a fan of solutions, one for every waiting time and side. SGD's paths leave within "
                             "a time that shrinks with α."},
                            {"file", "tie_fan.csv"},
                            {"x", "s"},
                            {"x_label", "flow time s"},
                            {"y_label", "u"},
                            {"log_x", false},
                            {"log_y", false},
                            {"panels", panels}});
  }
  part.tables.push_back(
      {{"id", "tie"},
       {"title", "SGD from the tie, and the nearest member of the family"},
       {"caption",
        "d_C to the nearest solution of the family, searched over waiting times down to 1/128, both sides and staying for ever; shares by the side of the "
        "nearest member; its waiting time."},
       {"file", "tie.csv"},
       {"columns",
        {column("alpha", "α", ".4g"), column("distance", "median d_C to the family", ".3g"), column("left", "left", ".2f"), column("right", "right", ".2f"),
         column("stayed", "stayed", ".2f"), column("wait", "median waiting time", ".3g"), column("wait_90", "90 % quantile", ".3g")}}});
  Json series = Json::array();
  for (const double alpha : alphas) {
    const std::string label = fmt::format("α = {}", power_text(alpha));
    series.push_back({{"label", label}, {"y", "share"}, {"where", {{"series", label}}}, {"style", "step"}});
  }
  part.figures.push_back({{"kind", "curves"},
                          {"id", "exit-times"},
                          {"title", "Exit times of SGD from the tie"},
                          {"caption", "Distribution function of the waiting time of the nearest solution."},
                          {"file", "exits.csv"},
                          {"x", "wait"},
                          {"x_label", "waiting time τ of the nearest solution"},
                          {"y_label", "share of replicates ≤ τ"},
                          {"log_x", false},
                          {"log_y", false},
                          {"panels", {{{"title", ""}, {"series", series}}}}});
  return part;
}

}  // namespace

ConvergencePart flow_limit_ties(const ExperimentContext& context, const FlowLimitSettings& s) {
  ConvergencePart part = step_sizes(context);
  ConvergencePart fan = fan_of_solutions(context, s);
  for (auto& verdict : fan.verdicts) part.verdicts.push_back(std::move(verdict));
  for (auto& fact : fan.facts) part.facts.push_back(std::move(fact));
  for (Json& table : fan.tables) part.tables.push_back(std::move(table));
  for (Json& figure : fan.figures) part.figures.push_back(std::move(figure));
  return part;
}

}  // namespace slicecheck
