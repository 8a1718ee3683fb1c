#include "slicecheck/torch/bridge.h"

#include <torch/types.h>

#include <string>

#include "slicecheck/core/error.h"

namespace slicecheck {

template <class S>
at::Tensor tensor_view(PointsView<S> points) {
  const Index row_distance = points.rows() > 1 ? points.outerStride() : points.cols();
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): from_blob takes void*; the tensor is only read
  return torch::from_blob(const_cast<S*>(points.data()), {points.rows(), points.cols()}, {row_distance, 1}, torch::CppTypeToScalarType<S>::value);
}

template <class S>
Points<S> to_points(const at::Tensor& tensor) {
  const at::Tensor rows = tensor.contiguous();
  return Eigen::Map<const Points<S>>(rows.data_ptr<S>(), rows.size(0), rows.size(1));
}

void rethrow_torch_error() {
  try {
    throw;
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    throw Error("LibTorch: " + message.substr(0, message.find('\n')));
  }
}

template at::Tensor tensor_view<float>(PointsView<float>);
template at::Tensor tensor_view<double>(PointsView<double>);
template Points<float> to_points<float>(const at::Tensor&);
template Points<double> to_points<double>(const at::Tensor&);

}  // namespace slicecheck
