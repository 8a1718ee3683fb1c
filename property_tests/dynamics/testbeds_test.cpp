/// The testbeds: where they start, how they train, and how often the order of the images changes.

#include "slicecheck/dynamics/testbeds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/closed_form.h"

namespace slicecheck::testing {
namespace {

TEST(Testbeds, are_found_by_name_and_fit_together) {
  std::set<std::string> names;
  for (const Testbed& bed : testbeds()) {
    EXPECT_TRUE(names.insert(bed.name).second);
    EXPECT_EQ(&testbed_by_name(bed.name), &bed);
    EXPECT_EQ(bed.centre.size(), bed.generator->parameters());
    EXPECT_EQ(bed.field->parameters(), bed.generator->parameters());
    EXPECT_EQ(bed.field->loss().n(), bed.n);
    EXPECT_GT(bed.spread, 0.0);
    EXPECT_GT(value_at(*bed.field, bed.centre), 0.0);
  }
  EXPECT_EQ(names, (std::set<std::string>{"two-point-line", "affine-plane", "tanh-plane", "relu-plane", "tanh-pair", "relu-pair"}));
  EXPECT_THROW((void)testbed_by_name("plane"), InputError);
  EXPECT_EQ(testbed_by_name("tanh-pair").generator->parameters(), 2);
  EXPECT_EQ(testbed_by_name("relu-pair").field->switches(), 4) << "one unit, four inputs";
  EXPECT_EQ(testbed_by_name("two-point-line").field->switches(), 1);
}

TEST(Testbeds, start_in_the_ball) {
  for (const Testbed& bed : testbeds()) {
    const StartsInBall starts(bed.generator, bed.centre, bed.spread);
    for (std::uint64_t step = 0; step < 50; ++step) {
      const Eigen::VectorXd u0 = starts.initial(RandomStream(3, Purpose::initial, 0, step));
      EXPECT_LE((u0 - bed.centre).norm(), bed.spread * (1.0 + 1e-14)) << bed.name;
    }
    EXPECT_EQ(starts.initial(RandomStream(3, Purpose::initial, 0, 0)), starts.initial(RandomStream(3, Purpose::initial, 0, 0)));
    EXPECT_NE(starts.initial(RandomStream(3, Purpose::initial, 0, 0)), starts.initial(RandomStream(3, Purpose::initial, 1, 0)));
    EXPECT_EQ(starts.parameters(), bed.generator->parameters());
    EXPECT_EQ(starts.tensors(), bed.generator->tensors());
  }
  const StartsInBall still(testbeds()[0].generator, testbeds()[0].centre, 0.0);
  EXPECT_EQ(still.initial(RandomStream(3, Purpose::initial, 0, 0)), testbeds()[0].centre);
}

/// Uniform in a ball: (‖u0 − centre‖/radius)^d is uniform on [0, 1], and no direction is preferred. Fixed seed: the bound below is exceeded by a uniform law
/// with probability 10⁻⁶ (Dvoretzky, Kiefer, Wolfowitz), so this seed is a fair one; nothing here depends on chance at run time.
TEST(Testbeds, the_start_is_uniform_in_the_ball) {
  for (const char* name : {"two-point-line", "tanh-pair", "affine-plane"}) {
    const Testbed& bed = testbed_by_name(name);
    const StartsInBall starts(bed.generator, bed.centre, 2.0);
    constexpr int kCount = 4000;
    const auto d = static_cast<double>(bed.centre.size());
    std::vector<double> parts;
    Eigen::VectorXd mean = Eigen::VectorXd::Zero(bed.centre.size());
    for (int k = 0; k < kCount; ++k) {
      const Eigen::VectorXd off = (starts.initial(RandomStream(11, Purpose::initial, 0, static_cast<std::uint64_t>(k))) - bed.centre) / 2.0;
      parts.push_back(std::pow(off.norm(), d));
      mean += off / static_cast<double>(kCount);
    }
    std::sort(parts.begin(), parts.end());
    double distance = 0.0;
    for (int k = 0; k < kCount; ++k)
      distance =
          std::max({distance, (k + 1.0) / kCount - parts[static_cast<std::size_t>(k)], parts[static_cast<std::size_t>(k)] - static_cast<double>(k) / kCount});
    EXPECT_LE(distance, std::sqrt(std::log(2.0 / 1e-6) / (2.0 * kCount))) << name;
    // Every coordinate is in [−1, 1] with mean 0 (Hoeffding, 10⁻⁶ each).
    EXPECT_LE(mean.cwiseAbs().maxCoeff(), std::sqrt(2.0 * std::log(2.0 / 1e-6) / kCount)) << name;
    // A radius that is uniform itself is refused wherever d > 1.
    if (d > 1.0) {
      EXPECT_GT(std::abs(std::pow(0.5, 1.0 / d) - 0.5), 0.1);
    }
  }
}

TEST(Testbeds, the_start_refuses_what_does_not_fit) {
  const auto generator = testbeds()[0].generator;
  EXPECT_THROW(StartsInBall(nullptr, Eigen::VectorXd::Zero(1), 1.0), InputError);
  EXPECT_THROW(StartsInBall(generator, Eigen::VectorXd::Zero(2), 1.0), InputError);
  EXPECT_THROW(StartsInBall(generator, Eigen::VectorXd::Constant(1, std::nan("")), 1.0), InputError);
  EXPECT_THROW(StartsInBall(generator, Eigen::VectorXd::Zero(1), -1.0), InputError);
  EXPECT_THROW(StartsInBall(generator, Eigen::VectorXd::Zero(1), std::nan("")), InputError);
}

/// u_{t+1} = u_t − α Σ_k J_kᵀ (2/n) θ (θ·z_k − θ·y_match(k)), written out.
TEST(Testbeds, a_walk_is_algorithm_1) {
  for (const Testbed& bed : testbeds()) {
    const double alpha = 1.0 / 64.0;
    const TrainingParts<double> parts = testbed_training(bed, alpha, 5, 2);
    const Points<double> path = walk(parts, 40);
    ASSERT_EQ(path.rows(), 41);
    EXPECT_LE((path.row(0).transpose() - bed.centre).norm(), bed.spread * (1.0 + 1e-14));
    Eigen::VectorXd u = path.row(0).transpose();
    for (Index t = 0; t < 40; ++t) {
      const Batch<double> batch = parts.sampler->draw(static_cast<std::uint64_t>(t));
      ASSERT_EQ(batch.x.rows(), bed.n);
      ASSERT_EQ(batch.directions.rows(), 1);
      const auto linear = bed.generator->linearise(u, batch.x);
      const Eigen::VectorXd theta = batch.directions.row(0).transpose();
      const Eigen::VectorXd z = linear->images() * theta;
      Eigen::VectorXd y = batch.y * theta;
      std::sort(y.begin(), y.end());
      std::vector<Index> order(static_cast<std::size_t>(bed.n));
      for (Index k = 0; k < bed.n; ++k) order[static_cast<std::size_t>(k)] = k;
      std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return z[a] < z[b]; });
      Points<double> gradient(bed.n, theta.size());
      for (Index k = 0; k < bed.n; ++k) {
        const Index point = order[static_cast<std::size_t>(k)];
        gradient.row(point) = 2.0 / static_cast<double>(bed.n) * (z[point] - y[k]) * theta.transpose();
      }
      u -= alpha * linear->pullback(gradient);
      EXPECT_TRUE((u - path.row(t + 1).transpose()).norm() <= 1e-13 * (1.0 + u.norm())) << bed.name << ", step " << t;
    }
    EXPECT_EQ(walk(parts, 40), path) << "a pure function of its parts";
    EXPECT_NE(walk(testbed_training(bed, alpha, 5, 3), 40), path) << "replicates differ";
    EXPECT_NE(walk(testbed_training(bed, alpha, 6, 2), 40), path) << "and so do seeds";
  }
  // Another scheme, and another law of u0.
  const Testbed& line = testbeds()[0];
  const auto far = std::make_shared<StartsInBall>(line.generator, Eigen::VectorXd::Constant(1, 7.0), 0.0);
  const auto held = walk(testbed_training(line, 0.01, 1, 0, std::make_shared<NoisedProjectedSgd<double>>(2.0, 0.0), far), 3);
  EXPECT_EQ(held(0, 0), 2.0) << "projected";
  EXPECT_EQ(walk(testbed_training(line, 0.01, 1, 0, nullptr, far), 3)(0, 0), 7.0);
}

