#include "slicecheck/claims/loss_subject.h"

#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck {

std::vector<LossSubject> core_loss_subjects() {
  return {
      make_loss_subject<double>("reference", "plain loops in double", [](double p) { return std::make_unique<ReferenceLoss>(p); }),
      make_loss_subject<double>("cpu", "blocks of directions in double", [](double p) { return std::make_unique<CpuLoss<double>>(p); }),
      make_loss_subject<float>("cpu-float", "blocks of directions in float", [](double p) { return std::make_unique<CpuLoss<float>>(p); }),
  };
}

}  // namespace slicecheck
