#pragma once
/// Where the cases of a check come from: docs/formats.md, "Random streams".

#include <cstdint>
#include <string>

#include "slicecheck/core/random.h"

namespace slicecheck {

/// The stream of case `number` of a check: purpose `cases`, step `number`, replicate the 32-bit FNV-1a hash of CLAIM/CHECK.
RandomStream case_stream(const std::string& claim, const std::string& check, std::uint64_t seed, std::uint64_t number);

}  // namespace slicecheck
