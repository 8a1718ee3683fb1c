/// Two-player trainings on the line, where everything is known by hand: T(u, x) = ax + b against a critic with h = 2x + 16, s = x/2.

#include "slicecheck/dynamics/two_player.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/dynamics/two_player_objectives.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_critic.h"

namespace slicecheck::testing {
namespace {

using Kind = GeneratorObjective::Kind;
using CriticKind = CriticObjective::Kind;

/// One batch at every step; remembers which steps were asked for.
template <class S>
class OneBatch final : public Sampler<S> {
 public:
  explicit OneBatch(Batch<S> batch) : batch_(std::move(batch)) {}
  [[nodiscard]] std::string name() const override { return "one batch"; }
  [[nodiscard]] Batch<S> draw(std::uint64_t t) const override {
    asked_.push_back(t);
    return batch_;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& asked() const { return asked_; }

 private:
  Batch<S> batch_;
  mutable std::vector<std::uint64_t> asked_;
};

double sigma(double s) { return 1.0 / (1.0 + std::exp(-s)); }
double slope(double s) { return sigma(s) * sigma(-s); }

template <class S>
class TwoPlayerTest : public ::testing::Test {
 protected:
  /// X = {0, 1}, so that u = (2, 1) has the images 1 and 3, with scores 0.5 and 1.5; Y = {5, −1} with scores 2.5 and −0.5.
  TwoPlayerTest() {
    batch_.x = Points<S>{{S{0}}, {S{1}}};
    batch_.y = Points<S>{{S{5}}, {S{-1}}};
    sampler_ = std::make_shared<OneBatch<S>>(batch_);
    parts_.generator = std::make_shared<Affine<S>>(1, 1);
    parts_.critic = std::make_shared<DenseCritic<S>>(1, std::vector<Index>{1}, CriticActivation::leaky_relu);
    parts_.sampler = sampler_;
    parts_.generator_scheme = std::make_shared<Sgd<S>>();
    parts_.critic_scheme = std::make_shared<Sgd<S>>();
    parts_.generator_step_size = 0.25;
    parts_.critic_step_size = 0.5;
    parts_.generator_objective.directions = 1;
    state_.generator.u = Vector<S>{{S{2}, S{1}}};
    state_.critic.u = Vector<S>{{S{2}, S{16}, S(0.25), S{-4}}};
  }

  [[nodiscard]] ObjectiveGradient<S> objective(const GeneratorObjective& wanted) {
    parts_.generator_objective = wanted;
    parts_.generator_objective.directions = 1;
    return players_.objective(parts_, state_.generator.u, state_.critic.u, batch_, Points<S>{{S{1}}}, {}, 0);
  }

  /// A few roundings of numbers no larger than 20.
  static double few() { return 32.0 * 20.0 * tolerance::unit_roundoff<S>(); }

  void expect_objective(const GeneratorObjective& wanted, double value, double of_a, double of_b) {
    const ObjectiveGradient<S> found = objective(wanted);
    EXPECT_NEAR(found.value, value, few()) << wanted.name();
    ASSERT_EQ(found.phi.size(), 2);
    EXPECT_NEAR(static_cast<double>(found.phi[0]), of_a, few()) << wanted.name();
    EXPECT_NEAR(static_cast<double>(found.phi[1]), of_b, few()) << wanted.name();
    // The update is SGD along this, in every objective with the same step size; the critic stays.
    TwoPlayerState<S> after = state_;
    const GeneratorReport report = players_.update_generator(parts_, after, batch_, 3);
    EXPECT_NEAR(report.loss, value, few());
    EXPECT_NEAR(report.gradient_norm, std::hypot(of_a, of_b), few());
    EXPECT_NEAR(static_cast<double>(after.generator.u[0]), 2.0 - 0.25 * of_a, few());
    EXPECT_NEAR(static_cast<double>(after.generator.u[1]), 1.0 - 0.25 * of_b, few());
    EXPECT_EQ(after.generator.step, 1U);
    EXPECT_EQ(after.critic.u, state_.critic.u);
    EXPECT_EQ(after.critic.step, 0U);
  }

