/// Steps: the projection of the whole vector, and the formulas of SGD and NPSGD with known noise.

#include "slicecheck/dynamics/scheme.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/gallery/broken_scheme.h"

namespace slicecheck::testing {
namespace {

template <class S>
class SchemeTest : public ::testing::Test {
 protected:
  static Vector<S> random(Index size, std::uint32_t number, double scale = 1.0) {
    Eigen::VectorXd u(size);
    RandomStream(1, Purpose::cases, number, 600).fill_normal(u);
    return (scale * u).cast<S>();
  }

  static bool same_bits(const Vector<S>& a, const Vector<S>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), sizeof(S) * static_cast<std::size_t>(a.size())) == 0;
  }

  static double norm(const Vector<S>& u) { return u.template cast<double>().norm(); }

  static double u() { return tolerance::unit_roundoff<S>(); }

  const RandomStream noise_{3, Purpose::noise, 1, 7};
};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SchemeTest, Scalars);

TYPED_TEST(SchemeTest, projection_leaves_the_inside_alone_to_the_bit) {
  using S = TypeParam;
  for (const Index size : {1, 2, 7, 1000}) {
    for (std::uint32_t number = 0; number < 10; ++number) {
      const Vector<S> before = this->random(size, number);
      Vector<S> after = before;
      project_onto_ball(after, this->norm(before) * 1.0000001);
      EXPECT_TRUE(this->same_bits(after, before));
      // A radius that is the norm up to the rounding of its own sum: no reason to scale.
      project_onto_ball(after, this->norm(before) * (1.0 + tolerance::gamma(static_cast<double>(size) + 8.0, tolerance::unit_roundoff<double>())));
      EXPECT_TRUE(this->same_bits(after, before));
    }
  }
  Vector<S> on_the_sphere(2);
  on_the_sphere << S{3}, S{-4};
  project_onto_ball(on_the_sphere, 5.0);
  EXPECT_EQ(on_the_sphere[1], S{-4}) << "the ball is closed";
  Vector<S> zero = Vector<S>::Zero(4);
  project_onto_ball(zero, 1e-300);
  EXPECT_EQ(zero, Vector<S>::Zero(4));
}

TYPED_TEST(SchemeTest, projection_scales_the_outside_onto_the_sphere) {
  using S = TypeParam;
  for (const Index size : {1, 2, 7, 1000}) {
    for (std::uint32_t number = 0; number < 10; ++number) {
      const Vector<S> before = this->random(size, number);
      const double radius = 0.3 * this->norm(before);
      Vector<S> after = before;
      project_onto_ball(after, radius);
      // Norm, quotient and product in double, then one rounding of every coordinate to S.
      const double rounding = this->u() + tolerance::gamma(2.0 * static_cast<double>(size) + 8.0, tolerance::unit_roundoff<double>());
      EXPECT_LE(this->norm(after), radius * (1.0 + rounding));
      EXPECT_GE(this->norm(after), radius * (1.0 - rounding));
      for (Index i = 0; i < size; ++i)
        EXPECT_NEAR(static_cast<double>(after[i]), 0.3 * static_cast<double>(before[i]), 0.3 * rounding * std::abs(static_cast<double>(before[i])));
      Vector<S> again = after;
      project_onto_ball(again, radius);
      EXPECT_LE(this->norm(again - after), 2.0 * rounding * radius) << "idempotent within rounding";
    }
  }
}

TYPED_TEST(SchemeTest, projection_is_of_the_whole_vector) {
  using S = TypeParam;
  // Two tensors, each inside the ball, together outside.
  Vector<S> u(4);
  u << S{3}, S{0}, S{0}, S{4};
  project_onto_ball(u, 4.5);
  EXPECT_NEAR(this->norm(u), 4.5, 4.5 * 2.0 * this->u());
  EXPECT_NEAR(static_cast<double>(u[0] / u[3]), 0.75, 4.0 * this->u());
  State<S> whole{Vector<S>(4), 0};
  whole.u << S{3}, S{0}, S{0}, S{4};
  State<S> by_tensor = whole;
  const Vector<S> phi = Vector<S>::Zero(4);
  NoisedProjectedSgd<S>(4.5, 0.0).advance(whole, phi, 0.1, this->noise_);
  PerTensorProjectedSgd<S>(4.5, 0.0, {2, 2}).advance(by_tensor, phi, 0.1, this->noise_);
  EXPECT_LE(this->norm(whole.u), 4.5 * (1.0 + 2.0 * this->u()));
  EXPECT_EQ(this->norm(by_tensor.u), 5.0) << "the planted mistake leaves the ball";
}

