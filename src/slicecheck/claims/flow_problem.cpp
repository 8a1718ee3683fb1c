#include "slicecheck/claims/flow_problem.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "slicecheck/claims/nonsmooth_criticality.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/nonsmooth/activation_cells.h"

namespace slicecheck {

namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

/// v(s) of one coordinate on one side of its wall, as if there were none: towards `goal` at the rate k.
double relaxed(double v, double goal, double k, double s) { return goal + (v - goal) * std::exp(-k * s); }

/// v(s) from v: at most one wall, so at most two pieces.
double exact_coordinate(const KinkedQuadratic::Coordinate& c, double v, double s) {
  if (c.a == 0.0) return relaxed(v, c.c, c.k, s);
  double side = v > c.w ? 1.0 : v < c.w ? -1.0 : 0.0;
  if (side != 0.0) {
    const double goal = c.c - side * c.a / c.k;
    if ((goal - c.w) * side >= 0.0) return relaxed(v, goal, c.k, s);
    // v reaches w when (v − goal)e^{−kt} = w − goal.
    const double arrival = std::log((v - goal) / (c.w - goal)) / c.k;
    if (s <= arrival) return relaxed(v, goal, c.k, s);
    s -= arrival;
  }
  const double pull = c.k * (c.c - c.w);
  if (std::abs(pull) <= std::abs(c.a)) return c.w;  // slides, or waits
  side = pull > 0.0 ? 1.0 : -1.0;
  return relaxed(c.w, c.c - side * c.a / c.k, c.k, s);
}

Points<double> normal_points(PointDraws& draws, Index rows, Index columns) {
  Points<double> out(rows, columns);
  for (Index i = 0; i < out.size(); ++i) out.data()[i] = draws.normal();
  return out;
}

}  // namespace

KinkedQuadratic::KinkedQuadratic(Eigen::MatrixXd q, std::vector<Coordinate> coordinates) : q_(std::move(q)), coordinates_(std::move(coordinates)) {
  if (q_.rows() != q_.cols() || q_.rows() != static_cast<Index>(coordinates_.size()) || q_.rows() < 1)
    reject("kinked quadratic: a {} × {} matrix for {} coordinates", q_.rows(), q_.cols(), coordinates_.size());
  for (Index j = 0; j < q_.rows(); ++j) {
    const Coordinate& one = coordinates_[static_cast<std::size_t>(j)];
    if (!(one.k > 0.0) || !std::isfinite(one.k + one.c + one.a + one.w)) reject("kinked quadratic: k = {}, c = {}, a = {}, w = {}", one.k, one.c, one.a, one.w);
    if (one.a != 0.0) walls_.push_back(j);
    // The minimum of ½k(v − c)² − |a||v − w| is that of the nearer hump: −|a||c − w| − a²/(2k).
    constants_.push_back(one.a < 0.0 ? -one.a * std::abs(one.c - one.w) + one.a * one.a / (2.0 * one.k) : 0.0);
  }
}

std::string KinkedQuadratic::switch_name(Index j) const {
  if (j < 0 || j >= switches()) reject("kinked quadratic: there is no switch {}; there are {}", j, switches());
  return fmt::format("kink of coordinate {}", walls_[static_cast<std::size_t>(j)]);
}

PieceValue KinkedQuadratic::evaluate(VectorView<double> u, const std::vector<int>& sides) const {
  if (u.size() != parameters() || !u.allFinite()) reject("kinked quadratic: u has {} entries, or one that is not finite; expected {}", u.size(), parameters());
  if (sides.size() != walls_.size()) reject("kinked quadratic: {} sides for {} switches", sides.size(), walls_.size());
  const Eigen::VectorXd v = q_.transpose() * u;
  PieceValue out{0.0, Eigen::VectorXd::Zero(v.size()), Eigen::VectorXd(switches())};
  Index wall = 0;
  for (Index j = 0; j < v.size(); ++j) {
    const Coordinate& one = coordinates_[static_cast<std::size_t>(j)];
    out.value += 0.5 * one.k * (v[j] - one.c) * (v[j] - one.c) + constants_[static_cast<std::size_t>(j)];
    out.gradient[j] = one.k * (v[j] - one.c);
    if (one.a == 0.0) continue;
    const double side = sides[static_cast<std::size_t>(wall)];
    out.value += one.a * side * (v[j] - one.w);
    out.gradient[j] += one.a * side;
    out.switches[wall++] = v[j] - one.w;
  }
  out.gradient = q_ * out.gradient;
  return out;
}

Eigen::VectorXd KinkedQuadratic::switch_gradient(VectorView<double> /*u*/, Index j, const std::vector<int>& /*sides*/) const {
  if (j < 0 || j >= switches()) reject("kinked quadratic: there is no switch {}; there are {}", j, switches());
  return q_.col(walls_[static_cast<std::size_t>(j)]);
}

