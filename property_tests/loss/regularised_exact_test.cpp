/// Exact transport against all permutations and vertices, its certificate, ties and sizes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/claims/transport_case.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/regularised/exact_transport.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

struct Problem {
  Vector<double> a;
  Vector<double> b;
  Points<double> cost;
};

Problem drawn(std::uint64_t number, int size) {
  const RandomStream stream(test_seed(), Purpose::cases, 93, number);
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  return {problem.a, problem.b, problem.cost};
}

/// Marginals, sign, a forest as support, dual feasibility and equality of the values: that is optimality.
void expect_certificate(const Problem& p, const ExactTransport& exact) {
  const Index n = p.a.size();
  const Index m = p.b.size();
  const double u = std::numeric_limits<double>::epsilon() * static_cast<double>(n + m + 8);
  EXPECT_GE(exact.plan.minCoeff(), 0.0);
  EXPECT_LE((exact.plan.rowwise().sum() - p.a).cwiseAbs().maxCoeff(), 2.0 * u);
  EXPECT_LE((exact.plan.colwise().sum().transpose() - p.b).cwiseAbs().maxCoeff(), 2.0 * u);
  EXPECT_LE((exact.plan.array() > 0.0).count(), n + m - 1);
  const double size = exact.phi.cwiseAbs().maxCoeff() + exact.psi.cwiseAbs().maxCoeff() + p.cost.cwiseAbs().maxCoeff();
  for (Index i = 0; i < n; ++i) EXPECT_LE((exact.phi[i] - exact.psi.array() - p.cost.row(i).transpose().array()).maxCoeff(), u * size);
  EXPECT_NEAR(p.a.dot(exact.phi) - p.b.dot(exact.psi), exact.value, 4.0 * u * size);
}

TEST(ExactTransport, certifies_itself_on_every_kind_of_case) {
  for (std::uint64_t number = 0; number < 600; ++number) {
    const Problem p = drawn(number, 1 + static_cast<int>(number % 12));
    expect_certificate(p, exact_transport(p.a, p.b, p.cost));
  }
}

TEST(ExactTransport, agrees_with_all_permutations) {
  for (std::uint64_t number = 0; number < 100; ++number) {
    const RandomStream stream(test_seed(), Purpose::cases, 94, number);
    PointDraws draws(stream, 0);
    const Index n = 1 + static_cast<Index>(number % 6);
    Points<double> cost(n, n);
    for (double& c : cost.reshaped<Eigen::RowMajor>()) c = number % 2 == 0 ? static_cast<double>(draws.below(4)) : draws.normal();
    std::vector<Index> match(static_cast<std::size_t>(n));
    std::iota(match.begin(), match.end(), Index{0});
    double least = std::numeric_limits<double>::infinity();
    do {
      double sum = 0.0;
      for (Index k = 0; k < n; ++k) sum += cost(k, match[static_cast<std::size_t>(k)]);
      least = std::min(least, sum / static_cast<double>(n));
    } while (std::next_permutation(match.begin(), match.end()));
    const Vector<double> uniform = Vector<double>::Constant(n, 1.0 / static_cast<double>(n));
    const ExactTransport exact = exact_transport(uniform, uniform, cost);
    EXPECT_NEAR(exact.value, least, 1e-14 * (1.0 + std::abs(least)));
    expect_certificate({uniform, uniform, cost}, exact);
  }
}

TEST(ExactTransport, of_two_by_two_is_one_of_the_two_ends) {
  for (std::uint64_t number = 0; number < 100; ++number) {
    const RandomStream stream(test_seed(), Purpose::cases, 95, number);
    PointDraws draws(stream, 0);
    const double p = draws.uniform();
    const double q = draws.uniform();
    if (std::min({p, q, 1.0 - p, 1.0 - q}) < 1e-3) continue;
    Points<double> cost(2, 2);
    for (double& c : cost.reshaped<Eigen::RowMajor>()) c = draws.normal();
    const auto value = [&](double t) { return t * cost(0, 0) + (p - t) * cost(0, 1) + (q - t) * cost(1, 0) + (1.0 - p - q + t) * cost(1, 1); };
    const double expected = std::min(value(std::max(0.0, p + q - 1.0)), value(std::min(p, q)));
    const Vector<double> a = (Vector<double>(2) << p, 1.0 - p).finished();
    const Vector<double> b = (Vector<double>(2) << q, 1.0 - q).finished();
    EXPECT_NEAR(exact_transport(a, b, cost).value, expected, 1e-14);
  }
}

TEST(ExactTransport, is_the_same_after_an_atom_is_split) {
  for (std::uint64_t number = 0; number < 50; ++number) {
    const Problem p = drawn(number, 6);
    Problem split{Vector<double>(p.a.size() + 1), p.b, Points<double>(p.a.size() + 1, p.b.size())};
    split.a << p.a, 0.25 * p.a[0];
    split.a[0] *= 0.75;
    split.cost << p.cost, p.cost.row(0);
    const ExactTransport exact = exact_transport(split.a, split.b, split.cost);
    expect_certificate(split, exact);
    EXPECT_NEAR(exact.value, exact_transport(p.a, p.b, p.cost).value, 1e-14 * p.cost.cwiseAbs().maxCoeff());
  }
}

TEST(ExactTransport, three_hundred_atoms) {
  const RandomStream stream(test_seed(), Purpose::cases, 96, 0);
  PointDraws of_weights(stream, 300);
  Problem p{draw_weights(of_weights, 300), draw_weights(of_weights, 300), Points<double>(300, 300)};
  for (Index i = 0; i < 300; ++i) {
    PointDraws draws(stream, static_cast<std::uint64_t>(i));
    for (Index j = 0; j < 300; ++j) p.cost(i, j) = draws.uniform();
  }
  expect_certificate(p, exact_transport(p.a, p.b, p.cost));
  const Vector<double> uniform = Vector<double>::Constant(300, 1.0 / 300.0);
  const ExactTransport exact = exact_transport(uniform, uniform, p.cost);
  double sum = 0.0;
  const auto match = optimal_assignment(p.cost);
  for (Index k = 0; k < 300; ++k) sum += p.cost(k, match[static_cast<std::size_t>(k)]) / 300.0;
  EXPECT_NEAR(exact.value, sum, 1e-13);
}

TEST(ExactTransport, refuses_what_is_no_problem) {
  const Vector<double> one = Vector<double>::Ones(1);
  EXPECT_THROW(exact_transport(one, one, Points<double>::Zero(1, 2)), InputError);
  EXPECT_THROW(exact_transport(0.5 * one, one, Points<double>::Zero(1, 1)), InputError);
  EXPECT_THROW(exact_transport(one, one, Points<double>::Constant(1, 1, std::numeric_limits<double>::quiet_NaN())), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
