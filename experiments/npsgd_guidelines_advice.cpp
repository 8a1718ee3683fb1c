/// The advice of experiment `npsgd-guidelines`. Every word that judges is chosen by comparing an interval with a bound; where no interval decides, the
/// sentence says so. The comparisons behind one sentence share kFamilyError (Bonferroni); the numbers of all of them are its evidence.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "npsgd_guidelines.h"

namespace slicecheck::guidelines {

namespace {

std::string number_list(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const std::string first = fmt::format("{:.3g}", *low);
  const std::string last = fmt::format("{:.3g}", *high);
  return first == last ? first : fmt::format("{} to {}", first, last);
}

/// Where a sweep turns on one target: the longest run of values, from one end of the sweep, that all pass.
struct Reach {
  std::size_t target;
  const Measured* last = nullptr;  ///< the last one that passes; none: not even the first does
};

/// Reaches of all targets of a question; the sweep goes up from the smallest x or down from the largest.
std::vector<Reach> reaches(const Results& results, Question q, bool upwards, const std::function<bool(const Measured&)>& passes) {
  std::vector<Reach> out;
  for (const std::size_t target : results.targets(q)) {
    auto sweep = results.sweep(q, target);
    if (!upwards) std::reverse(sweep.begin(), sweep.end());
    Reach reach{target};
    for (const Measured* m : sweep) {
      if (!passes(*m)) break;
      reach.last = m;
    }
    out.push_back(reach);
  }
  return out;
}

bool complete(const std::vector<Reach>& all) {
  return std::none_of(all.begin(), all.end(), [](const Reach& reach) { return reach.last == nullptr; });
}

/// The targets on which not even the first passes: "two moons and swiss roll"; where it is all of several, `every`.
std::string missing(const std::vector<Reach>& all, const Design& design, const std::string& every) {
  std::vector<std::string> out;
  for (const Reach& reach : all)
    if (reach.last == nullptr) out.push_back(design.targets[reach.target].title);
  return out.size() > 1 && out.size() == all.size() ? every : listed(out);
}

/// The x that does on every target: the largest of the smallest ones (`largest`), or the smallest of the largest ones.
double common_x(const std::vector<Reach>& all, bool largest) {
  std::vector<double> xs;
  for (const Reach& reach : all) xs.push_back(reach.last->arm.x);
  return largest ? *std::max_element(xs.begin(), xs.end()) : *std::min_element(xs.begin(), xs.end());
}

/// "two moons: 8, swiss roll: 16"; `none` where not even the first passes.
std::string each_x(const std::vector<Reach>& all, const Design& design, const std::string& none) {
  std::vector<std::string> out;
  for (const Reach& reach : all) out.push_back(fmt::format("{}: {}", design.targets[reach.target].title, reach.last == nullptr ? none : reach.last->arm.label));
  return fmt::format("{}", fmt::join(out, ", "));
}

/// "1.92 [1.31, 2.81] times"
std::string times(const Ratio& r) { return fmt::format("{:.3g} [{:.3g}, {:.3g}] times", r.ratio, r.interval.low, r.interval.high); }

/// An arm of a sweep with its ratio to the reference.
struct Found {
  const Measured* arm = nullptr;
  Ratio ratio;

