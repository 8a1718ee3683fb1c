#include <algorithm>
#include <cmath>

#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/launch.h"
#include "slicecheck/dynamics/cuda/npsgd_step.cuh"
#include "slicecheck/dynamics/cuda/npsgd_step.h"

namespace slicecheck::cuda {

struct NpsgdStep::Memory {
  Buffer<double> shares{NpsgdShape::most_blocks};
};

NpsgdStep::NpsgdStep() : memory_(std::make_unique<Memory>()) {}
NpsgdStep::~NpsgdStep() = default;

void NpsgdStep::advance(float* u, const float* phi, Index size, double alpha, double radius, double noise, const NoiseStream& stream_of_noise,
                        CUstream_st* stream) {
  check_parameters(size);
  const auto& counter = stream_of_noise.counter;
  const auto& key = stream_of_noise.key;
  const auto entries = static_cast<unsigned>(size);
  const unsigned pairs = entries / 2 + entries % 2;
  const unsigned blocks = std::min(NpsgdShape::most_blocks, (pairs + NpsgdShape::threads - 1) / NpsgdShape::threads);
  const NpsgdArguments arguments{u,
                                 phi,
                                 memory_->shares.data(),
                                 entries,
                                 static_cast<float>(alpha),
                                 static_cast<float>(alpha * noise),
                                 radius,
                                 make_uint4(counter[0], counter[1], counter[2], counter[3]),
                                 make_uint2(key[0], key[1])};
  launch({dim3(blocks), NpsgdShape::threads, NpsgdShape::shared_bytes, stream, "moving the parameters"}, npsgd_move, arguments);
  if (std::isinf(radius)) return;
  launch({dim3(blocks), NpsgdShape::threads, NpsgdShape::shared_bytes, stream, "projecting the parameters"}, npsgd_project, arguments, blocks);
}

}  // namespace slicecheck::cuda
