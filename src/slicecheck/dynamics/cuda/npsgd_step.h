#pragma once
/// One step of NPSGD on parameters that lie on a CUDA device. No CUDA header is needed to include this one.

#include <array>
#include <cstdint>
#include <memory>

#include "slicecheck/core/index.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace slicecheck::cuda {

/// Where the noise of a step is drawn from: counter and key of its RandomStream.
struct NoiseStream {
  std::array<std::uint32_t, 4> counter{};
  std::array<std::uint32_t, 2> key{};
};

/// @throws InputError unless 1 ≤ size < 2^31.
void check_parameters(Index size);

/// u⁺ = π_r(u − αφ + αaε) in two launches (claim T4; Scheme NoisedProjectedSgd): the move and the squared norm of each block's share (`npsgd_move`), then the
/// norm and the projection of the WHOLE vector onto B(0, r) (`npsgd_project`). The words behind ε are those of the processor, bit for bit; the normals are
/// computed in float by the same transformation. The norm is summed in double, in an order that depends on the size alone: the same bits on every run.
/// A vector inside the ball is not changed by the projection. The result is inside up to two roundings per coordinate.
class NpsgdStep {
 public:
  NpsgdStep();
  ~NpsgdStep();
  NpsgdStep(const NpsgdStep&) = delete;
  NpsgdStep& operator=(const NpsgdStep&) = delete;

  /// Moves `u` (device, `size` floats) by `phi` (device). radius > 0, infinity for no projection; noise ≥ 0, 0 for none. Returns when the work is queued.
  /// @throws InputError for a size outside 1 … 2^31 − 1; CudaError where the runtime refuses.
  void advance(float* u, const float* phi, Index size, double alpha, double radius, double noise, const NoiseStream& stream_of_noise, CUstream_st* stream);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace slicecheck::cuda
