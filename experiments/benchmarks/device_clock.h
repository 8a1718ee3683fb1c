#pragma once
/// Time on a CUDA device.

#include <cuda_runtime_api.h>

#include "slicecheck/cuda/check.h"

namespace slicecheck::benchmarks {

/// Calls that are queued between two events, one behind the other, as a training does: what it takes to queue them counts where it is longer than the work.
constexpr int kCallsInARow = 10;

/// Time between two events of a stream.
class DeviceClock {
 public:
  explicit DeviceClock(cudaStream_t stream) : stream_(stream) {
    cuda::check(cudaEventCreate(&begin_), "making an event");
    cuda::check(cudaEventCreate(&end_), "making an event");
  }
  DeviceClock(const DeviceClock&) = delete;
  DeviceClock& operator=(const DeviceClock&) = delete;
  ~DeviceClock() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }

  /// Seconds of one call among kCallsInARow.
  template <class Work>
  double seconds(Work&& work) {
    cuda::check(cudaEventRecord(begin_, stream_), "recording an event");
    for (int call = 0; call < kCallsInARow; ++call) work();
    cuda::check(cudaEventRecord(end_, stream_), "recording an event");
    cuda::check(cudaEventSynchronize(end_), "waiting for the device");
    float milliseconds = 0.0F;
    cuda::check(cudaEventElapsedTime(&milliseconds, begin_, end_), "reading a clock");
    return static_cast<double>(milliseconds) * 1e-3 / kCallsInARow;
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

}  // namespace slicecheck::benchmarks
