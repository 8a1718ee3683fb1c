#pragma once
/// Replicates: rows of a table, each a pure function of its number, computed by the threads of all ranks, with checkpoints.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "slicecheck/core/progress.h"
#include "slicecheck/core/ranks.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// How the rows of a table are computed and kept.
struct ReplicateSettings {
  /// Where the rows that are done are kept, seen by all ranks; empty: nowhere. Each table needs a folder of its own.
  std::filesystem::path checkpoint_folder;
  /// Everything that the rows depend on: settings, seed, version of the program. Rows of another fingerprint are refused.
  std::string fingerprint;
  /// A rank saves its rows when so many seconds have passed since it last did, and once more when it has no work left. 0: after every row.
  double checkpoint_seconds = 10.0;
  /// Take the rows that are in `checkpoint_folder` and compute only the others. Otherwise the folder's rows are removed first.
  bool resume = false;
};

/// The count×width table whose row i is what compute(i, row) writes; the same bits on every rank, for any number of threads and ranks and after any number of
/// interruptions, if compute is a pure function of i. Values may be NaN or infinite: every bit of them survives. A row that compute leaves as it was is NaN.
///
/// compute runs on many threads at once, each with a row of its own. The rows that are missing go to the ranks in turn, and in a rank to its threads one by
/// one. What is lost when a rank or all of them are killed: the rows since the last save, at most `checkpoint_seconds` of work and the rows begun. The number
/// of ranks may change at a resume. Call it on all ranks, with the same arguments, from the main thread and outside of parallel_for. `progress` is told of the
/// share of this rank under the name `label`.
///
/// An exception of compute is thrown on the rank it happened on, the one of its smallest replicate, and no row after it is begun there; the other ranks wait
/// until the program ends them (`ProgramRanks::end_all`).
/// @throws InputError unless count ≥ 0 and width ≥ 1; on rank 0 for checkpoints of another fingerprint or shape, damaged ones and ones that contradict each
/// other; where a checkpoint cannot be written. @throws Error where the ranks were not called with the same arguments.
Points<double> run_replicates(Index count, Index width, const std::function<void(Index replicate, Eigen::Ref<Eigen::RowVectorXd> row)>& compute,
                              const ReplicateSettings& settings, Ranks& ranks, std::string_view label, Progress& progress);

}  // namespace slicecheck
