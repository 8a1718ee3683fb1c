#pragma once
/// A recorded training that can be killed at any moment and continued bit for bit.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"
#include "slicecheck/dynamics/training.h"

namespace slicecheck {

/// One recorded moment of a trajectory. Between two rows `loss` is the mean of f over the steps since the last one.
struct TrajectoryRow {
  std::uint64_t step;             ///< updates done
  double time;                    ///< s = Σ α, the time of the interpolated path
  double step_size;               ///< α of the last update
  double loss;                    ///< mean of f over the updates since the row before
  double phi_norm;                ///< mean of ‖φ‖ over them
  double u_norm;                  ///< ‖u‖
  std::uint64_t steps_on_sphere;  ///< how many of them ended at distance ≤ 10⁻⁶·r from the sphere of radius r (0 without a ball)
};

/// One evaluation; the values are the caller's (F and its interval, exact W_2², …).
struct EvaluationRow {
  std::uint64_t step;
  std::vector<double> values;
};

/// Everything a training has left so far: what a checkpoint holds and what tables are made of.
template <class S>
struct TrainingRecord {
  State<S> state;
  Vector<S> u0;
  double time = 0.0;
  std::vector<TrajectoryRow> rows;
  std::vector<EvaluationRow> evaluations;
  std::vector<double> schedule_memory;
  // Sums since the last row.
  double loss_sum = 0.0;
  double phi_sum = 0.0;
  std::uint64_t summed = 0;
  std::uint64_t on_sphere = 0;
  // Sum of f since the schedule last observed an epoch.
  double epoch_sum = 0.0;
};

/// How a training is run and recorded.
template <class S>
struct RunSettings {
  std::uint64_t steps = 0;           ///< updates in all
  std::uint64_t record_every = 100;  ///< a TrajectoryRow after every so many updates
  std::uint64_t evaluate_every = 0;  ///< `evaluate` at step 0, after every so many updates, and at the end; 0: at step 0 and at the end
  std::uint64_t epoch = 0;           ///< the schedule observes the mean of f after every so many updates; 0: never
  double sphere_radius = 0.0;        ///< r, for `steps_on_sphere`; 0 without a ball
  std::function<std::vector<double>(const State<S>&)> evaluate;
  std::filesystem::path checkpoint;    ///< where checkpoints go; empty: none
  std::string fingerprint;             ///< settings of this training, as text; a checkpoint with another fingerprint is refused
  std::uint64_t checkpoint_every = 0;  ///< updates between checkpoints; 0: by time only
  double checkpoint_seconds = 10.0;    ///< seconds between checkpoints
  bool resume = false;                 ///< continue from `checkpoint` where it exists
};

/// Runs (or continues) a training to its last step. The record depends on neither interruptions nor threads; only WHEN checkpoints are written depends on the
/// clock.
/// @throws InputError for a checkpoint of another training or a damaged one, and where the training diverges.
template <class S>
TrainingRecord<S> run_training(const TrainingParts<S>& parts, const RunSettings<S>& settings, std::string_view label, Progress& progress);

}  // namespace slicecheck