  /// "two moons: 1.92 [1.31, 2.81] times"
  [[nodiscard]] std::string words(const Design& design) const { return fmt::format("{}: {}", design.targets[arm->arm.target].title, times(ratio)); }
};

/// All arms of a question's sweeps with their ratio to the reference.
std::vector<Found> ratios(const Results& results, Question q, double confidence, Index column) {
  std::vector<Found> out;
  for (const std::size_t target : results.targets(q))
    for (const Measured* m : results.sweep(q, target)) out.push_back({m, ratio_of(*m, results.reference(q, target), confidence, column)});
  return out;
}

/// Of those with a surely higher F: the one with the largest (or smallest) x, of equal x the largest ratio. None: arm is null.
Found surely_higher(const std::vector<Found>& all, bool largest_x) {
  Found out;
  for (const Found& one : all) {
    if (!one.ratio.higher()) continue;
    const bool further = out.arm == nullptr || (largest_x ? one.arm->arm.x > out.arm->arm.x : one.arm->arm.x < out.arm->arm.x);
    if (further || (one.arm->arm.x == out.arm->arm.x && one.ratio.ratio > out.ratio.ratio)) out = one;
  }
  return out;
}

/// "4 (two moons: 0.7 [0.6, 0.8] times), …": those with a surely lower F.
std::string surely_lower(const std::vector<Found>& all, const Design& design) {
  std::vector<std::string> out;
  for (const Found& one : all)
    if (one.ratio.lower()) out.push_back(fmt::format("{} ({})", one.arm->arm.label, one.words(design)));
  return fmt::format("{}", fmt::join(out, ", "));
}

/// F at most 1 + margin times that of the reference: where a sequence of tests, from one end of the sweep, ends.
std::vector<Reach> as_good(const Results& results, Question q, bool upwards, const Design& design, Index column) {
  const double confidence = sequence_confidence(results.targets(q).size());
  return reaches(results, q, upwards,
                 [&](const Measured& m) { return ratio_of(m, results.reference(q, m.arm.target), confidence, column).at_most(1.0 + design.margin); });
}

/// The label of the first (or last) arm of a sweep; the sweeps of all targets are alike.
std::string end_of_sweep(const Results& results, Question q, bool last) {
  const auto sweep = results.sweep(q, results.targets(q).front());
  return (last ? sweep.back() : sweep.front())->arm.label;
}

std::size_t sweep_size(const Results& results, Question q) {
  std::size_t out = 0;
  for (const std::size_t target : results.targets(q)) out += results.sweep(q, target).size();
  return out;
}

// ---- 1. the radius

/// From which r on, coming from the largest, the ball is not felt.
std::vector<Reach> unfelt(const Results& results, double confidence) {
  return reaches(results, Question::radius, false, [&](const Measured& m) {
    if (m.diverged() > 0 || m.rows.col(kBoundary).maxCoeff() > 0.0) return false;
    return m.rows.col(kNorm).maxCoeff() < m.arm.radius * (1.0 - kInside) || m.mean(kPull, confidence).interval.low <= 0.0;
  });
}

std::string radius_sentence(const std::vector<Reach>& free, const std::vector<Reach>& good, double initial_norm, const Results& results, const Design& design) {
  const std::string near = fmt::format("at most {} above plain SGD's", per_cent(design.margin));
  if (!complete(free))
    return fmt::format("How large r must be is not decided: on {} the ball is felt even at the largest r tried, {}{}.", missing(free, design, "every target"),
                       end_of_sweep(results, Question::radius, true),
                       complete(good) ? fmt::format("; F is {} from r = {:g} on", near, common_x(good, true)) : std::string());
  const double r = complete(good) ? std::max(common_x(free, true), common_x(good, true)) : common_x(free, true);
  const std::string take = fmt::format("Take r ≥ {:g}, {:.2f} times the initial norm ‖u₀‖: the ball is then not felt", r, r / initial_norm);
  if (complete(good)) return fmt::format("{}, and F is {}.", take, near);
  return fmt::format("{}; whether F is {} is not decided on {}.", take, near, missing(good, design, "any target"));
}

Advice radius_advice(const Results& results, const Design& design) {
  constexpr auto q = Question::radius;
  const double confidence = comparison_confidence(2 * sweep_size(results, q));  // a ratio and a multiplier each
  const auto free = unfelt(results, confidence);
  const auto good = as_good(results, q, false, design, kF);
  std::vector<double> initial;
  std::vector<double> norms;
  std::vector<double> moved;
  for (const std::size_t target : results.targets(q)) {
    const Measured& sgd = results.reference(q, target);
    initial.push_back(sgd.mean(kInitialNorm).mean);
    norms.push_back(sgd.mean(kNorm).mean);
    moved.push_back(sgd.mean(kMoved).mean);
  }
  Advice out{"How large must r be?", radius_sentence(free, good, initial.front(), results, design), {}};
  out.evidence.push_back(fmt::format("The ball is not felt, that is, no step of the last half ended on the sphere and no multiplier was seen, from r on: {}.",
                                     each_x(free, design, "at no r")));
  out.evidence.push_back(fmt::format("The initial norm ‖u₀‖ is {:.3g}; plain SGD from the same u₀ ended at ‖u‖ = {}, {} away from u₀.", initial.front(),
                                     number_list(norms), number_list(moved)));
  out.evidence.push_back(fmt::format("F is at most {} above that of plain SGD from r on: {}.", per_cent(design.margin), each_x(good, design, "not decided")));
  const auto all = ratios(results, q, confidence, kF);
  const Found worst = surely_higher(all, true);
  const auto lower = surely_lower(all, design);
  out.evidence.push_back(worst.arm == nullptr
                             ? std::string("No r of the sweep has a surely higher F.")
                             : fmt::format("The largest r with a surely higher F than SGD's is {} ({}).", worst.arm->arm.label, worst.words(design)));
  if (!lower.empty()) out.evidence.push_back(fmt::format("F is surely lower than SGD's at r = {}.", lower));
  return out;
}

// ---- 2. the noise

/// α·a·√d_u over the ‖αφ‖ of the training without noise.
double noise_over_gradient(const Measured& m, const Results& results, const Design& design) {
  return m.arm.noise * std::sqrt(static_cast<double>(design.generator->parameters())) / results.reference(Question::noise, m.arm.target).mean(kGradient).mean;
}

/// The range of that over the targets, for one a.
std::string noise_range(double a, const Results& results, const Design& design) {
  std::vector<double> shares;
  for (const std::size_t target : results.targets(Question::noise))
    for (const Measured* m : results.sweep(Question::noise, target))
      if (m->arm.x == a) shares.push_back(noise_over_gradient(*m, results, design));
  return number_list(shares);
}

/// ‖Σ α·a·ε‖ over the whole run, about α·a·√(d_u·T).
double noise_walk(double a, const Design& design) {
  return design.step_size * a * std::sqrt(static_cast<double>(design.generator->parameters()) * static_cast<double>(design.steps));
}

Advice noise_advice(const Results& results, const Design& design) {
  constexpr auto q = Question::noise;
  const auto harmless = as_good(results, q, true, design, kF);
  const auto all = ratios(results, q, comparison_confidence(sweep_size(results, q)), kF);
  const Found hurt = surely_higher(all, false);
  const auto lower = surely_lower(all, design);
  Advice out{"Which noise a?", "", {}};
  out.evidence.push_back(fmt::format("F is at most {} above F without noise up to a: {}.", per_cent(design.margin), each_x(harmless, design, "not decided")));
  if (complete(harmless)) {
    const double a = common_x(harmless, false);
    out.sentence = fmt::format("Take a ≤ {}: up to there F is at most {} above F without noise on every target, and {}.", number_label(a),
                               per_cent(design.margin), lower.empty() ? "no a is seen to lower F" : "some a surely lower F");
    out.evidence.push_back(
        fmt::format("At a = {} a step's noise, of norm α·a·√d_u, is {} times the gradient's step ‖αφ‖, and adds up to about {:.3g} over the run.",
                    number_label(a), noise_range(a, results, design), noise_walk(a, design)));
  } else {
    out.sentence = fmt::format("Which a is harmless is not decided on {}: even at the smallest, {}, F may be more than {} above F without noise.",
                               missing(harmless, design, "any target"), end_of_sweep(results, q, false), per_cent(design.margin));
  }
  out.evidence.push_back(hurt.arm == nullptr
                             ? std::string("No a of the sweep surely raises F.")
                             : fmt::format("The smallest a with a surely higher F is {} ({}; noise {:.3g} times the gradient's step, {:.3g} over the run).",
                                           hurt.arm->arm.label, hurt.words(design), noise_over_gradient(*hurt.arm, results, design),
                                           noise_walk(hurt.arm->arm.x, design)));
  out.evidence.push_back(lower.empty() ? std::string("No a is seen to lower F.") : fmt::format("F is surely lower at a = {}.", lower));
  return out;
}

// ---- 4. the atoms

Advice atoms_advice(const Results& results, const Design& design) {
  constexpr auto q = Question::atoms;
  const auto enough = as_good(results, q, false, design, kFSource);
  Advice out{"How many atoms?", "", {}};
  if (complete(enough))
    out.sentence = fmt::format("Take {:g} atoms or more: F against the continuous source is then at most {} above what training on that source itself reaches.",
                               common_x(enough, true), per_cent(design.margin));
  else
    out.sentence = fmt::format(
        "How many atoms are enough is not decided on {}: even with {}, F against the continuous source may be more than {} above training on that source.",
        missing(enough, design, "any target"), end_of_sweep(results, q, true), per_cent(design.margin));
  out.evidence.push_back(
      fmt::format("F against the continuous source is at most {} above what training on that source itself reaches in {} steps, from so many atoms on: {}.",
                  per_cent(design.margin), design.steps, each_x(enough, design, "not decided")));
  const auto all = ratios(results, q, comparison_confidence(sweep_size(results, q)), kFSource);
  const Found few = surely_higher(all, true);
  out.evidence.push_back(few.arm == nullptr ? std::string("No number of the sweep is surely too small.")
                                            : fmt::format("The largest number that is surely too small is {} ({}).", few.arm->arm.label, few.words(design)));
  std::vector<std::string> reported;
  for (const Found& one : all)
    if (one.arm->arm.atoms == design.source_atoms) reported.push_back(one.words(design));
  out.evidence.push_back(fmt::format("With the {} atoms of the other questions{}: {}.", design.source_atoms,
                                     design.source_atoms == 2025 ? ", as many as in report 000" : "", fmt::join(reported, "; ")));
  return out;
}

}  // namespace

std::string per_cent(double share) { return fmt::format("{:.3g} %", 100.0 * share); }

std::string listed(const std::vector<std::string>& words, const std::string& last) {
  if (words.size() < 2) return fmt::format("{}", fmt::join(words, ""));
  return fmt::format("{} {} {}", fmt::join(words.begin(), words.end() - 1, ", "), last, words.back());
}

std::vector<Advice> advice(const Results& results, const Design& design) {
  return {radius_advice(results, design), noise_advice(results, design), schedule_advice(results, design), atoms_advice(results, design),
          infinity_advice(results, design)};
}

}  // namespace slicecheck::guidelines
