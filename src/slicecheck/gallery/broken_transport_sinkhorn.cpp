#include "slicecheck/gallery/broken_transport_parts.h"

namespace slicecheck {

std::vector<TransportDefect> broken_sinkhorn() { return {}; }

std::vector<TransportBoundsDefect> broken_loss_bounds() { return {}; }

}  // namespace slicecheck
