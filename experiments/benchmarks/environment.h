#pragma once
/// What the figures were measured with.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace slicecheck::benchmarks {

/// "cpu", "cores", "instruction_set", "system", "compiler", "build_type", "flags", "fingerprint", "libtorch", "openblas" {"core", "configuration"}, "variables"
/// (those that change speed: only those set), "load" (of the last minute, when it was asked for), "notes": sentences that a reader of the figures must know.
nlohmann::ordered_json environment();

}  // namespace slicecheck::benchmarks
