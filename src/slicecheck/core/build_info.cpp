#include "slicecheck/core/build_info.h"

#include "build_info_values.h"

namespace slicecheck::build {

std::string_view version() { return SLICECHECK_VERSION; }
std::string_view fingerprint() { return SLICECHECK_FINGERPRINT; }
std::string_view type() { return SLICECHECK_BUILD_TYPE; }
std::string_view flags() { return SLICECHECK_BUILD_FLAGS; }
std::string_view compiler() { return SLICECHECK_COMPILER; }

}  // namespace slicecheck::build
