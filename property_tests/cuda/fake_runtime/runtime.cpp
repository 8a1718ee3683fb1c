#include "cuda/fake_runtime/runtime.h"

#include <fmt/format.h>

#include <stdexcept>

namespace cuda_on_ptx {

Runtime& Runtime::instance() {
  static Runtime* const runtime = new Runtime;  // never deleted: it outlives every static object of the program
  return *runtime;
}

cudaError_t& Runtime::last_error() {
  thread_local cudaError_t error = cudaSuccess;
  return error;
}

cudaError_t Runtime::report(cudaError_t error) {
  if (error != cudaSuccess) {
    last_error() = error;
  }
  return error;
}

void Runtime::reset() {
  options = {};
  launch_number = 0;
  limits = device_limits(90);
  devices = 1;
  total_memory = std::size_t{16} << 30;
  counters.clear();
  launches.clear();
  last_fault.clear();
  last_error() = cudaSuccess;
  for (auto& [host, function] : functions) {
    function.dynamic_shared_optin.reset();
  }
  protect_device_memory(true);
}

void reset() { Locked()->reset(); }

void choose_architecture(int architecture) {
  const Locked runtime;
  const DeviceLimits* limits = device_limits(architecture);
  if (limits == nullptr) {
    throw std::invalid_argument(fmt::format("no device of architecture sm_{} is known", architecture));
  }
  runtime->limits = limits;
  for (auto& [host, function] : runtime->functions) {
    function.dynamic_shared_optin.reset();
  }
}

int architecture() { return Locked()->limits->architecture; }

ptx::Options& options() { return Locked()->options; }

void set_seed(std::uint64_t seed) {
  const Locked runtime;
  runtime->options.seed = seed;
  runtime->launch_number = 0;
}

void set_devices(int count) { Locked()->devices = count; }

void set_total_memory(std::size_t bytes) { Locked()->total_memory = bytes; }

std::size_t allocated_bytes() { return Locked()->allocated; }

std::size_t allocations() { return Locked()->allocations.size(); }

const ptx::CountersByKernel& counters() { return Locked()->counters; }

void reset_counters() { Locked()->counters.clear(); }

const std::vector<LaunchRecord>& launches() { return Locked()->launches; }

void forget_launches() { Locked()->launches.clear(); }

const std::string& last_fault() { return Locked()->last_fault; }

}  // namespace cuda_on_ptx
