#include "slicecheck/claims/transport_subject.h"

namespace slicecheck {

std::vector<TransportSubject> transport_subjects() {
  return {{"regularised-transport", "log-domain sweeps (KL), half-steps and semi-smooth Newton (quadratic), gradients by plans",
           std::make_shared<RegularisedTransport>()}};
}

std::vector<TransportBoundsSubject> transport_bounds_subjects() {
  return {{"transport-bounds", "smoothness, gradient error, stationarity and limits of regularised transport, by the theorems' formulas",
           std::make_shared<TransportBounds>()}};
}

}  // namespace slicecheck
