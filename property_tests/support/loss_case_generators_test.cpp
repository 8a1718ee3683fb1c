/// The generator of cases keeps its promises: bounds, unit directions, and the hard kinds that it names.

#include "support/loss_case_generators.h"

#include <gtest/gtest.h>

#include <set>

#include "slicecheck/core/tolerances.h"

namespace slicecheck::testing {
namespace {

void check_shape(const LossCase& c, const CaseLimits& limits) {
  RC_ASSERT(c.n() >= 1 && c.n() <= std::min<Index>(limits.points, 12));
  RC_ASSERT(c.d() >= 1 && c.d() <= std::min<Index>(limits.dimension, 5));
  RC_ASSERT(c.theta.rows() >= 1 && c.theta.rows() <= limits.directions);
  for (const Points<double>* cloud : {&c.y, &c.w}) RC_ASSERT(cloud->rows() == c.n() && cloud->cols() == c.d());
  RC_ASSERT(c.theta.cols() == c.d() && c.v.size() == c.d());
  RC_ASSERT(c.z.allFinite() && c.y.allFinite() && c.w.allFinite() && c.v.allFinite());
  RC_ASSERT(c.s > 0.0 && c.p >= 1.0);
  std::set<Index> places(c.order.begin(), c.order.end());
  RC_ASSERT(static_cast<Index>(places.size()) == c.n() && *places.begin() == 0 && *places.rbegin() == c.n() - 1);
}

TEST(LossCaseGenerator, cases_are_within_their_limits) {
  EXPECT_TRUE(rc::check("shapes", [] {
    const CaseLimits limits{.points = 7, .dimension = 6, .directions = 3};
    check_shape(*loss_case(limits), limits);
    check_shape(*loss_case({}), {});
  }));
}

TEST(LossCaseGenerator, directions_are_unit_vectors_in_double_and_float) {
  EXPECT_TRUE(rc::check("directions", [] {
    const LossCase c = *loss_case({});
    const double u = tolerance::unit_roundoff<double>();
    for (Index l = 0; l < c.theta.rows(); ++l) {
      RC_ASSERT(std::abs(c.theta.row(l).norm() - 1.0) <= tolerance::gamma(4.0 + static_cast<double>(c.d()), u));
      const double single = c.theta.row(l).cast<float>().cast<double>().norm();
      RC_ASSERT(std::abs(single - 1.0) <= 4.0 * tolerance::unit_roundoff<float>());
    }
  }));
}

TEST(LossCaseGenerator, every_kind_occurs_with_what_its_name_says) {
  std::set<std::string> seen;
  int near_ties = 0;
  int of_near_ties = 0;
  EXPECT_TRUE(rc::check("kinds", [&] {
    const LossCase c = *loss_case({});
    seen.insert(c.kind);
    if (c.kind == "single point") RC_ASSERT(c.n() == 1);
    if (c.kind == "tiny") RC_ASSERT(c.z.array().abs().maxCoeff() < 1e-8);
    if (c.kind == "far") RC_ASSERT(c.z.minCoeff() > 9e5);
    if (c.kind == "collinear" && c.d() > 1) RC_ASSERT(Eigen::FullPivLU<Eigen::MatrixXd>(c.z).rank() <= 1);
    if (c.kind != "near ties") return;
    ++of_near_ties;
    for (Index k = 1; k < c.n(); ++k) {
      const double distance = (c.z.row(k) - c.z.row(k - 1)).norm();
      if (distance > 0.0 && distance < 1e-6) {
        ++near_ties;
        break;
      }
    }
  }));
  for (const std::string& kind : generated_kinds()) EXPECT_TRUE(seen.contains(kind)) << kind;
  EXPECT_GT(2 * near_ties, of_near_ties);
}

TEST(LossCaseGenerator, exact_ties_are_seen) {
  LossCase c;
  c.z = Points<double>{{0.0, 3.0}, {4.0, 0.0}};
  c.y = Points<double>{{0.0, 1.0}, {4.0, 0.0}};
  c.theta = Points<double>{{1.0, 0.0}};
  EXPECT_FALSE(has_exact_tie(c));
  c.y(0, 0) = 4.0;
  EXPECT_TRUE(has_exact_tie(c));
}

}  // namespace
}  // namespace slicecheck::testing
