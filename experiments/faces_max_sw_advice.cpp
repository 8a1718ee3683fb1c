/// What experiment `faces-max-sw` says of report 002's sentences, from its numbers.

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "faces_max_sw.h"
#include "summary.h"

namespace slicecheck::faces {

namespace {

std::string name_of(const Design& d, const Measured& m) { return d.losses[m.arm.loss].objective.name(); }
std::string words(const Measured& m) { return fmt::format("{}, {}", m.arm.optimiser(), m.arm.step()); }

/// W_2² of one over that of another, start by start; NaN where one diverged.
MeanEstimate ratio_of(const Measured& one, const Measured& other, Index column = kW2) {
  std::vector<double> out;
  for (Index r = 0; r < one.rows.rows(); ++r) out.push_back(one.rows(r, column) / other.rows(r, column));
  return geometric_mean(out);
}

std::string text_of(const MeanEstimate& ratio) {
  return std::isfinite(ratio.mean) ? fmt::format("{:.3g} [{:.3g}, {:.3g}]", ratio.mean, ratio.interval.low, ratio.interval.high)
                                   : std::string("no number, one diverged");
}

/// The one with the lowest W_2², geometric mean over the starts, of those that `admit` lets in; none where all of them diverged.
template <class Admit>
const Measured* best_of(const std::vector<Measured>& results, const Admit& admit) {
  const Measured* best = nullptr;
  double lowest = std::numeric_limits<double>::infinity();
  for (const Measured& m : results) {
    const double w2 = admit(m) ? geometric_mean(m.values(kW2)).mean : kNoNumber;
    if (!(w2 < lowest)) continue;
    lowest = w2;
    best = &m;
  }
  return best;
}

enum class Answer { yes, no, open };

/// Whether `with` is better than `without` by more than the margin.
Answer better(const Measured* with, const Measured* without, double margin) {
  if (with == nullptr) return without == nullptr ? Answer::open : Answer::no;
  if (without == nullptr || without->diverged() > 0) return Answer::yes;
  const MeanEstimate ratio = ratio_of(*without, *with);
  if (ratio.interval.low > 1.0 + margin) return Answer::yes;
  return ratio.interval.high <= 1.0 + margin ? Answer::no : Answer::open;
}

/// The projection, loss by loss: at the step that is best without it, and at the largest.
Json projection(const Design& d, const std::vector<Measured>& results) {
  std::vector<std::string> always, large, large_open, never, open, evidence;
  for (std::size_t loss = 0; loss < d.losses.size(); ++loss) {
    const auto of_loss = [&](const Measured& m) { return m.arm.loss == loss && !m.arm.adam; };
    const auto free_at = [&](double share) {
      return best_of(results, [&](const Measured& m) { return of_loss(m) && m.arm.radius == 0.0 && m.arm.share == share; });
    };
    const auto ball_at = [&](double share) {
      return best_of(results, [&](const Measured& m) { return of_loss(m) && m.arm.radius > 0.0 && m.arm.share == share; });
    };
    const std::string name = d.losses[loss].objective.name();
    double largest = 0.0;
    std::vector<double> shares;
    for (const Measured& m : results)
      if (of_loss(m) && std::find(shares.begin(), shares.end(), m.arm.share) == shares.end()) shares.push_back(m.arm.share);
    for (const double share : shares) {
      largest = std::max(largest, share);
      const Measured* without = free_at(share);
      const Measured* with = ball_at(share);
      std::string how = "all trainings with a ball diverged";
      if (with != nullptr && without == nullptr)
        how = fmt::format("without a ball it diverges, with a ball of {} W_2² is {:.4g}", power_text(with->arm.radius), geometric_mean(with->values(kW2)).mean);
      else if (with != nullptr)
        how = fmt::format("W_2² without a ball is {} times that with the best, of {}, which is active on {:.0f} % of the steps",
                          text_of(ratio_of(*without, *with)), power_text(with->arm.radius),
                          100.0 * mean_with_t_interval(with->values(kActive), kConfidence).mean);
      evidence.push_back(fmt::format("{}, SGD, share {}: {}.", name, power_text(share), how));
    }
    const Measured* best_without = best_of(results, [&](const Measured& m) { return of_loss(m) && m.arm.radius == 0.0; });
    const Measured* best_with = best_of(results, [&](const Measured& m) { return of_loss(m) && m.arm.radius > 0.0; });
    if (best_with != nullptr && best_without != nullptr)
      evidence.push_back(fmt::format("{}, each at its best: without ({}) over with a ball ({}): {}.", name, words(*best_without), words(*best_with),
                                     text_of(ratio_of(*best_without, *best_with))));
    const Answer at_best = better(best_with, best_without, d.margin);
    const Answer at_largest = better(ball_at(largest), free_at(largest), d.margin);
    (at_best == Answer::yes      ? always
     : at_largest == Answer::yes ? (at_best == Answer::no ? large : large_open)
     : at_best == Answer::no     ? never
                                 : open)
        .push_back(name);
  }
  std::vector<std::string> clauses;
  if (!always.empty()) clauses.push_back(fmt::format("decisive, whatever the step, for {}", fmt::join(always, ", ")));
  if (!large.empty()) clauses.push_back(fmt::format("decisive where the step is too large, and not at the best step, for {}", fmt::join(large, ", ")));
  if (!large_open.empty())
    clauses.push_back(fmt::format("decisive where the step is too large, and not decided at the best step, for {}", fmt::join(large_open, ", ")));
  if (!never.empty()) clauses.push_back(fmt::format("not decisive for {}", fmt::join(never, ", ")));
  if (!open.empty()) clauses.push_back(fmt::format("not decided for {}", fmt::join(open, ", ")));
  evidence.push_back(
      fmt::format("Decisive: W_2² without a ball is more than {:.0f} % above that with the best radius (95 % interval of {} starts, radii chosen on the same "
                  "starts), or it diverges.",
                  100.0 * d.margin, d.replicates));
  return advice_entry("Is the projection of the gradient onto a ball decisive for SGD, as report 002 says of CelebA?",
                      fmt::format("On these images: {}.", fmt::join(clauses, "; ")), evidence);
}

/// max-SW beside SW, each by its best optimiser.
Json max_or_mean(const Design& d, const std::vector<Measured>& results) {
  std::vector<std::string> clauses, evidence;
  for (const bool on_features : {false, true}) {
    const auto best = [&](GeneratorObjective::Kind kind) {
      return best_of(results, [&](const Measured& m) {
        const GeneratorObjective& objective = d.losses[m.arm.loss].objective;
        return objective.kind == kind && objective.on_features == on_features;
      });
    };
    const Measured* mean = best(GeneratorObjective::Kind::sliced);
    const Measured* max = best(GeneratorObjective::Kind::max_sliced);
    if (mean == nullptr || max == nullptr) continue;
    const std::string where = on_features ? "on features" : "on samples";
    const MeanEstimate ratio = ratio_of(*max, *mean);
    const std::string verdict = better(max, mean, d.margin) == Answer::yes                                              ? "max-SW is better"
                                : better(mean, max, d.margin) == Answer::yes                                            ? "SW is better"
                                : ratio.interval.low >= 1.0 / (1.0 + d.margin) && ratio.interval.high <= 1.0 + d.margin ? "both are as good"
                                                                                                                        : "not decided";
    clauses.push_back(fmt::format("{} {}", where, verdict));
    evidence.push_back(fmt::format("{}: W_2² of max-SW ({}) over that of SW ({}): {}.", where, words(*max), words(*mean), text_of(ratio)));
  }
  return advice_entry("SW or max-SW?",
                      clauses.empty() ? std::string("Not compared: a loss is missing or diverged.")
                                      : fmt::format("By exact W_2² on fresh samples, each at its best optimiser: {}.", fmt::join(clauses, "; ")),
                      evidence);
}

Json adam_or_sgd(const Design& d, const std::vector<Measured>& results) {
  std::vector<std::string> adam, sgd, open, evidence;
  for (std::size_t loss = 0; loss < d.losses.size(); ++loss) {
    const Measured* one = best_of(results, [&](const Measured& m) { return m.arm.loss == loss && m.arm.adam; });
    const Measured* other = best_of(results, [&](const Measured& m) { return m.arm.loss == loss && !m.arm.adam; });
    if (one == nullptr || other == nullptr) continue;
    const std::string name = name_of(d, *one);
    (better(one, other, d.margin) == Answer::yes ? adam : better(other, one, d.margin) == Answer::yes ? sgd : open).push_back(name);
    const auto setback = [](const Measured& m) { return geometric_mean(m.values(kW2)).mean / geometric_mean(m.values(kBestW2)).mean; };
    evidence.push_back(fmt::format(
        "{}: W_2² of Adam over that of SGD at its best ({}): {}; at the end W_2² stands at {:.3g} times its lowest of the run with Adam, {:.3g} with SGD.",
        name, words(*other), text_of(ratio_of(*one, *other)), setback(*one), setback(*other)));
  }
  std::vector<std::string> clauses;
  if (!adam.empty()) clauses.push_back(fmt::format("Adam is better for {}", fmt::join(adam, ", ")));
  if (!sgd.empty()) clauses.push_back(fmt::format("SGD is better for {}", fmt::join(sgd, ", ")));
  if (!open.empty()) clauses.push_back(fmt::format("no difference beyond {:.0f} % is seen for {}", 100.0 * d.margin, fmt::join(open, ", ")));
  return advice_entry("Does the optimiser matter? Report 002: not for quality, Adam may be steadier.",
                      clauses.empty() ? std::string("Not compared: all diverged.")
                                      : fmt::format("Adam at one step size, SGD at the best of those tried: {}.", fmt::join(clauses, "; ")),
                      evidence);
}

}  // namespace

Json advice_of(const Design& design, const std::vector<Measured>& results) {
  return {projection(design, results), max_or_mean(design, results), adam_or_sgd(design, results)};
}

}  // namespace slicecheck::faces
