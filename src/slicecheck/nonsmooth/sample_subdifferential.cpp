#include "slicecheck/nonsmooth/sample_subdifferential.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/loss_subdifferential.h"

namespace slicecheck {

namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// The Jacobians of all inputs in one activation cell.
struct Cell {
  std::vector<Points<double>> jacobians;  // d×d_u each
  Points<double> normals;                 // of its walls, pointing inwards
  Eigen::VectorXd direction;              // inside; empty where there are no walls
};

/// A generator whose cells are known: of C^∞ ones there is one.
class LocalGenerator {
 public:
  LocalGenerator(const Generator<double>& generator, VectorView<double> u, PointsView<double> inputs, const SubdifferentialOptions& options)
      : u_(u), inputs_(inputs) {
    check_generator_arguments<double>(generator, u, inputs);
    if (!u.allFinite()) reject("subdifferential: u has an entry that is not finite");
    if (!inputs.allFinite()) reject("subdifferential: the inputs have an entry that is not finite");
    const auto linear = generator.linearise(u_, inputs_);
    images_ = linear->images();
    if (!images_.allFinite()) reject("subdifferential: the generator's images have an entry that is not finite");
    operations_ = static_cast<double>(generator.parameters() + generator.input_dimension());
    cell_options_.width = options.kink_width;
    cell_options_.largest = options.largest;
    if (const auto* tied = dynamic_cast<const TiedMlp*>(&generator)) {
      mlp_ = copy_of(tied->mlp());
      tangent_ = tied->matrix();
      cell_options_.tangent = &*tangent_;
      network_u_ = tied->network_parameters(u_);
    } else if (const auto* mlp = dynamic_cast<const DenseMlp<double>*>(&generator)) {
      mlp_ = copy_of(*mlp);
      network_u_ = u_;
    } else if (dynamic_cast<const TwoPointLine<double>*>(&generator) == nullptr && dynamic_cast<const Affine<double>*>(&generator) == nullptr) {
      reject("subdifferential: the kinks of generator {} are not known; expected a two-point line, an affine map or a dense network", generator.name());
    }
    if (mlp_ == nullptr) {
      add_smooth_cell(*linear, generator);
      return;
    }
    operations_ += static_cast<double>(mlp_->parameters() + mlp_->fan_in(mlp_->layers() - 1) * mlp_->layers());
    reached_ = cells(CellSet::reached);
    possible_ = cells(CellSet::possible);
  }
  LocalGenerator(const LocalGenerator&) = delete;
  LocalGenerator& operator=(const LocalGenerator&) = delete;

  [[nodiscard]] const Points<double>& images() const { return images_; }
  [[nodiscard]] const Points<double>& inputs() const { return inputs_; }
  [[nodiscard]] Index parameters() const { return u_.size(); }
  [[nodiscard]] const std::vector<Cell>& reached() const { return reached_; }
  [[nodiscard]] const std::vector<Cell>& possible() const { return possible_; }
  [[nodiscard]] double operations() const { return operations_; }  ///< roundings on the way to an entry of a Jacobian, at most

  [[nodiscard]] std::optional<Cell> along(VectorView<double> v) const {
    if (mlp_ == nullptr) return reached_.front();
    const auto pattern = cell_along(*mlp_, network_u_, inputs_, v, cell_options_);
    if (!pattern) return std::nullopt;
    return cell(*pattern);
  }

 private:
  static std::unique_ptr<const DenseMlp<double>> copy_of(const DenseMlp<double>& mlp) {
    std::vector<Index> hidden;
    for (Index m = 0; m + 1 < mlp.layers(); ++m) hidden.push_back(mlp.width(m));
    return std::make_unique<const DenseMlp<double>>(mlp.input_dimension(), std::move(hidden), mlp.output_dimension(), mlp.activation());
  }

  void add_smooth_cell(const Linearisation<double>& linear, const Generator<double>& generator) {
    Cell only;
    only.normals.resize(0, parameters());
    for (Index k = 0; k < inputs_.rows(); ++k) {
      Points<double> jacobian(generator.output_dimension(), parameters());
      for (Index j = 0; j < jacobian.rows(); ++j) {
        Points<double> cotangent = Points<double>::Zero(images_.rows(), images_.cols());
        cotangent(k, j) = 1.0;
        jacobian.row(j) = linear.pullback(cotangent).transpose();
      }
      only.jacobians.push_back(std::move(jacobian));
    }
    reached_.push_back(only);
    possible_.push_back(std::move(only));
  }

