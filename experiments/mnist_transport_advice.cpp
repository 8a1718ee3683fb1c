/// What experiment `mnist-transport` says of report 003's section 5: sentences that are made of the measured numbers.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "mnist_transport.h"
#include "slicecheck/statistics/confidence.h"
#include "summary.h"

namespace slicecheck::transport_mnist {

namespace {

constexpr const char* kUncorrected = " The intervals are not corrected for their number.";

std::string said_of(const Results& results, const Group& group) {
  const Entry& entry = results.entry(group);
  if (const auto at = results.diverged(group)) return fmt::format("{}: {}.", entry.name, not_compared(*at));
  std::string out = fmt::format("{}: Fréchet distance {:.1f}, classifier score {:.2f}", entry.name, results.last(group, kFrechet), results.last(group, kScore));
  if (!entry.wgan)
    out += fmt::format("; ε/λ {:.2g}, relative error of the gradient {:.0f} %", results.last(group, kEpsilon), 100.0 * results.last(group, kRelative));
  return out + ".";
}

/// Two trainings by their Fréchet distances, paired by replicate.
std::string compared(const Results& results, const Group& a, const Group& b) {
  for (const Group* group : {&a, &b})
    if (const auto at = results.diverged(*group))
      return fmt::format("{} and {}: the {} {}", results.entry(a).name, results.entry(b).name, group == &a ? "first" : "second", not_compared(*at));
  const std::string numbers = fmt::format("{} ends at the Fréchet distance {:.1f}, {} at {:.1f}", results.entry(a).name, results.last(a, kFrechet),
                                          results.entry(b).name, results.last(b, kFrechet));
  if (a.size() < 2) return numbers + " (one replicate: not decided)";
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i)
    differences.push_back(results.records[a[i]].evaluations.back().values[kFrechet] - results.records[b[i]].evaluations.back().values[kFrechet]);
  const MeanEstimate estimate = mean_with_t_interval(differences, 0.95);
  const char* verdict = estimate.interval.high < 0.0 ? "the first is nearer" : estimate.interval.low > 0.0 ? "the second is nearer" : "not told apart";
  return fmt::format("{} (paired difference {:+.1f}, 95 % t-interval [{:+.1f}, {:+.1f}]: {})", numbers, estimate.mean, estimate.interval.low,
                     estimate.interval.high, verdict);
}

using Same = std::function<bool(const Entry&, const Entry&)>;

/// Every pair of trainings that differ in what is asked for alone.
Json question(const Results& results, const std::string& asked, const std::function<bool(const Entry&)>& first, const Same& partner) {
  std::vector<std::string> sentences, evidence;
  bool replicated = false;
  const auto groups = results.groups();
  for (const Group& a : groups) {
    const Entry& one = results.entry(a);
    if (one.wgan || !first(one)) continue;
    for (const Group& b : groups) {
      const Entry& other = results.entry(b);
      if (other.pictures != one.pictures || !partner(one, other)) continue;
      sentences.push_back(compared(results, a, b));
      replicated = replicated || a.size() > 1;
      for (const Group* group : {&a, &b}) {
        const std::string line = said_of(results, *group);
        if (std::find(evidence.begin(), evidence.end(), line) == evidence.end()) evidence.push_back(line);
      }
    }
  }
  if (sentences.empty()) return advice_entry(asked, "Not measured: a training that this needs was left out.", {});
  return advice_entry(asked, fmt::format("{}.{}", fmt::join(sentences, "; "), replicated ? kUncorrected : ""), evidence);
}

/// ε of the networks, and what it costs.
Json potentials_entry(const Results& results, Index certificates, Index batch) {
  const std::string asked = "How far are neural potentials from optimal, and what does it cost?";
  std::vector<std::string> evidence;
  double least = INFINITY, most = 0.0, least_error = INFINITY, most_error = 0.0, exceeded = 0.0, looseness = INFINITY, negative = 0.0;
  std::size_t within = 0, count = 0, minibatches = 0;
  for (const Group& group : results.groups()) {
    const Entry& entry = results.entry(group);
    if (entry.wgan || entry.sweeps) continue;
    if (results.diverged(group)) {
      evidence.push_back(said_of(results, group));
      continue;
    }
    const double epsilon = results.last(group, kEpsilon), error = results.last(group, kRelative);
    least = std::min(least, epsilon);
    most = std::max(most, epsilon);
    least_error = std::min(least_error, error);
    most_error = std::max(most_error, error);
    looseness = std::min(looseness, results.last(group, kBound) / results.last(group, kError));
    exceeded += results.total(group, kExceeded).first;
    negative += results.total(group, kNegative).first;
    minibatches += results.total(group, kExceeded).second * static_cast<std::size_t>(certificates);
    within += epsilon < 0.5 ? 1 : 0;
    ++count;
    evidence.push_back(fmt::format("{}: ε/λ {:.2g} at the end, {:.2g} at u₀; error of the gradient {:.2g}, R7's bound {:.2g}.", entry.name, epsilon,
                                   results.first(group, kEpsilon), results.last(group, kError), results.last(group, kBound)));
  }
  if (count == 0) return advice_entry(asked, "Not measured: no training with networks that did not diverge.", evidence);
  return advice_entry(
      asked,
      fmt::format(
          "At the end ε/λ is {:.2g} to {:.2g} (median minibatches), the plan gradient off by {:.0f} to {:.0f} % of its size. {} of {} trainings are "
          "below ε = λ/2, above which the bound √(2ε/λ) on the ℓ₁ distance of the plans exceeds 1 and says little. The error exceeded R7's bound on "
          "{:.0f} and ε was below 0 on {:.0f} of {} minibatches; in the medians at the end the bound is at least {:.1f} times the error. ε is that of the "
          "potentials between G and Y, against the optimum of a minibatch of {} points: against that even potentials that are optimal for the two laws "
          "have ε > 0.",
          least, most, 100.0 * least_error, 100.0 * most_error, within, count, exceeded, negative, minibatches, looseness, batch),
      evidence);
}

/// The best of the trainings with networks against the WGAN-GP.
Json against_wgan(const Results& results) {
  const std::string asked = "Is it better than a WGAN-GP at the same generator, batches and generator steps?";
  std::vector<std::string> sentences, evidence;
  bool replicated = false;
  for (const auto& pictures : results.pictures) {
    const Group *wgan = nullptr, *best = nullptr;
    const auto groups = results.groups();
    for (const Group& group : groups) {
      const Entry& entry = results.entry(group);
      if (entry.pictures != pictures) continue;
      if (entry.wgan)
        wgan = &group;
      else if (results.diverged(group))
        continue;
      else if (!entry.sweeps && (best == nullptr || results.last(group, kFrechet) < results.last(*best, kFrechet)))
        best = &group;
    }
    if (wgan == nullptr || best == nullptr) continue;
    sentences.push_back(fmt::format("{}: of those with networks the best, {}", pictures->name, compared(results, *best, *wgan)));
    for (const Group* group : {best, wgan}) {
      evidence.push_back(said_of(results, *group));
      evidence.push_back(fmt::format("{} moves its generator of {} parameters against {}.", results.entry(*group).name, pictures->generator->parameters(),
                                     results.entry(*group).second));
    }
    replicated = replicated || best->size() > 1;
    evidence.push_back(fmt::format("Real {} images: Fréchet distance {:.2f} (training images), classifier score {:.2f} (test images).", pictures->name,
                                   pictures->real_frechet, pictures->real_score));
  }
  if (sentences.empty()) return advice_entry(asked, "Not measured: the WGAN-GP or all others were left out, or diverged.", {});
  return advice_entry(
      asked,
      fmt::format("{}. The second players are not alike, neither their networks nor the cost of an update, and nothing was tuned, on either side. The best was "
                  "chosen on the replicates that it is compared on, which favours it. In so few steps it is speed that is seen.{}",
                  fmt::join(sentences, "; "), replicated ? kUncorrected : ""),
      evidence);
}

}  // namespace

