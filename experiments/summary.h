#pragma once
/// The parts of summary.json (docs/formats.md) that several experiments declare alike.

#include <string>
#include <vector>

#include "arm.h"
#include "slicecheck/reporting/manifest.h"

namespace slicecheck {

/// A column of a declared table.
Json column(const std::string& name, const std::string& header, const std::string& format);
/// A column with an interval.
Json column(const std::string& name, const std::string& header, const std::string& format, const std::string& low, const std::string& high);

/// What W_2² in the table is taken between.
std::string w2_sentence(const EvaluationSettings& evaluation);

/// The F that the report prints for these very settings, or a dash.
std::string report_cell(const std::optional<double>& f);

/// One row of "where the report's own settings depart from the theory".
Json departure(const std::string& setting, const std::string& report, const std::string& theory, const std::string& here);

/// For an experiment whose data are not there: prints NAME: `why`, and writes a summary of this one fact. `why` begins with "not run".
void write_not_run(const ExperimentContext& context, const std::string& title, const std::string& description, const std::string& why);

/// One row of "advice": a question, the sentence that answers it, and short facts that the sentence rests on.
Json advice_entry(const std::string& question, const std::string& sentence, const std::vector<std::string>& evidence);

/// F with its interval against the step, from evaluations.csv: one panel per target, one curve per variant, the floor as a line.
Json objective_figure(const std::vector<ArmResult>& results, const std::vector<std::pair<std::string, double>>& floors);

/// The recorded minibatch loss, or another column of trajectory.csv, against the step: one panel per target.
Json trajectory_figure(const std::vector<ArmResult>& results, const std::string& id, const std::string& title, const std::string& caption, const std::string& y,
                       const std::string& y_label, bool log_y);

/// The targets of the arms, and their variants, each once, in order.
std::vector<std::string> targets_of(const std::vector<ArmResult>& results);
std::vector<std::string> variants_of(const std::vector<ArmResult>& results);

}  // namespace slicecheck
