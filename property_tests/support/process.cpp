#include "support/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iterator>
#include <stdexcept>

#include "slicecheck/core/parallel.h"

namespace slicecheck::testing {

namespace fs = std::filesystem;

std::uint64_t test_seed() {
  const char* seed = std::getenv("SLICECHECK_TEST_SEED");
  return seed == nullptr ? 1 : std::stoull(seed);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "slicecheck-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make the folder " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::size_t TemporaryFolder::entries() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator())); }

ScopedVariable::ScopedVariable(const char* name, const std::string& value) : name_(name) {
  if (const char* before = std::getenv(name)) before_ = before;
  ::setenv(name, value.c_str(), 1);
}

ScopedVariable::~ScopedVariable() {
  if (before_)
    ::setenv(name_, before_->c_str(), 1);
  else
    ::unsetenv(name_);
}

ScopedThreads::ScopedThreads(int threads) : before_(thread_count()) { set_thread_count(threads); }
ScopedThreads::~ScopedThreads() { set_thread_count(before_); }

namespace {

void set_file_size_limit(std::uint64_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) throw std::runtime_error("cannot read the limit of file sizes");
  limit.rlim_cur = bytes;
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) throw std::runtime_error("cannot set the limit of file sizes");
}

std::uint64_t file_size_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) throw std::runtime_error("cannot read the limit of file sizes");
  return limit.rlim_cur;
}

}  // namespace

ScopedFileSizeLimit::ScopedFileSizeLimit(std::uint64_t bytes) : before_(file_size_limit()), handler_(std::signal(SIGXFSZ, SIG_IGN)) {
  set_file_size_limit(bytes);
}

ScopedFileSizeLimit::~ScopedFileSizeLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0) {
    limit.rlim_cur = before_;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::signal(SIGXFSZ, handler_);
}

}  // namespace slicecheck::testing
