/// slicecheck report.

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "commands.h"
#include "slicecheck/core/error.h"

namespace slicecheck::app {

namespace {

/// The interpreter that Debian's matplotlib and jinja2 belong to, where there is one.
const char* python() { return ::access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3"; }

/// Runs a program with arguments, without a shell; its exit code.
int run(const std::vector<std::string>& words) {
  std::cout.flush();
  std::vector<char*> arguments;
  std::vector<std::string> copies = words;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw Error(fmt::format("cannot start {}: {}", words.front(), std::strerror(errno)));
  if (child == 0) {
    ::execvp(arguments.front(), arguments.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw Error(fmt::format("waiting for {}: {}", words.front(), std::strerror(errno)));
  return WIFEXITED(status) ? WEXITSTATUS(status) : kInternalError;
}

}  // namespace

void add_report_command(CLI::App& parser, Program& program) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command = parser.add_subcommand("report", "Draw index.html, report.md and the plots of a run folder");
  command->add_option("DIR", *folder, "Run folder, as `verify --out` and `experiment run --out` fill it")->required();
  command->callback([folder, &program] {
    if (!std::filesystem::is_directory(*folder)) reject("{}: there is no such folder", *folder);
    const int code = run({python(), script("report.py").string(), *folder});
    if (code == 127) reject("python3 with matplotlib and jinja2 is needed to draw a report; scripts/setup.sh installs it");
    program.exit_code = code == 0 || code == kBadInput ? code : kInternalError;
  });
}

}  // namespace slicecheck::app
