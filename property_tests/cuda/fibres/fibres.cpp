// The functions of fibres.h that the host calls.
#include "fibres.h"

#include "block_runner.h"

namespace cuda_on_host {

namespace {

constexpr unsigned kLargestBlock = 1024;
constexpr unsigned kLargestBlockZ = 64;
constexpr unsigned kLargestGridX = 0x7FFF'FFFF;
constexpr unsigned kLargestGridYZ = 65'535;
constexpr std::size_t kLargestShared = std::size_t{227} << 10;

}  // namespace

void set_order_seed(std::uint64_t seed) { BlockRunner::mine().set_seed(seed); }

bool launch_is_possible(dim3 grid, dim3 block, std::size_t shared_bytes) {
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  const bool block_fits = threads >= 1 && threads <= kLargestBlock && block.z <= kLargestBlockZ && shared_bytes <= kLargestShared;
  const bool grid_fits = grid.x >= 1 && grid.y >= 1 && grid.z >= 1 && grid.x <= kLargestGridX && grid.y <= kLargestGridYZ && grid.z <= kLargestGridYZ;
  return block_fits && grid_fits;
}

void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, void (*body)(const void*), const void* argument) {
  if (current_block != nullptr) throw KernelFault("a kernel that launches a kernel");
  if (!launch_is_possible(grid, block, shared_bytes)) throw KernelFault("a launch of a shape that no device takes");
  BlockRunner::mine().run_grid(grid, block, shared_bytes, body, argument);
}

}  // namespace cuda_on_host
