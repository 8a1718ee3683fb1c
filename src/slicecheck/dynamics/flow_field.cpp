#include "slicecheck/dynamics/flow_field.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/nonsmooth/activation_cells.h"

namespace slicecheck {

namespace {

bool has_kinks(Activation act) { return act == Activation::relu || act == Activation::leaky_relu; }

/// act on the given side of its kink: the straight line of that side.
double straight(Activation act, double t, int side) { return side > 0 ? t : act == Activation::relu ? 0.0 : kLeakySlope * t; }
double straight_slope(Activation act, int side) { return side > 0 ? 1.0 : act == Activation::relu ? 0.0 : kLeakySlope; }

/// A dense network on fixed inputs with the sides of its kinks given: forward and backward, layer by layer.
class SidedMlp {
 public:
  SidedMlp(const DenseMlp<double>& mlp, PointsView<double> x) : mlp_(mlp), x_(x) {
    for (Index m = 0; m + 1 < mlp.layers(); ++m) hidden_ += mlp.width(m);
  }

  /// Hidden units at all inputs; unit i of input a is number a·hidden + i, layers one after another.
  [[nodiscard]] Index switches() const { return has_kinks(mlp_.activation()) ? hidden_ * x_.rows() : 0; }
  [[nodiscard]] Index hidden() const { return hidden_; }

  struct Pass {
    Points<double> features;        // A × (d_x + hidden): x and all hidden features
    Points<double> slopes;          // A × hidden
    Points<double> preactivations;  // A × hidden
    Points<double> images;
  };

  [[nodiscard]] Pass forward(const Eigen::VectorXd& u, const int* sides) const {
    const Index inputs = x_.cols();
    Pass pass{Points<double>(x_.rows(), inputs + hidden_), Points<double>(x_.rows(), hidden_), Points<double>(x_.rows(), hidden_), {}};
    pass.features.leftCols(inputs) = x_;
    Index begin = 0;
    for (Index m = 0; m + 1 < mlp_.layers(); ++m) {
      const Index width = mlp_.width(m);
      pass.preactivations.middleCols(begin, width) = affine(u, m, pass.features);
      for (Index a = 0; a < x_.rows(); ++a)
        for (Index i = begin; i < begin + width; ++i) {
          const double t = pass.preactivations(a, i);
          const bool sided = has_kinks(mlp_.activation());
          const int side = sided ? sides[a * hidden_ + i] : 0;
          pass.features(a, inputs + i) = sided ? straight(mlp_.activation(), t, side) : activate(mlp_.activation(), t);
          pass.slopes(a, i) = sided ? straight_slope(mlp_.activation(), side) : activation_slope(mlp_.activation(), t);
        }
      begin += width;
    }
    pass.images = affine(u, mlp_.layers() - 1, pass.features);
    return pass;
  }

  /// Σ_a J_aᵀ c_a, for cotangents of the images, plus Σ over hidden units for cotangents of the pre-activations.
  [[nodiscard]] Eigen::VectorXd backward(const Eigen::VectorXd& u, const Pass& pass, const Points<double>& of_images,
                                         const Points<double>& of_preactivations) const {
    const Index inputs = x_.cols();
    Eigen::VectorXd out = Eigen::VectorXd::Zero(mlp_.parameters());
    Points<double> of_features = Points<double>::Zero(x_.rows(), inputs + hidden_);
    collect(u, mlp_.layers() - 1, pass, of_images, out, of_features);
    Index begin = hidden_;
    for (Index m = mlp_.layers() - 2; m >= 0; --m) {
      const Index width = mlp_.width(m);
      begin -= width;
      const Points<double> cotangent =
          of_features.middleCols(inputs + begin, width).cwiseProduct(pass.slopes.middleCols(begin, width)) + of_preactivations.middleCols(begin, width);
      collect(u, m, pass, cotangent, out, of_features);
    }
    return out;
  }

 private:
  [[nodiscard]] Eigen::Map<const Points<double>> weights(const Eigen::VectorXd& u, Index m) const {
    return {u.data() + mlp_.offset(m), mlp_.width(m), mlp_.fan_in(m)};
  }

  [[nodiscard]] Points<double> affine(const Eigen::VectorXd& u, Index m, const Points<double>& features) const {
    Points<double> out = features.leftCols(mlp_.fan_in(m)) * weights(u, m).transpose();
    out.rowwise() += u.segment(mlp_.offset(m) + mlp_.width(m) * mlp_.fan_in(m), mlp_.width(m)).transpose();
    return out;
  }

