#pragma once
/// Control of the CUDA runtime that runs on the PTX machine. A program that is linked without NVIDIA's runtime (CMAKE_CUDA_RUNTIME_LIBRARY None) and with this
/// library executes its own host code, and the PTX that nvcc put into its object files (compiled with -no-compress), on the CPU.
///
/// Everything runs at once and in the order of the calls: streams and events order nothing more. The device's memory is unreadable to the host outside the
/// calls of the runtime (protect_device_memory).

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cuda/ptx/counters.h"
#include "cuda/ptx/fault.h"
#include "cuda/ptx/launch.h"

namespace cuda_on_ptx {

/// Thrown out of a launch (and out of a copy from memory that nothing wrote): what the machine found, with kernel, block, thread and instruction.
using KernelFault = ptx::Fault;

/// The state at the start of the program: sm_90, one device with 16 GiB, seed 1, protected memory; no counters, launches, faults, opted-in shared memory or
/// errors. Memory, streams and events that the program holds stay its own.
void reset();

/// 75, 80 or 90: the device's compute capability, its limits, and the PTX that is run (of each module: the newest that the device can run).
void choose_architecture(int architecture);
int architecture();

/// Order of blocks and warps, counting, limits.
ptx::Options& options();
/// The orders of the launches that follow are a function of the seed and of their number since this call: the same calls repeat them.
void set_seed(std::uint64_t seed);

/// 0: every call that needs a device returns cudaErrorNoDevice.
void set_devices(int count);

/// What cudaMemGetInfo reports as total; cudaMalloc fails with cudaErrorMemoryAllocation beyond it. Memory that is held already stays.
void set_total_memory(std::size_t bytes);
std::size_t allocated_bytes();
std::size_t allocations();

/// Whether the host's reads and writes of device memory end the program (SIGSEGV). Costs two system calls for each allocation in each call.
void protect_device_memory(bool protect);

/// By full (mangled) kernel name, since reset() or reset_counters(); launches that failed are not counted.
const ptx::CountersByKernel& counters();
void reset_counters();

struct LaunchRecord {
  std::string kernel;
  ptx::Dimensions grid;
  ptx::Dimensions block;
  std::size_t shared_bytes = 0;  ///< dynamic
  void* stream = nullptr;
};

/// Every launch that reached the device, in order, failed ones included.
const std::vector<LaunchRecord>& launches();
void forget_launches();

struct KernelRecord {
  std::string name;
  int architecture = 0;    ///< of the PTX
  std::uint64_t hash = 0;  ///< ptx::Machine::hash
};

/// All kernels of the program, for the chosen architecture, by name.
std::vector<KernelRecord> kernels();

/// The text of the last KernelFault; "" if there was none since reset().
const std::string& last_fault();

}  // namespace cuda_on_ptx
