/// What experiment `npsgd-guidelines` says of step sizes: schedules and the number of steps. Its remarks.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "npsgd_guidelines.h"
#include "slicecheck/statistics/slope_of_medians.h"

namespace slicecheck::guidelines {

namespace {

constexpr double kSlopeMargin = 0.25;  // steps ~ α^slope: within this of −1 counts as "flow time decides"

// ---- 3. the schedule

struct Tally {
  std::string kind;
  int lower = 0;
  int higher = 0;
  int all = 0;
  std::vector<double> at_smallest;  ///< ratios at the smallest α_0, one a target; those that are known
  std::vector<double> at_largest;
};

std::string range_of(const std::vector<double>& values) {
  if (values.empty()) return "unknown";
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return values.size() == 1 ? fmt::format("{:.3g}", *low) : fmt::format("{:.3g} to {:.3g}", *low, *high);
}

/// Against the constant step with the same target and α_0.
std::vector<Tally> tallies(const Results& results) {
  const auto& all = results[Question::schedule];
  const auto falling = std::count_if(all.begin(), all.end(), [](const Measured& m) { return m.arm.schedule.kind != "constant"; });
  const double confidence = comparison_confidence(static_cast<std::size_t>(falling));
  const auto by_alpha = [](const Measured& a, const Measured& b) { return a.arm.x < b.arm.x; };
  const double smallest = std::min_element(all.begin(), all.end(), by_alpha)->arm.x;
  const double largest = std::max_element(all.begin(), all.end(), by_alpha)->arm.x;
  std::vector<Tally> out;
  const Measured* constant = nullptr;
  for (const Measured& m : all) {
    if (m.arm.schedule.kind == "constant") {
      constant = &m;
      continue;
    }
    auto found = std::find_if(out.begin(), out.end(), [&](const Tally& tally) { return tally.kind == m.arm.schedule.kind; });
    if (found == out.end()) found = out.insert(out.end(), Tally{m.arm.schedule.kind, 0, 0, 0, {}, {}});
    const Ratio r = ratio_of(m, *constant, confidence);
    found->lower += r.lower() ? 1 : 0;
    found->higher += r.higher() ? 1 : 0;
    ++found->all;
    if (r.known() && m.arm.x == smallest) found->at_smallest.push_back(r.ratio);
    if (r.known() && m.arm.x == largest) found->at_largest.push_back(r.ratio);
  }
  return out;
}

/// What to do, from which kinds were seen lower, higher, both or neither.
std::string schedule_sentence(const std::vector<Tally>& counted, std::uint64_t steps) {
  std::vector<std::string> better;
  std::vector<std::string> worse;
  std::vector<std::string> mixed;
  std::vector<std::string> open;
  int lower = 0;  // of the better ones, in so many of all their cases
  int of_better = 0;
  int higher = 0;
  int of_worse = 0;
  for (const Tally& t : counted) {
    (t.lower > 0 ? (t.higher > 0 ? mixed : better) : (t.higher > 0 ? worse : open)).push_back(t.kind);
    if (t.lower > 0 && t.higher == 0) {
      lower += t.lower;
      of_better += t.all;
    }
    if (t.higher > 0 && t.lower == 0) {
      higher += t.higher;
      of_worse += t.all;
    }
  }
  const auto count = [&](int some, int all) { return fmt::format("(F after {} steps surely lower in {} of {} cases, higher in none)", steps, some, all); };
  std::vector<std::string> clauses;
  if (!better.empty()) clauses.push_back(fmt::format("prefer {} to a constant step {}", listed(better, "or"), count(lower, of_better)));
  if (!worse.empty()) clauses.push_back(fmt::format("prefer a constant step to {} {}", listed(worse, "or"), count(higher, of_worse)));
  if (!mixed.empty()) clauses.push_back(fmt::format("{} helps at some α₀ and hurts at others", listed(mixed, "or")));
  if (!open.empty()) clauses.push_back(fmt::format("a constant step against {} is not decided", listed(open, "or")));
  std::string out = fmt::format("{}.", fmt::join(clauses, "; "));
  out.front() = static_cast<char>(std::toupper(out.front()));
  return out;
}

/// max/min of the geometric means of F over arms that did not diverge.
double spread_of(const std::vector<const Measured*>& arms) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0.0;
  for (const Measured* m : arms) {
    const double f = m->geometric_mean(kF).mean;
    if (!std::isfinite(f)) continue;
    low = std::min(low, f);
    high = std::max(high, f);
  }
  return high / low;
}

/// Largest factor in F between the α_0 of constant steps, and between the schedules of one α_0, over the targets.
std::pair<double, double> spreads(const Results& results) {
  std::pair<double, double> out{1.0, 1.0};
  for (const std::size_t target : results.targets(Question::schedule)) {
    const auto sweep = results.sweep(Question::schedule, target);
    std::vector<const Measured*> constant;
    for (const Measured* m : sweep)
      if (m->arm.schedule.kind == "constant") constant.push_back(m);
    out.first = std::max(out.first, spread_of(constant));
    for (const Measured* first : constant) {
      std::vector<const Measured*> same;
      for (const Measured* m : sweep)
        if (m->arm.x == first->arm.x) same.push_back(m);
      out.second = std::max(out.second, spread_of(same));
    }
  }
  return out;
}

}  // namespace

