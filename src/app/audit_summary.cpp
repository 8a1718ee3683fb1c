#include "audit_summary.h"

#include <algorithm>
#include <cmath>

#include "console.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::app {

namespace {

/// Numbers that JSON has no word for become null.
Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json_numbers(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(json_number(value));
  return out;
}

Json constants_json(const std::vector<AuditConstant>& constants) {
  Json out = Json::array();
  for (const AuditConstant& one : constants)
    out.push_back({{"name", one.name}, {"value", json_number(one.value)}, {"worth", one.worth}, {"formula", one.formula}});
  return out;
}

/// A cell of a table: nothing for what is not finite.
CsvTable::Cell cell(double value) { return std::isfinite(value) ? CsvTable::Cell(value) : CsvTable::Cell(std::string()); }

std::string sphere_sentence(const AuditSphere& s) {
  const auto broken = std::count_if(s.inner.begin(), s.inner.end(), [](double inner) { return !std::isfinite(inner); });
  if (broken > 0) return fmt::format("the gradient is not finite at {} of {} sampled points of ‖u‖ = {:.4g}", broken, s.inner.size(), s.radius);
  const double error = 3.0 * s.least_error;
  const std::string least =
      fmt::format("the least ⟨∇F, u⟩ at {} sampled points of ‖u‖ = {:.4g} is {:.3g} (standard error {:.2g})", s.inner.size(), s.radius, s.least, s.least_error);
  if (s.least > error) return least + ": descent points inwards at all of them, which certifies nothing about the others";
  if (s.least < -error) return fmt::format("{}: there the sphere holds u back (multiplier λ̂ = {:.3g})", least, s.multiplier);
  return least + ": not told from 0";
}

std::string outcome(Standing standing) {
  if (standing == Standing::fails) return "refuted";
  return standing == Standing::undecided ? "inconclusive" : "holds";
}

std::string measured(const AuditedAssumption& a) { return a.standing == Standing::on_ball ? "on B(0, R) only: " + a.evidence : a.evidence; }

void write_tables(const Audit& audit, const std::filesystem::path& folder) {
  CsvTable assumptions({"id", "assumption", "standing", "basis", "evidence"});
  for (const AuditedAssumption& a : audit.assumptions)
    assumptions.add({a.id, a.title, std::string(standing_name(a.standing)), std::string(basis_name(a.basis)), a.evidence});
  assumptions.write(folder / "assumptions.csv");

  CsvTable flags({"what", "claim", "weight", "theory", "effect", "advice"});
  for (const AuditFlag& f : audit.flags) flags.add({f.name, f.claim, std::string(f.harmless ? "harmless" : "against"), f.theory, f.effect, f.advice});
  flags.write(folder / "flags.csv");

  CsvTable constants({"name", "value", "worth", "formula"});
  for (const auto* list : {&audit.constants, &audit.suggestions})
    for (const AuditConstant& one : *list) constants.add({one.name, cell(one.value), one.worth, one.formula});
  constants.write(folder / "constants.csv");

  CsvTable sphere({"sphere", "radius", "point", "inner", "error"});
  for (const AuditSphere& s : audit.spheres)
    for (std::size_t k = 0; k < s.inner.size(); ++k) sphere.add({s.what, s.radius, static_cast<std::int64_t>(k + 1), cell(s.inner[k]), cell(s.error[k])});
  sphere.write(folder / "sphere.csv");

  // Logarithmic axes: what is not positive and finite is left out.
  const auto drawn = [](double value) { return std::isfinite(value) && value > 0.0; };
  CsvTable growth({"ray", "s", "image"});
  CsvTable curvature({"ray", "s", "curvature"});
  for (const AuditRay& ray : audit.rays) {
    for (std::size_t k = 0; k < ray.distance.size(); ++k)
      if (drawn(ray.image[k])) growth.add({ray.ray, ray.distance[k], ray.image[k]});
    for (std::size_t k = 0; k < ray.curved_at.size(); ++k)
      if (drawn(ray.curvature[k])) curvature.add({ray.ray, ray.curved_at[k], ray.curvature[k]});
  }
  growth.write(folder / "growth.csv");
  curvature.write(folder / "curvature.csv");
  CsvTable kinks({"line", "h", "second", "slope"});
  for (std::size_t i = 0; i < audit.zooms.size(); ++i)
    for (std::size_t k = 0; k < audit.zooms[i].width.size(); ++k)
      if (drawn(audit.zooms[i].second[k]))
        kinks.add({fmt::format("{} {}", i + 1, audit.zooms[i].line), audit.zooms[i].width[k], audit.zooms[i].second[k],
                   audit.zooms[i].second[k] / audit.zooms[i].width[k]});
  kinks.write(folder / "kinks.csv");
}

Json tables_json(const Audit& audit) {
  Json out = Json::array();
  const auto add = [&](const std::string& id, const std::string& title, const std::string& caption, Json columns) {
    out.push_back({{"id", id}, {"title", title}, {"caption", caption}, {"file", id + ".csv"}, {"columns", std::move(columns)}});
  };
  if (!audit.flags.empty())
    add("flags", "What the training does that the theory does not have", "",
        {column("what", "what", "s"), column("claim", "claim", "s"), column("weight", "weight", "s"), column("theory", "the theory has", "s"),
         column("effect", "here", "s"), column("advice", "change", "s")});
  add("constants", "Constants at u0, and what they suggest", "Heuristics are no theorems: their formulas are given.",
      {column("name", "constant", "s"), column("value", "value", ".4g"), column("worth", "worth", "s"), column("formula", "formula", "s")});
  add("sphere", "⟨∇F(u), u⟩ on spheres (T5)", "Means over 4 batches at sampled points. Where it is negative the ball holds u back. Sampled, not certified.",
      {column("sphere", "sphere", "s"), column("radius", "‖u‖", ".4g"), column("point", "point", "s"), column("inner", "⟨∇F, u⟩", ".3g"),
       column("error", "standard error", ".2g")});
  return out;
}

Json figures_json(const Audit& audit) {
  Json out = Json::array();
  const auto add = [&](const std::string& id, const std::string& title, const std::string& caption, const std::string& file, const std::string& x,
                       const std::string& x_label, const std::string& y_label, Json series, Json lines) {
    if (series.empty()) return;
    out.push_back({{"kind", "curves"},
                   {"id", id},
                   {"title", title},
                   {"caption", caption},
                   {"file", file},
                   {"x", x},
                   {"x_label", x_label},
                   {"y_label", y_label},
                   {"log_x", true},
                   {"log_y", true},
                   {"panels", {{{"title", ""}, {"series", std::move(series)}, {"lines", std::move(lines)}}}}});
  };
  const Json at_radius = {{{"x", audit.radius}, {"legend", "R"}}};
  Json images = Json::array(), curvatures = Json::array(), slopes = Json::array();
  const auto positive = [](double value) { return std::isfinite(value) && value > 0.0; };
  for (const AuditRay& ray : audit.rays) {
    if (std::any_of(ray.image.begin(), ray.image.end(), positive))
      images.push_back({{"label", ray.ray}, {"y", "image"}, {"where", {{"ray", ray.ray}}}, {"style", "line"}});
    if (std::any_of(ray.curvature.begin(), ray.curvature.end(), positive))
      curvatures.push_back({{"label", ray.ray}, {"y", "curvature"}, {"where", {{"ray", ray.ray}}}, {"style", "line"}});
  }
  for (std::size_t i = 0; i < audit.zooms.size(); ++i) {
    const std::string line = fmt::format("{} {}", i + 1, audit.zooms[i].line);
    if (std::any_of(audit.zooms[i].second.begin(), audit.zooms[i].second.end(), positive))
      slopes.push_back({{"label", fmt::format("{}: {}", line, audit.zooms[i].kind)}, {"y", "slope"}, {"where", {{"line", line}}}, {"style", "line"}});
  }
  add("growth", "‖T(u(s), x)‖ along rays", "Bounded in u (A4) only where a curve levels off.", "growth.csv", "s", "s", "largest ‖T‖", std::move(images),
      at_radius);
  add("curvature", "Second derivatives in u on the pieces, along rays",
      "Largest ‖∂²T[w, w]‖ over directions w and over points free of kinks (A5). Nothing is drawn where rounding hides it.", "curvature.csv", "s", "s", "‖∂²T‖",
      std::move(curvatures), at_radius);
  add("kinks", "Jumps of the slope at ever smaller widths",
      "‖T(s+h) − 2T(s) + T(s−h)‖/h where it is largest. Level: a kink. Falling with h: smooth. Rising as h falls: a jump or an unbounded slope (A2).",
      "kinks.csv", "h", "h", "jump of the slope", std::move(slopes), Json::array());
  return out;
}

}  // namespace

