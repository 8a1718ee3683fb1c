#include "slicecheck/generators/box_generator.h"

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/products.h"

namespace slicecheck {

namespace {

template <class S>
class BoxLinearisation final : public Linearisation<S> {
 public:
  BoxLinearisation(const std::vector<Index>& widths, const std::vector<Index>& offsets, VectorView<S> u, PointsView<S> x, S low, S high)
      : widths_(widths), offsets_(offsets), u_(u) {
    layers_.emplace_back(x);
    for (std::size_t m = 0; m < depth(); ++m) {
      Points<S> pre(x.rows(), widths[m + 1]);
      multiply<S>(view_of(layers_.back()), view_of(weights(m)).transposed(), pre.data(), pre.outerStride());
      pre.rowwise() += bias(m).transpose();
      Points<S> slopes(pre.rows(), pre.cols());
      if (m + 1 < depth()) {
        slopes.array() = (pre.array() > S{0}).select(S{1}, pre.array().exp());
        layers_.emplace_back((pre.array() > S{0}).select(pre.array(), slopes.array() - S{1}));
      } else {
        const auto sigma = (S{1} + (-pre.array()).exp()).inverse().eval();  // e^{−t} may be infinite: σ is 0 then
        slopes.array() = (high - low) * sigma * (S{1} - sigma);
        layers_.emplace_back(low + (high - low) * sigma);
      }
      slopes_.push_back(std::move(slopes));
    }
  }

  [[nodiscard]] const Points<S>& images() const override { return layers_.back(); }

  [[nodiscard]] Vector<S> pullback(PointsView<S> cotangent) const override {
    check_cotangent<S>(images(), cotangent);
    Vector<S> out(offsets_.back());
    Points<S> pre = cotangent.cwiseProduct(slopes_.back());  // cotangent of the pre-activation
    for (std::size_t m = depth(); m-- > 0;) {
      multiply<S>(view_of(pre).transposed(), view_of(layers_[m]), out.data() + offsets_[m], widths_[m]);
      out.segment(offsets_[m] + widths_[m] * widths_[m + 1], widths_[m + 1]) = pre.colwise().sum().transpose();
      if (m == 0) break;
      Points<S> below(pre.rows(), widths_[m]);
      multiply<S>(view_of(pre), view_of(weights(m)), below.data(), below.outerStride());
      pre = below.cwiseProduct(slopes_[m - 1]);
    }
    return out;
  }

 private:
  [[nodiscard]] std::size_t depth() const { return widths_.size() - 1; }
  [[nodiscard]] Eigen::Map<const Points<S>> weights(std::size_t m) const { return {u_.data() + offsets_[m], widths_[m + 1], widths_[m]}; }
  [[nodiscard]] Eigen::Map<const Vector<S>> bias(std::size_t m) const {
    return Eigen::Map<const Vector<S>>(u_.data() + offsets_[m] + widths_[m] * widths_[m + 1], widths_[m + 1]);
  }

  const std::vector<Index>& widths_;
  const std::vector<Index>& offsets_;
  Vector<S> u_;
  std::vector<Points<S>> layers_;  // x, h_1, …, h_{M−1}, images
  std::vector<Points<S>> slopes_;  // of elu, and of the map into the box
};

}  // namespace

template <class S>
BoxGenerator<S>::BoxGenerator(Index input_dimension, std::vector<Index> hidden_widths, Index output_dimension, double low, double high)
    : widths_(std::move(hidden_widths)), low_(low), high_(high) {
  widths_.insert(widths_.begin(), input_dimension);
  widths_.push_back(output_dimension);
  for (const Index width : widths_)
    if (width < 1) reject("box generator: a layer has width {}; every width must be at least 1", width);
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high)) reject("box generator: the box is [{}, {}]; expected finite low < high", low, high);
  offsets_.push_back(0);
  for (std::size_t m = 0; m + 1 < widths_.size(); ++m) offsets_.push_back(offsets_.back() + widths_[m + 1] * (widths_[m] + 1));
}

template <class S>
std::string BoxGenerator<S>::name() const {
  return fmt::format("box[{}, elu, into [{}, {}]]", fmt::join(widths_, "-"), low_, high_);
}

template <class S>
std::vector<Index> BoxGenerator<S>::tensors() const {
  std::vector<Index> sizes;
  for (std::size_t m = 0; m + 1 < widths_.size(); ++m) {
    sizes.push_back(widths_[m] * widths_[m + 1]);
    sizes.push_back(widths_[m + 1]);
  }
  return sizes;
}

template <class S>
Vector<S> BoxGenerator<S>::initial(const RandomStream& stream) const {
  Vector<S> u(parameters());
  for (std::size_t m = 0; m + 1 < widths_.size(); ++m) {
    const Index weights = widths_[m] * widths_[m + 1];
    const double bound = std::sqrt(6.0 / static_cast<double>(widths_[m] + widths_[m + 1]));
    for (Index i = 0; i < weights; ++i) {
      const auto index = static_cast<std::uint64_t>(offsets_[m] + i);
      u[offsets_[m] + i] = static_cast<S>(bound * (2.0 * stream.uniforms(index / 2)[index % 2] - 1.0));
    }
    for (Index i = 0; i < widths_[m + 1]; ++i) {
      const auto index = static_cast<std::uint64_t>(offsets_[m] + weights + i);
      u[offsets_[m] + weights + i] = static_cast<S>(1e-2 * stream.normals((std::uint64_t{1} << 40) + index / 2)[index % 2]);
    }
  }
  return u;
}

template <class S>
std::unique_ptr<Linearisation<S>> BoxGenerator<S>::linearise(VectorView<S> u, PointsView<S> x) const {
  check_generator_arguments<S>(*this, u, x);
  return std::make_unique<BoxLinearisation<S>>(widths_, offsets_, u, x, static_cast<S>(low_), static_cast<S>(high_));
}

template class BoxGenerator<float>;
template class BoxGenerator<double>;

}  // namespace slicecheck
