/// The loss with its gradient, and its value alone, against LibTorch, NumPy and what the machine allows.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <thread>

#include "cpu_candidate.h"
#include "matrix_products.h"
#include "peers.h"
#include "session.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "sorters.h"
#include "torch_losses.h"

namespace slicecheck::benchmarks {

namespace {

using Sizes = std::array<Index, 3>;  // n, d, L

constexpr std::array<Sizes, 5> kRows{{{256, 2, 5000}, {256, 784, 1000}, {2048, 64, 500}, {1000, 2, 1000}, {16384, 3, 200}}};
constexpr double kSeconds = 9.0;  // of a row

std::string name_of(const Sizes& s) { return fmt::format("n:{}/d:{}/L:{}", s[0], s[1], s[2]); }

Json sizes_of(const Sizes& s) { return {{"n", s[0]}, {"d", s[1]}, {"directions", s[2]}}; }

void require(const std::string& who, const Sizes& sizes, const Clouds& clouds, const Agreement& found) {
  if (found.holds()) return;
  throw Error(fmt::format("{} is WRONG at {} on {} clouds: the value is off by {} of what is allowed, the gradient by {}. Nothing was timed.", who,
                          name_of(sizes), clouds.exact ? "exact" : "random", digits(found.value), digits(found.gradient)));
}

/// Every candidate of a row against the definition, on clouds whose projections are exact, where the comparison is sharp, and in a full run on
/// those that are timed too.
void check_row(const Sizes& sizes, Session& session, bool with_gradient) {
  std::vector<Clouds> all{exact_clouds(sizes[0], sizes[1], sizes[2])};
  if (!session.quick) all.push_back(random_clouds(sizes[0], sizes[1], sizes[2]));
  for (const Clouds& clouds : all) {
    const Expected in_float = expected_loss(clouds, tolerance::unit_roundoff<float>());
    const auto judge = [&](const std::string& who, const Expected& expected, double value, const Points<double>& gradient) {
      require(who, sizes, clouds, agreement(expected, value, gradient));
    };
    const OnThreads one(1);
    if (!session.planted.empty()) {
      const auto wrong = evaluate_with_defect(session.planted, clouds);
      judge(fmt::format("the planted defect '{}'", session.planted), in_float, wrong.value, with_gradient ? wrong.gradient : Points<double>());
    }
    const TypedClouds<double> wide(clouds);
    if (with_gradient) {
      const auto single = CpuLoss<float>(2.0).evaluate(clouds.z, clouds.y, clouds.directions);
      judge("cpu", in_float, single.value, single.gradient.cast<double>());
      const auto twice = CpuLoss<double>(2.0).evaluate(wide.z, wide.y, wide.directions);
      judge("cpu in double", expected_loss(clouds, tolerance::unit_roundoff<double>()), twice.value, twice.gradient);
      for (const TorchLossForm& form : torch_loss_forms()) {
        const auto torch = form.prepare(clouds)();
        judge(fmt::format("torch{} ({})", form.vectorised_sort ? "+" : "", form.name), in_float, torch.value, torch.gradient.cast<double>());
      }
    } else {
      judge("cpu", in_float, CpuLoss<float>(2.0).values(clouds.z, clouds.y, clouds.directions).mean(), {});
      if (const auto value = torch_value(clouds)) judge("torch", in_float, value(), {});
    }
    if (session.peers == nullptr || session.peers->available().empty()) continue;
    session.peers->load(clouds);
    for (const auto& [peer, version] : session.peers->available()) {
      if (with_gradient && !session.peers->has_gradient(peer)) continue;
      const auto found = session.peers->evaluate(peer, with_gradient);
      // POT's weights are differences of cumulative sums, each rounded to single precision and at most 1: errors of 2u on 1/n.
      const double unit = tolerance::unit_roundoff<float>();
      const Expected expected = peer == "pot" ? expected_loss(clouds, unit, 2.0 * unit * static_cast<double>(sizes[0])) : in_float;
      judge(peer, expected, found.value, found.gradient.cast<double>());
    }
  }
}

/// The fastest of LibTorch's forms, from a few rounds of their own.
const TorchLossForm* fastest(const std::vector<TorchLossForm>& forms, const Clouds& clouds, bool vectorised_sort, const Budget& budget) {
  std::vector<const TorchLossForm*> own;
  std::vector<Candidate> candidates;
  for (const TorchLossForm& form : forms) {
    if (form.vectorised_sort != vectorised_sort) continue;
    own.push_back(&form);
    candidates.push_back({form.name, [evaluate = form.prepare(clouds)] { return clocked(evaluate); }});
  }
  if (own.empty()) return nullptr;
  const auto timings = alternate(candidates, budget);
  const auto best = std::min_element(timings.begin(), timings.end(), [](const Timing& a, const Timing& b) { return a.median() < b.median(); });
  return own[static_cast<std::size_t>(best - timings.begin())];
}

/// What the limit is made of, as candidates.
struct LimitParts {
  LossProducts own;
  SquareProduct square;
  PackedSort packed;
  PlainSort plain;
  RowMatch rows;
  std::optional<LaneSort> lanes;

