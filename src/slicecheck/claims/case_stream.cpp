#include "slicecheck/claims/case_stream.h"

#include <fmt/format.h>

namespace slicecheck {

RandomStream case_stream(const std::string& claim, const std::string& check, std::uint64_t seed, std::uint64_t number) {
  std::uint32_t hash = 2166136261U;
  for (const char c : fmt::format("{}/{}", claim, check)) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return {seed, Purpose::cases, hash, number};
}

}  // namespace slicecheck
