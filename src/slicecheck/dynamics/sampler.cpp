#include "slicecheck/dynamics/sampler.h"

#include <algorithm>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

void check_settings(const SamplerSettings& s) {
  if (s.n < 1) reject("the batch size is {}; it must be at least 1", s.n);
  if (s.directions < 1) reject("the number of directions is {}; it must be at least 1", s.directions);
}

RandomStream stream(const SamplerSettings& s, Purpose purpose, std::uint64_t t) { return {s.seed, purpose, s.replicate, t}; }

}  // namespace

template <class S>
FreshBatches<S>::FreshBatches(std::shared_ptr<const Law> source, std::shared_ptr<const Law> target, const SamplerSettings& settings)
    : source_(std::move(source)), target_(std::move(target)), settings_(settings) {
  check_settings(settings_);
}

template <class S>
std::string FreshBatches<S>::name() const {
  return fmt::format("fresh i.i.d. batches of {}, {} direction(s) a step", settings_.n, settings_.directions);
}

template <class S>
Batch<S> FreshBatches<S>::draw(std::uint64_t t) const {
  return {source_->sample<S>(stream(settings_, Purpose::source, t), settings_.n), target_->sample<S>(stream(settings_, Purpose::target, t), settings_.n),
          uniform_directions<S>(stream(settings_, Purpose::directions, t), settings_.directions, target_->dimension())};
}

template <class S>
CyclingPairs<S>::CyclingPairs(const Law& source, const Law& target, Index count, const SamplerSettings& settings)
    : x_(source.sample<S>(stream(settings, Purpose::source, 0), count)),
      y_(target.sample<S>(stream(settings, Purpose::target, 0), count)),
      settings_(settings) {
  check_settings(settings_);
}

template <class S>
std::string CyclingPairs<S>::name() const {
  return fmt::format("{} fixed pairs cycling in batches of {}, {} directions a step", x_.rows(), settings_.n, settings_.directions);
}

template <class S>
std::uint64_t CyclingPairs<S>::batches_per_epoch() const {
  return static_cast<std::uint64_t>((x_.rows() + settings_.n - 1) / settings_.n);
}

template <class S>
Batch<S> CyclingPairs<S>::draw(std::uint64_t t) const {
  const Index first = static_cast<Index>(t % batches_per_epoch()) * settings_.n;
  const Index size = std::min(settings_.n, x_.rows() - first);
  return {x_.middleRows(first, size), y_.middleRows(first, size),
          uniform_directions<S>(stream(settings_, Purpose::directions, t), settings_.directions, y_.cols())};
}

template class FreshBatches<float>;
template class FreshBatches<double>;
template class CyclingPairs<float>;
template class CyclingPairs<double>;

}  // namespace slicecheck