TYPED_TEST(SchemeTest, sgd_is_its_formula) {
  using S = TypeParam;
  const Vector<S> u = this->random(9, 1);
  const Vector<S> phi = this->random(9, 2);
  State<S> state = Sgd<S>().start(u);
  EXPECT_TRUE(this->same_bits(state.u, u));
  EXPECT_EQ(state.step, 0U);
  Sgd<S>().advance(state, phi, 0.125, this->noise_);
  EXPECT_TRUE(this->same_bits(state.u, u - S(0.125) * phi));
  EXPECT_EQ(state.step, 1U);
}

TYPED_TEST(SchemeTest, npsgd_is_its_formula_with_the_noise_of_the_stream) {
  using S = TypeParam;
  constexpr double alpha = 0.03;
  constexpr double a = 1.5;
  for (const Index size : {1, 2, 9, 64}) {
    for (const double radius : {0.5, 100.0}) {
      const Vector<S> u = this->random(size, 3);
      const Vector<S> phi = this->random(size, 4);
      State<S> state{u, 11};
      NoisedProjectedSgd<S>(radius, a).advance(state, phi, alpha, this->noise_);
      EXPECT_EQ(state.step, 12U);
      Eigen::VectorXd epsilon(size);
      this->noise_.fill_normal(epsilon);
      Eigen::VectorXd expected = u.template cast<double>() - alpha * phi.template cast<double>() + alpha * a * epsilon;
      if (expected.norm() > radius) expected *= radius / expected.norm();
      const double terms = this->norm(u) + alpha * this->norm(phi) + alpha * a * epsilon.norm();
      EXPECT_LE((state.u.template cast<double>() - expected).norm(), tolerance::gamma(2.0 * static_cast<double>(size) + 12.0, this->u()) * terms);
    }
  }
}

TYPED_TEST(SchemeTest, the_noise_is_scaled_by_alpha_and_not_by_its_root) {
  using S = TypeParam;
  const Vector<S> zero = Vector<S>::Zero(50);
  Eigen::VectorXd epsilon(50);
  this->noise_.fill_normal(epsilon);
  for (const double alpha : {0.5, 0.125, 0.0078125}) {
    State<S> state{zero, 0};
    NoisedProjectedSgd<S>(1e6, 2.0).advance(state, zero, alpha, this->noise_);
    EXPECT_LE((state.u.template cast<double>() - 2.0 * alpha * epsilon).norm(), 4.0 * this->u() * 2.0 * alpha * epsilon.norm());
  }
}

TYPED_TEST(SchemeTest, add_noise_takes_the_normals_of_the_stream_in_order) {
  using S = TypeParam;
  Vector<S> u = Vector<S>::Zero(3);
  add_noise(u, 1.0, this->noise_);
  EXPECT_EQ(u[0], static_cast<S>(this->noise_.normals(0)[0]));
  EXPECT_EQ(u[1], static_cast<S>(this->noise_.normals(0)[1]));
  EXPECT_EQ(u[2], static_cast<S>(this->noise_.normals(1)[0]));
}

TYPED_TEST(SchemeTest, npsgd_without_noise_is_projected_sgd) {
  using S = TypeParam;
  const Vector<S> u = this->random(9, 5);
  const Vector<S> phi = this->random(9, 6);
  State<S> projected{u, 0};
  State<S> plain{u, 0};
  NoisedProjectedSgd<S>(1.0, 0.0).advance(projected, phi, 0.125, this->noise_);
  Sgd<S>().advance(plain, phi, 0.125, this->noise_);
  project_onto_ball(plain.u, 1.0);
  EXPECT_TRUE(this->same_bits(projected.u, plain.u));
}

