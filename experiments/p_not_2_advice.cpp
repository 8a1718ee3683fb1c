/// What experiment `p-not-2` says: sentences put together from its numbers.

#include <algorithm>
#include <cmath>

#include "p_not_2.h"
#include "slicecheck/statistics/slope_of_medians.h"
#include "summary.h"

namespace slicecheck::exponents {

namespace {

constexpr double kSlopeMargin = 0.25;

/// How an exponent compares with p = 2 in steps to the last level, on one testbed by SGD.
struct Comparison {
  std::string where;
  double p = 2.0;
  MeanEstimate ratio{kNoNumber, kNoNumber, {kNoNumber, kNoNumber}};
  Index never = 0;         ///< starts of this p that never came there
  Index never_square = 0;  ///< starts of p = 2 that never did
  Index starts = 0;
};

Index missing(const std::vector<double>& hits) {
  return static_cast<Index>(std::count_if(hits.begin(), hits.end(), [](double t) { return !std::isfinite(t); }));
}

std::size_t square_of(const Design& design) {
  return static_cast<std::size_t>(std::find(design.exponents.begin(), design.exponents.end(), 2.0) - design.exponents.begin());
}

std::vector<Comparison> comparisons(const Design& design, const std::vector<TestbedResults>& results, Yardstick what) {
  std::vector<Comparison> out;
  const std::size_t two = square_of(design);
  for (std::size_t b = 0; b < results.size(); ++b)
    for (std::size_t e = 0; e < design.exponents.size(); ++e) {
      if (e == two) continue;
      const auto level = static_cast<double>(design.levels.back());
      const auto hits = steps_to(results[b].finals[e], design.testbeds[b], what, floor_of(results[b].floors, what, e), level);
      const auto square = steps_to(results[b].finals[two], design.testbeds[b], what, floor_of(results[b].floors, what, two), level);
      std::vector<double> quotients;
      for (std::size_t i = 0; i < hits.size(); ++i) quotients.push_back(hits[i] / square[i]);
      out.push_back(
          {design.testbeds[b].title, design.exponents[e], geometric_mean(quotients), missing(hits), missing(square), static_cast<Index>(hits.size())});
    }
  return out;
}

std::string text_of(const Comparison& c) {
  if (c.never > 0 || c.never_square > 0)
    return fmt::format("{}, p = {}: never reached from {} of {} starts, by p = 2 from {}", c.where, number_text(c.p), c.never, c.starts, c.never_square);
  return fmt::format("{}, p = {}: {:.3g} times the steps of p = 2 [{:.3g}, {:.3g}]", c.where, number_text(c.p), c.ratio.mean, c.ratio.interval.low,
                     c.ratio.interval.high);
}

/// A start that never came there is censored: where some are, it is decided only if all starts of one exponent came there and none of the other.
bool fewer_steps(const Comparison& c) { return c.ratio.interval.high < 1.0 || (c.never == 0 && c.never_square == c.starts); }
bool more_steps(const Comparison& c) { return c.ratio.interval.low > 1.0 || (c.never == c.starts && c.never_square == 0); }

std::string listed_exponents(const std::vector<double>& all) {
  std::vector<std::string> words;
  for (const double p : all) words.push_back(number_text(p));
  return fmt::format("p = {}", fmt::join(words, ", "));
}

/// The exponents by how many testbeds say fewer, more, or neither.
Json which_exponent(const Design& design, const std::vector<TestbedResults>& results) {
  const auto all = comparisons(design, results, Yardstick::f);
  std::vector<double> better, worse, mixed, open;
  for (const double p : design.exponents) {
    if (p == 2.0) continue;
    int fewer = 0, more = 0;
    for (const Comparison& c : all) {
      if (c.p != p) continue;
      fewer += fewer_steps(c) ? 1 : 0;
      more += more_steps(c) ? 1 : 0;
    }
    (fewer > 0 ? (more > 0 ? mixed : better) : more > 0 ? worse : open).push_back(p);
  }
  std::vector<std::string> clauses;
  if (!better.empty()) clauses.push_back(fmt::format("fewer steps than p = 2 on some target, and more on none: {}", listed_exponents(better)));
  if (!worse.empty()) clauses.push_back(fmt::format("more steps than p = 2 on some target, and fewer on none: {}", listed_exponents(worse)));
  if (!mixed.empty()) clauses.push_back(fmt::format("fewer on one target and more on another: {}", listed_exponents(mixed)));
  if (!open.empty()) clauses.push_back(fmt::format("not decided against p = 2: {}", listed_exponents(open)));
  std::vector<std::string> evidence;
  for (const Comparison& c : all) evidence.push_back(fmt::format("SW_2² by {} %: {}.", design.levels.back(), text_of(c)));
  for (const Comparison& c : comparisons(design, results, Yardstick::w2))
    evidence.push_back(fmt::format("W_2² by {} %: {}.", design.levels.back(), text_of(c)));
  for (std::size_t b = 0; b < results.size(); ++b) {
    std::vector<std::string> fewest;
    for (std::size_t e = 0; e < design.exponents.size(); ++e) {
      const Fewest found = fewest_steps(design, results[b], design.testbeds[b], e, design.levels.back());
      fewest.push_back(found.arm == nullptr
                           ? fmt::format("p = {}: never by all", number_text(design.exponents[e]))
                           : fmt::format("p = {}: {:.3g} (share {})", number_text(design.exponents[e]), found.steps, power_text(found.arm->share)));
    }
    evidence.push_back(fmt::format("{}: the fewest steps in the trials to −{} % of SW_2², whatever comes after: {}.", design.testbeds[b].title,
                                   design.levels.back(), fmt::join(fewest, ", ")));
  }
  evidence.emplace_back(
      "Each interval is at 95 %, start by start, none corrected for their number; each p at the step size that its own trials kept. Where some "
      "starts never came there, it is decided only if all starts of one p came there and none of the other.");
  return advice_entry(
      "Which p?", fmt::format("By SGD to −{} % of SW_2² (95 % intervals, not corrected for their number): {}.", design.levels.back(), fmt::join(clauses, "; ")),
      evidence);
}

/// What is left of the common yardstick at the end, over p = 2.
Json where_it_ends(const Design& design, const std::vector<TestbedResults>& results) {
  std::vector<std::string> lower, higher, open, evidence;
  const std::size_t two = square_of(design);
  for (std::size_t b = 0; b < results.size(); ++b)
    for (std::size_t arm = 0; arm < results[b].finals.size(); ++arm) {
      const std::size_t e = arm % design.exponents.size();
      if (e == two) continue;
      const Measured& m = results[b].finals[arm];
      const Measured& square = results[b].finals[arm - e + two];
      std::vector<double> quotients;
      for (Index i = 0; i < m.rows.rows(); ++i) quotients.push_back(m.rows(i, kEnd) / square.rows(i, kEnd));
      const MeanEstimate ratio = geometric_mean(quotients);
      const std::string name = fmt::format("p = {} ({}, {})", number_text(m.p), design.testbeds[b].title, m.noised ? "NPSGD" : "SGD");
      (ratio.interval.high < 1.0 ? lower : ratio.interval.low > 1.0 ? higher : open).push_back(name);
      evidence.push_back(
          std::isfinite(ratio.mean)
              ? fmt::format("{}: SW_2² at the end {:.3g} times that of p = 2 [{:.3g}, {:.3g}].", name, ratio.mean, ratio.interval.low, ratio.interval.high)
              : fmt::format("{}: diverged from {} of {} starts, p = 2 from {}.", name, m.diverged(), m.rows.rows(), square.diverged()));
    }
  std::vector<std::string> clauses;
  if (!lower.empty()) clauses.push_back(fmt::format("below that of p = 2: {}", fmt::join(lower, ", ")));
  if (!higher.empty()) clauses.push_back(fmt::format("above that of p = 2: {}", fmt::join(higher, ", ")));
  if (!open.empty()) clauses.push_back(fmt::format("not decided in {} of {} cases", open.size(), evidence.size()));
  return advice_entry("Where does each p end?",
                      fmt::format("SW_2² after the same number of steps (95 % intervals, not corrected for their number) is {}.", fmt::join(clauses, "; ")),
                      evidence);
}

Json which_step(const Design& design, const std::vector<TestbedResults>& results) {
  std::vector<std::string> evidence;
  double factor = 1.0;
  const std::size_t two = square_of(design);
  for (std::size_t b = 0; b < results.size(); ++b) {
    std::vector<std::string> sizes;
    for (std::size_t e = 0; e < design.exponents.size(); ++e) {
      const double quotient = results[b].finals[e].alpha / results[b].finals[two].alpha;
      factor = std::max({factor, quotient, 1.0 / quotient});
      sizes.push_back(
          fmt::format("p = {}: α = {:.3g} (share {})", number_text(design.exponents[e]), results[b].finals[e].alpha, power_text(results[b].finals[e].share)));
    }
    evidence.push_back(fmt::format("{}: {}.", design.testbeds[b].title, fmt::join(sizes, ", ")));
    // What each p would lose at the α of p = 2: the trial whose step size is nearest to it.
    for (std::size_t e = 0; e < design.exponents.size(); ++e) {
      if (e == two) continue;
      const auto first = results[b].trials.begin() + static_cast<std::ptrdiff_t>(e * design.shares.size());
      const double wanted = std::log(results[b].finals[two].alpha);
      const auto nearest = std::min_element(first, first + static_cast<std::ptrdiff_t>(design.shares.size()), [&](const Measured& one, const Measured& other) {
        return std::abs(std::log(one.alpha) - wanted) < std::abs(std::log(other.alpha) - wanted);
      });
      const auto kept = std::find_if(first, first + static_cast<std::ptrdiff_t>(design.shares.size()),
                                     [&](const Measured& m) { return m.share == results[b].finals[e].share; });
      if (nearest == kept) continue;
      const double loss = geometric_mean(nearest->values(kEnd)).mean / geometric_mean(kept->values(kEnd)).mean;
      evidence.push_back(fmt::format("{}, p = {} with the tried α = {:.3g}, nearest to that of p = 2: SW_2² at the end is {} with its own α (trials).",
                                     design.testbeds[b].title, number_text(design.exponents[e]), nearest->alpha,
                                     std::isfinite(loss) ? fmt::format("{:.3g} times what it is", loss) : std::string("not finite, unlike")));
    }
  }
  return advice_entry(
      "Which step size for which p?",
      fmt::format("Not the same: the step sizes that the trials kept differ by a factor of up to {:.3g} from that of p = 2 on the same target.", factor),
      evidence);
}

Json hovering(const std::vector<Hover>& hover) {
  std::vector<std::string> evidence, agree, differ, open;
  const auto distance = [](const Hover& h, Index a) {
    Index diverged = 0;
    for (Index r = 0; r < h.levels.rows(); ++r) diverged += std::isfinite(h.levels(r, a)) ? 0 : 1;
    const std::string at = fmt::format("at α = {}", power_text(h.alphas[static_cast<std::size_t>(a)]));
    return diverged > 0 ? fmt::format("diverged from {} of {} starts {}", diverged, h.levels.rows(), at) : fmt::format("{:.3g} {}", h.levels.col(a).mean(), at);
  };
  for (const Hover& h : hover) {
    const MeanEstimate slope = hover_slope(h);
    std::size_t settled = 0;
    for (std::size_t a = 0; a < h.alphas.size(); ++a) settled += has_settled(h, a) ? 1 : 0;
    const auto last = static_cast<Index>(h.alphas.size()) - 1;
    const std::string name = fmt::format("p = {} ({})", number_text(h.p), h.testbed);
    const std::string power =
        std::isfinite(slope.mean) ? fmt::format("; α^s with s = {:.2f} [{:.2f}, {:.2f}]", slope.mean, slope.interval.low, slope.interval.high) : "";
    evidence.push_back(
        fmt::format("{}: distance {}, {}; settled at {} of {} step sizes{}.", name, distance(h, 0), distance(h, last), settled, h.alphas.size(), power));
    if (!(h.p < 2.0)) continue;
    const double predicted = 1.0 / (2.0 - h.p);
    const SlopeVerdict verdict = std::isfinite(slope.mean) ? compare_slope(slope.interval, predicted, kSlopeMargin) : SlopeVerdict::inconclusive;
    (verdict == SlopeVerdict::equivalent  ? agree
     : verdict == SlopeVerdict::different ? differ
                                          : open)
        .push_back(std::isfinite(slope.mean) ? fmt::format("{}, α^{:.2f} for α^{:.3g}", name, slope.mean, predicted) : fmt::format("{}, not settled", name));
  }
  std::vector<std::string> clauses;
  if (!agree.empty()) clauses.push_back(fmt::format("the distance goes like the power 1/(2 − p) of α within {}: {}", kSlopeMargin, fmt::join(agree, "; ")));
  if (!open.empty()) clauses.push_back(fmt::format("not decided: {}", fmt::join(open, "; ")));
  if (!differ.empty()) clauses.push_back(fmt::format("another power: {}", fmt::join(differ, "; ")));
  const std::string question = "How close does a constant step come for p < 2?";
  if (clauses.empty()) return advice_entry(question, "No p below 2 was run.", evidence);
  std::string sentence = fmt::format("{}.", fmt::join(clauses, "; "));
  if (!agree.empty() && differ.empty())
    sentence = fmt::format("No closer than a power of α, as the theory has it{}: {}", open.empty() ? "" : ", where that is decided", sentence);
  else
    sentence = "Not as the theory has it everywhere, or not decided: " + sentence;
  return advice_entry(question, sentence, evidence);
}

}  // namespace

Json advice_of(const Design& design, const std::vector<TestbedResults>& results, const std::vector<Hover>& hover) {
  if (design.exponents.size() < 2) {
    const Json nothing = advice_entry("Which p?", "Only p = 2 was run; there is nothing to compare.", {"exponents has one entry."});
    return {nothing, hovering(hover)};
  }
  return {which_exponent(design, results), where_it_ends(design, results), which_step(design, results), hovering(hover)};
}

}  // namespace slicecheck::exponents
