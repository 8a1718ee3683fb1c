/// R1, R2, R3, R15, R16: they hold for the library and for the repaired twins, and each of their checks refuses something that is wrong.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "claims/typed_check_runs.h"
#include "slicecheck/claims/transport_rounding.h"
#include "slicecheck/claims/transport_unregularised.h"
#include "slicecheck/gallery/broken_transport.h"
#include "slicecheck/loss/regularised/exact_transport.h"

namespace slicecheck::testing {
namespace {

const std::vector<TypedCheck<TransportSubject>>& of_transport(const char* id) { return typed_checks<TransportSubject>(claim_by_id(id)); }
const std::vector<TypedCheck<TransportBoundsSubject>>& of_bounds(const char* id) { return typed_checks<TransportBoundsSubject>(claim_by_id(id)); }

TEST(TransportClaims, hold_for_the_library_and_for_the_repaired_twin) {
  for (const char* id : {"R1", "R2", "R3", "R15", "R16"}) {
    expect_all_hold(of_transport(id), transport_subjects().front(), 100);
    expect_all_hold(of_transport(id), repaired_transport(), 100);
  }
  for (const char* id : {"R15", "R16"}) {
    expect_all_hold(of_bounds(id), transport_bounds_subjects().front(), 200);
    expect_all_hold(of_bounds(id), repaired_transport_bounds(), 200);
  }
}

/// Below, every pair is seen on an eighth of the cases or more (of 200), those about bounds on a fourteenth, so that a fresh seed misses one with probability
/// below 10⁻⁵.
TEST(TransportClaims, duality_refuses_wrong_plans_values_and_solutions) {
  expect_refusals(of_transport("R1"), broken_transports(),
                  {{"density-without-e", {"density", "marginals"}},
                   {"density-plus-psi", {"density", "marginals"}},
                   {"solves-anew", {"density"}},
                   {"dual-of-centred-psi", {"dual value", "common constant"}},
                   {"plain-entropy", {"strong duality", "the line", "single atoms"}},
                   {"square-without-half", {"strong duality", "half-step equations", "the line", "single atoms"}},
                   {"negative-densities", {"density", "strong duality", "the line"}},
                   {"psi-with-other-sign", {"strong duality", "marginals", "half-step equations"}},
                   {"single-atom-without-regulariser", {"single atoms"}}},
                  100);
}

TEST(TransportClaims, certificate_refuses_wrong_gaps_and_early_stops) {
  expect_refusals(of_transport("R2"), broken_transports(),
                  {{"gap-without-masses", {"any potentials", "wrong marginals", "distance to the optimum"}},
                   {"gap-without-violation", {"any potentials", "wrong marginals", "distance to the optimum"}},
                   {"gap-without-marginals", {"wrong marginals"}},
                   {"stops-on-growth", {"slow sweeps"}},
                   {"gap-of-own-plan", {"slow sweeps", "loose tolerance"}},
                   {"always-certified", {"below the floor"}},
                   {"no-floor", {"the floor"}},
                   {"kernel-domain", {"small λ"}},
                   {"least-lambda", {"small λ"}}},
                  100);
}

TEST(TransportClaims, splitting_refuses_what_depends_on_how_a_law_is_written) {
  expect_refusals(of_transport("R3"), broken_transports(),
                  {{"plain-entropy", {"regulariser", "values"}},
                   {"unweighted-square", {"regulariser", "values"}},
                   {"weights-of-uniform-laws", {"gradient weights"}},
                   {"solver-ignores-weights", {"values"}}},
                  100);
}

TEST(TransportClaims, small_lambda_refuses_wrong_limits) {
  expect_refusals(of_transport("R15"), broken_transports(),
                  {{"plain-entropy", {"between its bounds"}},
                   {"square-without-half", {"between its bounds"}},
                   {"least-lambda", {"between its bounds", "along λ"}},
                   {"negative-densities", {"between its bounds", "exact at some λ"}}},
                  100);
  expect_refusals(
      of_bounds("R15"), broken_transport_bounds(),
      {{"larger-entropy", {"interval for small λ"}}, {"larger-number-of-atoms", {"interval for small λ"}}, {"no-half-lambda", {"interval for small λ"}}}, 100);
}

TEST(TransportClaims, large_lambda_refuses_wrong_limits) {
  expect_refusals(of_transport("R16"), broken_transports(),
                  {{"plain-entropy", {"below the mean"}},
                   {"square-without-half", {"exact plan", "loss at large λ"}},
                   {"dual-loses-lambda", {"loss at large λ"}},
                   {"solver-ignores-weights", {"below the mean", "exact plan", "loss at large λ"}}},
                  100);
  expect_refusals(of_bounds("R16"), broken_transport_bounds(),
                  {{"sixteenth-of-the-oscillation", {"interval for large λ"}},
                   {"oscillation-of-the-costs", {"interval for large λ"}},
                   {"centred-once", {"interval for large λ"}},
                   {"exact-for-any-lambda", {"interval for large λ"}},
                   {"mmd-for-its-square", {"limit of the loss", "gaps of means", "graphs"}},
                   {"limit-never-negative", {"limit of the loss", "graphs"}},
                   {"limit-with-one-self-term", {"limit of the loss", "gaps of means", "graphs"}},
                   {"limit-over-distinct-pairs", {"limit of the loss", "gaps of means"}},
                   {"limit-of-root-mean-squares", {"limit of the loss", "gaps of means", "coordinates only"}}},
                  300);
}

/// Where a number is judged, it is none.
class NotANumber final : public RegularisedTransport {
 public:
  TransportSolution solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) const override {
    TransportSolution solution = RegularisedTransport::solve(problem, settings, start);
    solution.dual_value = std::nan("");
    return solution;
  }
  Points<double> density(const TransportProblem& problem, const DualPotentials& /*potentials*/) const override {
    return Points<double>::Constant(problem.n(), problem.m(), std::nan(""));
  }
  double dual(const TransportProblem& /*problem*/, const DualPotentials& /*potentials*/) const override { return std::nan(""); }
  double regularisation_of(const TransportProblem& /*problem*/, PointsView<double> /*plan*/) const override { return std::nan(""); }
  double gap(const TransportProblem& /*problem*/, const DualPotentials& /*potentials*/, PointsView<double> /*plan*/) const override { return std::nan(""); }
  Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const override { return density(problem, potentials); }
};

TEST(TransportClaims, refuse_what_is_no_number) {
  const TransportSubject wrong{"not-a-number", "", std::make_shared<NotANumber>()};
  for (const char* id : {"R1", "R2", "R3", "R15", "R16"})
    for (const auto& check : of_transport(id)) EXPECT_EQ(run_check(check, wrong, 20).refused, 20) << id << ", " << check.name;
}

/// The exact solver of the library against shortest paths in long double: value, potentials and plan to rounding.
TEST(TransportClaims, unregularised_transport_is_that_of_the_library) {
  for (int k = 0; k < 400; ++k) {
    const RandomStream stream(test_seed(), Purpose::cases, 9100, static_cast<std::uint64_t>(k));
    PointDraws draws(stream, 0);
    const TransportProblem problem = draw_transport_case(draws, 1 + k % 6).problem;
    const UnregularisedTransport textbook = unregularised_transport(problem);
    const ExactTransport exact = exact_transport(problem.a, problem.b, problem.cost);
    const double size = problem.cost.cwiseAbs().maxCoeff() + exact.phi.cwiseAbs().maxCoeff() + exact.psi.cwiseAbs().maxCoeff();
    const double rounding = 32.0 * static_cast<double>(problem.n() + problem.m()) * std::numeric_limits<double>::epsilon() * size;
    EXPECT_LE(static_cast<double>(textbook.high - textbook.low), rounding);
    EXPECT_NEAR(exact.value, static_cast<double>(textbook.low), rounding);
    EXPECT_NEAR(problem.a.dot(exact.phi) - problem.b.dot(exact.psi), exact.value, rounding);
    for (Index i = 0; i < problem.n(); ++i)
      for (Index j = 0; j < problem.m(); ++j) EXPECT_LE(exact.phi[i] - exact.psi[j] - problem.cost(i, j), rounding);
    EXPECT_GE(exact.plan.minCoeff(), 0.0);
    EXPECT_LE((exact.plan.rowwise().sum() - problem.a).cwiseAbs().sum(), 1e-14);
    EXPECT_LE((exact.plan.colwise().sum().transpose() - problem.b).cwiseAbs().sum(), 1e-14);
  }
}

}  // namespace
}  // namespace slicecheck::testing
