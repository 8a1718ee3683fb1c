/// The generators of images against their definition in plain loops and double precision, and against finite differences of it.

#include "slicecheck/torch/conv_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <vector>

#include "comparison.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {
namespace {

using testing::normals;
using testing::ratio;
using testing::worst_ratio;

std::unique_ptr<TransposedConvolutions> make(Index width, bool residual) {
  if (residual) return std::make_unique<ResidualConvGenerator>(width);
  return std::make_unique<ConvGenerator>(width);
}

// ---------------------------------------------------------------------------------------------------------------- the definition

/// channels×side×side numbers.
struct Image {
  Index channels, side;
  std::vector<double> entries = std::vector<double>(static_cast<std::size_t>(channels * side * side), 0.0);
  double& at(Index channel, Index row, Index column) { return entries[static_cast<std::size_t>((channel * side + row) * side + column)]; }
  [[nodiscard]] double at(Index channel, Index row, Index column) const { return entries[static_cast<std::size_t>((channel * side + row) * side + column)]; }
};

/// What the loops return for one input.
struct Plain {
  Vector<double> image;             ///< before tanh
  std::vector<double> activations;  ///< arguments of relu
};

/// The formula of conv_generator.h. Without `rectify`, relu is left out: with absolute values for u and x the result then bounds every sum of absolute
/// products.
Plain plain(Index w, bool residual, const Vector<double>& u, const Eigen::RowVectorXd& x, bool rectify) {
  Index offset = 0;
  const auto take = [&](Index size) {
    const auto part = u.segment(offset, size);
    offset += size;
    return part;
  };
  Plain out;
  const auto relu = [&](Image& h) {
    out.activations.insert(out.activations.end(), h.entries.begin(), h.entries.end());
    if (!rectify) return;
    for (double& t : h.entries) t = std::max(t, 0.0);
  };
  Image h{4 * w, 7};
  const auto a1 = take(32 * 4 * w * 49), b1 = take(4 * w);
  for (Index o = 0; o < h.channels; ++o)
    for (Index r = 0; r < 7; ++r)
      for (Index c = 0; c < 7; ++c) {
        h.at(o, r, c) = b1[o];
        for (Index i = 0; i < 32; ++i) h.at(o, r, c) += a1[((i * h.channels + o) * 7 + r) * 7 + c] * x[i];
      }
  relu(h);
  const auto upsample = [&](const Image& in, Index channels) {
    Image up{channels, 2 * in.side};
    const auto kernel = take(in.channels * channels * 16), bias = take(channels);
    for (Index i = 0; i < in.channels; ++i)
      for (Index o = 0; o < channels; ++o)
        for (Index r = 0; r < in.side; ++r)
          for (Index c = 0; c < in.side; ++c)
            for (Index kr = 0; kr < 4; ++kr)
              for (Index kc = 0; kc < 4; ++kc) {
                const Index row = 2 * r - 1 + kr, column = 2 * c - 1 + kc;
                if (row >= 0 && row < up.side && column >= 0 && column < up.side)
                  up.at(o, row, column) += kernel[((i * channels + o) * 4 + kr) * 4 + kc] * in.at(i, r, c);
              }
    for (Index o = 0; o < channels; ++o)
      for (Index r = 0; r < up.side; ++r)
        for (Index c = 0; c < up.side; ++c) up.at(o, r, c) += bias[o];
    if (!residual) return up;
    const auto skip = take(channels * in.channels);
    for (Index o = 0; o < channels; ++o)
      for (Index i = 0; i < in.channels; ++i)
        for (Index r = 0; r < up.side; ++r)
          for (Index c = 0; c < up.side; ++c) up.at(o, r, c) += skip[o * in.channels + i] * in.at(i, r / 2, c / 2);
    return up;
  };
  h = upsample(h, 2 * w);
  relu(h);
  h = upsample(h, 1);
  EXPECT_EQ(offset, u.size());
  out.image = Eigen::Map<const Vector<double>>(h.entries.data(), static_cast<Index>(h.entries.size()));
  return out;
}

/// The most roundings that an entry of an image goes through: the terms of the sums on a path (where a sum adds a skip, those of both), and the steps between
/// them.
double roundings(Index w) { return 32.0 + 5.0 * static_cast<double>(4 * w) + 5.0 * static_cast<double>(2 * w) + 12.0; }

/// The same for the pullback, there and back: an entry of u sums over `terms` pixels of all images, a feature over the channels above and the kernel.
double pullback_roundings(Index w, Index terms) { return 2.0 * roundings(w) + static_cast<double>(terms) + 17.0 * static_cast<double>(2 * w) + 17.0 + 12.0; }

constexpr double kUnit = tolerance::unit_roundoff<float>();

/// Bound on the error of an image in float: γ_K·M with M the network of absolute values; tanh does not enlarge it, and errs by a few units itself.
Points<double> image_tolerance(const TransposedConvolutions& net, bool residual, const Vector<float>& u, const Points<float>& x) {
  Points<double> allowed(x.rows(), 784);
  const Vector<double> absolute = u.cast<double>().cwiseAbs();
  for (Index k = 0; k < x.rows(); ++k) {
    const Eigen::RowVectorXd input = x.row(k).cast<double>().cwiseAbs();
    allowed.row(k) = tolerance::gamma(roundings(net.base_width()), kUnit) * plain(net.base_width(), residual, absolute, input, false).image.transpose();
  }
  allowed.array() += 8.0 * kUnit;
  return allowed;
}

/// A network, parameters, inputs and a cotangent.
struct Setting {
  Setting(Index w, bool is_residual, Index n, std::uint32_t number) : residual(is_residual), net(make(w, is_residual)) {
    u = net->initial(RandomStream(1, Purpose::initial, number, 0));
    u += 0.1F * normals(u.size(), 1, number).cast<float>();  // biases that matter
    x = normals(n, 32, number + 1).cast<float>();
    cotangent = normals(n, 784, number + 2).cast<float>();
  }

