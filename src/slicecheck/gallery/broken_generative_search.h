#pragma once
/// Searches for max-SW and measures of mode coverage with one planted defect each (claims G1, G5).

#include <string>
#include <vector>

#include "slicecheck/claims/generative_subject.h"

namespace slicecheck {

/// A planted defect in a search for the worst direction.
struct MaxSlicedDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  MaxSlicedSubject subject;
};

/// A planted defect in a measure of mode coverage.
struct CoverageDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  CoverageSubject subject;
};

/// All planted defects in searches.
std::vector<MaxSlicedDefect> broken_searches();
/// The code that they are planted in, without any.
MaxSlicedSubject repaired_search();

/// All planted defects in measures of coverage.
std::vector<CoverageDefect> broken_coverages();
/// The code that they are planted in, without any.
CoverageSubject repaired_coverage();

}  // namespace slicecheck
