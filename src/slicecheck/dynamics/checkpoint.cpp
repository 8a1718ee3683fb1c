#include "slicecheck/dynamics/checkpoint.h"

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/sealed.h"

namespace slicecheck {

namespace {

using Json = nlohmann::json;

template <class S>
Vector<S> vector_from_bytes(const Json& json) {
  const auto values = from_bytes<S>(json);
  return Eigen::Map<const Vector<S>>(values.data(), static_cast<Index>(values.size()));
}

/// Bit patterns survive as bytes; integers as CBOR integers.
Json number(double value) { return bytes_of(&value, 1); }
double number(const Json& json) { return from_bytes<double>(json).at(0); }

/// A whole number of at least 0: a fraction would be cut to one without a word, and one that is too large is undefined.
std::uint64_t whole_number(const Json& json) {
  if (!json.is_number_unsigned()) throw std::invalid_argument("a count is no whole number");
  return json.get<std::uint64_t>();
}

Json rows_json(const std::vector<TrajectoryRow>& rows) {
  Json out = Json::array();
  for (const auto& row : rows) {
    const double values[] = {row.time, row.step_size, row.loss, row.phi_norm, row.u_norm};
    out.push_back({row.step, row.steps_on_sphere, bytes_of(values, std::size(values))});
  }
  return out;
}

std::vector<TrajectoryRow> rows_from(const Json& json) {
  std::vector<TrajectoryRow> rows;
  for (const auto& row : json) {
    const auto v = from_bytes<double>(row.at(2));
    rows.push_back({whole_number(row.at(0)), v.at(0), v.at(1), v.at(2), v.at(3), v.at(4), whole_number(row.at(1))});
  }
  return rows;
}

}  // namespace

template <class S>
void save_checkpoint(const std::filesystem::path& path, const std::string& fingerprint, const TrainingRecord<S>& record) {
  Json json{{"format", "slicecheck-checkpoint-1"},
            {"fingerprint", fingerprint},
            {"scalar_bytes", sizeof(S)},
            {"step", record.state.step},
            {"u", bytes_of(record.state.u.data(), static_cast<std::size_t>(record.state.u.size()))},
            {"u0", bytes_of(record.u0.data(), static_cast<std::size_t>(record.u0.size()))},
            {"time", number(record.time)},
            {"rows", rows_json(record.rows)},
            {"schedule", bytes_of(record.schedule_memory.data(), record.schedule_memory.size())},
            {"loss_sum", number(record.loss_sum)},
            {"phi_sum", number(record.phi_sum)},
            {"epoch_sum", number(record.epoch_sum)},
            {"summed", record.summed},
            {"on_sphere", record.on_sphere}};
  Json memory = Json::array();
  for (const Vector<S>& part : record.state.memory) memory.push_back(bytes_of(part.data(), static_cast<std::size_t>(part.size())));
  json["memory"] = std::move(memory);
  Json evaluations = Json::array();
  for (const auto& row : record.evaluations) evaluations.push_back({row.step, bytes_of(row.values.data(), row.values.size())});
  json["evaluations"] = std::move(evaluations);
  write_atomically(path, seal(json));
}

template <class S>
TrainingRecord<S> load_checkpoint(const std::filesystem::path& path, const std::string& fingerprint) {
  const std::string contents = read_file(path);
  TrainingRecord<S> record;
  try {
    const Json json = unseal(contents);
    if (json.at("format") != "slicecheck-checkpoint-1") reject("{}: a checkpoint of an unknown format", path.string());
    if (json.at("fingerprint") != fingerprint)
      reject(
          "{}: this checkpoint belongs to a run with other settings, another seed or another version of the program; resume with those, or start anew without "
          "--resume",
          path.string());
    if (json.at("scalar_bytes") != sizeof(S))
      reject("{}: this checkpoint belongs to a run in another precision; resume with that, or start anew without --resume", path.string());
    record.state.step = whole_number(json.at("step"));
    record.state.u = vector_from_bytes<S>(json.at("u"));
    if (json.contains("memory"))  // written since schemes may remember
      for (const auto& part : json.at("memory")) record.state.memory.push_back(vector_from_bytes<S>(part));
    record.u0 = vector_from_bytes<S>(json.at("u0"));
    record.time = number(json.at("time"));
    record.rows = rows_from(json.at("rows"));
    record.schedule_memory = from_bytes<double>(json.at("schedule"));
    record.loss_sum = number(json.at("loss_sum"));
    record.phi_sum = number(json.at("phi_sum"));
    record.epoch_sum = number(json.at("epoch_sum"));
    record.summed = whole_number(json.at("summed"));
    record.on_sphere = whole_number(json.at("on_sphere"));
    for (const auto& row : json.at("evaluations")) record.evaluations.push_back({whole_number(row.at(0)), from_bytes<double>(row.at(1))});
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {
    reject("{}: a damaged checkpoint ({}); remove it, or start anew without --resume", path.string(), error.what());
  }
  return record;
}

template void save_checkpoint(const std::filesystem::path&, const std::string&, const TrainingRecord<float>&);
template void save_checkpoint(const std::filesystem::path&, const std::string&, const TrainingRecord<double>&);
template TrainingRecord<float> load_checkpoint(const std::filesystem::path&, const std::string&);
template TrainingRecord<double> load_checkpoint(const std::filesystem::path&, const std::string&);

}  // namespace slicecheck
