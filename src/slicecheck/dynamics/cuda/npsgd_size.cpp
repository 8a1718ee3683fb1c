#include <cstdint>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/cuda/npsgd_step.h"

namespace slicecheck::cuda {

void check_parameters(Index size) {
  if (size < 1 || size > std::numeric_limits<std::int32_t>::max()) reject("NPSGD on CUDA: {} parameters; it takes 1 to 2^31 - 1", size);
}

}  // namespace slicecheck::cuda
