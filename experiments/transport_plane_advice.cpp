/// What experiment `transport-plane` says: verdicts held against theorems, and sentences put together from its numbers.

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "summary.h"
#include "transport_plane.h"

namespace slicecheck::oracle_plane {

namespace {

/// NaN throughout where a value is not finite.
MeanEstimate plain_mean(const std::vector<double>& values) {
  if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); })) return {kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
  return mean_with_t_interval(values, kConfidence);
}

Outcome judged(bool holds) { return holds ? Outcome::holds : Outcome::refuted; }

/// The largest observed/allowed; NaN where an end is not a number.
template <class End>
double worst_on_line(const std::vector<LineResult>& line, End&& end) {
  double worst = 0.0;
  for (const LineResult& l : line) {
    const auto [observed, predicted, allowed] = end(l);
    worst = worse_of(worst, std::abs(observed - predicted) / allowed);
  }
  return worst;
}

void add_line(const Results& results, std::vector<ExperimentVerdict>& out) {
  std::vector<std::string> of_transport, of_sinkhorn;
  bool decided = true;
  for (const LineResult& l : results.line) {
    of_transport.push_back(fmt::format("{:.4f} (λ = {:g}; {:.4f})", l.transport, l.lambda, l.predicted_transport));
    of_sinkhorn.push_back(fmt::format("{:.6f} (λ = {:g})", l.sinkhorn, l.lambda));
    decided = decided && std::isfinite(l.allowed_transport) && std::isfinite(l.allowed_sinkhorn);
  }
  const double transport = worst_on_line(results.line, [](const LineResult& l) { return std::tuple{l.transport, l.predicted_transport, l.allowed_transport}; });
  const double sinkhorn = worst_on_line(results.line, [](const LineResult& l) { return std::tuple{l.sinkhorn, 1.0, l.allowed_sinkhorn}; });
  const std::string sample = fmt::format("{} λ", results.line.size());
  out.push_back({"R13", "line, h_λ", "training ends at the minimiser of θ² + 1 − λ ln cosh(2θ/λ), which is 0 from λ = 2 on",
                 fmt::format("θ: {}; worst observed/allowed {:.2g}", fmt::join(of_transport, ", "), transport), sample, "deterministic",
                 decided ? judged(transport <= 1.0) : Outcome::inconclusive});
  out.push_back({"R13", "line, L_λ", "training ends at θ = 1, where the laws agree, for every λ",
                 fmt::format("θ: {}; worst observed/allowed {:.2g}", fmt::join(of_sinkhorn, ", "), sinkhorn), sample, "deterministic",
                 decided ? judged(sinkhorn <= 1.0) : Outcome::inconclusive});
}

void add_slopes(const Results& results, std::vector<ExperimentVerdict>& out) {
  for (const std::string objective : {"h_λ", "L_λ"}) {
    double ratio = 0.0, allowed = 0.0;
    std::size_t count = 0;
    for (const SlopeResult& s : results.slopes) {
      if (s.objective != objective) continue;
      ratio = worse_of(ratio, s.ratio);
      allowed = std::max(allowed, s.allowed);
      ++count;
    }
    const bool sharp = allowed < 0.1;  // a wider allowance would see nothing
    out.push_back({objective == "h_λ" ? "R4" : "R12", fmt::format("two moons, affine, {}", objective),
                   "the gradient that is descended is the slope of the value that is reported",
                   fmt::format("worst observed/allowed {:.2g}; allowed is at most {:.2g} of ‖g‖", ratio, allowed), fmt::format("{} λ, 4 starts each", count),
                   "deterministic",
                   ratio > 1.0                     ? Outcome::refuted
                   : sharp && std::isfinite(ratio) ? Outcome::holds
                                                   : Outcome::inconclusive});
  }
}

