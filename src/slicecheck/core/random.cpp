#include "slicecheck/core/random.h"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

std::uint64_t word64(std::uint32_t low, std::uint32_t high) { return (static_cast<std::uint64_t>(high) << 32) | low; }

/// The top 53 bits as a double in [0, 1).
double unit_double(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

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
  const auto [first, second] = uniforms(block);
  const double radius = std::sqrt(-2.0 * std::log(1.0 - first));
  const double angle = 2.0 * std::numbers::pi * second;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

void RandomStream::fill_normal(Eigen::Ref<Eigen::VectorXd> out, std::uint64_t first_block) const {
  for (Index i = 0; i < out.size(); i += 2) {
    const auto pair = normals(first_block + static_cast<std::uint64_t>(i / 2));
    out[i] = pair[0];
    if (i + 1 < out.size()) out[i + 1] = pair[1];
  }
}

std::uint64_t PointDraws::next_block() {
  if (block_ == end_) reject("random stream: one point asked for more than 65,536 draws; its law rejects almost every draw");
  return block_++;
}

double PointDraws::uniform() { return stream_->uniforms(next_block())[0]; }

double PointDraws::uniform(double low, double high) { return low + (high - low) * uniform(); }

double PointDraws::normal() { return stream_->normals(next_block())[0]; }

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
  Eigen::VectorXd theta(dimension);
  for (Index l = 0; l < count; ++l) {
    std::uint64_t block = static_cast<std::uint64_t>(l) << 16;
    double norm = 0.0;
    while (!(norm > 0.0)) {  // all-zero normals have probability 0; the next blocks of the point are taken then
      stream.fill_normal(theta, block);
      norm = theta.norm();
      block += static_cast<std::uint64_t>((dimension + 1) / 2);
    }
    directions.row(l) = (theta / norm).transpose().template cast<S>();
  }
  return directions;
}

template Points<float> uniform_directions<float>(const RandomStream&, Index, Index);
template Points<double> uniform_directions<double>(const RandomStream&, Index, Index);

}  // namespace slicecheck
