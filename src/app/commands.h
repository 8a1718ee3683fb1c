#pragma once
/// The commands of the program. Each adds itself to the parser; the callback sets the exit code.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slicecheck/claims/claim.h"
#include "slicecheck/core/folder_lock.h"
#include "slicecheck/mpi/mpi_ranks.h"

namespace slicecheck::app {

/// Exit codes: docs and README state them.
enum ExitCode : int { kHolds = 0, kRefuted = 1, kBadInput = 2, kInternalError = 3, kInconclusive = 4 };

struct Program {
  std::vector<std::string> command;  ///< as it was called
  ProgramRanks& ranks;
  int exit_code = kHolds;
};

void add_claims_command(CLI::App& parser, Program& program);
void add_verify_command(CLI::App& parser, Program& program);
void add_experiment_command(CLI::App& parser, Program& program);
void add_distance_command(CLI::App& parser, Program& program);
void add_analyse_command(CLI::App& parser, Program& program);
void add_regime_command(CLI::App& parser, Program& program);
void add_audit_command(CLI::App& parser, Program& program);
void add_report_command(CLI::App& parser, Program& program);

void add_subjects_command(CLI::App& parser, Program& program);
void add_examples_command(CLI::App& parser, Program& program);

/// reference, cpu, cpu-float, torch, torch-float; and cuda, where the build has the kernels, whether or not there is a device.
std::vector<LossSubject> all_loss_subjects();

/// Name of the subject that needs a CUDA device.
constexpr std::string_view kCudaSubject = "cuda";

/// Those, and the generators, schemes, samplers, trainings, laws, measures of criticality and solvers of the flow of the library.
std::vector<Subject> all_subjects();

/// All claims.
std::vector<const Claim*> pointers_to_claims();

/// Cases per check for every planted defect.
constexpr std::uint64_t kGalleryCases = 200;

/// For options that count something.
inline CLI::Validator at_least_one() {
  return {[](std::string& text) {
            const bool good = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos && text.find_first_not_of('0') != std::string::npos;
            return good ? std::string() : "'" + text + "' is given; expected a whole number, at least 1";
          },
          "POSITIVE"};
}

/// Holds a folder that a command is about to fill, tells where the file system has no locks, and removes what killed runs left half written.
/// @throws InputError where another run holds it.
std::unique_ptr<FolderLock> hold_folder(const std::filesystem::path& folder, const std::string& what);

/// Folder of the program's Python scripts: beside an installed program, or in the source tree.
std::filesystem::path script(const std::string& name);

/// Cases per check of a profile. @throws InputError for an unknown profile.
std::uint64_t cases_of_profile(const std::string& profile);

}  // namespace slicecheck::app
