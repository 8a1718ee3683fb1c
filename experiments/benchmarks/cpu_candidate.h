#pragma once
/// The subject `cpu` as a candidate.

#include <memory>

#include "agreement.h"
#include "rounds.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck::benchmarks {

/// On so many threads of `parallel_for`, until the end of the scope.
class OnThreads {
 public:
  explicit OnThreads(int threads) : before_(thread_count()) { set_thread_count(threads); }
  OnThreads(const OnThreads&) = delete;
  OnThreads& operator=(const OnThreads&) = delete;
  ~OnThreads() { set_thread_count(before_); }

 private:
  int before_;
};

/// Clouds in the precision S.
template <class S>
struct TypedClouds {
  Points<S> z;
  Points<S> y;
  Points<S> directions;

  explicit TypedClouds(const Clouds& clouds) : z(clouds.z.cast<S>()), y(clouds.y.cast<S>()), directions(clouds.directions.cast<S>()) {}
};

enum class Clock { processor, wall };

/// Value and gradient on so many threads; by the wall clock where they are several.
template <class S>
std::function<double()> cpu_gradient(const Clouds& clouds, int threads, Clock clock = Clock::processor) {
  return [loss = std::make_shared<CpuLoss<S>>(2.0), in = std::make_shared<TypedClouds<S>>(clouds), out = std::make_shared<LossGradient<S>>(), threads, clock] {
    const OnThreads scope(threads);
    const auto work = [&] { loss->evaluate_into(in->z, in->y, in->directions, *out); };
    return clock == Clock::wall ? clocked_by_the_wall(work) : clocked(work);
  };
}

/// The value alone, on one thread.
template <class S>
std::function<double()> cpu_value(const Clouds& clouds) {
  return [loss = std::make_shared<CpuLoss<S>>(2.0), in = std::make_shared<TypedClouds<S>>(clouds)] {
    const OnThreads scope(1);
    return clocked([&] { (void)loss->values(in->z, in->y, in->directions).mean(); });
  };
}

}  // namespace slicecheck::benchmarks
