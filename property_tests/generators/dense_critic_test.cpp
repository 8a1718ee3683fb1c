/// The dense critic against its textbook, forwards and with derivatives; against hand-made cases; kinks; batches of one; errors.

#include "slicecheck/generators/dense_critic.h"

#include <gtest/gtest.h>

#include <cstring>

#include "generators/pullback_check.h"
#include "slicecheck/claims/generative_textbook.h"
#include "slicecheck/core/error.h"

namespace slicecheck::testing {
namespace {

struct CriticCase {
  Index input;
  std::vector<Index> widths;
  CriticActivation act;
  bool normalised;
};

std::vector<CriticCase> critic_cases() {
  std::vector<CriticCase> cases;
  for (const CriticActivation act : {CriticActivation::leaky_relu, CriticActivation::tanh})
    for (const bool normalised : {false, true})
      for (const auto& [input, widths] : std::vector<std::pair<Index, std::vector<Index>>>{{2, {4, 3}}, {1, {1}}, {3, {5}}, {4, {3, 2, 4}}})
        cases.push_back({input, widths, act, normalised});
  return cases;
}

/// A linear form of what the textbook's critic gives.
Tracked form(const TrackedCritic& at, const CriticCotangent<double>& c) {
  std::vector<Tracked> terms;
  for (std::size_t k = 0; k < at.scores.size(); ++k) {
    const auto row = static_cast<Index>(k);
    if (c.scores.size() != 0) terms.push_back(at.scores[k] * Tracked(c.scores[row]));
    for (std::size_t j = 0; j < at.features[k].size() && c.features.size() != 0; ++j)
      terms.push_back(at.features[k][j] * Tracked(c.features(row, static_cast<Index>(j))));
  }
  return sum(terms);
}

template <class S>
class DenseCriticTest : public ::testing::Test {
 protected:
  /// Bounds of the textbook are proportional to the unit roundoff.
  static double scale() { return tolerance::unit_roundoff<S>() / Tracked::u; }

