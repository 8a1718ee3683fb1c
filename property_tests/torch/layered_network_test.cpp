/// Layered generators and critics against their definition in plain loops (plain_network.h), with bounds on rounding that are carried along with every number.

#include "slicecheck/torch/layered_network.h"

#include <gtest/gtest.h>

#include <boost/math/distributions/chi_squared.hpp>
#include <iostream>
#include <numeric>

#include "comparison.h"
#include "plain_network.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"

namespace slicecheck {
namespace {

using testing::Cloud;
using testing::normals;
using testing::PlainNetwork;
using testing::ratio;
using testing::Rounded;

/// Every kind of layer. Normalising after normalising amplifies the bounds: report 002's generator, four deep, is made of what is judged here.
std::vector<NetworkDescription> generators() {
  return {
      {"dense", {3, 1, 1}, {Layer::linear(5), Layer::leaky_relu(), Layer::linear(4), Layer::relu(), Layer::linear(2)}},
      {"sigmoid", {2, 1, 1}, {Layer::linear(4), Layer::sigmoid(), Layer::linear(3), Layer::tanh()}},
      {"images",
       {3, 1, 1},
       {Layer::linear(12), Layer::reshape({3, 2, 2}), Layer::transposed_convolution(4, 3, 2, 1), Layer::leaky_relu(), Layer::convolution(2, 2, 1, 1),
        Layer::relu(), Layer::transposed_convolution(1, 4, 2, 1), Layer::tanh()}},
      {"normalised vector", {4, 1, 1}, {Layer::linear(5), Layer::leaky_relu(), Layer::batch_normalisation(), Layer::linear(2)}},
      {"normalised images",
       {4, 1, 1},
       {Layer::transposed_convolution(3, 2, 1, 0, false), Layer::batch_normalisation(), Layer::relu(), Layer::transposed_convolution(2, 4, 2, 1, false),
        Layer::batch_normalisation(), Layer::relu(), Layer::transposed_convolution(1, 1, 1, 1, false), Layer::tanh()}},
  };
}

struct CriticCase {
  NetworkDescription description;
  Index feature_layers;
};

std::vector<CriticCase> critics() {
  std::vector<CriticCase> all{
      {{"dense", {2, 1, 1}, {Layer::linear(6), Layer::leaky_relu(), Layer::linear(4), Layer::leaky_relu(), Layer::linear(1)}}, 4},
      {{"image features",
        {2, 5, 4},
        {Layer::convolution(3, 3, 2, 1, false), Layer::batch_normalisation(), Layer::leaky_relu(), Layer::convolution(2, 2, 1, 0, false),
         Layer::batch_normalisation(), Layer::tanh(), Layer::flatten(), Layer::linear(1)}},
       3},
  };
  const auto report = image_critic(1, false);
  const auto& layered = dynamic_cast<const LayeredCritic&>(*report);
  all.push_back({layered.network().description(), layered.feature_layers()});
  return all;
}

/// The largest |computed − expected| / bound.
template <class Entries>
double worst(const Entries& computed, const std::vector<Rounded>& expected) {
  if (static_cast<std::size_t>(computed.size()) != expected.size()) return std::numeric_limits<double>::infinity();
  double out = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    out = std::max(out, ratio(std::abs(static_cast<double>(computed.data()[i]) - expected[i].value), expected[i].error));
  return out;
}

/// Whether worst() refuses the same with a tenth more everywhere, and with any of the parts left out.
template <class Entries>
void expect_refusals(const Entries& computed, const std::vector<Rounded>& expected, const std::vector<Index>& parts) {
  EXPECT_GT(worst(Entries(computed * 1.1F), expected), 1.0);
  Index offset = 0;
  for (const Index size : parts) {
    Entries broken = computed;
    std::fill(broken.data() + offset, broken.data() + offset + size, 0.0F);
    EXPECT_GT(worst(broken, expected), 1.0) << "the part at " << offset;
    offset += size;
  }
}

struct Setting {
  Vector<float> u;
  Points<float> x;
};

Setting setting(const NetworkDescription& description, Index parameters, Index n, std::uint32_t number) {
  const LayeredNetwork network(description);
  EXPECT_EQ(network.parameters(), parameters);
  return {network.initial({1, Purpose::cases, number, 0}), normals(n, description.input.size(), number + 1).cast<float>()};
}

TEST(LayeredGeneratorTest, images_and_pullbacks_are_those_of_the_definition) {
  std::uint32_t number = 41'000;
  for (const auto& description : generators()) {
    int judged = 0, at_kinks = 0;
    const LayeredGenerator net(description);
    EXPECT_EQ(net.name(), description.name);
    for (int repeat = 0; repeat < 8 && judged < 2; ++repeat) {
      const auto given = setting(description, net.parameters(), 3, number += 10);
      const PlainNetwork plain(description, given.u, given.x);
      const auto at = net.linearise(given.u, given.x);
      const std::size_t layers = description.layers.size();
      EXPECT_LE(worst(at->images(), plain.after(layers).entries), 1.0) << description.name;
      EXPECT_EQ(net.forward(given.u, given.x), at->images());
      expect_refusals(at->images(), plain.after(layers).entries, {net.output_dimension()});
      if (plain.at_kink()) {
        ++at_kinks;
        continue;
      }
      ++judged;
      std::vector<Cloud> cotangents(layers + 1);
      const Points<float> cotangent = normals(3, net.output_dimension(), number + 2).cast<float>();
      cotangents.back() = Cloud(cotangent, plain.after(layers).shape);
      const auto expected = plain.backwards(cotangents);
      const Vector<float> pulled = at->pullback(cotangent);
      EXPECT_LE(worst(pulled, expected.parameters), 1.0) << description.name;
      expect_refusals(pulled, expected.parameters, net.tensors());
    }
    std::cout << description.name << ": judged " << judged << ", not judged because a relu is within rounding of its kink " << at_kinks << '\n';
    EXPECT_GE(judged, 1) << description.name;
  }
}

TEST(LayeredCriticTest, features_scores_statistics_and_pullbacks_are_those_of_the_definition) {
  std::uint32_t number = 42'000;
  for (const auto& [description, feature_layers] : critics()) {
    int judged = 0, at_kinks = 0;
    const LayeredCritic net(description, feature_layers);
    const auto features = static_cast<std::size_t>(feature_layers);
    const std::size_t layers = description.layers.size();
    for (int repeat = 0; repeat < 8 && judged < 2; ++repeat) {
      const auto given = setting(description, net.parameters(), 4, number += 10);
      const PlainNetwork plain(description, given.u, given.x);
      const auto at = net.linearise(given.u, given.x);
      EXPECT_EQ(at->features().rows(), 4);
      EXPECT_EQ(at->features().cols(), net.feature_dimension());
      EXPECT_EQ(at->statistics().size(), net.statistics());
      EXPECT_LE(worst(at->features(), plain.after(features).entries), 1.0) << description.name;
      EXPECT_LE(worst(at->scores(), plain.after(layers).entries), 1.0) << description.name;
      EXPECT_LE(worst(at->statistics(), plain.statistics()), 1.0) << description.name;
      expect_refusals(at->features(), plain.after(features).entries, {net.feature_dimension()});
      expect_refusals(at->scores(), plain.after(layers).entries, {4});
      if (net.statistics() > 0) expect_refusals(at->statistics(), plain.statistics(), {net.statistics()});
      if (plain.at_kink()) {
        ++at_kinks;
        continue;
      }
      ++judged;
      const Points<float> on_features = normals(4, net.feature_dimension(), number + 2).cast<float>();
      const Vector<float> on_scores = normals(4, 1, number + 3).cast<float>();
      for (const auto& [form_features, form_scores] : {std::pair{true, false}, {false, true}, {true, true}}) {
        CriticCotangent<float> cotangent;
        std::vector<Cloud> cotangents(layers + 1);
        if (form_features) {
          cotangent.features = on_features;
          cotangents[features] = Cloud(on_features, plain.after(features).shape);
        }
        if (form_scores) {
          cotangent.scores = on_scores;
          cotangents[layers] = Cloud(on_scores, plain.after(layers).shape);
        }
        const auto expected = plain.backwards(cotangents);
        const auto in_v = at->pullback_parameters(cotangent);
        const auto in_points = at->pullback_points(cotangent);
        EXPECT_LE(worst(in_v, expected.parameters), 1.0) << description.name;
        EXPECT_LE(worst(in_points, expected.points.entries), 1.0) << description.name;
        expect_refusals(in_points, expected.points.entries, {net.input_dimension()});
        if (form_scores) expect_refusals(in_v, expected.parameters, LayeredNetwork(description).tensors());
      }
      EXPECT_EQ(at->pullback_parameters({}), Vector<float>::Zero(net.parameters()));
      EXPECT_EQ(at->pullback_points({}), Points<float>::Zero(4, net.input_dimension()));
    }
    std::cout << description.name << ": judged " << judged << ", not judged because a relu is within rounding of its kink " << at_kinks << '\n';
    EXPECT_GE(judged, 1) << description.name;
  }
}

// ---------------------------------------------------------------------------------------------------------------- the gradient penalty

/// A linear map of a piecewise linear network at one point: outputs × inputs, by its entries; and which entry of v each is (−1 for none).
struct Weights {
  Index outputs, inputs;
  std::vector<Index> of_v;
  [[nodiscard]] Index at(Index o, Index i) const { return of_v[static_cast<std::size_t>(o * inputs + i)]; }
};

/// The penalty (N − 1)² at one point and its gradient, N = ‖g‖, g = W_1ᵀ D_1 … D_{L−1} W_Lᵀ with D_i the slopes of leaky relu: ∂/∂W_i = 2 (N − 1)/N · l_i r_iᵀ
/// with l_i = D_i W_{i+1}ᵀ … W_Lᵀ and r_i = D_{i−1} W_{i−1} … W_1 g.
struct HandPenalty {
  Rounded value;
  std::vector<Rounded> gradient;
};

HandPenalty hand_penalty(const std::vector<Weights>& weights, const std::vector<std::vector<Rounded>>& slopes, const Vector<float>& v) {
  const std::size_t layers = weights.size();
  const auto entry = [&](Index j) { return Rounded{j < 0 ? 0.0 : static_cast<double>(v[j]), 0.0}; };
  std::vector<std::vector<Rounded>> left(layers), right(layers);
  left.back() = {Rounded{1.0, 0.0}};
  for (std::size_t i = layers; i-- > 1;) {
    for (Index input = 0; input < weights[i].inputs; ++input) {
      testing::Sum sum;
      for (Index output = 0; output < weights[i].outputs; ++output) sum.add(entry(weights[i].at(output, input)), left[i][static_cast<std::size_t>(output)]);
      left[i - 1].push_back(sum.total() * slopes[i - 1][static_cast<std::size_t>(input)]);
    }
  }
  std::vector<Rounded> g;
  testing::Sum squares;
  for (Index input = 0; input < weights[0].inputs; ++input) {
    testing::Sum sum;
    for (Index output = 0; output < weights[0].outputs; ++output) sum.add(entry(weights[0].at(output, input)), left[0][static_cast<std::size_t>(output)]);
    g.push_back(sum.total());
    squares.add(g.back(), g.back());
  }
  const Rounded norm = testing::root(squares.total());
  const Rounded gap = norm - Rounded{1.0, 0.0};
  right[0] = g;
  for (std::size_t i = 1; i < layers; ++i)
    for (Index output = 0; output < weights[i - 1].outputs; ++output) {
      testing::Sum sum;
      for (Index input = 0; input < weights[i - 1].inputs; ++input)
        sum.add(entry(weights[i - 1].at(output, input)), right[i - 1][static_cast<std::size_t>(input)]);
      right[i].push_back(sum.total() * slopes[i - 1][static_cast<std::size_t>(output)]);
    }
  HandPenalty out{gap * gap, std::vector<Rounded>(static_cast<std::size_t>(v.size()))};
  const Rounded factor = Rounded{2.0, 0.0} * gap / norm;
  for (std::size_t i = 0; i < layers; ++i)
    for (Index output = 0; output < weights[i].outputs; ++output)
      for (Index input = 0; input < weights[i].inputs; ++input) {
        const Index j = weights[i].at(output, input);
        if (j < 0) continue;
        Rounded& sum = out.gradient[static_cast<std::size_t>(j)];
        sum = sum + factor * left[i][static_cast<std::size_t>(output)] * right[i][static_cast<std::size_t>(input)];
      }
  return out;
}

/// W of a linear layer, or of a convolution, whose parameters begin at `offset`.
Weights weights_of(const Layer& layer, const LayerShape& in, const LayerShape& out, Index offset) {
  Weights w{out.size(), in.size(), std::vector<Index>(static_cast<std::size_t>(out.size() * in.size()), -1)};
  if (layer.kind == Layer::Kind::linear) {
    std::iota(w.of_v.begin(), w.of_v.end(), offset);
    return w;
  }
  for (Index o = 0; o < out.channels; ++o)
    for (Index row = 0; row < out.rows; ++row)
      for (Index column = 0; column < out.columns; ++column)
        for (Index i = 0; i < in.channels; ++i)
          for (Index kr = 0; kr < layer.kernel; ++kr)
            for (Index kc = 0; kc < layer.kernel; ++kc) {
              const Index r = layer.stride * row - layer.padding + kr, c = layer.stride * column - layer.padding + kc;
              if (r < 0 || r >= in.rows || c < 0 || c >= in.columns) continue;
              const Index output = (o * out.rows + row) * out.columns + column, input = (i * in.rows + r) * in.columns + c;
              w.of_v[static_cast<std::size_t>(output * w.inputs + input)] = offset + ((o * in.channels + i) * layer.kernel + kr) * layer.kernel + kc;
            }
  return w;
}

TEST(LayeredCriticTest, gradient_penalty_is_that_of_the_formula) {
  const std::vector<CriticCase> cases{
      critics()[0],
      {{"convolutions",
        {2, 5, 5},
        {Layer::convolution(3, 4, 2, 1), Layer::leaky_relu(), Layer::convolution(4, 2, 1, 0, false), Layer::leaky_relu(), Layer::flatten(), Layer::linear(1)}},
       3}};
  constexpr Index kPoints = 3;
  std::uint32_t number = 43'000;
  for (const auto& [description, feature_layers] : cases) {
    const LayeredCritic net(description, feature_layers);
    const LayeredNetwork network(description);
    int judged = 0;
    for (int repeat = 0; repeat < 8 && judged < 2; ++repeat) {
      const auto given = setting(description, net.parameters(), kPoints, number += 10);
      const PlainNetwork plain(description, given.u, given.x);
      if (plain.at_kink()) continue;
      ++judged;
      std::vector<Weights> weights;
      std::vector<std::size_t> kinks;  // layers that are leaky relu
      Index offset = 0;
      for (std::size_t i = 0; i < description.layers.size(); ++i) {
        const Layer& layer = description.layers[i];
        if (layer.kind == Layer::Kind::leaky_relu) kinks.push_back(i);
        if (layer.outputs == 0) continue;
        const auto& in = plain.after(i).shape;
        const auto& out = plain.after(i + 1).shape;
        weights.push_back(weights_of(layer, in, out, offset));
        offset +=
            (layer.kind == Layer::Kind::linear ? in.size() : in.channels * layer.kernel * layer.kernel) * layer.outputs + (layer.bias ? layer.outputs : 0);
      }
      testing::Sum value;
      std::vector<testing::Sum> sums(static_cast<std::size_t>(net.parameters()));
      for (Index k = 0; k < kPoints; ++k) {
        std::vector<std::vector<Rounded>> slopes;
        for (const std::size_t i : kinks) {
          const auto size = static_cast<std::size_t>(plain.after(i).shape.size());
          slopes.emplace_back();
          for (std::size_t e = 0; e < size; ++e)
            slopes.back().push_back(plain.after(i).entries[static_cast<std::size_t>(k) * size + e].value > 0.0 ? Rounded{1.0, 0.0}
                                                                                                               : Rounded{0.2, 0.2 * testing::kFloatUnit});
        }
        const auto one = hand_penalty(weights, slopes, given.u);
        value.add(one.value, {1.0 / kPoints, testing::kFloatUnit});
        for (std::size_t j = 0; j < sums.size(); ++j) sums[j].add(one.gradient[j], {1.0 / kPoints, testing::kFloatUnit});
      }
      std::vector<Rounded> gradient;
      for (const auto& sum : sums) gradient.push_back(sum.total());
      const auto penalty = net.gradient_penalty(given.u, given.x);
      EXPECT_LE(ratio(std::abs(penalty.value - value.total().value), value.total().error), 1.0) << description.name;
      EXPECT_GT(ratio(std::abs(1.01 * penalty.value - value.total().value), value.total().error), 1.0) << description.name;
      EXPECT_LE(worst(penalty.gradient, gradient), 1.0) << description.name;
      expect_refusals(penalty.gradient, gradient, {net.parameters()});
    }
    EXPECT_GE(judged, 1) << description.name;
  }
}

TEST(LayeredCriticTest, where_the_score_does_not_move_the_slope_of_the_norm_is_0) {
  const auto net = plane_critic({4, 3});
  Vector<float> v = net->initial({1, Purpose::cases, 43'900, 0});
  v.tail(4).setZero();  // the head
  const auto penalty = net->gradient_penalty(v, normals(5, 2, 43'901).cast<float>());
  EXPECT_EQ(penalty.value, 1.0);
  EXPECT_EQ(penalty.gradient, Vector<float>::Zero(v.size()));
}

TEST(LayeredCriticTest, no_penalty_with_batch_normalisation) {
  const auto normalised = image_critic(1, true), plain = image_critic(1, false);
  const Points<float> x = normals(2, 784, 43'950).cast<float>();
  EXPECT_THROW((void)normalised->gradient_penalty(normalised->initial({1, Purpose::cases, 1, 0}), x), InputError);
  EXPECT_NO_THROW((void)plain->gradient_penalty(plain->initial({1, Purpose::cases, 1, 0}), x));
}

// ---------------------------------------------------------------------------------------------------------------- the rest

TEST(LayeredNetworkTest, the_networks_of_the_report) {
  for (const Index w : {1, 4, 16, 64}) {
    const auto generator = image_generator(w);
    EXPECT_EQ(generator->input_dimension(), 100);
    EXPECT_EQ(generator->output_dimension(), 784);
    EXPECT_EQ(generator->parameters(), 12'800 * w + (512 + 128 + 32) * w * w + 2 * 15 * w + w);
    const auto normalised = image_critic(w, true), plain = image_critic(w, false);
    EXPECT_EQ(normalised->input_dimension(), 784);
    EXPECT_EQ(normalised->feature_dimension(), 128);
    EXPECT_EQ(plain->parameters(), 16 * w + (32 + 128) * w * w + 8192 * w + 129);
    EXPECT_EQ(normalised->parameters(), plain->parameters() + 12 * w);
    EXPECT_EQ(normalised->statistics(), 12 * w);
    EXPECT_EQ(plain->statistics(), 0);
  }
  const auto plane = plane_generator({32, 16}, 8);
  EXPECT_EQ(plane->parameters(), 8 * 32 + 32 + 32 * 16 + 16 + 16 * 2 + 2);
  EXPECT_EQ(plane->input_dimension(), 8);
  EXPECT_EQ(plane->output_dimension(), 2);
  const auto critic = plane_critic({32, 16});
  EXPECT_EQ(critic->parameters(), 2 * 32 + 32 + 32 * 16 + 16 + 16 + 1);
  EXPECT_EQ(critic->feature_dimension(), 16);
  EXPECT_EQ(plane->name(), "plane-generator[8-32-16-2]");
  EXPECT_EQ(critic->name(), "plane-critic[2-32-16-1]");
  EXPECT_THROW((void)image_generator(0), InputError);
  EXPECT_THROW((void)image_critic(0, true), InputError);
}

/// The sums of squares of u0 around its means, over its variances, have χ² laws. False alarms: 10⁻⁶ over all tensors, two-sided.
void expect_variances(const LayeredNetwork& network, const std::vector<double>& means, const std::vector<double>& variances, std::uint32_t number) {
  const Vector<double> u = network.initial({1, Purpose::initial, number, 0}).cast<double>();
  const auto sizes = network.tensors();
  ASSERT_EQ(sizes.size(), variances.size());
  const double level = 1e-6 / static_cast<double>(sizes.size());
  Index offset = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const boost::math::chi_squared law(static_cast<double>(sizes[i]));
    const double squares = (u.segment(offset, sizes[i]).array() - means[i]).square().sum() / variances[i];
    EXPECT_GT(squares, quantile(law, level / 2.0)) << "tensor " << i;
    EXPECT_LT(squares, quantile(complement(law, level / 2.0))) << "tensor " << i;
    offset += sizes[i];
  }
}

TEST(LayeredNetworkTest, u0_has_the_law_that_is_stated) {
  NetworkDescription description{"law",
                                 {40, 1, 1},
                                 {Layer::linear(600), Layer::reshape({600, 1, 1}), Layer::transposed_convolution(300, 4, 2, 0), Layer::batch_normalisation(),
                                  Layer::convolution(200, 3, 1, 0)}};
  const double bias = 1e-4, scale = 4e-4;
  expect_variances(LayeredNetwork(description), {0, 0, 0, 0, 1, 0, 0, 0}, {2.0 / 40, bias, 2.0 / (600 * 4), bias, scale, bias, 2.0 / (300 * 9), bias}, 44'000);
  description.initial = InitialValues::dcgan;
  expect_variances(LayeredNetwork(description), {0, 0, 0, 0, 1, 0, 0, 0}, {1.0 / (3 * 40), bias, 4e-4, bias, scale, bias, 4e-4, bias}, 44'001);
}

TEST(LayeredNetworkTest, the_same_bits_again_and_on_two_threads) {
  const auto generator = image_generator(2);
  const auto critic = image_critic(2, true), smooth = image_critic(2, false);
  constexpr Index kCases = 6;
  struct Result {
    Points<float> images, in_points;
    Vector<float> in_u, in_v, penalty;
  };
  const auto compute = [&](Index i) {
    const auto stream = [&](Purpose purpose) { return RandomStream(1, purpose, 45'000, static_cast<std::uint64_t>(i)); };
    const auto u = generator->initial(stream(Purpose::initial)), v = critic->initial(stream(Purpose::critic_initial));
    const Points<float> x = normals(4 + i, 100, static_cast<std::uint32_t>(45'100 + i)).cast<float>();
    const auto at = generator->linearise(u, x);
    const auto judged = critic->linearise(v, at->images());
    const CriticCotangent<float> cotangent{judged->features(), judged->scores()};
    Result out{at->images(), judged->pullback_points(cotangent), {}, judged->pullback_parameters(cotangent), {}};
    out.in_u = at->pullback(out.in_points);
    out.penalty = smooth->gradient_penalty(smooth->initial(stream(Purpose::critic_initial)), at->images()).gradient;
    EXPECT_EQ(at->pullback(out.in_points), out.in_u) << "the second pullback of one linearisation";
    return out;
  };
  const auto expect_equal = [](const Result& a, const Result& b) {
    EXPECT_EQ(a.images, b.images);
    EXPECT_EQ(a.in_points, b.in_points);
    EXPECT_EQ(a.in_u, b.in_u);
    EXPECT_EQ(a.in_v, b.in_v);
    EXPECT_EQ(a.penalty, b.penalty);
  };
  std::vector<Result> expected, got(kCases);
  for (Index i = 0; i < kCases; ++i) expected.push_back(compute(i));
  EXPECT_NE(expected[0].in_u, expected[1].in_u) << "the comparison can fail";
  set_thread_count(2);
  for (int repeat = 0; repeat < 3; ++repeat) {
    parallel_for(kCases, [&](Index i) { got[static_cast<std::size_t>(i)] = compute(i); });
    for (std::size_t i = 0; i < expected.size(); ++i) expect_equal(got[i], expected[i]);
  }
}

TEST(LayeredNetworkTest, a_linearisation_keeps_its_point) {
  const auto critic = plane_critic({3});
  Vector<float> v = critic->initial({1, Purpose::cases, 46'000, 0});
  Points<float> x = normals(3, 2, 46'001).cast<float>();
  const CriticCotangent<float> cotangent{{}, Vector<float>::Ones(3)};
  const auto expected = critic->linearise(v, x)->pullback_parameters(cotangent);
  const auto at = critic->linearise(v, x);
  v.setZero();
  x.setZero();
  EXPECT_EQ(at->pullback_parameters(cotangent), expected);
}

TEST(LayeredNetworkTest, what_does_not_fit_is_rejected) {
  const auto make = [](LayerShape input, std::vector<Layer> layers) { LayeredNetwork({"bad", input, std::move(layers)}); };
  EXPECT_THROW(make({2, 1, 1}, {}), InputError);
  EXPECT_THROW(make({2, 1, 1}, {Layer::relu()}), InputError);
  EXPECT_THROW(make({0, 1, 1}, {Layer::linear(1)}), InputError);
  EXPECT_THROW(make({2, 1, 1}, {Layer::linear(0)}), InputError);
  EXPECT_THROW(make({2, 3, 3}, {Layer::linear(1)}), InputError);
  EXPECT_THROW(make({2, 3, 3}, {Layer::convolution(1, 4, 1, 0)}), InputError);
  EXPECT_THROW(make({2, 3, 3}, {Layer::convolution(1, 3, 0, 0)}), InputError);
  EXPECT_THROW(make({2, 3, 3}, {Layer::convolution(1, 3, 1, -1)}), InputError);
  EXPECT_THROW(make({2, 1, 1}, {Layer::transposed_convolution(1, 2, 1, 1)}), InputError);
  EXPECT_THROW(make({2, 3, 3}, {Layer::convolution(1, 3, 1, 0), Layer::reshape({2, 1, 1})}), InputError);
  EXPECT_NO_THROW(make({2, 3, 3}, {Layer::flatten(), Layer::linear(1)}));
  const std::vector<Layer> layers{Layer::linear(3), Layer::relu(), Layer::linear(1)};
  for (const Index features : {-1, 0, 3, 4}) EXPECT_THROW(LayeredCritic({"bad", {2, 1, 1}, layers}, features), InputError);
  EXPECT_THROW(LayeredCritic({"bad", {2, 1, 1}, {Layer::linear(3), Layer::linear(2)}}, 1), InputError);
  const LayeredCritic critic({"good", {2, 1, 1}, layers}, 2);
  const Vector<float> v = Vector<float>::Ones(critic.parameters());
  const Points<float> x = Points<float>::Ones(2, 2);
  EXPECT_THROW((void)critic.linearise(v.head(3), x), InputError);
  EXPECT_THROW((void)critic.linearise(v, Points<float>::Ones(2, 3)), InputError);
  EXPECT_THROW((void)critic.gradient_penalty(v, Points<float>(0, 2)), InputError);
  const auto at = critic.linearise(v, x);
  EXPECT_THROW((void)at->pullback_points({Points<float>::Ones(2, 4), {}}), InputError);
  EXPECT_THROW((void)at->pullback_parameters({{}, Vector<float>::Ones(3)}), InputError);
  const auto generator = plane_generator({3}, 2);
  const Vector<float> u = Vector<float>::Ones(generator->parameters());
  EXPECT_THROW((void)generator->linearise(u.head(2), x), InputError);
  EXPECT_THROW((void)generator->forward(u, Points<float>(0, 2)), InputError);
  EXPECT_THROW((void)generator->linearise(u, x)->pullback(Points<float>::Ones(2, 3)), InputError);
}

}  // namespace
}  // namespace slicecheck
