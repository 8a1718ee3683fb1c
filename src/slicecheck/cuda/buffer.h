#pragma once
/// Memory of the device that frees itself.

#include <cstddef>
#include <utility>

#include "slicecheck/core/index.h"
#include "slicecheck/cuda/check.h"

namespace slicecheck::cuda {

/// An array of T on the current device. Grows, never shrinks; growing does not keep the contents. Its entries start undefined.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) { reserve(count); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Buffer() { cudaFree(data_); }

  /// At least `count` entries. @throws CudaError where the device has too little memory: the sentence says how much was asked for and how much is free.
  void reserve(std::size_t count) {
    if (count <= count_) return;
    check(cudaFree(std::exchange(data_, nullptr)), "freeing memory");
    count_ = 0;
    void* data = nullptr;
    const cudaError_t status = cudaMalloc(&data, count * sizeof(T));
    if (status != cudaSuccess) fail_allocation(status, count * sizeof(T));
    data_ = static_cast<T*>(data);
    count_ = count;
  }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return count_; }

  void copy_from_host(const T* from, std::size_t count, cudaStream_t stream) {
    reserve(count);
    check(cudaMemcpyAsync(data_, from, count * sizeof(T), cudaMemcpyHostToDevice, stream), "copying to the device");
  }
  /// Copies and waits for the stream.
  void copy_to_host(T* to, std::size_t count, cudaStream_t stream) const {
    check(cudaMemcpyAsync(to, data_, count * sizeof(T), cudaMemcpyDeviceToHost, stream), "copying from the device");
    check(cudaStreamSynchronize(stream), "waiting for the device");
  }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace slicecheck::cuda
