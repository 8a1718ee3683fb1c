#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck {

std::vector<TransportBoundsDefect> broken_limits() { return {}; }

}  // namespace slicecheck
