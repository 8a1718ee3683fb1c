/// N7: along a curve, any selection of subgradients integrates to the difference of values.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "slicecheck/claims/nonsmooth.h"
#include "slicecheck/claims/sample_objective.h"
#include "slicecheck/claims/tie_membership.h"

namespace slicecheck {

namespace {

/// s in (0, 1) where two of a_k + s·b_k are equal, ascending, with 0 and 1.
std::vector<double> crossings(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  std::vector<double> at{0.0, 1.0};
  for (Index i = 0; i < a.size(); ++i)
    for (Index j = i + 1; j < a.size(); ++j)
      if (const double s = (a[i] - a[j]) / (b[j] - b[i]); s > 0.0 && s < 1.0) at.push_back(s);
  std::sort(at.begin(), at.end());
  return at;
}

/// Moves tied points alike, so that the segment stays inside the tie set.
Points<double> keeping_ties(const Slice& slice, Points<double> v) {
  for (const auto& [begin, end] : slice.runs(0.0))
    for (Index i = begin + 1; i < end; ++i) v.row(slice.order[static_cast<std::size_t>(i)]) = v.row(slice.order[static_cast<std::size_t>(begin)]);
  return v;
}

/// On the segment Z + sV, s ∈ [0, 1], and one direction, ⟨G, V⟩ is linear in s between crossings: the midpoint rule is exact there.
Judgement along_segment(const LossSubject& subject, const LossCase& c, const Points<double>& towards) {
  const Points<double> theta = c.theta.topRows(1);
  const Points<double> end = subject.rounded(Points<double>(c.z + towards));
  const Points<double> v = end - c.z;
  const Slice slice = slice_of(subject, c.z, c.y, c.theta.row(0));
  const Evaluation from = evaluate(subject, c.z, c.y, theta, 2.0);
  const Evaluation to = evaluate(subject, end, c.y, theta, 2.0);
  const auto at = crossings(slice.a, v * theta.transpose());
  LossCase square = c;
  square.p = 2.0;
  square.theta = theta;
  double integral = 0.0;
  double error = 0.0;
  double size = std::max(from.size, to.size);
  const double reach = largest_norm(v);
  for (std::size_t i = 1; i < at.size(); ++i) {
    const double width = at[i] - at[i - 1];
    if (!(width > 0.0)) continue;
    const Points<double> middle = subject.rounded(Points<double>(c.z + (0.5 * (at[i] + at[i - 1])) * v));
    const double moved = 2.0 * subject.unit_roundoff * largest_norm(middle);
    const Evaluation there = evaluate(subject, middle, c.y, theta, 2.0, moved);
    size = std::max(size, there.size);
    integral += width * there.loss.gradient.cwiseProduct(v).sum();
    error += width * (gradient_error(subject, square, there) + 2.0 * moved) * reach;
  }
  // A crossing is found to within rounding, and points within 2δ may be matched either way: both cost, per pair and piece, at most 8δ times the spread of the
  // targets, over n (theory/nonsmooth.md, N7).
  const double n = static_cast<double>(c.n());
  const double pairs = 0.5 * n * (n - 1.0) * static_cast<double>(at.size() - 1) * 8.0 * 2.0 * slice.delta * 2.0 * size / n;
  Judgement judgement;
  judgement.observed = std::abs(to.loss.value - from.loss.value - integral);
  judgement.allowed = from.value_error + to.value_error + error + pairs +
                      tolerance::gamma(n * static_cast<double>(c.d() + 4) + static_cast<double>(at.size()) + 16.0, tolerance::unit_roundoff<double>()) * 8.0 *
                          size * (size + reach);
  return judgement;
}

Judgement across_ties(const LossSubject& subject, const LossCase& c) { return along_segment(subject, c, c.w); }

/// Every second point is tied with the one before, exactly: along an axis both have the same coordinate.
Judgement inside_ties(const LossSubject& subject, LossCase c) {
  const Index axis = static_cast<Index>(c.number % static_cast<std::uint64_t>(c.d()));
  c.theta = Eigen::RowVectorXd::Unit(c.d(), axis);
  for (Index k = 1; k < c.n(); k += 2) c.z(k, axis) = c.z(k - 1, axis);
  const Slice slice = slice_of(subject, c.z, c.y, c.theta.row(0));
  if (static_cast<Index>(slice.runs(0.0).size()) == c.n()) {
    Judgement judgement;
    judgement.skipped = "a single point";
    return judgement;
  }
  return along_segment(subject, c, keeping_ties(slice, c.w));
}

// ---- along a segment in u, through a network ----------------------------------------------------

constexpr int kDepth = 44;              // panels are halved down to 2⁻⁴⁴
constexpr std::size_t kPanels = 20000;  // and there are at most so many evaluations of f
// Gauss–Legendre with 5 nodes, exact for polynomials of degree 9: ⟨φ, V⟩ is one of degree at most 7 between kinks of a piecewise linear network of three
// layers.
constexpr double kNodes[] = {-0.9061798459386640, -0.5384693101056831, 0.0, 0.5384693101056831, 0.9061798459386640};
constexpr double kWeights[] = {0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665, 0.2369268850561891};

struct Panel {
  double begin;
  double end;
  double f_begin;
  double f_end;
  int depth;
};

/// f(c(1)) − f(c(0)) = ∫⟨φ(c(s)), c'(s)⟩ ds on a segment in u. A panel whose integral disagrees with its difference of values holds a kink, or is not resolved:
/// it is halved. At the last depth, or where the evaluations are used up, the disagreement stands.
enum class Course { anywhere, on_a_kink };

Trial along_parameters(const GeneratorSubject& subject, const RandomStream& stream, int size, Course course) {
  PointDraws draws(stream, 1'000'000);
  const auto generator = subject.make(draws, size);
  const Index n = 1 + size / 2;
  Points<double> x = drawn_inputs(stream, n, generator->input_dimension(), false);
  Points<double> y(n, generator->output_dimension());
  Points<double> theta(1, y.cols());
  for (Index i = 0; i < y.size(); ++i) y.data()[i] = draws.normal();
  for (Index j = 0; j < y.cols(); ++j) theta(0, j) = draws.normal();
  theta.row(0).normalize();
  Eigen::VectorXd u(generator->parameters());
  Eigen::VectorXd v(generator->parameters());
  for (Index i = 0; i < u.size(); ++i) u[i] = draws.normal();
  for (Index i = 0; i < v.size(); ++i) v[i] = draws.normal();
  if (course == Course::on_a_kink) {
    // The first input is 0 and the first layer's biases stay 0: at this input all its units are at pre-activation 0, for all s.
    const std::vector<Index> tensors = generator->tensors();
    x.row(0).setZero();
    u.segment(tensors[0], tensors[1]).setZero();
    v.segment(tensors[0], tensors[1]).setZero();
  }
  const std::vector<NamedValues> values{{"X", x}, {"Y", y}, {"directions", theta}, {"u", Points<double>(u.transpose())}, {"v", Points<double>(v.transpose())}};
  const CertifiedBall ball = certified_ball(*generator, u, v.norm(), x);
  Judgement judgement;
  if (!ball.known) {
    judgement.skipped = "the generator has no certificate";
    return {judgement, values};
  }
  const SampleObjective f(textbook_loss(), generator, x, y, theta);
  const auto value_at = [&](double s) { return f.at(u + s * v, ball.rounding).at.loss.value; };
  const Evaluation reference = f.at(u + v, ball.rounding).at;
  // Rounding of a difference of values, and of ⟨φ, V⟩: relative to K_f‖V‖, which bounds both.
  const double steepness = f.lipschitz_bound(ball) * v.norm();
  const double largest_value = reference.size + 2.0 * (ball.image + ball.radius * ball.lipschitz + largest_norm(y));
  const double value_error =
      tolerance::value(largest_value * largest_value, 2.0, reference.gap_error + 2.0 * ball.rounding, n, tolerance::unit_roundoff<double>());
  const double slope_error = tolerance::gamma(static_cast<double>(n * (u.size() + 8)) + 64.0, tolerance::unit_roundoff<double>()) * 8.0 * steepness +
                             ball.lipschitz * v.norm() * 2.0 * (reference.gap_error + ball.rounding);
  std::vector<Panel> open;
  constexpr int kFirst = 8;
  double previous = value_at(0.0);
  for (int i = 0; i < kFirst; ++i) {
    const double next = value_at((i + 1.0) / kFirst);
    open.push_back({i / static_cast<double>(kFirst), (i + 1.0) / kFirst, previous, next, 0});
    previous = next;
  }
  double left = 0.0;  // the disagreements, and what each is allowed: rounding, and where a kink is caught K_f‖V‖ times the width for both sides
  double allowed = 0.0;
  std::size_t evaluations = 0;
  while (!open.empty()) {
    const Panel panel = open.back();
    open.pop_back();
    const double half = 0.5 * (panel.end - panel.begin);
    const double middle = 0.5 * (panel.end + panel.begin);
    double integral = 0.0;
    for (int q = 0; q < 5; ++q) integral += half * kWeights[q] * f.at(u + (middle + half * kNodes[q]) * v, ball.rounding).gradient.dot(v);
    evaluations += 5;
    const double disagreement = std::abs(panel.f_end - panel.f_begin - integral);
    const double rounding = 2.0 * value_error + 2.0 * half * slope_error;
    if (disagreement <= rounding) {
      left += disagreement;
      allowed += rounding;
      continue;
    }
    if (panel.depth >= kDepth || evaluations > kPanels || std::isnan(disagreement)) {
      left += disagreement;
      allowed += panel.depth >= kDepth ? rounding + 4.0 * half * steepness : rounding;
      if (std::isnan(disagreement)) break;
      continue;
    }
    const double f_middle = value_at(middle);
    open.push_back({panel.begin, middle, panel.f_begin, f_middle, panel.depth + 1});
    open.push_back({middle, panel.end, f_middle, panel.f_end, panel.depth + 1});
  }
  judgement.observed = left;
  judgement.allowed = allowed + std::numeric_limits<double>::min();
  return {judgement, values};
}

std::function<Trial(const GeneratorSubject&, const RandomStream&, int)> on(Course course) {
  return [course](const GeneratorSubject& subject, const RandomStream& stream, int size) { return along_parameters(subject, stream, size, course); };
}

}  // namespace

Claim claim_n7() {
  Claim claim;
  claim.id = "N7";
  claim.title = "path differentiability";
  claim.statement =
      "For any selection v(s) of subgradients, f(c(1)) − f(c(0)) = ∫⟨v(s), c'(s)⟩ ds: along segments that cross many ties, along segments inside a tie set "
      "(where every "
      "selection agrees for almost every s), along segments in u through a network, across its kinks, and along segments that stay on the kink of every unit "
      "of the "
      "first layer at one input.";
  claim.source = "assumption A7 of Bianchi, Hachem & Schechtman as report 000 uses it; own derivation (theory/nonsmooth.md)";
  const CaseLimits limits{.points = 8, .dimension = 5, .directions = 1, .large_cases = false};
  claim.checks = {{"across ties", limits, across_ties, false, 3}, {"inside a tie set", limits, inside_ties, false, 3}};
  std::get<std::vector<TypedCheck<GeneratorSubject>>>(claim.typed) = {
      {"segment in u", 6, on(Course::anywhere), false, 5}, {"segment in u, on a kink", 6, on(Course::on_a_kink), false, 5, [](const GeneratorSubject& subject) {
                                                              return subject.kinks ? std::string() : std::string("no kinks");
                                                            }}};
  return claim;
}

}  // namespace slicecheck
