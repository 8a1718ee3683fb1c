/// ProgramRanks of a program that was built without MPI.

#include <cstdlib>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/mpi/launcher.h"
#include "slicecheck/mpi/mpi_ranks.h"

namespace slicecheck {

std::string mpi_version() { return {}; }

struct ProgramRanks::Mpi {};

ProgramRanks::ProgramRanks(std::int64_t) {
  if (launched_processes() > 1)
    reject("started as one of {} ranks, but built without MPI: each rank would do all the work. Install MPI (Debian: libopenmpi-dev) and build again",
           launched_processes());
}

ProgramRanks::~ProgramRanks() = default;

int ProgramRanks::rank() const { return 0; }
int ProgramRanks::size() const { return 1; }
int ProgramRanks::threads() const { return thread_count(); }
std::vector<std::string> ProgramRanks::gather(const std::string& bytes) { return {bytes}; }
void ProgramRanks::end_all(int exit_code) { std::_Exit(exit_code); }

}  // namespace slicecheck
