/// slicecheck verify, slicecheck claims.

#include <algorithm>
#include <iostream>
#include <map>

#include "commands.h"
#include "console.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/gallery/matrix.h"
#include "slicecheck/reporting/verdict_json.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck::app {

namespace {

constexpr std::uint64_t kGalleryCases = 200;

struct VerifyOptions {
  std::vector<std::string> claims;
  std::vector<std::string> subjects;
  std::string profile = "quick";
  std::uint64_t seed = 1;
  std::uint64_t cases = 0;  // 0: as the profile says
  int threads = 0;          // 0: all
  std::string out;
  bool json = false;
};

std::vector<const Claim*> chosen_claims(const std::vector<std::string>& ids) {
  std::vector<const Claim*> chosen;
  for (const Claim& claim : claims())
    if (ids.empty()) chosen.push_back(&claim);
  for (const std::string& id : ids) chosen.push_back(&claim_by_id(id));
  return chosen;
}

/// Subjects by name; those of the gallery can be named too, so that every planted defect can be looked at.
std::vector<LossSubject> chosen_subjects(const std::vector<std::string>& names) {
  auto known = all_loss_subjects();
  if (names.empty()) return known;
  for (LossDefect& defect : loss_gallery()) known.push_back(std::move(defect.subject));
  known.push_back(repaired_loss());
  std::vector<LossSubject> chosen;
  for (const std::string& name : names) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const LossSubject& subject) { return subject.name == name; });
    if (found == known.end()) {
      std::vector<std::string> all;
      for (const auto& subject : known) all.push_back(subject.name);
      reject("unknown subject '{}'; the known ones are {}", name, fmt::join(all, ", "));
    }
    chosen.push_back(*found);
  }
  return chosen;
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
    rows.push_back({v.claim + " " + v.title, v.subject, std::string(outcome_name(v.outcome)), std::to_string(v.cases), shown_ratio(v.worst_ratio()),
                    v.outcome == Outcome::holds ? "" : v.detail});
  return aligned(rows);
}

/// The smallest counter-examples, in full, so that they can be typed in.
void print_counter_examples(const std::vector<Verdict>& verdicts) {
  for (const Verdict& v : verdicts) {
    if (!v.counter_example) continue;
    const LossCase& c = v.counter_example->example;
    const Eigen::IOFormat rows(Eigen::FullPrecision, Eigen::DontAlignCols, ", ", "\n", "    ");
    std::cout << fmt::format("\n{} refuted on {} by \"{}\" (p = {}):\n", v.claim, v.subject, v.counter_example->check, c.p) << "  Z =\n"
              << c.z.format(rows) << "\n  Y =\n"
              << c.y.format(rows) << "\n  directions =\n"
              << c.theta.format(rows)
              << fmt::format("\n  observed {:.17g}, allowed {:.17g}\n  repeat: {}\n", v.counter_example->judgement.observed,
                             v.counter_example->judgement.allowed, reproduce_command(v));
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
  const auto judged = chosen_claims(options.claims);
  const auto subjects = chosen_subjects(options.subjects);
  Budget budget;
  budget.cases = cases_of_profile(options.profile);
  if (options.cases > 0) budget.cases = options.cases;
  budget.seed = options.seed;
  Manifest manifest(program.command, options.profile, options.seed, thread_count());
  manifest.add_library("LibTorch", torch_version());
  manifest.set_settings({{"cases_per_check", budget.cases}, {"gallery_cases_per_check", kGalleryCases}});
  if (!options.out.empty()) manifest.write(std::filesystem::path(options.out) / "manifest.json", false);
  ConsoleProgress progress;
  std::vector<Verdict> verdicts;
  for (const Claim* claim : judged)
    for (const LossSubject& subject : subjects) verdicts.push_back(verify(*claim, subject, budget, progress));
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

struct ClaimsOptions {
  std::string report = "reports/latest";
  std::uint64_t seed = 1;
  bool json = false;
};

std::string property_cell(const std::optional<PropertyEvidence>& test) {
  if (!test) return "not run";
  if (!test->fresh) return "stale: ran on other sources";
  if (!test->passed) return "FAILED";
  return fmt::format("passed, {} cases", test->cases);
}

void run_claims(const ClaimsOptions& options) {
  ConsoleProgress progress;
  const auto judged = chosen_claims({});
  const auto gallery = run_gallery(judged, options.seed, kGalleryCases, progress);
  const auto coverage = coverage_of(claims(), gallery, options.report);
  progress.clear();
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows{{"claim", "judges", "covered", "property test", "planted defects refused", "line in the report"}};
  for (std::size_t i = 0; i < claims().size(); ++i) {
    const Claim& claim = claims()[i];
    const Coverage& c = coverage[i];
    list.push_back(claim_json(claim, c));
    rows.push_back({claim.id + " " + claim.title, claim.judges, c.covered() ? "yes" : "no", property_cell(c.property_test),
                    std::to_string(c.defects_rejected.size()),
                    c.report_line ? (*c.report_line ? "yes" : "no") : fmt::format("no report in {}", options.report)});
  }
  if (options.json)
    std::cout << list.dump(2) << "\n";
  else
    std::cout << aligned(rows);
}

}  // namespace

void add_verify_command(CLI::App& parser, Program& program) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = parser.add_subcommand("verify", "Judge subjects (implementations of the loss) by the claims of the theory");
  command->add_option("--claim", options->claims, "Ids of claims, such as L1; all where none is given");
  command->add_option("--subject", options->subjects,
                      "Names of subjects: reference, cpu, cpu-float, torch, torch-float, gallery/NAME; the first five where none is given");
  command->add_option("--profile", options->profile, "quick (500 cases per check) or full (5000)")->capture_default_str();
  command->add_option("--cases", options->cases, "Cases per check in place of the profile's")->check(at_least_one());
  command->add_option("--seed", options->seed, "Seed of every random number")->capture_default_str();
  command->add_option("--threads", options->threads, "Threads; the verdicts do not depend on it")->check(at_least_one());
  command->add_option("--out", options->out, "Folder for manifest.json, verdicts.json, claims.json, gallery.json");
  command->add_flag("--json", options->json, "Print verdicts as JSON");
  command->footer("Exit code: 0 every verdict as declared, 1 one refuted, 2 bad input, 3 internal error, 4 none refuted but one inconclusive.");
  command->callback([options, &program] { run_verify(*options, program); });
}

void add_claims_command(CLI::App& parser, Program&) {
  auto options = std::make_shared<ClaimsOptions>();
  CLI::App* command = parser.add_subcommand(
      "claims", "List the claims and whether each is covered: property test passed on these sources, a planted defect refused now, a line in the report");
  command->add_option("--report", options->report, "Run folder whose report is looked at")->capture_default_str();
  command->add_option("--seed", options->seed, "Seed for the planted defects")->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON (docs/formats.md, claims.json)");
  command->callback([options] { run_claims(*options); });
}

}  // namespace slicecheck::app
