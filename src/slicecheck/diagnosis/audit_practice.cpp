/// What a training does that the theory does not have.

#include <cmath>

#include "slicecheck/diagnosis/audit_parts.h"

namespace slicecheck {

std::vector<AuditFlag> practice_flags(const AuditContext& c, const CouplingFinding& coupling, const RegularityFindings& regularity) {
  const TrainingPractice& p = c.training.practice;
  std::vector<AuditFlag> flags;
  const auto against = [&](std::string name, std::string claim, std::string theory, std::string effect, std::string advice) {
    flags.push_back({std::move(name), std::move(claim), false, std::move(theory), std::move(effect), std::move(advice)});
  };
  const auto harmless = [&](std::string name, std::string claim, std::string theory, std::string effect) {
    flags.push_back({std::move(name), std::move(claim), true, std::move(theory), std::move(effect), "nothing"});
  };
  const auto tensors = static_cast<Index>(c.generator.tensors().size());
  if (p.projection == "tensors" && tensors > 1)
    against("per-tensor projection", "T4", "u, the whole vector, is projected onto B(0, r): N_r(u) is a ray",
            fmt::format("{} tensors go onto balls of their own: the limit set is that of a product of balls, of norm up to r√{}, not C_r", tensors, tensors),
            "project the whole vector: projection = \"whole\"");
  if (p.momentum > 0.0)
    against("momentum", "T1", "u⁺ = u − αφ: interpolated paths approach u' in −∂F(u)",
            fmt::format("with {} fixed as α falls the limit is the same flow, {:.3g} times faster, after an initial transient; no claim here covers it",
                        p.momentum, 1.0 / (1.0 - p.momentum)),
            "momentum = 0, or compare paths at times scaled by 1/(1 − momentum)");
  if (p.scheme == "adam")
    against("Adam", "T1", "u⁺ = u − αφ: the flow of F", "coordinates are rescaled by running moments of φ: the limit is no subgradient flow of F",
            "scheme = \"sgd\" or \"npsgd\"");
  if (p.schedule == "plateau")
    against("plateau schedule", "T1", "α is fixed during a run", "α depends on the losses seen, hence on the path: u is no Markov chain of one kernel",
            "schedule = \"constant\", and repeat with a smaller α");
  else if (p.schedule != "constant")
    against(fmt::format("{} schedule", p.schedule), "T1", "α is fixed during a run, and the runs with α, α/2, ... are compared",
            p.schedule == "cosine" || p.schedule == "linear" ? "the time, sum of the αs, is finite: the path stops where the schedule ends"
                                                             : "another theory (Robbins-Monro); no claim here covers it",
            "schedule = \"constant\"; compare several αs with `slicecheck regime`");
  if (!p.fresh_directions && c.y.cols() == 1)
    harmless("reused directions", "T1", "fresh uniform directions at every step", "in dimension 1 the directions are ±1, with the same loss");
  else if (!p.fresh_directions)
    against("reused directions", "T1", fmt::format("fresh uniform directions at every step: the mean of f is F"),
            fmt::format("descends the loss of {} fixed direction{}: another F, and no finite number of directions tells all clouds apart", p.directions,
                        p.directions == 1 ? "" : "s"),
            "fresh_directions = true");
  else if (p.directions > 1)
    harmless("several directions a step", "T1", "one direction a step",
             fmt::format("the mean over {} is an unbiased estimate of the same gradient, less noisy", p.directions));
  if (p.sampling == "cycling")
    against("no shuffling", "T1", "independent fresh batches, drawn with replacement",
            fmt::format("{} pairs in a fixed order: as α falls the path follows the flow of the mean loss of these batches, which is not F", p.pairs),
            "sampling = \"fresh\"");
  if (p.sampling == "shuffled")
    against("shuffled epochs", "T1", "independent batches, drawn with replacement",
            fmt::format("batches of an epoch are drawn without replacement from {} pairs: not independent; as α falls the limit is the flow of the mean "
                        "over their batches, "
                        "near F where the pairs are many; errors are smaller than with fresh batches",
                        p.pairs),
            "sampling = \"fresh\", or read the results as those of the finite law on the pairs");
  if (coupling.coupled)
    against("samples coupled", "A2", "T(u, x_i) is a function of u and x_i",
            fmt::format("T at one input changes by {:.3g} where only another row of the batch changes (batch normalisation in training mode does that)",
                        coupling.change),
            "call eval() before saving, or normalise within a sample (layer or instance normalisation)");
  if (p.noise > 0.0 && p.noise_scale == "sqrt-alpha")
    against("noise of order √α", "T6", "noise α·a·ε: over a fixed time its variance is a²Sα, which vanishes with α",
            fmt::format("over time S it is a²S = {:.3g} for every α: paths do not approach the flow, and u stays spread",
                        p.noise * p.noise * p.step_size * static_cast<double>(p.steps)),
            "noise_scale = \"alpha\"");
  if (p.scheme == "npsgd" && p.noise == 0.0)
    against("no noise in NPSGD", "T4", "noise a > 0: its law has a density, so that kinks and ties are met with probability 0",
            "T4 is not stated for a = 0; with a start of a continuous law and an admissible α T1 still is", "noise > 0");
  if (p.projection != "none" && p.radius > 0.0 && p.projection != "tensors" && c.u0.norm() > p.radius)
    against("start outside the ball", "T4", "u0 in B(0, r)",
            fmt::format("‖u0‖ = {:.4g} and r = {:.4g}: the first step throws u0 onto the sphere, at which the law of u0 has no density", c.u0.norm(), p.radius),
            fmt::format("radius above {:.4g}, or a smaller start", c.u0.norm()));
  if (!c.training.source->support_radius())
    against("unbounded source", "A3", "laws of bounded support",
            fmt::format("{}: K_F and sup ‖T‖ are not finite over it; far inputs are rare, not absent", c.training.source->name()),
            "truncated = R in [source], or atoms = N");
  for (const NamedZoom& at : regularity.at_start)
    if (at.zoom.kind != Irregularity::smooth && at.zoom.certain) {
      against("start on a kink", "T1", "u0 has an absolutely continuous law: it is on no kink, almost surely",
              fmt::format("along \"{}\" T has a {} at u0 itself (slope jump {:.3g})", at.line, irregularity_name(at.zoom.kind), at.zoom.slope_jump),
              "start from normals of small spread in place of zeros");
      break;
    }
  return flags;
}

}  // namespace slicecheck
