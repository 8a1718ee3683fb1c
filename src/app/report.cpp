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

struct ReportOptions {
  std::string folder;
  std::vector<std::string> compare;  // none, or OLD and NEW
  std::string out;
  std::string threshold;
  bool json = false;
};

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
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      parser.add_subcommand("report", "Draw index.html, report.md, the plots and the theory pages of a run folder, or say what changed between two");
  command->add_option("DIR", options->folder, "Run folder, as `verify --out`, `experiment run --out`, `regime --out` and `audit --out` fill it");
  CLI::Option* compare =
      command
          ->add_option("--compare", options->compare,
                       "OLD NEW: say what changed from one run folder to another; verdicts that flipped first, and how differently the runs were made")
          ->expected(2);
  command->add_option("--out", options->out, "With --compare: a Markdown file for the comparison, such as a comment on a pull request")->needs(compare);
  command->add_flag("--json", options->json, "With --compare: print JSON")->needs(compare);
  command->add_option("--threshold", options->threshold, "With --compare: the factor beyond which a figure without an interval has moved (2)")->needs(compare);
  command->footer("Exit code: 0 the report was drawn, whatever the verdicts say, or nothing got worse from OLD to NEW; 1 something did; 2 bad input.");
  command->callback([options, &program] {
    if (options->folder.empty() == options->compare.empty()) reject("one run folder is drawn, or two are compared: give DIR, or --compare OLD NEW");
    std::vector<std::string> words{python(), script("report.py").string()};
    std::unique_ptr<FolderLock> lock;
    for (const std::string& folder : options->compare.empty() ? std::vector{options->folder} : options->compare)
      if (!std::filesystem::is_directory(folder)) reject("{}: there is no such folder", folder);
    if (options->compare.empty()) {
      lock = hold_folder(options->folder, "slicecheck report");  // the interpreter holds it too
      words.insert(words.end(), {"--", options->folder});
    } else {
      words.insert(words.end(), {"--compare", options->compare.front(), options->compare.back()});
      if (!options->out.empty()) words.push_back("--out=" + options->out);
      if (!options->threshold.empty()) words.push_back("--threshold=" + options->threshold);
      if (options->json) words.emplace_back("--json");
    }
    const int code = run(words);
    if (code == 127) reject("python3 with matplotlib, jinja2 and markdown-it is needed to draw a report; scripts/setup.sh installs it");
    const bool known = code == 0 || code == kBadInput || (code == 1 && !options->compare.empty());
    program.exit_code = known ? code : kInternalError;
  });
}

}  // namespace slicecheck::app
