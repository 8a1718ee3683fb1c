#include "slicecheck/diagnosis/audit.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/diagnosis/audit_parts.h"

namespace slicecheck {

namespace {

/// The first zoom that is certainly of one of these kinds.
const NamedZoom* first_of(const std::vector<NamedZoom>& zooms, std::initializer_list<Irregularity> kinds) {
  for (const NamedZoom& zoom : zooms)
    if (zoom.zoom.certain && std::find(kinds.begin(), kinds.end(), zoom.zoom.kind) != kinds.end()) return &zoom;
  return nullptr;
}

AuditedAssumption named(std::string id, std::string title, std::string statement) {
  AuditedAssumption a;
  a.id = std::move(id);
  a.title = std::move(title);
  a.statement = std::move(statement);
  return a;
}

std::string told(const NamedZoom& z) {
  if (!z.zoom.finite) return fmt::format("not finite on \"{}\" at s = {:.6g}", z.line, z.zoom.where);
  const double h = z.zoom.width.empty() ? 0.0 : z.zoom.width.back();
  switch (z.zoom.kind) {
    case Irregularity::jump: return fmt::format("a jump of {:.3g} on \"{}\" at s = {:.6g}, still there at h = {:.2g}", z.zoom.size, z.line, z.zoom.where, h);
    case Irregularity::kink: return fmt::format("slope jump {:.3g} on \"{}\"", z.zoom.slope_jump, z.line);
    default:
      return fmt::format("{} on \"{}\" at s = {:.6g}: second differences fall like h^{:.2f} down to h = {:.2g}", irregularity_name(z.zoom.kind), z.line,
                         z.zoom.where, z.zoom.exponent, h);
  }
}

/// Isolated kinks are met at the width of rounding with next to no probability; at every place of a line they are not isolated.
bool no_pieces(const RegularityFindings& r) { return r.places_of_line > 0 && r.roughest == r.places_of_line; }

struct Findings {
  RegularityFindings regularity;
  GrowthFindings growth;
  PathFindings paths;
  CouplingFinding coupling;
};

AuditedAssumption a1(const AuditContext& c, const Findings& f) {
  AuditedAssumption a = named("A1", "piecewise C² in u",
                              "For every x, T(·, x) is twice continuously differentiable on open pieces that fill the space of u up to a set of measure 0.");
  const RegularityFindings& r = f.regularity;
  const auto looked = static_cast<Index>(r.at_random.size());
  a.numbers = {{"random_places", static_cast<double>(looked)}, {"rough_places", static_cast<double>(r.rough)}};
  const NamedZoom* const kink = first_of(r.in_u, {Irregularity::kink});
  if (no_pieces(r)) {
    a.standing = Standing::fails;
    a.evidence = fmt::format("rough at all {} random places of \"{}\": no piece around any of them", r.places_of_line, r.roughest_line);
    for (const NamedZoom& z : r.at_random)
      if (z.line == r.roughest_line && a.more.empty()) a.more.push_back(told(z));
  } else if (2 * r.roughest >= r.places_of_line) {
    a.evidence = fmt::format("rough at {} of {} random places of \"{}\", as far down as rounding lets see: double precision, or more places, would decide",
                             r.roughest, r.places_of_line, r.roughest_line);
  } else if (2 * r.unclear > looked && !c.structure.known) {
    a.evidence = fmt::format("too few halvings above rounding at {} of {} random places: double precision would decide", r.unclear, looked);
  } else {
    a.standing = Standing::holds;
    a.basis = c.structure.known ? Basis::certified : Basis::probed;
    a.evidence = c.structure.known
                     ? fmt::format("{}: finitely many pieces, on each of them T is analytic in u", c.structure.description)
                     : fmt::format("smooth at {} of {} random places down to rounding; irregular places are isolated", looked - r.rough - r.unclear, looked);
    if (c.structure.known) a.more.push_back(fmt::format("probed: smooth at {} of {} random places", looked - r.rough - r.unclear, looked));
  }
  if (c.base != c.u0)
    a.more.push_back(fmt::format("u0 does not lie well inside B(0, R), ‖u0‖ = {:.4g}: lines \"through u0\" go through 0.9 R u0/‖u0‖", c.u0.norm()));
  a.more.push_back(kink != nullptr ? "kinks met: " + told(*kink) : std::string("no kinks met"));
  return a;
}

AuditedAssumption a2(const AuditContext& c, const Findings& f) {
  AuditedAssumption a =
      named("A2", "Lipschitz in (u, x) on bounded sets", "T is a function of (u, x), Lipschitz on every bounded set; a batch is T at each of its points.");
  const RegularityFindings& r = f.regularity;
  const auto bad = {Irregularity::jump, Irregularity::root, Irregularity::pole};
  const NamedZoom* in_ball = first_of(r.in_u, bad);
  if (in_ball == nullptr) in_ball = first_of(r.in_x, bad);
  const NamedZoom* const beyond = first_of(r.beyond, bad);
  const std::string constants =
      r.certified_u ? fmt::format("in u {:.4g} on B(0, {:.4g}) for ‖x‖ ≤ {:.4g} (certified; {:.4g} seen), in x {:.4g} (estimated: a lower bound)",
                                  *r.certified_u, c.radius, r.certified_for, r.lipschitz_u, r.lipschitz_x)
                    : fmt::format("in u {:.4g}, in x {:.4g} on B(0, {:.4g}) (estimated: lower bounds)", r.lipschitz_u, r.lipschitz_x, c.radius);
  a.numbers = {{"lipschitz_u_estimated", r.lipschitz_u}, {"lipschitz_x_estimated", r.lipschitz_x}};
  if (r.certified_u) a.numbers["lipschitz_u_certified"] = *r.certified_u;
  if (f.coupling.coupled) {
    a.standing = Standing::fails;
    a.evidence = fmt::format("no function of (u, x): T at one input moves by {:.3g} where only another row of the batch changes (rounding: {:.1g})",
                             f.coupling.change, f.coupling.allowed);
  } else if (in_ball != nullptr) {
    a.standing = Standing::fails;
    a.evidence = told(*in_ball);
  } else if (beyond != nullptr) {
    a.standing = Standing::on_ball;
    a.evidence = "beyond R: " + told(*beyond);
  } else {
    a.standing = Standing::holds;
    a.basis = c.structure.known ? Basis::certified : Basis::probed;
    a.evidence = constants;
    return a;
  }
  a.more.push_back(constants);
  return a;
}

/// What a law says of itself, and whether its draws agree.
struct LawLook {
  bool bounded = false, finite = false;
  std::string sentence, witness;
  double radius = 0.0;
};

LawLook look_at(const Law& law, const char* what, const AuditContext& c, std::uint32_t number) {
  constexpr Index kDraws = 2000;
  constexpr Index kAtomsCompared = 4096;
  LawLook out;
  const auto radius = law.support_radius();
  const Points<double> drawn = law.sample<double>(RandomStream(c.options.seed, Purpose::law, 0xA0DBU + number, 0), kDraws);
  Index farthest = 0;
  const double largest = drawn.rowwise().norm().maxCoeff(&farthest);
  out.bounded = radius.has_value();
  out.radius = radius.value_or(largest);
  out.sentence = radius ? fmt::format("‖{}‖ ≤ {:.4g} ({})", what, *radius, law.name()) : fmt::format("{} has no bounded support ({})", what, law.name());
  // A draw is d numbers, each rounded.
  if (radius && largest > *radius * (1.0 + 1e-12 * std::sqrt(static_cast<double>(law.dimension())))) {
    out.bounded = false;
    out.witness = fmt::format("{} says that its support has radius {:.6g}, and draw {} has norm {:.6g}", law.name(), *radius, farthest + 1, largest);
  }
  out.finite = law.atom_count() > 0;
  if (out.finite && law.atom_count() <= kAtomsCompared) {
    Points<double> atoms(law.atom_count(), law.dimension());
    for (Index k = 0; k < atoms.rows(); ++k) atoms.row(k) = law.atom(k);
    for (Index k = 0; k < 64; ++k)
      if ((atoms.rowwise() - drawn.row(k)).rowwise().squaredNorm().minCoeff() != 0.0) {
        out.finite = false;
        out.witness = fmt::format("{} says that it has {} atoms, and draw {} is none of them", law.name(), law.atom_count(), k + 1);
        break;
      }
  }
  return out;
}

AuditedAssumption of_laws(const AuditContext& c, bool finite) {
  AuditedAssumption a;
  a.id = finite ? "A6" : "A3";
  a.title = finite ? "finite laws" : "bounded supports";
  a.statement = finite ? "x and y take finitely many values." : "The supports of x and y are bounded.";
  a.basis = Basis::declared;
  const LawLook x = look_at(*c.training.source, "x", c, 1);
  const LawLook y = look_at(*c.training.target, "y", c, 2);
  const bool good = finite ? x.finite && y.finite : x.bounded && y.bounded;
  a.standing = good ? Standing::holds : Standing::fails;
  if (finite) {
    const auto told_atoms = [](const Law& law, const char* what) {
      return law.atom_count() > 0 ? fmt::format("{} has {} atoms", what, law.atom_count()) : fmt::format("{} has no atoms ({})", what, law.name());
    };
    a.evidence = told_atoms(*c.training.source, "x") + ", " + told_atoms(*c.training.target, "y");
    if (!good) a.more.push_back("atoms = N in [source] and [target] replaces a law by N draws of it");
  } else {
    a.evidence = x.sentence + ", " + y.sentence;
    a.numbers = {{"radius_x", x.radius}, {"radius_y", y.radius}};
    if (!good) a.more.push_back("truncated = R or atoms = N in [source] and [target] bounds a law");
  }
  for (const LawLook* law : {&x, &y})
    if (!law->witness.empty() && !good) a.evidence = law->witness;
  return a;
}

AuditedAssumption a4(const AuditContext& c, const Findings& f) {
  AuditedAssumption a = named("A4", "T bounded in u", "sup ‖T(u, x)‖ over all u, and x in the support of its law, is finite.");
  const GrowthFindings& g = f.growth;
  const bool bounded_source = c.training.source->support_radius().has_value();
  const NamedZoom* const pole = first_of(f.regularity.in_u, {Irregularity::pole});
  a.numbers = {{"growth_exponent", g.image_exponent}, {"largest_seen_on_ball", g.largest_image}, {"growth_exponent_in_x", g.image_exponent_in_x}};
  const std::string on_ball = f.regularity.certified_image ? fmt::format("on B(0, {:.4g}) ‖T‖ ≤ {:.4g} (certified; {:.4g} seen)", c.radius,
                                                                         *f.regularity.certified_image, g.largest_image)
                                                           : fmt::format("on B(0, {:.4g}) ‖T‖ up to {:.4g} was seen", c.radius, g.largest_image);
  if (pole != nullptr || !g.finite_in_ball) {
    a.standing = Standing::fails;
    a.evidence = pole != nullptr ? told(*pole) : "T is not finite on a ray within B(0, R)";
    return a;
  }
  const std::string growth = fmt::format("‖T‖ ~ s^{:.2f} along \"{}\"", g.image_exponent, g.image_ray);
  if (!bounded_source && g.image_grows_in_x) {
    a.standing = Standing::fails;
    a.evidence = fmt::format("{}unbounded already at u0: ‖T(u0, s x)‖ ~ s^{:.2f}, and x has no bounded support", g.image_grows ? growth + "; " : "",
                             g.image_exponent_in_x);
  } else if (c.structure.known && !c.structure.cut_off && c.generator.in_double()) {
    a.standing = Standing::on_ball;  // the last layer is linear, with a bias: T(s e) = s e
    a.basis = Basis::certified;
    a.evidence = (g.image_grows ? growth : std::string("the last layer is linear")) + "; " + on_ball;
  } else if (g.image_grows) {
    a.standing = Standing::on_ball;
    a.evidence = growth + "; " + on_ball;
  } else if (g.image_saturates) {
    a.standing = Standing::holds;
    a.basis = c.structure.known && c.structure.cut_off ? Basis::certified : Basis::probed;
    if (a.basis == Basis::certified) a.more.push_back(c.structure.description);
    a.evidence = fmt::format("saturates along {} rays, up to s = {:.2g}; {}", g.rays.size(), g.rays.front().distance.back(), on_ball);
  } else {
    a.evidence = fmt::format("‖T‖ still grows by more than 1 % over the last half of the doublings, by less than 10 %: more rays would decide; {}", on_ball);
  }
  return a;
}

AuditedAssumption a5(const AuditContext& c, const Findings& f) {
  AuditedAssumption a = named("A5", "bounded second derivatives",
                              "On the pieces of A1 the second derivatives in u are bounded, over all u and over x in the support of its law.");
  const GrowthFindings& g = f.growth;
  const bool bounded_source = c.training.source->support_radius().has_value();
  const NamedZoom* const unbounded = first_of(f.regularity.in_u, {Irregularity::curved, Irregularity::root, Irregularity::pole});
  a.numbers = {{"growth_exponent", g.curvature_exponent}, {"largest_seen_on_ball", g.largest_curvature}, {"growth_exponent_in_x", g.curvature_exponent_in_x}};
  const std::string on_ball = fmt::format("on B(0, {:.4g}) up to {:.4g} was seen (a lower bound)", c.radius, g.largest_curvature);
  const std::string growth = fmt::format("‖∂²T‖ ~ s^{:.2f} along \"{}\"", g.curvature_exponent, g.curvature_ray);
  const bool by_structure = c.structure.known && c.structure.piecewise_linear && c.structure.layers <= 2 && !c.structure.cut_off;
  if (no_pieces(f.regularity)) {
    a.standing = Standing::fails;
    a.evidence = "there are no pieces (A1)";
  } else if (unbounded != nullptr) {
    a.standing = Standing::fails;
    a.evidence = told(*unbounded);
  } else if (!bounded_source && g.curvature_grows_in_x) {
    a.standing = Standing::fails;
    a.evidence = fmt::format("{}‖∂²T(u0, s x)‖ ~ s^{:.2f}, and x has no bounded support", g.curvature_grows ? growth + "; " : "", g.curvature_exponent_in_x);
    if (!g.curvature_grows && g.curvature_saturates) a.more.push_back("in u alone nothing grows: a bounded source would do");
  } else if (by_structure && bounded_source) {
    a.standing = Standing::holds;
    a.basis = Basis::certified;
    const double bound = c.structure.layers == 1 ? 0.0 : std::sqrt(1.0 + std::pow(*c.training.source->support_radius(), 2));
    a.evidence = fmt::format("{}: ‖∂²T‖ ≤ {:.4g} on every piece; {:.4g} seen", c.structure.description, bound, g.largest_curvature);
    a.numbers["certified"] = bound;
  } else if (g.curvature_grows) {
    a.standing = Standing::on_ball;
    if (c.structure.known && bounded_source) a.basis = Basis::certified;  // finitely many pieces, on each of which T is analytic up to its border
    a.evidence = growth + "; " + on_ball;
  } else if (c.structure.known && c.structure.cut_off && bounded_source && first_of(f.regularity.beyond, {Irregularity::curved}) == nullptr) {
    a.standing = Standing::holds;
    a.basis = Basis::certified;  // T vanishes outside B(0, 2R), and on that ball finitely many pieces are smooth up to their borders
    a.evidence = fmt::format("{}; {}", c.structure.description, on_ball);
  } else if (!g.curvature_seen) {
    a.evidence = fmt::format(
        "no point free of kinks within the widths that rounding allows at the far end of a ray: double precision, or fewer units, would decide; {}", on_ball);
  } else if (g.curvature_vanishes && !c.generator.in_double()) {
    a.evidence = "second differences on the pieces drown in the rounding of single precision: double precision would decide";
  } else if (g.curvature_vanishes) {
    a.standing = Standing::holds;
    a.evidence = "second differences on the pieces are 0 to rounding along all rays";
  } else if (g.curvature_saturates && !c.generator.in_double()) {
    a.evidence = fmt::format("no growth is seen, and the rounding of single precision hides much: double precision would decide; {}", on_ball);
  } else if (g.curvature_saturates) {
    a.standing = Standing::holds;
    a.evidence = fmt::format("does not grow along {} rays, up to s = {:.3g}; {}", g.rays.size(), g.rays.front().curved_at.back(), on_ball);
  } else {
    a.evidence = fmt::format("grows more slowly than s^0.4: longer rays would decide; {}", on_ball);
  }
  if (a.standing == Standing::on_ball || a.standing == Standing::holds) {
    const NamedZoom* const beyond = first_of(f.regularity.beyond, {Irregularity::curved, Irregularity::root, Irregularity::pole});
    if (beyond != nullptr) {
      a.standing = Standing::on_ball;
      a.more.push_back("beyond R: " + told(*beyond));
    }
  }
  return a;
}

AuditedAssumption a7(const AuditContext& c, const Findings& f) {
  AuditedAssumption a =
      named("A7", "path differentiable",
            "f(c(1)) − f(c(0)) = ∫⟨v, c'⟩ along every absolutely continuous curve c, for every selection v of subgradients; the gradient that the "
            "training uses is such a selection.");
  Index looked = 0;
  const CurveFinding* worst = nullptr;
  Index unseen = 0;
  for (const CurveFinding& curve : f.paths.curves) {
    looked += curve.looked_at;
    if (curve.looked_at == 0 && curve.not_finite == 0) ++unseen;
    const Index wrong = curve.disagree + curve.not_finite;
    if (2 * wrong >= curve.looked_at + curve.not_finite && wrong >= 3 && (worst == nullptr || wrong > worst->disagree + worst->not_finite)) worst = &curve;
  }
  a.numbers = {{"curves", static_cast<double>(f.paths.curves.size())}, {"places", static_cast<double>(looked)}};
  if (worst != nullptr) {
    a.standing = Standing::fails;
    a.evidence = worst->not_finite > worst->disagree
                     ? fmt::format("\"{}\": the derivative returned is not finite at {} of {} places", worst->curve, worst->not_finite,
                                   worst->not_finite + worst->looked_at)
                     : fmt::format("\"{}\": at {} of {} places f changes at another rate than the derivative returned says: {:.3g} and {:.3g}", worst->curve,
                                   worst->disagree, worst->looked_at, worst->slope_there, worst->returned);
  } else if (looked < 24) {
    a.evidence = fmt::format("f has one slope, to rounding, at only {} places of {} curves: too few to judge; double precision would decide", looked,
                             f.paths.curves.size());
  } else {
    a.standing = Standing::holds;
    a.basis = c.structure.known ? Basis::certified : Basis::probed;
    a.evidence = fmt::format("{}f' and ⟨φ, c'⟩ agree at {} places of {} curves, through kinks and inside ties",
                             c.structure.known ? "definable (sums, products, exp, max); " : "", looked, f.paths.curves.size());
    if (unseen > 0) a.more.push_back(fmt::format("{} curves had no place with one slope", unseen));
  }
  if (worst != nullptr) a.more.push_back("C and the spheres rest on the derivative returned, whatever it is");
  if (worst == nullptr)
    for (const std::string& artefact : f.paths.artefacts) a.more.push_back(artefact);
  if (worst == nullptr && !f.paths.artefacts.empty())
    a.more.push_back("such points have measure 0: a start with a density does not meet them, a start at 0 does");
  a.more.push_back(fmt::format("ties at u0: in {} of 4 batches; of their blocks {} are harmless, {} harmful (N6), {} not judged", f.paths.tied_batches,
                               f.paths.harmless_ties, f.paths.harmful_ties, f.paths.unjudged_ties));
  return a;
}

std::string answer_of(const Audit& audit) {
  std::vector<std::string> failing, on_ball, open;
  for (const AuditedAssumption& a : audit.assumptions) {
    if (a.standing == Standing::fails) failing.push_back(a.id);
    if (a.standing == Standing::on_ball) on_ball.push_back(a.id);
    if (a.standing == Standing::undecided) open.push_back(a.id);
  }
  const auto against = std::count_if(audit.flags.begin(), audit.flags.end(), [](const AuditFlag& flag) { return !flag.harmless; });
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : "; ") + part; };
  if (!failing.empty()) add(fmt::format("{} {}", fmt::join(failing, ", "), failing.size() == 1 ? "fails" : "fail"));
  if (!open.empty()) add(fmt::format("{} {} not decided", fmt::join(open, ", "), open.size() == 1 ? "is" : "are"));
  if (!on_ball.empty()) add(fmt::format("{} {} on B(0, {:.4g}) only", fmt::join(on_ball, ", "), on_ball.size() == 1 ? "holds" : "hold", audit.radius));
  if (failing.empty() && open.empty() && on_ball.empty())
    add("All of A1 to A7 hold, as far as was certified or probed");
  else if (failing.size() + open.size() + on_ball.size() < audit.assumptions.size())
    add("the others hold");
  add(against == 0 ? std::string("the training does nothing against the theory")
                   : fmt::format("{} thing{} in the training {} against the theory", against, against == 1 ? "" : "s", against == 1 ? "is" : "are"));
  return out + ".";
}