  void collect(const Eigen::VectorXd& u, Index m, const Pass& pass, const Points<double>& cotangent, Eigen::VectorXd& out, Points<double>& of_features) const {
    const Index fan_in = mlp_.fan_in(m);
    const Index width = mlp_.width(m);
    Eigen::Map<Points<double>>(out.data() + mlp_.offset(m), width, fan_in) = cotangent.transpose() * pass.features.leftCols(fan_in);
    out.segment(mlp_.offset(m) + width * fan_in, width) = cotangent.colwise().sum().transpose();
    of_features.leftCols(fan_in) += cotangent * weights(u, m);
  }

  const DenseMlp<double>& mlp_;
  Points<double> x_;
  Index hidden_ = 0;
};

/// Atoms by the number of atoms below them: for consistent sides, the order of the images from the smallest on. Sides that contradict each other (a > b > c >
/// a) give some order.
std::vector<Index> order_of_sides(Index atoms, const int* sides) {
  std::vector<Index> below(static_cast<std::size_t>(atoms), 0);
  Index pair = 0;
  for (Index a = 0; a < atoms; ++a)
    for (Index b = a + 1; b < atoms; ++b, ++pair) ++below[static_cast<std::size_t>(sides[pair] > 0 ? a : b)];
  std::vector<Index> order(static_cast<std::size_t>(atoms));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return below[static_cast<std::size_t>(a)] < below[static_cast<std::size_t>(b)]; });
  return order;
}

std::vector<double> probabilities_of(const Law& law, const char* what) {
  if (law.atom_count() == 0) reject("flow: the {} {} has no atoms; a finite law is needed", what, law.name());
  std::vector<double> out;
  for (Index k = 0; k < law.atom_count(); ++k) {
    if (!(law.probability(k) > 0.0)) reject("flow: atom {} of the {} has probability {}; leave it out", k, what, law.probability(k));
    out.push_back(law.probability(k));
  }
  return out;
}

Points<double> atoms_of(const Law& law) {
  Points<double> out(law.atom_count(), law.dimension());
  for (Index k = 0; k < law.atom_count(); ++k) out.row(k) = law.atom(k);
  return out;
}

}  // namespace

struct FiniteFlowField::Parts {
  Parts(std::shared_ptr<const Generator<double>> g, const Law& source, const Law& target, Index n)
      : generator(std::move(g)), inputs(atoms_of(source)), loss(probabilities_of(source, "source"), atoms_of(target), probabilities_of(target, "target"), n) {
    const auto* dense = dynamic_cast<const DenseMlp<double>*>(generator.get());
    tied = dynamic_cast<const TiedMlp*>(generator.get());
    if (tied != nullptr) dense = &tied->mlp();
    if (dense != nullptr) sided = std::make_unique<SidedMlp>(*dense, inputs);
    kinks = sided == nullptr ? 0 : sided->switches();
    pairs = loss.dimension() == 1 ? inputs.rows() * (inputs.rows() - 1) / 2 : 0;
  }

  [[nodiscard]] Eigen::VectorXd network(VectorView<double> u) const { return tied != nullptr ? tied->network_parameters(u) : Eigen::VectorXd(u); }
  [[nodiscard]] Eigen::VectorXd tangent(const Eigen::VectorXd& of_network) const {
    return tied != nullptr ? Eigen::VectorXd(tied->matrix().transpose() * of_network) : of_network;
  }

  std::shared_ptr<const Generator<double>> generator;
  Points<double> inputs;
  ExpectedLoss loss;
  const TiedMlp* tied = nullptr;
  std::unique_ptr<const SidedMlp> sided;
  Index kinks = 0;
  Index pairs = 0;
};

FiniteFlowField::FiniteFlowField(std::shared_ptr<const Generator<double>> generator, const Law& source, const Law& target, Index n) {
  if (generator == nullptr) reject("flow: the generator is missing");
  if (source.dimension() != generator->input_dimension() || target.dimension() != generator->output_dimension())
    reject("flow: the source has dimension {} and the target {}; the generator maps {} to {}", source.dimension(), target.dimension(),
           generator->input_dimension(), generator->output_dimension());
  parts_ = std::make_unique<const Parts>(std::move(generator), source, target, n);
}

FiniteFlowField::~FiniteFlowField() = default;

Index FiniteFlowField::parameters() const { return parts_->generator->parameters(); }
Index FiniteFlowField::switches() const { return parts_->kinks + parts_->pairs; }
const ExpectedLoss& FiniteFlowField::loss() const { return parts_->loss; }
const Points<double>& FiniteFlowField::inputs() const { return parts_->inputs; }
const Generator<double>& FiniteFlowField::generator() const { return *parts_->generator; }

std::string FiniteFlowField::switch_name(Index j) const {
  if (j < 0 || j >= switches()) reject("flow: there is no switch {}; there are {}", j, switches());
  if (j < parts_->kinks) return fmt::format("hidden unit {} at atom {}", j % parts_->sided->hidden(), j / parts_->sided->hidden());
  Index left = j - parts_->kinks;
  Index a = 0;
  for (const Index atoms = parts_->inputs.rows(); left >= atoms - 1 - a; ++a) left -= atoms - 1 - a;
  return fmt::format("tie of atoms {} and {}", a, a + 1 + left);
}

