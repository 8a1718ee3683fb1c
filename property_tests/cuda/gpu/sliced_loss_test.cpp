/// The interface by device pointers: streams, memory that is kept, outputs, errors; and the same bits on every run.

#include "slicecheck/loss/cuda/sliced_loss.h"

#include <limits>
#include <list>

#include "cuda/gpu/device_clouds.h"
#include "cuda/gpu/gpu.h"
#include "slicecheck/core/error.h"
#include "slicecheck/cuda/error.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "slicecheck/loss/cuda/plan.h"

namespace slicecheck::testing {
namespace {

struct Sizes {
  Index n, d, count;
};

Clouds clouds_of(const Sizes& s) { return clouds_of(Kind::normal, s.n, s.d, s.count); }

class SlicedLossOf : public GpuTest, public ::testing::WithParamInterface<Group<Sizes>> {};

/// The subject `cuda`, on the default stream.
LossGradient<float> of_subject(const Clouds& clouds) { return make_cuda_loss(2.0)->evaluate(clouds.z, clouds.y, clouds.theta); }

void expect_same_bits(const DeviceResult& got, const LossGradient<float>& expected) {
  EXPECT_EQ(got.per_direction, expected.per_direction);
  EXPECT_EQ(got.gradient, expected.gradient);
  EXPECT_FALSE(got.beyond) << "an output was written past its end";
}

TEST_P(SlicedLossOf, a_stream_of_its_own_gives_the_bits_of_the_subject) {
  for (const Sizes& sizes : GetParam().cases) {
    const Clouds clouds = clouds_of(sizes);
    const Stream stream;
    cuda::SlicedLoss loss;
    DeviceClouds on_device(clouds, stream.get());
    on_device.evaluate(loss);
    const DeviceResult got = on_device.result();
    EXPECT_TRUE(got.per_direction.allFinite() && got.gradient.allFinite()) << "an output was not written";
    expect_same_bits(got, of_subject(clouds));
  }
}

TEST_P(SlicedLossOf, without_a_gradient_none_is_written) {
  for (const Sizes& sizes : GetParam().cases) {
    const Clouds clouds = clouds_of(sizes);
    const Stream stream;
    cuda::SlicedLoss loss;
    DeviceClouds on_device(clouds, stream.get());
    on_device.evaluate(loss, false);
    const DeviceResult got = on_device.result();
    EXPECT_EQ(got.per_direction, of_subject(clouds).per_direction);
    EXPECT_FALSE(got.beyond);
  }
}

TEST_P(SlicedLossOf, twenty_runs_give_the_same_bits) {
  for (const Sizes& sizes : GetParam().cases) {
    const Clouds clouds = clouds_of(sizes);
    const LossGradient<float> first = of_subject(clouds);
    const auto kept = make_cuda_loss(2.0);
    for (int run = 1; run < 20; ++run) {
      const LossGradient<float> again = run % 2 == 0 ? of_subject(clouds) : kept->evaluate(clouds.z, clouds.y, clouds.theta);
      ASSERT_EQ(again.value, first.value) << "run " << run;
      ASSERT_EQ(again.per_direction, first.per_direction) << "run " << run;
      ASSERT_EQ(again.gradient, first.gradient) << "run " << run;
    }
  }
}

TEST_P(SlicedLossOf, streams_side_by_side_give_the_same_bits) {
  for (const Sizes& sizes : GetParam().cases) {
    const Clouds clouds = clouds_of(sizes);
    const LossGradient<float> expected = of_subject(clouds);
    std::list<Stream> streams(4);
    std::list<cuda::SlicedLoss> losses(4);
    std::list<DeviceClouds> on_device;
    for (const Stream& stream : streams) on_device.emplace_back(clouds, stream.get());
    auto loss = losses.begin();
    for (DeviceClouds& one : on_device) one.evaluate(*loss++);
    for (const DeviceClouds& one : on_device) expect_same_bits(one.result(), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(small, SlicedLossOf, ::testing::Values(Group<Sizes>{"clouds", {{33, 3, 2}}}), ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(large, SlicedLossOf,
                         ::testing::Values(Group<Sizes>{"clouds", {{129, 17, 65}, {1025, 3, 200}, {8192, 64, 33}, {8193, 3, 70}, {20000, 784, 9}}}),
                         ::testing::PrintToStringParamName());

using SlicedLossMemory = GpuTest;

TEST_F(SlicedLossMemory, what_an_earlier_call_left_does_not_matter) {
  const Stream stream;
  cuda::SlicedLoss kept;
  for (const Sizes& sizes : {Sizes{5, 2, 3}, Sizes{40, 3, 1}, Sizes{40, 9, 2}, Sizes{5, 2, 3}}) {
    const Clouds clouds = clouds_of(sizes);
    DeviceClouds on_device(clouds, stream.get());
    on_device.evaluate(kept);
    const DeviceResult got = on_device.result();
    cuda::SlicedLoss fresh;
    on_device.evaluate(fresh);
    const DeviceResult expected = on_device.result();
    EXPECT_EQ(got.per_direction, expected.per_direction);
    EXPECT_EQ(got.gradient, expected.gradient);
    EXPECT_FALSE(got.beyond);
  }
}

TEST_F(SlicedLossMemory, chunks_of_whole_slabs_do_not_change_the_bits) {
  const Clouds clouds = clouds_of({5, 2, 3 * cuda::kSlab + 1});
  const Stream stream;
  DeviceClouds on_device(clouds, stream.get());
  cuda::SlicedLoss at_once;
  on_device.evaluate(at_once);
  const DeviceResult expected = on_device.result();
  constexpr Index kAim = 8000;  // 64 to 127 directions of 5 points
  const cuda::Plan plan(5, 2, 3 * cuda::kSlab + 1, true, kAim);
  ASSERT_EQ(plan.chunk, cuda::kSlab);
  cuda::SlicedLoss in_chunks(kAim);
  on_device.evaluate(in_chunks);
  const DeviceResult got = on_device.result();
  EXPECT_EQ(got.per_direction, expected.per_direction);
  EXPECT_EQ(got.gradient, expected.gradient);
  EXPECT_FALSE(got.beyond);
}

TEST_F(SlicedLossMemory, chunks_of_few_directions_agree_with_the_reference) {
  constexpr Index kAim = 20'000;
  const Index n = 129;
  const Index d = 17;
  const Index count = 40;
  const cuda::Plan plan(n, d, count, true, kAim);
  ASSERT_LT(plan.chunk, cuda::kSlab);
  ASSERT_GT(count, 2 * plan.chunk);
  const auto in_chunks = [](const Points<float>& z, const Points<float>& y, const Points<float>& theta) {
    const Stream stream;
    cuda::SlicedLoss loss(kAim);
    DeviceClouds on_device({z, y, theta}, stream.get());
    on_device.evaluate(loss);
    const DeviceResult got = on_device.result();
    EXPECT_FALSE(got.beyond);
    return LossGradient<float>{got.per_direction.mean(), got.per_direction, got.gradient};
  };
  EXPECT_LE(parity_of(clouds_of(Kind::normal, n, d, count), in_chunks, count).worst(), 1.0);
}

/// A right call, with the same loss.
void expect_that_it_works(cuda::SlicedLoss& loss) {
  const Stream stream;
  DeviceClouds on_device(clouds_of({5, 2, 3}), stream.get());
  on_device.evaluate(loss);
  EXPECT_TRUE(on_device.result().gradient.allFinite());
}

TEST_F(SlicedLossMemory, sizes_that_the_kernels_cannot_index_are_refused) {
  cuda::SlicedLoss loss;
  const auto evaluate = [&](Index n, Index d, Index count) { loss.evaluate(nullptr, nullptr, nullptr, n, d, count, nullptr, nullptr, nullptr); };
  EXPECT_THROW(evaluate(0, 1, 1), InputError);
  EXPECT_THROW(evaluate(1, 0, 1), InputError);
  EXPECT_THROW(evaluate(1, 1, 0), InputError);
  EXPECT_THROW(evaluate(Index{1} << 31, 1, 1), InputError);
  EXPECT_THROW(evaluate(1, Index{1} << 31, 1), InputError);
  EXPECT_THROW(evaluate(1, 1, Index{1} << 31), InputError);
  expect_that_it_works(loss);
}

TEST_F(SlicedLossMemory, too_little_memory_is_told_and_the_next_call_works) {
  cuda::SlicedLoss loss;
  float* const nowhere = nullptr;
  float gradient = 0.0F;
  try {
    // 2^24 points in 2^21 dimensions: 128 TiB for the gradient's partial sums.
    loss.evaluate(nowhere, nowhere, nowhere, Index{1} << 24, Index{1} << 21, 1, nullptr, &gradient, nullptr);
    FAIL() << "no exception";
  } catch (const cuda::CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("cudaErrorMemoryAllocation"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(std::to_string(Index{1} << 47)), std::string::npos) << error.what();
  }
  expect_that_it_works(loss);
}

}  // namespace
}  // namespace slicecheck::testing
