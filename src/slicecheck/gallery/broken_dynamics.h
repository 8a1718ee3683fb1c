#pragma once
/// Schemes, samplers, trainings and finite laws with one planted defect each. Each is refused by some check of claims/dynamics_step.h.

#include <string>
#include <vector>

#include "slicecheck/claims/dynamics_subject.h"

namespace slicecheck {

/// A planted defect.
struct SchemeDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  SchemeSubject subject;
};
struct SamplerDefect {
  std::string name;
  std::string title;
  SamplerSubject subject;
};
struct TrainingDefect {
  std::string name;
  std::string title;
  TrainingSubject subject;
};
struct LawDefect {
  std::string name;
  std::string title;
  LawSubject subject;
};

std::vector<SchemeDefect> broken_schemes();
std::vector<SamplerDefect> broken_samplers();
std::vector<TrainingDefect> broken_trainings();
std::vector<LawDefect> broken_laws();

/// The code that the defects are planted in, without any: all checks must hold for it, so that a refusal is the defect's and not the code's.
SchemeSubject repaired_scheme();
SamplerSubject repaired_sampler();
TrainingSubject repaired_training();
LawSubject repaired_law();

}  // namespace slicecheck