TEST(Testbeds, order_changes_by_hand) {
  // On the line T(u, ±1) = ±u: the order of two images changes with the sign of u.
  const Testbed& line = testbed_by_name("two-point-line");
  const Points<double> path{{1.0}, {0.5}, {-0.5}, {-0.25}, {0.25}, {-1.0}};
  EXPECT_EQ(order_changes(line, path), 3.0);
  EXPECT_EQ(order_changes(line, path, 64, 2), 2.0) << "rows 0, 2, 4: +, −, +";
  EXPECT_EQ(order_changes(line, path, 64, 4), 0.0) << "rows 0 and 4: +, +";
  EXPECT_EQ(order_changes(line, path.topRows(2)), 0.0);
  // A reflection of the plane turns round the order along every θ of the half circle with cos φ ≠ 0 for the pairs that differ in x alone, and none for those
  // that differ in y alone: atoms (1, 0), (−½, .8), (−½, −.8), A = diag(±1, 1). Pairs (0,1) and (0,2): the tie is at tan φ = ±1.5/.8, so a reflection in x
  // changes the order on the part of directions where |tan φ| < 1.5/.8, a fraction 2·atan(1.5/.8)/π each; pair (1,2) never changes.
  const Testbed& plane = testbed_by_name("affine-plane");
  const Points<double> reflected{{1.0, 0.0, 0.0, 1.0, 0.0, 0.0}, {-1.0, 0.0, 0.0, 1.0, 0.0, 0.0}};
  EXPECT_NEAR(order_changes(plane, reflected, 4096), 2.0 * 2.0 * std::atan(1.5 / 0.8) / M_PI, 4.0 * 2.0 / 4096.0);
  // A translation changes nothing.
  const Points<double> moved{{1.0, 0.0, 0.0, 1.0, 0.0, 0.0}, {1.0, 0.0, 0.0, 1.0, 5.0, -3.0}};
  EXPECT_EQ(order_changes(plane, moved), 0.0);
  EXPECT_THROW((void)order_changes(line, path, 0), InputError);
  EXPECT_THROW((void)order_changes(line, path, 1, 0), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
