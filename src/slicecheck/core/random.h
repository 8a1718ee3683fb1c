#pragma once
/// Random numbers as pure functions of (seed, purpose, replicate, step, index): docs/formats.md, "Random streams".
///
/// There is no hidden state: two streams with the same coordinates give the same numbers, on any number of threads, in any order,
/// after any resume.

#include <array>
#include <cstdint>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// What a random number is for. The values are part of the public contract: never renumber, only append.
enum class Purpose : std::uint8_t {
  source = 1,                 ///< batches X of a training
  target = 2,                 ///< batches Y of a training
  directions = 3,             ///< directions θ of a training
  noise = 4,                  ///< NPSGD's Gaussian noise
  initial = 5,                ///< initial parameters u0
  evaluation_source = 6,      ///< fresh X for an estimate of F
  evaluation_target = 7,      ///< fresh Y for an estimate of F
  evaluation_directions = 8,  ///< fresh θ for an estimate of F
  cases = 9,                  ///< cases of a claim
  law = 10,                   ///< the construction of a law (noisy grid, discretised source)
  figure = 11,                ///< samples shown in a figure
  distance = 12,              ///< directions of `slicecheck distance`
  critic_initial = 13,        ///< initial parameters v0 of a critic
  critic_noise = 14,          ///< NPSGD's noise of a critic
  interpolation = 15,         ///< where a gradient penalty is taken
  ascent = 16,                ///< random starts of max-SW in a training
  classifier = 17,            ///< initial parameters and batches of an image classifier
  oracle_batch = 18,          ///< atoms of the minibatches of Algorithm 1 (regularised transport)
  dual_initial = 19,          ///< initial parameters of neural dual potentials
  dual_batch = 20,            ///< minibatches that neural dual potentials are trained on
};

/// One stream: the block function of docs/formats.md with everything but the block index fixed.
class RandomStream {
 public:
  /// @throws InputError unless step < 2^40.
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t replicate, std::uint64_t step);

  /// Counter of block 0 and key, for another implementation of the same words (docs/formats.md).
  [[nodiscard]] const std::array<std::uint32_t, 4>& counter() const { return counter_; }
  [[nodiscard]] const std::array<std::uint32_t, 2>& key() const { return key_; }

  /// The four 32-bit words of block number `block` (< 2^48).
  [[nodiscard]] std::array<std::uint32_t, 4> words(std::uint64_t block) const;

  /// The two doubles of a block, each uniform in [0, 1).
  [[nodiscard]] std::array<double, 2> uniforms(std::uint64_t block) const;

  /// The two standard normals of a block (Box–Muller).
  [[nodiscard]] std::array<double, 2> normals(std::uint64_t block) const;

  /// Fills `out` with standard normals: entry i is normal i % 2 of block `first_block` + i / 2.
  void fill_normal(Eigen::Ref<Eigen::VectorXd> out, std::uint64_t first_block = 0) const;

 private:
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 2> key_;
};

/// The draws of ONE point of a batch, or of one case of a claim: a cursor over the 2^16 blocks that belong to it. Each call takes a new block, so that
/// the numbers do not depend on which kinds were asked for before.
class PointDraws {
 public:
  PointDraws(const RandomStream&&, std::uint64_t) = delete;  // the stream must outlive the cursor
  PointDraws(const RandomStream& stream, std::uint64_t point) : stream_(&stream), block_(point << 16), end_((point + 1) << 16) {}

  [[nodiscard]] double uniform();  ///< in [0, 1)
  [[nodiscard]] double uniform(double low, double high);
  [[nodiscard]] double normal();
  [[nodiscard]] std::uint64_t below(std::uint64_t m);  ///< 0, …, m − 1; m ≥ 1

 private:
  std::uint64_t next_block();

  static constexpr std::size_t kAhead = 8;  // normals made at once: a vector costs what one of them does

  const RandomStream* stream_;
  std::uint64_t block_;
  std::uint64_t end_;
  std::array<double, 2 * kAhead> normals_{};  // of the blocks from made_ on, where made_ is one
  std::uint64_t made_ = ~std::uint64_t{0};
};

/// `count` directions uniform on the sphere S^{d−1}: normalised standard normals. Rows are unit vectors to rounding.
/// @throws InputError unless count ≥ 1 and 1 ≤ dimension ≤ 65,536.
template <class S>
Points<S> uniform_directions(const RandomStream& stream, Index count, Index dimension);

}  // namespace slicecheck
