/// The claims about losses, judged on the subject `cuda`.

#include <iostream>
#include <string>

#include "cuda/gpu/gpu.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/progress.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr std::uint64_t kCases = 300;  // of each check; of a third of them N6 judges none

LossSubject cuda_subject() {
  LossSubject subject = make_loss_subject<float>("cuda", "", make_cuda_loss);
  subject.squares_only = true;
  return subject;
}

struct Id {
  std::string text;
};
void PrintTo(const Id& id, std::ostream* out) { *out << id.text; }

class ClaimsOnCuda : public GpuTest, public ::testing::WithParamInterface<Id> {};

TEST_P(ClaimsOnCuda, come_out_as_declared) {
  SilentProgress progress;
  const Verdict verdict = verify(claim_by_id(GetParam().text), cuda_subject(), {kCases, test_seed(), false}, progress);
  std::cout << verdict.claim << ": " << outcome_name(verdict.outcome) << ", " << verdict.detail << "\n";
  EXPECT_EQ(verdict.outcome, verdict.expected) << verdict.detail;
}

std::vector<Id> ids() {
  std::vector<Id> out;
  for (const char* id : {"L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "N1", "N2", "N3", "N4", "N5", "N6"}) out.push_back({id});
  return out;
}

INSTANTIATE_TEST_SUITE_P(all, ClaimsOnCuda, ::testing::ValuesIn(ids()), ::testing::PrintToStringParamName());

}  // namespace
}  // namespace slicecheck::testing
