/// Counter-examples: still refuted when made small, and never larger.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "slicecheck/claims/claim.h"
#include "slicecheck/gallery/broken_loss.h"
#include "support/loss_case_generators.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

void check_not_larger(const LossCase& small, const LossCase& original) {
  RC_ASSERT(small.n() <= original.n() && small.n() >= 1);
  RC_ASSERT(small.d() <= original.d() && small.d() >= 1);
  RC_ASSERT(small.theta.rows() <= original.theta.rows() && small.theta.rows() >= 1);
  RC_ASSERT(small.y.rows() == small.n() && small.w.rows() == small.n() && static_cast<Index>(small.order.size()) == small.n());
  RC_ASSERT(small.y.cols() == small.d() && small.w.cols() == small.d() && small.theta.cols() == small.d() && small.v.size() == small.d());
  std::vector<Index> order = small.order;
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) RC_ASSERT(order[i] == static_cast<Index>(i));
  RC_ASSERT(small.s > 0.0 && small.z.allFinite());
  for (Index l = 0; l < small.theta.rows(); ++l) RC_ASSERT(std::abs(small.theta.row(l).norm() - 1.0) < 1e-6);
}

TEST(Minimise, keeps_refuting_and_never_grows) {
  std::uint64_t refuted = 0;
  EXPECT_TRUE(rc::check("minimise", [&] {
    const auto gallery = loss_gallery();
    const LossDefect& defect = gallery[*rc::gen::inRange<std::size_t>(0, gallery.size())];
    std::vector<const Claim*> judging;
    for (const Claim& candidate : claims())
      if (!candidate.checks.empty()) judging.push_back(&candidate);
    const Claim& claim = *judging[*rc::gen::inRange<std::size_t>(0, judging.size())];
    const LossCheck& check = claim.checks[*rc::gen::inRange<std::size_t>(0, claim.checks.size())];
    const LossCase original = rounded_case(defect.subject, *loss_case(check.limits));
    if (!judge(check, defect.subject, original).refutes()) return;
    ++refuted;
    const LossCase small = minimise(check, defect.subject, original, 300);
    RC_ASSERT(judge(check, defect.subject, small).refutes());
    check_not_larger(small, original);
    const LossCase smaller = minimise(check, defect.subject, small, 300);
    RC_ASSERT(judge(check, defect.subject, smaller).refutes());
    check_not_larger(smaller, small);
  }));
  EXPECT_GT(refuted, 0U);
}

TEST(Minimise, comes_down_to_two_points_for_an_unsorted_target) {
  const LossCheck& check = claim_by_id("L1").checks.front();
  const LossSubject subject = loss_gallery().front().subject;
  ASSERT_EQ(subject.name, "gallery/unsorted-target");
  const RandomStream stream(test_seed(), Purpose::cases, 0, 0);
  int refuted = 0;
  int decided = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    PointDraws draws(stream, i);
    const LossCase c = draw_loss_case(draws, check.limits);
    if (!judge(check, subject, c).refutes()) continue;
    ++refuted;
    const LossCase small = minimise(check, subject, c);
    EXPECT_LE(small.n(), c.n());
    // Two points show it unless the only inversions of Y are at points that Z ties, or p = 1, where crossing pairs may cost the same.
    if (c.p == 1.0 || c.kind != "generic") continue;
    ++decided;
    EXPECT_EQ(small.n(), 2);
    EXPECT_EQ(small.theta.rows(), 1);
  }
  EXPECT_GT(refuted, 100);
  EXPECT_GT(decided, 5);
}

TEST(Minimise, drops_coordinates_that_no_direction_looks_at) {
  const LossCheck& check = claim_by_id("L1").checks.front();
  const LossSubject subject = loss_gallery().front().subject;
  LossCase c;
  c.z = c.w = Points<double>{{0.0, 5.0, 1.0}, {1.0, 6.0, 2.0}};
  c.y = Points<double>{{1.0, 7.0, 3.0}, {0.0, 8.0, 4.0}};
  c.theta = Points<double>{{1.0, 0.0, 0.0}};
  c.v = Eigen::RowVectorXd::Ones(3);
  c.order = {0, 1};
  ASSERT_TRUE(judge(check, subject, c).refutes());
  const LossCase small = minimise(check, subject, c);
  EXPECT_EQ(small.d(), 1);
  EXPECT_EQ(small.v.size(), 1);
  EXPECT_TRUE(judge(check, subject, small).refutes());
}

TEST(Minimise, returns_the_case_itself_when_it_may_not_try) {
  const LossCheck& check = claim_by_id("L1").checks.front();
  const LossSubject subject = loss_gallery().front().subject;
  LossCase c;
  c.z = c.w = Points<double>{{0.0}, {1.0}, {2.0}};
  c.y = Points<double>{{2.0}, {1.0}, {0.0}};
  c.theta = Points<double>{{1.0}};
  c.v = Eigen::RowVectorXd::Zero(1);
  c.order = {0, 1, 2};
  ASSERT_TRUE(judge(check, subject, c).refutes());
  EXPECT_EQ(minimise(check, subject, c, 0).z, c.z);
  EXPECT_EQ(minimise(check, subject, c, 0).y, c.y);
}

}  // namespace
}  // namespace slicecheck::testing
