#pragma once
/// A recorded two-player training that can be killed at any moment and continued bit for bit.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"
#include "slicecheck/dynamics/two_player.h"

namespace slicecheck {

/// One recorded moment. All but the norms are means over the steps since the row before; NaN where there is no critic, or none that is trained.
struct TwoPlayerRow {
  std::uint64_t step;         ///< updates of the generator done
  double generator_loss;      ///< its objective
  double critic_loss;         ///< the critic's
  double generator_gradient;  ///< ‖φ‖
  double critic_gradient;     ///< norm of the critic's gradient
  double slope_real;          ///< mean σ(s)(1 − σ(s)) over Y: the saturation of the critic
  double slope_generated;     ///< over T(u, X)
  double u_norm;              ///< ‖u‖ at the step
  double v_norm;              ///< ‖v‖; 0 without a critic
};

/// One evaluation; the values are the caller's.
struct TwoPlayerEvaluation {
  std::uint64_t step;
  std::vector<double> values;
};

/// Everything that a two-player training has left so far.
template <class S>
struct TwoPlayerRecord {
  TwoPlayerState<S> state;
  std::vector<TwoPlayerRow> rows;
  std::vector<TwoPlayerEvaluation> evaluations;
  std::vector<double> sums{};  ///< since the last row; the number of steps last
};

/// How it is run and recorded.
template <class S>
struct TwoPlayerRunSettings {
  std::uint64_t steps = 0;           ///< updates of the generator in all
  std::uint64_t record_every = 100;  ///< a TwoPlayerRow after every so many steps
  std::uint64_t evaluate_every = 0;  ///< `evaluate` at step 0, after every so many steps, and at the end; 0: at step 0 and at the end
  std::function<std::vector<double>(const TwoPlayerState<S>&)> evaluate;
  std::filesystem::path checkpoint;  ///< where checkpoints go; empty: none
  std::string fingerprint;           ///< settings of this training, as text; a checkpoint with another fingerprint is refused
  double checkpoint_seconds = 10.0;  ///< seconds between checkpoints; one more at the end
  bool resume = false;               ///< continue from `checkpoint` where it exists
};

/// Runs (or continues) a two-player training to its last step. The record depends on neither interruptions nor threads.
/// @throws InputError for a checkpoint of another training or a damaged one, and where the training diverges.
template <class S>
TwoPlayerRecord<S> run_two_player(const TwoPlayer<S>& players, const TwoPlayerParts<S>& parts, const TwoPlayerRunSettings<S>& settings, std::string_view label,
                                  Progress& progress);

}  // namespace slicecheck
