/// Coverage cannot lie: every missing piece of evidence, and every stale or failed one, leaves a claim uncovered.

#include "slicecheck/reporting/coverage.h"

#include <gtest/gtest.h>

#include <functional>

#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/reporting/manifest.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// Evidence and a report for the claim L1, complete until a test takes something away.
class CoverageTest : public ::testing::Test {
 protected:
  CoverageTest() {
    leave_property_evidence("L1", {"ClaimProperties.L1", 1000, true, true});
    write_report("<tr data-claim=\"L1\"><td>order statistics</td></tr>", "[{\"claim\": \"L1\"}]");
    GalleryResult caught{"unsorted-target", "", "loss", "L1", {}, true};
    caught.verdict.outcome = Outcome::refuted;
    gallery_.push_back(caught);
  }

  void write_report(const std::string& page, const std::string& verdicts) {
    write_atomically(report_ / "index.html", page);
    write_atomically(report_ / "verdicts.json", verdicts);
  }

  /// Evidence as a file of its own, with one entry changed.
  void write_evidence(const std::function<void(Json&)>& change, const std::string& file = "L1.ClaimProperties.L1.json") {
    Json json{{"claim", "L1"}, {"name", "ClaimProperties.L1"}, {"cases", 1000}, {"passed", true}, {"fingerprint", build::fingerprint()}};
    change(json);
    write_json(evidence_ / file, json);
  }

  [[nodiscard]] Coverage coverage(const std::string& id = "L1") const { return coverage_of({claim_by_id(id)}, gallery_, report_.path()).at(0); }

  TemporaryFolder evidence_;
  TemporaryFolder report_;
  ScopedVariable folder_{"SLICECHECK_EVIDENCE", evidence_.path().string()};
  std::vector<GalleryResult> gallery_;
};

TEST_F(CoverageTest, is_complete_with_all_three) {
  const Coverage all = coverage();
  ASSERT_TRUE(all.property_test);
  EXPECT_EQ(all.property_test->name, "ClaimProperties.L1");
  EXPECT_EQ(all.property_test->cases, 1000U);
  EXPECT_TRUE(all.property_test->passed && all.property_test->fresh);
  EXPECT_EQ(all.defects_rejected, std::vector<std::string>{"unsorted-target"});
  EXPECT_EQ(all.report_line, true);
  EXPECT_TRUE(all.covered());
}

TEST_F(CoverageTest, of_one_claim_says_nothing_of_another) {
  EXPECT_FALSE(coverage("L2").covered());
  EXPECT_FALSE(coverage("L2").property_test);
  EXPECT_TRUE(coverage("L2").defects_rejected.empty());
  EXPECT_EQ(coverage("L2").report_line, false);
}

TEST_F(CoverageTest, needs_evidence) {
  std::filesystem::remove(evidence_ / "L1.ClaimProperties.L1.json");
  EXPECT_FALSE(coverage().property_test);
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_the_evidence_folder) {
  const ScopedVariable elsewhere("SLICECHECK_EVIDENCE", (evidence_ / "missing").string());
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_fresh_evidence) {
  write_evidence([](Json& json) { json["fingerprint"] = "0123456789abcdef"; });
  ASSERT_TRUE(coverage().property_test);
  EXPECT_FALSE(coverage().property_test->fresh);
  EXPECT_FALSE(coverage().covered());
  write_evidence([](Json& json) { json.erase("fingerprint"); });
  EXPECT_FALSE(coverage().covered());
  // `fresh` is found out, not believed.
  write_evidence([](Json& json) {
    json["fingerprint"] = "0123456789abcdef";
    json["fresh"] = true;
  });
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_evidence_that_passed) {
  write_evidence([](Json& json) { json["passed"] = false; });
  EXPECT_FALSE(coverage().covered());
  write_evidence([](Json& json) { json.erase("passed"); });
  EXPECT_FALSE(coverage().covered());
  leave_property_evidence("L1", {"ClaimProperties.L1", 1000, false, true});
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_cases) {
  write_evidence([](Json& json) { json["cases"] = 0; });
  EXPECT_FALSE(coverage().covered());
  write_evidence([](Json& json) { json.erase("cases"); });
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_every_one_of_several_property_tests) {
  write_evidence([](Json& json) { json["name"] = "Second.L1"; }, "L1.Second.L1.json");
  EXPECT_TRUE(coverage().covered());
  EXPECT_EQ(coverage().property_test->cases, 2000U);
  write_evidence([](Json& json) { json["passed"] = false; }, "L1.Second.L1.json");
  EXPECT_FALSE(coverage().covered());
  write_evidence([](Json& json) { json["fingerprint"] = "old"; }, "L1.Second.L1.json");
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_a_defect_that_was_caught) {
  gallery_.clear();
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, a_defect_that_is_not_refuted_or_does_not_replay_is_not_caught) {
  gallery_[0].replays = false;
  EXPECT_FALSE(coverage().covered());
  gallery_[0].replays = true;
  for (const Outcome outcome : {Outcome::holds, Outcome::inconclusive}) {
    gallery_[0].verdict.outcome = outcome;
    EXPECT_FALSE(coverage().covered());
  }
}

