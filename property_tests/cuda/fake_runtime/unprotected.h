#pragma once
/// Access to device memory while a call of the runtime needs it.

#include "cuda/fake_runtime/runtime.h"

namespace cuda_on_ptx {

class Runtime::Unprotected {
 public:
  explicit Unprotected(const Runtime& runtime);
  ~Unprotected();
  Unprotected(const Unprotected&) = delete;
  Unprotected& operator=(const Unprotected&) = delete;

 private:
  const Runtime& runtime_;
};

/// Whole pages.
std::size_t page_bytes(std::size_t bytes);

}  // namespace cuda_on_ptx
