#include "slicecheck/dynamics/cuda/cuda_scheme.h"

#include <cmath>
#include <mutex>

#include "slicecheck/core/error.h"
#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/dynamics/cuda/npsgd_step.h"

namespace slicecheck {

namespace {

class CudaNpsgd final : public Scheme<float> {
 public:
  CudaNpsgd(double radius, double noise) : radius_(radius), noise_(noise) {}

  [[nodiscard]] std::string name() const override { return fmt::format("cuda-npsgd[r = {}, a = {}]", radius_, noise_); }

  [[nodiscard]] State<float> start(Vector<float> u0) const override {
    project_onto_ball(u0, radius_);
    return {std::move(u0), 0};
  }

  void advance(State<float>& state, VectorView<float> phi, double alpha, const RandomStream& noise) const override {
    const std::lock_guard lock(busy_);
    const cudaStream_t stream = nullptr;
    const auto size = static_cast<std::size_t>(state.u.size());
    u_.copy_from_host(state.u.data(), size, stream);
    phi_.copy_from_host(phi.data(), size, stream);
    step_.advance(u_.data(), phi_.data(), state.u.size(), alpha, radius_, noise_, {noise.counter(), noise.key()}, stream);
    u_.copy_to_host(state.u.data(), size, stream);
    ++state.step;
  }

 private:
  double radius_;
  double noise_;
  mutable std::mutex busy_;
  mutable cuda::Buffer<float> u_, phi_;
  mutable cuda::NpsgdStep step_;
};

}  // namespace

std::unique_ptr<Scheme<float>> make_cuda_npsgd(double radius, double noise) {
  if (std::isnan(radius) || radius <= 0.0) reject("NPSGD: the radius is {}; it must be positive", radius);
  if (!std::isfinite(noise) || noise < 0.0) reject("NPSGD: the noise is {}; it must be finite and not negative", noise);
  const cuda::DeviceList list = cuda::devices();
  if (list.devices.empty()) reject("NPSGD on CUDA: there is no CUDA device to use: {}", list.why_none);
  return std::make_unique<CudaNpsgd>(radius, noise);
}

}  // namespace slicecheck