PieceValue FiniteFlowField::evaluate(VectorView<double> u, const std::vector<int>& sides) const {
  const Parts& p = *parts_;
  if (u.size() != parameters() || !u.allFinite()) reject("flow: u has {} entries, or one that is not finite; expected {}", u.size(), parameters());
  if (static_cast<Index>(sides.size()) != switches()) reject("flow: {} sides for {} switches", sides.size(), switches());
  for (const int side : sides)
    if (side != 1 && side != -1) reject("flow: a side is {}; expected −1 or +1", side);
  PieceValue out;
  out.switches.resize(switches());
  const auto loss_at = [&](const Points<double>& images) {
    if (p.pairs == 0) return p.loss.evaluate(images);
    Index pair = p.kinks;
    for (Index a = 0; a < images.rows(); ++a)
      for (Index b = a + 1; b < images.rows(); ++b) out.switches[pair++] = images(a, 0) - images(b, 0);
    return p.loss.evaluate_in_order(images, order_of_sides(images.rows(), sides.data() + p.kinks));
  };
  if (p.sided != nullptr) {
    const Eigen::VectorXd network = p.network(u);
    const SidedMlp::Pass pass = p.sided->forward(network, sides.data());
    const ExpectedLossValue loss = loss_at(pass.images);
    out.value = loss.value;
    out.gradient = p.tangent(p.sided->backward(network, pass, loss.gradient, Points<double>::Zero(p.inputs.rows(), p.sided->hidden())));
    if (p.kinks > 0) out.switches.head(p.kinks) = Eigen::Map<const Eigen::VectorXd>(pass.preactivations.data(), p.kinks);
    return out;
  }
  const auto line = p.generator->linearise(u, p.inputs);
  const ExpectedLossValue loss = loss_at(line->images());
  out.value = loss.value;
  out.gradient = line->pullback(loss.gradient);
  return out;
}

Eigen::VectorXd FiniteFlowField::switch_gradient(VectorView<double> u, Index j, const std::vector<int>& sides) const {
  const Parts& p = *parts_;
  if (j < 0 || j >= switches()) reject("flow: there is no switch {}; there are {}", j, switches());
  Points<double> of_images = Points<double>::Zero(p.inputs.rows(), p.loss.dimension());
  if (j >= p.kinks) {
    Index left = j - p.kinks;
    Index a = 0;
    for (const Index atoms = p.inputs.rows(); left >= atoms - 1 - a; ++a) left -= atoms - 1 - a;
    of_images(a, 0) = 1.0;
    of_images(a + 1 + left, 0) = -1.0;
  }
  if (p.sided == nullptr) return p.generator->pullback(u, p.inputs, of_images);
  Points<double> of_preactivations = Points<double>::Zero(p.inputs.rows(), p.sided->hidden());
  if (j < p.kinks) of_preactivations(j / p.sided->hidden(), j % p.sided->hidden()) = 1.0;
  const Eigen::VectorXd network = p.network(u);
  return p.tangent(p.sided->backward(network, p.sided->forward(network, sides.data()), of_images, of_preactivations));
}

namespace {

struct Settled {
  std::vector<int> sides;  // −1 or +1; +1 for h = 0
  PieceValue value;        // on these sides
};

Settled settled_at(const FlowField& field, VectorView<double> u) {
  // Kinks of later layers depend on the sides of earlier ones: as many passes as there are layers settle them.
  Settled out{std::vector<int>(static_cast<std::size_t>(field.switches()), 1), {}};
  for (int pass = 0; pass < 64; ++pass) {
    out.value = field.evaluate(u, out.sides);
    bool changed = false;
    for (std::size_t j = 0; j < out.sides.size(); ++j) {
      const int sign = out.value.switches[static_cast<Index>(j)] >= 0.0 ? 1 : -1;
      changed = changed || out.sides[j] != sign;
      out.sides[j] = sign;
    }
    if (!changed) return out;
  }
  throw Error("flow: the sides of the switches do not settle");
}

}  // namespace

std::vector<int> sides_at(const FlowField& field, VectorView<double> u, double width) {
  Settled settled = settled_at(field, u);
  for (std::size_t j = 0; j < settled.sides.size(); ++j)
    if (std::abs(settled.value.switches[static_cast<Index>(j)]) <= width) settled.sides[j] = 0;
  return std::move(settled.sides);
}

double value_at(const FlowField& field, VectorView<double> u) { return settled_at(field, u).value.value; }

Eigen::VectorXd gradient_at(const FlowField& field, VectorView<double> u) { return settled_at(field, u).value.gradient; }

}  // namespace slicecheck
