#pragma once
/// SW_2^2 and its gradient between clouds that lie on a CUDA device. No CUDA header is needed to include this one.

#include <cstddef>
#include <memory>

#include "slicecheck/core/index.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace slicecheck::cuda {

class Projection;

/// The loss on the current device, with its working memory, which is kept between calls and grows.
///
///     w_l = (1/n) Σ_r gap²,   gap(l, i) = θ_l·z_i − (the projected target of the same rank),   ∂value/∂z_i = (2/(nL)) Σ_l gap(l, i) θ_l
///
/// in four steps for each chunk of directions: project both clouds (kernel `project`), sort each projection and match by rank (one block a direction and
/// cub::BlockRadixSort up to 8192 points, cub::DeviceSegmentedRadixSort beyond), sum the gaps over slabs of 64 directions (`sum_slab`), add the slabs up in
/// their order (`add_slabs`). There are no atomics: the same arguments give the same bits, on every run. Projections, gaps and gradient are float, w_l is
/// summed in double. Both clouds are moved by the first target point before they are projected: gaps do not move, and a common offset costs no accuracy.
///
/// AT A TIE equal projections keep the order of their indices. A projection that is not finite makes w_l not finite.
class SlicedLoss {
 public:
  /// @param aim bytes of working memory to stay within; one direction alone may need more. The bits of the result do not depend on it as long as a chunk holds
  /// whole slabs of 64 directions.
  explicit SlicedLoss(Index aim = Index{256} << 20);
  ~SlicedLoss();
  SlicedLoss(const SlicedLoss&) = delete;
  SlicedLoss& operator=(const SlicedLoss&) = delete;

  /// z, y: n×d; directions: count×d; all rows contiguous, on the device. Out: `per_direction`, `count` doubles w_l; `gradient`, n×d, or null for none. Both on
  /// the device, both overwritten. Returns when the work is queued on `stream`.
  /// @throws InputError for sizes that the kernels cannot index; CudaError where the runtime refuses, too little memory among it.
  void evaluate(const float* z, const float* y, const float* directions, Index n, Index d, Index count, double* per_direction, float* gradient,
                CUstream_st* stream);

  /// Projections are made by `projection` (projection.h) from now on, not by the kernel `project`; by that one again for null.
  void project_with(std::unique_ptr<Projection> projection);

  /// Bytes of working memory that a call with these sizes holds, without the temporary storage of the sort of the whole device.
  [[nodiscard]] std::size_t working_bytes(Index n, Index d, Index count, bool gradient) const;

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
  Index aim_;
};

}  // namespace slicecheck::cuda
