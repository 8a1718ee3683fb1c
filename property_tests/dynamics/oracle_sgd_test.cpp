/// SGD by an oracle of regularised transport: steps by hand on the line, expectation over all batches, certified differences, resume, warm starts.

#include "slicecheck/dynamics/oracle_sgd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/checkpoint.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_solver.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

std::shared_ptr<const Schedule> constant(double alpha) {
  ScheduleSettings settings;
  settings.initial = alpha;
  return make_schedule(settings);
}

/// x, y = ±1 uniform, T(θ, x) = θx: h = θ² + 1 − λ ln cosh(2θ/λ), and L = λ[ln cosh(2θ²/λ) + ln cosh(2/λ) − 2 ln cosh(2θ/λ)] (R4, R13).
OracleParts line(OracleObjective objective, double lambda, double alpha) {
  OracleParts parts;
  parts.generator = std::make_shared<TwoPointLine<double>>();
  parts.x = parts.y = (Points<double>(2, 1) << -1.0, 1.0).finished();
  parts.a = parts.b = Vector<double>::Constant(2, 0.5);
  parts.lambda = lambda;
  parts.objective = objective;
  parts.tolerance = 1e-13;
  parts.scheme = std::make_shared<Sgd<double>>();
  parts.schedule = constant(alpha);
  return parts;
}

Vector<double> one(double value) { return Vector<double>::Constant(1, value); }

/// Clouds with weights in the plane.
OracleParts plane(OracleObjective objective, double lambda) {
  OracleParts parts;
  parts.generator = std::make_shared<Affine<double>>(2, 2);
  parts.x = (Points<double>(3, 2) << 0.3, -1.1, 0.9, 0.4, -0.6, 0.2).finished();
  parts.y = (Points<double>(4, 2) << 1.0, 0.1, -0.4, 0.8, 0.2, -0.7, 1.3, 1.2).finished();
  parts.a = (Vector<double>(3) << 0.23, 0.46, 0.31).finished();
  parts.b = (Vector<double>(4) << 0.1, 0.4, 0.3, 0.2).finished();
  parts.lambda = lambda;
  parts.objective = objective;
  parts.tolerance = 1e-11;
  parts.scheme = std::make_shared<Sgd<double>>();
  parts.schedule = constant(0.05);
  return parts;
}

constexpr OracleObjective kBoth[] = {OracleObjective::transport, OracleObjective::sinkhorn};

// With a gap of 1e-13 each plan errs by at most √(2·1e-13/λ) (R7), and every |∂C/∂θ| here is at most 2(|θ| + 1).
double plan_error(double lambda) { return std::sqrt(2e-13 / lambda); }

TEST(OracleSgd, a_full_step_on_the_line_is_the_one_by_hand) {
  for (const double lambda : {0.5, 1.0, 3.0})
    for (const double theta : {0.3, 1.0, 1.7}) {
      const double allowed = 3.0 * 2.0 * (theta + 1.0) * plan_error(lambda);
      const OracleSgd transport(line(OracleObjective::transport, lambda, 0.5));
      OracleState state = transport.start_at(one(theta));
      const OracleReport report = transport.advance(state);
      EXPECT_NEAR(state.training.u[0], std::tanh(2.0 * theta / lambda), 0.5 * allowed);
      EXPECT_NEAR(report.value, theta * theta + 1.0 - lambda * std::log(std::cosh(2.0 * theta / lambda)), report.error + 1e-14);
      EXPECT_LE(report.between_gap, 1e-13);
      EXPECT_EQ(state.training.step, 1U);
      const OracleSgd sinkhorn(line(OracleObjective::sinkhorn, lambda, 0.125));
      state = sinkhorn.start_at(one(theta));
      const OracleReport loss = sinkhorn.advance(state);
      const double slope = 4.0 * theta * std::tanh(2.0 * theta * theta / lambda) - 4.0 * std::tanh(2.0 * theta / lambda);
      EXPECT_NEAR(state.training.u[0], theta - 0.125 * slope, 0.125 * 4.0 * allowed * (1.0 + theta));
      EXPECT_NEAR(loss.gradient_norm, std::abs(slope), 4.0 * allowed * (1.0 + theta));
    }
}