  explicit LimitParts(const Sizes& s) : own(s[0], s[1], s[2]), packed(s[0], s[2]), plain(s[0], s[2]), rows(s[0], s[2]) {
    if (LaneSort::offered(s[0])) lanes.emplace(s[0], s[2]);
  }

  void add_to(std::vector<Candidate>& candidates) {
    candidates.push_back({"products of this shape, Eigen", [this] { return own.by_eigen(); }});
    candidates.push_back({"square product, Eigen", [this] { return square.by_eigen(); }});
    if (!openblas_core().empty()) {
      candidates.push_back({"products of this shape, OpenBLAS", [this] { return own.by_openblas(); }});
      candidates.push_back({"square product, OpenBLAS", [this] { return square.by_openblas(); }});
    }
    candidates.push_back({"sort with index, vqsort", [this] { return packed.seconds(); }});
    candidates.push_back({"sort without, vqsort", [this] { return plain.seconds(); }});
    candidates.push_back({"both sorts, rows of cpu", [this] { return rows.seconds(); }});
    if (!lanes) return;
    candidates.push_back({"sort with index, lanes of cpu", [this] { return lanes->with_index(); }});
    candidates.push_back({"sort without, lanes of cpu", [this] { return lanes->without(); }});
  }
};

struct Limit {
  double seconds;
  double gflops;  ///< of the products
  std::string product;
  double sort_seconds;
  double nanoseconds_a_key;  ///< of the 2nL keys
  std::string sorter;
};

/// The 6ndL operations at the best rate of the same rounds, and the sort of 2nL keys, n·L of them with their index, by the best sorter.
Limit limit_of(const Sizes& s, LimitParts& parts, const std::vector<Timing>& timings) {
  Limit out{};
  for (const Timing& t : timings) {
    const double operations = t.name.starts_with("products") ? parts.own.operations() : t.name.starts_with("square") ? parts.square.operations() : 0.0;
    if (operations / t.median() * 1e-9 <= out.gflops) continue;
    out.gflops = operations / t.median() * 1e-9;
    out.product = t.name;
  }
  const double infinity = std::numeric_limits<double>::infinity();
  double with_index = infinity;
  double without = infinity;
  double both = infinity;
  std::string pair;
  for (const Timing& t : timings) {
    if (t.name.starts_with("sort with index, ") && t.median() < with_index) {
      with_index = t.median();
      pair = t.name.substr(t.name.find(',') + 2);
    }
    if (t.name.starts_with("sort without, ")) without = std::min(without, t.median());
    if (t.name.starts_with("both sorts, ")) both = std::min(both, t.median());
  }
  out.sort_seconds = std::min(with_index + without, both);
  out.sorter = with_index + without < both ? pair : "rows of cpu";
  out.seconds = parts.own.operations() * 1e-9 / out.gflops + out.sort_seconds;
  out.nanoseconds_a_key = out.sort_seconds * 1e9 / (2.0 * static_cast<double>(s[0] * s[2]));
  return out;
}

/// The medians of all candidates, for the JSON.
Json medians_of(const std::vector<Timing>& timings) {
  Json out = Json::object();
  for (const Timing& t : timings)
    out[t.name] = {{"median_seconds", t.median()}, {"quartiles", {t.quantile(0.25), t.quantile(0.75)}}, {"rounds", t.seconds.size()}};
  return out;
}

double ratio_of(const std::vector<Timing>& timings, const std::string& above, double below) {
  const auto found = std::find_if(timings.begin(), timings.end(), [&](const Timing& t) { return t.name == above; });
  return found == timings.end() ? std::numeric_limits<double>::quiet_NaN() : found->median() / below;
}

std::string milliseconds(const std::vector<Timing>& timings, const std::string& name) { return digits(ratio_of(timings, name, 1e-3)); }

void measure_gradient(const Sizes& sizes, Session& session) {
  const Clouds clouds = random_clouds(sizes[0], sizes[1], sizes[2]);
  const auto forms = torch_loss_forms();
  const Budget choice{session.budget(kSeconds / 4.0).seconds, session.quick ? 1 : 2, 20};
  const TorchLossForm* torch = fastest(forms, clouds, false, choice);
  const TorchLossForm* torch_plus = fastest(forms, clouds, true, choice);
  std::vector<Candidate> candidates;
  if (torch != nullptr) {
    candidates.push_back({"torch", [evaluate = torch->prepare(clouds)] { return clocked(evaluate); }});
    candidates.push_back({"torch+", [evaluate = torch_plus->prepare(clouds)] { return clocked(evaluate); }});
  }
  candidates.push_back({"cpu", cpu_gradient<float>(clouds, 1)});
  candidates.push_back({"cpu, double", cpu_gradient<double>(clouds, 1)});
  if (std::thread::hardware_concurrency() >= 2) {
    candidates.push_back({"cpu, by the wall", cpu_gradient<float>(clouds, 1, Clock::wall)});
    candidates.push_back({"cpu, 2 threads", [run = cpu_gradient<float>(clouds, 2, Clock::wall)] {
                            const double seconds = run();
                            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the second thread stops waiting for work
                            return seconds;
                          }});
  }
  LimitParts parts(sizes);
  parts.add_to(candidates);
  if (session.peers != nullptr && !session.peers->available().empty()) {
    session.peers->load(clouds);
    for (const auto& [peer, version] : session.peers->available())
      if (session.peers->has_gradient(peer)) candidates.push_back({peer, [&session, name = peer] { return session.peers->seconds(name, true); }});
  }
  const auto timings = alternate(candidates, session.budget(kSeconds));
  const Limit limit = limit_of(sizes, parts, timings);
  const double cpu = timing_of(timings, "cpu").median();
  Json row = sizes_of(sizes);
  row.update({{"threads", 1},
              {"seconds", cpu},
              {"ratio_to_libtorch", number(ratio_of(timings, "torch", cpu))},
              {"ratio_to_libtorch_with_fast_sort", number(ratio_of(timings, "torch+", cpu))},
              {"ratio_to_numpy", number(ratio_of(timings, "numpy", cpu))},
              {"ratio_to_pot", number(ratio_of(timings, "pot", cpu))},
              {"ratio_to_limit", cpu / limit.seconds},
              {"ratio_of_double_to_float", ratio_of(timings, "cpu, double", cpu)},
              {"libtorch_form", torch != nullptr ? Json(torch->name) : Json(nullptr)},
              {"libtorch_with_fast_sort_form", torch_plus != nullptr ? Json(torch_plus->name) : Json(nullptr)},
              {"limit",
               {{"seconds", limit.seconds},
                {"gflops", limit.gflops},
                {"product", limit.product},
                {"sort_seconds", limit.sort_seconds},
                {"nanoseconds_a_key", limit.nanoseconds_a_key},
                {"sorter", limit.sorter}}},
              {"timings", medians_of(timings)}});
  session.document["loss_gradient"].push_back(row);
  const double two = ratio_of(timings, "cpu, 2 threads", 1.0);
  if (std::isfinite(two)) {
    Json second = sizes_of(sizes);
    second.update({{"threads", 2},
                   {"seconds", two},
                   {"ratio_to_libtorch", number(ratio_of(timings, "torch", two))},
                   {"ratio_to_limit", two / limit.seconds},
                   {"speedup_over_one_thread", ratio_of(timings, "cpu, by the wall", two)}});
    session.document["loss_gradient"].push_back(second);
  }
  std::vector<std::string> cells{fmt::format("{}, {}, {}", sizes[0], sizes[1], sizes[2])};
  if (session.peers != nullptr)
    for (const auto& [peer, version] : session.peers->available())
      if (session.peers->has_gradient(peer)) cells.push_back(milliseconds(timings, peer));
  for (const char* name : {"torch", "torch+", "cpu"}) cells.push_back(milliseconds(timings, name));
  for (const double value : {limit.seconds * 1e3, ratio_of(timings, "torch", cpu), ratio_of(timings, "torch+", cpu), cpu / limit.seconds,
                             ratio_of(timings, "cpu, by the wall", two), ratio_of(timings, "cpu, double", cpu)})
    cells.push_back(digits(value));
  session.tables.back().rows.push_back(cells);
  session.tables.back().notes.push_back(fmt::format("{}: torch {}; torch+ {}; limit {} GFLOP/s ({}), {} ns a key ({}); {} rounds", cells.front(),
                                                    torch != nullptr ? torch->name : "absent", torch_plus != nullptr ? torch_plus->name : "absent",
                                                    digits(limit.gflops), limit.product, digits(limit.nanoseconds_a_key), limit.sorter,
                                                    timings.front().seconds.size()));
}

void measure_value(const Sizes& sizes, Session& session) {
  const Clouds clouds = random_clouds(sizes[0], sizes[1], sizes[2]);
  std::vector<Candidate> candidates;
  if (const auto torch = torch_value(clouds)) candidates.push_back({"torch", [torch] { return clocked(torch); }});
  candidates.push_back({"cpu", cpu_value<float>(clouds)});
  if (session.peers != nullptr && !session.peers->available().empty()) {
    session.peers->load(clouds);
    for (const auto& [peer, version] : session.peers->available())
      candidates.push_back({peer, [&session, name = peer] { return session.peers->seconds(name, false); }});
  }
  const auto timings = alternate(candidates, session.budget(kSeconds / 2.0));
  const double cpu = timing_of(timings, "cpu").median();
  Json row = sizes_of(sizes);
  row.update({{"threads", 1},
              {"seconds", cpu},
              {"ratio_to_numpy", number(ratio_of(timings, "numpy", cpu))},
              {"ratio_to_pot", number(ratio_of(timings, "pot", cpu))},
              {"ratio_to_libtorch", number(ratio_of(timings, "torch", cpu))},
              {"timings", medians_of(timings)}});
  session.document["loss_value"].push_back(row);
  std::vector<std::string> cells{fmt::format("{}, {}, {}", sizes[0], sizes[1], sizes[2])};
  if (session.peers != nullptr)
    for (const auto& [peer, version] : session.peers->available()) cells.push_back(milliseconds(timings, peer));
  for (const char* name : {"torch", "cpu"}) cells.push_back(milliseconds(timings, name));
  cells.push_back(digits(ratio_of(timings, "numpy", cpu)));
  cells.push_back(digits(ratio_of(timings, "torch", cpu)));
  session.tables.back().rows.push_back(cells);
}

/// One column for each peer.
std::vector<std::string> with_peers(const Session& session, bool with_gradient, std::vector<std::string> rest) {
  std::vector<std::string> headers{"n, d, L"};
  if (session.peers != nullptr)
    for (const auto& [peer, version] : session.peers->available())
      if (!with_gradient || session.peers->has_gradient(peer)) headers.push_back(peer);
  headers.insert(headers.end(), rest.begin(), rest.end());
  return headers;
}

void begin_gradient(Session& session) {
  session.document["loss_gradient"] = Json::array();
  session.tables.push_back(
      {"Loss and gradient, single precision: medians in ms of alternating rounds on one thread; ratios of medians",
       with_peers(session, true, {"torch", "torch+", "cpu", "limit", "torch/cpu", "torch+/cpu", "cpu/limit", "1/2 threads", "double/float"}),
       {},
       {}});
}

void begin_value(Session& session) {
  session.document["loss_value"] = Json::array();
  session.tables.push_back({"Value alone, single precision: medians in ms of alternating rounds on one thread; ratios of medians",
                            with_peers(session, false, {"torch", "cpu", "numpy/cpu", "torch/cpu"}),
                            {},
                            {}});
}

Section section(const std::string& name, const std::string& key, bool with_gradient, void (*begin)(Session&), void (*measure)(const Sizes&, Session&)) {
  Section out;
  out.name = name;
  out.key = key;
  out.prepare = begin;
  out.check = [with_gradient](Session& session) {
    for (const Sizes& sizes : kRows) check_row(sizes, session, with_gradient);
  };
  for (const Sizes& sizes : kRows) out.rows.emplace_back(name_of(sizes), [sizes, measure](Session& session) { measure(sizes, session); });
  return out;
}

}  // namespace

Section loss_section(bool) { return section("loss", "loss_gradient", true, begin_gradient, measure_gradient); }

Section value_section(bool) { return section("value", "loss_value", false, begin_value, measure_value); }

}  // namespace slicecheck::benchmarks
