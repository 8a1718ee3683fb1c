/// Run by a launcher on any number of ranks: gathers of unequal, empty and binary messages, in rounds far smaller than a message. Exit code 0 if every rank got
/// the bytes of every rank.

#include <fmt/format.h>

#include <cstdlib>

#include "slicecheck/mpi/mpi_ranks.h"

namespace {

/// What rank r sends in gather number k: a length and bytes that only they have; some are empty.
std::string message(int rank, int gather) {
  std::string bytes(static_cast<std::size_t>((rank * 37 + gather * 11) % 101), '\0');
  if ((rank + gather) % 3 == 0) bytes.clear();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(static_cast<int>(i) * 7 + rank * 31 + gather);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const int expected_size = argc > 1 ? std::atoi(argv[1]) : 1;
  slicecheck::ProgramRanks ranks(64);
  if (ranks.size() != expected_size || ranks.threads() < 1) {
    fmt::print(stderr, "{} ranks, {} threads; expected {} ranks\n", ranks.size(), ranks.threads(), expected_size);
    ranks.end_all(1);
  }
  for (int gather = 0; gather < 50; ++gather) {
    const auto all = ranks.gather(message(ranks.rank(), gather));
    if (static_cast<int>(all.size()) != ranks.size()) ranks.end_all(1);
    for (int rank = 0; rank < ranks.size(); ++rank) {
      if (all[static_cast<std::size_t>(rank)] == message(rank, gather)) continue;
      fmt::print(stderr, "gather {}: rank {} got other bytes than rank {} sent\n", gather, ranks.rank(), rank);
      ranks.end_all(1);
    }
    if (gather % 10 == 0) ranks.barrier();
  }
  return 0;
}
