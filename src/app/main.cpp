/// The command-line program.

#include <csignal>
#include <iostream>

#include "commands.h"
#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"

namespace {

using namespace slicecheck;

int run(int argc, char** argv) {
  app::Program program;
  program.command.assign(argv, argv + argc);
  CLI::App parser{"SliceCheck: does training with a sliced Wasserstein loss do what the theorems say?", "slicecheck"};
  parser.set_version_flag("--version", fmt::format("slicecheck {} ({}, {}, {})", build::version(), build::type(), build::compiler(), build::flags()));
  parser.require_subcommand(1);
  app::add_claims_command(parser, program);
  app::add_verify_command(parser, program);
  app::add_subjects_command(parser, program);
  app::add_examples_command(parser, program);
  app::add_experiment_command(parser, program);
  app::add_distance_command(parser, program);
  app::add_report_command(parser, program);
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parser.exit(error) == 0 ? app::kHolds : app::kBadInput;
  }
  std::cout.flush();
  if (!std::cout) reject("cannot write to standard output");
  return program.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is reported like a full disk
  try {
    return run(argc, argv);
  } catch (const slicecheck::InputError& error) {
    std::cerr << "slicecheck: " << error.what() << "\n";
    return slicecheck::app::kBadInput;
  } catch (const std::bad_alloc&) {
    std::cerr << "slicecheck: out of memory\n";
    return slicecheck::app::kInternalError;
  } catch (const std::exception& error) {
    std::cerr << "slicecheck: internal error: " << error.what() << "\n";
    return slicecheck::app::kInternalError;
  }
}