  static void expect_near(double computed, const Tracked& expected, double& worst) {
    const double ratio = expected.error > 0.0 ? std::abs(computed - expected.value) / (scale() * distance_of_values(expected)) : 0.0;
    EXPECT_LE(ratio, 1.0) << computed << " and " << expected.value;
    worst = std::max(worst, ratio);
  }
};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(DenseCriticTest, Scalars);

// Fixed cases; none of them is within single precision's rounding of a kink.
TYPED_TEST(DenseCriticTest, is_its_textbook) {
  using S = TypeParam;
  double worst_value = 0.0;
  double worst_slope = 0.0;
  std::uint32_t number = 0;
  for (const CriticCase& shape : critic_cases()) {
    const DenseCritic<S> critic(shape.input, shape.widths, shape.act, shape.normalised);
    const DenseCritic<double> net(shape.input, shape.widths, shape.act, shape.normalised);
    const double roundings = roundings_on_a_path({shape.input, {1}, Activation::tanh}, &net, 6, 1);
    for (Index n = 2; n <= 6; ++n, number += 7) {
      const Points<double> x = random_points<S>(n, shape.input, number);
      const Eigen::VectorXd v = random_vector<S>(critic.parameters(), number + 1, 0.8);
      const Eigen::VectorXd along_v = random_vector<S>(critic.parameters(), number + 2, 1.0);
      const Points<double> along_x = random_points<S>(n, shape.input, number + 3);
      CriticCotangent<double> c{random_points<S>(n, critic.feature_dimension(), number + 4), random_vector<S>(n, number + 5, 1.0)};
      if (n == 3) c.features.resize(0, 0);
      if (n == 4) c.scores.resize(0);
      const CriticCotangent<S> c_s{c.features.template cast<S>(), c.scores.template cast<S>()};

      const auto at = critic.linearise(v.cast<S>(), x.cast<S>());
      PlayersTextbook book;
      const TrackedCritic by_v = book.critic(net, exactly(v, along_v), exactly(x));
      TrackedCloud moving;
      for (Index k = 0; k < n; ++k) moving.push_back(exactly(x.row(k).transpose().eval(), along_x.row(k).transpose().eval()));
      const TrackedCritic by_x = book.critic(net, exactly(v), moving);
      ASSERT_FALSE(book.near_kink());

      ASSERT_EQ(at->statistics().size(), critic.statistics());
      ASSERT_EQ(at->statistics().size(), static_cast<Index>(by_v.statistics.size()));
      for (Index i = 0; i < at->statistics().size(); ++i)
        this->expect_near(static_cast<double>(at->statistics()[i]), by_v.statistics[static_cast<std::size_t>(i)], worst_value);
      for (Index k = 0; k < n; ++k) {
        const auto row = static_cast<std::size_t>(k);
        this->expect_near(static_cast<double>(at->scores()[k]), by_v.scores[row], worst_value);
        for (Index j = 0; j < critic.feature_dimension(); ++j)
          this->expect_near(static_cast<double>(at->features()(k, j)), by_v.features[row][static_cast<std::size_t>(j)], worst_value);
      }
      const auto compare = [&](double computed, const Tracked& expected) {
        const double ratio = std::abs(computed - expected.slope) / (this->scale() * distance_of_slopes(expected, roundings));
        EXPECT_LE(ratio, 1.0) << critic.name() << ", n = " << n << ": " << computed << " and " << expected.slope;
        worst_slope = std::max(worst_slope, ratio);
      };
      compare(at->pullback_parameters(c_s).template cast<double>().dot(along_v), form(by_v, c));
      compare(at->pullback_points(c_s).template cast<double>().cwiseProduct(along_x).sum(), form(by_x, c));

      if (shape.normalised) continue;
      const PenaltyGradient<S> penalty = critic.gradient_penalty(v.cast<S>(), x.cast<S>());
      const Tracked expected = book.gradient_penalty(net, exactly(v, along_v), x);
      this->expect_near(penalty.value, expected, worst_value);
      compare(penalty.gradient.template cast<double>().dot(along_v), expected);
    }
  }
  EXPECT_GT(worst_value, 1e-3) << "a tolerance that nothing comes near is no test";
  EXPECT_GT(worst_slope, 1e-4);
  std::cout << "largest observed / allowed: values " << worst_value << ", derivatives " << worst_slope << '\n';
}

/// (f(v + εr) − f(v − εr))/2ε: the error is ε²/6 of the third derivative, which the difference of two of them shows (3/4 of ε² c against 1/4 of it), and
/// rounding over ε.
TYPED_TEST(DenseCriticTest, gradient_penalty_is_the_limit_of_difference_quotients) {
  if constexpr (std::is_same_v<TypeParam, double>) {
    for (std::uint32_t number = 0; number < 20; ++number) {
      const DenseCritic<double> critic(2, {4, 3}, CriticActivation::tanh);
      const Points<double> x = random_points<double>(4, 2, 300 + number);
      const Eigen::VectorXd v = random_vector<double>(critic.parameters(), 400 + number, 0.8);
      const Eigen::VectorXd r = random_vector<double>(critic.parameters(), 500 + number, 1.0);
      const auto quotient = [&](double step) {
        return (critic.gradient_penalty(v + step * r, x).value - critic.gradient_penalty(v - step * r, x).value) / (2.0 * step);
      };
      constexpr double step = 0x1p-13;
      const double fine = quotient(step / 2.0);
      const PenaltyGradient<double> at = critic.gradient_penalty(v, x);
      PlayersTextbook book;
      const double rounding = 2.0 * book.gradient_penalty(critic, exactly(v), x).error / step;
      EXPECT_LE(std::abs(at.gradient.dot(r) - fine), std::abs(quotient(step) - fine) + 2.0 * rounding) << number;
    }
  }
}

TYPED_TEST(DenseCriticTest, one_unit_by_hand) {
  using S = TypeParam;
  // h = leaky(2x − 1), s = 3h + 5, at x = 1 and x = −1: h = 1 and −0.6.
  const DenseCritic<S> critic(1, {1}, CriticActivation::leaky_relu);
  Vector<S> v(4);
  v << S{2}, S{-1}, S{3}, S{5};
  const Points<S> x{{S{1}}, {S{-1}}};
  const S slope = static_cast<S>(kCriticLeakySlope);
  const auto at = critic.linearise(v, x);
  EXPECT_EQ(at->features(), (Points<S>{{S{1}}, {S{-3} * slope}}));
  EXPECT_EQ(at->scores()[0], S{8});
  EXPECT_EQ(at->statistics().size(), 0);
  Vector<S> expected(4);  // Σ s: dW = 3(1·1 − slope), db = 3(1 + slope), dw = Σ h, db' = 2
  expected << S{3} - S{3} * slope, S{3} + S{3} * slope, S{1} - S{3} * slope, S{2};
  const Vector<S> ones = Vector<S>::Ones(2);
  EXPECT_LE((at->pullback_parameters({{}, ones}) - expected).norm(), S{16} * static_cast<S>(tolerance::unit_roundoff<S>()) * expected.norm());
  EXPECT_EQ(at->pullback_points({{}, ones})(0, 0), S{6});
  EXPECT_EQ(at->pullback_points({{}, ones})(1, 0), S{3} * slope * S{2});
  EXPECT_EQ(at->pullback_points({Points<S>::Ones(2, 1), {}})(0, 0), S{2});

  // ∇s = 6 at the first point alone: (6 − 1)², and its derivative 2·5·(3, 0, 2, 0) in (W, b, w, b').
  const PenaltyGradient<S> penalty = critic.gradient_penalty(v, x.topRows(1));
  EXPECT_EQ(penalty.value, 25.0);
  EXPECT_EQ(penalty.gradient, (Vector<S>{{S{30}, S{0}, S{20}, S{0}}}));
}

TYPED_TEST(DenseCriticTest, normalisation_by_hand) {
  using S = TypeParam;
  // a = x, at x = 3 and x = −1: mean 1, variance 4, x̂ = ±2/√(4 + 10⁻⁵); scale 2, shift 0.5; h = act(2x̂ + 0.5).
  const DenseCritic<S> critic(1, {1}, CriticActivation::leaky_relu, true);
  ASSERT_EQ(critic.parameters(), 6);
  ASSERT_EQ(critic.statistics(), 2);
  Vector<S> v(6);
  v << S{1}, S{0}, S{2}, S(0.5), S{1}, S{0};
  const auto at = critic.linearise(v, Points<S>{{S{3}}, {S{-1}}});
  EXPECT_EQ(at->statistics(), (Vector<S>{{S{1}, S{4}}}));
  const double normalised = 2.0 / std::sqrt(4.0 + 1e-5);
  const double u = tolerance::unit_roundoff<S>();
  EXPECT_NEAR(static_cast<double>(at->features()(0, 0)), 2.0 * normalised + 0.5, 16.0 * u * 4.5);
  EXPECT_NEAR(static_cast<double>(at->features()(1, 0)), 0.2 * (0.5 - 2.0 * normalised), 16.0 * u * 4.5);
}

TYPED_TEST(DenseCriticTest, a_batch_of_one_is_normalised_to_the_shift) {
  using S = TypeParam;
  const DenseCritic<S> critic(2, {3, 2}, CriticActivation::tanh, true);
  const Vector<S> v = critic.initial({1, Purpose::critic_initial, 0, 0});
  const auto one = critic.linearise(v, Points<S>{{S{1}, S{2}}});
  const auto two = critic.linearise(v, Points<S>{{S{-7}, S{4}}});
  EXPECT_EQ(one->features(), two->features());
  EXPECT_EQ(one->scores(), two->scores());
  EXPECT_EQ(one->pullback_points({{}, Vector<S>::Ones(1)}), (Points<S>::Zero(1, 2)));
  EXPECT_TRUE(one->pullback_parameters({Points<S>::Ones(1, 2), Vector<S>::Ones(1)}).allFinite());
  EXPECT_EQ(one->statistics().tail(3), Vector<S>::Zero(3));
}

TYPED_TEST(DenseCriticTest, at_a_kink_the_slope_is_the_left_one) {
  using S = TypeParam;
  const DenseCritic<S> critic(1, {1}, CriticActivation::leaky_relu);
  Vector<S> v(4);
  v << S{1}, S{-1}, S{1}, S{0};
  const Points<S> at_kink{{S{1}}};
  EXPECT_EQ(critic.linearise(v, at_kink)->pullback_points({{}, Vector<S>::Ones(1)})(0, 0), static_cast<S>(kCriticLeakySlope));
  EXPECT_NEAR(critic.gradient_penalty(v, at_kink).value, 0.64, 8.0 * tolerance::unit_roundoff<S>());
}

TYPED_TEST(DenseCriticTest, where_the_score_is_flat_the_penalty_has_slope_0) {
  using S = TypeParam;
  const DenseCritic<S> critic(2, {3}, CriticActivation::tanh);
  const PenaltyGradient<S> penalty = critic.gradient_penalty(Vector<S>::Zero(critic.parameters()), Points<S>::Ones(4, 2));
  EXPECT_EQ(penalty.value, 1.0);
  EXPECT_EQ(penalty.gradient, Vector<S>::Zero(critic.parameters()));
}

TYPED_TEST(DenseCriticTest, the_same_call_gives_the_same_bits) {
  using S = TypeParam;
  for (const bool normalised : {false, true}) {
    const DenseCritic<S> critic(2, {17, 9}, CriticActivation::leaky_relu, normalised);
    const Vector<S> v = critic.initial({2, Purpose::critic_initial, 0, 0});
    const Points<S> x = random_points<S>(33, 2, 9).template cast<S>();
    const auto one = critic.linearise(v, x);
    const auto two = critic.linearise(v, x);
    EXPECT_EQ(one->features(), two->features());
    EXPECT_EQ(one->scores(), two->scores());
    const CriticCotangent<S> c{one->features(), one->scores()};
    EXPECT_EQ(one->pullback_parameters(c), two->pullback_parameters(c));
    EXPECT_EQ(one->pullback_parameters(c), one->pullback_parameters(c));
    EXPECT_EQ(one->pullback_points(c), two->pullback_points(c));
    if (normalised) continue;
    EXPECT_EQ(critic.gradient_penalty(v, x).gradient, critic.gradient_penalty(v, x).gradient);
  }
}

TYPED_TEST(DenseCriticTest, initial_parameters_are_the_documented_normals) {
  using S = TypeParam;
  const RandomStream stream(4, Purpose::critic_initial, 2, 0);
  const DenseCritic<S> critic(2, {3, 4}, CriticActivation::tanh, true);
  ASSERT_EQ(critic.parameters(), 6 + 3 + 3 + 3 + 12 + 4 + 4 + 1);
  Eigen::VectorXd v(critic.parameters());
  stream.fill_normal(v);
  v.segment(6, 9) *= 1e-2;
  v.segment(9, 3).array() += 1.0;
  v.segment(15, 12) *= std::sqrt(2.0 / 3.0);
  v.segment(27, 4) *= 1e-2;
  v.segment(31, 4) *= std::sqrt(2.0 / 4.0);
  v.segment(35, 1) *= 1e-2;
  EXPECT_EQ(critic.initial(stream), v.cast<S>());
  EXPECT_EQ(critic.name(), "dense-critic[3-4, tanh, batch-norm]");
  EXPECT_EQ(critic.offset(1), 15);
  EXPECT_EQ(critic.feature_dimension(), 4);
  EXPECT_EQ(critic.statistics(), 6);
}

TYPED_TEST(DenseCriticTest, rejects_what_does_not_fit) {
  using S = TypeParam;
  const auto made = [](Index input, std::vector<Index> widths) { (void)DenseCritic<S>(input, std::move(widths), CriticActivation::tanh); };
  EXPECT_THROW(made(0, {3}), InputError);
  EXPECT_THROW(made(2, {}), InputError);
  EXPECT_THROW(made(2, {3, 0}), InputError);
  const DenseCritic<S> critic(2, {3}, CriticActivation::tanh);
  const Vector<S> v = Vector<S>::Ones(critic.parameters());
  const Points<S> x = Points<S>::Ones(4, 2);
  EXPECT_THROW((void)critic.linearise(Vector<S>::Ones(critic.parameters() + 1), x), InputError);
  EXPECT_THROW((void)critic.linearise(v, Points<S>::Ones(4, 3)), InputError);
  EXPECT_THROW((void)critic.linearise(v, Points<S>(0, 2)), InputError);
  EXPECT_THROW((void)critic.gradient_penalty(v, Points<S>::Ones(4, 3)), InputError);
  const auto at = critic.linearise(v, x);
  EXPECT_THROW((void)at->pullback_points({Points<S>::Ones(4, 2), {}}), InputError);
  EXPECT_THROW((void)at->pullback_parameters({{}, Vector<S>::Ones(3)}), InputError);
  const DenseCritic<S> normalised(2, {3}, CriticActivation::tanh, true);
  try {
    (void)normalised.gradient_penalty(Vector<S>::Ones(normalised.parameters()), x);
    FAIL() << "a penalty behind a normalisation";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("batch normalisation"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace slicecheck::testing
