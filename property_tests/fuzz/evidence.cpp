/// JSON that the program reads: the evidence that property tests leave, and a run's verdicts with its page.

#include <cstdlib>

#include "fuzz.h"
#include "slicecheck/core/build_info.h"
#include "slicecheck/reporting/coverage.h"
#include "slicecheck/reporting/manifest.h"

namespace slicecheck {

/// The manifest's, which nothing here asks for: the library's would need the headers of all libraries.
std::map<std::string, std::string> core_library_versions() { return {}; }

}  // namespace slicecheck

namespace slicecheck::fuzz {
namespace {

void as_evidence(std::string_view bytes) {
  (void)scratch().file("evidence/L1.fuzzed.json", bytes);
  Claim claim;
  claim.id = "L1";
  std::vector<Coverage> coverage;
  if (!accepts("L1.fuzzed.json", [&] { coverage = coverage_of({claim}, {}, {}); })) return;
  const auto& evidence = coverage.front().property_test;
  require(!evidence || !evidence->fresh || bytes.find(build::fingerprint()) != std::string_view::npos || bytes.find("\\u") != std::string_view::npos,
          "only evidence of these sources is fresh");
  require(coverage.size() == 1 && !coverage.front().report_line && !coverage.front().covered(), "evidence alone covers nothing");
}

void as_verdicts(std::string_view bytes) {
  (void)scratch().file("run/verdicts.json", bytes);
  std::filesystem::remove(scratch().folder() / "evidence/L1.fuzzed.json");
  Claim claim;
  claim.id = "L1";
  std::vector<Coverage> coverage;
  if (!accepts("verdicts.json", [&] { coverage = coverage_of({claim}, {}, scratch().folder() / "run"); })) return;
  require(coverage.size() == 1 && coverage.front().report_line.has_value(), "a page was looked at");
  require(!*coverage.front().report_line || bytes.find("claim") != std::string_view::npos || bytes.find("\\u") != std::string_view::npos,
          "no line without a verdict on the claim");
}

}  // namespace
}  // namespace slicecheck::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  using slicecheck::fuzz::scratch;
  for (const char* folder : {"evidence", "run"}) std::filesystem::create_directory(scratch().folder() / folder);
  (void)scratch().file("run/index.html", "<tr data-claim=\"L1\">");
  ::setenv("SLICECHECK_EVIDENCE", (scratch().folder() / "evidence").c_str(), 1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  slicecheck::fuzz::as_evidence(slicecheck::fuzz::view(data, size));
  slicecheck::fuzz::as_verdicts(slicecheck::fuzz::view(data, size));
  return 0;
}
