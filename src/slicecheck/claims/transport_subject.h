#pragma once
/// What the claims R judge: implementations of regularised transport, and the constants of its theorems.

#include <memory>
#include <string>
#include <vector>

#include "slicecheck/loss/regularised/regularised_transport.h"
#include "slicecheck/loss/regularised/transport_bounds.h"

namespace slicecheck {

/// An implementation of regularised transport: solver, plan, certificate, gradients, Sinkhorn loss.
struct TransportSubject {
  std::string name;
  std::string description;
  std::shared_ptr<const RegularisedTransport> transport;
};

/// The constants and bounds of the theorems.
struct TransportBoundsSubject {
  std::string name;
  std::string description;
  std::shared_ptr<const TransportBounds> bounds;
};

/// The implementation of this library: `regularised-transport`.
std::vector<TransportSubject> transport_subjects();
/// The bounds of this library: `transport-bounds`.
std::vector<TransportBoundsSubject> transport_bounds_subjects();

}  // namespace slicecheck