Eigen::VectorXd KinkedQuadratic::exact(VectorView<double> u0, double s) const {
  Eigen::VectorXd v = q_.transpose() * u0;
  for (Index j = 0; j < v.size(); ++j) {
    const Coordinate& one = coordinates_[static_cast<std::size_t>(j)];
    // u0 on a wall is there up to the rounding of Qᵀu0.
    const double start = std::abs(v[j] - one.w) <= 1e-13 * (1.0 + u0.norm()) ? one.w : v[j];
    v[j] = exact_coordinate(one, start, s);
  }
  return q_ * v;
}

double KinkedQuadratic::size(VectorView<double> u) const {
  const Eigen::VectorXd v = q_.transpose() * u;
  double sum = 0.0;
  for (Index j = 0; j < v.size(); ++j) {
    const Coordinate& one = coordinates_[static_cast<std::size_t>(j)];
    sum += one.k * (u.norm() + std::abs(one.c)) * (u.norm() + std::abs(one.c)) + std::abs(one.a) * (u.norm() + std::abs(one.w)) +
           constants_[static_cast<std::size_t>(j)];
  }
  return sum;
}

double KinkedQuadratic::slope(VectorView<double> u) const {
  double sum = 0.0;
  for (const Coordinate& one : coordinates_) sum += one.k * (u.norm() + std::abs(one.c)) + std::abs(one.a);
  return sum;
}

FiniteValue FlowProblem::value(const Eigen::VectorXd& u) const {
  if (objective != nullptr) return objective->value(u);
  return {value_at(*field, u), tolerance::gamma(64.0 + 8.0 * static_cast<double>(u.size()), kUnitRoundoff) * magnitude(u)};
}

FlowProblem line_problem(Index n, double u0) {
  const auto two = FiniteLaw::two_points();
  FlowProblem problem = expected_loss_problem("two-point line", std::make_shared<TwoPointLine<double>>(), *two, *two, n, Eigen::VectorXd::Constant(1, u0));
  const double side = u0 > 0.0 ? 1.0 : u0 < 0.0 ? -1.0 : 0.0;
  const double c_n = line_minimiser(n);
  problem.exact = [=](double s) { return Eigen::VectorXd::Constant(1, side * (c_n + (std::abs(u0) - c_n) * std::exp(-2.0 * s))).eval(); };
  if (side == 0.0) problem.exact = [](double) { return Eigen::VectorXd::Zero(1).eval(); };
  return problem;
}

FlowProblem translation_problem(PointDraws& draws, Index d) {
  const auto mlp = std::make_shared<DenseMlp<double>>(d, std::vector<Index>{}, d, Activation::identity);
  Eigen::VectorXd base = Eigen::VectorXd::Zero(mlp->parameters());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(mlp->parameters(), d);
  for (Index j = 0; j < d; ++j) {
    base[j * d + j] = 1.0;
    matrix(d * d + j, j) = 1.0;
  }
  const auto source = drawn_law(draws, "source", d);
  const auto target = drawn_law(draws, "target", d);
  Eigen::VectorXd goal = Eigen::VectorXd::Zero(d);
  for (Index k = 0; k < target->atom_count(); ++k) goal += target->probability(k) * target->atom(k).transpose();
  for (Index k = 0; k < source->atom_count(); ++k) goal -= source->probability(k) * source->atom(k).transpose();
  Eigen::VectorXd u0 = normal_points(draws, 1, d).transpose();
  FlowProblem problem =
      expected_loss_problem("translation", std::make_shared<TiedMlp>(mlp, base, matrix), *source, *target, 1 + static_cast<Index>(draws.below(2)), u0);
  problem.exact = [goal, u0, d](double s) { return Eigen::VectorXd(goal + (u0 - goal) * std::exp(-2.0 * s / static_cast<double>(d))); };
  return problem;
}

