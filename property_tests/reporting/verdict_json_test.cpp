/// The public JSON: the fields of docs/formats.md, and numbers that JSON lacks.

#include "slicecheck/reporting/verdict_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace slicecheck {
namespace {

Verdict refuted_verdict() {
  Verdict verdict;
  verdict.claim = "L1";
  verdict.title = "order statistics";
  verdict.subject = "gallery/unsorted-target";
  verdict.outcome = Outcome::refuted;
  verdict.cases = 3;
  verdict.skipped = {{"reason", 2}};
  verdict.kinds = {{"ties", 3}};
  verdict.checks = {{"check", 3, std::nan(""), 0.5}};
  verdict.seed = 18'446'744'073'709'551'615U;
  verdict.requested_cases = 5;
  verdict.detail = "detail";
  LossCase c;
  c.kind = "ties";
  c.z = c.y = c.w = Points<double>{{0.1, 2.0}};
  c.theta = Points<double>{{1.0, 0.0}};
  c.v = Eigen::RowVectorXd::Zero(2);
  c.v[1] = 1.0 / 3.0;
  c.order = {0};
  Judgement judgement;
  judgement.observed = std::nan("");
  judgement.allowed = std::numeric_limits<double>::infinity();
  verdict.counter_example = CounterExample{"check", judgement, 4, c, 0, {{"Z", c.z}, {"v", Points<double>(c.v)}}};
  return verdict;
}

std::set<std::string> keys(const Json& json) {
  std::set<std::string> out;
  for (const auto& [key, value] : json.items()) out.insert(key);
  return out;
}

TEST(VerdictJson, has_the_fields_of_the_contract) {
  const Json json = verdict_json(refuted_verdict(), "quick");
  EXPECT_EQ(keys(json), (std::set<std::string>{"claim",      "finding", "title",   "subject",     "type",      "outcome",        "expected",
                                               "cases",      "skipped", "kinds",   "worst_ratio", "tightness", "checks",         "not_run",
                                               "confidence", "seed",    "profile", "reproduce",   "detail",    "counter_example"}));
  EXPECT_EQ(json["outcome"], "refuted");
  EXPECT_EQ(json["expected"], "holds");
  EXPECT_EQ(json["seed"], 18'446'744'073'709'551'615U);
  EXPECT_EQ(json["skipped"]["reason"], 2);
  EXPECT_EQ(json["tightness"], 0.5);
  for (const char* key : {"check", "observed", "allowed", "values"}) EXPECT_TRUE(json["counter_example"].contains(key)) << key;
  for (const char* key : {"name", "cases", "worst_ratio"}) EXPECT_TRUE(json["checks"][0].contains(key)) << key;
}

TEST(VerdictJson, writes_what_json_lacks_as_words) {
  const Json json = verdict_json(refuted_verdict(), "quick");
  EXPECT_EQ(json["worst_ratio"], "nan");
  EXPECT_EQ(json["counter_example"]["observed"], "nan");
  EXPECT_EQ(json["counter_example"]["allowed"], "inf");
  Verdict plain = refuted_verdict();
  plain.counter_example.reset();
  plain.checks[0].tightness.reset();
  EXPECT_TRUE(verdict_json(plain, "quick")["counter_example"].is_null());
  EXPECT_TRUE(verdict_json(plain, "quick")["tightness"].is_null());
}

TEST(VerdictJson, keeps_every_bit_of_a_counter_example) {
  const Json json = Json::parse(verdict_json(refuted_verdict(), "quick").dump());
  EXPECT_EQ(json["counter_example"]["values"]["Z"][0][0].get<double>(), 0.1);
  EXPECT_EQ(json["counter_example"]["values"]["v"][0][1].get<double>(), 1.0 / 3.0);
}

TEST(VerdictJson, tells_how_to_repeat_it) {
  Verdict verdict = refuted_verdict();
  verdict.seed = 17;
  EXPECT_EQ(reproduce_command(verdict), "slicecheck verify --claim L1 --subject gallery/unsorted-target --seed 17 --cases 5");
}

TEST(GalleryJson, has_the_fields_of_the_contract) {
  const GalleryResult result{"unsorted-target", "title", "loss", "L1", refuted_verdict(), true};
  const Json json = gallery_json(result);
  EXPECT_EQ(keys(json), (std::set<std::string>{"defect", "title", "type", "claim", "outcome", "caught", "worst_ratio", "check", "counter_example"}));
  EXPECT_EQ(json["caught"], true);
  GalleryResult held = result;
  held.verdict.outcome = Outcome::holds;
  held.verdict.counter_example.reset();
  EXPECT_EQ(gallery_json(held)["caught"], false);
  EXPECT_TRUE(gallery_json(held)["check"].is_null());
}

TEST(ClaimJson, has_the_fields_of_the_contract) {
  const Claim& claim = claims().front();
  Coverage coverage;
  const Json bare = claim_json(claim, coverage);
  EXPECT_EQ(keys(bare), (std::set<std::string>{"id", "finding", "title", "statement", "source", "judges", "expected", "minimum_cases", "covered",
                                               "property_test", "defects_rejected", "report_line"}));
  EXPECT_EQ(bare["covered"], false);
  EXPECT_TRUE(bare["property_test"].is_null());
  EXPECT_TRUE(bare["report_line"].is_null());
  coverage.property_test = PropertyEvidence{"name", 10, true, true};
  coverage.defects_rejected = {"defect"};
  coverage.report_line = true;
  const Json full = claim_json(claim, coverage);
  EXPECT_EQ(full["covered"], true);
  EXPECT_EQ(keys(full["property_test"]), (std::set<std::string>{"name", "cases", "passed", "fresh"}));
}

}  // namespace
}  // namespace slicecheck
