#pragma once
/// Other programs, run by tests.

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace slicecheck::testing {

struct CommandResult {
  int code = -1;       ///< exit code; 128 + signal; −1: it could not be started
  std::string output;  ///< both streams
};

/// Runs a command of the shell to its end.
inline CommandResult run_command(const std::string& command) {
  CommandResult result;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> text{};
  while (std::fgets(text.data(), text.size(), pipe) != nullptr) result.output += text.data();
  const int status = pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace slicecheck::testing
