#pragma once
/// Memory that is kept between calls.

#include <cstddef>
#include <new>

#include "slicecheck/core/index.h"

namespace slicecheck::cpu {

/// An array of plain values, aligned to a cache line, that grows and never shrinks; its contents are whatever was left in it.
template <class T>
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { release(); }

  /// Room for `count` values; a pointer from an earlier call is valid only if that asked for as much.
  T* room(Index count) {
    if (count > capacity_) {
      release();
      data_ = static_cast<T*>(::operator new(static_cast<std::size_t>(count) * sizeof(T), kAlignment));
      capacity_ = count;
    }
    return data_;
  }

 private:
  static constexpr std::align_val_t kAlignment{64};

  void release() {
    if (data_ != nullptr) ::operator delete(data_, kAlignment);
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data_ = nullptr;
  Index capacity_ = 0;
};

}  // namespace slicecheck::cpu
