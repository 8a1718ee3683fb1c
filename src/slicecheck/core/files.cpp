#include "slicecheck/core/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <vector>

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

/// The process id in NAME.PID.partial; 0 for any other name.
pid_t writer_of(std::string_view name) {
  constexpr std::string_view kEnd = ".partial";
  if (!name.ends_with(kEnd)) return 0;
  name.remove_suffix(kEnd.size());
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return 0;
  name.remove_prefix(dot + 1);
  pid_t process = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), process);
  return status == std::errc{} && end == name.data() + name.size() && process > 0 ? process : 0;
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

void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const pid_t writer = writer_of(entry->path().filename().string());
    if (writer != 0 && ::kill(writer, 0) != 0 && errno == ESRCH) leftovers.push_back(entry->path());
  }
  for (const auto& path : leftovers) ::unlink(path.c_str());
}

std::uintmax_t size_that_fits(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::is_regular_file(path, error) ? fs::file_size(path, error) : 0;
  if (error) return 0;  // who opens it says why
  const auto memory = static_cast<std::uintmax_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uintmax_t>(::sysconf(_SC_PAGESIZE));
  if (size > memory) reject("cannot read {}: its {} bytes are more than the memory of this machine ({} bytes)", path.string(), size, memory);
  return size;
}

std::string read_file(const fs::path& path) {
  std::error_code status_error;
  if (fs::is_directory(fs::status(path, status_error))) reject("cannot read {}: it is a folder", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) reject("cannot read {}: {}", path.string(), std::strerror(errno));
  std::string contents;
  contents.reserve(size_that_fits(path));
  std::array<char, 1 << 16> buffer{};
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) contents.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
  if (in.bad()) reject("cannot read {}: {}", path.string(), std::strerror(errno));
  return contents;
}

}  // namespace slicecheck