TYPED_TEST(SchemeTest, npsgd_projects_the_start) {
  using S = TypeParam;
  const NoisedProjectedSgd<S> scheme(2.0, 1.0);
  const Vector<S> far = this->random(20, 7, 10.0);
  const State<S> state = scheme.start(far);
  EXPECT_EQ(state.step, 0U);
  EXPECT_NEAR(this->norm(state.u), 2.0, 2.0 * 4.0 * this->u());
  const Vector<S> near = this->random(20, 8, 0.01);
  EXPECT_TRUE(this->same_bits(scheme.start(near).u, near));
  EXPECT_TRUE(this->same_bits(PerTensorProjectedSgd<S>(2.0, 1.0, {20}).start(far).u, far)) << "the planted mistake does not";
}

TYPED_TEST(SchemeTest, adam_is_its_formula) {
  using S = TypeParam;
  // β₁ = 1/2, β₂ = 3/4, ε = 1, α = 1/8; two coordinates, the second one without any gradient.
  const Adam<S> adam(0.5, 0.75, 1.0);
  State<S> state = adam.start(Vector<S>{{S{3}, S{5}}});
  ASSERT_EQ(state.memory.size(), 2U);
  EXPECT_EQ(state.memory[0], Vector<S>::Zero(2));
  EXPECT_EQ(state.memory[1], Vector<S>::Zero(2));
  EXPECT_EQ(state.step, 0U);
  const auto step = [&](double phi) { adam.advance(state, Vector<S>{{static_cast<S>(phi), S{0}}}, 0.125, this->noise_); };
  const auto first = [&] { return static_cast<double>(state.u[0]); };
  step(4.0);  // m = 2, q = 4; m̂ = 2/(1/2), q̂ = 4/(1/4): 4/(4 + 1)
  EXPECT_EQ(state.step, 1U);
  EXPECT_NEAR(first(), 3.0 - 0.125 * 0.8, 16.0 * 3.0 * this->u());
  const S before = state.u[0];
  step(-2.0);  // m = 1 − 1 = 0: no move; q = 3 + 1
  EXPECT_EQ(state.u[0], before);
  EXPECT_EQ(state.memory[0][0], S{0});
  EXPECT_EQ(state.memory[1][0], S{4});
  step(1.0);  // m = 1/2, q = 3 + 1/4; m̂ = (1/2)/(7/8), q̂ = 3.25/(37/64)
  EXPECT_NEAR(first(), 3.0 - 0.125 * (0.8 + (4.0 / 7.0) / (std::sqrt(208.0 / 37.0) + 1.0)), 32.0 * 3.0 * this->u());
  EXPECT_EQ(state.step, 3U);
  EXPECT_EQ(state.u[1], S{5});
}

TYPED_TEST(SchemeTest, the_first_step_of_adam_has_the_size_alpha_whatever_the_gradient) {
  using S = TypeParam;
  for (const double phi : {1e-3, 1.0, -1e6}) {
    const Adam<S> adam(0.5, 0.999);
    State<S> state = adam.start(Vector<S>::Zero(1));
    adam.advance(state, Vector<S>::Constant(1, static_cast<S>(phi)), 0.01, this->noise_);
    // φ/(|φ| + 10⁻⁸).
    EXPECT_NEAR(static_cast<double>(state.u[0]), phi > 0.0 ? -0.01 : 0.01, 0.01 * (1e-8 / std::abs(phi) + 16.0 * this->u())) << phi;
  }
}

TYPED_TEST(SchemeTest, adam_refuses_a_state_that_is_not_its_own) {
  using S = TypeParam;
  State<S> state{Vector<S>::Zero(2), 0};
  EXPECT_THROW(Adam<S>(0.5, 0.9).advance(state, Vector<S>::Ones(2), 0.1, this->noise_), InputError);
  State<S> other = Adam<S>(0.5, 0.9).start(Vector<S>::Zero(3));
  EXPECT_THROW(Adam<S>(0.5, 0.9).advance(other, Vector<S>::Ones(2), 0.1, this->noise_), InputError);
}

