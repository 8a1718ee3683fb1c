#include "cuda/fake_runtime/device_limits.h"

#include <algorithm>
#include <array>

namespace cuda_on_ptx {

const DeviceLimits* device_limits(int architecture) {
  static constexpr std::array<DeviceLimits, 3> known{{{75, 65536, 65536, 0, 1024, 16, 40, 4 << 20, 256},
                                                      {80, 166912, 167936, 1024, 2048, 32, 108, 40 << 20, 5120},
                                                      {90, 232448, 233472, 1024, 2048, 32, 132, 50 << 20, 5120}}};
  const auto* found = std::find_if(known.begin(), known.end(), [&](const DeviceLimits& limits) { return limits.architecture == architecture; });
  return found == known.end() ? nullptr : found;
}

}  // namespace cuda_on_ptx