void add_batches(const Results& results, std::vector<ExperimentVerdict>& out) {
  const auto judge = [](const MeanEstimate& e) {
    if (e.interval.low > 1.0 || e.interval.high < 1.0) return Outcome::refuted;
    return e.interval.high - e.interval.low < 1.0 ? Outcome::holds : Outcome::inconclusive;
  };
  const std::string level = fmt::format("t-interval at 1 − {:.0e}; rests on the central limit theorem", kExperimentFalseAlarm / 10.0);
  const std::string sample = fmt::format("{} minibatches at one θ", results.batches.batches);
  const auto text = [](const MeanEstimate& e) { return fmt::format("{:.3f} [{:.3f}, {:.3f}]", e.mean, e.interval.low, e.interval.high); };
  out.push_back({"R11", "minibatches, mean", "E⟨g, G⟩/‖G‖² = 1", text(results.batches.projection), sample, level, judge(results.batches.projection)});
  out.push_back({"R11", "minibatches, variance", "E‖g − G‖² over [V_xy + (S − 1)(V_x + V_y)]/S² = 1", text(results.batches.variance), sample, level,
                 judge(results.batches.variance)});
  for (const auto& [shared, e] : {std::pair{false, &results.batches.own_loss}, std::pair{true, &results.batches.shared_loss}})
    out.push_back({"R12", shared ? "minibatches of L_λ, shared" : "minibatches of L_λ, own",
                   fmt::format("E‖g − G‖² is at most {}σ², σ² the larger variance of its two terms (R11)", shared ? 9 : 5), "observed/bound " + text(*e),
                   sample, level,
                   e->interval.low > 1.0    ? Outcome::refuted
                   : e->interval.high < 1.0 ? Outcome::holds
                                            : Outcome::inconclusive});
}

void add_stationarity(const Results& results, std::vector<ExperimentVerdict>& out) {
  for (const StationarityResult& s : results.stationarity) {
    const auto horizons = static_cast<Index>(s.horizons.size());
    const double confidence = 1.0 - kExperimentFalseAlarm / (10.0 * static_cast<double>(horizons));
    bool below = true, above = false;
    double tightest = 0.0;
    for (Index t = 0; t < horizons && s.diverged == 0; ++t) {
      std::vector<double> excess;
      // In units of what is known at θ0, 2 h(θ0)/α + δ_0² over T: the bound holds given θ0, and starts differ much in h(θ0).
      for (Index r = 0; r < s.observed.rows(); ++r)
        excess.push_back((s.observed(r, t) - s.bound(r, t)) * static_cast<double>(s.horizons[static_cast<std::size_t>(t)]) / (s.bound(r, 0) - s.noise(r, 0)));
      const MeanEstimate estimate = mean_with_t_interval(excess, confidence);
      below = below && estimate.interval.high < 0.0;
      above = above || estimate.interval.low > 0.0;
      tightest = std::max(tightest, s.observed.col(t).mean() / s.bound.col(t).mean());
    }
    const std::string alpha = s.divisor == 1 ? "1/L1" : fmt::format("1/({} L1)", s.divisor);
    out.push_back({"R9", fmt::format("stationarity, α = {}", alpha),
                   "E of the mean over t < T of ‖∇h(θ_t)‖² is at most 2 h(θ0)/(αT) + mean δ_t² + L1 α mean σ_t², for every T shown",
                   s.diverged > 0 ? fmt::format("diverged from {} of {} starts", s.diverged, s.observed.rows())
                                  : fmt::format("largest observed/bound {:.3f}; at the last T {:.3f}", tightest,
                                                s.observed.col(horizons - 1).mean() / s.bound.col(horizons - 1).mean()),
                   fmt::format("{} starts, T = 1 to {}", s.observed.rows(), s.horizons.back()),
                   fmt::format("t-intervals at 1 − {:.0e} in all; rest on the central limit theorem", kExperimentFalseAlarm / 10.0),
                   s.diverged > 0 || above ? Outcome::refuted
                   : below                 ? Outcome::holds
                                           : Outcome::inconclusive});
  }
}

void add_loose(const Results& results, std::vector<ExperimentVerdict>& out) {
  double worst = 0.0;
  Index rows = 0;
  for (const LooseResult& l : results.loose)
    for (Index r = 0; r < l.rows.rows(); ++r, ++rows) worst = worse_of(worst, l.rows(r, kLooseRatio));
  out.push_back({"R7", "loose oracles", "‖G − ∇h‖ ≤ L0 √(2 gap/λ) at the gap that was reached, at every visited θ",
                 fmt::format("worst observed/allowed {:.3f}", worst), fmt::format("{} trainings", rows), "deterministic", judged(worst <= 1.0)});
}

