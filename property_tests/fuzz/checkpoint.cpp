/// Sealed files: checkpoints of trainings, and rows of replicates. The first byte of an input chooses what is made of the others.

#include "slicecheck/dynamics/checkpoint.h"

#include <boost/crc.hpp>
#include <nlohmann/json.hpp>

#include "fuzz.h"
#include "slicecheck/core/replicate_parts.h"
#include "slicecheck/core/sealed.h"

namespace slicecheck::fuzz {
namespace {

const std::string kFingerprint = "print";

template <class T>
bool same(const T* a, const T* b, std::size_t count) {
  return count == 0 || std::memcmp(a, b, count * sizeof(T)) == 0;
}
bool same(const std::vector<double>& a, const std::vector<double>& b) { return a.size() == b.size() && same(a.data(), b.data(), a.size()); }
template <class S>
bool same(const Vector<S>& a, const Vector<S>& b) {
  return a.size() == b.size() && same(a.data(), b.data(), static_cast<std::size_t>(a.size()));
}

template <class S>
bool same(const TrainingRecord<S>& a, const TrainingRecord<S>& b) {
  const double sums[2][4] = {{a.time, a.loss_sum, a.phi_sum, a.epoch_sum}, {b.time, b.loss_sum, b.phi_sum, b.epoch_sum}};
  if (!same(sums[0], sums[1], 4) || a.state.step != b.state.step || a.summed != b.summed || a.on_sphere != b.on_sphere) return false;
  if (!same<S>(a.state.u, b.state.u) || !same<S>(a.u0, b.u0) || !same(a.schedule_memory, b.schedule_memory)) return false;
  if (a.rows.size() != b.rows.size() || a.evaluations.size() != b.evaluations.size()) return false;
  static_assert(sizeof(TrajectoryRow) == 7 * 8, "no padding");
  if (!same(a.rows.data(), b.rows.data(), a.rows.size())) return false;
  for (std::size_t k = 0; k < a.evaluations.size(); ++k)
    if (a.evaluations[k].step != b.evaluations[k].step || !same(a.evaluations[k].values, b.evaluations[k].values)) return false;
  return true;
}

/// A file that may be anything.
template <class S>
void read_checkpoint(std::string_view bytes) {
  const auto path = scratch().file("checkpoint.cbor", bytes);
  TrainingRecord<S> record;
  if (!accepts("checkpoint.cbor", [&] { record = load_checkpoint<S>(path, kFingerprint); })) return;
  const std::size_t numbers = static_cast<std::size_t>(record.state.u.size() + record.u0.size()) + record.rows.size() + record.evaluations.size();
  require(numbers <= bytes.size(), "no more numbers than bytes");
  const auto copy = scratch().folder() / "copy.cbor";
  save_checkpoint(copy, kFingerprint, record);
  require(same(load_checkpoint<S>(copy, kFingerprint), record), "what is written is read with the same bits");
}

PartsOfTable table() { return {scratch().folder() / "parts", kFingerprint, 16, 2}; }

void read_rows(std::string_view bytes) {
  const PartsOfTable parts = table();
  std::error_code ignored;
  std::filesystem::remove_all(parts.folder, ignored);
  std::filesystem::create_directory(parts.folder);
  const auto path = scratch().file("parts/part-0.cbor", bytes);
  DoneRows rows;
  if (!accepts("parts", [&] { rows = take_parts(parts); })) {
    require(bytes_of_file(path) == bytes, "a damaged file stays as it is");
    return;
  }
  require(rows.values.size() == 2 * rows.replicates.size(), "as many values as the width says");
  for (const Index k : rows.replicates) require(k >= 0 && k < parts.count, "rows of the table");
  const DoneRows again = take_parts(parts);
  require(again.replicates == rows.replicates && same(again.values, rows.values), "what is written is read with the same bits");
}

/// What `seal` would write around these bytes: damage that the checksum cannot see.
std::string sealed_bytes(std::string_view body) {
  boost::crc_32_type crc;
  crc.process_bytes(body.data(), body.size());
  std::string sealed;
  nlohmann::json::to_cbor({{"crc32", crc.checksum()}, {"body", nlohmann::json::binary({body.begin(), body.end()})}}, sealed);
  return sealed;
}

void read_everything(std::string_view bytes) {
  read_checkpoint<double>(bytes);
  read_checkpoint<float>(bytes);
  read_rows(bytes);
}

template <class S>
TrainingRecord<S> some_record(Bytes& bytes) {
  TrainingRecord<S> record;
  record.state.step = bytes.take<std::uint64_t>();
  const auto u = bytes.take_some<S>(20);
  record.state.u = Eigen::Map<const Vector<S>>(u.data(), static_cast<Index>(u.size()));
  const auto u0 = bytes.take_some<S>(20);
  record.u0 = Eigen::Map<const Vector<S>>(u0.data(), static_cast<Index>(u0.size()));
  for (double* sum : {&record.time, &record.loss_sum, &record.phi_sum, &record.epoch_sum}) *sum = bytes.take<double>();
  record.rows = bytes.take_some<TrajectoryRow>(3);
  const auto steps = bytes.take_some<std::uint64_t>(3);
  for (const auto step : steps) record.evaluations.push_back({step, bytes.take_some<double>(4)});
  record.schedule_memory = bytes.take_some<double>(4);
  record.summed = bytes.take<std::uint64_t>();
  record.on_sphere = bytes.take<std::uint64_t>();
  return record;
}

/// Any record is kept to the bit; any flipped byte, any cut and anything that follows is refused.
template <class S>
void write_and_damage(Bytes bytes) {
  const auto path = scratch().folder() / "checkpoint.cbor";
  const auto flip = static_cast<std::uint8_t>(bytes.take<std::uint8_t>() | 1);
  const auto where = bytes.take<std::uint16_t>();
  const TrainingRecord<S> record = some_record<S>(bytes);
  save_checkpoint(path, kFingerprint, record);
  require(same(load_checkpoint<S>(path, kFingerprint), record), "what is written is read with the same bits");
  const std::string whole = bytes_of_file(path);
  const auto refused = [&](const std::string& damaged) {
    return !accepts("checkpoint.cbor", [&] { (void)load_checkpoint<S>(scratch().file("checkpoint.cbor", damaged), kFingerprint); });
  };
  std::string flipped = whole;
  flipped[where % whole.size()] = static_cast<char>(flipped[where % whole.size()] ^ flip);
  require(refused(flipped), "a flipped byte is refused");
  require(refused(whole.substr(0, where % whole.size())), "a cut file is refused");
  require(refused(whole + static_cast<char>(flip)), "what follows is refused");
  require(!accepts("checkpoint.cbor", [&] { (void)load_checkpoint<S>(scratch().file("checkpoint.cbor", whole), "another"); }), "another run's is refused");
}

/// Something else in the place of a value: of another kind, cut, or nothing.
void replace(nlohmann::json& value, Bytes& bytes) {
  switch (bytes.take<std::uint8_t>() % 8) {
    case 0: value = nullptr; break;
    case 1: value = bytes.take<std::int64_t>(); break;
    case 2: value = bytes.take<double>(); break;
    case 3: value = nlohmann::json::array({value, value}); break;
    case 4: value = nlohmann::json::object(); break;
    case 5: value = "text"; break;
    default:
      if (value.is_binary())
        value.get_binary().resize(bytes.take<std::uint8_t>() % (2 * value.get_binary().size() + 9));
      else
        value = nlohmann::json::binary(bytes.take_some<std::uint8_t>(40));
  }
}

/// Goes down from the root, a child at a time, and replaces what it comes to, or removes it.
void edit_values(nlohmann::json& root, Bytes& bytes) {
  nlohmann::json* value = &root;
  while (value->is_structured() && !value->empty()) {
    const auto choice = bytes.take<std::uint8_t>();
    auto child = value->begin();
    std::advance(child, choice % value->size());
    if (choice >= 248) {
      value->erase(child);
      return;
    }
    value = &*child;
  }
  replace(*value, bytes);
}

/// Replaces a value in the body of a sealed file, or a few of its bytes, cuts it perhaps, and seals it again: the checksum fits, and what it covers does not.
std::string edited(const std::string& whole, Bytes bytes) {
  std::vector<std::uint8_t> body = nlohmann::json::from_cbor(whole).at("body").get_binary();
  if (bytes.take<std::uint8_t>() % 4 != 0) {
    auto values = nlohmann::json::from_cbor(body);
    edit_values(values, bytes);
    body = nlohmann::json::to_cbor(values);
    return sealed_bytes({reinterpret_cast<const char*>(body.data()), body.size()});
  }
  const auto cut = bytes.take<std::uint16_t>();
  if (cut % 4 == 0) body.resize(cut / 4 % (body.size() + 1));
  for (int k = bytes.take<std::uint8_t>() % 4; k >= 0 && !body.empty(); --k) {
    const auto where = bytes.take<std::uint16_t>();
    body[where % body.size()] = bytes.take<std::uint8_t>();
  }
  return sealed_bytes({reinterpret_cast<const char*>(body.data()), body.size()});
}

/// The first bytes of an input are the edits, so that they are within reach of short inputs.
constexpr std::size_t kEdits = 16;

template <class S>
void edited_checkpoint(std::string_view input) {
  Bytes bytes(input.substr(std::min(kEdits, input.size())));
  const auto path = scratch().folder() / "checkpoint.cbor";
  save_checkpoint(path, kFingerprint, some_record<S>(bytes));
  read_checkpoint<S>(edited(bytes_of_file(path), Bytes(input.substr(0, kEdits))));
}

/// Rows of replicates are kept to the bit; then they are edited.
void edited_rows(std::string_view input) {
  Bytes bytes(input.substr(std::min(kEdits, input.size())));
  const PartsOfTable parts = table();
  std::error_code ignored;
  std::filesystem::remove_all(parts.folder, ignored);
  DoneRows rows;
  const auto chosen = bytes.take<std::uint16_t>();
  for (Index k = 0; k < parts.count; ++k)
    if ((chosen >> k & 1) == 1) rows.replicates.push_back(k);
  for (std::size_t k = 0; k < 2 * rows.replicates.size(); ++k) rows.values.push_back(bytes.take<double>());
  save_part(parts, 0, rows);
  const std::string whole = bytes_of_file(parts.folder / "part-0.cbor");
  const DoneRows read = take_parts(parts);
  require(read.replicates == rows.replicates && same(read.values, rows.values), "rows are read with the same bits");
  read_rows(edited(whole, Bytes(input.substr(0, kEdits))));
}

}  // namespace
}  // namespace slicecheck::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slicecheck::fuzz;
  if (size == 0) return 0;
  const std::string_view rest = view(data + 1, size - 1);
  switch (data[0] % 8) {
    case 0: read_everything(rest); break;
    case 1: read_everything(sealed_bytes(rest)); break;
    case 2: write_and_damage<double>(Bytes(rest)); break;
    case 3: write_and_damage<float>(Bytes(rest)); break;
    case 4: edited_checkpoint<double>(rest); break;
    case 5: edited_checkpoint<float>(rest); break;
    default: edited_rows(rest); break;
  }
  return 0;
}
