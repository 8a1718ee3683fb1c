#pragma once
/// What tests change around them, and put back: folders, environment variables, the number of threads.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace slicecheck::testing {

/// The seed of this run: SLICECHECK_TEST_SEED, 1 unless chosen.
std::uint64_t test_seed();

/// An empty folder, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  /// How many entries it has.
  [[nodiscard]] std::size_t entries() const;

 private:
  std::filesystem::path path_;
};

/// An environment variable with another value, until the end of the scope.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value);
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable();

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// Another number of threads, until the end of the scope.
class ScopedThreads {
 public:
  explicit ScopedThreads(int threads);
  ScopedThreads(const ScopedThreads&) = delete;
  ScopedThreads& operator=(const ScopedThreads&) = delete;
  ~ScopedThreads();

 private:
  int before_;
};

/// No file may grow beyond so many bytes, until the end of the scope: writing fails as on a full disk.
class ScopedFileSizeLimit {
 public:
  explicit ScopedFileSizeLimit(std::uint64_t bytes);
  ScopedFileSizeLimit(const ScopedFileSizeLimit&) = delete;
  ScopedFileSizeLimit& operator=(const ScopedFileSizeLimit&) = delete;
  ~ScopedFileSizeLimit();

 private:
  std::uint64_t before_;
  void (*handler_)(int);
};

}  // namespace slicecheck::testing
