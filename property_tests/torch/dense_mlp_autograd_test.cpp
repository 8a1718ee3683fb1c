/// Our DenseMlp against the same network written with LibTorch, differentiated by it: two implementations with no code in common.

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "comparison.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {
namespace {

using testing::normals;
using testing::worst_ratio;

constexpr Activation kActivations[] = {Activation::identity, Activation::relu, Activation::leaky_relu, Activation::tanh, Activation::softplus};

torch::Tensor torch_activation(Activation act, const torch::Tensor& t) {
  switch (act) {
    case Activation::identity: return t;
    case Activation::relu: return torch::relu(t);
    case Activation::leaky_relu: return torch::leaky_relu(t, kLeakySlope);
    case Activation::tanh: return torch::tanh(t);
    case Activation::softplus: return torch::softplus(t, 1, 40);  // beyond 40 LibTorch returns t, which is ln(1 + e^t) to e^−40 < 2^−53
  }
  return t;
}

struct Network {
  Index input;
  std::vector<Index> widths;  ///< hidden layers, then the output

  [[nodiscard]] DenseMlp<double> mlp(Activation act) const { return {input, {widths.begin(), widths.end() - 1}, widths.back(), act}; }
};

/// Images of DenseMlp as its docstring has them: u = (W_1 by rows, b_1, …), every layer sees x and all earlier layers.
template <class Act>
torch::Tensor network(const Network& net, const torch::Tensor& u, const torch::Tensor& x, Act&& act) {
  torch::Tensor seen = x;
  Index offset = 0;
  for (std::size_t m = 0;; ++m) {
    const Index width = net.widths[m], fan_in = seen.size(1);
    const torch::Tensor weight = u.narrow(0, offset, width * fan_in).view({width, fan_in});
    const torch::Tensor bias = u.narrow(0, offset + width * fan_in, width);
    offset += width * (fan_in + 1);
    const torch::Tensor pre = torch::addmm(bias, seen, weight.t());
    if (m + 1 == net.widths.size()) return pre;
    seen = torch::cat({seen, act(pre)}, 1);
  }
}

struct Derivatives {
  Points<double> images;
  Vector<double> pullback;
};

template <class Act>
Derivatives by_autograd(const Network& net, const Vector<double>& u, const Points<double>& x, const Points<double>& cotangent, Act&& act) {
  torch::Tensor parameters = tensor_view<double>(Eigen::Map<const Points<double>>(u.data(), 1, u.size())).view({u.size()}).clone();
  parameters.set_requires_grad(true);
  const torch::Tensor images = network(net, parameters, tensor_view<double>(x), act);
  const torch::Tensor gradient = torch::autograd::grad({images}, {parameters}, {tensor_view<double>(cotangent)}).front();
  return {to_points<double>(images), to_points<double>(gradient.view({u.size(), 1}))};
}

/// Bounds on the difference of two evaluations of the network and of its pullback, entry by entry.
///
/// Put absolute values everywhere, and |act(t)| ≤ |t| + ln 2: the images M and the pullback P of that network bound every sum of absolute products in ours. An
/// entry is reached through at most K roundings (terms of each sum, and 8 for each activation), so an image errs by γ_K·M. In a pullback the features and the
/// cotangents err so, together γ_{2K}·P; and a slope, in [0, 1] with a Lipschitz constant ≤ 1 away from kinks, errs by γ_K·(largest M of a feature) for each
/// layer passed. Both evaluations err: twice that.
Derivatives rounding_bounds(const Network& net, const Vector<double>& u, const Points<double>& x, const Points<double>& cotangent) {
  double largest = 0.0;
  const auto bound = [&](const torch::Tensor& t) {
    largest = std::max(largest, t.abs().max().item<double>());
    return t + std::log(2.0);
  };
  Derivatives out = by_autograd(net, u.cwiseAbs(), x.cwiseAbs(), cotangent.cwiseAbs(), bound);
  const Index all = net.input + std::accumulate(net.widths.begin(), net.widths.end(), Index{0});
  // no sum has more terms than there are features and images: forward over the fan-in, back over the layers that read a feature; one more sum over the batch
  const double roundings = static_cast<double>(net.widths.size()) * (static_cast<double>(all) + 9.0) + static_cast<double>(x.rows());
  const double unit = tolerance::unit_roundoff<double>();
  const double slopes = static_cast<double>(net.widths.size()) * tolerance::gamma(roundings, unit) * (1.0 + largest);
  out.images *= 2.0 * tolerance::gamma(roundings, unit);
  out.pullback *= 2.0 * (tolerance::gamma(2.0 * roundings, unit) + slopes);
  const double tiny = std::numeric_limits<double>::min();
  out.images.array() += tiny;
  out.pullback.array() += tiny;
  return out;
}

struct Ratios {
  double images, pullback;
};

Ratios compare(const Network& net, const Generator<double>& ours, Activation theirs, const Vector<double>& u, const Points<double>& x,
               const Points<double>& cotangent) {
  const auto expected = by_autograd(net, u, x, cotangent, [&](const torch::Tensor& t) { return torch_activation(theirs, t); });
  const auto allowed = rounding_bounds(net, u, x, cotangent);
  const auto got = ours.linearise(u, x);
  return {worst_ratio(got->images() - expected.images, allowed.images), worst_ratio(got->pullback(cotangent) - expected.pullback, allowed.pullback)};
}

const Network kNetworks[] = {{1, {1}}, {2, {5, 2}}, {3, {1, 4, 1}}, {2, {16, 16, 3}}, {7, {3, 9, 2, 5, 11}}, {2, {64, 64, 2}}};
constexpr Index kBatches[] = {1, 2, 33};

class DenseMlpAutograd : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { use_one_torch_thread(); }
};

