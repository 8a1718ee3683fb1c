/// The subject `cuda` against the reference, around every tile boundary of its kernels.

#include <fmt/format.h>

#include <algorithm>

#include "cuda/gpu/gpu.h"
#include "cuda/gpu/parity.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "slicecheck/loss/cuda/plan.h"

namespace slicecheck::testing {
namespace {

struct Shape {
  Index n, d, count;
  Kind kind = Kind::normal;
};

using Shapes = Group<Shape>;

constexpr Index kAim = Index{256} << 20;  // of SlicedLoss, unless told otherwise

/// Additions that a term of the gradient passes through: those of its slab, then the slabs.
Index additions(const Shape& s) {
  const cuda::Plan plan(s.n, s.d, s.count, true, kAim);
  const Index chunks = (s.count + plan.chunk - 1) / plan.chunk;
  return std::min(plan.chunk, cuda::kSlab) + chunks * plan.slabs();
}

class LossParity : public GpuTest, public ::testing::WithParamInterface<Shapes> {};

TEST_P(LossParity, agrees_with_the_reference) {
  const auto loss = make_cuda_loss(2.0);
  const Evaluate evaluate = [&](const Points<float>& z, const Points<float>& y, const Points<float>& theta) { return loss->evaluate(z, y, theta); };
  for (const Shape& s : GetParam().cases) {
    SCOPED_TRACE(fmt::format("n = {}, d = {}, L = {}, {}", s.n, s.d, s.count, name_of(s.kind)));
    const Clouds clouds = clouds_of(s.kind, s.n, s.d, s.count);
    const Parity parity = parity_of(clouds, evaluate, additions(s));
    EXPECT_LE(parity.values, 1.0);
    EXPECT_LE(parity.members, 1.0);
    EXPECT_LE(parity.sums, 1.0);
    const LossGradient<float> whole = loss->evaluate(clouds.z, clouds.y, clouds.theta);
    EXPECT_EQ(loss->values(clouds.z, clouds.y, clouds.theta), whole.per_direction) << "without the gradient";
  }
}

/// Few instructions: these also run on an interpreter.
std::vector<Shapes> small_shapes() {
  Shapes points{"points", {}};
  for (const Index n : {1, 2, 31, 32, 33, 127, 128, 129}) points.cases.push_back({n, 2, 2});
  Shapes dimensions{"dimensions", {}};
  for (const Index d : {1, 3, 16, 17, 64, 65}) dimensions.cases.push_back({33, d, 2});
  Shapes directions{"directions", {}};
  for (const Index count : {63, 64, 65}) directions.cases.push_back({5, 3, count});
  Shapes kinds{"kinds", {}};
  for (const Kind kind : {Kind::duplicates, Kind::lattice, Kind::offset}) kinds.cases.push_back({65, 3, 5, kind});
  return {points, dimensions, directions, kinds};
}

std::vector<Shapes> large_shapes() {
  std::vector<Shapes> groups;
  for (const Index tile : {512, 1024, 2048, 4096, 8192}) {
    Shapes around{fmt::format("points_around_{}", tile), {}};
    for (const Index n : {tile - 1, tile, tile + 1}) {
      around.cases.push_back({n, 2, 3});
      around.cases.push_back({n, 3, 4, Kind::lattice});
    }
    groups.push_back(around);
  }
  groups.push_back({"many_points", {{20000, 2, 3}, {20000, 3, 4, Kind::lattice}}});
  for (const Index d : {1, 2, 3, 16, 17, 64, 65, 784}) {
    Shapes of_dimension{fmt::format("dimension_{}", d), {}};
    for (const Index count : {1, 63, 64, 65, 1000}) of_dimension.cases.push_back({129, d, count});
    groups.push_back(of_dimension);
  }
  for (const Kind kind : {Kind::duplicates, Kind::offset}) groups.push_back({name_of(kind), {{513, 17, 5, kind}, {8192, 17, 5, kind}, {8193, 17, 5, kind}}});
  groups.push_back({"images", {{8192, 784, 65}}});
  groups.push_back({"chunks_of_slabs", {{20000, 2, 1000}}});
  return groups;
}

INSTANTIATE_TEST_SUITE_P(small, LossParity, ::testing::ValuesIn(small_shapes()), ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(large, LossParity, ::testing::ValuesIn(large_shapes()), ::testing::PrintToStringParamName());

TEST(LossParityShapes, one_is_cut_into_chunks_of_slabs) {
  const cuda::Plan plan(20000, 2, 1000, true, kAim);
  EXPECT_GT(plan.count, plan.chunk);
  EXPECT_EQ(plan.chunk % cuda::kSlab, 0);
}

TEST(LossParityShapes, memory_is_aimed_at_by_directions_and_slabs) {
  // Images: 98,304 bytes a direction, and 25.7 MB for each slab's share of the gradient, not for each direction's.
  const cuda::Plan images(8192, 784, 1000, true, kAim);
  EXPECT_EQ(images.chunk, 8 * cuda::kSlab);
  EXPECT_LE(images.working_bytes(), kAim);
  for (const Index n : {5, 129, 8192, 8193, 20000})
    for (const Index d : {1, 3, 784})
      for (const Index aim : {Index{1} << 20, Index{1} << 24, kAim}) {
        const cuda::Plan plan(n, d, 100'000, true, aim);
        EXPECT_TRUE(plan.chunk == 1 || plan.working_bytes() <= aim) << "n = " << n << ", d = " << d << ", aim " << aim;
        const Index more = plan.chunk < cuda::kSlab ? 1 : cuda::kSlab;
        if (plan.chunk + more > 65'472) continue;  // the extent of a grid
        EXPECT_GT((plan.chunk + more) * plan.direction_bytes() + (plan.chunk + more + cuda::kSlab - 1) / cuda::kSlab * plan.slab_bytes(), aim)
            << "more would fit";
      }
}

}  // namespace
}  // namespace slicecheck::testing