Advice schedule_advice(const Results& results, const Design& design) {
  const auto counted = tallies(results);
  Advice out{"Which schedule?", schedule_sentence(counted, design.steps), {}};
  for (const Tally& t : counted)
    out.evidence.push_back(
        fmt::format("{} against the constant step with the same α₀: F after {} steps surely lower in {} and surely higher in {} of {} cases; {} times at the "
                    "smallest α₀, {} times at the largest.",
                    t.kind, design.steps, t.lower, t.higher, t.all, range_of(t.at_smallest), range_of(t.at_largest)));
  const auto [alphas, schedules] = spreads(results);
  out.evidence.push_back(fmt::format(
      "F differs by a factor of up to {:.3g} between the α₀ of constant steps, and of up to {:.3g} between the schedules of one α₀.", alphas, schedules));
  Index diverged = 0;
  for (const Measured& m : results[Question::schedule]) diverged += m.diverged();
  if (diverged > 0) out.evidence.push_back(fmt::format("{} trainings diverged, and their cases are left out.", diverged));
  return out;
}

// ---- 5. infinity

namespace {

/// Slopes of log steps against log α, replicate by replicate; none where a level was not reached.
std::vector<double> slopes(const std::vector<const Measured*>& sweep, Index column) {
  std::vector<double> out;
  double mean_x = 0.0;
  for (const Measured* m : sweep) mean_x += std::log(m->arm.x) / static_cast<double>(sweep.size());
  for (Index i = 0; i < sweep.front()->rows.rows(); ++i) {
    double above = 0.0;
    double below = 0.0;
    for (const Measured* m : sweep) {
      const double x = std::log(m->arm.x) - mean_x;
      above += x * std::log(m->rows(i, column));
      below += x * x;
    }
    if (!std::isfinite(above)) return {};
    out.push_back(above / below);
  }
  return out;
}

struct Timing {
  std::string target;
  std::string level;
  MeanEstimate slope{kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
  MeanEstimate time{kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};  ///< α·steps at the smallest α
  Ratio fall;                                                       ///< F(u_T)/F(u_{T/2}) at the smallest α
};

/// Of the lowest level in per cent of F(u₀) that all replicates reached at every α.
std::vector<Timing> timings(const Results& results, const Design& design) {
  constexpr auto q = Question::infinity;
  const auto targets = results.targets(q);
  const double confidence = comparison_confidence(2 * targets.size());
  std::vector<Timing> out;
  for (const std::size_t target : targets) {
    const auto sweep = results.sweep(q, target);
    Timing timing;
    timing.target = design.targets[target].title;
    for (std::size_t level = 0; level < design.percents.size(); ++level) {
      const auto found = slopes(sweep, kHits + static_cast<Index>(level));
      if (found.empty()) continue;
      timing.level = design.level_name(level);
      timing.slope = mean_with_t_interval(found, confidence);
      timing.time = sweep.front()->geometric_mean(kHits + static_cast<Index>(level), confidence);
      timing.time.mean *= sweep.front()->arm.x;
    }
    Measured half = *sweep.front();
    half.rows.col(kF) = half.rows.col(kFHalf);
    timing.fall = ratio_of(*sweep.front(), half, confidence);
    out.push_back(timing);
  }
  return out;
}

/// What F did in the last half of the run at the smallest α: the targets, by verdict, with their ratios.
struct LastHalf {
  std::vector<std::string> targets;
  std::vector<std::string> ratios;  ///< "two moons: 0.792 [0.664, 0.944]"