  bool residual;
  std::unique_ptr<TransposedConvolutions> net;
  Vector<float> u;
  Points<float> x;
  Points<float> cotangent;
};

double image_ratio(const Generator<float>& generator, const Setting& given) {
  Points<double> expected(given.x.rows(), 784);
  for (Index k = 0; k < given.x.rows(); ++k)
    expected.row(k) =
        plain(given.net->base_width(), given.residual, given.u.cast<double>(), given.x.row(k).cast<double>(), true).image.array().tanh().transpose();
  const auto allowed = image_tolerance(*given.net, given.residual, given.u, given.x);
  return std::max(worst_ratio(generator.linearise(given.u, given.x)->images().cast<double>() - expected, allowed),
                  worst_ratio(generator.forward(given.u, given.x).cast<double>() - expected, allowed));
}

/// A pixel, and a pixel of h_1 that it sees: the middle, a corner, an edge.
struct Pixel {
  Index row, column, seen_row, seen_column;
};
constexpr Pixel kPixels[] = {{14, 14, 3, 3}, {0, 0, 0, 0}, {27, 13, 6, 3}};

/// Keeps one entry of the cotangent of each image. What many pixels and many coordinates contribute to a derivative cancels, what they may contribute to its
/// rounding does not: only few of them make a judge that can reject. All the others follow by linearity in the cotangent, which is tested.
void keep_one_pixel(Setting& given) {
  for (Index k = 0; k < given.x.rows(); ++k) {
    const Pixel& pixel = kPixels[k % std::ssize(kPixels)];
    const Index entry = 28 * pixel.row + pixel.column;
    const float kept = given.cotangent(k, entry);
    given.cotangent.row(k).setZero();
    given.cotangent(k, entry) = kept;
  }
}

/// Coordinates of u, of every tensor in turn: of A_1, one for each output channel and each pixel seen; of the others, all or 24.
std::vector<Index> coordinates(const TransposedConvolutions& net) {
  constexpr Index kEach = 24;
  std::vector<Index> out;
  const RandomStream stream(1, Purpose::cases, 39'999, 0);
  PointDraws draws(stream, 0);
  const auto sizes = net.tensors();
  const Index channels = sizes[1];
  for (const Pixel& pixel : kPixels)
    for (Index o = 0; o < channels; ++o) out.push_back(49 * (channels * static_cast<Index>(draws.below(32)) + o) + 7 * pixel.seen_row + pixel.seen_column);
  Index offset = sizes.front();
  for (std::size_t m = 1; m < sizes.size(); ++m) {
    for (Index i = 0; i < std::min(sizes[m], kEach); ++i)
      out.push_back(offset + (sizes[m] <= kEach ? i : static_cast<Index>(draws.below(static_cast<std::uint64_t>(sizes[m])))));
    offset += sizes[m];
  }
  return out;
}

/// ⟨cotangent, images⟩ of the loops where one coordinate of u is moved, and the arguments of all relus.
struct Moved {
  double value = 0.0;
  std::vector<double> activations;
};

Moved moved(const Setting& given, Index coordinate, double by) {
  Moved out;
  Vector<double> u = given.u.cast<double>();
  u[coordinate] += by;
  for (Index k = 0; k < given.x.rows(); ++k) {
    const auto one = plain(given.net->base_width(), given.residual, u, given.x.row(k).cast<double>(), true);
    out.value += given.cotangent.row(k).cast<double>().transpose().dot(one.image.array().tanh().matrix());
    out.activations.insert(out.activations.end(), one.activations.begin(), one.activations.end());
  }
  return out;
}

/// What bounds the rounding of the pullback: the network of absolute values.
struct Absolute {
  explicit Absolute(const Setting& setting) : given(setting), u(setting.u.cast<double>().cwiseAbs()) {
    for (Index k = 0; k < given.x.rows(); ++k) {
      const auto one = plain(given.net->base_width(), given.residual, u, given.x.row(k).cast<double>().cwiseAbs(), false);
      value += given.cotangent.row(k).cast<double>().cwiseAbs().transpose().dot(one.image);
      largest = std::max(largest, one.image.maxCoeff());
      activations.insert(activations.end(), one.activations.begin(), one.activations.end());
    }
  }

  /// Derivative of `value` in a coordinate of u, in which it is linear.
  [[nodiscard]] double derivative(Index coordinate) const {
    Vector<double> ahead = u;
    ahead[coordinate] += 1.0;
    double sum = -value;
    for (Index k = 0; k < given.x.rows(); ++k)
      sum += given.cotangent.row(k).cast<double>().cwiseAbs().transpose().dot(
          plain(given.net->base_width(), given.residual, ahead, given.x.row(k).cast<double>().cwiseAbs(), false).image);
    return sum;
  }

  const Setting& given;
  Vector<double> u;
  double value = 0.0;    ///< Σ|c|·M
  double largest = 0.0;  ///< largest entry of M
  std::vector<double> activations;
};

/// A coordinate of the pullback by central differences of the loops, and how far from it the pullback may be. That has three parts:
///
/// - rounding of the pullback: γ_K·P, with P the derivative of the network of absolute values (a pixel sees 2×2 pixels of h_2 and at most 3×3 of h_1); and the
/// slope 1 − tanh² of an image that errs by γ_K·M errs by at most γ_K·M itself;
/// - truncation: the difference with step 2h errs four times as much as that with step h, so their distance bounds the error of the latter;
/// - rounding of the difference, in double.
///
/// They hold within one piece of the network: that no relu changes sign between u − 2h and u + 2h is asserted; for settings where one is within rounding of its
/// kink, see `relus_at_kinks`.
struct Difference {
  Index coordinate;
  double expected;
  double allowed;
};

std::vector<Difference> differences(const Setting& given) {
  constexpr double kStep = 1e-5;
  const Absolute bound(given);
  const Index w = given.net->base_width(), n = given.x.rows();
  const double forward_roundings = tolerance::gamma(roundings(w), kUnit);
  const auto here = moved(given, 0, 0.0);
  std::vector<Difference> out;
  for (const Index coordinate : coordinates(*given.net)) {
    const auto at = [&](double by) {
      const auto there = moved(given, coordinate, by);
      for (std::size_t i = 0; i < here.activations.size(); ++i) EXPECT_EQ(there.activations[i] > 0.0, here.activations[i] > 0.0) << "a relu changes sign";
      return there.value;
    };
    const double fine = (at(kStep) - at(-kStep)) / (2.0 * kStep), coarse = (at(2.0 * kStep) - at(-2.0 * kStep)) / (4.0 * kStep);
    const double rounding = (tolerance::gamma(pullback_roundings(w, n * 9), kUnit) + forward_roundings * bound.largest) * bound.derivative(coordinate);
    const double sum_rounding = tolerance::gamma(roundings(w) + 784.0 * static_cast<double>(n), tolerance::unit_roundoff<double>()) * bound.value / kStep;
    out.push_back({coordinate, fine, rounding + std::abs(fine - coarse) + 2.0 * sum_rounding});
  }
  return out;
}

/// Relus whose sign rounding may change.
Index relus_at_kinks(const Setting& given) {
  const Absolute bound(given);
  const auto here = moved(given, 0, 0.0);
  Index count = 0;
  for (std::size_t i = 0; i < here.activations.size(); ++i)
    if (std::abs(here.activations[i]) <= tolerance::gamma(roundings(given.net->base_width()), kUnit) * bound.activations[i]) ++count;
  return count;
}

double pullback_ratio(const Generator<float>& generator, const Setting& given, const std::vector<Difference>& expected) {
  const Vector<double> got = generator.pullback(given.u, given.x, given.cotangent).cast<double>();
  double worst = got.allFinite() ? 0.0 : std::numeric_limits<double>::infinity();
  for (const auto& one : expected) worst = std::max(worst, ratio(std::abs(got[one.coordinate] - one.expected), one.allowed));
  return worst;
}

// ---------------------------------------------------------------------------------------------------------------- broken generators

/// A generator whose images or pullback are changed.
class BrokenGenerator final : public Generator<float> {
 public:
  using ChangeImages = std::function<void(Points<float>&)>;
  using ChangePullback = std::function<void(Vector<float>&)>;
  BrokenGenerator(const Generator<float>& good, ChangeImages images, ChangePullback pullback)
      : good_(good), images_(std::move(images)), pullback_(std::move(pullback)) {}
  [[nodiscard]] std::string name() const override { return "broken"; }
  [[nodiscard]] Index parameters() const override { return good_.parameters(); }
  [[nodiscard]] Index input_dimension() const override { return good_.input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return good_.output_dimension(); }
  [[nodiscard]] Vector<float> initial(const RandomStream& stream) const override { return good_.initial(stream); }
  [[nodiscard]] std::unique_ptr<Linearisation<float>> linearise(VectorView<float> u, PointsView<float> x) const override {
    return std::make_unique<Broken>(good_.linearise(u, x), *this);
  }

 private:
  class Broken final : public Linearisation<float> {
   public:
    Broken(std::unique_ptr<Linearisation<float>> good, const BrokenGenerator& generator)
        : good_(std::move(good)), generator_(generator), images_(good_->images()) {
      generator_.images_(images_);
    }
    [[nodiscard]] const Points<float>& images() const override { return images_; }
    [[nodiscard]] Vector<float> pullback(PointsView<float> cotangent) const override {
      auto out = good_->pullback(cotangent);
      generator_.pullback_(out);
      return out;
    }

   private:
    std::unique_ptr<Linearisation<float>> good_;
    const BrokenGenerator& generator_;
    Points<float> images_;
  };

  const Generator<float>& good_;
  ChangeImages images_;
  ChangePullback pullback_;
};

const auto kKeepImages = [](Points<float>&) {};
const auto kKeepPullback = [](Vector<float>&) {};

// ---------------------------------------------------------------------------------------------------------------- tests

class ConvGeneratorTest : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Variants, ConvGeneratorTest, ::testing::Bool(), [](const auto& variant) { return variant.param ? "residual" : "plain"; });

TEST_P(ConvGeneratorTest, shapes_and_numbers_of_parameters) {
  for (const Index w : {1, 2, 8, 16, 32}) {
    const auto net = make(w, GetParam());
    EXPECT_EQ(net->parameters(), 128 * w * w + 6310 * w + 1 + (GetParam() ? 8 * w * w + 2 * w : 0));
    EXPECT_EQ(net->input_dimension(), 32);
    EXPECT_EQ(net->output_dimension(), 784);
    const auto sizes = net->tensors();
    EXPECT_EQ(sizes.size(), GetParam() ? 8U : 6U);
    EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), Index{0}), net->parameters());
    EXPECT_EQ(net->initial(RandomStream(1, Purpose::initial, 0, 0)).size(), net->parameters());
    EXPECT_EQ(net->name(), (GetParam() ? "residual-conv[width " : "conv[width ") + std::to_string(w) + "]");
  }
}

