#pragma once
/// Which device computes. This header needs no CUDA header and exists in every build.

#include <cstddef>
#include <string>
#include <vector>

namespace slicecheck::cuda {

/// A CUDA device as the runtime describes it.
struct Device {
  int number = 0;
  std::string name;
  int compute_capability = 0;  ///< 10·major + minor
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t shared_bytes = 0;  ///< of a block, after opting in
};

/// What is there. `why_none` says why `devices` is empty: no CUDA in this build, no driver, no device, none that the kernels were built for.
struct DeviceList {
  std::vector<Device> devices;
  std::string why_none;
};
DeviceList devices();

/// Whether this build holds the kernels.
bool built_with_cuda();

/// Who computes: the processor, or a CUDA device.
enum class Where { cpu, cuda };

struct Choice {
  Where where = Where::cpu;
  std::string sentence;  ///< what was taken and why, for the user
};

/// "cpu", "cuda" or "auto" (a CUDA device where there is one).
/// @throws InputError for another word, and for "cuda" where there is no device; the sentence says why there is none.
Choice choose_device(const std::string& word);

}  // namespace slicecheck::cuda
