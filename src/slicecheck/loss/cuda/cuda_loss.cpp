#include "slicecheck/loss/cuda/cuda_loss.h"

#include <mutex>

#include "slicecheck/core/error.h"
#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/loss/cuda/sliced_loss.h"

namespace slicecheck {

namespace {

class CudaLoss final : public SampleLoss<float> {
 public:
  [[nodiscard]] std::string_view name() const override { return "cuda"; }
  [[nodiscard]] double exponent() const override { return 2.0; }

  [[nodiscard]] LossGradient<float> evaluate(PointsView<float> z, PointsView<float> y, PointsView<float> directions) const override {
    LossGradient<float> out;
    run(z, y, directions, out.per_direction, &out.gradient);
    out.value = out.per_direction.sum() / static_cast<double>(directions.rows());
    return out;
  }

  [[nodiscard]] Vector<double> values(PointsView<float> z, PointsView<float> y, PointsView<float> directions) const override {
    Vector<double> out;
    run(z, y, directions, out, nullptr);
    return out;
  }

 private:
  /// One evaluation at a time: the memory on the device is kept for the next one.
  void run(PointsView<float> z, PointsView<float> y, PointsView<float> directions, Vector<double>& per_direction, Points<float>* gradient) const {
    check_loss_arguments<float>(z, y, directions);
    const std::lock_guard lock(busy_);
    const cudaStream_t stream = nullptr;
    const auto entries = static_cast<std::size_t>(z.size());
    const auto count = static_cast<std::size_t>(directions.rows());
    z_.copy_from_host(z.data(), entries, stream);
    y_.copy_from_host(y.data(), entries, stream);
    directions_.copy_from_host(directions.data(), static_cast<std::size_t>(directions.size()), stream);
    values_.reserve(count);
    if (gradient != nullptr) gradient_.reserve(entries);
    loss_.evaluate(z_.data(), y_.data(), directions_.data(), z.rows(), z.cols(), directions.rows(), values_.data(),
                   gradient != nullptr ? gradient_.data() : nullptr, stream);
    per_direction.resize(directions.rows());
    values_.copy_to_host(per_direction.data(), count, stream);
    if (gradient == nullptr) return;
    gradient->resize(z.rows(), z.cols());
    gradient_.copy_to_host(gradient->data(), entries, stream);
  }

  mutable std::mutex busy_;
  mutable cuda::Buffer<float> z_, y_, directions_, gradient_;
  mutable cuda::Buffer<double> values_;
  mutable cuda::SlicedLoss loss_;
};

}  // namespace

std::unique_ptr<SampleLoss<float>> make_cuda_loss(double p) {
  check_exponent(p);
  if (p != 2.0) reject("the cuda loss knows p = 2 alone; given: {}", p);
  const cuda::DeviceList list = cuda::devices();
  if (list.devices.empty()) reject("the cuda loss: there is no CUDA device to use: {}", list.why_none);
  return std::make_unique<CudaLoss>();
}

}  // namespace slicecheck
