#include "slicecheck/core/replicates.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <limits>
#include <mutex>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/replicate_parts.h"

namespace slicecheck {

namespace {

using Clock = std::chrono::steady_clock;

/// Rows as bytes: their numbers, then their values.
std::string packed(const DoneRows& rows) {
  const std::uint64_t count = rows.replicates.size();
  std::string bytes(sizeof count + count * sizeof(Index) + rows.values.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), &count, sizeof count);
  if (count == 0) return bytes;
  std::memcpy(bytes.data() + sizeof count, rows.replicates.data(), count * sizeof(Index));
  std::memcpy(bytes.data() + sizeof count + count * sizeof(Index), rows.values.data(), rows.values.size() * sizeof(double));
  return bytes;
}

/// Puts the rows of `packed` into the table.
void unpack(std::string_view bytes, Points<double>& table, std::vector<char>& known) {
  std::uint64_t count = 0;
  std::memcpy(&count, bytes.data(), sizeof count);
  const char* replicates = bytes.data() + sizeof count;
  const char* values = replicates + count * sizeof(Index);
  const std::size_t row_bytes = static_cast<std::size_t>(table.cols()) * sizeof(double);
  for (std::uint64_t k = 0; k < count; ++k) {
    Index replicate = 0;
    std::memcpy(&replicate, replicates + k * sizeof(Index), sizeof replicate);
    std::memcpy(table.row(replicate).data(), values + k * row_bytes, row_bytes);
    known[static_cast<std::size_t>(replicate)] = 1;
  }
}

/// The rows of one rank: computed by its threads, saved by whichever thread finds that it is time.
class Share {
 public:
  Share(Points<double>& table, std::vector<Index> replicates, const PartsOfTable& parts, double seconds, int rank)
      : table_(table), replicates_(std::move(replicates)), done_(replicates_.size()), parts_(parts), seconds_(seconds), rank_(rank) {}

  template <class Compute>
  void run(const Compute& compute, const std::function<void(double)>& progress) {
    saved_at_ = Clock::now();
    // Positions begin in order, so those before the first failure have begun: its exception is the one of the smallest replicate.
    std::atomic<Index> failed{std::numeric_limits<Index>::max()};
    std::atomic<std::size_t> finished{0};
    parallel_for(static_cast<Index>(replicates_.size()), [&](Index k) {
      if (k > failed.load()) return;
      try {
        compute(replicates_[static_cast<std::size_t>(k)], table_.row(replicates_[static_cast<std::size_t>(k)]));
        done_[static_cast<std::size_t>(k)].store(true, std::memory_order_release);
        save_if_time();
      } catch (...) {
        for (Index first = failed.load(); k < first && !failed.compare_exchange_weak(first, k);) {
        }
        throw;
      }
      progress(static_cast<double>(++finished) / static_cast<double>(replicates_.size()));
    });
    if (!parts_.folder.empty() && !replicates_.empty()) save();
  }

  /// The rows that are done.
  [[nodiscard]] DoneRows rows() const {
    DoneRows out;
    for (std::size_t k = 0; k < replicates_.size(); ++k) {
      if (!done_[k].load(std::memory_order_acquire)) continue;
      out.replicates.push_back(replicates_[k]);
      const double* row = table_.row(replicates_[k]).data();
      out.values.insert(out.values.end(), row, row + table_.cols());
    }
    return out;
  }

 private:
  void save_if_time() {
    if (parts_.folder.empty()) return;
    const std::unique_lock lock(saving_, std::try_to_lock);
    if (lock.owns_lock() && Clock::now() - saved_at_ >= std::chrono::duration<double>(seconds_)) save();
  }

  void save() {
    save_part(parts_, rank_, rows());
    saved_at_ = Clock::now();
  }

  Points<double>& table_;
  std::vector<Index> replicates_;
  std::vector<std::atomic<bool>> done_;
  const PartsOfTable& parts_;
  double seconds_;
  int rank_;
  std::mutex saving_;  // guards saved_at_ and the file
  Clock::time_point saved_at_;
};

/// What earlier runs left, the same on every rank: rank 0 reads, before any rank writes.
std::string rows_of_earlier_runs(const PartsOfTable& parts, bool resume, Ranks& ranks) {
  // Ranks that were started differently would compute other rows or wait for ever.
  const std::string call = fmt::format("{} {} {} {} {}\n", parts.count, parts.width, resume, parts.folder.string(), parts.fingerprint);
  std::string message = call;
  if (ranks.rank() == 0) {
    DoneRows rows;
    if (!parts.folder.empty() && resume) rows = take_parts(parts);
    if (!parts.folder.empty() && !resume) remove_parts(parts);
    message += packed(rows);
  }
  const std::vector<std::string> messages = ranks.gather(message);
  for (std::size_t rank = 0; rank < messages.size(); ++rank)
    if (messages[rank].compare(0, call.size(), call) != 0)
      throw Error(fmt::format("ranks {} and {} disagree about the replicates: they run with other settings or other programs", ranks.rank(), rank));
  return messages[0].substr(call.size());
}

}  // namespace

Points<double> run_replicates(Index count, Index width, const std::function<void(Index replicate, Eigen::Ref<Eigen::RowVectorXd> row)>& compute,
                              const ReplicateSettings& settings, Ranks& ranks, std::string_view label, Progress& progress) {
  if (count < 0 || width < 1) reject("a table of {} replicates with {} values each; expected at least 0 and 1", count, width);
  const PartsOfTable parts{settings.checkpoint_folder, settings.fingerprint, count, width};
  Points<double> table = Points<double>::Constant(count, width, std::numeric_limits<double>::quiet_NaN());
  std::vector<char> known(static_cast<std::size_t>(count), 0);
  unpack(rows_of_earlier_runs(parts, settings.resume, ranks), table, known);

  std::vector<Index> mine;
  Index missing = 0;
  for (Index i = 0; i < count; ++i)
    if (known[static_cast<std::size_t>(i)] == 0 && missing++ % ranks.size() == ranks.rank()) mine.push_back(i);
  Share share(table, std::move(mine), parts, settings.checkpoint_seconds, ranks.rank());
  const double before = count > 0 ? static_cast<double>(count - missing) / static_cast<double>(count) : 1.0;
  progress.update(label, before);
  share.run(compute, [&](double fraction) { progress.update(label, before + (1.0 - before) * fraction); });
  for (const std::string& rows : ranks.gather(packed(share.rows()))) unpack(rows, table, known);
  return table;
}

}  // namespace slicecheck
