#pragma once
/// What this binary was built from.

#include <string_view>

namespace slicecheck::build {

std::string_view version();      ///< semantic version
std::string_view fingerprint();  ///< hash over the sources of the library, the experiments and the property tests
std::string_view type();         ///< Release, Debug
std::string_view flags();        ///< what changes the numbers or the speed: instruction set, sanitizers
std::string_view compiler();     ///< its name and version

}  // namespace slicecheck::build
