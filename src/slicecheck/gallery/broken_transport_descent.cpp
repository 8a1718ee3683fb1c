#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck {

std::vector<TransportDefect> broken_batches() { return {}; }

std::vector<TransportBoundsDefect> broken_descent() { return {}; }

}  // namespace slicecheck
