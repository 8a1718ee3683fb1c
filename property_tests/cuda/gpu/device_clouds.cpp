#include "cuda/gpu/device_clouds.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace slicecheck::testing {

namespace {

constexpr std::size_t kBehind = 1024;  // entries behind the end of an output

std::size_t entries(Index rows, Index columns) { return static_cast<std::size_t>(rows * columns); }

template <class T>
void fill_with_nan(const cuda::Buffer<T>& buffer, cudaStream_t stream) {
  cuda::check(cudaMemsetAsync(buffer.data(), 0xFF, buffer.size() * sizeof(T), stream), "filling with NaN");
}

template <class T>
std::vector<T> all_of(const cuda::Buffer<T>& buffer, cudaStream_t stream) {
  std::vector<T> out(buffer.size());
  buffer.copy_to_host(out.data(), out.size(), stream);
  return out;
}

template <class T>
bool written_from(const std::vector<T>& values, std::size_t first) {
  return std::any_of(values.begin() + static_cast<std::ptrdiff_t>(first), values.end(), [](T value) { return !std::isnan(value); });
}

}  // namespace

DeviceClouds::DeviceClouds(const Clouds& clouds, cudaStream_t stream)
    : stream_(stream),
      n_(clouds.z.rows()),
      d_(clouds.z.cols()),
      count_(clouds.theta.rows()),
      gradient_(entries(n_, d_) + kBehind),
      values_(static_cast<std::size_t>(count_) + kBehind) {
  z_.copy_from_host(clouds.z.data(), entries(n_, d_), stream);
  y_.copy_from_host(clouds.y.data(), entries(n_, d_), stream);
  theta_.copy_from_host(clouds.theta.data(), entries(count_, d_), stream);
}

void DeviceClouds::evaluate(cuda::SlicedLoss& loss, bool with_gradient) {
  fill_with_nan(gradient_, stream_);
  fill_with_nan(values_, stream_);
  with_gradient_ = with_gradient;
  loss.evaluate(z_.data(), y_.data(), theta_.data(), n_, d_, count_, values_.data(), with_gradient ? gradient_.data() : nullptr, stream_);
}

DeviceResult DeviceClouds::result() const {
  const auto values = all_of(values_, stream_);
  const auto gradient = all_of(gradient_, stream_);
  DeviceResult out{Eigen::Map<const Vector<double>>(values.data(), count_), {}, false};
  if (with_gradient_) out.gradient = Eigen::Map<const Points<float>>(gradient.data(), n_, d_);
  out.beyond = written_from(values, static_cast<std::size_t>(count_)) || written_from(gradient, with_gradient_ ? entries(n_, d_) : 0);
  return out;
}

}  // namespace slicecheck::testing