TEST(OracleSgd, a_step_with_one_atom_is_the_one_by_hand) {
  OracleParts parts = line(OracleObjective::transport, 1.0, 0.5);
  parts.batch = 1;
  const OracleSgd sgd(parts);
  constexpr double kTheta = 0.7;
  for (std::uint64_t t = 0; t < 8; ++t) {
    OracleState state = sgd.start_at(one(kTheta));
    state.training.step = t;
    const OracleBatch batch = sgd.draw(t);
    const double x = 2.0 * static_cast<double>(batch.x.at(0)) - 1.0, y = 2.0 * static_cast<double>(batch.y.at(0)) - 1.0;
    const double density = std::exp(2.0 * kTheta * x * y) / std::cosh(2.0 * kTheta);  // m = π/(ab)
    sgd.advance(state);
    EXPECT_NEAR(state.training.u[0], kTheta - 0.5 * density * 2.0 * (kTheta * x - y) * x, 4.0 * 3.4 * plan_error(1.0));
  }
}

TEST(OracleSgd, draws_are_the_inverse_of_the_cumulative_weights_at_their_own_points) {
  OracleParts parts = plane(OracleObjective::sinkhorn, 1.0);
  parts.batch = 50;
  parts.seed = 7;
  parts.replicate = 3;
  for (const bool shared : {false, true}) {
    parts.shared_batch = shared;
    const OracleSgd sgd(parts);
    const OracleBatch batch = sgd.draw(11);
    const RandomStream stream(7, Purpose::oracle_batch, 3, 11);
    const auto atom = [&](const Vector<double>& weights, Index k, std::uint64_t slot) {
      double u = PointDraws(stream, 4 * static_cast<std::uint64_t>(k) + slot).uniform();
      Index i = 0;
      while (i + 1 < weights.size() && u >= weights.head(i + 1).sum()) ++i;
      return i;
    };
    for (Index k = 0; k < 50; ++k) {
      const auto at = static_cast<std::size_t>(k);
      EXPECT_EQ(batch.x[at], atom(parts.a, k, 0));
      EXPECT_EQ(batch.y[at], atom(parts.b, k, 1));
      EXPECT_EQ(batch.first[at], shared ? batch.x[at] : atom(parts.a, k, 2));
      EXPECT_EQ(batch.second[at], atom(parts.a, k, 3));
    }
    EXPECT_EQ(batch.first == batch.x, shared);
    EXPECT_EQ(sgd.draw(11).y, batch.y);
    EXPECT_NE(sgd.draw(12).y, batch.y);
  }
}

/// Calls `visit(list, probability)` for every list of `size` atoms.
void for_all_lists(const Vector<double>& weights, std::size_t size, const std::function<void(const std::vector<Index>&, double)>& visit) {
  std::vector<Index> list(size, 0);
  while (true) {
    double probability = 1.0;
    for (const Index i : list) probability *= weights[i];
    visit(list, probability);
    std::size_t k = 0;
    while (k < size && ++list[k] == weights.size()) list[k++] = 0;
    if (k == size) return;
  }
}

TEST(OracleSgd, the_mean_over_all_batches_is_the_full_gradient) {
  for (const OracleObjective objective : kBoth)
    for (const double tolerance : {1e-11, 0.3}) {  // of any potentials, not of good ones alone
      OracleParts parts = plane(objective, 0.4);
      parts.tolerance = tolerance;
      const OracleSgd sgd(parts);
      const OracleState state = sgd.start();
      const Points<double> z = parts.generator->forward(state.training.u, parts.x);
      const OracleAnswer answer = sgd.ask(z, state, tolerance);
      Points<double> mean = Points<double>::Zero(3, 2);
      // Each term depends on its own two lists alone, and the gradient is their sum: the other two lists may stand still.
      const auto expect = [&](const Vector<double>& left, const Vector<double>& right, auto&& batch_of) {
        for_all_lists(left, 2, [&](const std::vector<Index>& first, double p) {
          for_all_lists(right, 2, [&](const std::vector<Index>& second, double q) { mean += p * q * sgd.batch_cotangent(z, answer, batch_of(first, second)); });
        });
      };
      const std::vector<Index> still{0, 1};
      expect(parts.a, parts.b, [&](const auto& x, const auto& y) { return OracleBatch{x, y, still, still}; });
      if (objective == OracleObjective::sinkhorn) {
        expect(parts.a, parts.a, [&](const auto& first, const auto& second) { return OracleBatch{still, still, first, second}; });
        mean -= sgd.batch_cotangent(z, answer, {still, still, still, still});
      }
      EXPECT_LT((mean - sgd.full_cotangent(z, answer)).cwiseAbs().maxCoeff(), 1e-13);
    }
}

