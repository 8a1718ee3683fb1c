#include "slicecheck/nonsmooth/activation_cells.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

bool has_kink(Activation act) { return act == Activation::relu || act == Activation::leaky_relu; }

double slope_on_side(Activation act, int sign) { return activation_slope(act, static_cast<double>(sign)); }

/// One pass through the network, whose derivative can be taken with any slopes.
class NetworkPass {
 public:
  NetworkPass(const DenseMlp<double>& net, VectorView<double> u, PointsView<double> x) : net_(net), u_(u) {
    check_generator_arguments<double>(net, u, x);
    if (!u.allFinite()) reject("activation cells: u has an entry that is not finite");
    if (!x.allFinite()) reject("activation cells: x has an entry that is not finite");
    const Index last = net.layers() - 1;
    const Index hidden = net.fan_in(last) - net.input_dimension();
    features_.resize(x.rows(), net.fan_in(last));
    features_.leftCols(net.input_dimension()) = x;
    pre_.resize(x.rows(), hidden);
    for (Index m = 0; m < last; ++m) {
      const Index seen = net.fan_in(m);
      Points<double> pre = features_.leftCols(seen) * weights(m).transpose();
      pre.rowwise() += u_.segment(net.offset(m) + net.width(m) * seen, net.width(m)).transpose();
      const Activation act = net.activation();
      features_.middleCols(seen, net.width(m)) = pre.unaryExpr([act](double t) { return activate(act, t); });
      pre_.middleCols(column(m), net.width(m)) = pre;
    }
    slopes_ = pre_.unaryExpr([act = net.activation()](double t) { return activation_slope(act, t); });
  }

  [[nodiscard]] Index column(Index layer) const { return net_.fan_in(layer) - net_.input_dimension(); }
  [[nodiscard]] const Points<double>& pre_activations() const { return pre_; }
  [[nodiscard]] const Points<double>& slopes() const { return slopes_; }  ///< by the convention of the activation at kinks

  /// out += the transposed derivative of layer `top`'s pre-activations at one sample, applied to `seed`.
  void accumulate(Index sample, Index top, const Eigen::VectorXd& seed, const Points<double>& slopes, Eigen::VectorXd& out) const {
    Eigen::VectorXd feature_cotangent = Eigen::VectorXd::Zero(features_.cols());
    Eigen::VectorXd cotangent = seed;
    for (Index m = top; m >= 0; --m) {
      const Index seen = net_.fan_in(m);
      if (m < top) cotangent = feature_cotangent.segment(seen, net_.width(m)).cwiseProduct(slopes.row(sample).segment(column(m), net_.width(m)).transpose());
      Eigen::Map<Points<double>>(out.data() + net_.offset(m), net_.width(m), seen).noalias() += cotangent * features_.row(sample).head(seen);
      out.segment(net_.offset(m) + net_.width(m) * seen, net_.width(m)) += cotangent;
      feature_cotangent.head(seen) += weights(m).transpose() * cotangent;
    }
  }

  /// The gradient of one pre-activation.
  [[nodiscard]] Eigen::VectorXd normal(const Kink& kink, const Points<double>& slopes) const {
    Eigen::VectorXd out = Eigen::VectorXd::Zero(net_.parameters());
    accumulate(kink.sample, kink.layer, Eigen::VectorXd::Unit(net_.width(kink.layer), kink.unit), slopes, out);
    return out;
  }

  [[nodiscard]] std::vector<Kink> kinks(double width) const {
    if (!(width >= 0.0) || !std::isfinite(width)) reject("activation cells: the width is {}; it must be finite and at least 0", width);
    std::vector<Kink> found;
    if (!has_kink(net_.activation())) return found;
    for (Index m = 0; m + 1 < net_.layers(); ++m)
      for (Index unit = 0; unit < net_.width(m); ++unit)
        for (Index sample = 0; sample < pre_.rows(); ++sample)
          if (std::abs(pre_(sample, column(m) + unit)) <= width) found.push_back({m, unit, sample});
    return found;
  }

 private:
  [[nodiscard]] Eigen::Map<const Points<double>> weights(Index m) const { return {u_.data() + net_.offset(m), net_.width(m), net_.fan_in(m)}; }

  const DenseMlp<double>& net_;
  Eigen::VectorXd u_;
  Points<double> features_;
  Points<double> pre_;
  Points<double> slopes_;
};

/// The relative rounding of a pre-activation's gradient, of its image under Bᵀ and of inner products with it: sums over all features and parameters, layer by
/// layer.
double resolution(const DenseMlp<double>& net) {
  return tolerance::gamma(8.0 * static_cast<double>(net.parameters() + net.fan_in(net.layers() - 1) * net.layers()), tolerance::unit_roundoff<double>());
}

