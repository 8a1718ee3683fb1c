#pragma once
/// What the claims G3, G4 and G6 say of two-player trainings: theory/generative.md.

#include "slicecheck/claims/claim.h"

namespace slicecheck {

/// G3: value and φ of a sliced loss do not change when the rows of X and of Y are exchanged, each as one likes.
std::vector<TypedCheck<TwoPlayerSubject>> relabelling_checks();

/// G4: each player moves only itself, by its scheme along the gradient of its declared objective, and the critic's statistics move as they should.
std::vector<TypedCheck<TwoPlayerSubject>> player_checks();

/// G6: what a training starts from is a function of networks, seed and replicate alone, and a training is a function of its parts.
std::vector<TypedCheck<TwoPlayerSubject>> equal_start_checks();

}  // namespace slicecheck
