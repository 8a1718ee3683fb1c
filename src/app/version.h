#pragma once
/// What `slicecheck --version` says.

#include <string>

namespace slicecheck::app {

/// First line: version, build type, compiler, flags, CUDA. Then a line a part: the revision, the fingerprint of the sources, the instruction set that the cpu
/// loss runs on here, and every library with its version. No newline at the end.
std::string version_text();

}  // namespace slicecheck::app
