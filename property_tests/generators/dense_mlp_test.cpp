/// The dense network against its textbook, for all activations; the convention at kinks; sizes; errors.

#include "slicecheck/generators/dense_mlp.h"

#include <gtest/gtest.h>

#include <numeric>

#include "generators/pullback_check.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck::testing {
namespace {

constexpr std::array kAll{Activation::identity, Activation::relu, Activation::leaky_relu, Activation::tanh, Activation::softplus};

struct Shape {
  Index input;
  std::vector<Index> hidden;
  Index output;

  [[nodiscard]] std::vector<Index> widths() const {
    std::vector<Index> all = hidden;
    all.push_back(output);
    return all;
  }
};

const std::vector<Shape> kShapes{{2, {4, 3}, 2}, {1, {1}, 1}, {3, {}, 2}, {2, {5, 4, 3}, 4}};

/// One comparison with the textbook.
template <class S>
class Comparison {
 public:
  Comparison(const Shape& shape, Activation act, std::uint32_t number) : shape_(shape), act_(act), net_(shape.input, shape.hidden, shape.output, act) {
    const Index n = 1 + static_cast<Index>(number % 5);
    x_ = random_points<S>(n, shape.input, 7 * number);
    u_ = random_vector<S>(net_.parameters(), 7 * number + 1, 0.7);
    v_ = random_vector<S>(net_.parameters(), 7 * number + 2, 1.0);
    c_ = random_points<S>(n, shape.output, 7 * number + 3);
  }

  /// No pre-activation is so near to 0 that rounding could put it on the other side of a kink.
  [[nodiscard]] bool away_from_kinks() const {
    double least = std::numeric_limits<double>::infinity();
    const TextbookMlp watched{shape_.widths(),
                              [&](Complex t) {
                                least = std::min(least, std::abs(t.real()));
                                return activate_complex(act_, t);
                              },
                              x_};
    (void)complex_step(watched, u_, v_);
    return least > relative_error() * mlp_terms(shape_.widths(), x_, u_, v_).features;
  }

  /// The larger observed / allowed of images and pullback.
  [[nodiscard]] double ratio() const {
    const TextbookMlp textbook{shape_.widths(), [&](Complex t) { return activate_complex(act_, t); }, x_};
    const PullbackErrors errors = pullback_errors<S>(net_, textbook, x_, u_, v_, c_);
    const MlpTerms terms = mlp_terms(shape_.widths(), x_, u_, v_);
    const double of_images = relative_error() * terms.images.maxCoeff();
    // A slope errs by at most the error of its pre-activation (|act''| ≤ 1), in every layer.
    const double of_slopes = 1.0 + static_cast<double>(net_.layers()) * terms.features;
    const double of_pullback = relative_error() * of_slopes * terms.derivative.cwiseProduct(c_.cwiseAbs()).sum();
    return std::max(errors.images / of_images, errors.pullback / of_pullback);
  }

 private:
  [[nodiscard]] double relative_error() const { return mlp_relative_error(shape_.widths(), x_, net_.parameters(), tolerance::unit_roundoff<S>()); }

