#include "slicecheck/claims/transport_loss_noise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace slicecheck {

namespace {

/// One minibatch as shares of the atoms, and its probability.
struct Batch {
  RealVector shares;
  Real probability = 1.0L;
};

std::vector<Batch> batches(const Vector<double>& weights, Index size) {
  std::vector<Batch> all{{RealVector::Zero(weights.size()), 1.0L}};
  for (Index k = 0; k < size; ++k) {
    std::vector<Batch> longer;
    for (const Batch& batch : all)
      for (Index i = 0; i < weights.size(); ++i) {
        longer.push_back({batch.shares, batch.probability * static_cast<Real>(weights[i])});
        longer.back().shares[i] += 1.0L / static_cast<Real>(size);
      }
    all = std::move(longer);
  }
  return all;
}

struct Leaf {
  Real probability;
  Real xy;
  Real xx;
};

std::vector<Leaf> outcomes(const NoisyTerms& terms, Index size) {
  const std::vector<Batch> of_x = batches(terms.a, size);
  const std::vector<Batch> of_y = batches(terms.b, size);
  std::vector<Leaf> first;  // x of the first term with each value of its estimate, and with the batch of x itself where it is used again
  std::vector<Leaf> all;
  for (const Batch& x : of_x)
    for (const Batch& y : of_y) {
      const Real xy = x.shares.dot(terms.xy * y.shares);
      const Real probability = x.probability * y.probability;
      switch (terms.sharing) {
        case Sharing::both_slots: all.push_back({probability, xy, x.shares.dot(terms.xx * x.shares)}); break;
        case Sharing::first_slot:
          for (const Batch& other : of_x) all.push_back({probability * other.probability, xy, x.shares.dot(terms.xx * other.shares)});
          break;
        case Sharing::none: first.push_back({probability, xy, 0.0L}); break;
      }
    }
  if (terms.sharing != Sharing::none) return all;
  for (const Batch& x : of_x)
    for (const Batch& other : of_x) {
      const Real xx = x.shares.dot(terms.xx * other.shares);
      const Real probability = x.probability * other.probability;
      for (const Leaf& one : first) all.push_back({one.probability * probability, one.xy, xx});
    }
  return all;
}

}  // namespace

BatchVariances enumerate(const NoisyTerms& terms, Index batch) {
  const std::vector<Leaf> all = outcomes(terms, batch);
  Real mass = 0.0L;
  Real mean_xy = 0.0L;
  Real mean_xx = 0.0L;
  for (const Leaf& one : all) {
    mass += one.probability;
    mean_xy += one.probability * one.xy;
    mean_xx += one.probability * one.xx;
  }
  mean_xy /= mass;  // the weights' sum is 1 to rounding only
  mean_xx /= mass;
  BatchVariances v;
  Real largest = 0.0L;
  for (const Leaf& one : all) {
    const Real xy = one.xy - mean_xy;
    const Real xx = one.xx - mean_xx;
    v.xy += one.probability * xy * xy;
    v.xx += one.probability * xx * xx;
    v.loss += one.probability * (2.0L * xy - xx) * (2.0L * xy - xx);
    largest = std::max({largest, std::abs(one.xy), std::abs(one.xx)});
  }
  v.rounding = static_cast<Real>(2 * all.size() + 64) * std::numeric_limits<Real>::epsilon() * 36.0L * largest * largest +
               9.0L * static_cast<Real>(std::numeric_limits<double>::epsilon()) * std::max(v.xy, v.xx);
  return v;
}

void NoisyTerms::equalise(Index batch) {
  const BatchVariances before = enumerate(*this, batch);
  if (before.xy > 0.0L && before.xx > 0.0L) xx *= std::sqrt(before.xy / before.xx);
}

}  // namespace slicecheck
