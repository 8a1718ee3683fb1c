#include "slicecheck/mpi/launcher.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace slicecheck {

namespace {

/// The number in an environment variable; 0 where there is none.
int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int value = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

int launched_processes() {
  // Open MPI's mpirun; the hydra of MPICH and Intel MPI, and srun --mpi=pmi2; srun of whatever kind. SLURM_NTASKS is set in a batch script too, where the
  // program is started once, and says nothing.
  return std::max({1, number_in("OMPI_COMM_WORLD_SIZE"), number_in("PMI_SIZE"), number_in("SLURM_STEP_NUM_TASKS")});
}

bool started_by_launcher() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_RANK"})
    if (std::getenv(variable) != nullptr) return true;
  return launched_processes() > 1;
}

}  // namespace slicecheck
