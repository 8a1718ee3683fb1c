/// The generator of report 002 against its textbook; the box; its initial law; errors.

#include "slicecheck/generators/box_generator.h"

#include <gtest/gtest.h>

#include <numeric>

#include "generators/pullback_check.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck::testing {
namespace {

constexpr double kLow = -0.5;
constexpr double kHigh = 0.75;

/// The network over complex numbers: u = (W_1 by rows, b_1, …).
struct TextbookBox {
  std::vector<Index> widths;  // input, hidden layers, output
  Points<double> x;

  ComplexPoints operator()(const ComplexVector& u) const {
    ComplexPoints out(x.rows(), widths.back());
    for (Index k = 0; k < x.rows(); ++k) {
      std::vector<Complex> seen(x.row(k).begin(), x.row(k).end());
      Index next = 0;
      for (std::size_t m = 1; m < widths.size(); ++m) {
        std::vector<Complex> layer(static_cast<std::size_t>(widths[m]));
        for (Complex& sum : layer)
          for (const Complex& feature : seen) sum += u[next++] * feature;
        for (Complex& sum : layer) sum += u[next++];
        const bool last = m + 1 == widths.size();
        for (Complex& t : layer) t = last ? kLow + (kHigh - kLow) / (1.0 + std::exp(-t)) : (t.real() > 0.0 ? t : std::exp(t) - 1.0);
        seen = layer;
      }
      for (std::size_t i = 0; i < seen.size(); ++i) out(k, static_cast<Index>(i)) = seen[i];
    }
    return out;
  }
};

template <class S>
void compare(const std::vector<Index>& widths, std::uint32_t number) {
  const BoxGenerator<S> net(widths.front(), {widths.begin() + 1, widths.end() - 1}, widths.back(), kLow, kHigh);
  const Index n = 1 + static_cast<Index>(number % 5);
  const Points<double> x = random_points<S>(n, widths.front(), 7 * number);
  const Eigen::VectorXd u = random_vector<S>(net.parameters(), 7 * number + 1, 0.7);
  const Eigen::VectorXd v = random_vector<S>(net.parameters(), 7 * number + 2, 1.0);
  const Points<double> c = random_points<S>(n, widths.back(), 7 * number + 3);
  const PullbackErrors errors = pullback_errors<S>(net, TextbookBox{widths, x}, x, u, v, c);
  // |elu(t)| ≤ |t| and slopes at most 1 (the last one at most (high − low)/4 ≤ 1): the linear network of absolute values bounds what is rounded. Its terms are
  // those of a residual network with the same widths, which sees more. Ten more roundings a layer are for e^t and the logistic function, twice for the
  // textbook.
  const std::vector<Index> layers(widths.begin() + 1, widths.end());
  ComplexVector at(u.size());
  for (Index i = 0; i < u.size(); ++i) at[i] = {std::abs(u[i]), kImaginaryStep * std::abs(v[i])};
  const auto bound = [&] {
    Points<Complex> seen = x.cwiseAbs().cast<Complex>();
    Index next = 0;
    for (const Index width : layers) {
      Points<Complex> layer(n, width);
      for (Index i = 0; i < width; ++i) {
        layer.col(i) = seen * at.segment(next, seen.cols());
        next += seen.cols();
      }
      for (Index i = 0; i < width; ++i) layer.col(i).array() += at[next++];
      seen = layer;
    }
    return seen;
  }();
  const double relative = mlp_relative_error(layers, x, net.parameters(), tolerance::unit_roundoff<S>());
  const double size = bound.real().maxCoeff() + 1.0;
  EXPECT_LE(errors.images, relative * size) << net.name() << " number " << number;
  // Slopes err by their activations' errors times second derivatives of at most 1: once more the size of what is rounded, for each layer.
  const double depth = static_cast<double>(layers.size()) + 1.0;
  EXPECT_LE(errors.pullback, depth * relative * size * (bound.imag() / kImaginaryStep).cwiseProduct(c.cwiseAbs()).sum()) << net.name() << " number " << number;
}

TEST(BoxGenerator, images_and_pullback_are_the_textbooks) {
  for (const std::vector<Index>& widths : {std::vector<Index>{10, 6, 5, 2}, {1, 1, 1}, {3, 2}, {2, 4, 3, 5, 1}})
    for (std::uint32_t number = 0; number < 40; ++number) {
      compare<double>(widths, number);
      compare<float>(widths, number);
    }
}

TEST(BoxGenerator, every_image_is_in_the_box) {
  const BoxGenerator<float> net(3, {8}, 2, kLow, kHigh);
  for (const double scale : {1.0, 30.0, 1e6}) {
    const Points<float> images = net.forward(random_vector<float>(net.parameters(), 1, scale).cast<float>(), random_points<float>(50, 3, 2).cast<float>());
    EXPECT_TRUE(images.allFinite());
    EXPECT_GE(images.minCoeff(), static_cast<float>(kLow));
    EXPECT_LE(images.maxCoeff(), static_cast<float>(kHigh));
  }
  const Vector<float> zero = Vector<float>::Zero(net.parameters());
  EXPECT_EQ(net.forward(zero, Points<float>::Ones(1, 3))(0, 1), 0.125F);  // the middle
}

TEST(BoxGenerator, sizes_and_the_initial_law) {
  const BoxGenerator<double> net(10, {64, 64}, 2, -0.5, 0.5);
  EXPECT_EQ(net.parameters(), 4994);
  const auto tensors = net.tensors();
  EXPECT_EQ(tensors, (std::vector<Index>{640, 64, 4096, 64, 128, 2}));
  const Vector<double> u = net.initial({3, Purpose::initial, 0, 0});
  EXPECT_EQ(u, net.initial({3, Purpose::initial, 0, 0}));
  EXPECT_NE(u, net.initial({4, Purpose::initial, 0, 0}));
  const double bound = std::sqrt(6.0 / 74.0);
  EXPECT_LE(u.head(640).cwiseAbs().maxCoeff(), bound);
  EXPECT_GT(u.head(640).cwiseAbs().maxCoeff(), 0.95 * bound);  // fails with probability 0.95^640 < 10^−14
  EXPECT_LT(u.segment(640, 64).cwiseAbs().maxCoeff(), 0.08);   // eight standard deviations
  EXPECT_GT(u.segment(640, 64).cwiseAbs().minCoeff(), 0.0);
}

TEST(BoxGenerator, refuses_what_it_cannot_be) {
  EXPECT_THROW(BoxGenerator<float>(0, {4}, 2, 0.0, 1.0), InputError);
  EXPECT_THROW(BoxGenerator<float>(2, {0}, 2, 0.0, 1.0), InputError);
  EXPECT_THROW(BoxGenerator<float>(2, {4}, 2, 1.0, 1.0), InputError);
  EXPECT_THROW(BoxGenerator<float>(2, {4}, 2, 0.0, std::numeric_limits<double>::infinity()), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
