#pragma once
/// The loss as it can be written with LibTorch: the opponents. In torch_losses.cpp; in no_torch.cpp where the build has no LibTorch.

#include <functional>
#include <string>
#include <vector>

#include "agreement.h"

namespace slicecheck::benchmarks {

/// A way to compute the value and the gradient, by a name such as "unchunked, autograd". `prepare` hands over the clouds; what it returns evaluates them.
struct TorchLossForm {
  std::string name;
  bool vectorised_sort;  ///< `torch+`: its sort is replaced
  std::function<std::function<LossGradient<float>()>(const Clouds&)> prepare;
};

/// Every way that was tried, in single precision, [L, n] layout, the sort along the contiguous points:
///
/// - chunked (2^18 projections of a cloud at a time) or not,
/// - backward by autograd, or by hand: the gaps scattered to the points, one product with the directions,
/// - LibTorch's sort, or a vectorised key-value sort in its place (`torch+`) that returns the same: values and 64-bit indices.
std::vector<TorchLossForm> torch_loss_forms();

/// The value alone, unchunked, without a gradient.
std::function<double()> torch_value(const Clouds& clouds);

/// LibTorch's version and on how many threads it runs; empty where the build has none.
std::string torch_description();

}  // namespace slicecheck::benchmarks
