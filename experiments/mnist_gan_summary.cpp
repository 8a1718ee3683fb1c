/// What experiment `mnist-gan` shows.

#include <fmt/format.h>

#include <cmath>

#include "mnist_gan.h"
#include "summary.h"

namespace slicecheck::gan_mnist {

namespace {

/// What is left of Adam's steps where the gradient has fallen: of the training whose ‖φ‖ is smallest over the last half.
std::string adam_sentence(const Results& results) {
  constexpr double kMemory = 1000.0;  // 1/(1 − β₂)
  const Group* smallest = nullptr;
  double least = std::numeric_limits<double>::infinity();
  const auto groups = groups_of(results);
  for (const Group& group : groups) {
    const double norm = mean_of(over_last_half(results, group, &TwoPlayerRow::generator_gradient));
    if (group.optimiser != "Adam" || !(norm < least)) continue;
    least = norm;
    smallest = &group;
  }
  if (smallest == nullptr) return "No training used Adam.";
  const auto& rows = results.records[smallest->members.front()].rows;
  const auto last = static_cast<double>(rows.back().step);
  std::vector<double> squares;
  for (const TwoPlayerRow& row : rows)
    if (static_cast<double>(row.step) > last - kMemory) squares.push_back(row.generator_gradient * row.generator_gradient);
  return fmt::format(
      "Adam divides a gradient by its root mean square over about 1/(1 − β₂) = {:.0f} steps: where the gradient has fallen since, so have the steps. In the "
      "training with "
      "the smallest ‖φ‖ over the last half ({}: {:.1e}) that is {:.1g} of a full step.",
      kMemory, smallest->name(), least, rows.back().generator_gradient / std::sqrt(mean_of(squares)));
}

}  // namespace

Json summarise(const Results& results, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const auto& parts = results.entries.front().arm.parts;
  const Index replicates = s.integer("replicates");
  const double images_seen = static_cast<double>(s.integer("steps") * s.integer("batch"));
  Json summary;
  summary["title"] = "GAN against sliced losses on MNIST";
  summary["description"] =
      "Report 002, section 2.2: a generator of transposed convolutions against a critic of convolutions, on the real MNIST. The report compares a GAN with a "
      "sliced "
      "loss on the critic's features and finds the GAN unable to learn. Its code has −mean σ(D) for a GAN, without a logarithm, and SW₁ where the text says "
      "SW₂. Here "
      "each objective of the generator is paired with each of the critic: same networks, same u₀ and v₀, same inputs and images in the same order, same steps.";
  summary["advice"] = advice(results);
  summary["facts"] = {
      fmt::format("Generator {}, {} parameters; critic {}, {} parameters. {} steps on batches of {} ({:.2g} epochs of 60,000 images), {} directions a step; {} "
                  "replicate{}.",
                  parts.generator->name(), parts.generator->parameters(), parts.critic->name(), parts.critic->parameters(), s.integer("steps"),
                  s.integer("batch"), images_seen / 60000.0, s.integer("directions"), replicates, replicates == 1 ? ": no intervals" : "s"),
      fmt::format("Hash of u₀ and v₀, checked to be equal: {}.", fmt::join(results.hashes, "; ")),
      fmt::format("The classifier behind score and Fréchet distance is trained here, on the training images: {} parameters, {} steps on batches of {}, "
                  "accuracy {:.2f} % "
                  "on the 10,000 test images. Its scores compare trainings of this page with each other, and with no published score.",
                  results.classifier_parameters, s.integer("classifier.steps"), s.integer("classifier.batch"), 100.0 * results.accuracy),
      fmt::format("Real images: {} test images have the score {:.2f}; {} training images have the Fréchet distance {:.2f} from all test images.",
                  s.integer("images"), results.real.score, s.integer("images"), results.real.frechet),
      adam_sentence(results),
      "The generator normalises by its batch: T(u, x) depends on the other inputs of the batch, and the theorems on F, about a map of a point and a fixed "
      "target, say "
      "nothing of these trainings. Images are generated in batches of the training's size.",
  };
  summary["departures"] = {
      departure("GAN", "−mean σ(D(T)) and mean σ(D(T)) − mean σ(D(Y)): no logarithm, no Lipschitz control", "–",
                "that, BCE, and both mixed; with a gradient penalty in full"),
      departure("sliced loss", "SW₂ in the text; SW₁ (mean absolute gap) in the code", "SW₂² (claims L, N, T)", "both, by their names (claim G2)"),
      departure("target of the loss", "features of a critic that is trained meanwhile", "a fixed target law", "the same: a moving target"),
      departure("width, batch, steps", "64, 128, 4,680", "–", fmt::format("{}, {}, {}", s.integer("width"), s.integer("batch"), s.integer("steps"))),
      departure("inputs of the two updates", "fresh ones for the generator's", "–", "the same batch for both"),
      departure("step size", "0.0002 (Adam)", "–", fmt::format("{} (Adam), {} (SGD)", s.number("adam_step_size"), s.number("sgd_step_size"))),
      departure("batch normalisation", "in both networks", "T(u, x) is a map of one point", "in both networks; not with a gradient penalty"),
  };
  const std::string interval = replicates == 1 ? "One replicate: no interval." : fmt::format("95 % t-intervals over {} replicates.", replicates);
  Json score = column("score", "classifier score", ".2f"), frechet = column("frechet", "Fréchet distance", ".4g");
  if (replicates > 1) {
    score = column("score", "classifier score", ".2f", "score_low", "score_high");
    frechet = column("frechet", "Fréchet distance", ".4g", "frechet_low", "frechet_high");
  }
  summary["tables"] = {
      {{"id", "final"},
       {"title", "After training"},
       {"caption",
        fmt::format(
            "MNIST classifier score: exp of the mean KL(p(·|x) ‖ mean p), from 1 to 10. Fréchet distance: between Gaussians fitted to the classifier's {} "
            "features, of {} generated images and of the 10,000 test images; 'learns': below a quarter of what it was at u₀. The other columns are means over "
            "the "
            "last half of the steps; 'frozen': the share of all steps at which the linear critic's σ is flat on real and generated images alike, on one side. "
            "{}",
            64, s.integer("images"), interval)},
       {"file", "final.csv"},
       {"columns",
        {column("generator", "generator", "s"), column("critic", "critic", "s"), column("optimiser", "optimiser", "s"), score, frechet,
         column("frechet_start", "at u₀", ".4g"), column("learns", "learns", "s"), column("slope_real", "σ(1 − σ), real", ".2g"),
         column("slope_generated", "σ(1 − σ), generated", ".2g"), column("generator_gradient", "‖φ‖", ".2g"), column("critic_loss", "critic's loss", ".3f"),
         column("frozen", "frozen", "s")}}}};
  summary["figures"] = figures(results, context);
  return summary;
}

}  // namespace slicecheck::gan_mnist