void add_tables(Audit& out, const Findings& f) {
  out.rays = f.growth.rays;
  const auto add = [&](const std::vector<NamedZoom>& zooms, std::size_t most, const char* where) {
    for (std::size_t k = 0; k < std::min(most, zooms.size()); ++k) {
      const NamedZoom& z = zooms[k];
      if (z.zoom.width.empty()) continue;
      out.zooms.push_back({fmt::format("{}{}", where, z.line), std::string(irregularity_name(z.zoom.kind)), z.zoom.width, z.zoom.second, z.zoom.exponent});
    }
  };
  add(f.regularity.in_u, 4, "");
  add(f.regularity.in_x, 1, "");
  add(f.regularity.beyond, 1, "");
  add(f.regularity.at_random, 2, "at random: ");
}

}  // namespace

std::string_view standing_name(Standing standing) {
  switch (standing) {
    case Standing::holds: return "holds";
    case Standing::on_ball: return "holds on B(0, R) only";
    case Standing::fails: return "fails";
    case Standing::undecided: return "not decided";
  }
  return "?";
}

std::string_view basis_name(Basis basis) {
  switch (basis) {
    case Basis::certified: return "certified";
    case Basis::declared: return "declared";
    case Basis::probed: return "probed";
  }
  return "?";
}

