#pragma once
/// One run of the comparisons: what was asked for, and where its results go.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rounds.h"

namespace slicecheck::benchmarks {

using Json = nlohmann::ordered_json;

class Peers;

/// A table as the terminal shows it.
struct Table {
  std::string title;
  std::vector<std::string> headers;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;

  void print() const;  ///< on standard output; the first column to the left, the others to the right
};

struct Session {
  bool quick = false;
  std::string planted;         ///< a defect to plant among the candidates; none if empty
  std::filesystem::path data;  ///< where fashion-mnist/ is
  std::shared_ptr<Peers> peers;
  Json document = Json::object();
  std::vector<Table> tables;

  /// For one comparison of a full run. A quick one gets a twelfth, and three rounds at least.
  [[nodiscard]] Budget budget(double seconds) const { return quick ? Budget{seconds / 12.0, 3, 40} : Budget{seconds, 5, 400}; }
};

/// A part of the run.
struct Section {
  std::string name;                                                         ///< of --only
  std::string key;                                                          ///< in the JSON
  std::function<void(Session&)> check;                                      ///< throws `Error` where a candidate is wrong; before anything is timed
  std::function<void(Session&)> prepare;                                    ///< before the first row
  std::vector<std::pair<std::string, std::function<void(Session&)>>> rows;  ///< their names and what measures them
  std::function<void(Session&)> finish;                                     ///< after the last row
};

Section loss_section(bool quick);
Section value_section(bool quick);
Section training_section(bool quick);
Section memory_section(bool quick);
Section growth_section(bool quick);
Section transport_section(bool quick);
Section other_section(bool quick);

/// 12.3, 0.0123: three digits, as a table shows a number.
std::string digits(double value);

/// A number, or null where it is not finite.
Json number(double value);

}  // namespace slicecheck::benchmarks
