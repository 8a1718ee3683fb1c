#include <cublas_v2.h>

#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/launch.h"
#include "slicecheck/loss/cuda/cublas_projection.h"

namespace slicecheck::cuda {

namespace {

constexpr unsigned kThreads = 256;

/// moved(e) = cloud(e) − y_0(e mod d).
__global__ void __launch_bounds__(kThreads) move_by_first_target(const float* cloud, const float* y, size_t entries, unsigned d, float* moved) {
  const size_t entry = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (entry < entries) moved[entry] = cloud[entry] - y[entry % d];
}

/// +infinity for n ≤ i < pitch: at most three entries a row. One thread a row.
__global__ void __launch_bounds__(kThreads) fill_row_ends(float* projected, unsigned n, unsigned pitch, unsigned count) {
  const unsigned row = blockIdx.x * kThreads + threadIdx.x;
  if (row >= count) return;
  for (unsigned i = n; i < pitch; ++i) projected[static_cast<size_t>(row) * pitch + i] = __uint_as_float(0x7F80'0000U);
}

void check_cublas(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(cudaErrorUnknown, cublasGetStatusString(status));
}

class CublasProjection final : public Projection {
 public:
  CublasProjection() {
    check_cublas(cublasCreate(&handle_));
    check_cublas(cublasSetMathMode(handle_, CUBLAS_PEDANTIC_MATH));
  }
  ~CublasProjection() override { cublasDestroy(handle_); }

  void project(const ProjectionTask& task, CUstream_st* stream) override {
    check_cublas(cublasSetStream(handle_, stream));
    project_one(task, task.z, task.projected_z, stream);
    project_one(task, task.y, task.projected_y, stream);
  }

 private:
  static unsigned blocks_of(size_t threads) { return static_cast<unsigned>((threads + kThreads - 1) / kThreads); }

  /// Rows stored one after the other are columns to cuBLAS: (pitch×count) = (d×n)ᵀ (d×count).
  void project_one(const ProjectionTask& task, const float* cloud, float* projected, cudaStream_t stream) {
    const auto entries = static_cast<size_t>(task.n) * static_cast<size_t>(task.d);
    const auto n = static_cast<int>(task.n);
    const auto d = static_cast<int>(task.d);
    const auto count = static_cast<int>(task.count);
    const auto pitch = static_cast<int>(task.pitch);
    moved_.reserve(entries);
    launch({dim3(blocks_of(entries)), kThreads, 0, stream, "moving a cloud"}, move_by_first_target, cloud, task.y, entries, static_cast<unsigned>(d),
           moved_.data());
    const float one = 1.0F;
    const float zero = 0.0F;
    check_cublas(cublasSgemm(handle_, CUBLAS_OP_T, CUBLAS_OP_N, n, count, d, &one, moved_.data(), d, task.directions, d, &zero, projected, pitch));
    launch({dim3(blocks_of(static_cast<size_t>(count))), kThreads, 0, stream, "filling the ends of rows"}, fill_row_ends, projected, static_cast<unsigned>(n),
           static_cast<unsigned>(pitch), static_cast<unsigned>(count));
  }

  cublasHandle_t handle_ = nullptr;
  Buffer<float> moved_;
};

}  // namespace

std::unique_ptr<Projection> make_cublas_projection() { return std::make_unique<CublasProjection>(); }

}  // namespace slicecheck::cuda
