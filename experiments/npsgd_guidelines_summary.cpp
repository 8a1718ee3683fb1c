/// Tables and figures of experiment `npsgd-guidelines`, by declaration.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "npsgd_guidelines.h"

namespace slicecheck::guidelines {

namespace {

Json interval_column(const std::string& name, const std::string& header, const std::string& format) {
  return column(name, header, format, name + "_low", name + "_high");
}

/// The columns that a question's file begins with; `x_header` is what the sweep varies.
Json first(const std::string& x_header, std::initializer_list<Json> others) {
  Json out{column("target", "target", "s"), column("setting", x_header, "s"), interval_column("F", "F(u)", ".3g")};
  for (const Json& other : others) out.push_back(other);
  out.push_back(column("diverged", "diverged", ".0f"));
  return out;
}

Json table(const std::string& id, const std::string& title, const std::string& caption, Json columns) {
  return {{"id", id}, {"title", title}, {"caption", caption}, {"file", id + ".csv"}, {"columns", std::move(columns)}};
}

Json curves(const std::string& id, const std::string& title, const std::string& caption, Question q, const std::string& x_label, const std::string& y_label,
            bool log_y, Json panels) {
  return {{"kind", "curves"},   {"id", id},           {"title", title}, {"caption", caption}, {"file", question_name(q) + ".csv"}, {"x", "x"},
          {"x_label", x_label}, {"y_label", y_label}, {"log_x", true},  {"log_y", log_y},     {"panels", std::move(panels)}};
}

Json series(const std::string& label, const std::string& y, Json where) {
  return {{"label", label}, {"y", y}, {"low", y + "_low"}, {"high", y + "_high"}, {"where", std::move(where)}, {"style", "line"}};
}

/// One panel a target, each from `make(target)`.
template <class Make>
Json panels_of(const Results& results, Question q, const Design& design, const Make& make) {
  Json out = Json::array();
  for (const std::size_t target : results.targets(q)) {
    Json panel = make(target);
    panel["title"] = design.targets[target].title;
    out.push_back(std::move(panel));
  }
  return out;
}

/// Series over a sweep, without the reference: its x is 0.
Json sweep_series(std::size_t target, const Design& design, const std::string& label, const std::string& y) {
  return series(label, y, {{"target", design.targets[target].title}, {"sweep", "yes"}});
}

/// A line for reference that the figure's legend explains; none where there is no number.
void push_line(Json& lines, const std::string& axis, double place, const std::string& legend, const std::string& label = "") {
  if (std::isfinite(place)) lines.push_back({{axis, place}, {"label", label}, {"legend", legend}});
}

Json norm_line(const Results& results, std::size_t target) {
  const double norm = results.reference(Question::radius, target).mean(kNorm).mean;
  Json lines = Json::array();
  push_line(lines, "x", norm, "‖u‖ of plain SGD", fmt::format("{:#.3g}", norm));
  return lines;
}

Json radius_figures(const Results& results, const Design& design) {
  constexpr auto q = Question::radius;
  const auto with_norm = [&](const std::string& y, bool floor) {
    return panels_of(results, q, design, [&](std::size_t target) {
      Json lines = norm_line(results, target);
      if (floor) push_line(lines, "y", results.reference(q, target).geometric_mean(kF).mean, "F of plain SGD");
      return Json{{"series", {sweep_series(target, design, "NPSGD", y)}}, {"lines", std::move(lines)}};
    });
  };
  return {
      curves("radius-objective", "How large must r be: F",
             fmt::format("F(u) after {} steps, geometric mean over {} replicates with a 95 % t-interval of the logarithm. Vertical: ‖u‖ of plain SGD after "
                         "as many steps from the same "
                         "u₀. u₀ is projected where r < ‖u₀‖.",
                         design.steps, design.replicates),
             q, "radius r", "F(u)", true, with_norm("F", true)),
      curves("radius-boundary", "How large must r be: steps on the sphere",
             "Share of the last half of the steps that end with ‖u‖ ≥ r(1 − 10⁻⁶), with a 95 % t-interval over the replicates. Vertical: ‖u‖ of plain "
             "SGD after as many steps.",
             q, "radius r", "share of late steps", false, with_norm("boundary", false)),
      curves(
          "radius-multiplier", "How large must r be: the multiplier",
          fmt::format(
              "λ̂ = max(0, −⟨ĝ, u⟩)/r² at the end, mean over the replicates with a 95 % t-interval; ĝ is a mean over {} fresh batches with {} "
              "directions each. Dashed: the standard error of ⟨ĝ, u⟩/r² over these batches, below which nothing can be seen. An interval that reaches to 0 is "
              "shaded down to the bottom of the panel. Vertical: ‖u‖ of plain SGD after as many steps.",
              design.gradient_batches, design.gradient_directions),
          q, "radius r", "multiplier λ̂", true, panels_of(results, q, design, [&](std::size_t target) {
            Json noise = sweep_series(target, design, "noise of the estimate", "pull_noise");
            noise.erase("low");
            noise.erase("high");
            noise["style"] = "dashed";
            return Json{{"series", {sweep_series(target, design, "multiplier λ̂", "multiplier"), noise}}, {"lines", norm_line(results, target)}};
          }))};
}

Json noise_figure(const Results& results, const Design& design) {
  constexpr auto q = Question::noise;
  const double root = std::sqrt(static_cast<double>(design.generator->parameters()));
  return curves("noise-objective", "Which noise a",
                fmt::format("F(u) after {} steps at r = {:g} and α = {:g}, geometric mean over {} replicates with a 95 % t-interval of the logarithm. "
                            "Vertical: the a at which a step's noise, "
                            "of norm α·a·√d_u, is as long as the gradient's step ‖αφ‖ of the training without noise.",
                            design.steps, design.radius, design.step_size, design.replicates),
                q, "noise a", "F(u)", true, panels_of(results, q, design, [&](std::size_t target) {
                  const Measured& quiet = results.reference(q, target);
                  Json lines = Json::array();
                  push_line(lines, "y", quiet.geometric_mean(kF).mean, "without noise (a = 0)");
                  push_line(lines, "x", quiet.mean(kGradient).mean / root, "noise as long as ‖αφ‖");
                  return Json{{"series", {sweep_series(target, design, "NPSGD", "F")}}, {"lines", std::move(lines)}};
                }));
}

Json schedule_figure(const Results& results, const Design& design) {
  constexpr auto q = Question::schedule;
  return curves(
      "schedule-objective", "Which schedule",
      fmt::format("F(u) after {} steps against the first step size, geometric mean over {} replicates with a 95 % t-interval of the logarithm. "
                  "Linear and cosine end at 0. The bands are of F over the problems; the ratios in the table, on which the advice rests, compare the schedules "
                  "within each problem.",
                  design.steps, design.replicates),
      q, "first step size α₀", "F(u)", true, panels_of(results, q, design, [&](std::size_t target) {
        Json all = Json::array();
        std::vector<std::string> seen;
        for (const Measured* m : results.sweep(q, target)) {
          if (std::find(seen.begin(), seen.end(), m->arm.label) != seen.end()) continue;
          seen.push_back(m->arm.label);
          all.push_back(series(m->arm.label, "F", {{"target", design.targets[target].title}, {"setting", m->arm.label}}));
        }
        return Json{{"series", std::move(all)}};
      }));
}

Json atoms_figure(const Results& results, const Design& design) {
  constexpr auto q = Question::atoms;
  return curves(
      "atoms-objective", "How many atoms",
      fmt::format("F(u) after {} steps of training on N atoms, against the continuous source they were drawn from and against the N atoms themselves; "
                  "geometric mean over {} replicates with a 95 % t-interval of the logarithm. Line: training on the continuous source.",
                  design.steps, design.replicates),
      q, "atoms of the source", "F(u)", true, panels_of(results, q, design, [&](std::size_t target) {
        Json lines = Json::array();
        push_line(lines, "y", results.reference(q, target).geometric_mean(kFSource).mean, "trained on the source itself");
        return Json{
            {"series",
             {sweep_series(target, design, "F for the continuous source", "F_source"), sweep_series(target, design, "F for the atoms themselves", "F")}},
            {"lines", std::move(lines)}};
      }));
}

Json infinity_figures(const Results& results, const Design& design) {
  constexpr auto q = Question::infinity;
  const auto panels = [&](const std::string& y, bool guide) {
    return panels_of(results, q, design, [&](std::size_t target) {
      Json all = Json::array();
      Json lines = Json::array();
      for (std::size_t level = 0; level < design.levels(); ++level) {
        all.push_back(series(design.level_name(level), y, {{"target", design.targets[target].title}, {"level", design.level_name(level)}}));
        const Measured& slowest = *results.sweep(q, target).front();
        const double steps = slowest.geometric_mean(kHits + static_cast<Index>(level)).mean;
        if (guide && lines.empty() && std::isfinite(steps))
          lines.push_back({{"slope", -1.0}, {"through", {slowest.arm.x, 0.7 * steps}}, {"legend", "slope −1"}});
      }
      return Json{{"series", std::move(all)}, {"lines", std::move(lines)}};
    });
  };
  const std::string how = fmt::format(
      "Geometric mean over {} replicates with a 95 % t-interval of the logarithm; a level that some replicate did not reach has no "
      "value. F is looked at about four times in a doubling of the time, on {} batches.",
      design.replicates, design.along.batches);
  return {curves("infinity-steps", "How many steps until F falls below a level", how, q, "step size α", "steps", true, panels("steps", true)),
          curves("infinity-time", "The same in flow time αt", "The numbers of steps of the figure above, times α.", q, "step size α", "flow time αt", true,
                 panels("time", false))};
}

}  // namespace

Json tables_json(const Design& design) {
  const std::string means = fmt::format("Means over {} replicates with 95 % t-intervals; F and ratios: geometric means, from logarithms. ", design.replicates);
  const std::string ratio = "Ratio: geometric mean over the replicates of ";
  return {
      table("radius", "The radius r",
            means +
                "On the sphere: share of the last half of the steps. Pull: −⟨ĝ, u⟩/r² with a fresh mean gradient ĝ (r = ‖u‖ for plain SGD); noise: its mean "
                "standard "
                "error over the fresh batches; λ̂: mean of max(0, pull), which noise alone keeps above 0. " +
                ratio + "F over that of plain SGD.",
            first("r", {interval_column("ratio", "ratio", ".3g"), interval_column("boundary", "on the sphere", ".3f"), interval_column("pull", "pull", ".2g"),
                        column("pull_noise", "noise", ".2g"), interval_column("multiplier", "λ̂", ".2g"), column("initial_norm", "‖u₀‖", ".4g"),
                        interval_column("norm", "‖u_T‖", ".4g"), interval_column("moved", "‖u_T − u₀‖", ".3g")})),
      table("noise", "The noise a", means + "Step lengths: ‖αφ‖ is a mean over the last half of the steps. " + ratio + "F over that with a = 0.",
            first("a", {interval_column("ratio", "ratio", ".3g"), column("noise_step", "α·a·√d_u", ".2g"), interval_column("gradient_step", "‖αφ‖", ".2g"),
                        column("noise_over_gradient", "noise/gradient", ".2g"), interval_column("norm", "‖u_T‖", ".4g"),
                        interval_column("moved", "‖u_T − u₀‖", ".3g")})),
      table("schedule", "The schedule",
            means + "All with the same number of steps; Σα is the flow time that they reach. " + ratio + "F over that of the constant step with the same α₀.",
            first("schedule", {column("x", "α₀", ".3g"), interval_column("ratio", "ratio", ".3g"), column("flow_time", "Σα", ".3g"),
                               interval_column("moved", "‖u_T − u₀‖", ".3g")})),
      table("atoms", "The atoms of the source",
            means + "F(u) is for the atoms that were trained on. Gap: F for the continuous source less that. " + ratio +
                "F for the continuous source over that of the training on it.",
            first("atoms", {interval_column("F_source", "F, continuous source", ".3g"), interval_column("ratio", "ratio", ".3g"),
                            interval_column("gap", "gap", ".2g")})),
      table(
          "infinity", "Steps to a level",
          means +
              "Steps and time: geometric means of the first look at which F is at or below the level; empty where some replicate did not get there. Last half: "
              "F(u_T)/F(u_{T/2}).",
          first("α", {column("level", "level", "s"), column("reached", "reached by", ".0f"), interval_column("steps", "steps", ".3g"),
                      interval_column("time", "flow time", ".3g"), column("run_steps", "steps in all", ".0f"), interval_column("fall", "last half", ".3g")}))};
}

Json figures_json(const Results& results, const Design& design) {
  Json out = radius_figures(results, design);
  out.push_back(noise_figure(results, design));
  out.push_back(schedule_figure(results, design));
  out.push_back(atoms_figure(results, design));
  for (Json& figure : infinity_figures(results, design)) out.push_back(std::move(figure));
  return out;
}

}  // namespace slicecheck::guidelines
