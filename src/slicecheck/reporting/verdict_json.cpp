#include "slicecheck/reporting/verdict_json.h"

#include <fmt/format.h>

#include <cmath>

#include "slicecheck/statistics/goodness_of_fit.h"

namespace slicecheck {

namespace {

Json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json optional_number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

Json matrix(const Points<double>& points) {
  Json rows = Json::array();
  for (Index k = 0; k < points.rows(); ++k) {
    Json row = Json::array();
    for (Index j = 0; j < points.cols(); ++j) row.push_back(number(points(k, j)));
    rows.push_back(std::move(row));
  }
  return rows;
}

Json counter_example_json(const CounterExample& example) {
  Json values = Json::object();
  for (const NamedValues& named : example.values) values[named.name] = matrix(named.values);
  if (example.size > 0) {
    values["size"] = example.size;
  } else {
    const LossCase& c = example.example;
    values["kind"] = c.kind;
    values["p"] = c.p;
    values["s"] = c.s;
    values["order"] = c.order;
    values["number"] = c.number;
  }
  return {{"check", example.check},
          {"observed", number(example.judgement.observed)},
          {"allowed", number(example.judgement.allowed)},
          {"found_at_case", example.found_at},
          {"values", std::move(values)}};
}

/// What the verdict's false-alarm probability is.
std::string confidence(const Verdict& verdict) {
  if (verdict.randomised_cases == 0) return "deterministic: every tolerance is derived from rounding";
  return fmt::format("{} of the cases are random tests, each with false-alarm probability {:g}; every other tolerance is derived from rounding",
                     verdict.randomised_cases, kTypedFalseAlarm);
}

}  // namespace

std::string outcome_in_words(const Verdict& verdict) {
  const std::string outcome(outcome_name(verdict.outcome));
  if (verdict.expected == Outcome::holds || verdict.outcome == Outcome::inconclusive) return outcome;
  return outcome + (verdict.as_declared() ? ", as declared" : fmt::format(", though declared {}", outcome_name(verdict.expected)));
}

std::string reproduce_command(const Verdict& verdict) {
  return fmt::format("slicecheck verify --claim {} --subject {} --seed {} --cases {}", verdict.claim, verdict.subject, verdict.seed, verdict.requested_cases);
}

Json verdict_json(const Verdict& verdict, const std::string& profile) {
  Json checks = Json::array();
  for (const auto& check : verdict.checks)
    checks.push_back(
        {{"name", check.name}, {"cases", check.cases}, {"worst_ratio", number(check.worst_ratio)}, {"tightness", optional_number(check.tightness)}});
  return {{"claim", verdict.claim},
          {"title", verdict.title},
          {"subject", verdict.subject},
          {"type", verdict.type},
          {"outcome", outcome_name(verdict.outcome)},
          {"expected", outcome_name(verdict.expected)},
          {"finding", verdict.expected == Outcome::refuted},
          {"cases", verdict.cases},
          {"skipped", verdict.skipped},
          {"kinds", verdict.kinds},
          {"worst_ratio", number(verdict.worst_ratio())},
          {"tightness", optional_number(verdict.tightness())},
          {"checks", std::move(checks)},
          {"not_run", verdict.not_run},
          {"confidence", confidence(verdict)},
          {"seed", verdict.seed},
          {"profile", profile},
          {"reproduce", reproduce_command(verdict)},
          {"detail", verdict.detail},
          {"counter_example", verdict.counter_example ? counter_example_json(*verdict.counter_example) : Json(nullptr)}};
}

Json gallery_json(const GalleryResult& result) {
  const auto& counter = result.verdict.counter_example;
  return {{"defect", result.defect},
          {"title", result.title},
          {"type", result.type},
          {"claim", result.claim},
          {"outcome", outcome_name(result.verdict.outcome)},
          {"caught", result.caught()},
          {"worst_ratio", number(result.verdict.worst_ratio())},
          {"check", counter ? Json(counter->check) : Json(nullptr)},
          {"counter_example", counter ? counter_example_json(*counter) : Json(nullptr)}};
}

Json claim_json(const Claim& claim, const Coverage& coverage) {
  Json property = nullptr;
  if (coverage.property_test)
    property = {{"name", coverage.property_test->name},
                {"cases", coverage.property_test->cases},
                {"passed", coverage.property_test->passed},
                {"fresh", coverage.property_test->fresh}};
  return {{"id", claim.id},
          {"title", claim.title},
          {"statement", claim.statement},
          {"source", claim.source},
          {"judges", claim.judges()},
          {"expected", outcome_name(claim.expected)},
          {"finding", claim.finding()},
          {"minimum_cases", claim.minimum_cases},
          {"covered", coverage.covered()},
          {"property_test", std::move(property)},
          {"defects_rejected", coverage.defects_rejected},
          {"report_line", coverage.report_line ? Json(*coverage.report_line) : Json(nullptr)}};
}

}  // namespace slicecheck
