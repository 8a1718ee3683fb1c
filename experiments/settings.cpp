#include "settings.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/shown_text.h"

namespace slicecheck {

namespace {

using Json = nlohmann::ordered_json;

std::string kind_of(const Json& value) {
  if (value.is_array()) return value.empty() ? "list" : "list of " + kind_of(value.front()) + "s";
  if (value.is_number_integer()) return "integer";
  if (value.is_number()) return "number";
  if (value.is_string()) return "word";
  return "truth value";
}

Json value_of(const toml::node& node, const std::string& key, const std::string& origin) {
  if (const auto* v = node.as_string()) return v->get();
  if (const auto* v = node.as_integer()) return v->get();
  if (const auto* v = node.as_floating_point()) {
    if (!std::isfinite(v->get())) reject("{}: '{}' is {}; expected a finite number", origin, key, v->get());
    return v->get();
  }
  if (const auto* v = node.as_boolean()) return v->get();
  if (const auto* list = node.as_array()) {
    Json out = Json::array();
    for (const auto& element : *list) out.push_back(value_of(element, key, origin));
    for (const auto& element : out)
      if (kind_of(element) != kind_of(out.front()))
        reject("{}: the list '{}' mixes kinds: one {} and one {}", origin, key, kind_of(out.front()), kind_of(element));
    return out;
  }
  reject("{}: '{}' has a type that no setting has (dates and tables in lists are not used)", origin, key);
}

constexpr std::size_t kLongestKey = 200;
constexpr std::size_t kMostSettings = 1000;

/// Tables hold tables, and what takes them apart calls itself for every level: a line a.a.a.a… of a megabyte would end the process. Dots in words and comments
/// count too.
void check_depth(std::string_view text, const std::string& origin) {
  constexpr std::size_t kMostDots = 1000;
  std::size_t line = 1;
  std::size_t dots = 0;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '.' && ++dots > kMostDots) reject("{}, line {}: more than {} dots in a row of names", origin, line, kMostDots);
    if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) dots = 0;
  }
}

void flatten(const toml::table& table, const std::string& prefix, const std::string& origin, Json& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (!is_plain_text(key) || key.size() > kLongestKey) reject("{}: the name '{}' is no setting's", origin, shown_text(key));
    if (out.size() >= kMostSettings) reject("{}: more than {} settings", origin, kMostSettings);
    if (const auto* inner = node.as_table())
      flatten(*inner, key + ".", origin, out);
    else if (out.contains(key))  // a.b = 1 and "a.b" = 2
      reject("{}: '{}' is given twice", origin, key);
    else
      out[key] = value_of(node, key, origin);
  }
}

toml::table parse(std::string_view text, const std::string& origin) {
  check_depth(text, origin);
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    reject("{}, line {}: {}", origin, error.source().begin.line, shown_text(error.description(), 300));
  }
}

}  // namespace

Settings Settings::from_toml(std::string_view text, const std::string& origin) {
  Settings settings;
  flatten(parse(text, origin), "", origin, settings.values_);
  return settings;
}

void Settings::override_with(const Settings& other, const std::string& origin) {
  for (const auto& [key, value] : other.values_.items()) {
    if (!values_.contains(key)) {
      std::vector<std::string> known;
      for (const auto& [name, unused] : values_.items()) known.push_back(name);
      reject("{}: unknown setting '{}'; the known ones are {}", origin, shown_text(key, kLongestKey), fmt::join(known, ", "));
    }
    Json& mine = values_[key];
    const bool widened = mine.is_number_float() && value.is_number_integer();
    // An empty list tells nothing of what belongs in it: who reads it checks that.
    const bool lists = mine.is_array() && value.is_array() && (mine.empty() || value.empty());
    if (!widened && !lists && kind_of(mine) != kind_of(value)) reject("{}: '{}' takes one {}; given: {}", origin, key, kind_of(mine), kind_of(value));
    mine = widened ? Json(value.get<double>()) : value;
  }
}

void Settings::override_from_file(const std::filesystem::path& path) { override_with(from_toml(read_file(path), path.string()), path.string()); }

void Settings::override_from_text(const std::string& assignment) {
  const auto equals = assignment.find('=');
  const std::string origin = "--set " + shown_text(assignment, 100);
  if (equals == std::string::npos || equals == 0) reject("{}: expected key=value", origin);
  if (!is_plain_text(assignment)) reject("{}: expected one line of UTF-8 without control characters", origin);
  const std::string key = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  check_depth(value, origin);
  toml::table table;
  try {
    table = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    table = toml::table{{"value", value}};
  }
  Settings settings;
  settings.values_[key] = value_of(*table.get("value"), key, origin);
  override_with(settings, origin);
}

const Json& Settings::at(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) reject("settings: '{}' is missing from the preset", key);
  return *found;
}

void Settings::reject_kind(const std::string& key, std::string_view expected) const {
  reject("settings: '{}' takes one {}; given: {}", key, expected, kind_of(at(key)));
}

bool Settings::truth(const std::string& key) const {
  if (!at(key).is_boolean()) reject_kind(key, "truth value");
  return at(key).get<bool>();
}

double Settings::number(const std::string& key) const {
  if (!at(key).is_number()) reject_kind(key, "number");
  return at(key).get<double>();
}

Index Settings::integer(const std::string& key) const {
  if (!at(key).is_number_integer()) reject_kind(key, "integer");
  return at(key).get<Index>();
}

Index Settings::integer_at_least(const std::string& key, Index least) const {
  const Index value = integer(key);
  if (value < least) reject("settings: {} is {}; it must be at least {}", key, value, least);
  return value;
}

std::string Settings::word(const std::string& key) const {
  if (!at(key).is_string()) reject_kind(key, "word");
  return at(key).get<std::string>();
}

std::vector<std::string> Settings::words(const std::string& key) const {
  const Json& list = at(key);
  if (!list.is_array() || (!list.empty() && !list.front().is_string())) reject_kind(key, "list of words");
  return list.get<std::vector<std::string>>();
}

std::vector<Index> Settings::integers(const std::string& key) const {
  const Json& list = at(key);
  if (!list.is_array() || (!list.empty() && !list.front().is_number_integer())) reject_kind(key, "list of integers");
  return list.get<std::vector<Index>>();
}

}  // namespace slicecheck
