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
/// The same in a sampler.
struct SamplerDefect {
  std::string name;
  std::string title;
  SamplerSubject subject;
};
/// The same in a training loop.
struct TrainingDefect {
  std::string name;
  std::string title;
  TrainingSubject subject;
};
/// The same in a law.
struct LawDefect {
  std::string name;
  std::string title;
  LawSubject subject;
};

/// All planted defects in schemes.
std::vector<SchemeDefect> broken_schemes();
/// All in samplers.
std::vector<SamplerDefect> broken_samplers();
/// All in training loops.
std::vector<TrainingDefect> broken_trainings();
/// All in laws.
std::vector<LawDefect> broken_laws();

/// The code that the defects are planted in, without any: all checks must hold for it, so that a refusal is the defect's and not the code's.
SchemeSubject repaired_scheme();
/// The same for samplers.
SamplerSubject repaired_sampler();
/// The same for training loops.
TrainingSubject repaired_training();
/// The same for laws.
LawSubject repaired_law();

}  // namespace slicecheck
