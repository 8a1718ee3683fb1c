/// N8: which ties and kinks a training meets.

#include <cmath>
#include <limits>

#include "slicecheck/claims/nonsmooth.h"
#include "slicecheck/dynamics/training.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck {

namespace {

constexpr std::uint64_t kSteps = 60;

TrainingParts<double> parts_for(std::shared_ptr<const Generator<double>> generator, std::shared_ptr<const Law> source, std::shared_ptr<const Law> target,
                                Index n, double alpha, std::uint64_t seed) {
  TrainingParts<double> parts;
  parts.generator = std::move(generator);
  parts.loss = std::make_shared<ReferenceLoss>();
  parts.sampler = std::make_shared<FreshBatches<double>>(std::move(source), std::move(target), SamplerSettings{n, 1, seed, 0});
  parts.scheme = std::make_shared<Sgd<double>>();
  parts.schedule = std::shared_ptr<Schedule>(make_schedule({.kind = "constant", .initial = alpha}));
  parts.seed = seed;
  return parts;
}

/// Two different inputs have equal projections, and the targets that they share between them differ.
bool meets_harmful_tie(const TrainingParts<double>& parts, const Eigen::VectorXd& u, std::uint64_t t) {
  const Batch<double> batch = parts.sampler->draw(t);
  const Eigen::VectorXd a = parts.generator->forward(u, batch.x) * batch.directions.row(0).transpose();
  const Eigen::VectorXd b = batch.y * batch.directions.row(0).transpose();
  for (Index i = 0; i < a.size(); ++i)
    for (Index j = i + 1; j < a.size(); ++j)
      if (a[i] == a[j] && batch.x.row(i) != batch.x.row(j) && (b.array() != b[0]).any()) return true;
  return false;
}

/// The two-point line at an admissible α < 1/2 from an absolutely continuous start: z_i = u, z_j = −u are equal at u = 0 alone, which no path hits.
Trial line(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double alpha = draws.uniform(0.02, 0.49);
  const std::uint64_t seed = draws.below(1'000'000);
  const auto law = std::shared_ptr<const Law>(FiniteLaw::two_points());
  const auto parts = parts_for(std::make_shared<TwoPointLine<double>>(), law, law, 1 + size, alpha, seed);
  const auto path = subject.path(parts, kSteps);
  double harmful = 0.0;
  for (std::uint64_t t = 0; t < kSteps; ++t) harmful += meets_harmful_tie(parts, path[static_cast<std::size_t>(t)], t) ? 1.0 : 0.0;
  Trial trial;
  trial.judgement.observed = harmful;
  trial.values = {{"step size", Points<double>::Constant(1, 1, alpha)}, {"u0", Points<double>(path.front().transpose())}};
  return trial;
}

/// A ReLU network with one hidden layer: pre-activations that are 0 although they move with u (their gradient in the first layer is (x, 1) ≠ 0).
Trial kinks(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const std::uint64_t seed = draws.below(1'000'000);
  const Index width = size;
  const auto network = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{width}, 2, Activation::relu);
  const auto source = std::shared_ptr<const Law>(std::make_shared<Uniform>(-1.0, 1.0, 2));
  const auto parts = parts_for(network, source, source, 3, 0.05, seed);
  const auto path = subject.path(parts, kSteps);
  double met = 0.0;
  for (std::uint64_t t = 0; t < kSteps; ++t) {
    const Eigen::VectorXd& u = path[static_cast<std::size_t>(t)];
    const Eigen::Map<const Points<double>> weights(u.data(), width, 2);
    const Eigen::VectorXd bias = u.segment(2 * width, width);
    const Batch<double> batch = parts.sampler->draw(t);
    const Points<double> pre = (batch.x * weights.transpose()).rowwise() + bias.transpose();
    met += static_cast<double>((pre.array() == 0.0).count());
  }
  Trial trial;
  trial.judgement.observed = met;
  trial.values = {{"u0", Points<double>(path.front().transpose())}};
  return trial;
}

}  // namespace

Claim claim_n8() {
  Claim claim;
  claim.id = "N8";
  claim.title = "what SGD meets";
  claim.statement =
      "From an absolutely continuous start and for an admissible step size, SGD meets neither harmful ties nor kinks of units that move with u: counted in "
      "double, over "
      "60 steps of the two-point line and of a small ReLU network, zero. Harmless ties are common and are not counted.";
  claim.source = "theorem of Bianchi, Hachem & Schechtman on almost every step size, as report 000 uses it (T2); theory/nonsmooth.md";
  std::get<std::vector<TypedCheck<TrainingSubject>>>(claim.typed) = {{"harmful ties on the two-point line", 4, line, false, 2},
                                                                     {"kinks of a ReLU network", 4, kinks, false, 2}};
  return claim;
}

}  // namespace slicecheck
