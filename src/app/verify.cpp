/// slicecheck verify.

#include <algorithm>
#include <cctype>
#include <iostream>
#include <utility>

#include "commands.h"
#include "console.h"
#include "device.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/gallery/broken_loss.h"
#include "slicecheck/gallery/matrix.h"
#include "slicecheck/measures/point_file.h"
#include "slicecheck/reporting/verdict_json.h"
#include "slicecheck/torch/script_subject.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck::app {

namespace {

struct VerifyOptions {
  std::vector<std::string> claims;
  std::vector<std::string> subjects;
  std::string profile = "quick";
  std::uint64_t seed = 1;
  std::uint64_t cases = 0;  // 0: as the profile says
  int threads = 0;          // 0: all
  std::string out;
  std::string counter_examples;
  bool json = false;
};

std::vector<const Claim*> chosen_claims(const std::vector<std::string>& ids) {
  if (ids.empty()) return pointers_to_claims();
  std::vector<const Claim*> chosen;
  for (const std::string& id : ids) chosen.push_back(&claim_by_id(id));
  return chosen;
}

constexpr std::string_view kScript = "torchscript:";

/// Why a subject cannot be judged on this machine; empty where it can.
std::string why_not_here(std::string_view name) { return name == kCudaSubject ? cuda::devices().why_none : std::string(); }

/// All subjects that this machine can run. One that it cannot is told, by name, where a chosen claim judges it.
std::vector<Subject> subjects_here(const std::vector<const Claim*>& judged) {
  auto subjects = all_subjects();
  std::erase_if(subjects, [&](const Subject& subject) {
    const std::string reason = why_not_here(name_of(subject));
    if (!reason.empty() && std::any_of(judged.begin(), judged.end(), [&](const Claim* claim) { return claim->applies_to(subject); }))
      std::cerr << fmt::format("slicecheck: the subject {} is not judged, as there is no CUDA device to use: {}\n", name_of(subject), reason);
    return !reason.empty();
  });
  return subjects;
}

/// Subjects by name; those of the gallery can be named too, so that every planted defect can be looked at.
std::vector<Subject> chosen_subjects(const std::vector<std::string>& names, const std::vector<const Claim*>& judged) {
  if (names.empty()) return subjects_here(judged);
  auto known = all_subjects();
  for (PlantedDefect& defect : gallery()) known.push_back(std::move(defect.subject));
  known.emplace_back(repaired_loss());
  std::vector<Subject> chosen;
  for (const std::string& name : names) {
    if (name.starts_with(kScript)) {
      if (name.size() == kScript.size()) reject("'{}' names no file; expected torchscript:FILE.pt", name);
      chosen.emplace_back(torchscript_subject(name.substr(kScript.size())));
      continue;
    }
    if (const std::string reason = why_not_here(name); !reason.empty())
      reject("the subject {} cannot be judged, as there is no CUDA device to use: {}", name, reason);
    const auto found = std::find_if(known.begin(), known.end(), [&](const Subject& subject) { return name_of(subject) == name; });
    if (found == known.end()) {
      std::vector<std::string> all;
      for (const Subject& subject : known) all.push_back(name_of(subject));
      reject("unknown subject '{}'; the known ones are torchscript:FILE, {}", name, fmt::join(all, ", "));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

/// The pairs to judge, claim by claim. A subject that was named and that no chosen claim judges is told, and so is a claim that judges none of them.
std::vector<std::pair<const Claim*, const Subject*>> chosen_pairs(const std::vector<const Claim*>& judged, const std::vector<Subject>& subjects, bool named) {
  std::vector<std::pair<const Claim*, const Subject*>> pairs;
  for (const Claim* claim : judged)
    for (const Subject& subject : subjects)
      if (claim->applies_to(subject)) pairs.emplace_back(claim, &subject);
  for (const Claim* claim : judged)
    if (std::none_of(subjects.begin(), subjects.end(), [&](const Subject& subject) { return claim->applies_to(subject); }) && judged.size() < claims().size())
      reject("{} judges {}, and no chosen subject is one that it applies to", claim->id, claim->judges());
  for (const Subject& subject : subjects)
    if (std::none_of(judged.begin(), judged.end(), [&](const Claim* claim) { return claim->applies_to(subject); }) && named)
      reject("none of the chosen claims judges {} (a {})", name_of(subject), type_of(subject));
  return pairs;
}

/// 1 where a verdict contradicts what its claim declares, 4 where none does and one is open.
int exit_code(const std::vector<Verdict>& verdicts) {
  int code = kHolds;
  for (const Verdict& verdict : verdicts) {
    if (verdict.outcome == Outcome::inconclusive)
      code = std::max<int>(code, kInconclusive);
    else if (!verdict.as_declared())
      return kRefuted;
  }
  return code;
}

std::string shown_ratio(double ratio) { return fmt::format("{:.3g}", ratio); }

std::string verdict_table(const std::vector<Verdict>& verdicts) {
  std::vector<std::vector<std::string>> rows{{"claim", "subject", "verdict", "cases", "worst ratio", "detail"}};
  for (const Verdict& v : verdicts)
    rows.push_back({v.claim + " " + v.title, v.subject, outcome_in_words(v), std::to_string(v.cases), shown_ratio(v.worst_ratio()),
                    v.outcome == Outcome::holds && v.as_declared() ? v.counted() : v.detail});
  return aligned(rows);
}

/// The smallest counter-examples, in full, so that they can be typed in.
void print_counter_examples(const std::vector<Verdict>& verdicts) {
  const Eigen::IOFormat rows(Eigen::FullPrecision, Eigen::DontAlignCols, ", ", "\n", "    ");
  for (const Verdict& v : verdicts) {
    if (!v.counter_example) continue;
    const CounterExample& found = *v.counter_example;
    const std::string at = found.size > 0 ? fmt::format("size {}", found.size) : fmt::format("p = {}", found.example.p);
    const bool declared = v.as_declared();
    std::cout << fmt::format("\n{} refuted{} on {} by \"{}\" ({}):\n", v.claim, declared ? ", as declared," : "", v.subject, found.check, at);
    if (declared) std::cout << fmt::format("  false: {}\n", claim_by_id(v.claim).statement);
    for (const NamedValues& named : found.values)
      if (found.size > 0 || named.name == "Z" || named.name == "Y" || named.name == "directions")
        std::cout << fmt::format("  {} =\n", named.name) << named.values.format(rows) << "\n";
    if (!found.judgement.note.empty()) std::cout << "  " << found.judgement.note << "\n";
    std::cout << fmt::format("  observed {:.17g}, allowed {:.17g}\n  repeat: {}\n", found.judgement.observed, found.judgement.allowed, reproduce_command(v));
  }
}

/// A name as part of a file name: everything but letters, digits, dots and hyphens becomes a hyphen.
std::string in_file_name(std::string name) {
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.') c = '-';
  return name;
}

/// CLAIM-SUBJECT-NAME.csv for every matrix of every counter-example.
void write_counter_examples(const std::vector<Verdict>& verdicts, const std::filesystem::path& folder) {
  for (const Verdict& v : verdicts) {
    if (!v.counter_example) continue;
    const std::string subject = in_file_name(std::filesystem::path(v.subject).filename().string());
    for (const NamedValues& named : v.counter_example->values)
      if (named.values.size() > 0) write_points(folder / fmt::format("{}-{}-{}.csv", v.claim, subject, in_file_name(named.name)), named.values);
  }
}

void write_run(const VerifyOptions& options, const std::vector<const Claim*>& judged, const std::vector<Verdict>& verdicts, const Manifest& manifest,
               ConsoleProgress& progress) {
  const std::filesystem::path out = options.out;
  Json list = Json::array();
  for (const Verdict& verdict : verdicts) list.push_back(verdict_json(verdict, options.profile));
  write_json(out / "verdicts.json", list);
  const auto gallery = run_gallery(judged, options.seed, kGalleryCases, progress);
  Json matrix = Json::array();
  for (const auto& result : gallery) matrix.push_back(gallery_json(result));
  write_json(out / "gallery.json", matrix);
  std::vector<Claim> copies;
  for (const Claim* claim : judged) copies.push_back(*claim);
  const auto coverage = coverage_of(copies, gallery, {});  // no page yet: it fills in its own line when it is drawn
  Json registry = Json::array();
  for (std::size_t i = 0; i < judged.size(); ++i) registry.push_back(claim_json(*judged[i], coverage[i]));
  write_json(out / "claims.json", registry);
  manifest.write(out / "manifest.json", true);
}

void run_verify(const VerifyOptions& options, Program& program) {
  use_one_torch_thread();
  if (options.threads > 0) set_thread_count(options.threads);
  Budget budget;
  budget.cases = cases_of_profile(options.profile);
  if (options.cases > 0) budget.cases = options.cases;
  budget.seed = options.seed;
  const auto judged = chosen_claims(options.claims);
  const auto subjects = chosen_subjects(options.subjects, judged);
  const auto pairs = chosen_pairs(judged, subjects, !options.subjects.empty());
  Manifest manifest(program.command, options.profile, options.seed, thread_count());
  manifest.add_library("LibTorch", torch_version());
  if (std::any_of(pairs.begin(), pairs.end(), [](const auto& pair) { return name_of(*pair.second) == kCudaSubject; }))
    manifest.set_device(device_field(cuda::Where::cuda));
  manifest.set_settings({{"cases_per_check", budget.cases}, {"gallery_cases_per_check", kGalleryCases}});
  std::unique_ptr<FolderLock> lock;
  if (!options.out.empty()) {
    lock = hold_folder(options.out, "slicecheck verify");
    manifest.write(std::filesystem::path(options.out) / "manifest.json", false);
  }
  ConsoleProgress progress;
  std::vector<Verdict> verdicts;
  for (const auto& [claim, subject] : pairs) verdicts.push_back(verify(*claim, *subject, budget, progress));
  if (!options.counter_examples.empty()) write_counter_examples(verdicts, options.counter_examples);
  if (!options.out.empty()) write_run(options, judged, verdicts, manifest, progress);
  progress.clear();
  program.exit_code = exit_code(verdicts);
  if (options.json) {
    Json list = Json::array();
    for (const Verdict& verdict : verdicts) list.push_back(verdict_json(verdict, options.profile));
    std::cout << list.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return;
  }
  std::cout << verdict_table(verdicts);
  print_counter_examples(verdicts);
}

}  // namespace

void add_verify_command(CLI::App& parser, Program& program) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      parser.add_subcommand("verify", "Judge subjects (losses, generators, schemes, samplers, trainings, transport) by the claims of the theory");
  command->add_option("--claim", options->claims, "Ids of claims, such as L1; all where none is given");
  command->add_option(
      "--subject", options->subjects,
      "Names of subjects (`slicecheck subjects` lists them), gallery/NAME for a planted defect, torchscript:FILE.pt for a loss of one's own; all "
      "but the last two kinds where none is given, `cuda` only where there is a device. A TorchScript file is code: it is run, and must be trusted like a "
      "program");
  command->add_option("--profile", options->profile, "quick (500 cases per check) or full (5000)")->capture_default_str();
  command->add_option("--cases", options->cases, "Cases per check in place of the profile's")->check(at_least_one());
  command->add_option("--seed", options->seed, "Seed of every random number")->capture_default_str();
  command->add_option("--threads", options->threads, "Threads; the verdicts do not depend on it")->check(at_least_one());
  command->add_option("--out", options->out, "Folder for manifest.json, verdicts.json, claims.json, gallery.json");
  command->add_option("--counter-examples", options->counter_examples, "Folder for the shrunk counter-examples as CSV files: CLAIM-SUBJECT-Z.csv, …");
  command->add_flag("--json", options->json, "Print verdicts as JSON");
  command->footer(
      "Exit code: 0 every verdict as declared (findings, F1, …, are declared refuted), 1 one contradicts that, 2 bad input, 3 internal error, 4 none does, but "
      "one is inconclusive.");
  command->callback([options, &program] { run_verify(*options, program); });
}

}  // namespace slicecheck::app