TEST_F(DenseMlpAutograd, images_and_pullback_are_libtorch_s) {
  std::uint32_t number = 10'000;
  for (const Network& net : kNetworks) {
    for (const Activation act : kActivations) {
      for (const Index n : kBatches) {
        const auto ours = net.mlp(act);
        ++number;
        const Vector<double> u = 0.5 * normals(ours.parameters(), 1, 2 * number);
        const Points<double> x = 2.0 * normals(n, net.input, 2 * number + 1);
        const Points<double> cotangent = normals(n, net.widths.back(), number);
        const auto ratios = compare(net, ours, act, u, x, cotangent);
        EXPECT_LE(ratios.images, 1.0) << ours.name() << ", n " << n;
        EXPECT_LE(ratios.pullback, 1.0) << ours.name() << ", n " << n;
        const auto flipped = compare(net, ours, act, u, x, -cotangent);
        EXPECT_LE(flipped.pullback, 1.0) << ours.name() << ", n " << n;
      }
    }
  }
}

TEST_F(DenseMlpAutograd, at_the_kink_the_slopes_are_libtorch_s) {
  for (const Activation act : {Activation::relu, Activation::leaky_relu}) {
    const Network net{3, {4, 2}};
    const auto ours = net.mlp(act);
    Vector<double> u = normals(ours.parameters(), 1, 20'000);
    u.head(ours.offset(1)).setZero();  // every pre-activation of the hidden layer is exactly 0
    const Points<double> x = normals(5, 3, 20'001);
    const Points<double> cotangent = normals(5, 2, 20'002);
    const auto ratios = compare(net, ours, act, u, x, cotangent);
    EXPECT_LE(ratios.images, 1.0) << activation_name(act);
    EXPECT_LE(ratios.pullback, 1.0) << activation_name(act);
    const Activation other = act == Activation::relu ? Activation::leaky_relu : Activation::relu;
    EXPECT_GT(compare(net, ours, other, u, x, cotangent).pullback, 1.0) << "slopes 0 and 0.01 at the kink are told apart";
  }
}

TEST_F(DenseMlpAutograd, the_comparison_tells_activations_apart) {
  const Network net{2, {16, 16, 3}};
  const Points<double> x = 2.0 * normals(33, 2, 20'010);
  const Points<double> cotangent = normals(33, 3, 20'011);
  for (const Activation act : kActivations) {
    const auto ours = net.mlp(act);
    const Vector<double> u = 0.5 * normals(ours.parameters(), 1, 20'012);
    for (const Activation other : kActivations) {
      const auto ratios = compare(net, ours, other, u, x, cotangent);
      EXPECT_EQ(ratios.images > 1.0, act != other) << activation_name(act) << " against " << activation_name(other);
      EXPECT_EQ(ratios.pullback > 1.0, act != other) << activation_name(act) << " against " << activation_name(other);
    }
  }
}

/// A DenseMlp with a wrong pullback.
class BrokenMlp final : public Generator<double> {
 public:
  enum class Defect { negated, last_bias_dropped, weights_by_columns };
  BrokenMlp(const Network& net, Activation act, Defect defect) : good_(net.mlp(act)), defect_(defect) {}
  [[nodiscard]] std::string name() const override { return "broken"; }
  [[nodiscard]] Index parameters() const override { return good_.parameters(); }
  [[nodiscard]] Index input_dimension() const override { return good_.input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return good_.output_dimension(); }
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override { return good_.initial(stream); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override {
    return std::make_unique<Broken>(good_.linearise(u, x), *this);
  }

 private:
  class Broken final : public Linearisation<double> {
   public:
    Broken(std::unique_ptr<Linearisation<double>> good, const BrokenMlp& net) : good_(std::move(good)), net_(net) {}
    [[nodiscard]] const Points<double>& images() const override { return good_->images(); }
    [[nodiscard]] Vector<double> pullback(PointsView<double> cotangent) const override {
      Vector<double> out = good_->pullback(cotangent);
      if (net_.defect_ == Defect::negated) out = -out;
      if (net_.defect_ == Defect::last_bias_dropped) out[out.size() - 1] = 0.0;
      if (net_.defect_ == Defect::weights_by_columns) {
        const Index rows = net_.good_.width(0), cols = net_.good_.fan_in(0);
        const Points<double> transposed = Eigen::Map<const Points<double>>(out.data(), rows, cols).transpose();
        out.head(rows * cols) = transposed.reshaped<Eigen::RowMajor>();
      }
      return out;
    }

   private:
    std::unique_ptr<Linearisation<double>> good_;
    const BrokenMlp& net_;
  };

  DenseMlp<double> good_;
  Defect defect_;
};

TEST_F(DenseMlpAutograd, the_comparison_rejects_broken_pullbacks) {
  const Network net{2, {5, 2}};
  const Vector<double> u = normals(net.mlp(Activation::tanh).parameters(), 1, 20'020);
  const Points<double> x = normals(7, 2, 20'021);
  const Points<double> cotangent = normals(7, 2, 20'022);
  using Defect = BrokenMlp::Defect;
  for (const Defect defect : {Defect::negated, Defect::last_bias_dropped, Defect::weights_by_columns})
    EXPECT_GT(compare(net, BrokenMlp(net, Activation::tanh, defect), Activation::tanh, u, x, cotangent).pullback, 1.0) << static_cast<int>(defect);
}

}  // namespace
}  // namespace slicecheck
