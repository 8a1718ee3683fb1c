// Streams and events. All work is done when its call returns, so that there is nothing to wait for.
#include <chrono>

#include "cuda/fake_runtime/runtime.h"

namespace cuda_on_ptx {

bool Runtime::valid_stream(cudaStream_t stream) const {
  return stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread || streams.contains(stream);
}

}  // namespace cuda_on_ptx

using cuda_on_ptx::Locked;
using cuda_on_ptx::Runtime;

namespace {

double milliseconds() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

constexpr double never = -1;

cudaError_t check(bool valid) { return Runtime::report(valid ? cudaSuccess : cudaErrorInvalidResourceHandle); }

/// A new address that nothing else has.
template <class Handle>
Handle new_handle() {
  return reinterpret_cast<Handle>(new char);
}

template <class Handle>
void delete_handle(Handle handle) {
  delete reinterpret_cast<char*>(handle);
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  const Locked runtime;
  if (!runtime->has_device()) {
    return Runtime::report(cudaErrorNoDevice);
  }
  *stream = new_handle<cudaStream_t>();
  runtime->streams.insert(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) { return cudaStreamCreate(stream); }

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned /*flags*/, int /*priority*/) { return cudaStreamCreate(stream); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Locked runtime;
  if (runtime->streams.erase(stream) == 0) {
    return Runtime::report(cudaErrorInvalidResourceHandle);
  }
  delete_handle(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return check(Locked()->valid_stream(stream)); }

cudaError_t cudaStreamQuery(cudaStream_t stream) { return check(Locked()->valid_stream(stream)); }

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = cudaStreamCaptureStatusNone;
  return check(Locked()->valid_stream(stream));
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  *device = 0;
  return check(Locked()->valid_stream(stream));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  const Locked runtime;
  return check(runtime->valid_stream(stream) && runtime->events.contains(event));
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  const Locked runtime;
  if (!runtime->has_device()) {
    return Runtime::report(cudaErrorNoDevice);
  }
  *event = new_handle<cudaEvent_t>();
  runtime->events[*event] = never;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned /*flags*/) { return cudaEventCreate(event); }

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Locked runtime;
  const auto found = runtime->events.find(event);
  if (found == runtime->events.end() || !runtime->valid_stream(stream)) {
    return Runtime::report(cudaErrorInvalidResourceHandle);
  }
  found->second = milliseconds();
  return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned /*flags*/) { return cudaEventRecord(event, stream); }

cudaError_t cudaEventQuery(cudaEvent_t event) { return check(Locked()->events.contains(event)); }

cudaError_t cudaEventSynchronize(cudaEvent_t event) { return check(Locked()->events.contains(event)); }

cudaError_t cudaEventElapsedTime(float* elapsed, cudaEvent_t start, cudaEvent_t end) {
  const Locked runtime;
  const auto first = runtime->events.find(start);
  const auto last = runtime->events.find(end);
  if (first == runtime->events.end() || last == runtime->events.end() || first->second == never || last->second == never) {
    return Runtime::report(cudaErrorInvalidResourceHandle);
  }
  *elapsed = static_cast<float>(last->second - first->second);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Locked runtime;
  if (runtime->events.erase(event) == 0) {
    return Runtime::report(cudaErrorInvalidResourceHandle);
  }
  delete_handle(event);
  return cudaSuccess;
}

}  // extern "C"
