#pragma once
/// Batches: what a training step sees.

#include <cstdint>
#include <memory>
#include <string>

#include "slicecheck/measures/law.h"

namespace slicecheck {

/// What one step of a training sees.
template <class S>
struct Batch {
  Points<S> x;           ///< inputs, n×d_x
  Points<S> y;           ///< targets, n×d
  Points<S> directions;  ///< unit vectors, L×d
};

/// A subject under test: the batch of each step, a pure function of the step.
template <class S>
class Sampler {
 public:
  Sampler() = default;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  virtual ~Sampler() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// The batch of the update that leads from step t to step t + 1, t = 0, 1, …
  [[nodiscard]] virtual Batch<S> draw(std::uint64_t t) const = 0;
};

/// Where the draws of a training come from.
struct SamplerSettings {
  Index n = 256;         ///< points in a batch
  Index directions = 1;  ///< L
  std::uint64_t seed = 1;
  std::uint32_t replicate = 0;
};

/// Algorithm 1: X ~ x^n, Y ~ y^n and θ uniform on the sphere, fresh and independent at every step; L = 1 in the theory.
template <class S>
class FreshBatches final : public Sampler<S> {
 public:
  /// @throws InputError unless n ≥ 1 and L ≥ 1.
  FreshBatches(std::shared_ptr<const Law> source, std::shared_ptr<const Law> target, const SamplerSettings& settings);
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Batch<S> draw(std::uint64_t t) const override;

 private:
  std::shared_ptr<const Law> source_;
  std::shared_ptr<const Law> target_;
  SamplerSettings settings_;
};

/// What report 000's code does: `count` pairs (x_k, y_k) drawn once, cut into consecutive batches that cycle in the same order (the last one of an epoch may be
/// shorter). The directions are fresh. Batches are then neither independent nor identically distributed, which the theory assumes.
template <class S>
class CyclingPairs final : public Sampler<S> {
 public:
  /// @throws InputError unless n and the number of directions are at least 1.
  CyclingPairs(const Law& source, const Law& target, Index count, const SamplerSettings& settings);
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Batch<S> draw(std::uint64_t t) const override;
  [[nodiscard]] std::uint64_t batches_per_epoch() const;

 private:
  Points<S> x_;
  Points<S> y_;
  SamplerSettings settings_;
};

}  // namespace slicecheck
