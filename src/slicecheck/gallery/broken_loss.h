#pragma once
/// Losses with one planted defect each. Every claim must refuse at least one of them, and every one must be refused by at least one claim.

#include <string>
#include <vector>

#include "slicecheck/claims/loss_subject.h"

namespace slicecheck {

/// A planted defect.
struct LossDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  LossSubject subject;
};

/// All planted defects of losses.
std::vector<LossDefect> loss_gallery();

/// The code that the defects are planted in, without any: claims must hold for it, so that a refusal is the defect's and not the code's.
LossSubject repaired_loss();

}  // namespace slicecheck