/// Walks through the kinks by layers and gives each its sides.
class CellSearch {
 public:
  CellSearch(const DenseMlp<double>& net, VectorView<double> u, PointsView<double> x, const CellOptions& options)
      : net_(net), pass_(net, u, x), options_(options), kinks_(pass_.kinks(options.width)), resolution_(resolution(net)) {
    if (options.tangent != nullptr && options.tangent->rows() != net.parameters())
      reject("activation cells: the tangent has {} rows; the network has {} parameters", options.tangent->rows(), net.parameters());
    pattern_.slopes = pass_.slopes();
    pattern_.signs.assign(kinks_.size(), 0);
    pattern_.normals.resize(0, moves());
  }

  std::vector<ActivationPattern> all() {
    explore(0);
    return std::move(cells_);
  }

  std::optional<ActivationPattern> along(VectorView<double> v) {
    if (v.size() != moves()) reject("activation cells: the direction has {} entries; u moves in dimension {}", v.size(), moves());
    for (std::size_t i = 0; i < kinks_.size(); ++i) {
      const std::optional<Eigen::VectorXd> normal = unit_normal(kinks_[i]);
      if (!normal) continue;
      const double slope = normal->dot(v);
      if (!(std::abs(slope) > resolution_ * v.norm())) return std::nullopt;
      give(i, slope > 0.0 ? 1 : -1, *normal);
    }
    pattern_.direction = v.normalized();
    return pattern_;
  }

 private:
  [[nodiscard]] Index moves() const { return options_.tangent != nullptr ? options_.tangent->cols() : net_.parameters(); }

  /// a/‖a‖ under the sides given so far; nothing for an inert kink, where a is 0 up to the rounding of its terms.
  [[nodiscard]] std::optional<Eigen::VectorXd> unit_normal(const Kink& kink) const {
    const Eigen::VectorXd a = pass_.normal(kink, pattern_.slopes);
    if (options_.tangent == nullptr) return a.normalized();  // the bias of the unit itself has derivative 1
    const Eigen::VectorXd image = options_.tangent->transpose() * a;
    const double size = (options_.tangent->cwiseAbs().transpose() * a.cwiseAbs()).norm();
    if (!(image.norm() > resolution_ * size)) return std::nullopt;
    return image.normalized();
  }

  void give(std::size_t i, int sign, const Eigen::VectorXd& normal) {
    const Kink& kink = kinks_[i];
    pattern_.signs[i] = sign;
    pattern_.slopes(kink.sample, pass_.column(kink.layer) + kink.unit) = slope_on_side(net_.activation(), sign);
    pattern_.normals.conservativeResize(pattern_.normals.rows() + 1, Eigen::NoChange);
    pattern_.normals.bottomRows(1) = static_cast<double>(sign) * normal.transpose();
  }

  void explore(std::size_t i) {
    if (i == kinks_.size()) {
      cells_.push_back(pattern_);
      return;
    }
    const std::optional<Eigen::VectorXd> normal = unit_normal(kinks_[i]);
    if (!normal) {
      explore(i + 1);
      return;
    }
    if (static_cast<std::size_t>(pattern_.normals.rows()) >= options_.largest)
      reject("activation cells: more than {} kinks that are not inert, of {} pre-activations at 0; more are not enumerated", options_.largest, kinks_.size());
    const ActivationPattern before = pattern_;
    for (const int sign : {-1, 1}) {
      give(i, sign, *normal);
      if (keep(kinks_[i])) explore(i + 1);
      pattern_ = before;
    }
  }

  /// Is the pattern, as far as it is given, to be followed? Sets the direction of a reached one.
  bool keep(const Kink& newest) {
    if (options_.set == CellSet::possible) return newest.layer > 0 || strict_direction(pattern_.normals).distance > resolution_;
    const StrictDirection found = strict_direction(pattern_.normals);
    pattern_.direction = found.direction;
    return found.margin > resolution_;
  }

  const DenseMlp<double>& net_;
  NetworkPass pass_;
  CellOptions options_;
  std::vector<Kink> kinks_;
  double resolution_;
  ActivationPattern pattern_;
  std::vector<ActivationPattern> cells_;
};

void check_pattern(const NetworkPass& pass, const ActivationPattern& pattern) {
  if (pattern.slopes.rows() != pass.slopes().rows() || pattern.slopes.cols() != pass.slopes().cols())
    reject("activation cells: the pattern has slopes {} × {}; the network at this x has {} × {}", pattern.slopes.rows(), pattern.slopes.cols(),
           pass.slopes().rows(), pass.slopes().cols());
}

