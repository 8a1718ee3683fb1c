#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/diagnosis/audit_parts.h"
#include "slicecheck/generators/bounded_generator.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"

namespace slicecheck {

namespace {

constexpr Index kTensors = 64;  ///< tensors that are looked at by themselves

template <class S>
GeneratorStructure structure_of(const Generator<S>& generator) {
  GeneratorStructure out;
  if (const auto* const bounded = dynamic_cast<const BoundedGenerator<S>*>(&generator)) {
    out = structure_of(bounded->inner());
    out.cut_off = true;
    out.description += fmt::format(", times a C² cut-off that is 0 from ‖u‖ = {:.4g} on", 2.0 * bounded->radius());
    return out;
  }
  if (dynamic_cast<const Affine<S>*>(&generator) != nullptr || dynamic_cast<const TwoPointLine<S>*>(&generator) != nullptr)
    return {true, false, true, 1, false, "linear in u"};
  if (const auto* const mlp = dynamic_cast<const DenseMlp<S>*>(&generator)) {
    const Activation act = mlp->activation();
    const bool kinks = act == Activation::relu || act == Activation::leaky_relu;
    return {true, kinks, kinks || act == Activation::identity, mlp->layers(), false, fmt::format("{} layers, {}", mlp->layers(), activation_name(act))};
  }
  return out;
}

}  // namespace

GeneratorStructure structure_of(const TrainingDescription& training) {
  return training.generator != nullptr ? structure_of(*training.generator) : structure_of(*training.generator_single);
}

Eigen::VectorXd AuditContext::dense_direction(std::uint32_t number) const {
  Eigen::VectorXd v(u0.size());
  RandomStream(options.seed, Purpose::cases, 0xA0D1'0000U + number, 0).fill_normal(v);
  const double least = 0.01 * std::max(u0.norm(), 1e-2 * radius);
  Index offset = 0;
  for (const Index size : generator.tensors()) {
    const double share = std::max(u0.segment(offset, size).norm(), least);
    v.segment(offset, size) *= share / std::max(v.segment(offset, size).norm(), 1e-300);
    offset += size;
  }
  return v.normalized();
}

Eigen::VectorXd AuditContext::tensor_direction(const TensorRange& tensor, std::uint32_t number) const {
  Eigen::VectorXd part(tensor.size);
  RandomStream(options.seed, Purpose::cases, 0xA0D2'0000U + number, 0).fill_normal(part);
  Eigen::VectorXd v = Eigen::VectorXd::Zero(u0.size());
  v.segment(tensor.offset, tensor.size) = part.normalized();
  return v;
}

std::vector<TensorRange> AuditContext::some_tensors(Index wanted) const {
  const auto count = static_cast<Index>(tensors.size());
  std::vector<TensorRange> out;
  const Index taken = std::min(wanted, count);
  // From the last to the first: output layers, which T depends on most directly, come first.
  for (Index k = 0; k < taken; ++k) out.push_back(tensors[static_cast<std::size_t>(count - 1 - k * count / taken)]);
  return out;
}

ProbedLine AuditContext::line(std::string what, Eigen::VectorXd from, Eigen::VectorXd direction, double low, double high) const {
  const auto at = [from = std::move(from), direction = std::move(direction)](double s) -> Eigen::VectorXd { return from + s * direction; };
  return {std::move(what), [this, at](double s) { return generator.images(at(s), x); }, low, high,
          [this, at](double s, Index way) { return generator.images(at(s).cwiseProduct(shakes[static_cast<std::size_t>(way)]), x); }};
}

AuditContext audit_context(const TrainingDescription& training, const AuditOptions& options) {
  if (options.points < 2) reject("audit: {} inputs are too few; expected at least 2", options.points);
  if (options.rays < 2) reject("audit: {} rays are too few; expected at least 2", options.rays);
  if (options.batches < 2) reject("audit: {} batches are too few; expected at least 2", options.batches);
  if (!std::isfinite(options.radius) || options.radius < 0.0) reject("audit: the radius is {}; expected 0 or a positive number", options.radius);
  if (!std::isfinite(options.vicinity) || options.vicinity <= 0.0) reject("audit: the vicinity is {}; expected a positive number", options.vicinity);
  AuditContext context{training, options, ProbedGenerator(training), structure_of(training), start_of(training), {}, 1.0, 1.0, {}, {}, {}, {}, 0.0};
  const Index d_u = context.generator.parameters();
  if (context.u0.size() != d_u) reject("audit: u0 has {} numbers; the generator has {} parameters", context.u0.size(), d_u);
  if (!context.u0.allFinite()) reject("audit: u0 has numbers that are not finite");
  const double norm = context.u0.norm();
  const double ball =
      training.practice.radius * (training.practice.projection == "tensors" ? std::sqrt(static_cast<double>(context.generator.tensors().size())) : 1.0);
  context.radius = options.radius > 0.0 ? options.radius : ball > 0.0 ? ball : norm > 0.0 ? 2.0 * norm : 1.0;
  context.base = norm > 0.9 * context.radius ? Eigen::VectorXd(context.u0 * (0.9 * context.radius / norm)) : context.u0;
  context.reach = context.radius - context.base.norm();
  context.x = training.source->sample<double>(RandomStream(options.seed, Purpose::evaluation_source, 0xA0D0U, 0), options.points);
  context.y = training.target->sample<double>(RandomStream(options.seed, Purpose::evaluation_target, 0xA0D0U, 0), options.points);
  context.unit = context.generator.unit_roundoff();
  for (std::uint32_t way = 0; way < 2; ++way) {
    Eigen::VectorXd& shake = context.shakes[way];
    shake.resize(d_u);
    RandomStream(options.seed, Purpose::cases, 0xA0DCU, way).fill_normal(shake);
    shake = shake.unaryExpr([unit = context.unit](double v) { return v < 0.0 ? 1.0 - 2.0 * unit : 1.0 + 2.0 * unit; });
  }
  const std::vector<Index> sizes = context.generator.tensors();
  const auto count = static_cast<Index>(sizes.size());
  std::vector<TensorRange> all;
  Index offset = 0;
  for (Index k = 0; k < count; ++k) {
    const Index size = sizes[static_cast<std::size_t>(k)];
    all.push_back({offset, size, fmt::format("tensor {} of {}", k + 1, count)});
    offset += size;
  }
  const Index taken = std::min(kTensors, count);
  for (Index k = 0; k < taken; ++k) context.tensors.push_back(all[static_cast<std::size_t>(k * count / taken)]);
  return context;
}

}  // namespace slicecheck
