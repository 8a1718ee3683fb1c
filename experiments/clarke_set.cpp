/// The Clarke set at a three-way tie, and where the gradients of several tie-breaking rules lie in it (claims N1, N2, N4).

#include <cmath>

#include "experiments.h"
#include "slicecheck/claims/tie_membership.h"
#include "slicecheck/gallery/broken_loss.h"
#include "slicecheck/reporting/csv_table.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/torch/torch_loss.h"
#include "summary.h"

namespace slicecheck {

namespace {

constexpr Index kTied = 3;

/// Orthonormal coordinates of the plane Σ m = const, in which the permutohedron of three numbers is a hexagon.
std::pair<double, double> in_the_plane(const Eigen::VectorXd& m) { return {(m[0] - m[1]) / std::sqrt(2.0), (m[0] + m[1] - 2.0 * m[2]) / std::sqrt(6.0)}; }

struct Rule {
  std::string name;
  std::function<Points<double>(const Points<double>& z, const Points<double>& y, const Points<double>& theta)> gradient;
  bool drawn = true;  ///< in the figure; the defects of the gallery lie off its plane
};

Points<double> reversed_rows(const Points<double>& points) { return points.colwise().reverse(); }

std::vector<Rule> rules(const LossSubject& textbook) {
  const LossSubject torch = make_loss_subject<double>("torch", "", [](double p) { return std::make_unique<TorchLoss<double>>(p); });
  const auto of = [](const LossSubject& subject) {
    return [subject](const Points<double>& z, const Points<double>& y, const Points<double>& theta) { return subject.evaluate(z, y, theta, 2.0).gradient; };
  };
  const auto backwards = [of, textbook](const Points<double>& z, const Points<double>& y, const Points<double>& theta) {
    return reversed_rows(of(textbook)(reversed_rows(z), y, theta));
  };
  const auto mean_of_both = [of, textbook, backwards](const Points<double>& z, const Points<double>& y, const Points<double>& theta) -> Points<double> {
    return 0.5 * (of(textbook)(z, y, theta) + backwards(z, y, theta));
  };
  const auto rotated = [of, textbook](const Points<double>& z, const Points<double>& y, const Points<double>& theta) -> Points<double> {
    const std::vector<Index> rows{1, 2, 0};
    const Points<double> turned = of(textbook)(z(rows, Eigen::all), y, theta);
    Points<double> gradient(z.rows(), z.cols());
    for (std::size_t k = 0; k < rows.size(); ++k) gradient.row(rows[k]) = turned.row(static_cast<Index>(k));
    return gradient;
  };
  const auto pushed = [of, textbook](const Points<double>& z, const Points<double>& y, const Points<double>& theta) -> Points<double> {
    const Points<double> vertex = of(textbook)(z, y, theta);
    return vertex + 0.25 * (vertex.rowwise() - vertex.colwise().mean());
  };
  std::vector<Rule> all{{"row order (stable sort)", of(textbook), true}, {"rows from the end", backwards, true}, {"rows turned by one", rotated, true},
                        {"mean of two orders", mean_of_both, true},      {"LibTorch's sort", of(torch), true},   {"pushed outside by a quarter", pushed, true}};
  for (const LossDefect& defect : loss_gallery())
    if (defect.name == "tie-doubled" || defect.name == "tie-dropped") all.push_back({"defect: " + defect.name, of(defect.subject), false});
  return all;
}

void run_clarke_set(const ExperimentContext& context) {
  const Settings& s = context.settings;
  const std::vector<double> targets{s.number("first_target"), s.number("second_target"), s.number("third_target")};
  Points<double> z(kTied, 2);
  Points<double> y(kTied, 2);
  for (Index k = 0; k < kTied; ++k) {
    z.row(k) << 0.0, static_cast<double>(k);
    y.row(k) << targets[static_cast<std::size_t>(k)], 0.0;
  }
  const Points<double> theta = Eigen::RowVectorXd::Unit(2, 0);
  const LossSubject textbook = core_loss_subjects().front();
  const Slice slice = slice_of(textbook, z, y, theta.row(0));
  CsvTable points({"series", "x", "y"});
  CsvTable table({"rule", "m1", "m2", "m3", "excess", "verdict"});
  // The vertices in the order of their angle: a closed polygon.
  const Points<double> vertices = tie_vertices(slice, slice.runs(0.0), 6);
  const Eigen::VectorXd centre = vertices.colwise().mean().transpose();
  std::vector<std::pair<double, Index>> around;
  for (Index k = 0; k < vertices.rows(); ++k) {
    const auto [a, b] = in_the_plane(vertices.row(k).transpose() - centre);
    around.emplace_back(std::atan2(b, a), k);
  }
  std::sort(around.begin(), around.end());
  around.push_back(around.front());
  for (const auto& [angle, k] : around) {
    const auto [a, b] = in_the_plane(vertices.row(k).transpose());
    points.add({std::string("Clarke set"), a, b});
  }
  int members = 0;
  const auto all = rules(textbook);
  for (const Rule& rule : all) {
    const Points<double> gradient = rule.gradient(z, y, theta);
    const Eigen::VectorXd m = matched_targets(slice, gradient);
    const Judgement judgement = judge_membership(slice, gradient);
    const auto [a, b] = in_the_plane(m);
    if (rule.drawn) points.add({rule.name, a, b});
    members += judgement.refutes() ? 0 : 1;
    table.add({rule.name, m[0], m[1], m[2], m.sum() - slice.b.sum(), std::string(judgement.refutes() ? "outside" : "member")});
  }
  points.write(context.folder / "points.csv");
  table.write(context.folder / "rules.csv");
  Json series = Json::array();
  series.push_back({{"label", "Clarke set"}, {"y", "y"}, {"where", {{"series", "Clarke set"}}}, {"style", "dashed"}});
  for (const Rule& rule : all)
    if (rule.drawn) series.push_back({{"label", rule.name}, {"y", "y"}, {"where", {{"series", rule.name}}}, {"style", "points"}});
  Json summary;
  summary["name"] = "clarke-set";
  summary["profile"] = context.profile;
  summary["seed"] = context.seed;
  summary["title"] = "The Clarke set at a three-way tie";
  summary["description"] =
      "Three points of the plane have the same projection on θ. Each may be matched with any of the three targets: the Clarke subdifferential is the set of "
      "gradients (2/n) θ (θ·z_k − m_k) with m in the permutohedron of the targets, a hexagon in the plane m₁ + m₂ + m₃ = const. Different sorting rules return "
      "different gradients, and all of them are right; a gradient checker that compares two implementations here raises a false alarm. A gradient that "
      "was pushed out of the set, and two planted defects, are refused.";
  summary["facts"] = {
      fmt::format("{} of {} gradients are members of the set; the targets are {}, {}, {}.", members, all.size(), targets[0], targets[1], targets[2]),
      "The two defects change the sum of the targets (column excess): they lie off the plane of the figure and are not drawn.",
      "Back-propagation at a kink is another matter: for relu(t) − relu(−t), whose derivative is 1 everywhere, it returns 0 at t = 0 with the convention "
      "relu'(0) = 0, and the product of the subdifferentials of its parts is [0, 2] (claim N9 brackets such points)."};
  summary["departures"] = Json::array();
  summary["tables"] = {{{"id", "rules"},
                        {"title", "Gradients at the tie"},
                        {"caption", "m_k: the target that point k is matched with, recovered from its gradient. Excess: Σm − Σb, 0 in the set."},
                        {"file", "rules.csv"},
                        {"columns",
                         {column("rule", "rule", "s"), column("m1", "m₁", ".4g"), column("m2", "m₂", ".4g"), column("m3", "m₃", ".4g"),
                          column("excess", "excess", ".3g"), column("verdict", "judged", "s")}}}};
  summary["figures"] = {{{"kind", "curves"},
                         {"id", "clarke-set"},
                         {"title", "The Clarke set at a three-way tie"},
                         {"caption",
                          "Dashed: the permutohedron of the targets, projected along (1, 1, 1). Marks: the m of each rule's gradient. Where LibTorch's sort "
                          "keeps the order of the rows, as the table tells, its mark lies on that of the stable sort."},
                         {"file", "points.csv"},
                         {"x", "x"},
                         {"x_label", "(m₁ − m₂)/√2"},
                         {"y_label", "(m₁ + m₂ − 2m₃)/√6"},
                         {"log_x", false},
                         {"log_y", false},
                         {"equal_axes", true},
                         {"panels", {{{"title", ""}, {"series", std::move(series)}}}}}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment clarke_set(std::string quick, std::string full) {
  return {"clarke-set", "the Clarke set at a three-way tie, with the gradients of several tie-breaking rules", std::move(quick), std::move(full),
          run_clarke_set};
}

}  // namespace slicecheck
