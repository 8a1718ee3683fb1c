#pragma once
/// Two-player trainings that an experiment compares, run side by side, each with its own checkpoint.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "experiment.h"
#include "slicecheck/dynamics/two_player_run.h"
#include "slicecheck/reporting/csv_table.h"

namespace slicecheck {

/// One of them. Networks are trained in single precision, as in practice.
struct TwoPlayerArm {
  std::string id;           ///< names files: letters, digits, -
  std::string loss;         ///< the generator's objective, and the critic's, in words
  std::string optimiser;    ///< in words, with its step size
  std::string description;  ///< settings in words; part of the checkpoint's fingerprint
  TwoPlayerParts<float> parts;
  std::function<std::vector<double>(const TwoPlayerState<float>&)> evaluate;  ///< at step 0, every evaluate_every steps, and at the end
  std::shared_ptr<const TwoPlayer<float>> players{};                          ///< who moves them; empty: `TwoPlayer` itself
};

/// Runs them, in parallel over arms; the records are in the order of the arms. Settings used: steps, record_every, evaluate_every, checkpoint.seconds.
/// @throws InputError where arms of one replicate do not start from the same u0 and v0 (`initial_hash`): they could not be compared.
std::vector<TwoPlayerRecord<float>> run_two_player_arms(const std::vector<TwoPlayerArm>& arms, const ExperimentContext& context);

/// The common hash of u0 and v0 of the arms of each replicate, in words: "replicate 0: 0123…". @throws InputError as above, and for two arms of one id.
std::vector<std::string> common_hashes(const std::vector<TwoPlayerArm>& arms);

/// The optimisers of these experiments: `sgd` or `adam` (β = 0.5, 0.999). @throws InputError for another name.
std::shared_ptr<const Scheme<float>> two_player_scheme(const std::string& name);

/// trajectory.csv: arm, loss, optimiser, replicate and every column of `TwoPlayerRow`.
void write_two_player_rows(const std::vector<TwoPlayerArm>& arms, const std::vector<TwoPlayerRecord<float>>& records, const std::filesystem::path& folder);

}  // namespace slicecheck
