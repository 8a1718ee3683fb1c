#pragma once
/// The ranks that a launcher (mpirun, srun) started the program with.

#include <cstdint>
#include <memory>
#include <string>

#include "slicecheck/core/ranks.h"

namespace slicecheck {

/// Name and version of the MPI library; empty where the program was built without MPI.
std::string mpi_version();

/// The ranks of this program, from its first line to its last: one object a process. Started without a launcher, or by one that starts one process, it is
/// alone. Destroying it waits for the other ranks, so an error must end in `end_all`, never in an unwound stack.
class ProgramRanks final : public Ranks {
 public:
  /// The largest message of one round of a gather, all ranks together: MPI counts bytes in 31 bits.
  static constexpr std::int64_t kRoundBytes = std::int64_t{1} << 30;

  /// @throws InputError where a launcher started several processes that MPI cannot join: the program was built without MPI, or with another one than the
  /// launcher's. Each of them would do all the work.
  explicit ProgramRanks(std::int64_t round_bytes = kRoundBytes);
  ProgramRanks(const ProgramRanks&) = delete;
  ProgramRanks& operator=(const ProgramRanks&) = delete;
  ~ProgramRanks() override;

  [[nodiscard]] int rank() const override;
  [[nodiscard]] int size() const override;

  /// Waits with little use of the processor, as rank 0 may be at work alone; messages of any size go in rounds of at most `round_bytes`.
  std::vector<std::string> gather(const std::string& bytes) override;

  /// An even share of the cores that the ranks of this machine may use together, at most those that this rank may use, at least 1.
  [[nodiscard]] int threads() const;

  /// Ends the processes of all ranks at once; the launcher ends with this exit code.
  [[noreturn]] void end_all(int exit_code);

 private:
  struct Mpi;
  std::unique_ptr<Mpi> mpi_;  ///< none: alone
};

}  // namespace slicecheck
