#pragma once
/// Sealed files: CBOR with a checksum, numbers as their bits. What checkpoints are made of.

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace slicecheck {

/// `body` as CBOR, with a checksum (CRC-32) around it: a flipped bit inside a block of numbers would otherwise load without a word.
std::string seal(const nlohmann::json& body);

/// What was sealed. @throws std::exception of some kind for bytes that are cut, changed or something else.
nlohmann::json unseal(std::string_view bytes);

/// `count` numbers as their bytes: every bit survives, NaN's too.
template <class T>
nlohmann::json bytes_of(const T* data, std::size_t count) {
  std::vector<std::uint8_t> bytes(count * sizeof(T));
  if (count > 0) std::memcpy(bytes.data(), data, bytes.size());
  return nlohmann::json::binary(std::move(bytes));
}

/// The numbers of `bytes_of`. @throws std::exception if they are cut, or no bytes.
template <class T>
std::vector<T> from_bytes(const nlohmann::json& json) {
  const auto& bytes = json.get_binary();
  if (bytes.size() % sizeof(T) != 0) throw std::invalid_argument("a block of numbers is cut");
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace slicecheck