  void add(const Timing& t) {
    targets.push_back(t.target);
    ratios.push_back(fmt::format("{}: {:.3g} [{:.3g}, {:.3g}]", t.target, t.fall.ratio, t.fall.interval.low, t.fall.interval.high));
  }
};

/// Whether the steps to a level go like 1/α: on so many of the targets, and not on so many.
std::string slope_clause(int equivalent, int different, int judged) {
  if (equivalent == judged) return "count αt, not steps: halving α doubles the steps to a level";
  if (different == judged) return "the steps to a level are not proportional to 1/α in this range";
  if (equivalent + different == 0) return "whether the steps to a level go like 1/α is not decided";
  const int open = judged - equivalent - different;
  if (equivalent == 0) return fmt::format("the steps to a level do not go like 1/α on {} of {} targets, not decided on the others", different, judged);
  return fmt::format("the steps to a level go like 1/α on {} of {} targets{}{}", equivalent, judged, different > 0 ? fmt::format(", not on {}", different) : "",
                     open > 0 ? ", not decided on the others" : "");
}

}  // namespace

Advice infinity_advice(const Results& results, const Design& design) {
  LastHalf falling;
  LastHalf settled;
  LastHalf open;
  int equivalent = 0;
  int different = 0;
  const auto all = timings(results, design);
  Advice out{"How many steps?", "", {}};
  for (const Timing& t : all) {
    if (t.level.empty()) {
      out.evidence.push_back(fmt::format("{}: no level was reached by all.", t.target));
    } else {
      out.evidence.push_back(fmt::format("{}: the steps to {} go like α^s, s = {:.2f} [{:.2f}, {:.2f}]; flow time to it {:.3g}.", t.target, t.level,
                                         t.slope.mean, t.slope.interval.low, t.slope.interval.high, t.time.mean));
      const SlopeVerdict verdict = compare_slope(t.slope.interval, -1.0, kSlopeMargin);
      equivalent += verdict == SlopeVerdict::equivalent ? 1 : 0;
      different += verdict == SlopeVerdict::different ? 1 : 0;
    }
    if (t.fall.lower())
      falling.add(t);
    else if (t.fall.interval.low >= 1.0 / (1.0 + design.tolerance))
      settled.add(t);
    else
      open.add(t);
  }
  const int judged = static_cast<int>(all.size());
  const std::string little = per_cent(1.0 - 1.0 / (1.0 + design.tolerance));
  out.evidence.push_back(fmt::format("s is within {:g} of −1 on {} of {} targets, further off on {}.", kSlopeMargin, equivalent, judged, different));
  const std::string ratio = "F(u_T)/F(u_{T/2}) at the smallest α";
  if (!falling.targets.empty())
    out.evidence.push_back(fmt::format("F still fell in the last half of the run: {}, {}.", ratio, fmt::join(falling.ratios, ", ")));
  if (!settled.targets.empty())
    out.evidence.push_back(fmt::format("F fell by at most {} in the last half of the run: {}, {}.", little, ratio, fmt::join(settled.ratios, ", ")));
  if (!open.targets.empty()) out.evidence.push_back(fmt::format("Not decided whether F still fell: {}, {}.", ratio, fmt::join(open.ratios, ", ")));
  const auto where = [&](const LastHalf& some) { return some.targets.size() == all.size() ? std::string() : fmt::format(" on {}", listed(some.targets)); };
  const std::string time = fmt::format("flow time αt = {:g}", design.flow_time);
  std::string enough;
  if (!falling.targets.empty())
    enough = fmt::format("Train longer than {}, where F still fell{}", time, where(falling));
  else if (!open.targets.empty())
    enough = fmt::format("Whether {} is enough is not decided{}", time, where(open));
  else
    enough = fmt::format("At {} F fell by at most {} in the last half of the run", time, little);
  out.sentence = fmt::format("{}; {}.", enough, slope_clause(equivalent, different, judged));
  return out;
}

std::vector<std::string> observations(const Results& results, const Design& design) {
  std::vector<std::string> out;
  out.push_back(fmt::format(
      "How the sentences above are made: F of one setting over F of another, in each of the {} replicates, with a t-interval for the mean logarithm. "
      "\"Surely\" means that this interval excludes 1, \"at most {} above\" that it ends below {:g}. The comparisons of a sentence together err with "
      "probability {} at most where these logarithms are normal. They are about these targets, this network and {} steps.",
      design.replicates, per_cent(design.margin), 1.0 + design.margin, kFamilyError, design.steps));
  double share = 0.0;
  for (const std::size_t target : results.targets(Question::radius)) {
    const Measured& sgd = results.reference(Question::radius, target);
    share = std::max(share, sgd.mean(kMoved).mean / sgd.mean(kInitialNorm).mean);
  }
  const auto tensors = design.generator->tensors();  // weights, biases, weights, biases, …
  Index units = 0;
  for (std::size_t k = 1; k < tensors.size(); k += 2) units += tensors[k];
  out.push_back(
      fmt::format("The norm at the end is mostly the norm of the start: plain SGD moves u by at most {} of ‖u₀‖ (means over replicates), whatever the target. "
                  "With weights N(0, 2/fan-in) ‖u₀‖ is about √(2·{} units) = {:.3g}; measured: {:.3g}.",
                  per_cent(share), units, std::sqrt(2.0 * static_cast<double>(units)), results[Question::radius].front().mean(kInitialNorm).mean));
  out.push_back(
      "On the sphere a step counts only if ‖u‖ ≥ r(1 − 10⁻⁶): at a constant α the noise of the step throws u off it by an amount of the order of α, so that a "
      "small share does not mean a ball that is not felt; that is what −⟨ĝ, u⟩/r² is for (T5). Where u stays inside, a positive value only says that the norm "
      "is still growing.");
  Index diverged = 0;
  Index all = 0;
  for (const auto& question : results.of)
    for (const Measured& m : question) {
      diverged += m.diverged();
      all += m.rows.rows();
    }
  out.push_back(fmt::format("{} of {} trainings diverged (u or F not finite).", diverged, all));
  out.push_back(
      "The theorem (T4) is about t → ∞ first and α → 0 then. Nothing here confirms or refutes it: a budget of steps is compared, as a user meets it.");
  return out;
}

}  // namespace slicecheck::guidelines