  [[nodiscard]] Cell cell(const ActivationPattern& pattern) const {
    Cell out{jacobians_in_cell(*mlp_, network_u_, inputs_, pattern), pattern.normals, pattern.direction};
    if (tangent_)
      for (Points<double>& jacobian : out.jacobians) jacobian = jacobian * *tangent_;
    return out;
  }

  [[nodiscard]] std::vector<Cell> cells(CellSet set) const {
    CellOptions options = cell_options_;
    options.set = set;
    std::vector<Cell> out;
    for (const ActivationPattern& pattern : adjacent_cells(*mlp_, network_u_, inputs_, options)) out.push_back(cell(pattern));
    return out;
  }

  Eigen::VectorXd u_;
  Points<double> inputs_;
  Points<double> images_;
  std::unique_ptr<const DenseMlp<double>> mlp_;  // a copy: the generator may go
  std::optional<Eigen::MatrixXd> tangent_;
  Eigen::VectorXd network_u_;
  CellOptions cell_options_;
  double operations_ = 0.0;
  std::vector<Cell> reached_;
  std::vector<Cell> possible_;
};

/// A term with the subdifferential of its loss at the images.
struct LocalTerm {
  SampleTerm term;
  std::shared_ptr<const ConvexSet> loss;
  double size = 0.0;  // max‖z‖ + max‖y‖

  /// Every row of a gradient is at most (2/n)‖θ‖²(max‖z‖ + max‖y‖) long.
  [[nodiscard]] double row_bound(const std::optional<Eigen::RowVectorXd>& theta) const {
    return 2.0 / static_cast<double>(term.inputs.size()) * size * (theta ? theta->squaredNorm() : 1.0);
  }
};

/// (J_k v)_k, flattened.
Eigen::VectorXd push_forward(const LocalTerm& local, const Cell& cell, VectorView<double> v) {
  const Index d = cell.jacobians.front().rows();
  Eigen::VectorXd out(local.loss->dimension());
  for (std::size_t k = 0; k < local.term.inputs.size(); ++k) out.segment(static_cast<Index>(k) * d, d) = cell.jacobians[at(local.term.inputs[k])] * v;
  return out;
}

/// weight Σ_k J_kᵀ g_k.
Eigen::VectorXd pull_back(const LocalTerm& local, const Cell& cell, const Eigen::VectorXd& gradient) {
  const Index d = cell.jacobians.front().rows();
  Eigen::VectorXd out = Eigen::VectorXd::Zero(cell.jacobians.front().cols());
  for (std::size_t k = 0; k < local.term.inputs.size(); ++k)
    out += cell.jacobians[at(local.term.inputs[k])].transpose() * gradient.segment(static_cast<Index>(k) * d, d);
  return local.term.weight * out;
}

/// Pairs of different inputs of a term whose images are tied, and not for targets that are all equal.
std::vector<std::pair<Index, Index>> tied_inputs(const LocalTerm& local) {
  std::vector<std::pair<Index, Index>> pairs;
  const auto add = [&](Index k, Index l) {
    const auto [low, high] = std::minmax(local.term.inputs[at(k)], local.term.inputs[at(l)]);
    if (low != high) pairs.emplace_back(low, high);
  };
  if (const auto* slice = dynamic_cast<const SliceSubdifferential*>(local.loss.get())) {
    for (const SliceSubdifferential::Block& block : slice->blocks()) {
      if (block.targets.minCoeff() == block.targets.maxCoeff()) continue;  // equal targets: no tie matters
      for (std::size_t a = 0; a < block.rows.size(); ++a)
        for (std::size_t b = a + 1; b < block.rows.size(); ++b) add(block.rows[a], block.rows[b]);
    }
  } else if (const auto* plane = dynamic_cast<const PlaneSubdifferential*>(local.loss.get())) {
    for (const auto& [k, l] : plane->coincident()) add(k, l);
  }
  return pairs;
}

}  // namespace

