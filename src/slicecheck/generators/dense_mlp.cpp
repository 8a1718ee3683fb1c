#include "slicecheck/generators/dense_mlp.h"

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/products.h"

namespace slicecheck {

namespace {

/// Adds the bias to each row of `pre` and replaces it by act(pre + bias); `slopes` becomes act'(pre + bias). One pass over the memory.
template <class S, class Block, class Slopes>
void activate_rows(Activation act, const Eigen::Map<const Vector<S>>& bias, Block&& pre, Slopes&& slopes) {
  const Index width = pre.cols();
  const auto each_row = [&](auto&& row) {
    for (Index k = 0; k < pre.rows(); ++k) row(&pre(k, 0), &slopes(k, 0));
  };
  switch (act) {  // the cheap ones in loops that the compiler turns into vector code
    case Activation::identity:
      return each_row([&](S* h, S* slope) {
        for (Index j = 0; j < width; ++j) {
          h[j] += bias[j];
          slope[j] = S{1};
        }
      });
    case Activation::relu:
      return each_row([&](S* h, S* slope) {
        for (Index j = 0; j < width; ++j) {
          const S t = h[j] + bias[j];
          h[j] = t > S{0} ? t : S{0};
          slope[j] = t > S{0} ? S{1} : S{0};
        }
      });
    default:
      return each_row([&](S* h, S* slope) {
        for (Index j = 0; j < width; ++j) {
          const S t = h[j] + bias[j];
          h[j] = activate(act, t);
          slope[j] = activation_slope(act, t);
        }
      });
  }
}

template <class S>
class MlpLinearisation final : public Linearisation<S> {
 public:
  MlpLinearisation(const DenseMlp<S>& net, VectorView<S> u, PointsView<S> x) : net_(net), u_(u) {
    const Index n = x.rows();
    const Index last = net.layers() - 1;
    features_.resize(n, net.fan_in(last));
    slopes_.resize(n, net.fan_in(last) - net.input_dimension());
    features_.leftCols(net.input_dimension()) = x;
    for (Index m = 0; m < last; ++m) {
      const Index seen = net.fan_in(m);
      auto block = features_.middleCols(seen, net.width(m));
      multiply<S>(view_of(features_.leftCols(seen)), view_of(weights(m)).transposed(), block.data(), block.outerStride());
      activate_rows<S>(net.activation(), bias(m), block, slopes_.middleCols(seen - net.input_dimension(), net.width(m)));
    }
    images_.resize(n, net.output_dimension());
    multiply<S>(view_of(features_), view_of(weights(last)).transposed(), images_.data(), images_.outerStride());
    images_.rowwise() += bias(last).transpose();
  }

  [[nodiscard]] const Points<S>& images() const override { return images_; }

  [[nodiscard]] Vector<S> pullback(PointsView<S> cotangent) const override {
    check_cotangent<S>(images_, cotangent);
    Vector<S> out(net_.parameters());
    const Index last = net_.layers() - 1;
    const Index input = net_.input_dimension();
    pull_weights(last, cotangent, out);
    Points<S> hidden(features_.rows(), slopes_.cols());  // cotangents of h_1, …, h_{M−1}; the input needs none
    if (hidden.cols() > 0) multiply<S>(view_of(cotangent), view_of(weights(last).rightCols(hidden.cols())), hidden.data(), hidden.outerStride());
    for (Index m = last - 1; m >= 0; --m) {
      const Index before = net_.fan_in(m) - input;
      auto pre = hidden.middleCols(before, net_.width(m));  // becomes the cotangent of the pre-activation
      pre.array() *= slopes_.middleCols(before, net_.width(m)).array();
      pull_weights(m, pre, out);
      if (before > 0) multiply<S>(view_of(pre), view_of(weights(m).rightCols(before)), hidden.data(), hidden.outerStride(), true);
    }
    return out;
  }

 private:
  [[nodiscard]] Eigen::Map<const Points<S>> weights(Index m) const { return {u_.data() + net_.offset(m), net_.width(m), net_.fan_in(m)}; }
  [[nodiscard]] Eigen::Map<const Vector<S>> bias(Index m) const {
    return Eigen::Map<const Vector<S>>(u_.data() + net_.offset(m) + net_.width(m) * net_.fan_in(m), net_.width(m));
  }

  /// ∂/∂W_m and ∂/∂b_m, from the cotangent of layer m's pre-activation.
  template <class Cotangent>
  void pull_weights(Index m, const Cotangent& pre, Vector<S>& out) const {
    const Index seen = net_.fan_in(m);
    multiply<S>(view_of(pre).transposed(), view_of(features_.leftCols(seen)), out.data() + net_.offset(m), seen);
    out.segment(net_.offset(m) + net_.width(m) * seen, net_.width(m)) = pre.colwise().sum().transpose();
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
