/// One training of experiment `faces-max-sw`.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "faces_max_sw.h"
#include "slicecheck/core/error.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/max_sliced.h"

namespace slicecheck::faces {

namespace {

constexpr std::uint64_t kAtEnd = 1ULL << 24;  // numbers of other evaluations are steps

/// 2n different images of the folder: the first and the last n of them are two disjoint halves.
Points<float> two_halves(const Design& design, const RandomStream& stream) {
  const Index wanted = 2 * design.points();
  std::vector<Index> order(static_cast<std::size_t>(design.images->atom_count()));
  std::iota(order.begin(), order.end(), Index{0});
  Points<float> out(wanted, design.images->dimension());
  PointDraws draws(stream, 0);
  for (Index k = 0; k < wanted; ++k) {
    const auto at = static_cast<std::size_t>(k);
    std::swap(order[at], order[at + draws.below(order.size() - at)]);
    out.row(k) = design.images->atom(order[at]).cast<float>();
  }
  return out;
}

double total_variance(const Points<float>& z) {
  const Points<double> points = z.cast<double>();
  return (points.rowwise() - points.colwise().mean()).squaredNorm() / static_cast<double>(std::max<Index>(1, z.rows() - 1));
}

Yardsticks mean_of(const Yardsticks& a, const Yardsticks& b) {
  return {(a.w2 + b.w2) / 2.0, (a.sw + b.sw) / 2.0, (a.max_sw + b.max_sw) / 2.0, (a.variance + b.variance) / 2.0};
}

Yardsticks between(const Design& design, const Points<float>& z, const Points<float>& y, std::uint64_t seed, std::uint32_t replicate, std::uint64_t number,
                   bool with_max) {
  Yardsticks out;
  if (!z.allFinite()) return out;
  const auto theta = uniform_directions<float>({seed, Purpose::evaluation_directions, replicate, number}, design.evaluation_directions, z.cols());
  out.sw = CpuLoss<float>(2.0).values(z, y, theta).mean();
  out.w2 = exact_w2_squared(z.cast<double>(), y.cast<double>());
  out.variance = total_variance(z);
  if (with_max) out.max_sw = max_sliced_w2_squared(z.cast<double>(), y.cast<double>(), {}, {seed, Purpose::ascent, replicate, number}).value;
  return out;
}

/// The mean over two halves of the images, each against as many generated ones of its own.
Yardsticks evaluate(const Design& design, const Vector<float>& u, std::uint64_t seed, std::uint32_t replicate, std::uint64_t number, bool with_max) {
  const Index n = design.points();
  const Points<float> y = two_halves(design, {seed, Purpose::evaluation_target, replicate, number});
  const auto x = design.source->sample<float>({seed, Purpose::evaluation_source, replicate, number}, y.rows());
  const Points<float> z = design.generator->forward(u, x);
  return mean_of(between(design, z.topRows(n), y.topRows(n), seed, replicate, number, with_max),
                 between(design, z.bottomRows(n), y.bottomRows(n), seed, replicate, number, with_max));
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
    row[at + 2] = now.variance;
    at += kCurveValues;
    best = std::min(best, now.w2);
    if (look + 1 == design.looks.size()) break;
  }
  const Yardsticks end = evaluate(design, state.generator.u, seed, parts.replicate, kAtEnd, true);
  row[kW2] = end.w2;
  row[kMaxSw] = end.max_sw;
  row[kSw] = end.sw;
  row[kVariance] = end.variance;
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
  constexpr std::uint64_t kSplits = 16;
  const Index n = design.points();
  const auto add = [](Yardsticks& sum, const Yardsticks& one) {
    sum.w2 += one.w2 / kSplits;
    sum.sw += one.sw / kSplits;
    sum.max_sw += one.max_sw / kSplits;
    sum.variance += one.variance / kSplits;
  };
  Floor out{{0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0}};
  for (std::uint64_t split = 0; split < kSplits; ++split) {
    const Points<float> y = two_halves(design, {seed, Purpose::evaluation_target, kReplicate, split});
    const Points<float> other = y.bottomRows(n);
    const Points<float> mean = other.colwise().mean().replicate(n, 1);
    add(out.halves, between(design, other, y.topRows(n), seed, kReplicate, split, true));
    add(out.mean_image, between(design, mean, y.topRows(n), seed, kReplicate, split, true));
  }
  return out;
}

}  // namespace slicecheck::faces
