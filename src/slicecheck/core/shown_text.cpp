#include "slicecheck/core/shown_text.h"

#include <cstdint>

namespace slicecheck {

namespace {

/// How many bytes the well-formed character at the front has; 0 where there is none, or a control character.
std::size_t plain_character(std::string_view text) {
  const auto byte = [&](std::size_t k) { return static_cast<std::uint8_t>(text[k]); };
  if (byte(0) < 0x80) return byte(0) >= 0x20 && byte(0) != 0x7F ? 1 : 0;
  const std::size_t size = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < size) return 0;
  std::uint32_t code = byte(0) & (0xFFU >> (size + 1));
  for (std::size_t k = 1; k < size; ++k) {
    if ((byte(k) & 0xC0U) != 0x80U) return 0;
    code = code << 6 | (byte(k) & 0x3FU);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool no_character = (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF || code < 0xA0;  // surrogates; and the control characters from 0x80 on
  return overlong || no_character ? 0 : size;
}

}  // namespace

std::string shown_text(std::string_view text, std::size_t most) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t size = plain_character(text);
    const std::string_view next = size == 0 ? "?" : text.substr(0, size);
    if (shown.size() + next.size() > most) return shown + "…";
    shown += next;
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return shown;
}

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = plain_character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace slicecheck
