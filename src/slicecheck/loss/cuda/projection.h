#pragma once
/// Who projects both clouds, where it is not the kernel `project`.

#include "slicecheck/core/index.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace slicecheck::cuda {

/// What is to be projected, on the device.
struct ProjectionTask {
  const float* z;           ///< n×d
  const float* y;           ///< n×d
  const float* directions;  ///< count×d
  Index n, d, count, pitch;
  float* projected_z;  ///< count rows of `pitch` floats, to be written
  float* projected_y;  ///< the same
};

/// projected(l, i) = θ_l·(x_i − y_0) for both clouds, +infinity for n ≤ i < pitch.
class Projection {
 public:
  Projection() = default;
  Projection(const Projection&) = delete;
  Projection& operator=(const Projection&) = delete;
  virtual ~Projection() = default;

  /// Queues the work on the stream. @throws CudaError.
  virtual void project(const ProjectionTask& task, CUstream_st* stream) = 0;
};

}  // namespace slicecheck::cuda