TEST_F(CoverageTest, a_defect_caught_by_another_claim_does_not_count) {
  gallery_[0].claim = "L2";
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_a_report) {
  const auto without = coverage_of({claim_by_id("L1")}, gallery_, {});
  EXPECT_FALSE(without.at(0).report_line);
  EXPECT_FALSE(without.at(0).covered());
  EXPECT_FALSE(coverage_of({claim_by_id("L1")}, gallery_, report_ / "missing").at(0).covered());
}

TEST_F(CoverageTest, needs_the_page_and_the_verdicts_that_it_is_drawn_from) {
  std::filesystem::remove(report_ / "index.html");
  EXPECT_FALSE(coverage().covered());
  write_report("<tr data-claim=\"L1\">", "[{\"claim\": \"L1\"}]");
  EXPECT_TRUE(coverage().covered());
  std::filesystem::remove(report_ / "verdicts.json");
  EXPECT_FALSE(coverage().covered());
}

TEST_F(CoverageTest, needs_the_claim_in_both) {
  write_report("<tr data-claim=\"L1\">", "[{\"claim\": \"L2\"}]");
  EXPECT_EQ(coverage().report_line, false);
  EXPECT_FALSE(coverage().covered());
  write_report("<tr data-claim=\"L2\"> L1", "[{\"claim\": \"L1\"}]");
  EXPECT_EQ(coverage().report_line, false);
  write_report("<tr data-claim=\"L11\">", "[{\"claim\": \"L1\"}]");
  EXPECT_EQ(coverage().report_line, false) << "L1 is not L11";
}

TEST_F(CoverageTest, damaged_files_are_errors_that_name_them) {
  for (const char* damage : {"", "{", "not json", "[]", "3", "{\"claim\": 5}", "{\"claim\": \"L1\", \"cases\": \"many\"}"}) {
    write_atomically(evidence_ / "damaged.json", damage);
    try {
      (void)coverage();
      ADD_FAILURE() << "accepted: " << damage;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("damaged.json"), std::string::npos) << error.what();
    }
  }
}

TEST_F(CoverageTest, a_damaged_report_is_an_error_that_names_it) {
  for (const char* damage : {"", "{", "[3]"}) {
    write_report("<tr data-claim=\"L1\">", damage);
    EXPECT_THROW((void)coverage(), InputError) << damage;
  }
}

TEST_F(CoverageTest, the_evidence_folder_lies_beside_the_programs) {
  ::unsetenv("SLICECHECK_EVIDENCE");
  EXPECT_EQ(evidence_folder().filename(), "property_evidence");
  EXPECT_TRUE(std::filesystem::exists(evidence_folder().parent_path()));
}

}  // namespace
}  // namespace slicecheck::testing