TEST(OracleSgd, the_full_gradient_is_the_slope_of_the_certified_value) {
  for (const OracleObjective objective : kBoth)
    for (const double lambda : {0.2, 2.0}) {
      OracleParts parts = plane(objective, lambda);
      parts.tolerance = 1e-12;
      const OracleSgd sgd(parts);
      const OracleState state = sgd.start();
      const Vector<double> theta = state.training.u;
      const Vector<double> g = sgd.gradient(theta, 1e-12, state);
      // L of R5 with the sharp L0 of squared costs; of the self term on the segment.
      double inputs = 0.0, spread = 0.0, apart = 0.0;
      for (Index i = 0; i < 3; ++i) {
        inputs = std::max(inputs, std::sqrt(parts.x.row(i).squaredNorm() + 1.0));
        for (Index j = 0; j < 3; ++j) apart = std::max(apart, (parts.x.row(i) - parts.x.row(j)).norm());
      }
      const Eigen::RowVectorXd centre = parts.b.transpose() * parts.y;
      for (Index j = 0; j < 4; ++j) spread = std::max(spread, (parts.y.row(j) - centre).norm());
      const TransportBounds bounds;
      const double between = bounds.smoothness({2.0 * inputs * spread, 0.0, 2.0 * inputs * inputs}, lambda, Regulariser::kl);
      const double within = bounds.smoothness({2.0 * (theta.norm() + 1.0) * apart * apart, 0.0, 2.0 * apart * apart}, lambda, Regulariser::kl);
      const bool sinkhorn = objective == OracleObjective::sinkhorn;
      const double smoothness = sinkhorn ? bounds.loss_smoothness(between, within) : between;
      const double step = 1e-5;
      for (Index k = 0; k < theta.size(); ++k) {
        const auto value = [&](double s, double* gap) {
          Vector<double> moved = theta;
          moved[k] += s;
          OracleAnswer answer;
          (void)sgd.gradient(moved, 1e-12, state, &answer);
          *gap += answer.gap;
          return answer.value;
        };
        double gap = 0.0;
        const double slope = (value(step, &gap) - value(-step, &gap)) / (2.0 * step);
        // The Taylor remainder, the certified gaps, and what the plan of a gap of 1e-12 adds to g (R7).
        const double plan = std::sqrt(2e-12 / lambda) * (2.0 * 2.0 * inputs * spread + 2.0 * theta.norm() * apart * apart);
        EXPECT_LE(std::abs(slope - g[k]), 0.5 * smoothness * step + gap / (2.0 * step) + plan) << oracle_objective_name(objective) << ' ' << lambda << ' ' << k;
        EXPECT_LT(0.5 * smoothness * step + gap / (2.0 * step) + plan, 0.02) << "the comparison could not fail";
      }
    }
}

bool same_bits(const Vector<double>& one, const Vector<double>& other) {
  return one.size() == other.size() && (one.size() == 0 || std::memcmp(one.data(), other.data(), sizeof(double) * static_cast<std::size_t>(one.size())) == 0);
}

TEST(OracleSgd, a_resumed_training_is_the_undisturbed_one_to_the_bit) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "oracle_sgd.cbor";
  for (const OracleObjective objective : kBoth) {
    OracleParts parts = plane(objective, 0.3);
    parts.generator = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{5}, 2, Activation::relu);
    parts.scheme = std::make_shared<Adam<double>>(0.9, 0.99);
    parts.tolerance = 1e-2;
    parts.batch = 3;
    const OracleSgd sgd(parts);
    OracleState undisturbed = sgd.start();
    for (int k = 0; k < 3; ++k) sgd.advance(undisturbed);
    save_oracle_state(path, "fingerprint", undisturbed);
    for (int k = 0; k < 4; ++k) sgd.advance(undisturbed);
    OracleState resumed = load_oracle_state(path, "fingerprint");
    EXPECT_EQ(resumed.training.step, 3U);
    for (int k = 0; k < 4; ++k) OracleSgd(parts).advance(resumed);
    EXPECT_TRUE(same_bits(undisturbed.training.u, resumed.training.u));
    EXPECT_TRUE(same_bits(undisturbed.between.psi, resumed.between.psi));
    EXPECT_TRUE(same_bits(undisturbed.within.phi, resumed.within.phi));
    ASSERT_EQ(undisturbed.training.memory.size(), resumed.training.memory.size());
    // The potentials are part of the state: without them the next steps are others.
    resumed = load_oracle_state(path, "fingerprint");
    resumed.between = {};
    for (int k = 0; k < 4; ++k) sgd.advance(resumed);
    EXPECT_FALSE(same_bits(undisturbed.training.u, resumed.training.u));
    EXPECT_THROW((void)load_oracle_state(path, "another"), InputError);
  }
  TrainingRecord<double> other;
  other.state.u = one(1.0);
  save_checkpoint(path, "fingerprint", other);
  EXPECT_THROW((void)load_oracle_state(path, "fingerprint"), InputError);
}

