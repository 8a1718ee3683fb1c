#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck {

std::vector<TransportDefect> broken_gradients() { return {}; }

std::vector<TransportBoundsDefect> broken_smoothness() { return {}; }

}  // namespace slicecheck