  /// The critic's objective whose derivatives in the scores are these, for the scores 2.5, −0.5 of Y and 0.5, 1.5 of the images.
  void expect_critic(CriticObjective wanted, double value, const Eigen::Vector2d& of_real, const Eigen::Vector2d& of_generated,
                     const Eigen::Vector4d& of_penalty = Eigen::Vector4d::Zero()) {
    parts_.critic_objective = wanted;
    TwoPlayerState<S> after = state_;
    const CriticReport report = players_.update_critic(parts_, after, batch_, 5, 0);
    Eigen::Vector4d gradient = of_penalty;  // s = q(wx + c) + r: ∂s = (qx, q, h, 1) for (w, c, q, r)
    const double x[] = {5.0, -1.0, 1.0, 3.0};
    const double c[] = {of_real[0], of_real[1], of_generated[0], of_generated[1]};
    for (int k = 0; k < 4; ++k) gradient += c[k] * Eigen::Vector4d(0.25 * x[k], 0.25, 2.0 * x[k] + 16.0, 1.0);
    EXPECT_NEAR(report.loss, value, few()) << wanted.name();
    EXPECT_NEAR(report.gradient_norm, gradient.norm(), 4.0 * few()) << wanted.name();
    EXPECT_LE((after.critic.u.template cast<double>() - (state_.critic.u.template cast<double>() - 0.5 * gradient)).norm(), 4.0 * few()) << wanted.name();
    EXPECT_NEAR(report.slope_real, (slope(2.5) + slope(-0.5)) / 2.0, few());
    EXPECT_NEAR(report.slope_generated, (slope(0.5) + slope(1.5)) / 2.0, few());
    EXPECT_EQ(after.generator.u, state_.generator.u);
    EXPECT_EQ(after.critic.step, 1U);
    EXPECT_EQ(after.generator.step, 0U);
  }

