#include "slicecheck/core/error.h"
#include "slicecheck/cuda/device.h"

namespace slicecheck::cuda {

Choice choose_device(const std::string& word) {
  if (word == "cpu") return {Where::cpu, "device: cpu"};
  if (word != "cuda" && word != "auto") reject("unknown device '{}'; expected cpu, cuda or auto", word);
  const DeviceList list = devices();
  if (!list.devices.empty()) {
    const Device& first = list.devices.front();
    return {Where::cuda, fmt::format("device: cuda, {} (compute capability {}.{}, {} multiprocessors)", first.name, first.compute_capability / 10,
                                     first.compute_capability % 10, first.multiprocessors)};
  }
  if (word == "cuda") reject("--device cuda: there is no CUDA device to use: {}", list.why_none);
  return {Where::cpu, fmt::format("device: cpu, as there is no CUDA device to use: {}", list.why_none)};
}

}  // namespace slicecheck::cuda
