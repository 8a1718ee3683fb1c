/// T4 on the two-point line: the bound against exact laws; right schemes hold, planted defects are refused.

#include "slicecheck/claims/neighbourhood.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "claims/typed_check_runs.h"
#include "slicecheck/claims/step_sizes.h"
#include "slicecheck/gallery/broken_dynamics.h"

namespace slicecheck::testing {
namespace {

/// E(|u_t| − ρ)² over every course of t steps. The noise is ±a with probability 1/2 each: the bound knows of it only that its mean is 0 and its variance a².
double exact_mean_square(const LineScheme& line, double u, std::uint64_t steps) {
  if (steps == 0) return std::pow(std::abs(u) - line.nearest_critical(), 2.0);
  const auto law = law_of_mismatches(line.n);
  double sum = 0.0;
  for (std::size_t m = 0; m < law.size(); ++m)
    for (const double noise : {-line.noise, line.noise}) {
      const double phi = 2.0 * u - std::copysign(2.0, u) * (1.0 - 2.0 * static_cast<double>(m) / static_cast<double>(line.n));
      const double next = std::clamp(u - line.alpha * phi + line.alpha * noise, -line.radius, line.radius);
      sum += 0.5 * law[m] * exact_mean_square(line, next, steps - 1);
    }
  return sum;
}

TEST(Neighbourhood, the_bound_is_above_the_exact_mean_square_and_attained_without_ties_and_sphere) {
  double tightest = 0.0;
  for (const Index n : {1, 2, 3, 4})
    for (const double radius : {0.1, 0.2, 0.25, 0.4, 2.0})
      for (const double noise : {0.0, 0.5, 2.0})
        for (const double alpha : {0.01, 0.1, 0.3, 0.5, 0.7})
          for (const double u0 : {0.0, 0.05, -0.1, 0.4, -2.0}) {
            if (std::abs(u0) > radius) continue;
            const LineScheme line{n, radius, noise, alpha};
            for (std::uint64_t t = 0; t <= 4; ++t) {
              const double exact = exact_mean_square(line, u0, t);
              const double bound = line.mean_square_bound(u0, t);
              EXPECT_LE(exact, bound * (1.0 + 1e-12)) << n << ' ' << radius << ' ' << noise << ' ' << alpha << ' ' << u0 << ' ' << t;
              if (t == 4 && radius == 2.0) tightest = std::max(tightest, exact / bound);
            }
          }
  // Far from the tie and the sphere the recursion is an equality; the bound sums its geometric series to the end.
  EXPECT_GT(tightest, 0.95);
}

TEST(Neighbourhood, the_critical_points) {
  EXPECT_EQ((LineScheme{2, 1.0, 1.0, 0.1}.nearest_critical()), 0.25);
  EXPECT_EQ((LineScheme{2, 0.125, 1.0, 0.1}.nearest_critical()), 0.125);
  EXPECT_EQ((LineScheme{1, 1.0, 1.0, 0.1}.nearest_critical()), 0.0);
  // n = 2: Var ξ = 3/8 + 1/8 − 1/16 = 7/16.
  EXPECT_NEAR((LineScheme{2, 1.0, 0.5, 0.1}.mean_square_bound(0.25, 3)), 0.1 * (1.75 + 0.25) / 3.6, 1e-15);
}

TEST(Neighbourhood, right_schemes_hold) {
  for (const SchemeSubject& subject : scheme_subjects())
    if (subject.projects) expect_all_hold(neighbourhood_checks(), subject, 120);
  expect_all_hold(neighbourhood_checks(), repaired_scheme(), 60);
}

TEST(Neighbourhood, a_scheme_without_projection_is_skipped) {
  for (const auto& check : neighbourhood_checks()) EXPECT_EQ(run_check(check, scheme_subjects()[0], 12).skipped, 12) << check.name;
}

/// The defects that keep u away from C_r. All others enter its neighbourhood on the line, and other checks refuse them.
TEST(Neighbourhood, schemes_that_stay_away_are_refused) {
  const std::string large = "near C_r in a large ball";
  const std::string small = "near C_r in a small ball";
  expect_refusals(neighbourhood_checks(), broken_schemes(),
                  {{"noise-root-step", {large, small}},
                   {"step-sign", {large, small}},
                   {"noise-not-scaled", {large}},
                   {"onto-the-sphere", {large}},
                   {"noise-shared-by-steps", {large}}},
                  24);
  // Not by chance.
  for (const auto& check : neighbourhood_checks())
    for (const SchemeDefect& defect : broken_schemes()) {
      if (defect.name != "noise-root-step" && defect.name != "step-sign") continue;
      EXPECT_GE(run_check(check, defect.subject, 48).refused, 36) << defect.name;
    }
}

TEST(Neighbourhood, a_point_that_is_none_is_refused) {
  class Lost final : public Scheme<double> {
   public:
    [[nodiscard]] std::string name() const override { return "lost"; }
    void advance(State<double>& state, VectorView<double>, double, const RandomStream&) const override { state.u[0] = std::nan(""); }
  };
  const SchemeSubject lost{"lost", "", true, [](double, double, const std::vector<Index>&) { return std::make_unique<Lost>(); }};
  for (const auto& check : neighbourhood_checks()) EXPECT_EQ(run_check(check, lost, 12).refused, 12) << check.name;
}

}  // namespace
}  // namespace slicecheck::testing
