#pragma once
/// Ranks that are threads of the test: what MPI ranks do, without processes.

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "slicecheck/core/ranks.h"

namespace slicecheck::testing {

/// What a rank gets where another one failed while it waited: a launcher would have killed it.
struct EndedByAnotherRank final : std::runtime_error {
  EndedByAnotherRank() : std::runtime_error("another rank failed") {}
};

/// The table in the middle: everyone lays down their bytes; when the last one has, everyone takes a copy.
class Meeting {
 public:
  explicit Meeting(int size) : bytes_(static_cast<std::size_t>(size)) {}

  std::vector<std::string> gather(int rank, const std::string& bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || leaving_ == 0; });  // the gather before this one is over
    bytes_[static_cast<std::size_t>(rank)] = bytes;
    if (++entered_ == bytes_.size()) {
      leaving_ = entered_;
      entered_ = 0;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return ended_ || leaving_ > 0; });
    if (ended_) throw EndedByAnotherRank();
    auto all = bytes_;
    if (--leaving_ == 0) changed_.notify_all();
    // No rank may lay down new bytes while others still read: the first wait sees to it.
    return all;
  }

  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> bytes_;
  std::size_t entered_ = 0;
  std::size_t leaving_ = 0;
  bool ended_ = false;
};

class ThreadRank final : public Ranks {
 public:
  ThreadRank(Meeting& meeting, int rank, int size) : meeting_(meeting), rank_(rank), size_(size) {}
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  std::vector<std::string> gather(const std::string& bytes) override { return meeting_.gather(rank_, bytes); }

 private:
  Meeting& meeting_;
  int rank_;
  int size_;
};

/// Runs body on `size` ranks to their end. Where some fail, the others are ended, and the exception of the first rank that failed by itself is thrown again.
inline void run_on_ranks(int size, const std::function<void(Ranks&)>& body) {
  Meeting meeting(size);
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(size));
  const auto run = [&](int rank) {
    ThreadRank ranks(meeting, rank, size);
    try {
      body(ranks);
    } catch (const EndedByAnotherRank&) {
    } catch (...) {
      errors[static_cast<std::size_t>(rank)] = std::current_exception();
      meeting.end();
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 1; rank < size; ++rank) threads.emplace_back(run, rank);
  run(0);
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace slicecheck::testing
