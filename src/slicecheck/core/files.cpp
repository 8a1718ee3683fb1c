#include "slicecheck/core/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace fs = std::filesystem;

namespace {

/// Writes everything and closes; 0, or the errno of the first failure.
int write_all(int descriptor, std::string_view contents, bool flush) {
  int error = 0;
  while (!contents.empty() && error == 0) {
    const ssize_t written = ::write(descriptor, contents.data(), contents.size());
    if (written >= 0) {
      contents.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (flush && error == 0 && ::fsync(descriptor) != 0) error = errno;
  if (::close(descriptor) != 0 && error == 0) error = errno;
  return error;
}

[[noreturn]] void reject_write(const fs::path& path, int error) { reject("cannot write {}: {}", path.string(), std::strerror(error)); }

}  // namespace

void write_atomically(const fs::path& path, std::string_view contents) {
  std::error_code status_error;
  const auto status = fs::status(path, status_error);
  if (fs::is_directory(status)) reject("cannot write {}: it is a folder", path.string());
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) reject_write(path, errno);
    if (const int error = write_all(descriptor, contents, false)) reject_write(path, error);
    return;
  }
  if (path.has_parent_path()) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) reject("cannot make the folder {}: {}", path.parent_path().string(), error.message());
  }
  const std::string temporary = path.string() + fmt::format(".{}.partial", ::getpid());
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) reject_write(path, errno);
  int error = write_all(descriptor, contents, true);
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    reject_write(path, error);
  }
}

std::string read_file(const fs::path& path) {
  std::error_code status_error;
  if (fs::is_directory(fs::status(path, status_error))) reject("cannot read {}: it is a folder", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) reject("cannot read {}: {}", path.string(), std::strerror(errno));
  std::string contents;
  std::array<char, 1 << 16> buffer{};
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) contents.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad()) reject("cannot read {}: {}", path.string(), std::strerror(errno));
  return contents;
}

}  // namespace slicecheck