class TiedLinearisation final : public Linearisation<double> {
 public:
  TiedLinearisation(std::unique_ptr<Linearisation<double>> inner, const Eigen::MatrixXd& matrix) : inner_(std::move(inner)), matrix_(matrix) {}
  [[nodiscard]] const Points<double>& images() const override { return inner_->images(); }
  [[nodiscard]] Vector<double> pullback(PointsView<double> cotangent) const override { return matrix_.transpose() * inner_->pullback(cotangent); }

 private:
  std::unique_ptr<Linearisation<double>> inner_;
  const Eigen::MatrixXd& matrix_;
};

}  // namespace

StrictDirection strict_direction(PointsView<double> rows) {
  const MinimumNorm nearest = minimum_norm_point(PointHull(rows), {});
  const double length = nearest.point.norm();
  if (!(length > 0.0)) return {nearest.norm, 0.0, Eigen::VectorXd::Zero(rows.cols())};
  const Eigen::VectorXd direction = nearest.point / length;
  return {nearest.norm, (rows * direction).minCoeff(), direction};
}

std::vector<Kink> activation_kinks(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, double width) {
  return NetworkPass(mlp, u, x).kinks(width);
}

std::vector<ActivationPattern> adjacent_cells(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, const CellOptions& options) {
  return CellSearch(mlp, u, x, options).all();
}

std::vector<ActivationPattern> adjacent_cells(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, double width) {
  return adjacent_cells(mlp, u, x, CellOptions{.width = width});
}

std::optional<ActivationPattern> cell_along(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, VectorView<double> v,
                                            const CellOptions& options) {
  return CellSearch(mlp, u, x, options).along(v);
}

Eigen::VectorXd pullback_in_cell(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, PointsView<double> cotangent,
                                 const ActivationPattern& pattern) {
  const NetworkPass pass(mlp, u, x);
  check_pattern(pass, pattern);
  if (cotangent.rows() != x.rows() || cotangent.cols() != mlp.output_dimension())
    reject("activation cells: the cotangent is {} × {}; the images are {} × {}", cotangent.rows(), cotangent.cols(), x.rows(), mlp.output_dimension());
  Eigen::VectorXd out = Eigen::VectorXd::Zero(mlp.parameters());
  for (Index k = 0; k < x.rows(); ++k) pass.accumulate(k, mlp.layers() - 1, cotangent.row(k).transpose(), pattern.slopes, out);
  return out;
}

std::vector<Points<double>> jacobians_in_cell(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, const ActivationPattern& pattern) {
  const NetworkPass pass(mlp, u, x);
  check_pattern(pass, pattern);
  const Index d = mlp.output_dimension();
  std::vector<Points<double>> jacobians;
  for (Index k = 0; k < x.rows(); ++k) {
    Points<double> jacobian(d, mlp.parameters());
    for (Index j = 0; j < d; ++j) {
      Eigen::VectorXd row = Eigen::VectorXd::Zero(mlp.parameters());
      pass.accumulate(k, mlp.layers() - 1, Eigen::VectorXd::Unit(d, j), pattern.slopes, row);
      jacobian.row(j) = row.transpose();
    }
    jacobians.push_back(std::move(jacobian));
  }
  return jacobians;
}

TiedMlp::TiedMlp(std::shared_ptr<const DenseMlp<double>> mlp, Eigen::VectorXd base, Eigen::MatrixXd matrix)
    : mlp_(std::move(mlp)), base_(std::move(base)), matrix_(std::move(matrix)) {
  if (mlp_ == nullptr) reject("tied network: the network is missing");
  if (base_.size() != mlp_->parameters() || matrix_.rows() != base_.size() || matrix_.cols() < 1)
    reject("tied network: base has {} entries and the matrix is {} × {}; the network has {} parameters", base_.size(), matrix_.rows(), matrix_.cols(),
           mlp_->parameters());
  if (!base_.allFinite() || !matrix_.allFinite()) reject("tied network: base or matrix has an entry that is not finite");
}

Vector<double> TiedMlp::initial(const RandomStream& stream) const {
  Eigen::VectorXd s(parameters());
  stream.fill_normal(s);
  return s;
}

std::unique_ptr<Linearisation<double>> TiedMlp::linearise(VectorView<double> s, PointsView<double> x) const {
  check_generator_arguments<double>(*this, s, x);
  return std::make_unique<TiedLinearisation>(mlp_->linearise(network_parameters(s), x), matrix_);
}

}  // namespace slicecheck
