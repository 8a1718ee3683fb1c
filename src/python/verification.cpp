#include "verification.h"

#include <pybind11/stl.h>

#include <utility>

#include "callable_loss.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/calling_thread.h"
#include "slicecheck/core/error.h"

namespace slicecheck::python {

namespace py = pybind11;

namespace {

/// The claims with these ids, or, for none, all that judge a loss.
std::vector<const Claim*> chosen_claims(const std::vector<std::string>& ids, const Subject& subject) {
  std::vector<const Claim*> chosen;
  for (const std::string& id : ids) chosen.push_back(&claim_by_id(id));
  if (ids.empty())
    for (const Claim& claim : claims())
      if (claim.applies_to(subject)) chosen.push_back(&claim);
  for (const Claim* claim : chosen)
    if (!claim->applies_to(subject)) reject("{} judges {}; it says nothing about a loss", claim->id, claim->judges());
  return chosen;
}

py::dict counter_example(const CounterExample& found) {
  py::dict values;
  for (const NamedValues& named : found.values) {
    py::array_t<double> array({named.values.rows(), named.values.cols()});
    Eigen::Map<Points<double>>(array.mutable_data(), named.values.rows(), named.values.cols()) = named.values;
    values[py::str(named.name)] = array;
  }
  py::dict out;
  out["check"] = found.check;
  out["observed"] = found.judgement.observed;
  out["allowed"] = found.judgement.allowed;
  out["note"] = found.judgement.note;
  out["case"] = found.found_at;
  out["kind"] = found.example.kind;
  out["values"] = values;
  return out;
}

py::dict as_dict(const Verdict& verdict) {
  py::list checks;
  for (const CheckEvidence& check : verdict.checks) {
    py::dict one;
    one["name"] = check.name;
    one["cases"] = check.cases;
    one["worst_ratio"] = check.worst_ratio;
    one["tightness"] = check.tightness;
    checks.append(one);
  }
  py::dict out;
  out["claim"] = verdict.claim;
  out["title"] = verdict.title;
  out["subject"] = verdict.subject;
  out["outcome"] = std::string(outcome_name(verdict.outcome));
  out["expected"] = std::string(outcome_name(verdict.expected));
  out["cases"] = verdict.cases;
  out["worst_ratio"] = verdict.worst_ratio();
  out["checks"] = checks;
  out["skipped"] = verdict.skipped;
  out["not_run"] = verdict.not_run;
  out["kinds"] = verdict.kinds;
  out["seed"] = verdict.seed;
  out["cases_per_check"] = verdict.requested_cases;
  out["detail"] = verdict.detail;
  out["counter_example"] = verdict.counter_example ? py::object(counter_example(*verdict.counter_example)) : py::object(py::none());
  return out;
}

py::list verify_callable(py::object f, std::string name, const std::vector<std::string>& ids, const Budget& budget, bool single, bool raise) {
  const CallableLoss loss(std::move(f), std::move(name), single, raise);
  const Subject subject = loss.subject();
  const std::vector<const Claim*> chosen = chosen_claims(ids, subject);
  SilentProgress progress;
  py::list out;
  for (const Claim* claim : chosen) {
    Verdict verdict;
    {
      const py::gil_scoped_release released;
      const OnCallingThread on_calling_thread;
      verdict = verify(*claim, subject, budget, progress);
    }
    loss.rethrow();
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    out.append(as_dict(verdict));
  }
  return out;
}

}  // namespace

void add_verification(py::module_& module) {
  module.def(
      "verify",
      [](py::object f, std::string name, const std::vector<std::string>& ids, std::uint64_t cases, std::uint64_t seed, bool single, bool raise) {
        return verify_callable(std::move(f), std::move(name), ids, {.cases = cases, .seed = seed}, single, raise);
      },
      py::arg("f"), py::arg("name"), py::arg("claims"), py::arg("cases"), py::arg("seed"), py::arg("single"), py::arg("raise_errors"));
  module.def("claims", [] {
    py::list out;
    for (const Claim& claim : claims()) {
      py::dict one;
      one["id"] = claim.id;
      one["title"] = claim.title;
      one["statement"] = claim.statement;
      one["judges"] = claim.judges();
      out.append(one);
    }
    return out;
  });
}

}  // namespace slicecheck::python
