#pragma once
/// What the environment says of a launcher (mpirun, srun) that started this process. Needs no MPI.

namespace slicecheck {

/// True where a launcher left its mark: MPI is started only then, so that an ordinary start pays nothing.
bool started_by_launcher();

/// How many processes the launcher says that it started together; 1 where it says nothing.
int launched_processes();

}  // namespace slicecheck