Json audit_json(const TrainingFile& file, const Audit& audit) {
  Json out{{"training", file.training.name}, {"answer", audit.answer},         {"worst", standing_name(audit.worst())},
           {"generator", audit.generator},   {"parameters", audit.parameters}, {"precision", audit.precision},
           {"source", audit.source},         {"target", audit.target},         {"radius", audit.radius},
           {"start_norm", audit.start_norm}, {"seed", file.training.seed}};
  Json assumptions = Json::array();
  for (const AuditedAssumption& a : audit.assumptions) {
    Json values = Json::object();
    for (const auto& [name, value] : a.numbers) values[name] = json_number(value);
    assumptions.push_back({{"id", a.id},
                           {"title", a.title},
                           {"statement", a.statement},
                           {"standing", standing_name(a.standing)},
                           {"basis", basis_name(a.basis)},
                           {"evidence", a.evidence},
                           {"more", a.more},
                           {"numbers", std::move(values)}});
  }
  out["assumptions"] = std::move(assumptions);
  Json flags = Json::array();
  for (const AuditFlag& f : audit.flags)
    flags.push_back({{"what", f.name}, {"claim", f.claim}, {"harmless", f.harmless}, {"theory", f.theory}, {"effect", f.effect}, {"advice", f.advice}});
  out["flags"] = std::move(flags);
  out["constants"] = constants_json(audit.constants);
  out["suggestions"] = constants_json(audit.suggestions);
  Json spheres = Json::array();
  for (const AuditSphere& s : audit.spheres)
    spheres.push_back({{"what", s.what},
                       {"radius", s.radius},
                       {"inner", json_numbers(s.inner)},
                       {"standard_error", json_numbers(s.error)},
                       {"least", json_number(s.least)},
                       {"least_standard_error", json_number(s.least_error)},
                       {"multiplier", json_number(s.multiplier)},
                       {"sentence", sphere_sentence(s)}});
  out["spheres"] = std::move(spheres);
  out["ties"] = {
      {"harmless", audit.harmless_ties}, {"harmful", audit.harmful_ties}, {"not_judged", audit.unjudged_ties}, {"batches_with_ties", audit.tied_batches}};
  return out;
}

