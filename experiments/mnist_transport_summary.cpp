/// What experiment `mnist-transport` shows.

#include <fmt/format.h>

#include "mnist_transport.h"
#include "summary.h"

namespace slicecheck::transport_mnist {

namespace {

std::vector<std::string> facts_of(const Results& results, const Settings& s) {
  const Index replicates = s.integer("replicates");
  std::vector<std::string> out;
  for (const auto& pictures : results.pictures) {
    out.push_back(
        fmt::format("{}: generator {}, {} parameters; critic, and encoder up to its features, {}, {} parameters. {} steps of the generator on batches of "
                    "{}; {} replicate{}.",
                    pictures->name, pictures->generator->name(), pictures->generator->parameters(), pictures->critic->name(), pictures->critic->parameters(),
                    s.integer("steps"), s.integer("batch"), replicates, replicates == 1 ? ": nothing is decided" : "s"));
    if (pictures->colour)
      out.push_back("CIFAR-10: the classifier takes the three planes of an image stacked, as one plane of 96 × 32; scores and distances are of that.");
    out.push_back(
        fmt::format("{}: the classifier score is the inception score's formula with a classifier that is trained here ({} steps on batches of {}, accuracy "
                    "{:.2f} % on the test images); it compares trainings of this page with each other, and with no published score. Real test images have "
                    "{:.2f}; {} training images have the Fréchet distance {:.2f} from all test images.",
                    pictures->name, s.integer("classifier.steps"), s.integer("classifier.batch"), 100.0 * pictures->accuracy, pictures->real_score,
                    s.integer("images"), pictures->real_frechet));
  }
  if (!results.cifar10.empty()) out.push_back("CIFAR-10: " + results.cifar10);
  out.push_back(fmt::format("Hash of u₀ and v₀ (v₀: the WGAN-GP's critic, the encoder), checked to be equal: {}.", fmt::join(results.hashes, "; ")));
  out.push_back(fmt::format("λ = {} × the mean cost between generated and real images at u₀ and v₀, regulariser {}; the potentials' unit is that mean cost.",
                            s.number("lambda_share"), s.word("regulariser")));
  out.push_back(
      "Networks: φ and ψ see what the cost sees, begin at 0, and take their steps on minibatches of their own; before each, and on the minibatch of the "
      "generator, the constant of φ is set to the best, so that the plan has mass 1. On the generator's minibatch the constant is then a function of the "
      "points that it is used on: a bias of that gradient, of the order of one over the batch. The exponent V/λ is not clamped. Not the networks' slope, only "
      "the cost's enters the generator's gradient (Danskin).");
  out.push_back(fmt::format(
      "ε is that of the potentials between G and Y alone: those within G, of L_λ, are not measured. It is taken against the optimum of a minibatch of "
      "{0} and {0} points, which fits these very points: even potentials that are optimal for the two laws have ε > 0 there.",
      s.integer("batch")));
  if (replicates > 1) out.push_back("95 % intervals are each for itself: they are not corrected for their number.");
  out.push_back(
      "L_λ is descended as 2d(G, Y) − d(G, G'), G and G' the halves of a batch, both slots differentiated; d(Y, Y) does not depend on the generator. With "
      "sweeps every d is that of the minibatch, which is biased: the halves are half as large.");
  out.push_back(
      fmt::format("Encoder: the features f of the critic's network as √m f/‖f‖, so that no parameters make the cost large; every {} steps of the generator "
                  "one step of Adam up the loss, d(Y, Y) included (by sweeps).",
                  s.integer("encoder.every")));
  for (const Group& group : results.groups())
    if (const auto at = results.diverged(group)) out.push_back(fmt::format("{}: {}; what follows stands still.", results.entry(group).name, not_compared(*at)));
  double uncertified = 0.0;
  for (const auto& record : results.records)
    for (const auto& evaluation : record.evaluations)
      if (evaluation.values[kUncertified] > 0.0) uncertified += evaluation.values[kUncertified];
  out.push_back(uncertified == 0.0 ? std::string("Every ε is certified from both sides to 10⁻⁶ λ.")
                                   : fmt::format("On {:.0f} minibatches the solver did not reach 10⁻⁶ λ; ε is then the upper end.", uncertified));
  return out;
}

}  // namespace

Json summarise(const Results& results, const ExperimentContext& context) {
  const Settings& s = context.settings;
  Json summary;
  summary["title"] = "Regularised transport on images";
  summary["description"] =
      "Report 003, section 5: a generator of images descends regularised transport to the data, with dual potentials that are networks. The objective h_λ "
      "against the Sinkhorn loss, ℓ₁ against cosine, pixels against a learnt representation, networks against sweeps, and a WGAN-GP. Same generator, u₀, "
      "inputs and real "
      "images "
      "of its steps, same step size and number of steps. Beside the images stands what the report does not measure: ε, the gap of the networks.";
  summary["advice"] = advice(results, s);
  summary["facts"] = facts_of(results, s);
  summary["departures"] = {
      departure("objective", "d̄ by the plan's gradient (section 2.2)", "the plan's gradient is that of d (R4)", "d"),
      departure("λ, networks, step sizes", "in an appendix that is not at hand", "any λ > 0",
                fmt::format("λ = {} mean cost, width {}", s.number("lambda_share"), s.integer("width"))),
      departure("ℓ₁ cost", "used", "Theorem 3.1 does not cover it (R5)", "used"),
      departure("scheme", "Adam", "SGD (R8)", "Adam"),
      departure("score", "inception score", "–", "classifier score"),
      departure("batch normalisation", "–", "G_θ is a map of a point", "in the generator"),
  };
  const Index replicates = s.integer("replicates");
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
            "'learns': the Fréchet distance fell below a quarter of that at u₀. ε/λ: median and quartiles over {} minibatches; error: of the plan "
            "gradient in the generated points, beside R7's bound; 'over': minibatches of all evaluations on which the error exceeded the bound; 'ε < 0': on "
            "which D exceeded d. ε is of the potentials between G and Y. {}",
            s.integer("certificates"), replicates == 1 ? "One replicate: no interval, nothing decided." : "95 % t-intervals, not corrected for their number.")},
       {"file", "final.csv"},
       {"columns",
        {column("images", "images", "s"), column("name", "training", "s"), column("lambda", "λ", "s"), score, frechet, column("frechet_start", "at u₀", ".4g"),
         column("learns", "learns", "s"), column("epsilon", "ε/λ", "s"), column("error", "error", "s"), column("bound", "bound", "s"),
         column("relative", "relative error", "s"), column("exceeded", "over", "s"), column("negative", "ε < 0", "s")}}}};
  summary["figures"] = figures(results, context);
  return summary;
}

}  // namespace slicecheck::transport_mnist
