#pragma once
/// Projections by cuBLAS's matrix product: an option for large d. The kernel `project` is the default: it alone is verified without a device.

#include <memory>

#include "slicecheck/loss/cuda/projection.h"

namespace slicecheck::cuda {

/// cublasSgemm in plain single precision (no TF32) on clouds that were moved by the first target. Its order of summation is cuBLAS's: projections err by no
/// more than tolerances.h allows for any order, but EQUAL POINTS MAY GET DIFFERENT PROJECTIONS, so that ties need not be broken by the index; and the bits may
/// differ between versions of cuBLAS. For SlicedLoss::project_with; one stream at a time.
/// @throws CudaError where cuBLAS cannot be started.
std::unique_ptr<Projection> make_cublas_projection();

}  // namespace slicecheck::cuda
