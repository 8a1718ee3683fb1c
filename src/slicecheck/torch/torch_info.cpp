#include "slicecheck/torch/torch_info.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <mutex>

#include "slicecheck/core/parallel.h"

namespace slicecheck {

void use_one_torch_thread() {
  static std::once_flag once;
  std::call_once(once, [] {
    set_thread_count(thread_count());
    at::set_num_threads(1);
    try {
      at::set_num_interop_threads(1);
    } catch (const c10::Error&) {  // the program has set it already, or has used it: nothing here starts interop threads
    }
    // An OpenBLAS built on pthreads has threads of its own, which LibTorch does not know of.
    if (void* const found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads"); found != nullptr) reinterpret_cast<void (*)(int)>(found)(1);
  });
}

std::string torch_version() { return TORCH_VERSION; }

bool torch_has_cuda() { return torch::cuda::is_available(); }

}  // namespace slicecheck
