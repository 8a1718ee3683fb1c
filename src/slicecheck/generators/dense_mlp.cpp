#include "slicecheck/generators/dense_mlp.h"

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

template <class S>
class MlpLinearisation final : public Linearisation<S> {
 public:
  MlpLinearisation(const DenseMlp<S>& net, VectorView<S> u, PointsView<S> x) : net_(net), u_(u) {
    const Index n = x.rows();
    const Index last = net.layers() - 1;
    features_.resize(n, net.fan_in(last));
    slopes_.resize(n, net.fan_in(last) - net.input_dimension());
    features_.leftCols(net.input_dimension()) = x;
    for (Index m = 0; m <= last; ++m) {
      const Index seen = net.fan_in(m);
      Points<S> pre = features_.leftCols(seen) * weights(m).transpose();
      pre.rowwise() += bias(m).transpose();
      if (m == last) {
        images_ = std::move(pre);
        break;
      }
      const Activation act = net.activation();
      features_.middleCols(seen, net.width(m)) = pre.unaryExpr([act](S t) { return activate(act, t); });
      slopes_.middleCols(seen - net.input_dimension(), net.width(m)) = pre.unaryExpr([act](S t) { return activation_slope(act, t); });
    }
  }

  [[nodiscard]] const Points<S>& images() const override { return images_; }

  [[nodiscard]] Vector<S> pullback(PointsView<S> cotangent) const override {
    check_cotangent<S>(images_, cotangent);
    Vector<S> out(net_.parameters());
    Points<S> feature_cotangent = Points<S>::Zero(features_.rows(), features_.cols());
    Points<S> pre_cotangent = cotangent;
    for (Index m = net_.layers() - 1; m >= 0; --m) {
      const Index seen = net_.fan_in(m);
      if (m + 1 < net_.layers())
        pre_cotangent = feature_cotangent.middleCols(seen, net_.width(m)).cwiseProduct(slopes_.middleCols(seen - net_.input_dimension(), net_.width(m)));
      Eigen::Map<Points<S>>(out.data() + net_.offset(m), net_.width(m), seen).noalias() = pre_cotangent.transpose() * features_.leftCols(seen);
      out.segment(net_.offset(m) + net_.width(m) * seen, net_.width(m)) = pre_cotangent.colwise().sum().transpose();
      const Index hidden = seen - net_.input_dimension();  // the input needs no cotangent
      if (hidden > 0) feature_cotangent.middleCols(net_.input_dimension(), hidden).noalias() += pre_cotangent * weights(m).rightCols(hidden);
    }
    return out;
  }

 private:
  [[nodiscard]] Eigen::Map<const Points<S>> weights(Index m) const { return {u_.data() + net_.offset(m), net_.width(m), net_.fan_in(m)}; }
  [[nodiscard]] Eigen::Map<const Vector<S>> bias(Index m) const {
    return Eigen::Map<const Vector<S>>(u_.data() + net_.offset(m) + net_.width(m) * net_.fan_in(m), net_.width(m));
  }

  const DenseMlp<S>& net_;
  Vector<S> u_;
  Points<S> features_;  // x, h_1, …, h_{M−1} side by side
  Points<S> slopes_;    // act'(pre-activation) of the hidden layers
  Points<S> images_;
};

}  // namespace

template <class S>
DenseMlp<S>::DenseMlp(Index input_dimension, std::vector<Index> hidden_widths, Index output_dimension, Activation act)
    : input_(input_dimension), widths_(std::move(hidden_widths)), act_(act) {
  widths_.push_back(output_dimension);
  if (input_ < 1) reject("dense MLP: the input dimension is {}; it must be at least 1", input_);
  for (const Index width : widths_)
    if (width < 1) reject("dense MLP: a layer has width {}; every width must be at least 1", width);
  parameters_ = offset(layers());
}

template <class S>
std::string DenseMlp<S>::name() const {
  std::string widths;
  for (std::size_t m = 0; m + 1 < widths_.size(); ++m) widths += fmt::format("{}{}", m == 0 ? "" : "-", widths_[m]);
  return fmt::format("dense-mlp[{}, {}]", widths, activation_name(act_));
}

template <class S>
Index DenseMlp<S>::fan_in(Index layer) const {
  Index seen = input_;
  for (Index m = 0; m < layer; ++m) seen += width(m);
  return seen;
}

template <class S>
Index DenseMlp<S>::offset(Index layer) const {
  Index begin = 0;
  for (Index m = 0; m < layer; ++m) begin += width(m) * (fan_in(m) + 1);
  return begin;
}

template <class S>
std::vector<Index> DenseMlp<S>::tensors() const {
  std::vector<Index> sizes;
  for (Index m = 0; m < layers(); ++m) {
    sizes.push_back(width(m) * fan_in(m));
    sizes.push_back(width(m));
  }
  return sizes;
}

template <class S>
Vector<S> DenseMlp<S>::initial(const RandomStream& stream) const {
  Eigen::VectorXd u(parameters_);
  stream.fill_normal(u);
  for (Index m = 0; m < layers(); ++m) {
    const Index weights = width(m) * fan_in(m);
    u.segment(offset(m), weights) *= std::sqrt(2.0 / static_cast<double>(fan_in(m)));
    u.segment(offset(m) + weights, width(m)) *= 1e-2;
  }
  return u.cast<S>();
}

template <class S>
std::unique_ptr<Linearisation<S>> DenseMlp<S>::linearise(VectorView<S> u, PointsView<S> x) const {
  check_generator_arguments<S>(*this, u, x);
  return std::make_unique<MlpLinearisation<S>>(*this, u, x);
}

template <class S>
std::optional<GeneratorBounds> DenseMlp<S>::bounds(VectorView<S> u0, double radius, const Eigen::RowVectorXd& x) const {
  const Vector<double> u = u0.template cast<double>();
  LayerBounds certified(x.norm() * (1.0 + tolerance::gamma(static_cast<double>(input_) + 4.0, tolerance::unit_roundoff<double>())));
  for (Index m = 0; m < layers(); ++m) {
    const Eigen::Map<const Points<double>> weights(u.data() + offset(m), width(m), fan_in(m));
    const bool output = m + 1 == layers();
    LayerBounds::Layer layer{.blocks = {},
                             .bias_norm = u.segment(offset(m) + width(m) * fan_in(m), width(m)).norm(),
                             .width = width(m),
                             .fan_in = fan_in(m),
                             .lipschitz = output ? 1.0 : activation_lipschitz(act_),
                             .at_zero = output ? 0.0 : activation_at_zero(act_)};
    layer.blocks.emplace_back(weights.leftCols(input_));
    for (Index i = 0; i < m; ++i) layer.blocks.emplace_back(weights.middleCols(fan_in(i), width(i)));
    certified.add(layer, radius);
  }
  return certified.last();
}

template class DenseMlp<float>;
template class DenseMlp<double>;

}  // namespace slicecheck