std::vector<double> quotients(const ArmResult& above, const ArmResult& below, Index column) {
  std::vector<double> out;
  for (Index i = 0; i < above.rows.rows(); ++i) out.push_back(above.rows(i, column) / below.rows(i, column));
  return out;
}

std::string text(const MeanEstimate& e) {
  if (!std::isfinite(e.mean)) return "no number: a training diverged";
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", e.mean, e.interval.low, e.interval.high);
}

std::size_t arm_at(const Design& design, std::size_t bed, Loss loss, double share) {
  for (std::size_t a = 0; a < design.arms.size(); ++a)
    if (design.arms[a].bed == bed && design.arms[a].loss == loss && (loss == Loss::sliced || design.arms[a].share == share)) return a;
  throw Error("transport-plane: no such arm");
}

/// The arm of a loss with the lowest W_2² in the trials: chosen on other starts than those it is compared on.
std::size_t best_arm(const Design& design, const Results& results, std::size_t bed, Loss loss) {
  std::size_t best = arm_at(design, bed, loss, design.shares.front());
  const auto lowest = [&](std::size_t arm) {
    double out = std::numeric_limits<double>::infinity();
    for (Index k = 0; k < results.arms[arm].trials.rows(); ++k)
      if (results.arms[arm].trials(k, kW2) < out) out = results.arms[arm].trials(k, kW2);
    return out;
  };
  for (const double share : design.shares) {
    const std::size_t arm = arm_at(design, bed, loss, share);
    if (lowest(arm) < lowest(best)) best = arm;
  }
  return best;
}

/// Which cases an interval of a ratio puts below, above or on no side of 1.
struct Sides {
  std::vector<std::string> below, above, open;
  void add(const std::string& name, const MeanEstimate& ratio) {
    (ratio.interval.high < 1.0 ? below : ratio.interval.low > 1.0 ? above : open).push_back(name);
  }
  [[nodiscard]] std::string text(const std::string& if_below, const std::string& if_above) const {
    std::vector<std::string> clauses;
    if (!below.empty()) clauses.push_back(fmt::format("{}: {}", if_below, fmt::join(below, ", ")));
    if (!above.empty()) clauses.push_back(fmt::format("{}: {}", if_above, fmt::join(above, ", ")));
    if (!open.empty()) clauses.push_back(fmt::format("not decided: {}", fmt::join(open, ", ")));
    return fmt::format("{}", fmt::join(clauses, "; "));
  }
};

Json removes_bias(const Design& design, const Results& results) {
  std::vector<std::string> evidence;
  std::vector<std::string> sentences;
  for (const double share : {design.shares.front(), design.shares.back()}) {
    Sides sides;
    for (std::size_t b = 0; b < design.beds.size(); ++b) {
      const ArmResult& h = results.arms[arm_at(design, b, Loss::transport, share)];
      const ArmResult& l = results.arms[arm_at(design, b, Loss::sinkhorn, share)];
      const MeanEstimate ratio = geometric_mean(quotients(l, h, kW2));
      sides.add(bed_in_list(design.beds[b]), ratio);
      evidence.push_back(fmt::format("{}, λ = {:g} med C: W_2² of L_λ over that of h_λ {}; spread over the target's {} with h_λ, {} with L_λ.",
                                     design.beds[b].title, share, text(ratio), text(plain_mean(h.values(kSpread))), text(plain_mean(l.values(kSpread)))));
    }
    sentences.push_back(fmt::format("at λ = {:g} med C {}", share, sides.text("L_λ ends at a lower W_2² than h_λ", "h_λ at a lower one")));
    if (design.shares.size() == 1) break;
  }
  const LineResult& line = results.line.back();
  evidence.push_back(fmt::format("On the line, whose laws agree at θ = ±1, h_λ ends at θ = {:.4f} and L_λ at {:.4f} for λ = {:g}.", line.transport + 0.0,
                                 line.sinkhorn, line.lambda));
  evidence.push_back("For squared costs L_λ tends to 2‖mean gap‖² as λ → ∞ (R16).");
  return advice_entry("Does L_λ remove the bias of h_λ?", fmt::format("By exact W_2² at equal steps: {}.", fmt::join(sentences, "; ")), evidence);
}

