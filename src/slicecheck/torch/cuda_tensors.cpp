#include "slicecheck/torch/cuda_tensors.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/types.h>

#include <map>
#include <string_view>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/cuda/sliced_loss.h"

namespace slicecheck {

namespace {

void check_tensor(const at::Tensor& tensor, const at::Tensor& z, std::string_view name) {
  if (!tensor.defined()) reject("{} is undefined", name);
  if (tensor.dim() != 2) reject("{} has {} dimensions; expected rows of coordinates", name, tensor.dim());
  if (tensor.size(0) < 1 || tensor.size(1) < 1) reject("{} is {}x{}; expected rows of coordinates, at least one of each", name, tensor.size(0), tensor.size(1));
  if (tensor.scalar_type() != torch::kFloat) reject("{} must hold floats", name);
  if (!tensor.is_cuda() || tensor.device() != z.device()) reject("{} must lie on a CUDA device, the same as z", name);
  if (tensor.size(1) != z.size(1)) reject("{} has dimension {} and z has dimension {}; they must agree", name, tensor.size(1), z.size(1));
}

/// A loss is used on one stream: its working memory is in the order of that stream.
cuda::SlicedLoss& loss_on(const c10::cuda::CUDAStream& stream) {
  thread_local std::map<std::pair<int, cudaStream_t>, cuda::SlicedLoss> losses;
  return losses[{stream.device_index(), stream.stream()}];
}

}  // namespace

TensorLoss evaluate(const at::Tensor& z, const at::Tensor& y, const at::Tensor& directions) {
  check_tensor(z, z, "z");
  check_tensor(y, z, "y");
  check_tensor(directions, z, "directions");
  if (y.size(0) != z.size(0)) reject("z has {} points and y has {}; they must agree", z.size(0), y.size(0));
  const c10::cuda::CUDAGuard guard(z.device());
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  const at::Tensor z_rows = z.detach().contiguous();
  const at::Tensor y_rows = y.detach().contiguous();
  const at::Tensor theta_rows = directions.detach().contiguous();
  const at::Tensor per_direction = torch::empty({theta_rows.size(0)}, z_rows.options().dtype(torch::kDouble));
  at::Tensor gradient = torch::empty_like(z_rows);
  loss_on(stream).evaluate(z_rows.data_ptr<float>(), y_rows.data_ptr<float>(), theta_rows.data_ptr<float>(), z_rows.size(0), z_rows.size(1), theta_rows.size(0),
                           per_direction.data_ptr<double>(), gradient.data_ptr<float>(), stream.stream());
  return {per_direction.mean(), std::move(gradient)};
}

}  // namespace slicecheck