struct SampleSubdifferential::Parts {
  Parts(const Generator<double>& generator_at, VectorView<double> u, PointsView<double> inputs, std::optional<Eigen::RowVectorXd> direction,
        const SubdifferentialOptions& chosen)
      : options(chosen), generator(generator_at, u, inputs, chosen), theta(std::move(direction)) {}

  SubdifferentialOptions options;
  LocalGenerator generator;
  std::vector<LocalTerm> terms;
  std::optional<Eigen::RowVectorXd> theta;
  std::vector<std::pair<Index, Index>> ties;  // of different inputs, in any term, once each

  /// What has to differ between two tied inputs for the tie to matter: (J_i − J_j)ᵀθ, or J_i − J_j in the plane. A row a dimension.
  [[nodiscard]] Points<double> difference(const Cell& cell, const std::pair<Index, Index>& tie) const {
    const Points<double>& first = cell.jacobians[at(tie.first)];
    const Points<double>& second = cell.jacobians[at(tie.second)];
    Points<double> out = theta ? Points<double>(*theta * (first - second)) : Points<double>(first - second);
    if (!(out.norm() > resolution() * (first.norm() + second.norm()))) out.setZero();
    return out;
  }

  [[nodiscard]] double resolution() const { return tolerance::gamma(4.0 * generator.operations() + 16.0, kUnitRoundoff); }

  /// The sum over all terms of the extreme point in the direction ±(J_k v)_k.
  [[nodiscard]] Eigen::VectorXd extreme(const Cell& cell, VectorView<double> v, double sign) const {
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(generator.parameters());
    for (const LocalTerm& local : terms) sum += pull_back(local, cell, local.loss->maximiser(sign * push_forward(local, cell, v)));
    return sum;
  }

  /// Σ_k of the largest ‖J_k‖ over the cells.
  [[nodiscard]] double jacobian_sum(const LocalTerm& local) const {
    double sum = 0.0;
    for (const Index input : local.term.inputs) {
      double largest = 0.0;
      for (const Cell& cell : generator.possible()) largest = std::max(largest, cell.jacobians[at(input)].norm());
      sum += largest;
    }
    return sum;
  }

  /// Directions inside the cell, one in every part that the walls of the ties cut it into; false where there are too many walls.
  bool divide(const Cell& cell, std::vector<Eigen::VectorXd>& directions) const {
    if (cell.direction.size() > 0) directions.push_back(cell.direction);
    if (!theta) return ties.empty();
    std::vector<Eigen::VectorXd> walls;
    for (const auto& tie : ties) {
      const Points<double> wall = difference(cell, tie);
      if (wall.norm() > 0.0) walls.push_back(wall.row(0).normalized().transpose());
    }
    if (at(cell.normals.rows()) + walls.size() > options.largest) return false;
    if (!walls.empty()) cut(cell.normals, walls, 0, directions);
    return true;
  }

 private:
  void cut(const Points<double>& rows, const std::vector<Eigen::VectorXd>& walls, std::size_t next, std::vector<Eigen::VectorXd>& directions) const {
    for (const double sign : {-1.0, 1.0}) {
      Points<double> longer(rows.rows() + 1, generator.parameters());
      longer << rows, sign * walls[next].transpose();
      const StrictDirection found = strict_direction(longer);
      if (!(found.margin > resolution())) continue;
      if (next + 1 == walls.size())
        directions.push_back(found.direction);
      else
        cut(longer, walls, next + 1, directions);
    }
  }
};

namespace {

template <class Parts>
class OuterSubdifferential final : public ConvexSet {
 public:
  OuterSubdifferential(std::shared_ptr<const Parts> parts, OuterRule rule) : parts_(std::move(parts)), rule_(rule) {}
  [[nodiscard]] Index dimension() const override { return parts_->generator.parameters(); }

  /// At a tie: the first cell.
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override {
    check_direction(direction);
    if (rule_ == OuterRule::joint_cells) return best_over_cells(direction, [&](const Cell& cell) { return parts_->extreme(cell, direction, 1.0); });
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(dimension());
    for (const LocalTerm& local : parts_->terms)
      sum += best_over_cells(direction, [&](const Cell& cell) { return pull_back(local, cell, local.loss->maximiser(push_forward(local, cell, direction))); });
    return sum;
  }

