/// SlicedLoss with cuBLAS's projections against the reference.

#include <fmt/format.h>

#include "cuda/gpu/device_clouds.h"
#include "cuda/gpu/gpu.h"
#include "slicecheck/loss/cuda/cublas_projection.h"

namespace slicecheck::testing {
namespace {

LossGradient<float> with_cublas(const Points<float>& z, const Points<float>& y, const Points<float>& theta) {
  const Stream stream;
  cuda::SlicedLoss loss;
  loss.project_with(cuda::make_cublas_projection());
  DeviceClouds on_device({z, y, theta}, stream.get());
  on_device.evaluate(loss);
  const DeviceResult got = on_device.result();
  EXPECT_FALSE(got.beyond) << "an output was written past its end";
  return {got.per_direction.mean(), got.per_direction, got.gradient};
}

using CublasProjection = GpuTest;

TEST_F(CublasProjection, agrees_with_the_reference) {
  for (const Index n : {1, 2, 33, 129, 1025, 8193})
    for (const Index d : {1, 3, 17, 784})
      for (const Kind kind : {Kind::normal, Kind::duplicates, Kind::lattice, Kind::offset}) {
        SCOPED_TRACE(fmt::format("n = {}, d = {}, {}", n, d, name_of(kind)));
        const Parity parity = parity_of(clouds_of(kind, n, d, 5), with_cublas, 5);
        EXPECT_LE(parity.values, 1.0);
        EXPECT_LE(parity.members, 1.0);
        // Not `sums`: one direction's projections may differ with the number of directions beside it.
      }
}

TEST_F(CublasProjection, can_be_taken_back) {
  const Clouds clouds = clouds_of(Kind::normal, 129, 17, 65);
  const Stream stream;
  DeviceClouds on_device(clouds, stream.get());
  cuda::SlicedLoss loss;
  on_device.evaluate(loss);
  const DeviceResult before = on_device.result();
  loss.project_with(cuda::make_cublas_projection());
  on_device.evaluate(loss);
  loss.project_with(nullptr);
  on_device.evaluate(loss);
  EXPECT_EQ(on_device.result().gradient, before.gradient);
}

}  // namespace
}  // namespace slicecheck::testing
