#include "slicecheck/mpi/mpi_ranks.h"

#include <mpi.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/mpi/launcher.h"

namespace slicecheck {

namespace {

/// A barrier of MPI waits at full speed, on a core that a working rank may need; this one sleeps between two looks, 10 ms at most.
void wait_for_all() {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &request);
  auto pause = std::chrono::microseconds(1);
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::microseconds(10000));
  }
}

/// The cores that a process may use, a bit for each.
cpu_set_t allowed_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  return cores;
}

int even_share_of_cores() {
  MPI_Comm machine = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  int ranks = 1;
  MPI_Comm_size(machine, &ranks);
  const cpu_set_t mine = allowed_cores();
  cpu_set_t together = mine;
  MPI_Allreduce(&mine, &together, sizeof mine, MPI_BYTE, MPI_BOR, machine);
  MPI_Comm_free(&machine);
  return std::max(1, std::min(CPU_COUNT(&together) / ranks, CPU_COUNT(&mine)));
}

}  // namespace

std::string mpi_version() {
  std::string text(MPI_MAX_LIBRARY_VERSION_STRING, '\0');
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  text.resize(static_cast<std::size_t>(length));
  return text.substr(0, text.find_first_of(",\n"));
}

struct ProgramRanks::Mpi {
  int rank = 0;
  int size = 1;
  int threads = 1;
  std::int64_t round_bytes = kRoundBytes;
};

ProgramRanks::ProgramRanks(std::int64_t round_bytes) {
  if (!started_by_launcher()) return;
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  auto mpi = std::make_unique<Mpi>();
  MPI_Comm_rank(MPI_COMM_WORLD, &mpi->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &mpi->size);
  mpi->threads = even_share_of_cores();
  mpi->round_bytes = round_bytes;
  std::string trouble;
  if (mpi->size != launched_processes() && mpi->size == 1)
    trouble = fmt::format(
        "the launcher started {} processes, but {} sees each of them alone: each would do all the work. Start them with the launcher of that MPI (with "
        "Slurm: srun --mpi=pmix, or mpirun)",
        launched_processes(), mpi_version());
  if (provided < MPI_THREAD_FUNNELED) trouble = fmt::format("{} does not allow a program to have threads", mpi_version());
  if (!trouble.empty()) {
    MPI_Finalize();
    throw InputError(trouble);
  }
  mpi_ = std::move(mpi);
}

ProgramRanks::~ProgramRanks() {
  if (!mpi_) return;
  wait_for_all();
  MPI_Finalize();
}

int ProgramRanks::rank() const { return mpi_ ? mpi_->rank : 0; }
int ProgramRanks::size() const { return mpi_ ? mpi_->size : 1; }
int ProgramRanks::threads() const { return mpi_ ? mpi_->threads : thread_count(); }

std::vector<std::string> ProgramRanks::gather(const std::string& bytes) {
  if (!mpi_) return {bytes};
  wait_for_all();
  const auto ranks = static_cast<std::size_t>(mpi_->size);
  const std::int64_t own_size = static_cast<std::int64_t>(bytes.size());
  std::vector<std::int64_t> sizes(ranks);
  MPI_Allgather(&own_size, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, MPI_COMM_WORLD);
  const std::int64_t longest = *std::max_element(sizes.begin(), sizes.end());
  const std::int64_t piece = std::max<std::int64_t>(1, mpi_->round_bytes / mpi_->size);
  std::vector<std::string> all(ranks);
  for (std::size_t r = 0; r < ranks; ++r) all[r].reserve(static_cast<std::size_t>(sizes[r]));
  std::vector<int> counts(ranks);
  std::vector<int> offsets(ranks);
  std::string round;
  for (std::int64_t begin = 0; begin < longest; begin += piece) {
    int total = 0;
    for (std::size_t r = 0; r < ranks; ++r) {
      counts[r] = static_cast<int>(std::clamp<std::int64_t>(sizes[r] - begin, 0, piece));
      offsets[r] = total;
      total += counts[r];
    }
    round.resize(static_cast<std::size_t>(total));
    const char* own = bytes.data() + std::min(begin, own_size);
    MPI_Allgatherv(own, counts[static_cast<std::size_t>(mpi_->rank)], MPI_BYTE, round.data(), counts.data(), offsets.data(), MPI_BYTE, MPI_COMM_WORLD);
    for (std::size_t r = 0; r < ranks; ++r) all[r].append(round, static_cast<std::size_t>(offsets[r]), static_cast<std::size_t>(counts[r]));
  }
  return all;
}

void ProgramRanks::end_all(int exit_code) {
  if (mpi_) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace slicecheck
