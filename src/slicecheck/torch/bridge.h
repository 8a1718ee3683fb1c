#pragma once
/// Between Eigen and LibTorch, for the .cpp files of this folder. Like every header here it includes none of LibTorch's, so that its users compile none.

#include "slicecheck/core/types.h"

namespace at {
class Tensor;
}

namespace slicecheck {

/// The memory of the points as a rows×cols tensor of type S, without a copy, whatever the distance of the rows. Valid while the points live; nothing may be
/// written to it.
template <class S>
at::Tensor tensor_view(PointsView<S> points);

/// The rows×cols entries of a tensor of type S, copied.
template <class S>
Points<S> to_points(const at::Tensor& tensor);

/// To be called inside `catch (...)`: throws an exception of LibTorch again as `Error` with the first line of its message, and any other as it is.
[[noreturn]] void rethrow_torch_error();

}  // namespace slicecheck