TYPED_TEST(SchemeTest, a_gradient_ball_hands_on_what_is_inside_and_projects_the_rest) {
  using S = TypeParam;
  const auto sgd = std::make_shared<Sgd<S>>();
  const GradientBall<S> ball(sgd, 5.0);
  const Vector<S> zero = Vector<S>::Zero(3);
  for (const double scale : {0.0, 0.5, 1.0, 4.0}) {
    const Vector<S> phi = static_cast<S>(scale) * Vector<S>{{S{3}, S{0}, S{-4}}};
    State<S> state = ball.start(zero);
    ball.advance(state, phi, 1.0, this->noise_);
    EXPECT_EQ(state.step, 1U);
    if (scale <= 1.0)
      EXPECT_TRUE(this->same_bits(state.u, zero - phi)) << scale;
    else
      EXPECT_LE(this->norm(state.u + Vector<S>{{S{3}, S{0}, S{-4}}}), 8.0 * 5.0 * this->u()) << "of the whole vector";
  }
  // What the scheme within remembers comes from the projected gradient.
  const GradientBall<S> around_adam(std::make_shared<Adam<S>>(0.5, 0.75), 5.0);
  State<S> state = around_adam.start(zero);
  ASSERT_EQ(state.memory.size(), 2U);
  around_adam.advance(state, Vector<S>{{S{30}, S{0}, S{-40}}}, 1.0, this->noise_);
  EXPECT_NEAR(static_cast<double>(state.memory[0][0]), 1.5, 8.0 * this->u() * 1.5);
}

TYPED_TEST(SchemeTest, clipping_is_coordinatewise_and_of_the_start_too) {
  using S = TypeParam;
  const ClippedCoordinates<S> clipped(std::make_shared<Sgd<S>>(), 0.5);
  State<S> state = clipped.start(Vector<S>{{S{2}, S(0.25), S(-0.75)}});
  EXPECT_EQ(state.u, (Vector<S>{{S(0.5), S(0.25), S(-0.5)}}));
  clipped.advance(state, Vector<S>{{S{1}, S{-4}, S{1}}}, 0.125, this->noise_);
  EXPECT_EQ(state.u, (Vector<S>{{S(0.375), S(0.5), S(-0.5)}}));
  EXPECT_EQ(state.step, 1U);
}

TYPED_TEST(SchemeTest, rejects_settings_that_make_no_sense) {
  using S = TypeParam;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double radius : {0.0, -1.0, std::nan(""), infinity}) EXPECT_THROW(NoisedProjectedSgd<S>(radius, 1.0), InputError) << radius;
  for (const double noise : {-0.1, std::nan(""), infinity}) EXPECT_THROW(NoisedProjectedSgd<S>(1.0, noise), InputError) << noise;
  for (const double beta : {-0.1, 1.0, std::nan("")}) {
    EXPECT_THROW(Adam<S>(beta, 0.9), InputError) << beta;
    EXPECT_THROW(Adam<S>(0.9, beta), InputError) << beta;
  }
  const auto sgd = std::make_shared<Sgd<S>>();
  for (const double bad : {0.0, -1.0, std::nan(""), infinity}) {
    EXPECT_THROW(Adam<S>(0.5, 0.9, bad), InputError) << bad;
    EXPECT_THROW(GradientBall<S>(sgd, bad), InputError) << bad;
    EXPECT_THROW(ClippedCoordinates<S>(sgd, bad), InputError) << bad;
  }
  EXPECT_THROW(GradientBall<S>(nullptr, 1.0), InputError);
  EXPECT_THROW(ClippedCoordinates<S>(nullptr, 1.0), InputError);
  EXPECT_EQ(NoisedProjectedSgd<S>(2.5, 0.5).radius(), 2.5);
  EXPECT_EQ(NoisedProjectedSgd<S>(2.5, 0.5).noise(), 0.5);
}

}  // namespace
}  // namespace slicecheck::testing
