/// Neural dual potentials and the trainings that use them.

#include "slicecheck/dynamics/neural_duals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/transport_players.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_critic.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck::testing {
namespace {

constexpr Regulariser kBoth[] = {Regulariser::kl, Regulariser::quadratic};

Points<double> cloud(std::uint64_t step, Index rows, Index columns) {
  Points<double> out(rows, columns);
  const RandomStream stream(5, Purpose::cases, 0, step);
  for (Index i = 0; i < rows; ++i) {
    PointDraws draws(stream, static_cast<std::uint64_t>(i));
    for (Index j = 0; j < columns; ++j) out(i, j) = draws.normal();
  }
  return out;
}

std::shared_ptr<const Critic<double>> network(Index inputs, std::vector<Index> widths) {
  return std::make_shared<DenseCritic<double>>(inputs, std::move(widths), CriticActivation::tanh);
}

NeuralDuals<double> duals_of(Index inputs, double scale = 1.0) { return {network(inputs, {5, 4}), network(inputs, {3}), scale}; }

/// Parameters that are not those of the start, where the last linear forms are 0.
Vector<double> somewhere(Index count, double spread) {
  Vector<double> out(count);
  RandomStream(6, Purpose::cases, 0, 0).fill_normal(out);
  return spread * out;
}

TEST(NeuralDuals, BeginAtZeroAndAreRepeatable) {
  const auto duals = duals_of(3, 2.0);
  const Vector<double> v = duals.initial(1, 0, 0);
  EXPECT_EQ(v.size(), duals.parameters());
  const DualPotentials start = duals.potentials(v, cloud(0, 4, 3), cloud(1, 6, 3));
  EXPECT_EQ(start.phi.cwiseAbs().maxCoeff(), 0.0);
  EXPECT_EQ(start.psi.cwiseAbs().maxCoeff(), 0.0);
  EXPECT_GT(v.cwiseAbs().maxCoeff(), 0.0);
  EXPECT_EQ(v, duals.initial(1, 0, 0));
  EXPECT_NE(v, duals.initial(1, 0, 1));
  EXPECT_NE(v, duals.initial(1, 1, 0));
}

/// Central differences with step h err by h²/6 of the third derivative and by rounding/h; both are below 1e-7 of the scale here.
TEST(NeuralDuals, GradientIsThatOfFiniteDifferences) {
  const Points<double> z = cloud(2, 5, 3), y = cloud(3, 4, 3);
  for (const Regulariser regulariser : kBoth)
    for (const double scale : {1.0, 2.5}) {
      const auto duals = duals_of(3, scale);
      const TransportProblem problem = uniform_problem(GroundCost::l1, z, y, 1.5, regulariser);
      const Vector<double> v = somewhere(duals.parameters(), 0.4);
      const DualGradient<double> found = duals.gradient(v, z, y, problem);
      EXPECT_NEAR(found.value, dual_value(problem, duals.potentials(v, z, y)), 1e-13);
      for (Index k = 0; k + 1 < v.size(); ++k) {
        const double h = 1e-5;
        Vector<double> up = v, down = v;
        up[k] += h;
        down[k] -= h;
        const double slope = (dual_value(problem, duals.potentials(up, z, y)) - dual_value(problem, duals.potentials(down, z, y))) / (2.0 * h);
        EXPECT_NEAR(found.gradient[k], slope, 1e-6 * (1.0 + std::abs(slope))) << k;
      }
    }
}

TEST(NeuralDuals, TheBestConstantGivesMassOneAndIsBest) {
  const Points<double> z = cloud(4, 7, 2), y = cloud(5, 5, 2);
  for (const Regulariser regulariser : kBoth)
    for (const double lambda : {1e-3, 0.3, 50.0}) {
      const TransportProblem problem = uniform_problem(GroundCost::squared, z, y, lambda, regulariser);
      for (const double size : {0.0, 1.0, 1e4}) {  // V/λ up to 10⁷: e to that overflows
        const DualPotentials raw{size * cloud(6, 7, 1), size * cloud(7, 5, 1)};
        const DualPotentials best = with_best_constant(problem, raw);
        EXPECT_EQ(best.psi, raw.psi);
        // Rounding of φ ~ 10⁴ by u moves V/λ by φ u/λ.
        EXPECT_NEAR(plan_of(problem, best).sum(), 1.0, 1e-10 + 1e-14 * (1.0 + size) / lambda);
        for (const double off : {-0.1, 0.1}) {
          DualPotentials moved = best;
          moved.phi.array() += off * lambda;
          EXPECT_LT(dual_value(problem, moved), dual_value(problem, best));
        }
      }
    }
  EXPECT_THROW((void)with_best_constant(uniform_problem(GroundCost::l1, z, y, 1.0, Regulariser::kl), {Vector<double>::Zero(7), Vector<double>::Zero(7)}),
               InputError);
}

/// D ≤ d, ε within its ends, and R7, for networks anywhere.
TEST(NeuralDuals, CertificateHoldsAnywhere) {
  const Points<double> z = cloud(8, 12, 3), y = cloud(9, 9, 3);
  for (const Regulariser regulariser : kBoth)
    for (const GroundCost cost : {GroundCost::l1, GroundCost::squared, GroundCost::cosine})
      for (const double spread : {0.0, 0.3, 2.0}) {
        const auto duals = duals_of(3);
        const TransportProblem problem = uniform_problem(cost, z, y, 0.4, regulariser);
        const DualPotentials at = with_best_constant(problem, duals.potentials(somewhere(duals.parameters(), spread), z, y));
        const DualCertificate found = certify_duals(problem, at, cost, z, y, {1e-9, 100'000});
        EXPECT_TRUE(found.certified);
        EXPECT_LE(found.low, found.high);
        EXPECT_LE(found.value, found.high);
        EXPECT_GE(found.epsilon_low(), -1e-9);
        EXPECT_LE(found.error, found.bound + found.slack);
        EXPECT_GT(found.error, found.slack) << "the potentials of a drawn network are far from optimal";
        const Points<double> rounded = feasible_plan(problem, at);  // another upper bound on ε, without a solver
        EXPECT_LE(found.epsilon_low(), duality_gap(problem, at, rounded) + 1e-9);
      }
}

/// Two atoms on each side: every potential is affine on them, so networks reach the optimum. x, y = ±1, z = θx: d = θ² + 1 − λ ln cosh(2θ/λ) (R4).
TEST(NeuralDuals, ReachTheOptimumWhereTheyCanRepresentIt) {
  const double theta = 1.25, lambda = 2.0;
  const Points<double> y{{-1.0}, {1.0}}, z = theta * y;
  for (const Regulariser regulariser : kBoth) {
    const NeuralDuals<double> duals(network(1, {4}), network(1, {4}), 1.0);
    const TransportProblem problem = uniform_problem(GroundCost::squared, z, y, lambda, regulariser);
    const Sgd<double> sgd;
    State<double> state = sgd.start(duals.initial(1, 0, 0));
    const double first = certify_duals(problem, duals.potentials(state.u, z, y), GroundCost::squared, z, y, {1e-12, 10'000}).epsilon_high();
    for (std::uint64_t k = 0; k < 4000; ++k) duals.ascend(state, z, y, problem, sgd, 0.1, {1, Purpose::critic_noise, 0, k});
    EXPECT_EQ(state.step, 4000U);
    const auto last = certify_duals(problem, with_best_constant(problem, duals.potentials(state.u, z, y)), GroundCost::squared, z, y, {1e-12, 10'000});
    EXPECT_GT(first, 0.1);
    EXPECT_LT(last.epsilon_high(), 1e-9);
    EXPECT_LE(last.error, last.bound + last.slack);
    if (regulariser == Regulariser::kl) {
      EXPECT_NEAR(last.value, theta * theta + 1.0 - lambda * std::log(std::cosh(2.0 * theta / lambda)), 1e-9);
    }
  }
}

TEST(NeuralDuals, RefuseWhatCannotBePotentials) {
  EXPECT_THROW(NeuralDuals<double>(nullptr, network(1, {2}), 1.0), InputError);
  EXPECT_THROW(NeuralDuals<double>(network(2, {2}), network(1, {2}), 1.0), InputError);
  EXPECT_THROW(NeuralDuals<double>(network(1, {2}), network(1, {2}), 0.0), InputError);
  EXPECT_THROW(NeuralDuals<double>(std::make_shared<DenseCritic<double>>(1, std::vector<Index>{2}, CriticActivation::tanh, true), network(1, {2}), 1.0),
               InputError);
}

// ---------------------------------------------------------------------------------------------------------------------------------------------------------

class OneBatch final : public Sampler<double> {
 public:
  explicit OneBatch(Batch<double> batch) : batch_(std::move(batch)) {}
  [[nodiscard]] std::string name() const override { return "one batch"; }
  [[nodiscard]] Batch<double> draw(std::uint64_t) const override { return batch_; }

 private:
  Batch<double> batch_;
};

struct Setting {
  TwoPlayerParts<double> parts;
  TransportTraining<double> training;
  Batch<double> batch{cloud(10, 8, 2), cloud(11, 6, 3), {}};

  Setting(bool loss, bool encoded, bool sweeps, GroundCost cost, Regulariser regulariser) {
    parts.generator = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{4}, 3, Activation::tanh);
    parts.critic = network(3, {6, 5});
    parts.sampler = std::make_shared<OneBatch>(batch);
    parts.generator_scheme = std::make_shared<Sgd<double>>();
    parts.critic_objective.kind = CriticObjective::Kind::none;
    parts.generator_step_size = 0.05;
    training.sinkhorn_loss = loss;
    training.encoded = encoded;
    training.sweeps = sweeps;
    training.cost = cost;
    training.regulariser = regulariser;
    training.lambda = 0.7;
    training.solver = {1e-12, 100'000};
    training.duals = std::make_shared<NeuralDuals<double>>(network(encoded ? 5 : 3, {4}), network(encoded ? 5 : 3, {4}), 1.0);
    training.dual_scheme = std::make_shared<Adam<double>>(0.5, 0.9);
    training.dual_batch = 6;
    training.dual_steps = 2;
    training.source = Gaussian::standard(2);
    training.target = std::make_shared<FiniteLaw>("target", cloud(12, 9, 3));
    training.encoder_scheme = std::make_shared<Sgd<double>>();
    training.encoder_step_size = 1e-3;
    training.encoder_every = encoded ? 2 : 0;
  }
};

/// With exact plans the value is a function of u whose derivative is the plan formula in every slot.
TEST(TransportPlayers, GeneratorsGradientIsThatOfFiniteDifferences) {
  for (const bool loss : {false, true})
    for (const bool encoded : {false, true})
      for (const GroundCost cost : {GroundCost::squared, GroundCost::cosine, GroundCost::l1}) {
        const Setting s(loss, encoded, true, cost, Regulariser::kl);
        const TransportPlayers<double> players(s.training);
        const auto state = players.start(s.parts);
        const auto value = [&](const Vector<double>& u) { return players.objective(s.parts, u, state.critic.u, s.batch, Points<double>(), {}, 0).value; };
        const Vector<double> u = state.generator.u + somewhere(state.generator.u.size(), 0.2);
        const auto found = players.objective(s.parts, u, state.critic.u, s.batch, Points<double>(), {}, 0);
        for (Index k = 0; k < u.size(); ++k) {
          const double h = 1e-5;
          Vector<double> up = u, down = u;
          up[k] += h;
          down[k] -= h;
          EXPECT_NEAR(found.phi[k], (value(up) - value(down)) / (2.0 * h), 2e-6 * (1.0 + std::abs(found.phi[k]))) << loss << encoded << k;
        }
      }
}

/// Networks: potentials, not networks, are held fixed. Of one network that is constant the derivative is that of Σ π c with π fixed.
TEST(TransportPlayers, NetworksAreNotDifferentiatedInTheGeneratedPoints) {
  const Setting s(false, false, false, GroundCost::squared, Regulariser::kl);
  const TransportPlayers<double> players(s.training);
  auto state = players.start(s.parts);
  state.critic.u = somewhere(state.critic.u.size(), 0.5);
  const auto found = players.objective(s.parts, state.generator.u, state.critic.u, s.batch, Points<double>(), {}, 0);
  const auto image = s.parts.generator->linearise(state.generator.u, s.batch.x);
  const TransportProblem problem = uniform_problem(GroundCost::squared, image->images(), s.batch.y, 0.7, Regulariser::kl);
  const DualPotentials at = with_best_constant(problem, s.training.duals->potentials(state.critic.u, image->images(), s.batch.y));
  const Vector<double> expected = image->pullback(cost_pullback(GroundCost::squared, image->images(), s.batch.y, plan_of(problem, at)));
  EXPECT_LE((found.phi - expected).norm(), 1e-12 * expected.norm());
  EXPECT_NEAR(found.value, dual_value(problem, at), 1e-12);
}

TEST(TransportPlayers, EncodersGradientIsThatOfFiniteDifferencesAndItsStepRaisesTheLoss) {
  for (const bool loss : {false, true})
    for (const GroundCost cost : {GroundCost::l1, GroundCost::cosine})
      for (const Regulariser regulariser : kBoth) {
        const Setting s(loss, true, true, cost, regulariser);
        const TransportPlayers<double> players(s.training);
        const auto state = players.start(s.parts);
        const Points<double> z = s.parts.generator->forward(state.generator.u, s.batch.x), &y = s.batch.y;
        const Vector<double> v = state.critic.u;
        const auto found = players.encoder_objective(s.parts, v, z, y);
        const double h = 1e-6, norm = found.gradient.norm();
        ASSERT_GT(norm, 1e-4);
        const Vector<double> direction = found.gradient / norm;
        const double up = players.encoder_objective(s.parts, v + h * direction, z, y).value,
                     down = players.encoder_objective(s.parts, v - h * direction, z, y).value;
        EXPECT_NEAR((up - down) / (2.0 * h), norm, 1e-4 * norm);
        EXPECT_GT(up, found.value);
      }
}

/// Its step in a training, from the state before to the one after, on the minibatch that it was taken on.
TEST(TransportPlayers, EncoderMovesEveryFewStepsAndUpwards) {
  for (const bool sweeps : {false, true}) {
    const Setting s(true, true, sweeps, GroundCost::l1, Regulariser::kl);
    const TransportPlayers<double> players(s.training);
    auto state = players.start(s.parts);
    const Index size = s.parts.critic->parameters();
    const auto encoder = [&] { return Vector<double>(state.critic.u.tail(size)); };
    const Vector<double> before = encoder();
    players.update_critic(s.parts, state, s.batch, 0, 0);
    EXPECT_EQ(encoder(), before);
    const auto untouched = state;
    players.update_critic(s.parts, state, s.batch, 1, 0);
    EXPECT_NE(encoder(), before);
    const std::uint64_t update = sweeps ? 1 : 3;  // t·steps + k
    const Points<double> x = s.training.source->sample<double>({1, Purpose::dual_batch, 0, 2 * update}, 6);
    const Points<double> y = s.training.target->sample<double>({1, Purpose::dual_batch, 0, 2 * update + 1}, 6);
    const Points<double> z = s.parts.generator->forward(state.generator.u, x);
    Vector<double> stayed = state.critic.u;
    stayed.tail(size) = before;
    EXPECT_GT(players.encoder_objective(s.parts, state.critic.u, z, y).value, players.encoder_objective(s.parts, stayed, z, y).value);
    EXPECT_EQ(state.generator.u, untouched.generator.u);
  }
}

/// On the sphere no parameters of the encoder make the cost large.
TEST(TransportPlayers, EncodedCostsAreBounded) {
  const Setting s(false, true, true, GroundCost::l1, Regulariser::kl);
  const Points<double> points = cloud(13, 10, 3);
  for (const double factor : {1.0, 1e3, 1e6}) {
    const Represented<double> at(s.parts.critic.get(), factor * somewhere(s.parts.critic->parameters(), 1.0), points);
    for (Index i = 0; i < 10; ++i) EXPECT_NEAR(at.points().row(i).squaredNorm(), 5.0, 1e-12);
    EXPECT_LE(cost_matrix(GroundCost::l1, at.points(), at.points()).maxCoeff(), 10.0 + 1e-12);
  }
}

TEST(TransportPlayers, TrainedNetworksComeCloserAndStepsLowerTheLoss) {
  for (const bool loss : {false, true}) {
    Setting s(loss, false, false, GroundCost::squared, Regulariser::kl);
    s.training.dual_batch = 32;
    s.training.dual_steps = 5;
    s.training.dual_step_size = 0.01;
    s.parts.sampler = std::make_shared<FreshBatches<double>>(s.training.source, s.training.target, SamplerSettings{32, 1, 1, 0});
    const TransportPlayers<double> players(s.training);
    auto state = players.start(s.parts);
    const Points<double> x = s.training.source->sample<double>({2, Purpose::cases, 0, 0}, 32),
                         y = s.training.target->sample<double>({2, Purpose::cases, 0, 1}, 32);
    const auto at_start = players.certify(s.parts, state, x, y, {1e-9, 10'000});
    for (int t = 0; t < 200; ++t) advance<double>(players, s.parts, state);
    const auto at_end = players.certify(s.parts, state, x, y, {1e-9, 10'000});
    EXPECT_FALSE(TransportPlayers<double>::diverged_at(state));
    EXPECT_EQ(state.generator.step, 200U);
    EXPECT_LT(at_end.epsilon_high(), 0.5 * at_start.epsilon_high());
    EXPECT_LT(at_end.high, at_start.low);
  }
}

TEST(TransportPlayers, DivergenceIsNamedAndNothingMovesAfterIt) {
  Setting s(true, false, false, GroundCost::l1, Regulariser::kl);
  s.parts.generator_step_size = 1e300;
  s.parts.generator_scheme = std::make_shared<Sgd<double>>();
  const TransportPlayers<double> players(s.training);
  auto state = players.start(s.parts);
  for (int t = 0; t < 6; ++t) advance<double>(players, s.parts, state);
  const auto when = TransportPlayers<double>::diverged_at(state);
  ASSERT_TRUE(when);
  EXPECT_LT(*when, 6U);
  const auto frozen = state;
  const TwoPlayerReport report = advance<double>(players, s.parts, state);
  EXPECT_TRUE(std::isnan(report.generator.loss));
  EXPECT_TRUE(std::isnan(report.critic.loss));
  EXPECT_EQ(state.generator.step, 7U);
  EXPECT_EQ(state.critic.u, frozen.critic.u);
  EXPECT_EQ(state.statistics, frozen.statistics);
}

TEST(TransportPlayers, RefuseWhatIsMissing) {
  const auto refused = [](const std::function<void(Setting&)>& spoil) {
    Setting s(true, true, false, GroundCost::l1, Regulariser::kl);
    spoil(s);
    EXPECT_THROW((void)TransportPlayers<double>(s.training).start(s.parts), InputError);
  };
  refused([](Setting& s) { s.training.lambda = 0.0; });
  refused([](Setting& s) { s.training.duals.reset(); });
  refused([](Setting& s) { s.training.target.reset(); });
  refused([](Setting& s) { s.training.encoder_scheme.reset(); });
  refused([](Setting& s) { s.training.dual_batch = 1; });
  refused([](Setting& s) { s.training.dual_steps = 0; });
  refused([](Setting& s) { s.parts.critic.reset(); });
  refused([](Setting& s) { s.training.duals = std::make_shared<NeuralDuals<double>>(network(3, {2}), network(3, {2}), 1.0); });
}

}  // namespace
}  // namespace slicecheck::testing
