#pragma once
/// Many cases of the checks of one claim on subjects that are not losses.

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "slicecheck/claims/claim.h"
#include "slicecheck/core/parallel.h"
#include "support/process.h"

namespace slicecheck::testing {

struct CheckRun {
  int judged = 0;
  int skipped = 0;
  int refused = 0;
  double worst = 0.0;
  std::string note;
};

/// Cases 0, 1, …, at sizes 1, 2, …, largest, 1, …; what throws is refused.
template <class Subject>
CheckRun run_check(const TypedCheck<Subject>& check, const Subject& subject, int cases, std::uint32_t number = 0) {
  std::vector<Judgement> judgements(static_cast<std::size_t>(cases));
  parallel_for(cases, [&](Index i) {
    const RandomStream stream(test_seed(), Purpose::cases, 9000 + number, static_cast<std::uint64_t>(i));
    judgements[static_cast<std::size_t>(i)] = judge(check, subject, stream, 1 + static_cast<int>(i) % check.largest).judgement;
  });
  CheckRun run;
  for (const Judgement& judgement : judgements) {
    if (!judgement.skipped.empty()) {
      ++run.skipped;
      continue;
    }
    ++run.judged;
    if (!(judgement.ratio() <= run.worst)) run.worst = judgement.ratio();
    if (judgement.refutes() && run.refused++ == 0) run.note = judgement.note;
  }
  return run;
}

/// Every check holds for the subject on so many cases, all judged.
template <class Subject>
void expect_all_hold(const std::vector<TypedCheck<Subject>>& checks, const Subject& subject, int cases) {
  for (std::size_t j = 0; j < checks.size(); ++j) {
    const CheckRun run = run_check(checks[j], subject, cases, static_cast<std::uint32_t>(j));
    EXPECT_EQ(run.refused, 0) << subject.name << ", " << checks[j].name << ": worst " << run.worst << ' ' << run.note;
    EXPECT_EQ(run.judged, cases) << subject.name << ", " << checks[j].name;
    std::cout << subject.name << " | " << checks[j].name << (checks[j].randomised ? " | largest level / p-value " : " | largest observed / allowed ")
              << run.worst << '\n';
  }
}

/// The names of the checks that refuse the subject within so many cases.
template <class Subject>
std::set<std::string> refusing_checks(const std::vector<TypedCheck<Subject>>& checks, const Subject& subject, int cases) {
  std::set<std::string> refusing;
  for (std::size_t j = 0; j < checks.size(); ++j)
    if (run_check(checks[j], subject, cases, static_cast<std::uint32_t>(j)).refused > 0) refusing.insert(checks[j].name);
  return refusing;
}

/// The named defects are refused by the named checks, at least, within so many cases; and each check is named.
template <class Subject, class Defect>
void expect_refusals(const std::vector<TypedCheck<Subject>>& checks, const std::vector<Defect>& defects,
                     const std::map<std::string, std::set<std::string>>& expected, int cases) {
  std::set<std::string> named;
  std::size_t found = 0;
  for (const Defect& defect : defects) {
    const auto entry = expected.find(defect.name);
    if (entry == expected.end()) continue;
    ++found;
    const auto by = refusing_checks(checks, defect.subject, cases);
    for (const std::string& check : entry->second) EXPECT_TRUE(by.contains(check)) << check << " does not refuse " << defect.name;
    named.insert(entry->second.begin(), entry->second.end());
  }
  EXPECT_EQ(found, expected.size()) << "a defect is not in the gallery";
  for (const auto& check : checks) EXPECT_TRUE(named.contains(check.name)) << check.name << " is seen to refuse nothing";
}

}  // namespace slicecheck::testing
