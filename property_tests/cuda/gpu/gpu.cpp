#include "cuda/gpu/gpu.h"

#include <cstdlib>
#include <string>

#include "slicecheck/cuda/device.h"

namespace slicecheck::testing {

namespace {

bool gpu_is_required() {
  const char* value = std::getenv("SLICECHECK_REQUIRE_GPU");
  return value != nullptr && std::string(value) == "1";
}

}  // namespace

void GpuTest::SetUp() {
  const cuda::DeviceList list = cuda::devices();
  if (!list.devices.empty()) return;
  if (gpu_is_required()) GTEST_FAIL() << "SLICECHECK_REQUIRE_GPU=1, but there is no CUDA device to use: " << list.why_none;
  GTEST_SKIP() << "there is no CUDA device to use: " << list.why_none;
}

}  // namespace slicecheck::testing