Json which_lambda(const Design& design, const Results& results) {
  std::vector<std::string> evidence;
  std::vector<double> first, last;
  bool falls = design.shares.size() > 1;
  for (std::size_t b = 0; b < design.beds.size(); ++b) {
    for (const Loss loss : {Loss::transport, Loss::sinkhorn}) {
      std::vector<std::string> all;
      for (const double share : design.shares) {
        const ArmResult& arm = results.arms[arm_at(design, b, loss, share)];
        all.push_back(fmt::format("{:g}: {} (spread {})", share, text(geometric_mean(arm.values(kW2))), text(plain_mean(arm.values(kSpread)))));
      }
      evidence.push_back(fmt::format("{}, {}, W_2² by λ/med C: {}.", design.beds[b].title, loss_name(loss), fmt::join(all, "; ")));
    }
    const auto spread_at = [&](double share) { return plain_mean(results.arms[arm_at(design, b, Loss::transport, share)].values(kSpread)); };
    falls = falls && spread_at(design.shares.back()).interval.high < spread_at(design.shares.front()).interval.low;
    for (const auto& [share, ends] : {std::pair{design.shares.front(), &first}, std::pair{design.shares.back(), &last}}) ends->push_back(spread_at(share).mean);
  }
  const auto range = [](const std::vector<double>& ends) {
    const auto [low, high] = std::minmax_element(ends.begin(), ends.end());
    const bool finite = std::all_of(ends.begin(), ends.end(), [](double end) { return std::isfinite(end); });
    return finite ? fmt::format("{:.2g} to {:.2g} of the target's spread", *low, *high) : std::string("no number, as a training diverged");
  };
  return advice_entry("How large may λ be with h_λ?",
                      fmt::format("{}: the generated points keep {} at λ = {:g} med C, and {} at {:g} (means of each target and generator).",
                                  falls ? "Small against the median cost" : "Not decided for every target and generator", range(first), design.shares.front(),
                                  range(last), design.shares.back()),
                      evidence);
}

Json against_sliced(const Design& design, const Results& results) {
  std::vector<std::string> evidence, sentences;
  for (const Loss loss : {Loss::transport, Loss::sinkhorn}) {
    Sides sides;
    for (std::size_t b = 0; b < design.beds.size(); ++b) {
      const std::size_t arm = best_arm(design, results, b, loss);
      const ArmResult& sliced = results.arms[arm_at(design, b, Loss::sliced, 0.0)];
      const MeanEstimate ratio = geometric_mean(quotients(sliced, results.arms[arm], kW2));
      sides.add(bed_in_list(design.beds[b]), ratio);
      evidence.push_back(fmt::format("{}: W_2² of SW_2² over that of {}: {}; of fresh points {}.", design.beds[b].title, arm_name(design.arms[arm]),
                                     text(ratio), text(geometric_mean(quotients(sliced, results.arms[arm], kFresh)))));
    }
    sentences.push_back(fmt::format("against {} {}", loss_name(loss), sides.text("SW_2² is better", "SW_2² is worse")));
  }
  evidence.push_back(
      "The λ of each comparison was kept by the lowest W_2² of the trials, on another start. The yardstick is what h_λ minimises at λ = 0. Each interval is at "
      "95 %, start by start, not corrected for their number.");
  evidence.push_back(fmt::format("{} of {} kept steps lie at the edge of the grid.", steps_at_edge(results), results.arms.size()));
  return advice_entry("Is SW_2² better or worse at equal steps?",
                      fmt::format("By exact W_2² after {} steps, {} trials for SW_2² and {} each for h_λ and L_λ: {}.", design.steps, design.multiples.size(),
                                  design.multiples.size() * design.shares.size(), fmt::join(sentences, "; ")),
                      evidence);
}

