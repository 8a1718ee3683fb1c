#pragma once
/// Implementations of regularised transport and of the bounds of its theorems with one planted defect each (claims R1–R16 and the findings).

#include <string>
#include <vector>

#include "slicecheck/claims/transport_subject.h"

namespace slicecheck {

/// A planted defect in an implementation of regularised transport.
struct TransportDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  TransportSubject subject;
};

/// A planted defect in a bound.
struct TransportBoundsDefect {
  std::string name;   ///< as in `gallery/NAME`
  std::string title;  ///< what is wrong, in a few words
  TransportBoundsSubject subject;
};

/// All planted defects in implementations.
std::vector<TransportDefect> broken_transports();
/// The code that they are planted in, without any.
TransportSubject repaired_transport();

/// All planted defects in bounds.
std::vector<TransportBoundsDefect> broken_transport_bounds();
/// The code that they are planted in, without any.
TransportBoundsSubject repaired_transport_bounds();

}  // namespace slicecheck
