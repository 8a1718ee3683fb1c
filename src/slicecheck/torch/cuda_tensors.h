#pragma once
/// The loss on CUDA tensors of LibTorch. Compiled only where LibTorch has CUDA.

#include <ATen/core/Tensor.h>

namespace slicecheck {

/// SW_2² over the given directions, a scalar of doubles, and its gradient with respect to z, n×d floats; both on the device of z.
struct TensorLoss {
  at::Tensor value;
  at::Tensor gradient;
};

/// cuda::SlicedLoss on the memory of the tensors, without a copy where they are contiguous, queued on LibTorch's current stream of their device. z, y: n×d;
/// directions: L×d, rows of unit length; all float, on one CUDA device. Returns when the work is queued. The graph of automatic differentiation does not see
/// it. The working memory is kept, one for each thread and stream.
/// @throws InputError for tensors of another kind or shape; CudaError where the CUDA runtime refuses. Entries that are not finite are not looked for.
TensorLoss evaluate(const at::Tensor& z, const at::Tensor& y, const at::Tensor& directions);

}  // namespace slicecheck
