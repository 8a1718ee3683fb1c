#pragma once
/// The noise of minibatch gradients of the Sinkhorn loss, by enumeration of all minibatches (claim R12).

#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// What the batch of Σ π_xx ∇c has in common with that of Σ π_xy ∇c.
enum class Sharing {
  none,        ///< four batches, drawn independently
  first_slot,  ///< one batch of x for both terms, and another for the second slot of xx
  both_slots   ///< one batch of x, in all three places
};

/// m∇C of both terms along one parameter: an estimate is Σ_k Σ_l of entries over two batches, divided by S².
struct NoisyTerms {
  Vector<double> a;
  Vector<double> b;
  RealTable xy;  ///< n×m
  RealTable xx;  ///< n×n
  Sharing sharing = Sharing::none;

  /// Scales `xx` so that both estimates have one variance, where neither is 0.
  void equalise(Index batch);
};

/// Variances of the estimates and of 2g_xy − g_xx.
struct BatchVariances {
  Real xy = 0.0L;
  Real xx = 0.0L;
  Real loss = 0.0L;
  Real rounding = 0.0L;  ///< of `loss` and of 9 times the others
};

/// Over all minibatches of `batch` points, drawn with replacement.
BatchVariances enumerate(const NoisyTerms& terms, Index batch);

}  // namespace slicecheck
