#include "cuda/ptx/counters.h"

#include <algorithm>
#include <bit>

namespace ptx {
namespace {

constexpr unsigned banks = 32;
constexpr unsigned bank_bytes = 4;
constexpr unsigned sector_bytes = 32;

/// Wavefronts of the lanes in `group`.
unsigned wavefronts(const Request& request, std::uint32_t group) {
  std::array<std::array<std::uint64_t, banks>, banks> words;  // of each bank: the distinct words asked for
  std::array<unsigned, banks> count{};
  unsigned worst = 1;
  for (std::uint32_t left = group; left != 0; left &= left - 1) {
    const std::uint64_t address = request.address[static_cast<unsigned>(std::countr_zero(left))];
    for (std::uint64_t word = address / bank_bytes; word <= (address + request.bytes - 1) / bank_bytes; ++word) {
      const unsigned bank = word % banks;
      const auto begin = words[bank].begin();
      const auto end = begin + count[bank];
      if (std::find(begin, end, word) == end) {
        words[bank][count[bank]++] = word;
        worst = std::max(worst, count[bank]);
      }
    }
  }
  return worst;
}

}  // namespace

Counters& Counters::operator+=(const Counters& other) {
  launches += other.launches;
  blocks += other.blocks;
  instructions += other.instructions;
  warp_instructions += other.warp_instructions;
  barriers += other.barriers;
  warp_operations += other.warp_operations;
  shared_requests += other.shared_requests;
  shared_wavefronts += other.shared_wavefronts;
  shared_ideal_wavefronts += other.shared_ideal_wavefronts;
  global_requests += other.global_requests;
  global_sectors += other.global_sectors;
  global_bytes += other.global_bytes;
  local_requests += other.local_requests;
  atomics += other.atomics;
  return *this;
}

Counters total(const CountersByKernel& counters) {
  Counters sum;
  for (const auto& [kernel, of_kernel] : counters) {
    sum += of_kernel;
  }
  return sum;
}

void count_shared(const Request& request, Counters& counters) {
  ++counters.shared_requests;
  const unsigned lanes = request.bytes <= bank_bytes ? 32 : 128 / request.bytes;
  const std::uint32_t first = lanes == 32 ? ~0U : (1U << lanes) - 1;
  for (unsigned lane = 0; lane < 32; lane += lanes) {
    if (const std::uint32_t group = request.active & (first << lane); group != 0) {
      ++counters.shared_ideal_wavefronts;
      counters.shared_wavefronts += wavefronts(request, group);
    }
  }
}

void count_global(const Request& request, Counters& counters) {
  std::array<std::uint64_t, 64> sectors;  // an aligned access of at most 16 bytes lies in one sector
  unsigned count = 0;
  for (std::uint32_t left = request.active; left != 0; left &= left - 1) {
    const std::uint64_t sector = request.address[static_cast<unsigned>(std::countr_zero(left))] / sector_bytes;
    if ((count == 0 || sectors[count - 1] != sector) && std::find(sectors.begin(), sectors.begin() + count, sector) == sectors.begin() + count) {
      sectors[count++] = sector;
    }
  }
  ++counters.global_requests;
  counters.global_sectors += count;
  counters.global_bytes += std::uint64_t{request.bytes} * static_cast<unsigned>(std::popcount(request.active));
}

}  // namespace ptx
