/// T6 as it is shown.

#include "npsgd_neighbourhood.h"
#include "summary.h"

namespace slicecheck::npsgd {

Json explosion_figure() {
  Json series = Json::array();
  for (const char* radius : {"R = 2", "R = 4", "R = 8"})
    series.push_back({{"label", radius}, {"y", "share"}, {"low", "low"}, {"high", "high"}, {"where", {{"radius", radius}}}, {"style", "line"}});
  return curves(
      "explosion", "A5 broken: T = u + u³ explodes from far away",
      "Share of runs from |u0| ≈ R that are beyond 1000 R within 200 steps, against α as a multiple of 1/(3R⁴); Clopper and Pearson's 95 % intervals. A "
      "step from u changes it by about −6αu⁵, and overshoots once this exceeds 2|u|. The curves for all R jump near 1, the sooner the smaller R, where "
      "lower powers of u count: for every R there is an α small enough, and no α for all R.",
      "explosion.csv", "multiple", "α · 3R⁴", "share of runs that explode", true, false, {{{"title", ""}, {"series", std::move(series)}}});
}

Json pieces_figure() {
  Json series = Json::array();
  series.push_back({{"label", "to the flow of the mean slope"}, {"y", "average"}, {"low", "average_low"}, {"high", "average_high"}, {"style", "line"}});
  series.push_back({{"label", "to the subgradient flow of F"}, {"y", "pieces"}, {"low", "pieces_low"}, {"high", "pieces_high"}, {"style", "line"}});
  return curves(
      "pieces", "A7 at the scale of the step: T with slopes ±1 on small pieces",
      "Median distance between SGD at flow time 4 and two flows, with distribution-free 95 % intervals, against α in units of the pieces. Steps longer than "
      "a piece see slopes at random and follow their mean; much shorter ones are held at the first tooth, as the flow of F is. Without A7, with pieces of "
      "all sizes, every step is a long one.",
      "pieces.csv", "ratio", "α / length of a piece", "median distance at the end", true, false, {{{"title", ""}, {"series", std::move(series)}}});
}

Json assumptions_table() {
  return {
      {"id", "assumptions"},
      {"title", "One assumption broken at a time"},
      {"caption",
       "Each on the line, where everything else is known. Outcome: what the measured numbers say of the claim (of the distances falling with α); where the "
       "prediction is "
       "that it fails, \"refuted\" is what should be found. Where nothing happens, the assumption is one that the proof asks for and this training does not."},
      {"file", "assumptions.csv"},
      {"columns",
       {column("assumption", "broken", "s"), column("run", "what was run", "s"), column("claim", "claim", "s"), column("prediction", "prediction", "s"),
        column("measured", "measured", "s"), column("outcome", "outcome", "s")}}};
}

}  // namespace slicecheck::npsgd
