#include "slicecheck/reporting/coverage.h"

#include <algorithm>
#include <cstdlib>

#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/installed.h"
#include "slicecheck/core/shown_text.h"
#include "slicecheck/reporting/manifest.h"

namespace slicecheck {

namespace fs = std::filesystem;

namespace {

/// Hands the JSON in a file to `use`; damage of any sort becomes an error that names the file.
template <class Use>
void with_json(const fs::path& path, const Use& use) {
  try {
    use(Json::parse(read_file(path)));
  } catch (const Json::exception& error) {
    reject("{}: not what is expected there ({})", path.string(), shown_text(error.what(), 300));
  }
}

std::optional<PropertyEvidence> evidence_for(const std::string& claim) {
  std::optional<PropertyEvidence> sum;
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(evidence_folder(), error))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    with_json(file, [&](const Json& json) {
      if (json.value("claim", "") != claim) return;
      if (!sum) sum = PropertyEvidence{"", 0, true, true};
      sum->name += (sum->name.empty() ? "" : ", ") + json.value("name", "");
      if (const auto cases = json.find("cases"); cases != json.end()) {
        if (!cases->is_number_unsigned())
          reject("{}: not what is expected there (cases is {}, no number of cases)", file.string(), shown_text(cases->dump(), 300));
        sum->cases += cases->get<std::uint64_t>();
      }
      sum->passed = sum->passed && json.value("passed", false);
      sum->fresh = sum->fresh && json.value("fingerprint", "") == build::fingerprint();
    });
  }
  return sum;
}

/// The claims that a run's report shows: verdicts.json is what the page is drawn from, index.html is the page.
std::optional<std::vector<std::string>> claims_in_report(const fs::path& report) {
  if (report.empty() || !fs::exists(report / "verdicts.json") || !fs::exists(report / "index.html")) return std::nullopt;
  const std::string page = read_file(report / "index.html");
  std::vector<std::string> ids;
  with_json(report / "verdicts.json", [&](const Json& verdicts) {
    for (const auto& verdict : verdicts) {
      const std::string id = verdict.value("claim", "");
      if (page.find("data-claim=\"" + id + "\"") != std::string::npos) ids.push_back(id);
    }
  });
  return ids;
}

}  // namespace

fs::path evidence_folder() {
  if (const char* chosen = std::getenv("SLICECHECK_EVIDENCE")) return chosen;
  if (const fs::path installed = installed_files() / "property_evidence"; fs::is_directory(installed)) return installed;
  return program_file().parent_path().parent_path() / "property_evidence";
}

void leave_property_evidence(const std::string& claim, const PropertyEvidence& evidence) {
  const Json json{{"claim", claim}, {"name", evidence.name}, {"cases", evidence.cases}, {"passed", evidence.passed}, {"fingerprint", build::fingerprint()}};
  write_json(evidence_folder() / (claim + "." + evidence.name + ".json"), json);
}

std::vector<Coverage> coverage_of(const std::vector<Claim>& claims, const std::vector<GalleryResult>& gallery, const fs::path& report) {
  const auto reported = claims_in_report(report);
  std::vector<Coverage> all;
  for (const Claim& claim : claims) {
    Coverage coverage;
    coverage.property_test = evidence_for(claim.id);
    for (const auto& result : gallery)
      if (result.claim == claim.id && result.caught()) coverage.defects_rejected.push_back(result.defect);
    if (reported) coverage.report_line = std::find(reported->begin(), reported->end(), claim.id) != reported->end();
    all.push_back(std::move(coverage));
  }
  return all;
}

}  // namespace slicecheck
