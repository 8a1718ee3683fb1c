/// N8: which ties and kinks a training meets.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "slicecheck/claims/nonsmooth.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/training.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/nonsmooth/activation_cells.h"

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

/// A step meets a tie where two images have equal projections. It is harmful (N6) if the two images have different gradients in u along the direction (in the
/// convention of the generator) and the targets of the block that they are in are not all equal; every other tie is harmless, that of equal inputs above all.
struct TiesMet {
  bool harmless = false;
  bool harmful = false;
};

TiesMet ties_met(const TrainingParts<double>& parts, const Eigen::VectorXd& u, std::uint64_t t) {
  const Batch<double> batch = parts.sampler->draw(t);
  const Eigen::RowVectorXd theta = batch.directions.row(0);
  const auto linear = parts.generator->linearise(u, batch.x);
  const Eigen::VectorXd a = linear->images() * theta.transpose();
  Eigen::VectorXd b = batch.y * theta.transpose();
  std::sort(b.begin(), b.end());
  const auto gradient = [&](Index k) {
    Points<double> cotangent = Points<double>::Zero(batch.x.rows(), theta.size());
    cotangent.row(k) = theta;
    return linear->pullback(cotangent);
  };
  TiesMet met;
  for (Index i = 0; i < a.size(); ++i)
    for (Index j = i + 1; j < a.size(); ++j) {
      if (a[i] != a[j]) continue;
      const bool targets_differ = b[(a.array() < a[i]).count()] != b[(a.array() <= a[i]).count() - 1];
      const bool harmful = targets_differ && batch.x.row(i) != batch.x.row(j) && gradient(i) != gradient(j);
      (harmful ? met.harmful : met.harmless) = true;
    }
  return met;
}

/// The subject's path, which must be one: every claim below is about finite points.
std::vector<Eigen::VectorXd> path_of(const TrainingSubject& subject, const TrainingParts<double>& parts) {
  std::vector<Eigen::VectorXd> path = subject.path(parts, kSteps);
  if (path.size() != kSteps + 1) throw Error(fmt::format("{} points for {} steps", path.size(), kSteps));
  for (const Eigen::VectorXd& u : path)
    if (u.size() != parts.generator->parameters() || !u.allFinite()) throw Error("a point of the path has the wrong size or is not finite");
  return path;
}

/// A path, and the ties on it: the harmful ones are judged, the harmless ones counted under the name `where`, if there is one.
struct Walk {
  std::vector<Eigen::VectorXd> path;
  Trial trial;
};

Walk walk(const TrainingSubject& subject, const TrainingParts<double>& parts, const std::string& where) {
  Walk out{path_of(subject, parts), {}};
  for (std::uint64_t t = 0; t < kSteps; ++t) {
    const TiesMet met = ties_met(parts, out.path[static_cast<std::size_t>(t)], t);
    if (!where.empty()) {
      ++out.trial.counts[where + ", steps"];
      out.trial.counts[where + ", with a harmless tie"] += met.harmless ? 1 : 0;
    }
    out.trial.judgement.observed += met.harmful ? 1.0 : 0.0;
  }
  out.trial.values = {{"u0", Points<double>(out.path.front().transpose())}};
  return out;
}

/// The two-point line at an admissible α < 1/2 from an absolutely continuous start: z_i = u, z_j = −u are equal at u = 0 alone, which no path hits.
Trial line(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double alpha = draws.uniform(0.02, 0.49);
  const std::uint64_t seed = draws.below(1'000'000);
  const auto law = std::shared_ptr<const Law>(FiniteLaw::two_points());
  const auto parts = parts_for(std::make_shared<TwoPointLine<double>>(), law, law, 1 + size, alpha, seed);
  Trial trial = walk(subject, parts, size == 1 ? "two-point line, n = 2" : "").trial;
  trial.values.push_back({"step size", Points<double>::Constant(1, 1, alpha)});
  return trial;
}

