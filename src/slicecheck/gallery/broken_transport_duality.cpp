#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck {

std::vector<TransportDefect> broken_duality() { return {}; }

}  // namespace slicecheck
