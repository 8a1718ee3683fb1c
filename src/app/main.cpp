/// The command-line program.

#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "commands.h"
#include "slicecheck/core/error.h"
#include "slicecheck/cuda/error.h"
#include "version.h"

namespace {

using namespace slicecheck;

int run(int argc, char** argv, ProgramRanks& ranks) {
  app::Program program{{argv, argv + argc}, ranks};
  // Experiments know of ranks. Everything else is done by rank 0, while the others wait for it at the end.
  const bool knows_ranks = argc > 2 && std::string_view(argv[1]) == "experiment" && std::string_view(argv[2]) == "run";
  if (ranks.rank() != 0 && !knows_ranks) return app::kHolds;
  CLI::App parser{"SliceCheck: does training with a sliced Wasserstein loss do what the theorems say?", "slicecheck"};
  parser.set_version_flag("--version", app::version_text, "Print the version, and those of everything that the program is made of");
  parser.require_subcommand(1);
  app::add_claims_command(parser, program);
  app::add_verify_command(parser, program);
  app::add_subjects_command(parser, program);
  app::add_examples_command(parser, program);
  app::add_experiment_command(parser, program);
  app::add_distance_command(parser, program);
  app::add_regime_command(parser, program);
  app::add_analyse_command(parser, program);
  app::add_audit_command(parser, program);
  app::add_report_command(parser, program);
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (ranks.rank() == 0) parser.exit(error);
    return error.get_exit_code() == 0 ? app::kHolds : app::kBadInput;
  }
  std::cout.flush();
  if (!std::cout) reject("cannot write to standard output");
  return program.exit_code;
}

/// How work ended: an exit code, and a sentence where it failed.
struct Ending {
  int exit_code;
  std::optional<std::string> failure;
};

Ending guarded(const std::function<int()>& work) {
  try {
    return {work(), {}};
  } catch (const InputError& error) {
    return {app::kBadInput, error.what()};
  } catch (const cuda::CudaError& error) {
    return {app::kInternalError, error.what()};
  } catch (const std::bad_alloc&) {
    return {app::kInternalError, "out of memory"};
  } catch (const std::exception& error) {
    return {app::kInternalError, fmt::format("internal error: {}", error.what())};
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is reported like a full disk
  std::unique_ptr<ProgramRanks> ranks;
  const Ending ending = guarded([&] {
    ranks = std::make_unique<ProgramRanks>();
    return run(argc, argv, *ranks);
  });
  if (!ending.failure) return ending.exit_code;
  std::cout.flush();
  const bool several = ranks && ranks->size() > 1;
  // What is wrong on every rank is told by rank 0, which ends the others meanwhile.
  if (several && ranks->rank() != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
  std::cerr << "slicecheck: " << *ending.failure << (several && ranks->rank() != 0 ? fmt::format(" (rank {})\n", ranks->rank()) : "\n");
  if (several) ranks->end_all(ending.exit_code);
  return ending.exit_code;
}