/// A network that does not pass its input on and whose hidden units are far below 0 on every input: all images are equal at every step, and no tie is harmful.
Trial dead_layer(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const std::uint64_t seed = draws.below(1'000'000);
  const Index width = size;
  const auto network = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{width}, 2, Activation::relu);
  // Everything moves but what the output layer makes of the input, which is 0.
  Eigen::VectorXd base = Eigen::VectorXd::Zero(network->parameters());
  base.segment(2 * width, width).setConstant(-1e3);
  std::vector<Index> moving;
  for (Index i = 0; i < network->parameters(); ++i) {
    const Index in_output = i - network->offset(1);
    const bool of_input = in_output >= 0 && in_output < 2 * network->fan_in(1) && in_output % network->fan_in(1) < 2;
    if (!of_input) moving.push_back(i);
  }
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(network->parameters(), static_cast<Index>(moving.size()));
  for (std::size_t j = 0; j < moving.size(); ++j) matrix(moving[j], static_cast<Index>(j)) = 1.0;
  const auto source = std::shared_ptr<const Law>(std::make_shared<Uniform>(-1.0, 1.0, 2));
  const auto parts = parts_for(std::make_shared<TiedMlp>(network, base, matrix), source, source, 3, 0.05, seed);
  Walk walked = walk(subject, parts, "dead layer");
  for (std::uint64_t t = 0; t < kSteps; ++t) {
    const Points<double> images = parts.generator->forward(walked.path[static_cast<std::size_t>(t)], parts.sampler->draw(t).x);
    walked.trial.judgement.observed += (images.rowwise() - images.row(0)).isZero(0.0) ? 0.0 : 1.0;
  }
  return walked.trial;
}

/// A ReLU network with one hidden layer: harmful ties, and pre-activations that are 0 although they move with u (their gradient in the first layer is (x, 1) ≠
/// 0).
Trial kinks(const TrainingSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const std::uint64_t seed = draws.below(1'000'000);
  const Index width = size;
  const auto network = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{width}, 2, Activation::relu);
  const auto source = std::shared_ptr<const Law>(std::make_shared<Uniform>(-1.0, 1.0, 2));
  const auto parts = parts_for(network, source, source, 3, 0.05, seed);
  Walk walked = walk(subject, parts, "");
  for (std::uint64_t t = 0; t < kSteps; ++t) {
    const Eigen::VectorXd& u = walked.path[static_cast<std::size_t>(t)];
    const Eigen::Map<const Points<double>> weights(u.data(), width, 2);
    const Eigen::VectorXd bias = u.segment(2 * width, width);
    const Points<double> pre = (parts.sampler->draw(t).x * weights.transpose()).rowwise() + bias.transpose();
    walked.trial.judgement.observed += static_cast<double>((pre.array() == 0.0).count());
  }
  return walked.trial;
}

}  // namespace

Claim claim_n8() {
  Claim claim;
  claim.id = "N8";
  claim.title = "what SGD meets";
  claim.statement =
      "From an absolutely continuous start and for an admissible step size, SGD meets neither harmful ties nor kinks of units that move with u: counted in "
      "double, over 60 steps of the two-point line and of small ReLU networks, zero. Harmless ties are common; they are counted, not judged: on the two-point "
      "line with n = 2 half of the steps have one (equal inputs). Behind a dead ReLU layer all images are equal at every step, which is judged.";
  claim.source = "theorem of Bianchi, Hachem & Schechtman on almost every step size, as report 000 uses it (T2); theory/nonsmooth.md";
  std::get<std::vector<TypedCheck<TrainingSubject>>>(claim.typed) = {{"harmful ties on the two-point line", 4, line, false, 2},
                                                                     {"ties and kinks of a ReLU network", 4, kinks, false, 2},
                                                                     {"ties behind a dead ReLU layer", 4, dead_layer, false, 2}};
  return claim;
}

}  // namespace slicecheck
