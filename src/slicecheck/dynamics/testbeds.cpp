#include "slicecheck/dynamics/testbeds.h"

#include <cmath>
#include <numbers>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/nonsmooth/activation_cells.h"

namespace slicecheck {

namespace {

std::shared_ptr<const FiniteLaw> uniform_law(const std::string& name, Points<double> atoms) { return std::make_shared<FiniteLaw>(name, std::move(atoms)); }

Testbed make(std::string name, std::string title, std::shared_ptr<const Generator<double>> generator, std::shared_ptr<const FiniteLaw> source,
             std::shared_ptr<const FiniteLaw> target, Index n, Eigen::VectorXd centre, double spread) {
  auto field = std::make_shared<FiniteFlowField>(generator, *source, *target, n);
  return {std::move(name), std::move(title), std::move(generator), std::move(source), std::move(target), n, std::move(centre), spread, std::move(field)};
}

Testbed two_point_line() {
  const std::shared_ptr<const FiniteLaw> points = FiniteLaw::two_points();
  return make("two-point-line", "two-point line", std::make_shared<TwoPointLine<double>>(), points, points, 2, Eigen::VectorXd::Constant(1, 1.0), 0.01);
}

Testbed affine_plane() {
  const auto source = uniform_law("three inputs", (Points<double>(3, 2) << 1.0, 0.0, -0.5, 0.8, -0.5, -0.8).finished());
  const auto target = uniform_law("three targets", (Points<double>(3, 2) << 0.2, 1.2, -1.1, -0.3, 0.9, -0.6).finished());
  // Nearly collapsed onto one point to start with, so that the order of the images has still to be found.
  Eigen::VectorXd centre(6);
  centre << 0.1, 0.2, 0.0, -0.1, 0.5, -1.0;
  return make("affine-plane", "affine map of the plane", std::make_shared<Affine<double>>(2, 2), source, target, 4, centre, 0.01);
}

std::shared_ptr<const FiniteLaw> four_inputs() { return uniform_law("four inputs", (Points<double>(4, 1) << -1.2, -0.4, 0.5, 1.3).finished()); }
std::shared_ptr<const FiniteLaw> four_targets() {
  return uniform_law("four targets", (Points<double>(4, 2) << 1.0, 1.0, -1.0, 0.5, 0.0, -1.0, 0.5, 0.2).finished());
}

/// u = (w, b, (W_2 by rows: for x and for h), b_2).
Testbed network(const std::string& name, const std::string& title, Activation act) {
  const auto mlp = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{1}, 2, act);
  Eigen::VectorXd centre(8);
  centre << 0.9, -0.6, -0.8, 0.7, 0.4, -0.9, 0.3, 0.6;
  return make(name, title, mlp, four_inputs(), four_targets(), 4, centre, 0.01);
}

/// Two parameters of the network move, the weight of the feature in the first coordinate (number 3 of base) and another one, `free`; all else is frozen.
Testbed pair(const std::string& name, const std::string& title, Activation act, const Eigen::VectorXd& base, Index free, const Eigen::Vector2d& centre) {
  const auto mlp = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{1}, 2, act);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(8, 2);
  matrix(free, 0) = 1.0;
  matrix(3, 1) = 1.0;
  return make(name, title, std::make_shared<TiedMlp>(mlp, base, matrix), four_inputs(), four_targets(), 4, centre, 0.01);
}

/// The hidden unit's bias is free. In B(0, 1.5): two minima and a saddle between them; all of B(0, 0.6)'s minima are on the sphere.
Testbed tanh_pair() {
  const Eigen::VectorXd base{{2.4, 0.0, -0.5, 0.0, -0.1, -2.7, -0.5, 0.4}};
  return pair("tanh-pair", "tanh network, two parameters", Activation::tanh, base, 1, {0.2, -0.9});
}

/// The hidden unit's weight is free; its kinks are where it is −0.6/x_a. The same picture, but both minima are on kinks, along which the flow slides to them:
/// from the centre of K it crosses a kink, turns, and slides along it.
Testbed relu_pair() {
  const Eigen::VectorXd base{{0.0, 0.6, -1.8, 0.0, 0.0, -0.9, 0.1, -0.2}};
  return pair("relu-pair", "ReLU network, two parameters", Activation::relu, base, 0, {0.8, -0.6});
}

}  // namespace

