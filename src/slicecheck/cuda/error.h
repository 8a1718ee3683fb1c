#pragma once
/// What a failed call of the CUDA runtime throws.

#include "slicecheck/core/error.h"

namespace slicecheck::cuda {

class CudaError : public Error {
 public:
  using Error::Error;
};

}  // namespace slicecheck::cuda
