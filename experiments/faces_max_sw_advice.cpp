/// What experiment `faces-max-sw` says of report 002's sentences, from its numbers.

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "faces_max_sw.h"
#include "summary.h"

namespace slicecheck::faces {

namespace {

std::string words(const Measured& m) { return fmt::format("{}, {}", m.arm.optimiser(), m.arm.step()); }

/// A column of one over that of another, start by start; NaN where one diverged.
MeanEstimate ratio_of(const Measured& one, const Measured& other, Index column = kW2) {
  std::vector<double> out;
  for (Index r = 0; r < one.rows.rows(); ++r) out.push_back(one.rows(r, column) / other.rows(r, column));
  return geometric_mean(out);
}

/// The factor by which the variance of one misses that of the images, over that of another, start by start.
MeanEstimate miss_of(const Measured& one, const Measured& other, double real) {
  std::vector<double> out;
  const auto miss = [&](const Measured& m, Index r) { return std::abs(std::log(m.rows(r, kVariance) / real)); };
  for (Index r = 0; r < one.rows.rows(); ++r) out.push_back(std::exp(miss(one, r) - miss(other, r)));
  return geometric_mean(out);
}

std::string text_of(const MeanEstimate& ratio) { return fmt::format("{:.3g} [{:.3g}, {:.3g}]", ratio.mean, ratio.interval.low, ratio.interval.high); }

/// The ratio, or who diverged from how many starts.
std::string ratio_text(const Measured& one, const Measured& other, Index column = kW2) {
  std::vector<std::string> diverged;
  for (const Measured* m : {&one, &other})
    if (m->diverged() > 0) diverged.push_back(fmt::format("{} diverged from {} of {} starts", words(*m), m->diverged(), m->rows.rows()));
  return diverged.empty() ? text_of(ratio_of(one, other, column)) : fmt::format("{}", fmt::join(diverged, ", "));
}

double mean_where_finite(const Measured& m, Index column) {
  double sum = 0.0, count = 0.0;
  for (const double value : m.values(column))
    if (std::isfinite(value)) {
      sum += std::log(value);
      count += 1.0;
    }
  return count > 0.0 ? sum / count : std::numeric_limits<double>::infinity();
}

/// The best of so many ways of training; null where there is none.
struct Best {
  const Measured* arm = nullptr;
  Index of = 0;
};

/// Of those that `admit` lets in: the fewest diverged starts, then the lowest geometric mean of the column.
template <class Admit>
Best best_of(const std::vector<Measured>& results, const Admit& admit, Index column = kW2) {
  Best best;
  for (const Measured& m : results) {
    if (!admit(m)) continue;
    ++best.of;
    const auto rank = [&](const Measured& one) { return std::pair{one.diverged(), mean_where_finite(one, column)}; };
    if (best.arm == nullptr || rank(m) < rank(*best.arm)) best.arm = &m;
  }
  return best;
}

/// How one compares with another.
enum class Verdict { lower, alike, higher, open };

/// Lower: less than 1 − margin times the other. Alike: each is at least 1 − margin times the other.
Verdict verdict_of(const MeanEstimate& ratio, double margin) {
  if (ratio.interval.high < 1.0 - margin) return Verdict::lower;
  if (ratio.interval.low > 1.0 / (1.0 - margin)) return Verdict::higher;
  return ratio.interval.low >= 1.0 - margin && ratio.interval.high <= 1.0 / (1.0 - margin) ? Verdict::alike : Verdict::open;
}

/// Where starts diverged it is decided only if all starts of one did and none of the other.
Verdict verdict_of(const Measured& one, const Measured& other, double margin, Index column = kW2) {
  const Index starts = one.rows.rows(), lost = one.diverged(), lost_other = other.diverged();
  if (lost == 0 && lost_other == 0) return verdict_of(ratio_of(one, other, column), margin);
  if (lost == 0 && lost_other == starts) return Verdict::lower;
  return lost == starts && lost_other == 0 ? Verdict::higher : Verdict::open;
}

/// Which of the chosen share and radius are the smallest or the largest tried; empty where none is, or only one was tried.
std::string edge_text(const std::vector<Measured>& results, const Measured& m) {
  std::vector<std::string> at_edge;
  const auto look = [&](const std::string& name, double Arm::*value) {
    double low = std::numeric_limits<double>::infinity(), high = 0.0;
    for (const Measured& other : results) {
      const double tried = other.arm.*value;
      if (!(tried > 0.0)) continue;
      low = std::min(low, tried);
      high = std::max(high, tried);
    }
    if (m.arm.*value > 0.0 && low < high && (m.arm.*value == low || m.arm.*value == high)) at_edge.push_back(name);
  };
  look("share", &Arm::share);
  look("radius", &Arm::radius);
  return at_edge.empty() ? std::string() : fmt::format(", its {} at the edge of those tried", fmt::join(at_edge, " and its "));
}

/// "34.7 of 71.7": the total variance of generated images and of real ones.
std::string variance_text(const Measured& m, double real) { return fmt::format("{:.3g} of {:.3g}", std::exp(mean_where_finite(m, kVariance)), real); }

/// Whether a ball lowers W_2² by more than the margin.
enum class Decisive { yes, no, open };
Decisive decisive(const Best& with, const Best& without, double margin) {
  if (with.arm == nullptr || without.arm == nullptr) return Decisive::open;
  const Verdict verdict = verdict_of(*with.arm, *without.arm, margin);
  if (verdict == Verdict::lower) return Decisive::yes;
  if (verdict == Verdict::alike || verdict == Verdict::higher) return Decisive::no;
  const bool all = with.arm->diverged() == 0 && without.arm->diverged() == 0;
  return all && ratio_of(*with.arm, *without.arm).interval.low >= 1.0 - margin ? Decisive::no : Decisive::open;
}

std::string at(Decisive answer, const std::string& where) {
  return fmt::format("{} {}", answer == Decisive::yes ? "decisive" : answer == Decisive::no ? "not decisive" : "not decided", where);
}

/// The projection, loss by loss: at the largest step, and each at its best step.
Json projection(const Design& d, const std::vector<Measured>& results, const Floor& floor) {
  std::map<std::string, std::vector<std::string>> losses;
  std::vector<std::string> evidence;
  double largest = 0.0;
  std::vector<double> shares;
  for (const Measured& m : results)
    if (!m.arm.adam && std::find(shares.begin(), shares.end(), m.arm.share) == shares.end()) shares.push_back(m.arm.share);
  for (const double share : shares) largest = std::max(largest, share);
  Index balls = 0, ways_without = 0, ways_with = 0;
  for (std::size_t loss = 0; loss < d.losses.size(); ++loss) {
    const auto of_loss = [&](const Measured& m, bool ball) { return m.arm.loss == loss && !m.arm.adam && (m.arm.radius > 0.0) == ball; };
    const auto at_share = [&](double share, bool ball) {
      return best_of(results, [&](const Measured& m) { return of_loss(m, ball) && m.arm.share == share; });
    };
    const std::string name = d.losses[loss].objective.name();
    for (const double share : shares) {
      const Best without = at_share(share, false), with = at_share(share, true);
      if (without.arm == nullptr || with.arm == nullptr) continue;
      balls = with.of;
      evidence.push_back(fmt::format(
          "{}, SGD, share {}: W_2² with the best ball, of {}{}, over that without: {}; the ball is active on {:.0f} % of the steps; variances {} and {}.", name,
          power_text(share), power_text(with.arm->arm.radius), edge_text(results, *with.arm), ratio_text(*with.arm, *without.arm),
          with.arm->diverged() > 0 ? kNoNumber : 100.0 * mean_with_t_interval(with.arm->values(kActive), kConfidence).mean,
          variance_text(*with.arm, floor.halves.variance), variance_text(*without.arm, floor.halves.variance)));
    }
    const Best without = best_of(results, [&](const Measured& m) { return of_loss(m, false); });
    const Best with = best_of(results, [&](const Measured& m) { return of_loss(m, true); });
    if (with.arm == nullptr || without.arm == nullptr) continue;
    ways_without = without.of;
    ways_with = with.of;
    evidence.push_back(fmt::format("{}, each at its best: with ({}{}) over without ({}{}): {}.", name, words(*with.arm), edge_text(results, *with.arm),
                                   words(*without.arm), edge_text(results, *without.arm), ratio_text(*with.arm, *without.arm)));
    const std::string key = at(decisive(at_share(largest, true), at_share(largest, false), d.margin), "at the largest step tried") + ", " +
                            at(decisive(with, without, d.margin), "each at its best");
    losses[key].push_back(name);
  }
  std::vector<std::string> clauses;
  for (const auto& [key, names] : losses) clauses.push_back(fmt::format("{}: {}", fmt::join(names, ", "), key));
  evidence.push_back(
      fmt::format("Decisive: W_2² with the ball is less than {:.3g} times that without (95 % interval of {} starts), or without it all starts diverge and with "
                  "it none. Not decisive: the interval lies above that. Chosen and compared on the same starts, which flatters the side with more ways.",
                  1.0 - d.margin, d.replicates));
  if (clauses.empty()) clauses.emplace_back("not compared");
  return advice_entry("Is the projection of the gradient onto a ball decisive for SGD, as report 002 says of CelebA?",
                      fmt::format("On these images, by W_2², with the best of {} radii at a step, or of {} ways with a ball and {} without over all steps: {}.",
                                  balls, ways_with, ways_without, fmt::join(clauses, "; ")),
                      evidence);
}

/// What one yardstick says of max-SW (lower, nearer) against SW.
struct Reading {
  std::string yardstick;
  Verdict verdict;
  std::string numbers;
};

std::string favours(const Reading& r) {
  return fmt::format("by {} {}, {}", r.yardstick,
                     r.verdict == Verdict::lower    ? "max-SW"
                     : r.verdict == Verdict::higher ? "SW"
                     : r.verdict == Verdict::alike  ? "as good"
                                                    : "not decided",
                     r.numbers);
}

std::string all_say(const std::vector<Reading>& readings) {
  const auto count = [&](Verdict v) { return std::count_if(readings.begin(), readings.end(), [&](const Reading& r) { return r.verdict == v; }); };
  const auto all = static_cast<std::ptrdiff_t>(readings.size());
  if (count(Verdict::lower) == all) return "max-SW is better";
  if (count(Verdict::higher) == all) return "SW is better";
  if (count(Verdict::alike) == all) return "both are as good";
  const int kinds = (count(Verdict::lower) > 0 ? 1 : 0) + (count(Verdict::higher) > 0 ? 1 : 0) + (count(Verdict::alike) > 0 ? 1 : 0);
  return kinds > 1 ? "the yardsticks disagree" : "not decided";
}

/// max-SW beside SW, each by its best way of training; decided only where all yardsticks agree.
Json max_or_mean(const Design& d, const std::vector<Measured>& results, const Floor& floor) {
  std::vector<std::string> clauses, evidence;
  const double real = floor.halves.variance;
  for (const bool on_features : {false, true}) {
    const std::string where = on_features ? "on features" : "on samples";
    const auto best = [&](GeneratorObjective::Kind kind, Index column) {
      return best_of(
          results,
          [&](const Measured& m) {
            const GeneratorObjective& objective = d.losses[m.arm.loss].objective;
            return objective.kind == kind && objective.on_features == on_features;
          },
          column);
    };
    // The choice needs a yardstick too: by W_2² for the sentence, by the others for the evidence.
    for (const auto& [column, chosen_by] : {std::pair{kW2, "W_2²"}, std::pair{kSw, "SW_2²"}, std::pair{kMaxSw, "max-SW_2²"}}) {
      const Best mean = best(GeneratorObjective::Kind::sliced, column), max = best(GeneratorObjective::Kind::max_sliced, column);
      if (mean.arm == nullptr || max.arm == nullptr) continue;
      std::vector<Reading> readings;
      for (const auto& [yardstick, name] : {std::pair{kW2, "W_2²"}, std::pair{kSw, "SW_2²"}, std::pair{kMaxSw, "lower bounds of max-SW_2²"}})
        readings.push_back({name, verdict_of(*max.arm, *mean.arm, d.margin, yardstick), ratio_text(*max.arm, *mean.arm, yardstick)});
      const bool finite = max.arm->diverged() == 0 && mean.arm->diverged() == 0;
      readings.push_back({"total variance nearer to that of the images", finite ? verdict_of(miss_of(*max.arm, *mean.arm, real), d.margin) : Verdict::open,
                          fmt::format("{} against {}", variance_text(*max.arm, real), variance_text(*mean.arm, real))});
      std::vector<std::string> said;
      for (const Reading& r : readings) said.push_back(favours(r));
      if (column == kW2) clauses.push_back(fmt::format("{} {} ({})", where, all_say(readings), fmt::join(said, "; ")));
      evidence.push_back(fmt::format("{}, chosen by {}: max-SW ({}{}, best of {}) over SW ({}{}, best of {}): {}.", where, chosen_by, words(*max.arm),
                                     edge_text(results, *max.arm), max.of, words(*mean.arm), edge_text(results, *mean.arm), mean.of, fmt::join(said, "; ")));
    }
  }
  evidence.push_back(fmt::format(
      "W_2² of two disjoint halves of the images: {:.4g}; of the mean image against a half: {:.4g}. {} Ratios: 95 % intervals over {} starts, on which the "
      "ways "
      "were chosen too; better asks for less than {:.3g} times the other.",
      floor.halves.w2, floor.mean_image.w2,
      floor.mean_image.w2 < floor.halves.w2 ? "A constant beats real images by this yardstick, so a low W_2² at a low variance is shrinking to the mean." : "",
      d.replicates, 1.0 - d.margin));
  return advice_entry("SW or max-SW?",
                      clauses.empty() ? std::string("Not compared: a loss is missing.")
                                      : fmt::format("On fresh samples, each loss at its best way by W_2², decided only where four yardsticks agree: {}.",
                                                    fmt::join(clauses, ", and ")),
                      evidence);
}

Json adam_or_sgd(const Design& d, const std::vector<Measured>& results, const Floor& floor) {
  std::vector<std::string> adam, sgd, alike, open, evidence;
  Index ways = 0;
  for (std::size_t loss = 0; loss < d.losses.size(); ++loss) {
    const Best one = best_of(results, [&](const Measured& m) { return m.arm.loss == loss && m.arm.adam; });
    const Best other = best_of(results, [&](const Measured& m) { return m.arm.loss == loss && !m.arm.adam; });
    if (one.arm == nullptr || other.arm == nullptr) continue;
    ways = other.of;
    const std::string name = d.losses[loss].objective.name();
    const Verdict verdict = verdict_of(*one.arm, *other.arm, d.margin);
    (verdict == Verdict::lower ? adam : verdict == Verdict::higher ? sgd : verdict == Verdict::alike ? alike : open).push_back(name);
    const auto setback = [](const Measured& m) { return geometric_mean(m.values(kW2)).mean / geometric_mean(m.values(kBestW2)).mean; };
    evidence.push_back(
        fmt::format("{}: W_2² of Adam over that of SGD at its best of {} ({}{}): {}; variances {} and {}; at the end W_2² stands at {:.3g} "
                    "times its lowest of the run with Adam, {:.3g} with SGD.",
                    name, other.of, words(*other.arm), edge_text(results, *other.arm), ratio_text(*one.arm, *other.arm),
                    variance_text(*one.arm, floor.halves.variance), variance_text(*other.arm, floor.halves.variance), setback(*one.arm), setback(*other.arm)));
  }
  evidence.push_back(fmt::format(
      "Adam has one way of training, SGD the best of {}, chosen on the starts that it is compared on: that flatters SGD. 95 % intervals over {} starts.", ways,
      d.replicates));
  std::vector<std::string> clauses;
  if (!adam.empty()) clauses.push_back(fmt::format("Adam is better for {}", fmt::join(adam, ", ")));
  if (!sgd.empty()) clauses.push_back(fmt::format("SGD is better for {}", fmt::join(sgd, ", ")));
  if (!alike.empty()) clauses.push_back(fmt::format("both are as good within {:.0f} % for {}", 100.0 * d.margin, fmt::join(alike, ", ")));
  if (!open.empty()) clauses.push_back(fmt::format("not decided for {}", fmt::join(open, ", ")));
  return advice_entry("Does the optimiser matter? Report 002: not for quality, Adam may be steadier.",
                      clauses.empty() ? std::string("Not compared.")
                                      : fmt::format("By W_2², Adam with one way of training, SGD at the best of {}: {}.", ways, fmt::join(clauses, "; ")),
                      evidence);
}

}  // namespace

Json advice_of(const Design& design, const std::vector<Measured>& results, const Floor& floor) {
  return {projection(design, results, floor), max_or_mean(design, results, floor), adam_or_sgd(design, results, floor)};
}

}  // namespace slicecheck::faces
