/// One training of experiment `faces-max-sw`.

#include <algorithm>
#include <cmath>

#include "faces_max_sw.h"
#include "slicecheck/core/error.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/max_sliced.h"

namespace slicecheck::faces {

namespace {

constexpr std::uint64_t kAtEnd = 1ULL << 24;  // numbers of other evaluations are steps

struct Yardsticks {
  double w2 = kNoNumber;
  double sw = kNoNumber;
  double max_sw = kNoNumber;
};

/// Fresh images of the law; all of them where they are no more than asked for.
Points<float> real_images(const Design& design, const RandomStream& stream) {
  if (design.images->atom_count() > design.w2_points) return design.images->sample<float>(stream, design.w2_points);
  Points<float> all(design.images->atom_count(), design.images->dimension());
  for (Index k = 0; k < all.rows(); ++k) all.row(k) = design.images->atom(k).cast<float>();
  return all;
}

Yardsticks between(const Design& design, const Points<float>& z, const Points<float>& y, std::uint64_t seed, std::uint32_t replicate, std::uint64_t number,
                   bool with_max) {
  Yardsticks out;
  if (!z.allFinite()) return out;
  const auto theta = uniform_directions<float>({seed, Purpose::evaluation_directions, replicate, number}, design.evaluation_directions, z.cols());
  out.sw = CpuLoss<float>(2.0).values(z, y, theta).mean();
  out.w2 = exact_w2_squared(z.cast<double>(), y.cast<double>());
  if (with_max) out.max_sw = max_sliced_w2_squared(z.cast<double>(), y.cast<double>(), {}, {seed, Purpose::ascent, replicate, number}).value;
  return out;
}

Yardsticks evaluate(const Design& design, const Vector<float>& u, std::uint64_t seed, std::uint32_t replicate, std::uint64_t number, bool with_max) {
  const Points<float> y = real_images(design, {seed, Purpose::evaluation_target, replicate, number});
  const auto x = design.source->sample<float>({seed, Purpose::evaluation_source, replicate, number}, y.rows());
  return between(design, design.generator->forward(u, x), y, seed, replicate, number, with_max);
}

double norm_of(const Vector<float>& u) { return u.cast<double>().norm(); }

}  // namespace

Index row_width(const Design& design, bool with_images) {
  return kCurves + kCurveValues * static_cast<Index>(design.looks.size()) + (with_images ? design.shown * design.images->dimension() : 0);
}

TwoPlayerParts<float> parts_of(const Design& design, const Arm& arm, std::uint64_t seed, Index replicate) {
  const Loss& loss = design.losses[arm.loss];
  const auto number = static_cast<std::uint32_t>(replicate);
  TwoPlayerParts<float> parts;
  parts.generator = design.generator;
  parts.critic = design.critic;  // of every training, so that all have one v₀; a loss on samples never looks at it
  parts.sampler = std::make_shared<FreshBatches<float>>(design.source, design.images, SamplerSettings{design.batch, 1, seed, number});
  parts.generator_objective = loss.objective;
  parts.critic_objective = loss.critic;
  std::shared_ptr<const Scheme<float>> scheme = std::make_shared<Sgd<float>>();
  if (arm.adam) scheme = std::make_shared<Adam<float>>(0.5, 0.999);
  if (arm.radius > 0.0) scheme = std::make_shared<GradientBall<float>>(scheme, arm.radius * loss.gradient);
  parts.generator_scheme = scheme;
  parts.critic_scheme = std::make_shared<Adam<float>>(0.5, 0.999);
  parts.generator_step_size = arm.alpha;
  parts.critic_step_size = design.critic_step_size;
  parts.restarts = design.restarts;
  parts.seed = seed;
  parts.replicate = number;
  return parts;
}

void measure_unit(const Design& design, Loss& loss, std::uint64_t seed) {
  constexpr std::uint64_t kBatches = 4;
  Design alone = design;
  alone.losses = {loss};
  const TwoPlayerParts<float> parts = parts_of(alone, {0, false, 1.0, 0.0, 1.0}, seed, 0);
  const TwoPlayer<float> players;
  const TwoPlayerState<float> start = players.start(parts);
  const Index dimension = loss.objective.on_features ? design.critic->feature_dimension() : design.generator->output_dimension();
  Vector<double> phi = Vector<double>::Zero(start.generator.u.size());
  double value = 0.0;
  for (std::uint64_t t = 0; t < kBatches; ++t) {
    const auto found = players.objective(parts, start.generator.u, start.critic.u, parts.sampler->draw(t), objective_directions(parts, dimension, t), {}, t);
    phi += found.phi.cast<double>() / static_cast<double>(kBatches);
    value += found.value / static_cast<double>(kBatches);
  }
  loss.gradient = phi.norm();
  loss.unit = value / phi.squaredNorm();
  if (!std::isfinite(loss.unit) || !(loss.unit > 0.0))
    reject("faces-max-sw: at u₀ the loss {} is {} with a gradient of norm {}", loss.id, value, loss.gradient);
}

void train(const Design& design, const Arm& arm, std::uint64_t seed, Index replicate, Eigen::Ref<Eigen::RowVectorXd> row) {
  row.setConstant(kNoNumber);
  const TwoPlayerParts<float> parts = parts_of(design, arm, seed, replicate);
  const TwoPlayer<float> players;
  TwoPlayerState<float> state = players.start(parts);
  const Vector<float> u0 = state.generator.u;
  const double radius = arm.radius * design.losses[arm.loss].gradient;
  double sum = 0.0, largest = 0.0, active = 0.0, best = std::numeric_limits<double>::infinity();
  Index at = kCurves;
  for (std::size_t look = 0;; ++look) {
    while (state.generator.step < design.looks[look]) {
      try {
        const double norm = advance(players, parts, state).generator.gradient_norm;
        sum += norm;
        largest = std::max(largest, norm);
        active += radius > 0.0 && norm > radius ? 1.0 : 0.0;
      } catch (const InputError&) {  // the only input that a step can refuse is one that is not finite
        row[kDivergedAt] = static_cast<double>(state.generator.step);
        return;
      }
    }
    const Yardsticks now = evaluate(design, state.generator.u, seed, parts.replicate, state.generator.step, false);
    if (!std::isfinite(now.w2)) {
      row[kDivergedAt] = static_cast<double>(state.generator.step);
      return;
    }
    row[at] = now.w2;
    row[at + 1] = now.sw;
    at += kCurveValues;
    best = std::min(best, now.w2);
    if (look + 1 == design.looks.size()) break;
  }
  const Yardsticks end = evaluate(design, state.generator.u, seed, parts.replicate, kAtEnd, true);
  row[kW2] = end.w2;
  row[kMaxSw] = end.max_sw;
  row[kSw] = end.sw;
  row[kBestW2] = std::min(best, end.w2);
  const auto steps = static_cast<double>(design.steps);
  row[kGradient] = sum / steps;
  row[kLargest] = largest;
  row[kActive] = active / steps;
  row[kMoved] = norm_of(state.generator.u - u0);
  if (row.size() == row_width(design, false)) return;
  const Points<float> shown =
      design.generator->forward(state.generator.u, design.source->sample<float>({seed, Purpose::figure, parts.replicate, 0}, design.shown));
  for (Index k = 0; k < shown.size(); ++k) row[row_width(design, false) + k] = static_cast<double>(shown.data()[k]);
}

Floor floor_of(const Design& design, std::uint64_t seed) {
  constexpr std::uint32_t kReplicate = 0xFFFF'FFFFU;  // apart from every training's draws
  const Points<float> y = real_images(design, {seed, Purpose::evaluation_target, kReplicate, 0});
  const auto z = design.images->sample<float>({seed, Purpose::evaluation_source, kReplicate, 0}, y.rows());
  const Yardsticks found = between(design, z, y, seed, kReplicate, 0, true);
  return {found.w2, found.max_sw, found.sw};
}

}  // namespace slicecheck::faces
