#pragma once
/// Ranks: the processes that share one piece of work. The library knows no MPI; slicecheck_mpi brings the ranks that a launcher started.

#include <string>
#include <vector>

namespace slicecheck {

/// What a process knows of its fellows. All ranks make the same calls in the same order, each from its main thread.
class Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  [[nodiscard]] virtual int rank() const = 0;  ///< 0, …, size() − 1
  [[nodiscard]] virtual int size() const = 0;  ///< at least 1

  /// Every rank gives some bytes, of any length, and gets those of all ranks, in the order of the ranks. No rank leaves before the last one has entered.
  virtual std::vector<std::string> gather(const std::string& bytes) = 0;

  /// No rank leaves before the last one has entered.
  void barrier() { (void)gather({}); }
};

/// A program that runs alone.
class SingleRank final : public Ranks {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  std::vector<std::string> gather(const std::string& bytes) override { return {bytes}; }
};

}  // namespace slicecheck
