#pragma once
/// Clouds and results in the memory of a CUDA device, for tests of SlicedLoss.

#include "cuda/gpu/parity.h"
#include "slicecheck/cuda/buffer.h"
#include "slicecheck/loss/cuda/sliced_loss.h"

namespace slicecheck::testing {

/// A stream that does not wait for the default stream.
class Stream {
 public:
  Stream() { cuda::check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(stream_); }

  [[nodiscard]] cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// What a call of SlicedLoss left.
struct DeviceResult {
  Vector<double> per_direction;
  Points<float> gradient;  ///< 0×0 where none was asked for
  bool beyond;             ///< something was written past the end of an output
};

/// The clouds on the device, and outputs full of NaN, with more of it behind their ends.
class DeviceClouds {
 public:
  DeviceClouds(const Clouds& clouds, cudaStream_t stream);

  /// Queues an evaluation.
  void evaluate(cuda::SlicedLoss& loss, bool with_gradient = true);
  /// Waits for it.
  [[nodiscard]] DeviceResult result() const;

 private:
  cudaStream_t stream_;
  Index n_, d_, count_;
  bool with_gradient_ = true;
  cuda::Buffer<float> z_, y_, theta_, gradient_;
  cuda::Buffer<double> values_;
};

}  // namespace slicecheck::testing