 private:
  template <class Extreme>
  [[nodiscard]] Eigen::VectorXd best_over_cells(VectorView<double> direction, Extreme&& extreme) const {
    Eigen::VectorXd best;
    for (const Cell& cell : parts_->generator.possible()) {
      Eigen::VectorXd candidate = extreme(cell);
      if (best.size() == 0 || candidate.dot(direction) > best.dot(direction)) best = std::move(candidate);
    }
    return best;
  }

  std::shared_ptr<const Parts> parts_;
  OuterRule rule_;
};

}  // namespace

SampleSubdifferential::SampleSubdifferential(const Generator<double>& generator, VectorView<double> u, PointsView<double> inputs, std::vector<SampleTerm> terms,
                                             std::optional<Eigen::RowVectorXd> theta, const SubdifferentialOptions& options) {
  if (theta && theta->size() != generator.output_dimension())
    reject("subdifferential: theta has {} entries; the images are in dimension {}", theta->size(), generator.output_dimension());
  if (!theta && generator.output_dimension() != 2)
    reject("subdifferential: the images are in dimension {}; the average over all directions is known for 2 only", generator.output_dimension());
  if (terms.empty()) reject("subdifferential: there are no terms; at least one is needed");
  const auto parts = std::make_shared<Parts>(generator, u, inputs, std::move(theta), options);
  for (SampleTerm& term : terms) {
    if (!(term.weight > 0.0) || !std::isfinite(term.weight)) reject("subdifferential: a term has weight {}; it must be positive and finite", term.weight);
    Points<double> z(static_cast<Index>(term.inputs.size()), generator.output_dimension());
    for (std::size_t k = 0; k < term.inputs.size(); ++k) {
      if (term.inputs[k] < 0 || term.inputs[k] >= inputs.rows()) reject("subdifferential: a term uses input {}; there are {}", term.inputs[k], inputs.rows());
      z.row(static_cast<Index>(k)) = parts->generator.images().row(term.inputs[k]);
    }
    LocalTerm local;
    if (parts->theta)
      local.loss = std::make_shared<SliceSubdifferential>(z, term.y, *parts->theta, options.tie_width);
    else
      local.loss = std::make_shared<PlaneSubdifferential>(z, term.y);
    local.size = z.rowwise().norm().maxCoeff() + term.y.rowwise().norm().maxCoeff();
    local.term = std::move(term);
    const auto tied = tied_inputs(local);
    parts->ties.insert(parts->ties.end(), tied.begin(), tied.end());
    parts->terms.push_back(std::move(local));
  }
  std::sort(parts->ties.begin(), parts->ties.end());
  parts->ties.erase(std::unique(parts->ties.begin(), parts->ties.end()), parts->ties.end());
  parts_ = parts;
}

SampleSubdifferential::~SampleSubdifferential() = default;
SampleSubdifferential::SampleSubdifferential(SampleSubdifferential&&) noexcept = default;

SampleSubdifferential SampleSubdifferential::of_sample(const Generator<double>& generator, VectorView<double> u, PointsView<double> x, PointsView<double> y,
                                                       const Eigen::RowVectorXd& theta, const SubdifferentialOptions& options) {
  SampleTerm term{1.0, {}, y};
  for (Index k = 0; k < x.rows(); ++k) term.inputs.push_back(k);
  return {generator, u, x, {std::move(term)}, theta, options};
}

Index SampleSubdifferential::parameters() const { return parts_->generator.parameters(); }

std::shared_ptr<const ConvexSet> SampleSubdifferential::outer(OuterRule rule) const { return std::make_shared<OuterSubdifferential<Parts>>(parts_, rule); }

std::optional<Eigen::VectorXd> SampleSubdifferential::limit_along(VectorView<double> v) const {
  if (v.size() != parameters() || !v.allFinite()) reject("subdifferential: the direction has {} entries; {} finite ones are needed", v.size(), parameters());
  const std::optional<Cell> cell = parts_->generator.along(v);
  if (!cell) return std::nullopt;
  for (const auto& tie : parts_->ties) {
    const Points<double> wall = parts_->difference(*cell, tie);
    if (wall.norm() > 0.0 && !((wall * v).norm() > parts_->resolution() * wall.norm() * v.norm())) return std::nullopt;
  }
  return parts_->extreme(*cell, v, -1.0);
}

