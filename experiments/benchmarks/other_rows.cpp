/// Everything else that a user waits for: the plane sweep, the nearest point of a convex set, the flow, the permutohedron, loading images.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agreement.h"
#include "cpu_candidate.h"
#include "session.h"
#include "slicecheck/dynamics/flow.h"
#include "slicecheck/dynamics/testbeds.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/measures/idx_images.h"
#include "slicecheck/nonsmooth/minimum_norm.h"
#include "slicecheck/nonsmooth/permutohedron.h"

namespace slicecheck::benchmarks {

namespace {

struct Work {
  std::string name;
  std::string size;
  double most_seconds;  ///< what it is aimed at; 0 where nothing is said
  std::function<void()> run;
};

Eigen::VectorXd normals(std::uint32_t replicate, Index size) {
  Eigen::VectorXd out(size);
  RandomStream(1, Purpose::cases, replicate, 0).fill_normal(out);
  return out;
}

Points<double> cloud(std::uint32_t replicate, Index n, Index d) { return Eigen::Map<const Points<double>>(normals(replicate, n * d).data(), n, d); }

Work plane_sweep(Index n, double most_seconds) {
  return {"plane sweep with gradient and maximum", fmt::format("n = {}", n), most_seconds,
          [z = cloud(0, n, 2), y = cloud(1, n, 2)] { (void)exact_plane_sw(z, y); }};
}

/// The nearest point of a hull that does not contain 0, to the end of what the arithmetic gives.
Work minimum_norm(Index count, Index dimension) {
  Points<double> points = cloud(2, count, dimension);
  points.col(0).array() += 4.0;
  return {"minimum-norm point of a hull", fmt::format("{} points in R^{}", count, dimension), 0.0,
          [hull = std::make_shared<PointHull>(points)] { (void)minimum_norm_point(*hull, {}); }};
}

Work flow(const std::string& name) {
  const Testbed& testbed = testbed_by_name(name);
  return {"flow", fmt::format("{}, to s = 8", name), 0.0, [field = testbed.field, u0 = Eigen::VectorXd(testbed.centre)] { (void)solve_flow(*field, u0, {}); }};
}

Work permutohedron(Index n) {
  return {"projection onto a permutohedron", fmt::format("n = {}", n), 0.0,
          [m = normals(3, n), values = normals(4, n)] { (void)project_onto_permutohedron(m, values); }};
}

std::vector<Work> works(bool quick) {
  std::vector<Work> out{plane_sweep(1000, 0.25)};
  if (!quick) out.push_back(plane_sweep(4000, 5.0));
  out.push_back(minimum_norm(1000, 10));
  out.push_back(minimum_norm(200, 100));
  out.push_back(flow("affine-plane"));
  out.push_back(flow("tanh-plane"));
  out.push_back(flow("relu-plane"));
  out.push_back(permutohedron(1000));
  out.push_back(permutohedron(100000));
  return out;
}

void measure(const Work& work, Session& session) {
  const OnThreads one(1);
  const double first = clocked(work.run);  // also warms up
  std::vector<double> seconds{first};
  const auto times = std::clamp(static_cast<Index>(2e-3 / first), Index{1}, Index{1000});
  const auto once = repeated(times, work.run);
  const Budget budget = session.budget(2.0);
  double spent = first;
  for (Index round = 0; round < 50 && spent < budget.seconds; ++round) {
    seconds.push_back(once());
    spent += seconds.back() * static_cast<double>(times);
  }
  if (seconds.size() > 1) seconds.erase(seconds.begin());
  const Timing timing{work.name, seconds};
  Json row = {{"name", work.name}, {"size", work.size}, {"seconds", timing.median()}, {"rounds", seconds.size()}};
  if (work.most_seconds > 0.0) row["aimed_at_seconds"] = work.most_seconds;
  session.document["others"].push_back(row);
  session.tables.back().rows.push_back({fmt::format("{}, {}", work.name, work.size), digits(timing.median() * 1e3),
                                        work.most_seconds > 0.0 ? fmt::format("{}", work.most_seconds * 1e3) : "–", fmt::format("{}", seconds.size())});
}

}  // namespace

Section other_section(bool quick) {
  Section out;
  out.name = "others";
  out.key = "others";
  out.prepare = [](Session& session) {
    session.document["others"] = Json::array();
    session.tables.push_back({"Everything else, one thread: median in ms", {"what", "ms", "aimed at", "rounds"}, {}, {}});
  };
  for (const Work& work : works(quick))
    out.rows.emplace_back(fmt::format("{}, {}", work.name, work.size), [work](Session& session) { measure(work, session); });
  out.rows.emplace_back("loading of images", [](Session& session) {
    const auto path = session.data / "fashion-mnist" / "train-images-idx3-ubyte";
    if (std::filesystem::exists(path))
      measure({"loading of images", "60,000 of 28 × 28 bytes", 0.0, [path] { (void)read_idx_images(path); }}, session);
    else
      session.tables.back().notes.push_back(fmt::format("loading of images: skipped, {} is missing: scripts/fetch_data.sh", path.string()));
  });
  return out;
}

}  // namespace slicecheck::benchmarks
