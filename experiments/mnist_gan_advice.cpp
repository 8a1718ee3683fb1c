/// What of report 002's section 2.2 holds in experiment `mnist-gan`: sentences that are made of the measured numbers.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "mnist_gan.h"
#include "slicecheck/statistics/confidence.h"
#include "summary.h"

namespace slicecheck::gan_mnist {

namespace {

using Kind = GeneratorObjective::Kind;

/// A group with what is said of it.
struct Outcome {
  Group group;
  Kind kind;
  bool learns;
  double frechet, score, slope_generated, slope_real, gradient, critic_loss;
};

std::vector<Outcome> outcomes(const Results& results) {
  std::vector<Outcome> out;
  for (const Group& group : groups_of(results)) {
    const auto half = [&](double TwoPlayerRow::*quantity) { return mean_of(over_last_half(results, group, quantity)); };
    out.push_back({group, results.entries[group.members.front()].arm.parts.generator_objective.kind, learns(results, group),
                   mean_of(finals(results, group, kFrechet)), mean_of(finals(results, group, kScore)), half(&TwoPlayerRow::slope_generated),
                   half(&TwoPlayerRow::slope_real), half(&TwoPlayerRow::generator_gradient), half(&TwoPlayerRow::critic_loss)});
  }
  return out;
}

std::optional<Outcome> find(const std::vector<Outcome>& all, Kind kind, CriticObjective::Kind critic, const std::string& optimiser) {
  for (const Outcome& one : all)
    if (one.kind == kind && one.group.critic_kind == critic && one.group.optimiser == optimiser) return one;
  return std::nullopt;
}

std::string described(const Outcome& one) {
  return fmt::format("{}: Fréchet distance {:.1f}, score {:.2f}; mean σ(1 − σ) {:.1e} on generated, {:.1e} on real images; ‖φ‖ {:.1e}; critic's loss {:.3f}.",
                     one.group.name(), one.frechet, one.score, one.slope_generated, one.slope_real, one.gradient, one.critic_loss);
}

std::vector<std::string> described(const std::vector<Outcome>& all) {
  std::vector<std::string> out;
  for (const Outcome& one : all) out.push_back(described(one));
  return out;
}

std::vector<Outcome> those(const std::vector<Outcome>& all, const std::function<bool(const Outcome&)>& condition) {
  std::vector<Outcome> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), condition);
  return out;
}

std::size_t learning(const std::vector<Outcome>& all) {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const Outcome& one) { return one.learns; }));
}

/// What few replicates and steps allow.
std::string caveat(const Results& results, const std::vector<Outcome>& all) {
  const std::size_t replicates = all.front().group.members.size();
  const std::uint64_t steps = results.records.front().evaluations.back().step;
  return fmt::format(" ({} replicate{}, {} steps.)", replicates, replicates == 1 ? "" : "s", steps);
}

bool is_sliced(const Outcome& one) { return one.kind == Kind::sliced; }

/// Why the GAN of report 002 does not learn, beside the same with the logarithm.
Json why(const Results& results, const std::vector<Outcome>& all) {
  const std::string question = "Is a GAN unable to make images, as report 002 says?";
  const auto coded = find(all, Kind::sigmoid_mean, CriticObjective::Kind::sigmoid_mean, "Adam");
  const auto bce = find(all, Kind::bce, CriticObjective::Kind::bce, "Adam");
  if (!coded || !bce) return advice_entry(question, "Not measured: the report's GAN or the GAN with BCE was left out.", {});
  std::string sentence;
  const bool saturated = coded->slope_generated < kFlat && coded->gradient < 0.01 * bce->gradient;
  if (!coded->learns && bce->learns && !saturated)
    sentence = fmt::format("No: what was coded is, though its critic is not saturated: Fréchet distance {:.0f}, and {:.0f} with BCE for both.", coded->frechet,
                           bce->frechet);
  else if (!coded->learns && bce->learns)
    sentence = fmt::format(
        "No: what was coded is. Its objectives are −mean σ, its critic saturates (mean σ(1 − σ) {:.0e} on generated images), and ‖φ‖ falls to {:.0e}; with BCE "
        "for both, "
        "all else equal, ‖φ‖ is {:.2g} and the Fréchet distance {:.0f} instead of {:.0f}.",
        coded->slope_generated, coded->gradient, bce->gradient, bce->frechet, coded->frechet);
  else if (coded->learns && bce->learns)
    sentence = fmt::format("Neither here: the report's GAN reaches the Fréchet distance {:.0f}, the one with BCE {:.0f}.", coded->frechet, bce->frechet);
  else if (!coded->learns)
    sentence =
        fmt::format("Not decided: in so few steps the GAN with BCE has not learnt either (Fréchet distances {:.0f} and {:.0f}).", coded->frechet, bce->frechet);
  else
    sentence = fmt::format("No: the report's own learns (Fréchet distance {:.0f}), the one with BCE does not ({:.0f}).", coded->frechet, bce->frechet);
  return advice_entry(question, sentence + caveat(results, all), {described(*coded), described(*bce)});
}

