#pragma once
/// Measures of criticality with one planted defect each (claim N9).

#include <vector>

#include "slicecheck/claims/criticality_subject.h"

namespace slicecheck {

struct CriticalityDefect {
  std::string name;  ///< as in `gallery/NAME`
  std::string title;
  CriticalitySubject subject;
};

std::vector<CriticalityDefect> broken_criticalities();

/// The measure that the defects are planted in, without any.
CriticalitySubject repaired_criticality();

}  // namespace slicecheck
