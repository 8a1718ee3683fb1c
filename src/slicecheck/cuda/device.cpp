#include "slicecheck/cuda/device.h"

#include "slicecheck/core/error.h"
#include "slicecheck/cuda/check.h"

namespace slicecheck::cuda {

namespace {

constexpr int kOldest = 75;  // the oldest compute capability that the kernels are built for

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "asking for a property of a device");
  return value;
}

}  // namespace

bool built_with_cuda() { return true; }

DeviceList devices() {
  DeviceList out;
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError();
    out.why_none = fmt::format("{} ({})", cudaGetErrorString(status), cudaGetErrorName(status));
    return out;
  }
  out.why_none = "the CUDA runtime counts 0 devices";
  for (int number = 0; number < count; ++number) {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, number), "asking for the properties of a device");
    const int capability = 10 * properties.major + properties.minor;
    if (capability < kOldest) {
      out.why_none = fmt::format("device {} ({}) has compute capability {}.{}; the kernels need {}.{}", number, properties.name, properties.major,
                                 properties.minor, kOldest / 10, kOldest % 10);
      continue;
    }
    out.devices.push_back({number, properties.name, capability, attribute(cudaDevAttrMultiProcessorCount, number), properties.totalGlobalMem,
                           static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, number))});
  }
  if (!out.devices.empty()) out.why_none.clear();
  return out;
}

}  // namespace slicecheck::cuda