Json smaller_tolerance(const Design& design, const Results& results) {
  std::vector<std::string> evidence, sentences;
  const std::size_t count = design.tolerances.size();
  for (const bool warm : {false, true}) {
    const std::size_t first = warm ? count : 0;
    Sides sides;
    for (std::size_t k = 0; k < count; ++k) {
      const LooseResult& loose = results.loose[first + k];
      std::vector<double> ends, over;
      for (Index r = 0; r < loose.rows.rows(); ++r) {
        ends.push_back(loose.rows(r, kLooseStationarity));
        over.push_back(loose.rows(r, kLooseStationarity) / results.loose[first].rows(r, kLooseStationarity));
      }
      const MeanEstimate ratio = geometric_mean(over);
      if (k > 0) sides.add(fmt::format("{:g}", loose.tolerance), ratio);
      evidence.push_back(fmt::format(
          "{}, ε/λ = {:g}: ‖∇h‖² at the end {}, {} times that of the smallest ε; R7 allows {:.2g}; largest gap reached {:.2g} λ; {:.1f} half-sweeps a step.",
          warm ? "warm starts" : "cold starts", loose.tolerance, text(geometric_mean(ends)), text(ratio), loose.rows.col(kLooseBound).mean(),
          largest_of(loose.rows.col(kLooseReached)), loose.rows.col(kLooseSweeps).mean()));
    }
    sentences.push_back(fmt::format(
        "with {} starts of the oracle {}", warm ? "warm" : "cold",
        sides.text(fmt::format("below that of ε/λ = {:g}", design.tolerances.front()), fmt::format("above that of ε/λ = {:g}", design.tolerances.front()))));
  }
  return advice_entry("Does a smaller ε matter?", fmt::format("‖∇h‖² over the last quarter of the steps, by ε/λ: {}.", fmt::join(sentences, "; ")), evidence);
}

Json which_step(const Results& results) {
  std::vector<std::string> evidence, diverged;
  const auto alpha_of = [](const StationarityResult& s) { return s.divisor == 1 ? std::string("1/L1") : fmt::format("1/({} L1)", s.divisor); };
  const StationarityResult* best = nullptr;
  const auto mean = [](const StationarityResult& s) { return s.observed.col(s.observed.cols() - 1).mean(); };
  for (const StationarityResult& s : results.stationarity) {
    const Index last = s.observed.cols() - 1;
    evidence.push_back(s.diverged > 0 ? fmt::format("α = {}: diverged from {} of {} starts.", alpha_of(s), s.diverged, s.observed.rows())
                                      : fmt::format("α = {}: mean ‖∇h‖² over {} steps {:.3g}, bound {:.3g}, of which noise {:.3g}.", alpha_of(s),
                                                    s.horizons.back(), mean(s), s.bound.col(last).mean(), s.noise.col(last).mean()));
    if (s.diverged > 0)
      diverged.push_back(alpha_of(s));
    else if (best == nullptr || mean(s) < mean(*best))
      best = &s;
  }
  const std::string question = "Which step size with minibatches?";
  if (best == nullptr) return advice_entry(question, "Not decided: at every step size tried a training diverged.", evidence);
  Sides sides;
  for (const StationarityResult& s : results.stationarity) {
    if (&s == best || s.diverged > 0) continue;
    std::vector<double> over;
    for (Index r = 0; r < s.observed.rows(); ++r) over.push_back(s.observed(r, s.observed.cols() - 1) / best->observed(r, best->observed.cols() - 1));
    sides.add(alpha_of(s), geometric_mean(over));
  }
  std::string others = sides.text("lower start by start at", "higher at");
  if (!diverged.empty()) others += fmt::format("{}diverged: {}", others.empty() ? "" : "; ", fmt::join(diverged, ", "));
  return advice_entry(question,
                      fmt::format("Of those tried, {} has the lowest mean of ‖∇h‖² over {} steps, {:.3g}{}{}. R9 allows up to 1/L1 for every λ.",
                                  alpha_of(*best), best->horizons.back(), mean(*best), others.empty() ? "" : "; ", others),
                      evidence);
}

}  // namespace

std::vector<ExperimentVerdict> verdicts_of(const Design& /*design*/, const Results& results) {
  std::vector<ExperimentVerdict> out;
  add_slopes(results, out);
  add_loose(results, out);
  add_stationarity(results, out);
  add_batches(results, out);
  add_line(results, out);
  return out;
}

Json advice_of(const Design& design, const Results& results) {
  return {removes_bias(design, results), which_lambda(design, results), against_sliced(design, results), smaller_tolerance(design, results),
          which_step(results)};
}

}  // namespace slicecheck::oracle_plane