TEST_P(ConvGeneratorTest, images_are_those_of_the_definition) {
  for (const Index w : {1, 2, 5}) {
    for (const Index n : {1, 2, 7}) {
      const Setting given(w, GetParam(), n, static_cast<std::uint32_t>(30'000 + 100 * w + 10 * n));
      EXPECT_LE(image_ratio(*given.net, given), 1.0) << "w " << w << ", n " << n;
      const BrokenGenerator transposed(
          *given.net,
          [](Points<float>& images) {
            for (auto row : images.rowwise())
              row = Eigen::Map<const Points<float>>(row.eval().data(), 28, 28).transpose().reshaped<Eigen::RowMajor>().transpose().eval();
          },
          kKeepPullback);
      EXPECT_GT(image_ratio(transposed, given), 1.0) << "w " << w << ", n " << n;
      const BrokenGenerator scaled(
          *given.net, [](Points<float>& images) { images *= 1.01F; }, kKeepPullback);
      EXPECT_GT(image_ratio(scaled, given), 1.0) << "w " << w << ", n " << n;
    }
  }
}

TEST_P(ConvGeneratorTest, images_are_between_minus_one_and_one) {
  for (const float size : {1.0F, 100.0F}) {  // with 100, tanh saturates
    const Setting given(2, GetParam(), 20, 31'000);
    const Points<float> images = given.net->forward(given.u * size, given.x);
    EXPECT_EQ(images.rows(), 20);
    EXPECT_EQ(images.cols(), 784);
    EXPECT_TRUE(images.allFinite());
    EXPECT_LE(images.cwiseAbs().maxCoeff(), 1.0F);
    EXPECT_GT(images.maxCoeff() - images.minCoeff(), 0.1F) << "the images are not constant";
  }
}

TEST_P(ConvGeneratorTest, pullback_is_the_derivative_of_the_definition) {
  std::uint32_t number = 32'000;
  int judged = 0, at_kinks = 0;
  for (const Index w : {2, 3}) {
    for (const Index n : {1, 3, 1, 3}) {
      Setting given(w, GetParam(), n, number += 10);
      given.u *= 0.5F;  // keeps tanh from saturating
      keep_one_pixel(given);
      if (relus_at_kinks(given) > 0) {
        ++at_kinks;
        continue;
      }
      ++judged;
      const auto expected = differences(given);
      EXPECT_LE(pullback_ratio(*given.net, given, expected), 1.0) << "w " << w << ", n " << n;
      const auto broken = [&](BrokenGenerator::ChangePullback change) {
        return pullback_ratio(BrokenGenerator(*given.net, kKeepImages, std::move(change)), given, expected);
      };
      EXPECT_GT(broken([](Vector<float>& out) { out = -out; }), 1.0);
      EXPECT_GT(broken([](Vector<float>& out) { out *= 1.01F; }), 1.0);
      EXPECT_GT(broken([](Vector<float>& out) { out[1] = std::numeric_limits<float>::quiet_NaN(); }), 1.0);
      Index offset = 0;
      for (const Index size : given.net->tensors()) {
        EXPECT_GT(broken([&](Vector<float>& out) { out.segment(offset, size).setZero(); }), 1.0)
            << "w " << w << ", n " << n << ", the tensor at " << offset << " forgotten";
        offset += size;
      }
    }
  }
  std::cout << "judged " << judged << ", not judged because a relu is within rounding of its kink " << at_kinks << '\n';
  EXPECT_GE(judged, 4);
}

TEST_P(ConvGeneratorTest, at_the_kink_the_slope_is_0) {
  Setting given(2, GetParam(), 3, 32'900);
  const auto sizes = given.net->tensors();
  const Index first = sizes[0] + sizes[1];
  given.u.head(first).setZero();  // h_1 = relu(0)
  EXPECT_EQ(given.net->pullback(given.u, given.x, given.cotangent).head(first), Vector<float>::Zero(first));
  given.u.segment(sizes[0], sizes[1]).setConstant(1e-3F);
  EXPECT_GT(given.net->pullback(given.u, given.x, given.cotangent).head(first).norm(), 0.0F) << "on the right of the kink the derivative is not 0";
}

TEST_P(ConvGeneratorTest, pullback_is_linear_in_the_cotangent) {
  const Setting given(3, GetParam(), 4, 33'000);
  const auto at = given.net->linearise(given.u, given.x);
  const Points<float> other = normals(4, 784, 33'010).cast<float>();
  const Vector<float> first = at->pullback(given.cotangent), second = at->pullback(other);
  // products with powers of two are exact
  EXPECT_EQ(at->pullback(-given.cotangent), -first);
  EXPECT_EQ(at->pullback(0.25F * given.cotangent), 0.25F * first);
  EXPECT_EQ(at->pullback(Points<float>::Zero(4, 784)), Vector<float>::Zero(first.size()));
  // sums err by rounding, judged by the network of absolute values with the cotangent |c| + |c'|: three pullbacks
  const Points<float> sum = given.cotangent + other;
  Setting absolute(3, GetParam(), 4, 33'000);
  absolute.cotangent = given.cotangent.cwiseAbs() + other.cwiseAbs();
  const Absolute bound(absolute);
  const auto judge = [&](const Vector<float>& whole) {
    double worst = 0.0;
    for (const Index i : coordinates(*given.net)) {
      const double allowed = 3.0 * tolerance::gamma(pullback_roundings(3, 4 * 784), kUnit) * bound.derivative(i);
      worst = std::max(worst, ratio(std::abs(static_cast<double>(whole[i]) - static_cast<double>(first[i]) - static_cast<double>(second[i])), allowed));
    }
    return worst;
  };
  EXPECT_LE(judge(at->pullback(sum)), 1.0);
  EXPECT_GT(judge(first), 1.0);
}

TEST_P(ConvGeneratorTest, an_image_depends_on_its_own_input_alone) {
  constexpr Index kPoints = 6;
  const Setting given(4, GetParam(), kPoints, 34'000);
  const auto allowed = image_tolerance(*given.net, GetParam(), given.u, given.x);
  const auto judge = [&](const Generator<float>& generator) {
    const Points<float> together = generator.forward(given.u, given.x);
    double worst = 0.0;
    for (Index k = 0; k < kPoints; ++k) {
      const Points<float> alone = generator.forward(given.u, given.x.row(k));
      worst = std::max(worst, worst_ratio((together.row(k) - alone).cast<double>(), 2.0 * allowed.row(k)));
    }
    return worst;
  };
  EXPECT_LE(judge(*given.net), 1.0);
  const BrokenGenerator batch_normalised(
      *given.net, [](Points<float>& images) { images.rowwise() -= images.colwise().mean().eval(); }, kKeepPullback);
  EXPECT_GT(judge(batch_normalised), 1.0);
  // in a batch of the same size not even a bit depends on the others
  Points<float> others = normals(kPoints, 32, 34'010).cast<float>();
  others.row(2) = given.x.row(2);
  EXPECT_EQ(given.net->forward(given.u, others).row(2), given.net->forward(given.u, given.x).row(2));
}

TEST_P(ConvGeneratorTest, large_batches_in_pieces) {
  const Setting given(1, GetParam(), 600, 35'000);  // two pieces of 256 and a rest
  const auto allowed = image_tolerance(*given.net, GetParam(), given.u, given.x);
  const Points<float> whole = given.net->linearise(given.u, given.x)->images();
  const Points<float> pieces = given.net->forward(given.u, given.x);
  EXPECT_LE(worst_ratio((pieces - whole).cast<double>(), 2.0 * allowed), 1.0);
  EXPECT_GT(worst_ratio((pieces.colwise().reverse() - whole).cast<double>(), 2.0 * allowed), 1.0);
}

TEST_P(ConvGeneratorTest, the_same_bits_again_and_on_two_threads) {
  constexpr Index kCases = 8;
  struct Result {
    Points<float> images, forward;
    Vector<float> first, second;
  };
  std::vector<Setting> settings;
  for (Index i = 0; i < kCases; ++i) settings.emplace_back(4, GetParam(), 5 + i, static_cast<std::uint32_t>(36'000 + 10 * i));
  const auto compute = [&](Index i) {
    const auto& given = settings[static_cast<std::size_t>(i)];
    const auto at = given.net->linearise(given.u, given.x);
    return Result{at->images(), given.net->forward(given.u, given.x), at->pullback(given.cotangent), at->pullback(given.cotangent)};
  };
  const auto expect_equal = [](const Result& a, const Result& b) {
    EXPECT_EQ(a.images, b.images);
    EXPECT_EQ(a.forward, b.forward);
    EXPECT_EQ(a.first, b.first);
  };
  std::vector<Result> expected, got(kCases);
  for (Index i = 0; i < kCases; ++i) expected.push_back(compute(i));
  for (const auto& one : expected) EXPECT_EQ(one.first, one.second) << "the second pullback of one linearisation";
  for (std::size_t i = 0; i < expected.size(); ++i) expect_equal(compute(static_cast<Index>(i)), expected[i]);
  EXPECT_NE(expected[0].first, expected[1].first) << "the comparison can fail";
  set_thread_count(2);
  for (int repeat = 0; repeat < 5; ++repeat) {
    parallel_for(kCases, [&](Index i) { got[static_cast<std::size_t>(i)] = compute(i); });
    for (std::size_t i = 0; i < expected.size(); ++i) expect_equal(got[i], expected[i]);
  }
  // one linearisation, pulled back on both threads
  const auto shared = settings[0].net->linearise(settings[0].u, settings[0].x);
  std::vector<Vector<float>> pulled(kCases);
  parallel_for(kCases, [&](Index i) { pulled[static_cast<std::size_t>(i)] = shared->pullback(settings[0].cotangent); });
  for (const auto& one : pulled) EXPECT_EQ(one, expected[0].first);
}

TEST_P(ConvGeneratorTest, a_linearisation_keeps_its_point) {
  Setting given(2, GetParam(), 3, 37'000);
  const auto expected = given.net->pullback(given.u, given.x, given.cotangent);
  const auto at = given.net->linearise(given.u, given.x);
  given.u.setZero();
  given.x.setZero();
  EXPECT_EQ(at->pullback(given.cotangent), expected);
}

TEST_P(ConvGeneratorTest, u0_has_the_variances_that_are_stated) {
  constexpr Index kWidth = 16;
  const auto net = make(kWidth, GetParam());
  const Vector<double> u = net->initial(RandomStream(1, Purpose::initial, 38, 0)).cast<double>();
  const double taps = GetParam() ? 5.0 : 4.0;
  const double bias = 1e-4, first = 2.0 / 32.0, second = 2.0 / (taps * 4 * kWidth), third = 2.0 / (taps * 2 * kWidth);
  const std::vector<double> variances =
      GetParam() ? std::vector{first, bias, second, bias, second, third, bias, third} : std::vector{first, bias, second, bias, third, bias};
  const auto sizes = net->tensors();
  ASSERT_EQ(sizes.size(), variances.size());
  // (sum of squares) / variance has a χ² law; false alarms: 10⁻⁶ over all tensors, two-sided
  const double level = 1e-6 / static_cast<double>(sizes.size());
  Index offset = 0;
  bool told_apart = false;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const boost::math::chi_squared law(static_cast<double>(sizes[i]));
    const double squares = u.segment(offset, sizes[i]).squaredNorm();
    EXPECT_GT(squares / variances[i], quantile(law, level / 2.0)) << "tensor " << i;
    EXPECT_LT(squares / variances[i], quantile(complement(law, level / 2.0))) << "tensor " << i;
    told_apart = told_apart || squares / (1.25 * variances[i]) < quantile(law, level / 2.0);
    offset += sizes[i];
  }
  EXPECT_TRUE(told_apart) << "5 terms instead of 4 would be noticed";
}

TEST_P(ConvGeneratorTest, the_gain_scales_u0) {
  const RandomStream stream(1, Purpose::initial, 39, 0);
  const auto with_gain = [](double gain) -> std::unique_ptr<TransposedConvolutions> {
    if (GetParam()) return std::make_unique<ResidualConvGenerator>(2, gain);
    return std::make_unique<ConvGenerator>(2, gain);
  };
  EXPECT_EQ(with_gain(1.0)->initial(stream), make(2, GetParam())->initial(stream));
  EXPECT_EQ(with_gain(0.25)->initial(stream), 0.25F * make(2, GetParam())->initial(stream));
  EXPECT_NE(with_gain(0.25)->name(), with_gain(1.0)->name());
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THROW((void)with_gain(bad), InputError);
}

TEST_P(ConvGeneratorTest, what_does_not_fit_is_rejected) {
  const Setting given(1, GetParam(), 2, 39'000);
  EXPECT_THROW((void)make(0, GetParam()), InputError);
  EXPECT_THROW((void)make(-3, GetParam()), InputError);
  EXPECT_THROW((void)given.net->forward(given.u.head(5), given.x), InputError);
  EXPECT_THROW((void)given.net->linearise(given.u, given.x.leftCols(31)), InputError);
  EXPECT_THROW((void)given.net->forward(given.u, Points<float>(0, 32)), InputError);
  EXPECT_THROW((void)given.net->linearise(given.u, given.x)->pullback(given.cotangent.leftCols(783)), InputError);
  EXPECT_NO_THROW((void)given.net->linearise(given.u, given.x)->pullback(given.cotangent));
}

}  // namespace
}  // namespace slicecheck