LimitingGradients SampleSubdifferential::limits() const {
  std::vector<Eigen::VectorXd> directions;
  LimitingGradients found;
  for (const Cell& cell : parts_->generator.reached()) found.divided = parts_->divide(cell, directions) && found.divided;
  found.cells = std::max<std::uint64_t>(parts_->generator.reached().size(), directions.size());
  const RandomStream stream(parts_->options.seed, Purpose::cases, 0, 0);
  for (std::uint64_t probe = 0; probe < parts_->options.random_probes; ++probe) {
    Eigen::VectorXd v(parameters());
    stream.fill_normal(v, probe << 16);
    directions.push_back(v.normalized());
  }
  std::vector<std::pair<Eigen::VectorXd, Eigen::VectorXd>> kept;
  for (const Eigen::VectorXd& v : directions) {
    std::optional<Eigen::VectorXd> limit = limit_along(v);
    if (limit) kept.emplace_back(std::move(*limit), v);
  }
  found.gradients.resize(static_cast<Index>(kept.size()), parameters());
  found.directions.resize(static_cast<Index>(kept.size()), parameters());
  for (std::size_t k = 0; k < kept.size(); ++k) {
    found.gradients.row(static_cast<Index>(k)) = kept[k].first.transpose();
    found.directions.row(static_cast<Index>(k)) = kept[k].second.transpose();
  }
  return found;
}

double SampleSubdifferential::bound() const {
  double sum = 0.0;
  for (const LocalTerm& local : parts_->terms) sum += local.term.weight * local.row_bound(parts_->theta) * parts_->jacobian_sum(local);
  return sum * (1.0 + tolerance::gamma(64.0 + static_cast<double>(parts_->terms.size()), kUnitRoundoff)) + rounding();
}

double SampleSubdifferential::rounding() const {
  // Sums over d coordinates, n points and all terms; a row of a gradient by θ·z − m (d + 4 operations) or by the arcs of the plane.
  double sum = 0.0;
  for (const LocalTerm& local : parts_->terms) {
    const auto n = static_cast<double>(local.term.inputs.size());
    const auto d = static_cast<double>(parts_->generator.images().cols());
    const double operations = 4.0 * (n + d + static_cast<double>(parts_->terms.size())) + 32.0 + (parts_->theta ? 0.0 : 16.0 * n * n);
    double row = tolerance::gamma(operations, kUnitRoundoff) * local.row_bound(parts_->theta);
    if (const auto* plane = dynamic_cast<const PlaneSubdifferential*>(local.loss.get())) row += plane->gradient_error();
    sum += local.term.weight * row * parts_->jacobian_sum(local);
  }
  return sum;
}

bool harmful_tie(const Generator<double>& generator, VectorView<double> u, PointsView<double> x, PointsView<double> y, const Eigen::RowVectorXd& theta, Index i,
                 Index j, double tie_width) {
  if (i < 0 || j < 0 || i >= x.rows() || j >= x.rows()) reject("harmful tie: points {} and {} of a batch of {}", i, j, x.rows());
  const LocalGenerator local(generator, u, x, {});
  const SliceSubdifferential slice(local.images(), y, theta, tie_width);
  const double resolution = tolerance::gamma(4.0 * local.operations() + 16.0, kUnitRoundoff);
  for (const SliceSubdifferential::Block& block : slice.blocks()) {
    const auto has = [&](Index k) { return std::find(block.rows.begin(), block.rows.end(), k) != block.rows.end(); };
    if (i == j || !has(i) || !has(j) || block.targets.minCoeff() == block.targets.maxCoeff()) continue;
    for (const Cell& cell : local.reached()) {
      const Points<double>& first = cell.jacobians[at(i)];
      const Points<double>& second = cell.jacobians[at(j)];
      if ((theta * (first - second)).norm() > resolution * theta.norm() * (first.norm() + second.norm())) return true;
    }
  }
  return false;
}

}  // namespace slicecheck
