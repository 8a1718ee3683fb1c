#pragma once
/// What the fuzz targets share: files in memory, and properties that end the process where they fail.

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "slicecheck/core/error.h"

namespace slicecheck::fuzz {

/// libFuzzer keeps the input of a process that ends like this.
inline void require(bool holds, std::string_view property) {
  if (holds) return;
  fmt::print(stderr, "PROPERTY FAILED: {}\n", property);
  std::abort();
}

/// A folder in memory where there is one, removed when the process ends as it should.
class Scratch {
 public:
  Scratch() {
    std::error_code ignored;
    const std::filesystem::path memory = "/dev/shm";
    std::string pattern = ((std::filesystem::is_directory(memory, ignored) ? memory : std::filesystem::temp_directory_path()) / "fuzz-XXXXXX").string();
    require(::mkdtemp(pattern.data()) != nullptr, "a folder for temporary files can be made");
    folder_ = pattern;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  /// A file that holds these bytes.
  [[nodiscard]] std::filesystem::path file(const char* name, std::string_view bytes) const {
    auto path = folder_ / name;
    std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

inline const Scratch& scratch() {
  static const Scratch one;
  return one;
}

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Well-formed UTF-8 without control characters: what may be printed on a terminal.
inline bool printable(std::string_view text) {
  std::size_t more = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (more > 0) {
      if ((byte & 0xC0U) != 0x80U) return false;
      --more;
    } else if (byte >= 0xC2 && byte <= 0xF4) {
      more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    } else if (byte < 0x20 || byte >= 0x7F) {
      return false;
    }
  }
  return more == 0;
}

/// Runs a reader: true where it accepts, false where it refuses with an InputError whose sentence names the file, is printable and short. Any other exception
/// ends the process.
inline bool accepts(std::string_view named, const std::function<void()>& read) {
  try {
    read();
    return true;
  } catch (const InputError& error) {
    const std::string_view sentence = error.what();
    require(sentence.find(named) != std::string_view::npos, "a refusal names the file");
    require(printable(sentence), "a refusal is printable");
    require(sentence.size() < 2000, "a refusal is short");
    return false;
  }
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

/// Takes numbers from the input, zeros when it is used up.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T take() {
    T value{};
    const std::size_t size = std::min(sizeof value, bytes_.size());
    std::memcpy(&value, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return value;
  }
  template <class T>
  std::vector<T> take_some(std::size_t most) {
    std::vector<T> values(take<std::uint8_t>() % (most + 1));
    for (T& value : values) value = take<T>();
    return values;
  }
  [[nodiscard]] std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

}  // namespace slicecheck::fuzz
