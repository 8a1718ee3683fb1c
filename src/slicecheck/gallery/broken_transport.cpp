#include "slicecheck/gallery/broken_transport.h"

#include <iterator>

#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck {

namespace {

template <class Defect>
std::vector<Defect> joined(std::vector<std::vector<Defect>> parts) {
  std::vector<Defect> all;
  for (auto& part : parts) std::move(part.begin(), part.end(), std::back_inserter(all));
  return all;
}

}  // namespace

std::vector<TransportDefect> broken_transports() {
  return joined<TransportDefect>({broken_duality(), broken_gradients(), broken_batches(), broken_sinkhorn()});
}

TransportSubject repaired_transport() {
  return {"gallery/repaired-transport", "the code of the planted defects, without any", std::make_shared<RegularisedTransport>()};
}

std::vector<TransportBoundsDefect> broken_transport_bounds() {
  return joined<TransportBoundsDefect>({broken_smoothness(), broken_descent(), broken_loss_bounds(), broken_limits()});
}

TransportBoundsSubject repaired_transport_bounds() {
  return {"gallery/repaired-transport-bounds", "the bounds of the planted defects, without any", std::make_shared<TransportBounds>()};
}

}  // namespace slicecheck