TEST(OracleSgd, a_warm_start_changes_the_work_and_not_what_is_certified) {
  for (const OracleObjective objective : kBoth) {
    OracleParts parts = plane(objective, 0.2);
    parts.tolerance = 1e-9;
    parts.schedule = constant(1e-3);
    const OracleSgd warm(parts);
    parts.warm_start = false;
    const OracleSgd cold(parts);
    OracleState of_warm = warm.start(), of_cold = cold.start();
    Index warm_sweeps = 0, cold_sweeps = 0;
    for (int k = 0; k < 12; ++k) {
      of_cold.training = of_warm.training;  // both oracles are asked at the same points
      const OracleReport by_warm = warm.advance(of_warm), by_cold = cold.advance(of_cold);
      EXPECT_LE(std::max({by_warm.between_gap, by_warm.within_gap, by_cold.between_gap, by_cold.within_gap}), 1e-9);
      EXPECT_LE(std::abs(by_warm.value - by_cold.value), by_warm.error + by_cold.error);
      warm_sweeps += by_warm.sweeps;
      cold_sweeps += by_cold.sweeps;
    }
    EXPECT_LT(warm_sweeps, cold_sweeps);
  }
}

TEST(OracleSgd, the_oracle_stops_at_its_tolerance) {
  Index before = 0;
  for (const double tolerance : {0.1, 1e-3, 1e-6}) {
    OracleParts parts = plane(OracleObjective::transport, 0.02);
    parts.tolerance = tolerance;
    const OracleSgd sgd(parts);
    OracleState state = sgd.start();
    const OracleReport report = sgd.advance(state);
    EXPECT_LE(report.between_gap, tolerance);
    EXPECT_GT(report.between_gap, 1e-4 * tolerance) << "it went on";
    EXPECT_GE(report.sweeps, before);  // the same potentials may have a better plan beside them
    if (tolerance == 1e-6) {
      EXPECT_GT(report.sweeps, before);
    }
    before = report.sweeps;
  }
}

TEST(OracleSgd, schemes_and_other_costs) {
  for (const GroundCost cost : {GroundCost::l1, GroundCost::cosine})
    for (const Regulariser regulariser : {Regulariser::kl, Regulariser::quadratic}) {
      OracleParts parts = plane(OracleObjective::sinkhorn, 0.5);
      parts.cost = cost;
      parts.regulariser = regulariser;
      parts.tolerance = 1e-6;
      parts.scheme = std::make_shared<NoisedProjectedSgd<double>>(0.8, 0.0);
      const OracleSgd sgd(parts);
      OracleState state = sgd.start();
      const double first = sgd.advance(state).value;
      double last = first;
      for (int k = 0; k < 60; ++k) last = sgd.advance(state).value;
      EXPECT_LE(state.training.u.norm(), 0.8 * (1.0 + 1e-15));
      EXPECT_LT(last, first) << ground_cost_name(cost) << ' ' << regulariser_name(regulariser);
    }
}

std::string complaint(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(OracleSgd, what_cannot_be_used_is_named) {
  const auto refused = [](const std::function<void(OracleParts&)>& spoil) {
    return complaint([&] {
      OracleParts parts = plane(OracleObjective::sinkhorn, 0.5);
      spoil(parts);
      const OracleSgd sgd(parts);
    });
  };
  EXPECT_EQ(refused([](OracleParts&) {}), "");
  EXPECT_NE(refused([](OracleParts& p) { p.generator = nullptr; }).find("no generator"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.scheme = nullptr; }).find("no scheme"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.schedule = nullptr; }).find("no schedule"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.x = Points<double>::Zero(3, 3); }).find("3 × 3"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.y = Points<double>::Zero(4, 1); }).find("4 × 1"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.a = Vector<double>::Constant(2, 0.5); }).find("2 and 4 weights"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.a[0] = 0.9; }).find("sum"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.b[0] = -0.1; }).find("-0.1"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.lambda = 0.0; }).find("lambda is 0"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.tolerance = 0.0; }).find("tolerance is 0"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.batch = -1; }).find("-1"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.x(1, 1) = std::nan(""); }).find("not finite"), std::string::npos);
  EXPECT_NE(refused([](OracleParts& p) { p.tolerance = 1e-14, p.most_sweeps = 2; }).find("d(Y, Y) reached the gap"), std::string::npos);
  EXPECT_EQ(refused([](OracleParts& p) { p.most_sweeps = 0; }), "oracle SGD: most_sweeps is 0; expected at least 1");
  const OracleSgd sgd(plane(OracleObjective::transport, 0.5));
  EXPECT_NE(complaint([&] { (void)sgd.start_at(one(0.0)); }).find("θ has 1 entries"), std::string::npos);
  OracleParts parts = plane(OracleObjective::transport, 0.05);
  parts.most_sweeps = 2;
  const OracleSgd hurried(parts);
  OracleState state = hurried.start();
  const std::string said = complaint([&] { hurried.advance(state); });
  EXPECT_NE(said.find("oracle SGD: the oracle of d(G, Y) reached the gap"), std::string::npos) << said;
  EXPECT_NE(said.find("in 1 sweeps; asked for was 1e-11"), std::string::npos) << said;
}