std::string audit_text(const Audit& audit) {
  std::string out = fmt::format("{}: {} parameters, {} precision; x: {}; y: {}; ‖u0‖ = {:.4g}, R = {:.4g}\n\n", audit.generator, audit.parameters,
                                audit.precision, audit.source, audit.target, audit.start_norm, audit.radius);
  std::vector<std::vector<std::string>> rows{{"assumption", "standing", "basis", "evidence"}};
  for (const AuditedAssumption& a : audit.assumptions) {
    rows.push_back({a.id + " " + a.title, std::string(standing_name(a.standing)), std::string(basis_name(a.basis)), a.evidence});
    for (const std::string& more : a.more) rows.push_back({"", "", "", more});
  }
  out += aligned(rows) + "\n";
  for (const AuditFlag& f : audit.flags) {
    out += fmt::format("{} {} ({}): {}.\n", f.harmless ? "harmless:" : "against the theory:", f.name, f.claim, f.effect);
    if (!f.harmless) out += fmt::format("    the theory has {}; change: {}\n", f.theory, f.advice);
  }
  if (audit.flags.empty()) out += "The training does nothing that the theory does not have.\n";
  rows = {{"constant", "value", "worth", "formula"}};
  for (const auto* list : {&audit.constants, &audit.suggestions})
    for (const AuditConstant& one : *list)
      rows.push_back({one.name, std::isfinite(one.value) ? fmt::format("{:.4g}", one.value) : std::string("-"), one.worth, one.formula});
  out += "\n" + aligned(rows) + "\n";
  for (const AuditSphere& s : audit.spheres)
    out += fmt::format("The sphere of the {} radius (T5): {}.\n", s.what == "suggested" ? "suggested" : "training's", sphere_sentence(s));
  return out + "\n" + audit.answer + "\n";
}

void write_audit(const TrainingFile& file, const Audit& audit, const std::filesystem::path& folder) {
  write_tables(audit, folder);
  Json summary{{"name", file.training.name}, {"profile", "user"}, {"seed", file.training.seed}, {"title", "Audit of the training " + file.training.name}};
  summary["answer"] = audit.answer;
  summary["description"] = fmt::format(
      "{} ({} parameters), x: {}, y: {}, in {} precision; ‖u0‖ = {:.4g}, R = {:.4g}. \"certified\" follows from the structure of the generator; \"declared\" "
      "is what "
      "a law says of itself, and its draws agree; \"probed\" is what finitely many evaluations of T show: they can find a witness against an assumption, and "
      "where they find none the assumption holds as far as was looked.",
      audit.generator, audit.parameters, audit.source, audit.target, audit.precision, audit.start_norm, audit.radius);
  Json facts = Json::array();
  for (const AuditedAssumption& a : audit.assumptions)
    for (const std::string& more : a.more) facts.push_back(fmt::format("{}: {}.", a.id, more));
  for (const AuditSphere& s : audit.spheres) facts.push_back(fmt::format("T5: {}.", sphere_sentence(s)));
  summary["facts"] = std::move(facts);
  Json advice = Json::array();
  for (const AuditConstant& one : audit.suggestions)
    advice.push_back(advice_entry(one.name.starts_with("step") ? "How small must the step be?" : "How large must the ball be?",
                                  fmt::format("{} {:.4g}: {}.", one.name, one.value, one.worth), {one.formula}));
  summary["advice"] = std::move(advice);
  Json verdicts = Json::array();
  for (const AuditedAssumption& a : audit.assumptions)
    verdicts.push_back({{"claim", a.id},
                        {"what", fmt::format("{}, {}", a.title, basis_name(a.basis))},
                        {"statement", a.statement},
                        {"measured", measured(a)},
                        {"sample", a.basis == Basis::certified  ? "structure, and probes"
                                   : a.basis == Basis::declared ? "the laws, 2000 draws of each"
                                                                : "probes"},
                        {"confidence", "deterministic"},
                        {"outcome", outcome(a.standing)},
                        {"expected", "holds"}});
  summary["verdicts"] = std::move(verdicts);
  summary["departures"] = Json::array();
  summary["tables"] = tables_json(audit);
  summary["figures"] = figures_json(audit);
  summary["audit"] = audit_json(file, audit);
  write_json(folder / "summary.json", summary);
}

}  // namespace slicecheck::app
