#pragma once
/// Big-endian numbers, as IDX headers have them.

#include <cstdint>
#include <string>

namespace slicecheck {

/// The number in bytes at, …, at + 3.
inline std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = (value << 8) | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

/// Four bytes more.
inline void append_big_endian(std::string& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((value >> shift) & 0xFFU));
}

}  // namespace slicecheck