TEST(OracleSgd, potentials_of_another_training_are_named) {
  const OracleSgd sgd(plane(OracleObjective::sinkhorn, 0.5));
  OracleState state = sgd.start();
  sgd.advance(state);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "oracle_sgd.cbor";
  OracleState other = state;
  other.between.psi = Vector<double>::Zero(3);
  save_oracle_state(path, "fingerprint", other);
  OracleState loaded = load_oracle_state(path, "fingerprint");
  EXPECT_EQ(complaint([&] { sgd.advance(loaded); }), "oracle SGD: the state has potentials of 3 and 3 entries for d(G, Y); expected 3 and 4, or none");
  other = state;
  other.within.phi = {};
  EXPECT_EQ(complaint([&] { sgd.advance(other); }), "oracle SGD: the state has potentials of 0 and 3 entries for d(G, G); expected 3 and 3, or none");
  other = state;
  other.within.psi[1] = std::nan("");
  EXPECT_EQ(complaint([&] { sgd.advance(other); }), "oracle SGD: the state's potentials for d(G, G) are not finite");
}

/// Counts what it is asked for, and does as told.
class Counting final : public RegularisedTransport {
 public:
  [[nodiscard]] TransportSolution solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) const override {
    TransportSolution solution = solve_transport(problem, settings, start);
    allowed.push_back(settings.most_sweeps);
    used.push_back(solution.sweeps);
    return solution;
  }
  mutable std::vector<Index> allowed;
  mutable std::vector<Index> used;
};

TEST(OracleSgd, the_first_half_steps_of_the_self_term_are_counted_and_limited) {
  const auto counting = std::make_shared<Counting>();
  OracleParts parts = plane(OracleObjective::sinkhorn, 0.05);
  parts.transport = counting;
  parts.most_sweeps = 400;
  const OracleSgd sgd(parts);
  counting->allowed.clear();
  counting->used.clear();
  OracleState state = sgd.start();
  const OracleReport report = sgd.advance(state);
  ASSERT_EQ(counting->used.size(), 2U);
  EXPECT_EQ(counting->allowed[0], 400);
  const Index first = 400 - counting->allowed[1];  // before the solver of d(G, G)
  EXPECT_GE(first, 3);
  EXPECT_LT(first, 400);
  EXPECT_EQ(report.sweeps, counting->used[0] + counting->used[1] + first + 2);  // each ends on a half-step over φ
  for (const Index most : {1, 2, 3, 10}) {
    parts.tolerance = 1e3;  // reached at once
    parts.most_sweeps = most;
    counting->allowed.clear();
    counting->used.clear();
    (void)OracleSgd(parts).start();
    EXPECT_GE(counting->allowed.at(0), 1);
    EXPECT_LE(counting->allowed.at(0), most);
  }
}

TEST(OracleSgd, a_training_that_diverges_names_its_step) {
  for (const OracleObjective objective : kBoth) {
    OracleParts parts = plane(objective, 0.5);
    parts.tolerance = 1e200;  // what diverges is the training, not the oracle
    parts.schedule = constant(1e6);
    const OracleSgd sgd(parts);
    OracleState state = sgd.start();
    const std::string said = complaint([&] {
      for (int k = 0; k < 400; ++k) sgd.advance(state);
    });
    EXPECT_NE(said.find("step "), std::string::npos) << said;
    EXPECT_NE(said.find("1000000 is too large"), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace slicecheck::testing
