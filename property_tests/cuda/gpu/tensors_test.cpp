/// The loss on CUDA tensors of LibTorch: against the reference, against what a user of LibTorch composes, and what it does with streams, strides and tensors
/// that it does not take. Compiled where LibTorch has CUDA.

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "cuda/gpu/gpu.h"
#include "cuda/gpu/parity.h"
#include "slicecheck/claims/loss_bounds.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "slicecheck/torch/cuda_tensors.h"

namespace slicecheck::testing {
namespace {

torch::Tensor on_device(const Points<float>& points) {
  return torch::from_blob(const_cast<float*>(points.data()), {points.rows(), points.cols()}, torch::kFloat).to(torch::kCUDA);  // NOLINT: read, and copied
}

Points<float> on_host(const torch::Tensor& tensor) {
  const torch::Tensor rows = tensor.cpu().contiguous();
  return Eigen::Map<const Points<float>>(rows.data_ptr<float>(), rows.size(0), rows.size(1));
}

struct Tensors {
  torch::Tensor z, y, theta;
  explicit Tensors(const Clouds& clouds) : z(on_device(clouds.z)), y(on_device(clouds.y)), theta(on_device(clouds.theta)) {}
};

/// The gradient of the subject `cuda`, on the default stream.
Points<float> of_subject(const Clouds& clouds) { return make_cuda_loss(2.0)->evaluate(clouds.z, clouds.y, clouds.theta).gradient; }

/// What a user of LibTorch writes, in double.
struct Composition {
  double value;
  torch::Tensor gradient;
  double closest;  ///< least distance between two projections of one cloud on one direction: by it the order is known in float too
};

Composition compose(const Tensors& t) {
  const torch::Tensor z = t.z.to(torch::kDouble).requires_grad_(true);
  const torch::Tensor theta = t.theta.to(torch::kDouble);
  const torch::Tensor sorted_z = std::get<0>(theta.matmul(z.t()).sort(1));
  const torch::Tensor sorted_y = std::get<0>(theta.matmul(t.y.to(torch::kDouble).t()).sort(1));
  const torch::Tensor value = (sorted_z - sorted_y).square().mean();
  value.backward();
  const double closest_z = sorted_z.detach().diff(1, 1).min().item<double>();
  const double closest_y = sorted_y.diff(1, 1).min().item<double>();
  return {value.item<double>(), z.grad(), std::min(closest_z, closest_y)};
}

/// Bounds of float between the loss and the composition: of a gap, of the value, of an entry of the gradient.
struct Bounds {
  Bounds(const Clouds& clouds, double value_) {
    constexpr double kFloat = tolerance::unit_roundoff<float>();
    const Index n = clouds.z.rows();
    const double size = largest_norm(clouds.z.cast<double>()) + largest_norm(clouds.y.cast<double>());
    gap = tolerance::gap(clouds.z.cols(), size, kFloat) + tolerance::gap(clouds.z.cols(), size, tolerance::unit_roundoff<double>());
    value = tolerance::value(value_, 2.0, gap, n * clouds.theta.rows(), kFloat);
    // (2/(nL)) Σ_l gap·θ(k), |gap| ≤ size, |θ(k)| ≤ 1 + 4u: the gap's error, and a product and at most L sums, the scale and its product.
    gradient =
        2.0 / static_cast<double>(n) * (1.0 + 4.0 * kFloat) * (gap + tolerance::gamma(static_cast<double>(clouds.theta.rows()) + 4.0, kFloat) * (size + gap));
  }
  double gap, value, gradient;
};

double distance(const torch::Tensor& a, const torch::Tensor& b) { return (a.to(torch::kDouble) - b.to(torch::kDouble)).abs().max().item<double>(); }

using TensorLosses = GpuTest;

TEST_F(TensorLosses, agree_with_the_reference) {
  for (const Index n : {1, 33, 1025, 8193})
    for (const Kind kind : {Kind::normal, Kind::duplicates, Kind::lattice, Kind::offset}) {
      SCOPED_TRACE("n = " + std::to_string(n) + ", " + name_of(kind));
      const Evaluate evaluate_tensors = [](const Points<float>& z, const Points<float>& y, const Points<float>& theta) {
        const TensorLoss got = evaluate(on_device(z), on_device(y), on_device(theta));
        const Vector<double> per_direction = make_cuda_loss(2.0)->values(z, y, theta);
        return LossGradient<float>{got.value.item<double>(), per_direction, on_host(got.gradient)};
      };
      const Parity parity = parity_of(clouds_of(kind, n, 3, 5), evaluate_tensors, 6);
      EXPECT_LE(parity.values, 1.0);
      EXPECT_LE(parity.members, 1.0);
      EXPECT_LE(parity.sums, 1.0);
    }
}

TEST_F(TensorLosses, agree_with_autograd_of_a_composition) {
  for (const auto& [n, d, count] : {std::tuple<Index, Index, Index>{1, 1, 1}, {33, 3, 5}, {65, 5, 4}}) {
    const Clouds clouds = clouds_of(Kind::normal, n, d, count);
    const Tensors tensors(clouds);
    const TensorLoss got = evaluate(tensors.z, tensors.y, tensors.theta);
    // One point has no neighbour to be close to.
    const Composition expected = n > 1 ? compose(tensors) : [&] {
      const torch::Tensor gap = (tensors.z - tensors.y).to(torch::kDouble);
      return Composition{gap.square().item<double>(), 2.0 * gap, std::numeric_limits<double>::infinity()};
    }();
    const Bounds bounds(clouds, expected.value);
    ASSERT_GT(expected.closest, 2.0 * bounds.gap) << "the order of these clouds is not known in float";
    EXPECT_LE(std::abs(got.value.item<double>() - expected.value), bounds.value);
    EXPECT_LE(distance(got.gradient, expected.gradient), bounds.gradient);
    if (n == 1) continue;
    EXPECT_GT(distance(got.gradient.roll(1, 0), expected.gradient), bounds.gradient) << "the comparison can fail";
    EXPECT_GT(std::abs(got.value.item<double>() * (1.0 + 1e-4) - expected.value), bounds.value) << "the comparison can fail";
  }
}

TEST_F(TensorLosses, are_results_on_the_device_outside_of_any_graph) {
  const Clouds clouds = clouds_of(Kind::normal, 33, 3, 5);
  Tensors tensors(clouds);
  tensors.z.requires_grad_(true);
  const TensorLoss got = evaluate(tensors.z, tensors.y, tensors.theta);
  EXPECT_EQ(got.value.dim(), 0);
  EXPECT_EQ(got.value.scalar_type(), torch::kDouble);
  EXPECT_EQ(got.gradient.scalar_type(), torch::kFloat);
  EXPECT_EQ(got.gradient.sizes(), tensors.z.sizes());
  EXPECT_EQ(got.value.device(), tensors.z.device());
  EXPECT_EQ(got.gradient.device(), tensors.z.device());
  EXPECT_FALSE(got.value.requires_grad() || got.gradient.requires_grad());
  EXPECT_FALSE(tensors.z.grad().defined());
  EXPECT_EQ(on_host(got.gradient), of_subject(clouds));
}

TEST_F(TensorLosses, are_queued_behind_the_work_of_the_current_stream) {
  for (const Index n : {33, 1025, 8193}) {
    const Clouds clouds = clouds_of(Kind::normal, n, 3, 70);
    const Points<float> expected = of_subject(clouds);
    const Tensors source(clouds);
    const torch::Tensor z = torch::full_like(source.z, std::numeric_limits<float>::quiet_NaN());
    const torch::Tensor matrix = torch::randn({4096, 4096}, source.z.options());
    torch::cuda::synchronize();
    const c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool();
    ASSERT_NE(stream, c10::cuda::getDefaultCUDAStream());
    const c10::cuda::CUDAStreamGuard guard(stream);
    // Milliseconds of work, after which z is no longer full of NaN: on another stream the loss would come before it.
    torch::Tensor product = matrix;
    for (int i = 0; i < 20; ++i) product = product.matmul(matrix).tanh();
    z.copy_(source.z);
    const TensorLoss got = evaluate(z, source.y, source.theta);
    EXPECT_FALSE(stream.query()) << "there was no work to wait for";
    EXPECT_EQ(on_host(got.gradient), expected) << "n = " << n;
    z.fill_(std::numeric_limits<float>::quiet_NaN());
    EXPECT_TRUE(evaluate(z, source.y, source.theta).value.isfinite().logical_not().item<bool>()) << "the comparison can fail";
  }
}

TEST_F(TensorLosses, keep_their_bits_when_streams_take_turns) {
  const Clouds small = clouds_of(Kind::normal, 33, 3, 5);
  const Clouds large = clouds_of(Kind::normal, 1025, 3, 70);
  const Points<float> of_small = of_subject(small);
  const Points<float> of_large = of_subject(large);
  const Tensors small_tensors(small);
  const Tensors large_tensors(large);
  torch::cuda::synchronize();
  const c10::cuda::CUDAStream one = c10::cuda::getStreamFromPool();
  const c10::cuda::CUDAStream two = c10::cuda::getStreamFromPool();
  for (int run = 0; run < 20; ++run) {
    c10::cuda::setCurrentCUDAStream(one);
    const TensorLoss first = evaluate(small_tensors.z, small_tensors.y, small_tensors.theta);
    c10::cuda::setCurrentCUDAStream(two);
    const TensorLoss second = evaluate(large_tensors.z, large_tensors.y, large_tensors.theta);
    const Points<float> got_second = on_host(second.gradient);
    c10::cuda::setCurrentCUDAStream(one);
    ASSERT_EQ(on_host(first.gradient), of_small) << "run " << run;
    ASSERT_EQ(got_second, of_large) << "run " << run;
  }
  c10::cuda::setCurrentCUDAStream(c10::cuda::getDefaultCUDAStream());
}

TEST_F(TensorLosses, take_tensors_that_are_not_contiguous) {
  const Clouds clouds = clouds_of(Kind::normal, 129, 17, 65);
  const Points<float> expected = of_subject(clouds);
  const Tensors tensors(clouds);
  const torch::Tensor by_columns = tensors.z.t().contiguous().t();
  const torch::Tensor every_second = torch::zeros({2 * 129, 17}, tensors.y.options()).slice(0, 0, 2 * 129, 2);
  every_second.copy_(tensors.y);
  const torch::Tensor inner_columns = torch::zeros({65, 20}, tensors.theta.options()).slice(1, 2, 19);
  inner_columns.copy_(tensors.theta);
  ASSERT_FALSE(by_columns.is_contiguous() || every_second.is_contiguous() || inner_columns.is_contiguous());
  const TensorLoss got = evaluate(by_columns, every_second, inner_columns);
  EXPECT_EQ(on_host(got.gradient), expected);
  EXPECT_TRUE(got.gradient.is_contiguous());
  EXPECT_EQ(on_host(by_columns), clouds.z) << "the arguments are not changed";
  EXPECT_EQ(on_host(every_second), clouds.y);
  EXPECT_EQ(on_host(inner_columns), clouds.theta);
}

TEST_F(TensorLosses, refuse_what_they_do_not_take) {
  const Clouds clouds = clouds_of(Kind::normal, 5, 3, 2);
  const Tensors t(clouds);
  const torch::Tensor wide = torch::zeros({5, 4}, t.z.options());
  const torch::Tensor short_cloud = torch::zeros({4, 3}, t.z.options());
  const torch::Tensor empty = torch::zeros({0, 3}, t.z.options());
  EXPECT_THROW((void)evaluate(t.z.cpu(), t.y.cpu(), t.theta.cpu()), InputError);
  EXPECT_THROW((void)evaluate(t.z, t.y.cpu(), t.theta), InputError);
  EXPECT_THROW((void)evaluate(t.z, t.y, t.theta.cpu()), InputError);
  EXPECT_THROW((void)evaluate(t.z.to(torch::kDouble), t.y, t.theta), InputError);
  EXPECT_THROW((void)evaluate(t.z, t.y.to(torch::kHalf), t.theta), InputError);
  EXPECT_THROW((void)evaluate(t.z, t.y, t.theta.to(torch::kDouble)), InputError);
  EXPECT_THROW((void)evaluate(t.z.flatten(), t.y, t.theta), InputError);
  EXPECT_THROW((void)evaluate(t.z.unsqueeze(0), t.y, t.theta), InputError);
  EXPECT_THROW((void)evaluate(t.z, wide, t.theta), InputError);
  EXPECT_THROW((void)evaluate(t.z, t.y, wide), InputError);
  EXPECT_THROW((void)evaluate(t.z, short_cloud, t.theta), InputError);
  EXPECT_THROW((void)evaluate(empty, empty, t.theta), InputError);
  EXPECT_THROW((void)evaluate(t.z, t.y, empty), InputError);
  EXPECT_THROW((void)evaluate(torch::Tensor(), t.y, t.theta), InputError);
  EXPECT_EQ(on_host(evaluate(t.z, t.y, t.theta).gradient), of_subject(clouds)) << "and a right call works afterwards";
}

}  // namespace
}  // namespace slicecheck::testing
