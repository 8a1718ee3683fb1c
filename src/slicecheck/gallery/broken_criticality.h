#pragma once
/// Measures of criticality with one planted defect each (claim N9).

#include <vector>

#include "slicecheck/claims/criticality_subject.h"

namespace slicecheck {

/// A planted defect in a measure of criticality.
struct CriticalityDefect {
  std::string name;  ///< as in `gallery/NAME`
  std::string title;
  CriticalitySubject subject;
};

/// All of them.
std::vector<CriticalityDefect> broken_criticalities();

/// The library's own measure. The broken ones are made of the same parts, put together with one of them wrong.
CriticalitySubject repaired_criticality();

}  // namespace slicecheck
