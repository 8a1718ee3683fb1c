#pragma once
/// A recorded run of somebody else's training, against the flow of the loss that it is said to descend (claim T1).

#include <filesystem>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"
#include "slicecheck/diagnosis/regime_statistics.h"
#include "slicecheck/generators/generator.h"
#include "slicecheck/loss/sample_loss.h"
#include "slicecheck/measures/law.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck {

/// u at some times of a run; between two of them the path is taken to be straight.
struct RecordedRun {
  std::string name;
  std::vector<double> times;  ///< rising, in the time of the flow: s = Σ α
  Points<double> u;           ///< a row a time
};

/// A CSV file (docs/formats.md, "Point files") of rows `time, u_1, …, u_d`.
/// @throws InputError for fewer than 3 rows, fewer than 2 columns, and times that do not rise.
RecordedRun read_recorded_run(const std::filesystem::path& path);

/// What a run shows of itself, without a loss.
struct MovementSummary {
  double length = 0.0;        ///< Σ‖Δu‖ over the records
  double displacement = 0.0;  ///< ‖u_last − u_first‖; far below `length` where noise moves it
  double farthest = 0.0;      ///< max ‖u‖
};
/// That of a run.
MovementSummary movement(const RecordedRun& run);

/// max_s ‖u(s) − v(s)‖ over the records of both, up to the time that both have, and d_C stopped at its whole part.
struct RunGap {
  double horizon = 0.0;
  double largest = 0.0;
  double path_distance = 0.0;       ///< NaN where horizon < 1
  double path_distance_tail = 1.0;  ///< how much d_C can be more
};
/// @throws InputError for runs of different dimensions or without a common time.
RunGap gap_between(const RecordedRun& a, const RecordedRun& b);

/// How the flow is followed beside the run.
struct FlowComparisonSettings {
  Index n = 256;          ///< the batch size of the training: F depends on it
  Index batches = 4;      ///< fresh batches averaged for a gradient of F
  Index directions = 64;  ///< directions of each
  Index substeps = 2;     ///< half of the Heun steps between two records: what twice as many change is the error of the integration
  double confidence = 0.95;
  std::uint64_t seed = 1;
};

/// The flow is integrated by Heun's method on sampled gradients of F, twice with independent batches: products of the two are free of their noise.
///
/// PIECES: from each record u(s_i) the flow moves D_i in the time to the next, while the run moves Δ_i. factor = Σ⟨Δ_i, D_i⟩ / Σ⟨D_i, D_i'⟩ is 1 for a run that
/// follows the flow of F on average, κ where it runs κ times as fast (momentum β: 1/(1 − β); another normalisation of the loss or of the time), 0 where it does
/// not move with it. WHOLE: the flow from the first record alone.
struct FlowComparison {
  Jackknifed factor;            ///< over the pieces
  double alignment = 0.0;       ///< Σ⟨Δ_i, D_i⟩/√(Σ‖Δ_i‖²·Σ‖D_i‖²), the noise of the reference taken out: 1 without noise, whatever κ is
  double noise_per_time = 0.0;  ///< Σ‖Δ_i − κD_i‖²/Σ Δs: the trace of the noise that the run picks up in a unit of time
  double drift = 0.0;           ///< root mean square over the records of the flow's distance from the start
  double error = 0.0;           ///< root mean square distance of run and flow, in units of `drift`
  double sampling_error = 0.0;  ///< of the reference by its batches, in the same units: half of the mean square distance of two, as a root
  double integration_error = 0.0;  ///< by its steps: the distance of references with substeps and with twice as many, their batches taken out; an upper bound
                                   ///< once it falls with the steps
  double reference_error = 0.0;    ///< both together: how sharp the comparison is. Infinite where the flow does not move beyond the noise of the references
  RunGap gap;                      ///< between run and flow
  std::vector<double> distance;    ///< ‖run − flow‖ at each record
  std::vector<double> travelled;   ///< ‖flow − start‖ at each record
  std::vector<double> objective;   ///< F at each record, by fresh batches
};

/// @throws InputError for a run of another dimension than the generator's u, and settings that make no sense.
FlowComparison compare_with_flow(const RecordedRun& run, const Generator<double>& generator, const SampleLoss<double>& loss, const Law& source,
                                 const Law& target, const FlowComparisonSettings& settings, Progress& progress);

/// What a run does, against the flow.
enum class TrajectoryVerdict { follows, another_time_scale, noise_dominated, does_not_follow, undecided };

/// The verdict at a tolerance (a convention): UNDECIDED where the reference is not known to the tolerance; FOLLOWS where error ≤ tolerance; ANOTHER TIME SCALE
/// where not, and the interval of `factor` lies above 0 and excludes [1 − tolerance, 1 + tolerance], and the run is aligned by more than 1/2; NOISE-DOMINATED
/// where 1 is in the interval of `factor`, widened by the tolerance, and above 0; DOES NOT FOLLOW otherwise. One run: the figures carry no interval but that of
/// `factor`.
struct TrajectoryJudgement {
  TrajectoryVerdict verdict;
  std::string answer;
  std::string advice;
};
/// The verdict above.
TrajectoryJudgement judge_trajectory(const FlowComparison& comparison, double tolerance);

}  // namespace slicecheck