  Shape shape_;
  Activation act_;
  DenseMlp<S> net_;
  Points<double> x_;
  Eigen::VectorXd u_;
  Eigen::VectorXd v_;
  Points<double> c_;
};

template <class S>
class DenseMlpTest : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(DenseMlpTest, Scalars);

TYPED_TEST(DenseMlpTest, images_and_pullback_are_the_textbook_s) {
  for (const Activation act : kAll) {
    double worst = 0.0;
    int judged = 0;
    int drawn = 0;
    for (const Shape& shape : kShapes) {
      for (std::uint32_t number = 0; number < 40; ++number) {
        const Comparison<TypeParam> comparison(shape, act, number);
        ++drawn;
        const bool has_kinks = act == Activation::relu || act == Activation::leaky_relu;
        if (has_kinks && !comparison.away_from_kinks()) continue;
        ++judged;
        const double ratio = comparison.ratio();
        EXPECT_LE(ratio, 1.0) << activation_name(act) << ", number " << number;
        worst = std::max(worst, ratio);
      }
    }
    EXPECT_GT(4 * judged, 3 * drawn) << activation_name(act) << ": too few of the cases are away from kinks";
    EXPECT_GT(worst, 1e-6) << "a tolerance that nothing comes near is no test";
  }
}

TYPED_TEST(DenseMlpTest, the_comparison_refuses_another_activation) {
  using S = TypeParam;
  const Shape shape{2, {4, 3}, 2};
  const DenseMlp<S> net(shape.input, shape.hidden, shape.output, Activation::leaky_relu);
  const Points<double> x = random_points<S>(3, 2, 1);
  const TextbookMlp relu{shape.widths(), [](Complex t) { return activate_complex(Activation::relu, t); }, x};
  const auto errors =
      pullback_errors<S>(net, relu, x, random_vector<S>(net.parameters(), 2, 0.7), random_vector<S>(net.parameters(), 3, 1.0), random_points<S>(3, 2, 4));
  EXPECT_GT(errors.images, 1e-4);
  EXPECT_GT(errors.pullback, 1e-4);
}

TYPED_TEST(DenseMlpTest, at_a_kink_the_slope_is_the_left_one) {
  using S = TypeParam;
  // h = act(1·x − 1) at x = 1 is at its kink; T = 5x + 7h + 2.
  Vector<S> u(5);
  u << S{1}, S{-1}, S{5}, S{7}, S{2};
  const Points<S> x{{S{1}}};
  const Points<S> c{{S{1}}};
  Vector<S> expected(5);
  expected << S{0}, S{0}, S{1}, S{0}, S{1};
  EXPECT_EQ(DenseMlp<S>(1, {1}, 1, Activation::relu).pullback(u, x, c), expected);
  expected.head(2).setConstant(S{7} * S(0.01));
  EXPECT_EQ(DenseMlp<S>(1, {1}, 1, Activation::leaky_relu).pullback(u, x, c), expected);
  EXPECT_EQ(DenseMlp<S>(1, {1}, 1, Activation::relu).forward(u, x), (Points<S>{{S{7}}}));
}

TYPED_TEST(DenseMlpTest, the_network_of_report_000_has_68102_parameters) {
  using S = TypeParam;
  const DenseMlp<S> net(2, {256, 256}, 2, Activation::relu);
  EXPECT_EQ(net.parameters(), 68'102);
  EXPECT_EQ(net.layers(), 3);
  EXPECT_EQ(net.tensors(), (std::vector<Index>{512, 256, 66'048, 256, 1'028, 2}));
}

TYPED_TEST(DenseMlpTest, tensors_add_up_to_the_parameters) {
  for (const Shape& shape : kShapes) {
    const DenseMlp<TypeParam> net(shape.input, shape.hidden, shape.output, Activation::tanh);
    const auto tensors = net.tensors();
    EXPECT_EQ(std::accumulate(tensors.begin(), tensors.end(), Index{0}), net.parameters());
    EXPECT_EQ(net.input_dimension(), shape.input);
    EXPECT_EQ(net.output_dimension(), shape.output);
  }
}

TYPED_TEST(DenseMlpTest, initial_parameters_are_the_documented_normals) {
  using S = TypeParam;
  const DenseMlp<S> net(2, {3}, 2, Activation::relu);
  const RandomStream stream(4, Purpose::initial, 2, 0);
  Eigen::VectorXd u(net.parameters());
  ASSERT_EQ(u.size(), 6 + 3 + 10 + 2);
  stream.fill_normal(u);
  u.segment(0, 6) *= std::sqrt(2.0 / 2.0);
  u.segment(6, 3) *= 1e-2;
  u.segment(9, 10) *= std::sqrt(2.0 / 5.0);
  u.segment(19, 2) *= 1e-2;
  EXPECT_EQ(net.initial(stream), u.cast<S>());
}

TYPED_TEST(DenseMlpTest, rejects_what_does_not_fit) {
  using S = TypeParam;
  EXPECT_THROW(DenseMlp<S>(0, {3}, 2, Activation::relu), InputError);
  EXPECT_THROW(DenseMlp<S>(2, {3, 0}, 2, Activation::relu), InputError);
  EXPECT_THROW(DenseMlp<S>(2, {3}, 0, Activation::relu), InputError);
  const DenseMlp<S> net(2, {3}, 2, Activation::relu);
  const Vector<S> u = Vector<S>::Ones(net.parameters());
  EXPECT_THROW((void)net.forward(Vector<S>::Ones(net.parameters() + 1), Points<S>::Ones(1, 2)), InputError);
  EXPECT_THROW((void)net.forward(u, Points<S>::Ones(1, 3)), InputError);
  EXPECT_THROW((void)net.forward(u, Points<S>(0, 2)), InputError);
  EXPECT_THROW((void)net.pullback(u, Points<S>::Ones(1, 2), Points<S>::Ones(2, 2)), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
