/// The claims about losses, judged on the shipped kernels as they run on fibres: subject `cuda-on-host`.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/progress.h"
#include "slicecheck/loss/cuda/cuda_loss.h"

namespace slicecheck::testing {
namespace {

LossSubject cuda_on_host() {
  LossSubject subject =
      make_loss_subject<float>("cuda-on-host", "the CUDA kernels, compiled as C++, every thread a fibre", [](double p) { return make_cuda_loss(p); });
  subject.squares_only = true;
  return subject;
}

class OnHost : public ::testing::TestWithParam<const char*> {};

TEST_P(OnHost, holds) {
  const Claim& claim = claim_by_id(GetParam());
  const LossSubject subject = cuda_on_host();
  ASSERT_TRUE(claim.applies_to(subject)) << claim.id << " judges " << claim.judges();
  SilentProgress progress;
  const Verdict verdict = verify(claim, subject, {.cases = 300}, progress);
  EXPECT_EQ(outcome_name(verdict.outcome), "holds") << verdict.detail;
  EXPECT_GT(verdict.cases, 0U);
}

INSTANTIATE_TEST_SUITE_P(Claims, OnHost, ::testing::Values("L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "N1", "N2", "N3", "N4", "N5", "N6"),
                         [](const auto& claim) { return std::string(claim.param); });

/// A subject that swaps two gaps is not the kernels: the same judgement refuses it.
TEST(OnHost, a_defect_is_refused) {
  LossSubject subject = cuda_on_host();
  subject.evaluate = [evaluate = subject.evaluate](const Points<double>& z, const Points<double>& y, const Points<double>& directions, double p) {
    LossGradient<double> out = evaluate(z, y, directions, p);
    if (out.gradient.rows() > 1) out.gradient.row(0).swap(out.gradient.row(1));
    return out;
  };
  SilentProgress progress;
  EXPECT_EQ(verify(claim_by_id("L8"), subject, {.cases = 100}, progress).outcome, Outcome::refuted);
}

TEST(OnHost, refuses_what_it_cannot_do) {
  EXPECT_THROW(make_cuda_loss(1.0), InputError);
  const auto loss = make_cuda_loss(2.0);
  Points<float> z = Points<float>::Zero(3, 2);
  const Points<float> directions = Points<float>::Identity(2, 2);
  EXPECT_THROW((void)loss->evaluate(z, Points<float>::Zero(4, 2), directions), InputError);
  z(1, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)loss->evaluate(z, Points<float>::Zero(3, 2), directions), InputError);
}

TEST(OnHost, an_overflow_is_not_hidden) {
  const auto loss = make_cuda_loss(2.0);
  Points<float> z = Points<float>::Constant(3, 2, 3e38F);
  z(0, 0) = -3e38F;
  const Points<float> directions = Points<float>::Constant(1, 2, 1.0F);
  const LossGradient<float> out = loss->evaluate(z, Points<float>::Zero(3, 2), directions);
  EXPECT_FALSE(std::isfinite(out.value));
}

}  // namespace
}  // namespace slicecheck::testing
