/// Batches: fresh ones from the documented streams, and the fixed pairs that cycle.

#include "slicecheck/dynamics/sampler.h"

#include <gtest/gtest.h>

#include "slicecheck/core/error.h"

namespace slicecheck {
namespace {

std::shared_ptr<const Law> law(const char* name) { return law_by_name(name); }

template <class S>
class SamplerTest : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SamplerTest, Scalars);

TYPED_TEST(SamplerTest, fresh_batches_are_draws_from_the_streams_of_their_step) {
  using S = TypeParam;
  const auto source = law("standard-normal");
  const auto target = law("two-moons");
  const FreshBatches<S> sampler(source, target, {.n = 7, .directions = 3, .seed = 5, .replicate = 2});
  for (const std::uint64_t t : {0U, 1U, 1000U}) {
    const Batch<S> batch = sampler.draw(t);
    EXPECT_EQ(batch.x, source->sample<S>({5, Purpose::source, 2, t}, 7));
    EXPECT_EQ(batch.y, target->sample<S>({5, Purpose::target, 2, t}, 7));
    EXPECT_EQ(batch.directions, uniform_directions<S>({5, Purpose::directions, 2, t}, 3, 2));
  }
}

TYPED_TEST(SamplerTest, fresh_batches_share_nothing) {
  using S = TypeParam;
  const auto same = law("standard-normal");
  const FreshBatches<S> sampler(same, same, {.n = 5, .directions = 2, .seed = 5, .replicate = 2});
  const Batch<S> first = sampler.draw(0);
  const Batch<S> second = sampler.draw(1);
  EXPECT_NE(first.x, second.x);
  EXPECT_NE(first.y, second.y);
  EXPECT_NE(first.directions, second.directions);
  EXPECT_NE(first.x, first.y) << "X and Y are independent even where their laws are equal";
  EXPECT_EQ(sampler.draw(0).x, first.x) << "a pure function of the step";
  EXPECT_NE(FreshBatches<S>(same, same, {.n = 5, .directions = 2, .seed = 5, .replicate = 3}).draw(0).x, first.x);
  EXPECT_NE(FreshBatches<S>(same, same, {.n = 5, .directions = 2, .seed = 6, .replicate = 2}).draw(0).x, first.x);
}

TYPED_TEST(SamplerTest, directions_live_in_the_space_of_the_target) {
  using S = TypeParam;
  const FreshBatches<S> sampler(Gaussian::standard(5), law("two-moons"), {.n = 4});
  const Batch<S> batch = sampler.draw(0);
  EXPECT_EQ(batch.x.cols(), 5);
  EXPECT_EQ(batch.directions.cols(), 2);
  EXPECT_EQ(batch.directions.rows(), 1);
}

TYPED_TEST(SamplerTest, cycling_pairs_keep_their_order_and_end_with_a_short_batch) {
  using S = TypeParam;
  const auto source = law("standard-normal");
  const auto target = law("two-moons");
  const CyclingPairs<S> sampler(*source, *target, 10, {.n = 4, .directions = 3, .seed = 5, .replicate = 2});
  const Points<S> x = source->sample<S>({5, Purpose::source, 2, 0}, 10);
  const Points<S> y = target->sample<S>({5, Purpose::target, 2, 0}, 10);
  EXPECT_EQ(sampler.batches_per_epoch(), 3U);
  for (std::uint64_t t = 0; t < 9; ++t) {
    const Index first = static_cast<Index>(t % 3) * 4;
    const Index size = t % 3 == 2 ? 2 : 4;
    const Batch<S> batch = sampler.draw(t);
    EXPECT_EQ(batch.x, x.middleRows(first, size)) << t;
    EXPECT_EQ(batch.y, y.middleRows(first, size)) << t;
    EXPECT_EQ(batch.directions, uniform_directions<S>({5, Purpose::directions, 2, t}, 3, 2)) << "the directions are fresh";
  }
}

TYPED_TEST(SamplerTest, cycling_pairs_with_exact_and_with_large_batches) {
  using S = TypeParam;
  const auto source = law("standard-normal");
  const CyclingPairs<S> exact(*source, *source, 8, {.n = 4});
  EXPECT_EQ(exact.batches_per_epoch(), 2U);
  EXPECT_EQ(exact.draw(1).x.rows(), 4);
  EXPECT_EQ(exact.draw(2).x, exact.draw(0).x);
  const CyclingPairs<S> large(*source, *source, 3, {.n = 256});
  EXPECT_EQ(large.batches_per_epoch(), 1U);
  EXPECT_EQ(large.draw(5).x.rows(), 3);
}

TYPED_TEST(SamplerTest, rejects_empty_batches) {
  using S = TypeParam;
  const auto source = law("standard-normal");
  EXPECT_THROW(FreshBatches<S>(source, source, {.n = 0}), InputError);
  EXPECT_THROW(FreshBatches<S>(source, source, {.n = 4, .directions = 0}), InputError);
  EXPECT_THROW(CyclingPairs<S>(*source, *source, 10, {.n = 0}), InputError);
  EXPECT_THROW(CyclingPairs<S>(*source, *source, 10, {.n = 4, .directions = 0}), InputError);
  EXPECT_THROW(CyclingPairs<S>(*source, *source, 0, {.n = 4}), InputError);
}

}  // namespace
}  // namespace slicecheck
