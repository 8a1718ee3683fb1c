#pragma once
/// The subject `cuda`: the loss and its gradient on a CUDA device, from and to memory of the host.

#include <memory>

#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// SW_2^2 in float on the current CUDA device (sliced_loss.h). Ties are broken by the index of the point, so that the gradient is a vertex of the Clarke set
/// (N1). The same arguments give the same bits. Projections that overflow give a value that is not finite, as with the other losses.
/// @throws InputError for p ≠ 2, for shapes that do not fit, entries that are not finite, and where there is no device; cuda::CudaError where a call of the
/// CUDA runtime fails, too little memory among them.
std::unique_ptr<SampleLoss<float>> make_cuda_loss(double p);

}  // namespace slicecheck
