/// slicecheck claims.

#include <iostream>

#include "commands.h"
#include "console.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/gallery/matrix.h"
#include "slicecheck/reporting/verdict_json.h"

namespace slicecheck::app {

namespace {

struct ClaimsOptions {
  std::string report = "reports/latest";
  std::uint64_t seed = 1;
  bool every_defect = false;
  bool json = false;
};

std::string property_cell(const std::optional<PropertyEvidence>& test) {
  if (!test) return "not run";
  if (!test->fresh) return "stale: ran on other sources";
  if (!test->passed) return "FAILED";
  return fmt::format("passed, {} cases", test->cases);
}

std::string defects_cell(const std::vector<std::string>& caught) {
  if (caught.empty()) return "NONE";
  return caught.size() == 1 ? caught.front() : fmt::format("{} and {} more", caught.front(), caught.size() - 1);
}

void run_claims(const ClaimsOptions& options) {
  ConsoleProgress progress;
  const auto judge = options.every_defect ? run_gallery : first_defects_caught;
  const auto gallery = judge(pointers_to_claims(), options.seed, kGalleryCases, progress);
  const auto coverage = coverage_of(claims(), gallery, options.report);
  progress.clear();
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows{{"claim", "judges", "covered", "property test", "planted defect refused", "line in the report"}};
  std::vector<std::vector<std::string>> findings{
      {"finding", "judges", "covered", "refuted by its property test", "planted defect it holds for", "line in the report"}};
  for (std::size_t i = 0; i < claims().size(); ++i) {
    const Claim& claim = claims()[i];
    const Coverage& c = coverage[i];
    list.push_back(claim_json(claim, c));
    (claim.finding() ? findings : rows)
        .push_back({claim.id + " " + claim.title, claim.judges(), c.covered() ? "yes" : "no", property_cell(c.property_test), defects_cell(c.defects_rejected),
                    c.report_line ? (*c.report_line ? "yes" : "no") : fmt::format("no report in {}", options.report)});
  }
  if (options.json) {
    std::cout << list.dump(2) << "\n";
    return;
  }
  std::cout << aligned(rows);
  if (findings.size() > 1) std::cout << "\nFindings: published statements that are false, and are declared so.\n" << aligned(findings);
}

}  // namespace

void add_claims_command(CLI::App& parser, Program&) {
  auto options = std::make_shared<ClaimsOptions>();
  CLI::App* command = parser.add_subcommand(
      "claims",
      "List the claims and whether each is covered: property test passed on these sources, a planted defect refused now, a line in the report. Findings "
      "stand apart: their property test passes by refuting them, and a planted defect is one that they hold for");
  command->add_option("--report", options->report, "Run folder whose report is looked at")->capture_default_str();
  command->add_option("--seed", options->seed, "Seed for the planted defects")->capture_default_str();
  command->add_flag("--every-defect", options->every_defect,
                    "Judge every planted defect, not only up to the first that a claim refuses: a minute in place of seconds");
  command->add_flag("--json", options->json, "Print JSON (docs/formats.md, claims.json)");
  command->callback([options] { run_claims(*options); });
}

}  // namespace slicecheck::app
