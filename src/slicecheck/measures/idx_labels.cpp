#include "slicecheck/measures/idx_labels.h"

#include <string>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/measures/idx_bytes.h"

namespace slicecheck {

namespace {

constexpr std::uint32_t kMagic = 0x0000'0801;  // unsigned bytes, one dimension
constexpr std::size_t kHeader = 8;

}  // namespace

std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path) {
  const std::string file = path.string();
  const std::string bytes = read_file(path);
  if (bytes.size() < kHeader) reject("{}: {} bytes; an IDX label file has a header of {} bytes", file, bytes.size(), kHeader);
  const std::uint32_t magic = big_endian(bytes, 0);
  if (magic != kMagic) reject("{}: the magic number is {:#010x}; an IDX file of labels has {:#010x}", file, magic, kMagic);
  const std::uint32_t count = big_endian(bytes, 4);
  if (count == 0) reject("{}: the header says 0 labels; there must be at least 1", file);
  if (bytes.size() - kHeader != count) reject("{}: the header says {} labels, but {} bytes follow it", file, count, bytes.size() - kHeader);
  return {bytes.begin() + kHeader, bytes.end()};
}

void write_idx_labels(const std::filesystem::path& path, const std::vector<std::uint8_t>& labels) {
  std::string bytes;
  append_big_endian(bytes, kMagic);
  append_big_endian(bytes, static_cast<std::uint32_t>(labels.size()));
  bytes.append(labels.begin(), labels.end());
  write_atomically(path, bytes);
}

}  // namespace slicecheck
