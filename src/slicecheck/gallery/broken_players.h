#pragma once
/// Two-player trainings with one planted defect each. Each is refused by one of the claims G3, G4 and G6.

#include <string>
#include <vector>

#include "slicecheck/claims/generative_subject.h"

namespace slicecheck {

/// A planted defect.
struct PlayersDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  TwoPlayerSubject subject;
};

/// All planted defects in two-player trainings.
std::vector<PlayersDefect> broken_players();

/// The code that they are planted in, without any.
TwoPlayerSubject repaired_players();

}  // namespace slicecheck