/// The two objectives of the generator against the two of the critic.
Json which_player(const std::vector<Outcome>& all) {
  const auto gans = those(all, [](const Outcome& one) {
    return (one.kind == Kind::bce || one.kind == Kind::sigmoid_mean) && one.group.critic_kind != CriticObjective::Kind::score_mean &&
           one.group.optimiser == "Adam";
  });
  const auto bce_generator = [](const Outcome& one) { return one.kind == Kind::bce; };
  const auto bce_critic = [](const Outcome& one) { return one.group.critic_kind == CriticObjective::Kind::bce; };
  const auto said = [&](bool generator, bool critic) -> std::string {
    for (const Outcome& one : gans)
      if (bce_generator(one) == generator && bce_critic(one) == critic) return one.learns ? "learns" : "does not";
    return "was left out";
  };
  return advice_entry(
      "Is it the generator's or the critic's objective that stops it?",
      fmt::format("With BCE for both players the GAN {}; with BCE for the generator alone it {}; with BCE for the critic alone it {}; with BCE for neither "
                  "it {}.",
                  said(true, true), said(true, false), said(false, true), said(false, false)),
      described(gans));
}

/// Sliced losses on the features of the critic that stops the report's GAN.
Json sliced_on_saturated(const Results& results, const std::vector<Outcome>& all) {
  const auto mine = those(all, [](const Outcome& one) { return is_sliced(one) && one.group.critic_kind == CriticObjective::Kind::sigmoid_mean; });
  const std::string question = "Does a sliced loss make coherent images where the report's GAN makes none, as report 002 says?";
  if (mine.empty()) return advice_entry(question, "Not measured: no sliced loss with the linear critic.", {});
  const auto beside =
      those(all, [](const Outcome& one) { return is_sliced(one) && one.group.critic_kind == CriticObjective::Kind::bce && one.group.optimiser == "Adam"; });
  auto evidence = described(mine);
  double most_frozen = 0.0;
  for (const Outcome& one : mine) most_frozen = std::max(most_frozen, 100.0 * frozen_share(results, one.group));
  for (const Outcome& one : mine)
    evidence.push_back(
        fmt::format("{}: σ flat on real and generated images alike, on one side, at {:.0f} % of the steps: the critic hardly moves, and its features stand "
                    "still.",
                    one.group.name(), 100.0 * frozen_share(results, one.group)));
  for (const std::string& line : described(beside)) evidence.push_back(line);
  return advice_entry(question,
                      fmt::format("{} of {} learn on the report's critic, {} of {} on the BCE critic; on the report's, σ is flat on one side, and the features "
                                  "stand still, at {:.0f} % of the "
                                  "steps at most.{}",
                                  learning(mine), mine.size(), learning(beside), beside.size(), most_frozen, caveat(results, all)),
                      evidence);
}

/// The best sliced loss and the best GAN with BCE.
Json against_bce(const Results& results, const std::vector<Outcome>& all) {
  const std::string question = "Is a sliced loss better than a GAN, at equal networks and steps? Report 002 expects it even of a tuned GAN.";
  const auto best = [](const std::vector<Outcome>& some) {
    return std::min_element(some.begin(), some.end(), [](const Outcome& a, const Outcome& b) { return a.frechet < b.frechet; });
  };
  const auto gans = those(all, [](const Outcome& one) { return one.kind == Kind::bce; });
  const auto sliced = those(all, is_sliced);
  if (gans.empty() || sliced.empty()) return advice_entry(question, "Not measured: a sliced loss or the GAN with BCE was left out.", {});
  const Outcome& gan = *best(gans);
  const Outcome& slice = *best(sliced);
  std::vector<double> differences = finals(results, slice.group, kFrechet);
  const std::vector<double> others = finals(results, gan.group, kFrechet);
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= others[i];
  std::string told = "one replicate, no interval: not decided";
  if (differences.size() > 1) {
    const MeanEstimate estimate = mean_with_t_interval(differences, 0.95);
    const char* verdict = estimate.interval.high < 0.0 ? "the sliced one is nearer" : estimate.interval.low > 0.0 ? "the GAN is nearer" : "not told apart";
    told =
        fmt::format("paired difference {:+.1f}, 95 % t-interval [{:+.1f}, {:+.1f}]: {}", estimate.mean, estimate.interval.low, estimate.interval.high, verdict);
  }
  return advice_entry(
      question,
      fmt::format(
          "The best of {} sliced losses ({}) ends at the Fréchet distance {:.1f}, the best of {} GANs with BCE ({}) at {:.1f} ({}). Both were chosen on the "
          "replicates that they are compared on, which favours the larger number.",
          sliced.size(), slice.group.name(), slice.frechet, gans.size(), gan.group.name(), gan.frechet, told),
      {described(slice), described(gan),
       fmt::format("Real images: Fréchet distance {:.2f} (training images), score {:.2f} (test images).", results.real.frechet, results.real.score)});
}

/// SGD beside Adam.
Json optimisers(const std::vector<Outcome>& all) {
  const auto sgd = those(all, [](const Outcome& one) { return one.group.optimiser != "Adam"; });
  const std::string question = "Does it depend on the optimiser? Report 002 says no.";
  if (sgd.empty()) return advice_entry(question, "Not measured: every training used Adam.", {});
  const auto adam = those(all, [&](const Outcome& one) {
    return one.group.optimiser == "Adam" && std::any_of(sgd.begin(), sgd.end(), [&](const Outcome& other) {
             return other.group.generator == one.group.generator && other.group.critic == one.group.critic;
           });
  });
  auto evidence = described(sgd);
  for (const std::string& line : described(adam)) evidence.push_back(line);
  return advice_entry(
      question, fmt::format("{} of {} trainings learn with SGD; of the same with Adam, {} of {}.", learning(sgd), sgd.size(), learning(adam), adam.size()),
      evidence);
}

}  // namespace

Json advice(const Results& results) {
  const auto all = outcomes(results);
  return Json::array({why(results, all), which_player(all), sliced_on_saturated(results, all), against_bce(results, all), optimisers(all)});
}

}  // namespace slicecheck::gan_mnist