  /// What `check_two_player_parts` says of the changed parts; "accepted" if nothing.
  [[nodiscard]] std::string complaint(const std::function<void(TwoPlayerParts<S>&)>& change) const {
    TwoPlayerParts<S> parts = parts_;
    change(parts);
    try {
      check_two_player_parts(parts);
      (void)players_.start(parts);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }

  Batch<S> batch_;
  std::shared_ptr<OneBatch<S>> sampler_;
  TwoPlayerParts<S> parts_;
  TwoPlayerState<S> state_;
  TwoPlayer<S> players_;
};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TwoPlayerTest, Scalars);

TYPED_TEST(TwoPlayerTest, sliced_losses_of_samples) {
  // Sorted gaps 1 − (−1) = 2 and 3 − 5 = −2 for the inputs 0 and 1.
  this->expect_objective({Kind::sliced, false, 2.0, false}, 4.0, -2.0, 0.0);
  this->expect_objective({Kind::sliced, false, 2.0, true}, 2.0, -0.5, 0.0);
  this->expect_objective({Kind::sliced, false, 1.0, false}, 2.0, -0.5, 0.0);
  this->expect_objective({Kind::sliced, false, 1.0, true}, 2.0, -0.5, 0.0);
  this->expect_objective({Kind::sliced, false, 3.0, false}, 8.0, -6.0, 0.0);
  this->expect_objective({Kind::sliced, false, 3.0, true}, 2.0, -0.5, 0.0);
}

TYPED_TEST(TwoPlayerTest, sliced_losses_of_features) {
  // h = 2x + 16: gaps 4 and −4, and a factor 2 on the way back.
  this->expect_objective({Kind::sliced, true, 2.0, false}, 16.0, -8.0, 0.0);
  this->expect_objective({Kind::sliced, true, 2.0, true}, 4.0, -1.0, 0.0);
  this->expect_objective({Kind::sliced, true, 1.0, false}, 4.0, -1.0, 0.0);
}

TYPED_TEST(TwoPlayerTest, the_root_has_gradient_0_where_it_is_0) {
  using S = TypeParam;
  this->batch_.y = Points<S>{{S{3}}, {S{1}}};
  for (const double p : {1.0, 2.0, 3.0}) this->expect_objective({Kind::sliced, false, p, true}, 0.0, 0.0, 0.0);
}

TYPED_TEST(TwoPlayerTest, objectives_on_scores) {
  // s = x/2 at the images 1 and 3 of the inputs 0 and 1: ∂T/∂(a, b) = (x, 1), ∂s/∂T = 1/2.
  this->expect_objective({Kind::bce}, (std::log1p(std::exp(-0.5)) + std::log1p(std::exp(-1.5))) / 2.0, -sigma(-1.5) / 4.0, -(sigma(-0.5) + sigma(-1.5)) / 4.0);
  this->expect_objective({Kind::sigmoid_mean}, -(sigma(0.5) + sigma(1.5)) / 2.0, -slope(1.5) / 4.0, -(slope(0.5) + slope(1.5)) / 4.0);
  this->expect_objective({Kind::score_mean}, -1.0, -0.25, -0.5);
}

TYPED_TEST(TwoPlayerTest, where_the_critic_wins_bce_has_a_gradient_and_report_002_has_none) {
  using S = TypeParam;
  this->state_.critic.u[3] = S{-64};  // all scores are below −57
  EXPECT_NEAR(static_cast<double>(this->objective({Kind::bce}).phi[1]), -0.5, this->few());
  const double saturated = std::abs(static_cast<double>(this->objective({Kind::sigmoid_mean}).phi[1]));
  EXPECT_LT(saturated, 1e-24);
  EXPECT_GT(saturated, 0.0) << "small, not lost";
}

TYPED_TEST(TwoPlayerTest, objectives_of_the_critic) {
  const auto term = [](double s) { return std::log1p(std::exp(s)); };
  this->expect_critic({CriticKind::bce, 0.0}, (term(-2.5) + term(0.5) + term(0.5) + term(1.5)) / 2.0, -Eigen::Vector2d(sigma(-2.5), sigma(0.5)) / 2.0,
                      Eigen::Vector2d(sigma(0.5), sigma(1.5)) / 2.0);
  this->expect_critic({CriticKind::sigmoid_mean, 0.0}, (sigma(0.5) + sigma(1.5) - sigma(2.5) - sigma(-0.5)) / 2.0,
                      -Eigen::Vector2d(slope(2.5), slope(-0.5)) / 2.0, Eigen::Vector2d(slope(0.5), slope(1.5)) / 2.0);
  const Eigen::Vector2d halves(0.5, 0.5);
  this->expect_critic({CriticKind::score_mean, 0.0}, 0.0, -halves, halves);
  // s′ = qw = 1/2 everywhere: (1/2 − 1)², with derivative 2(1/2 − 1)(q, 0, w, 0).
  this->expect_critic({CriticKind::score_mean, 8.0}, 2.0, -halves, halves, -8.0 * Eigen::Vector4d(0.25, 0.0, 2.0, 0.0));
}

TYPED_TEST(TwoPlayerTest, a_critic_without_an_objective_stays) {
  this->parts_.critic_objective = {CriticKind::none, 0.0};
  TwoPlayerState<TypeParam> after = this->state_;
  const CriticReport report = this->players_.update_critic(this->parts_, after, this->batch_, 0, 0);
  EXPECT_TRUE(std::isnan(report.loss) && std::isnan(report.gradient_norm));
  EXPECT_NEAR(report.slope_real, (slope(2.5) + slope(-0.5)) / 2.0, this->few());
  EXPECT_EQ(after.critic.u, this->state_.critic.u);
  EXPECT_EQ(after.critic.step, 0U);
}

TYPED_TEST(TwoPlayerTest, slopes_do_not_vanish_by_rounding) {
  using S = TypeParam;
  const Vector<S> far{{S{60}, S{-60}}};
  EXPECT_NEAR(mean_logistic_slope<S>(far) / std::exp(-60.0), 1.0, 1e-15 * 8);
  EXPECT_EQ(mean_logistic_slope<S>(Vector<S>::Zero(3)), 0.25);
}

TYPED_TEST(TwoPlayerTest, running_statistics_move_with_y_and_then_with_the_images) {
  using S = TypeParam;
  this->parts_.critic = std::make_shared<DenseCritic<S>>(1, std::vector<Index>{1}, CriticActivation::leaky_relu, true);
  this->state_.critic.u = Vector<S>{{S{1}, S{0}, S{1}, S{0}, S{1}, S{0}}};  // the pre-activation is the point
  this->state_.statistics = Vector<S>{{S{1}, S{-1}}};
  TwoPlayerState<S> after = this->state_;
  (void)this->players_.update_critic(this->parts_, after, this->batch_, 0, 0);
  // Y: mean 2, variance 9; images: mean 2, variance 1.
  EXPECT_NEAR(static_cast<double>(after.statistics[0]), 0.9 * (0.9 * 1.0 + 0.1 * 2.0) + 0.1 * 2.0, this->few());
  EXPECT_NEAR(static_cast<double>(after.statistics[1]), 0.9 * (0.9 * -1.0 + 0.1 * 9.0) + 0.1 * 1.0, this->few());
  const Vector<S> moved = after.statistics;
  this->parts_.generator_objective.on_features = true;
  (void)this->players_.update_generator(this->parts_, after, this->batch_, 0);
  EXPECT_EQ(after.statistics, moved);
  EXPECT_EQ(this->players_.start(this->parts_).statistics, Vector<S>::Zero(2));
}

TYPED_TEST(TwoPlayerTest, max_sw_of_a_translation_in_the_plane) {
  using S = TypeParam;
  // T(u, x) = (x + 3, 4), y = (x, 0): w_θ = (θ·(3, 4))², 25 at θ = ±(0.6, 0.8).
  this->parts_.generator = std::make_shared<Affine<S>>(1, 2);
  this->parts_.critic = nullptr;
  this->parts_.generator_objective = {Kind::max_sliced};
  this->parts_.critic_objective = {CriticKind::none, 0.0};
  const Vector<S> u{{S{1}, S{0}, S{3}, S{4}}};
  const Batch<S> batch{Points<S>{{S{0}}, {S{1}}, {S{5}}}, Points<S>{{S{0}, S{0}}, {S{1}, S{0}}, {S{5}, S{0}}}, {}};
  const auto found = this->players_.objective(this->parts_, u, Vector<S>(), batch, Points<S>(0, 0), {}, 0);
  EXPECT_NEAR(found.value, 25.0, 50.0 * this->few());
  ASSERT_EQ(found.direction.size(), 2);
  EXPECT_NEAR(std::abs(found.direction.dot(Eigen::RowVector2d(0.6, 0.8))), 1.0, this->few());
  const Eigen::RowVector2d g = 2.0 * found.direction.dot(Eigen::RowVector2d(3.0, 4.0)) * found.direction;
  Eigen::Vector4d expected;  // Σ_k over the three points of (x_k, 1) and a third of g
  expected << 2.0 * g.transpose(), g.transpose();
  EXPECT_LE((found.phi.template cast<double>() - expected).norm(), 50.0 * this->few());
  TwoPlayerState<S> state;
  state.generator.u = u;
  (void)this->players_.update_generator(this->parts_, state, batch, 0);
  ASSERT_EQ(state.direction.size(), 2);
  EXPECT_EQ(state.direction, found.direction) << "the next step begins there";
}

TYPED_TEST(TwoPlayerTest, a_step_is_the_critics_updates_and_then_the_generator_s) {
  using S = TypeParam;
  this->parts_.critic_steps = 3;
  this->parts_.generator_objective = {Kind::bce};
  this->state_.generator.step = 4;
  TwoPlayerState<S> by_hand = this->state_;
  CriticReport last;
  for (Index k = 0; k < 3; ++k) last = this->players_.update_critic(this->parts_, by_hand, this->batch_, 4, k);
  const GeneratorReport of_generator = this->players_.update_generator(this->parts_, by_hand, this->batch_, 4);
  const TwoPlayerReport report = advance(this->players_, this->parts_, this->state_);
  constexpr std::uint64_t kFurther = (std::uint64_t{1} << 39) + 8;  // two of them in each of the four steps before
  EXPECT_EQ(this->sampler_->asked(), (std::vector<std::uint64_t>{kFurther, kFurther + 1, 4}));
  EXPECT_EQ(this->state_.generator.u, by_hand.generator.u);
  EXPECT_EQ(this->state_.critic.u, by_hand.critic.u);
  EXPECT_EQ(this->state_.generator.step, 5U);
  EXPECT_EQ(this->state_.critic.step, 3U);
  EXPECT_EQ(report.critic.loss, last.loss);
  EXPECT_EQ(report.generator.loss, of_generator.loss);
}

TYPED_TEST(TwoPlayerTest, the_initial_hash_is_that_of_the_bits) {
  using S = TypeParam;
  const auto& parts = this->parts_;
  std::string bytes;
  for (const Vector<S>& drawn : {parts.generator->initial({1, Purpose::initial, 0, 0}), parts.critic->initial({1, Purpose::critic_initial, 0, 0})})
    bytes.append(reinterpret_cast<const char*>(drawn.data()), sizeof(S) * static_cast<std::size_t>(drawn.size()));
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3U;
  }
  EXPECT_EQ(initial_hash(parts), fmt::format("{:016x}", hash));
  TwoPlayerParts<S> other = parts;
  other.generator_objective = {Kind::bce};
  other.generator_scheme = std::make_shared<NoisedProjectedSgd<S>>(1e-3, 0.0);
  EXPECT_EQ(initial_hash(other), initial_hash(parts)) << "before the projection";
  EXPECT_LE(this->players_.start(other).generator.u.norm(), S(1.001e-3)) << "the start is projected";
  other.replicate = 1;
  EXPECT_NE(initial_hash(other), initial_hash(parts));
}

TYPED_TEST(TwoPlayerTest, directions_are_those_of_the_seed_and_the_step) {
  using S = TypeParam;
  this->parts_.generator_objective.directions = 7;
  const Points<S> theta = objective_directions(this->parts_, 5, 3);
  EXPECT_EQ(theta, (uniform_directions<S>({1, Purpose::directions, 0, 3}, 7, 5)));
  EXPECT_NE(theta, objective_directions(this->parts_, 5, 4));
  this->parts_.generator_objective.on_features = true;
  EXPECT_EQ(theta, objective_directions(this->parts_, 5, 3));
}

TYPED_TEST(TwoPlayerTest, names_say_what_is_descended) {
  EXPECT_EQ((GeneratorObjective{Kind::sliced, false, 2.0, false}).name(), "SW₂² on samples");
  EXPECT_EQ((GeneratorObjective{Kind::sliced, true, 2.0, true}).name(), "SW₂ on features");
  EXPECT_EQ((GeneratorObjective{Kind::sliced, true, 1.0, false}).name(), "SW₁ on features");
  EXPECT_NE((GeneratorObjective{Kind::sliced, false, 3.0, false}).name(), (GeneratorObjective{Kind::sliced, false, 3.0, true}).name());
  EXPECT_NE((GeneratorObjective{Kind::max_sliced}).name(), (GeneratorObjective{Kind::sliced}).name());
  EXPECT_NE((CriticObjective{CriticKind::score_mean, 0.0}).name(), (CriticObjective{CriticKind::score_mean, 10.0}).name());
}

TYPED_TEST(TwoPlayerTest, rejects_parts_that_do_not_fit) {
  using S = TypeParam;
  using Parts = TwoPlayerParts<S>;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(this->complaint([](Parts&) {}), "accepted");
  const std::vector<std::pair<std::string, std::function<void(Parts&)>>> changes{
      {"no generator", [](Parts& p) { p.generator = nullptr; }},
      {"no sampler", [](Parts& p) { p.sampler = nullptr; }},
      {"generator has no scheme", [](Parts& p) { p.generator_scheme = nullptr; }},
      {"critic has no scheme", [](Parts& p) { p.critic_scheme = nullptr; }},
      {"BCE critic without a critic", [](Parts& p) { p.critic = nullptr; }},
      {"needs a critic", [](Parts& p) { p.critic = nullptr, p.critic_objective.kind = CriticKind::none, p.generator_objective.on_features = true; }},
      {"needs a critic", [](Parts& p) { p.critic = nullptr, p.critic_objective.kind = CriticKind::none, p.generator_objective.kind = Kind::bce; }},
      {"dimension 2", [](Parts& p) { p.generator = std::make_shared<Affine<S>>(1, 2); }},
      {"0.5", [](Parts& p) { p.generator_objective.exponent = 0.5; }},
      {"p = 2",
       [](Parts& p) {
         p.generator_objective = {Kind::max_sliced, false, 1.0};
       }},
      {"0 directions", [](Parts& p) { p.generator_objective.directions = 0; }},
      {"generator's step size", [](Parts& p) { p.generator_step_size = 0.0; }},
      {"generator's step size", [](Parts& p) { p.generator_step_size = infinity; }},
      {"critic's step size", [](Parts& p) { p.critic_step_size = -1.0; }},
      {"0 updates", [](Parts& p) { p.critic_steps = 0; }},
      {"random starts", [](Parts& p) { p.restarts = -1; }},
      {"penalty",
       [](Parts& p) {
         p.critic_objective = {CriticKind::score_mean, -1.0};
       }},
      {"penalty", [](Parts& p) {
         p.critic_objective = {CriticKind::bce, 1.0};
       }}};
  for (const auto& [words, change] : changes) EXPECT_NE(this->complaint(change).find(words), std::string::npos) << words << ": " << this->complaint(change);
  EXPECT_EQ(this->complaint([](Parts& p) { p.critic = nullptr, p.critic_scheme = nullptr, p.critic_objective.kind = CriticKind::none; }), "accepted");
}

TYPED_TEST(TwoPlayerTest, a_training_that_diverges_is_refused_with_its_step) {
  using S = TypeParam;
  const auto sentence = [&](auto&& update) {
    try {
      update();
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  TwoPlayerState<S> state = this->state_;
  state.generator.u[0] = std::sqrt(std::numeric_limits<S>::max()) * S{4};
  EXPECT_NE(sentence([&] { (void)this->players_.update_generator(this->parts_, state, this->batch_, 7); }).find("step 7"), std::string::npos);
  state = this->state_;
  state.generator.u[0] = std::numeric_limits<S>::infinity();
  EXPECT_NE(sentence([&] { (void)this->players_.update_generator(this->parts_, state, this->batch_, 8); }).find("step 8"), std::string::npos);
  EXPECT_NE(sentence([&] { (void)this->players_.update_critic(this->parts_, state, this->batch_, 9, 0); }).find("step 9"), std::string::npos);
  state = this->state_;
  state.critic.u[2] = std::numeric_limits<S>::max();
  this->parts_.critic_objective = {CriticKind::score_mean, 0.0};
  EXPECT_NE(sentence([&] { (void)this->players_.update_critic(this->parts_, state, this->batch_, 10, 0); }).find("step 10"), std::string::npos);
}

}  // namespace
}  // namespace slicecheck::testing