const AuditedAssumption& Audit::assumption(std::string_view id) const {
  for (const AuditedAssumption& a : assumptions)
    if (a.id == id) return a;
  reject("there is no assumption '{}'; expected A1, ..., A7", id);
}

Standing Audit::worst() const {
  Standing worst = Standing::holds;
  const auto rank = [](Standing s) { return s == Standing::fails ? 3 : s == Standing::undecided ? 2 : s == Standing::on_ball ? 1 : 0; };
  for (const AuditedAssumption& a : assumptions)
    if (rank(a.standing) > rank(worst)) worst = a.standing;
  return worst;
}

Audit audit(const TrainingDescription& training, const AuditOptions& options, Progress& progress) {
  const AuditContext context = audit_context(training, options);
  Findings f;
  f.coupling = probe_coupling(context);
  f.regularity = probe_regularity(context, progress);
  f.growth = probe_growth(context, progress);
  f.paths = probe_paths(context, progress);
  Audit out;
  out.generator = context.generator.name();
  out.source = training.source->name();
  out.target = training.target->name();
  out.parameters = context.generator.parameters();
  out.radius = context.radius;
  out.start_norm = context.u0.norm();
  out.precision = context.generator.in_double() ? "double" : "single";
  out.assumptions = {a1(context, f), a2(context, f), of_laws(context, false), a4(context, f), a5(context, f), of_laws(context, true), a7(context, f)};
  out.flags = practice_flags(context, f.coupling, f.regularity);
  ConstantFindings constants = probe_constants(context, f.regularity, f.growth, progress);
  out.constants = std::move(constants.constants);
  out.suggestions = std::move(constants.suggestions);
  out.spheres = std::move(constants.spheres);
  out.harmless_ties = f.paths.harmless_ties;
  out.harmful_ties = f.paths.harmful_ties;
  out.unjudged_ties = f.paths.unjudged_ties;
  out.tied_batches = f.paths.tied_batches;
  add_tables(out, f);
  out.answer = answer_of(out);
  return out;
}

}  // namespace slicecheck
