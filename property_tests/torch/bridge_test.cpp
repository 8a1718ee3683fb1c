/// Tensors over Eigen's memory, LibTorch's errors, LibTorch's threads.

#include "slicecheck/torch/bridge.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {
namespace {

TEST(Bridge, a_view_shares_the_memory_whatever_the_distance_of_the_rows) {
  Points<float> points = Points<float>::Random(6, 5);
  const auto block = points.block(1, 2, 4, 3);
  const torch::Tensor view = tensor_view<float>(block);
  EXPECT_EQ(view.data_ptr<float>(), &points(1, 2));
  EXPECT_EQ(view.scalar_type(), torch::kFloat);
  EXPECT_EQ(to_points<float>(view), block);
  EXPECT_NE(to_points<float>(view), points.block(0, 2, 4, 3)) << "the comparison can fail";
  const Points<double> one_row = Points<double>::Random(1, 7);
  EXPECT_EQ(to_points<double>(tensor_view<double>(one_row)), one_row);
  const Points<double> one_column = Points<double>::Random(7, 1);
  EXPECT_EQ(to_points<double>(tensor_view<double>(one_column)), one_column);
}

TEST(Bridge, errors_of_libtorch_become_errors_with_one_line) {
  const auto fail = [] {
    try {
      (void)torch::zeros({2, 3}).matmul(torch::zeros({2, 3}));
    } catch (...) {
      rethrow_torch_error();
    }
  };
  try {
    fail();
    FAIL() << "LibTorch multiplied 2×3 by 2×3";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith("LibTorch: mat1 and mat2"));
    EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("\n")));
  }
}

TEST(Bridge, other_exceptions_stay_what_they_are) {
  const auto fail = [] {
    try {
      reject("sentence");
    } catch (...) {
      rethrow_torch_error();
    }
  };
  EXPECT_THROW(fail(), InputError);
}

TEST(TorchInfo, one_thread_for_libtorch_and_as_many_as_before_for_us) {
  const int before = thread_count();  // OpenMP's choice, where nothing in this process has chosen: LibTorch must not lower it
  use_one_torch_thread();
  EXPECT_EQ(thread_count(), before);
  use_one_torch_thread();
  EXPECT_EQ(at::get_num_threads(), 1);
  set_thread_count(2);
  parallel_for(4, [](Index) {
    use_one_torch_thread();
    EXPECT_EQ(at::get_num_threads(), 1);
  });
}

TEST(TorchInfo, version_has_three_numbers) { EXPECT_THAT(torch_version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+.*")); }

}  // namespace
}  // namespace slicecheck
