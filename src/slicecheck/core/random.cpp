#include "slicecheck/core/random.h"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/normals.h"

namespace slicecheck {

namespace {

std::uint64_t word64(std::uint32_t low, std::uint32_t high) { return (static_cast<std::uint64_t>(high) << 32) | low; }

/// The top 53 bits as a double in [0, 1).
double unit_double(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

constexpr Index kBatch = 128;  // blocks that become normals together
constexpr std::uint64_t kBlocks = std::uint64_t{1} << 48;
constexpr Index kLargestDimension = Index{1} << 16;  // a direction's normals and one retry fit in the 2^16 blocks of its point

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t replicate, std::uint64_t step)
    : counter_{0, static_cast<std::uint32_t>(step), replicate, static_cast<std::uint32_t>(purpose) | (static_cast<std::uint32_t>(step >> 32) << 8)},
      key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {
  if (step >> 40 != 0) reject("random stream: step {} is out of range; it must be below 2^40", step);
}

std::array<std::uint32_t, 4> RandomStream::words(std::uint64_t block) const {
  if (block >= kBlocks) reject("random stream: block {} is out of range; it must be below 2^48", block);
  const r123::Philox4x32::ctr_type counter{
      {static_cast<std::uint32_t>(block), counter_[1], counter_[2], counter_[3] | (static_cast<std::uint32_t>(block >> 32) << 16)}};
  const r123::Philox4x32::key_type key{{key_[0], key_[1]}};
  const auto out = r123::Philox4x32{}(counter, key);
  return {out[0], out[1], out[2], out[3]};
}

std::array<double, 2> RandomStream::uniforms(std::uint64_t block) const {
  const auto w = words(block);
  return {unit_double(word64(w[0], w[1])), unit_double(word64(w[2], w[3]))};
}

std::array<double, 2> RandomStream::normals(std::uint64_t block) const {
  if (block >= kBlocks) reject("random stream: block {} is out of range; it must be below 2^48", block);
  std::array<double, 2> pair;
  normals_of_blocks({counter_.data(), key_.data()}, &block, 1, pair.data());
  return pair;
}

void RandomStream::fill_normal(Eigen::Ref<Eigen::VectorXd> out, std::uint64_t first_block) const {
  const Index blocks = (out.size() + 1) / 2;
  if (blocks > 0 && first_block + static_cast<std::uint64_t>(blocks) > kBlocks)
    reject("random stream: blocks {} to {} are out of range; they must be below 2^48", first_block, first_block + static_cast<std::uint64_t>(blocks) - 1);
  std::array<std::uint64_t, kBatch> numbers;
  for (Index done = 0; done < blocks; done += kBatch) {
    const Index size = std::min(blocks - done, kBatch);
    for (Index i = 0; i < size; ++i) numbers[static_cast<std::size_t>(i)] = first_block + static_cast<std::uint64_t>(done + i);
    const bool odd = 2 * (done + size) > out.size();  // half of the last block is not wanted
    normals_of_blocks({counter_.data(), key_.data()}, numbers.data(), size - (odd ? 1 : 0), out.data() + 2 * done);
    if (odd) out[out.size() - 1] = normals(numbers[static_cast<std::size_t>(size - 1)])[0];
  }
}

std::uint64_t PointDraws::next_block() {
  if (block_ == end_) reject("random stream: one point asked for more than 65,536 draws; its law rejects almost every draw");
  return block_++;
}

double PointDraws::uniform() { return stream_->uniforms(next_block())[0]; }

double PointDraws::uniform(double low, double high) { return low + (high - low) * uniform(); }

double PointDraws::normal() {
  const std::uint64_t block = next_block();
  if (made_ == ~std::uint64_t{0} || block >= made_ + kAhead) {
    std::array<std::uint64_t, kAhead> blocks;
    for (std::size_t i = 0; i < kAhead; ++i) blocks[i] = std::min(block + i, end_ - 1);
    normals_of_blocks({stream_->counter().data(), stream_->key().data()}, blocks.data(), kAhead, normals_.data());
    made_ = block;
  }
  return normals_[2 * static_cast<std::size_t>(block - made_)];
}

std::uint64_t PointDraws::below(std::uint64_t m) {
  const auto w = stream_->words(next_block());
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(word64(w[0], w[1])) * m) >> 64);
}

template <class S>
Points<S> uniform_directions(const RandomStream& stream, Index count, Index dimension) {
  if (count < 1) reject("the number of directions is {}; it must be at least 1", count);
  if (dimension < 1 || dimension > kLargestDimension) reject("the dimension is {}; it must be between 1 and {}", dimension, kLargestDimension);
  Points<S> directions(count, dimension);
  const Index blocks = (dimension + 1) / 2;  // of a direction
  const Index together = std::max<Index>(1, kBatch / blocks);
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> normals(together, 2 * blocks);
  std::vector<std::uint64_t> numbers(static_cast<std::size_t>(together * blocks));
  for (Index first = 0; first < count; first += together) {
    const Index size = std::min(together, count - first);
    for (Index l = 0; l < size; ++l)
      for (Index i = 0; i < blocks; ++i)
        numbers[static_cast<std::size_t>(l * blocks + i)] = (static_cast<std::uint64_t>(first + l) << 16) + static_cast<std::uint64_t>(i);
    normals_of_blocks({stream.counter().data(), stream.key().data()}, numbers.data(), size * blocks, normals.data());
    for (Index l = 0; l < size; ++l) {
      auto theta = normals.row(l).head(dimension);
      double norm = theta.norm();
      for (Index retry = 1; !(norm > 0.0); ++retry) {  // all-zero normals have probability 0; the next blocks of the point are taken then
        Eigen::VectorXd next(dimension);
        stream.fill_normal(next, (static_cast<std::uint64_t>(first + l) << 16) + static_cast<std::uint64_t>(retry * blocks));
        theta = next.transpose();
        norm = theta.norm();
      }
      directions.row(first + l) = (theta / norm).template cast<S>();
    }
  }
  return directions;
}

template Points<float> uniform_directions<float>(const RandomStream&, Index, Index);
template Points<double> uniform_directions<double>(const RandomStream&, Index, Index);

}  // namespace slicecheck
