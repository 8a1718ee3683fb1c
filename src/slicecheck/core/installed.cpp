#include "slicecheck/core/installed.h"

#include <system_error>

namespace slicecheck {

std::filesystem::path program_file() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

std::filesystem::path installed_files() { return program_file().parent_path().parent_path() / "share" / "slicecheck"; }

}  // namespace slicecheck