const std::vector<Testbed>& testbeds() {
  static const std::vector<Testbed> all{two_point_line(),
                                        affine_plane(),
                                        network("tanh-plane", "tanh network into the plane", Activation::tanh),
                                        network("relu-plane", "ReLU network into the plane", Activation::relu),
                                        tanh_pair(),
                                        relu_pair()};
  return all;
}

const Testbed& testbed_by_name(const std::string& name) {
  std::vector<std::string> names;
  for (const Testbed& testbed : testbeds()) {
    if (testbed.name == name) return testbed;
    names.push_back(testbed.name);
  }
  reject("unknown testbed '{}'; the known ones are {}", name, fmt::join(names, ", "));
}

StartsInBall::StartsInBall(std::shared_ptr<const Generator<double>> inner, Eigen::VectorXd centre, double radius)
    : inner_(std::move(inner)), centre_(std::move(centre)), radius_(radius) {
  if (inner_ == nullptr) reject("start in a ball: the generator is missing");
  if (centre_.size() != inner_->parameters() || !centre_.allFinite())
    reject("start in a ball: the centre has {} entries, or one that is not finite; expected {}", centre_.size(), inner_->parameters());
  if (!std::isfinite(radius) || radius < 0.0) reject("start in a ball: the radius is {}; it must be finite and not negative", radius);
}

Vector<double> StartsInBall::initial(const RandomStream& stream) const {
  Eigen::VectorXd direction(centre_.size());
  stream.fill_normal(direction, 1);
  const double part = std::pow(stream.uniforms(0)[0], 1.0 / static_cast<double>(centre_.size()));
  return centre_ + (radius_ * part / direction.norm()) * direction;
}

TrainingParts<double> testbed_training(const Testbed& testbed, double alpha, std::uint64_t seed, std::uint32_t replicate,
                                       std::shared_ptr<const Scheme<double>> scheme, std::shared_ptr<const Generator<double>> start) {
  TrainingParts<double> parts;
  parts.generator = start != nullptr ? std::move(start) : std::make_shared<StartsInBall>(testbed.generator, testbed.centre, testbed.spread);
  parts.loss = std::make_shared<CpuLoss<double>>(2.0);
  parts.sampler = std::make_shared<FreshBatches<double>>(testbed.source, testbed.target, SamplerSettings{testbed.n, 1, seed, replicate});
  parts.scheme = scheme != nullptr ? std::move(scheme) : std::make_shared<Sgd<double>>();
  parts.schedule = make_schedule({.initial = alpha});
  parts.seed = seed;
  parts.replicate = replicate;
  return parts;
}

Points<double> walk(const TrainingParts<double>& parts, std::uint64_t steps) {
  State<double> state = start(parts);
  Points<double> path(static_cast<Index>(steps) + 1, state.u.size());
  path.row(0) = state.u.transpose();
  for (Index t = 1; t < path.rows(); ++t) {
    advance(parts, state);
    path.row(t) = state.u.transpose();
  }
  return path;
}

double order_changes(const Testbed& testbed, PointsView<double> iterates, Index directions, Index every) {
  if (directions < 1 || every < 1) reject("order changes: {} directions, every {} rows; both must be at least 1", directions, every);
  const Index d = testbed.generator->output_dimension();
  const Index count = d == 1 ? 1 : directions;
  Points<double> theta(d, count);
  for (Index l = 0; l < count; ++l) {
    const double phi = std::numbers::pi * (static_cast<double>(l) + 0.5) / static_cast<double>(count);
    theta(0, l) = d == 1 ? 1.0 : std::cos(phi);
    if (d > 1) theta(1, l) = std::sin(phi);
  }
  double changes = 0.0;
  Points<double> before;
  for (Index t = 0; t < iterates.rows(); t += every) {
    const Points<double> now = testbed.generator->forward(iterates.row(t).transpose(), testbed.field->inputs()) * theta;
    if (t > 0)
      for (Index l = 0; l < count; ++l)
        for (Index a = 0; a < now.rows(); ++a)
          for (Index b = a + 1; b < now.rows(); ++b) changes += (now(a, l) < now(b, l)) != (before(a, l) < before(b, l)) ? 1.0 : 0.0;
    before = now;
  }
  return changes / static_cast<double>(count);
}

}  // namespace slicecheck
