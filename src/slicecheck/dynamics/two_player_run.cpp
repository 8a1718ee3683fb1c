#include "slicecheck/dynamics/two_player_run.h"

#include <chrono>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/sealed.h"

namespace slicecheck {

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr const char* kFormat = "slicecheck-two-player-1";
constexpr std::size_t kMeans = 6;  // of a row

template <class S>
Json vector_json(const Vector<S>& v) {
  return bytes_of(v.data(), static_cast<std::size_t>(v.size()));
}

template <class S>
Vector<S> vector_from(const Json& json) {
  const auto values = from_bytes<S>(json);
  return Eigen::Map<const Vector<S>>(values.data(), static_cast<Index>(values.size()));
}

std::uint64_t whole_number(const Json& json) {
  if (!json.is_number_unsigned()) throw std::invalid_argument("a count is no whole number");
  return json.get<std::uint64_t>();
}

template <class S>
Json player_json(const State<S>& player) {
  Json memory = Json::array();
  for (const Vector<S>& part : player.memory) memory.push_back(vector_json(part));
  return {{"step", player.step}, {"parameters", vector_json(player.u)}, {"memory", std::move(memory)}};
}

template <class S>
State<S> player_from(const Json& json) {
  State<S> player{vector_from<S>(json.at("parameters")), whole_number(json.at("step"))};
  for (const Json& part : json.at("memory")) player.memory.push_back(vector_from<S>(part));
  return player;
}

template <class S>
void save(const std::filesystem::path& path, const std::string& fingerprint, const TwoPlayerRecord<S>& record) {
  Json rows = Json::array();
  for (const TwoPlayerRow& row : record.rows) {
    const double values[] = {row.generator_loss, row.critic_loss, row.generator_gradient, row.critic_gradient, row.slope_real, row.slope_generated,
                             row.u_norm,         row.v_norm};
    rows.push_back({row.step, bytes_of(values, std::size(values))});
  }
  Json evaluations = Json::array();
  for (const auto& [step, values] : record.evaluations) evaluations.push_back({step, bytes_of(values.data(), values.size())});
  const Eigen::VectorXd direction = record.state.direction.transpose();
  write_atomically(path, seal({{"format", kFormat},
                               {"fingerprint", fingerprint},
                               {"scalar_bytes", sizeof(S)},
                               {"generator", player_json(record.state.generator)},
                               {"critic", player_json(record.state.critic)},
                               {"statistics", vector_json(record.state.statistics)},
                               {"direction", bytes_of(direction.data(), static_cast<std::size_t>(direction.size()))},
                               {"rows", std::move(rows)},
                               {"evaluations", std::move(evaluations)},
                               {"sums", bytes_of(record.sums.data(), record.sums.size())}}));
}

template <class S>
TwoPlayerRecord<S> load(const std::filesystem::path& path, const std::string& fingerprint) {
  const std::string contents = read_file(path);
  TwoPlayerRecord<S> record;
  try {
    const Json json = unseal(contents);
    if (json.at("format") != kFormat) reject("{}: not a checkpoint of a two-player training", path.string());
    if (json.at("fingerprint") != fingerprint || json.at("scalar_bytes") != sizeof(S))
      reject(
          "{}: this checkpoint belongs to a run with other settings, another seed or another version of the program; resume with those, or start anew without "
          "--resume",
          path.string());
    record.state.generator = player_from<S>(json.at("generator"));
    record.state.critic = player_from<S>(json.at("critic"));
    record.state.statistics = vector_from<S>(json.at("statistics"));
    record.state.direction = vector_from<double>(json.at("direction")).transpose();
    for (const Json& row : json.at("rows")) {
      const auto v = from_bytes<double>(row.at(1));
      record.rows.push_back({whole_number(row.at(0)), v.at(0), v.at(1), v.at(2), v.at(3), v.at(4), v.at(5), v.at(6), v.at(7)});
    }
    for (const Json& row : json.at("evaluations")) record.evaluations.push_back({whole_number(row.at(0)), from_bytes<double>(row.at(1))});
    record.sums = from_bytes<double>(json.at("sums"));
    if (record.sums.size() != kMeans + 1) throw std::invalid_argument("the sums are cut");
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {
    reject("{}: a damaged checkpoint ({}); remove it, or start anew without --resume", path.string(), error.what());
  }
  return record;
}

template <class S>
void add_row(TwoPlayerRecord<S>& record) {
  const auto& state = record.state;
  std::vector<double>& sums = record.sums;
  const double count = sums.back();
  record.rows.push_back({state.generator.step, sums[0] / count, sums[1] / count, sums[2] / count, sums[3] / count, sums[4] / count, sums[5] / count,
                         state.generator.u.template cast<double>().norm(), state.critic.u.template cast<double>().norm()});
  sums.assign(kMeans + 1, 0.0);
}

}  // namespace

template <class S>
TwoPlayerRecord<S> run_two_player(const TwoPlayer<S>& players, const TwoPlayerParts<S>& parts, const TwoPlayerRunSettings<S>& settings, std::string_view label,
                                  Progress& progress) {
  if (settings.steps < 1) reject("training {}: {} steps; at least 1 is needed", label, settings.steps);
  if (settings.record_every < 1) reject("training {}: record_every is {}; it must be at least 1", label, settings.record_every);
  TwoPlayerRecord<S> record;
  const auto evaluate = [&] {
    if (settings.evaluate) record.evaluations.push_back({record.state.generator.step, settings.evaluate(record.state)});
  };
  if (settings.resume && !settings.checkpoint.empty() && std::filesystem::exists(settings.checkpoint)) {
    record = load<S>(settings.checkpoint, settings.fingerprint);
  } else {
    record.state = players.start(parts);
    record.sums.assign(kMeans + 1, 0.0);
    evaluate();
  }
  Clock::time_point last = Clock::now();
  while (record.state.generator.step < settings.steps) {
    const TwoPlayerReport report = advance(players, parts, record.state);
    const double terms[] = {report.generator.loss,       report.critic.loss,       report.generator.gradient_norm,
                            report.critic.gradient_norm, report.critic.slope_real, report.critic.slope_generated};
    for (std::size_t i = 0; i < kMeans; ++i) record.sums[i] += terms[i];
    record.sums[kMeans] += 1.0;
    const std::uint64_t step = record.state.generator.step;
    const bool end = step == settings.steps;
    if (end || step % settings.record_every == 0) add_row(record);
    if (end || (settings.evaluate_every > 0 && step % settings.evaluate_every == 0)) evaluate();
    progress.update(label, static_cast<double>(step) / static_cast<double>(settings.steps));
    if (!end && !settings.checkpoint.empty() && std::chrono::duration<double>(Clock::now() - last).count() >= settings.checkpoint_seconds) {
      save(settings.checkpoint, settings.fingerprint, record);
      last = Clock::now();
    }
  }
  if (!settings.checkpoint.empty()) save(settings.checkpoint, settings.fingerprint, record);
  return record;
}

template TwoPlayerRecord<float> run_two_player(const TwoPlayer<float>&, const TwoPlayerParts<float>&, const TwoPlayerRunSettings<float>&, std::string_view,
                                               Progress&);
template TwoPlayerRecord<double> run_two_player(const TwoPlayer<double>&, const TwoPlayerParts<double>&, const TwoPlayerRunSettings<double>&, std::string_view,
                                                Progress&);

}  // namespace slicecheck
