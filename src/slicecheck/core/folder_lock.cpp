#include "slicecheck/core/folder_lock.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace fs = std::filesystem;

namespace {

/// Another process may remove the file, or a folder that it made, between two system calls of this one; then it is tried again, so many times.
constexpr int kAttempts = 100;

std::string who_i_am(const std::string& what) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S} UTC ({})", ::getpid(), host.data(),
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())), what);
}

/// What the holder wrote, as far as it is printable.
std::string holder(int descriptor) {
  std::array<char, 400> bytes{};
  const ssize_t size = ::pread(descriptor, bytes.data(), bytes.size(), 0);
  std::string text(bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  text = text.substr(0, text.find('\n'));
  for (char& c : text)
    if (c < 0x20 || c == 0x7F) c = '?';
  return text.empty() ? "another process" : text;
}

bool is_still_at(int descriptor, const fs::path& path) {
  struct stat mine {};
  struct stat there {};
  return ::fstat(descriptor, &mine) == 0 && ::stat(path.c_str(), &there) == 0 && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

}  // namespace

FolderLock::FolderLock(fs::path folder, const std::string& what) : folder_(std::move(folder)) {
  std::error_code ignored;
  for (fs::path path = fs::absolute(folder_).lexically_normal(); !fs::exists(path, ignored) && path != path.root_path(); path = path.parent_path())
    if (path.has_filename()) made_.push_back(path);
  try {
    for (int attempt = 0; attempt < kAttempts; ++attempt)
      if (try_to_hold(what)) return;
  } catch (...) {
    remove_made_folders();
    throw;
  }
  remove_made_folders();
  reject("cannot hold the folder {}: {} in it is removed again and again", folder_.string(), kName);
}

/// False where the folder or the file went meanwhile.
bool FolderLock::try_to_hold(const std::string& what) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) reject("cannot make the folder {}: {}", folder_.string(), error.message());
  const fs::path path = folder_ / kName;
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT, 0666);  // no O_CLOEXEC: what this process starts holds the folder too
  if (descriptor_ < 0) {
    if (errno == ENOENT) return false;
    reject("cannot write {}: {}", path.string(), std::strerror(errno));
  }
  int locked = 0;
  do locked = ::flock(descriptor_, LOCK_EX | LOCK_NB);
  while (locked != 0 && errno == EINTR);
  if (locked != 0 && errno == EWOULDBLOCK) {
    const std::string other = holder(descriptor_);
    ::close(descriptor_);
    reject("{} is in use by {}; two runs would overwrite each other's files there: wait for it, or choose another folder", folder_.string(), other);
  }
  if (locked != 0) {
    warning_ = fmt::format("the file system of {} has no locks ({}): nothing keeps two runs in this folder apart", folder_.string(), std::strerror(errno));
  } else if (!is_still_at(descriptor_, path)) {  // its last holder removed it after it was opened here
    ::close(descriptor_);
    return false;
  }
  const std::string text = who_i_am(what) + "\n";
  // Where the disk is full the lock holds, and only who has it is not told.
  [[maybe_unused]] const bool told = ::ftruncate(descriptor_, 0) == 0 && ::pwrite(descriptor_, text.data(), text.size(), 0) >= 0;
  return true;
}

void FolderLock::remove_made_folders() const {
  for (const auto& path : made_) ::rmdir(path.c_str());  // one that is not empty stays
}

FolderLock::~FolderLock() {
  ::unlink((folder_ / kName).c_str());  // before it is let go: who opened it meanwhile sees that it is gone
  ::close(descriptor_);
  remove_made_folders();
}

}  // namespace slicecheck