Json advice(const Results& results, const Settings& s) {
  const auto plain = [](const Entry& entry) { return !entry.sweeps; };
  return Json::array(
      {question(
           results, "Does the Sinkhorn loss make better images than h_λ, as report 003 says?",
           [&](const Entry& one) { return plain(one) && one.sinkhorn_loss; },
           [&](const Entry& one, const Entry& other) {
             return !other.wgan && plain(other) && !other.sinkhorn_loss && other.cost == one.cost && other.encoded == one.encoded;
           }),
       question(
           results, "Is a learnt representation better than pixels, as report 003 says?", [&](const Entry& one) { return plain(one) && one.encoded; },
           [&](const Entry& one, const Entry& other) {
             return !other.wgan && plain(other) && !other.encoded && other.cost == one.cost && other.sinkhorn_loss == one.sinkhorn_loss;
           }),
       question(
           results, "ℓ₁ or cosine?", [&](const Entry& one) { return plain(one) && one.cost == GroundCost::l1; },
           [&](const Entry& one, const Entry& other) {
             return !other.wgan && plain(other) && other.cost == GroundCost::cosine && other.encoded == one.encoded && other.sinkhorn_loss == one.sinkhorn_loss;
           }),
       potentials_entry(results, s.integer("certificates"), s.integer("batch")),
       question(
           results, "Networks, or sweeps on the minibatch?", [&](const Entry& one) { return !one.sweeps; },
           [&](const Entry& one, const Entry& other) {
             return !other.wgan && other.sweeps && other.cost == one.cost && other.encoded == one.encoded && other.sinkhorn_loss == one.sinkhorn_loss;
           }),
       against_wgan(results)});
}

}  // namespace slicecheck::transport_mnist