FlowProblem kinked_problem(PointDraws& draws, Index d) {
  const Points<double> square = normal_points(draws, d, d);
  const Eigen::MatrixXd q = Eigen::HouseholderQR<Eigen::MatrixXd>(square).householderQ();
  std::vector<KinkedQuadratic::Coordinate> coordinates;
  Eigen::VectorXd v0(d);
  FlowProblem problem;
  for (Index j = 0; j < d; ++j) {
    KinkedQuadratic::Coordinate one{draws.uniform(0.5, 2.0), draws.uniform(-1.0, 1.0), 0.0, draws.uniform(-1.0, 1.0)};
    const double pull = one.k * std::abs(one.c - one.w);
    // Hold, cross upwards (attracting, but too weak), cross downwards, or no wall.
    switch (draws.below(4)) {
      case 0: one.a = 1.25 * pull + 0.25; break;
      case 1: one.a = 0.5 * pull + 0x1p-10; break;
      case 2: one.a = -0.5 * pull - 0x1p-10; break;
      default: break;
    }
    // Where the pull is weaker than 2⁻⁸ the crossings above would be close calls.
    if (pull < 0x1p-8 && one.a != 0.0) one.a = 1.0;
    v0[j] = draws.below(4) == 0 ? one.w : one.w + draws.uniform(-2.0, 2.0);
    coordinates.push_back(one);
  }
  // |a| ≤ ¾ of the pull at a crossing, which lets a small distance grow by the ratio of the speeds after and before: at most (1 + ¾)/(1 − ¾).
  problem.growth = 7.0;
  const auto field = std::make_shared<KinkedQuadratic>(q, coordinates);
  problem.name = "kinked quadratic";
  problem.u0 = q * v0;
  problem.field = field;
  problem.exact = [field, u0 = problem.u0](double s) { return field->exact(u0, s); };
  problem.magnitude = [field](const Eigen::VectorXd& u) { return field->size(u); };
  problem.slope = [field](const Eigen::VectorXd& u) { return field->slope(u); };
  return problem;
}

std::shared_ptr<const FiniteLaw> drawn_law(PointDraws& draws, const char* name, Index dimension) {
  const Index count = 2 + static_cast<Index>(draws.below(2));
  Points<double> atoms = normal_points(draws, count, dimension);
  if (draws.below(2) == 0) return std::make_shared<FiniteLaw>(name, atoms);
  return std::make_shared<FiniteLaw>(name, atoms, count == 2 ? std::vector<double>{0.25, 0.75} : std::vector<double>{0.25, 0.625, 0.125});
}

FlowProblem expected_loss_problem(std::string name, std::shared_ptr<const Generator<double>> generator, const FiniteLaw& source, const FiniteLaw& target,
                                  Index n, Eigen::VectorXd u0) {
  FlowProblem problem;
  problem.name = std::move(name);
  const auto field = std::make_shared<FiniteFlowField>(generator, source, target, n);
  problem.field = field;
  problem.u0 = std::move(u0);
  problem.objective = std::make_shared<FiniteObjective>(generator, source, target, n);
  const double largest_target = target.support_radius().value();
  const double largest_input = source.support_radius().value();
  const auto gap = [generator = std::move(generator), field, largest_target](const Eigen::VectorXd& u) {
    return generator->forward(u, field->inputs()).rowwise().norm().maxCoeff() + largest_target;
  };
  problem.magnitude = [gap](const Eigen::VectorXd& u) { return gap(u) * gap(u); };
  // ∇F = E (2/n) Σ_k J_kᵀ θθᵀ(T_k − y_k) with ‖J‖ ≤ ‖(x, h, 1)‖ + ‖w_out‖·‖(x, 1)‖ ≤ 2(1 + ‖x‖)(1 + ‖u‖) for one hidden unit, |h| ≤ ‖u‖(1 + ‖x‖), or none.
  problem.slope = [gap, largest_input](const Eigen::VectorXd& u) { return 4.0 * gap(u) * (1.0 + largest_input) * (1.0 + u.norm()); };
  return problem;
}

FlowProblem drawn_flow_problem(PointDraws& draws, int size) {
  const auto random_problem = [&](std::string name, std::shared_ptr<const Generator<double>> generator, Index batch) {
    const auto source = drawn_law(draws, "source", generator->input_dimension());
    const auto target = drawn_law(draws, "target", generator->output_dimension());
    Eigen::VectorXd u0 = 0.75 * normal_points(draws, 1, generator->parameters()).transpose();
    return expected_loss_problem(std::move(name), std::move(generator), *source, *target, batch, std::move(u0));
  };
  const Index n = 1 + static_cast<Index>(draws.below(3));
  const auto two = [&](const char* first, const char* second) { return draws.below(2) == 0 ? first : second; };
  switch (size) {
    case 1: return line_problem(n, (draws.below(2) == 0 ? 1.0 : -1.0) * draws.uniform(0.01, 2.0));
    case 2: return translation_problem(draws, 1 + static_cast<Index>(draws.below(2)));
    case 3: return kinked_problem(draws, 1 + static_cast<Index>(draws.below(3)));
    case 4: {
      const Index d = 1 + static_cast<Index>(draws.below(2));
      return random_problem("affine", std::make_shared<Affine<double>>(1 + static_cast<Index>(draws.below(2)), d), std::min<Index>(n, 2));
    }
    default: {
      const Index d = size == 5 ? 2 : 1;
      const std::string act = two("relu", "tanh");
      const Activation activation = act == "tanh" ? Activation::tanh : Activation::relu;
      return random_problem(act + (d == 2 ? " unit into the plane" : " unit into the line"),
                            std::make_shared<DenseMlp<double>>(1, std::vector<Index>{1}, d, activation), std::min<Index>(n, d == 2 ? 2 : 3));
    }
  }
}

}  // namespace slicecheck
