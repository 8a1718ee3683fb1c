#include "settings.h"

#include <toml++/toml.h>

#include <sstream>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"

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

Json value_of(const toml::node& node, const std::string& key) {
  if (const auto* v = node.as_string()) return v->get();
  if (const auto* v = node.as_integer()) return v->get();
  if (const auto* v = node.as_floating_point()) return v->get();
  if (const auto* v = node.as_boolean()) return v->get();
  if (const auto* list = node.as_array()) {
    Json out = Json::array();
    for (const auto& element : *list) out.push_back(value_of(element, key));
    for (const auto& element : out)
      if (kind_of(element) != kind_of(out.front()))
        reject("settings: the list '{}' mixes kinds: one {} and one {}", key, kind_of(out.front()), kind_of(element));
    return out;
  }
  reject("settings: {} has a type that no setting has (dates and tables in lists are not used)", key);
}

void flatten(const toml::table& table, const std::string& prefix, Json& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table())
      flatten(*inner, key + ".", out);
    else
      out[key] = value_of(node, key);
  }
}

toml::table parse(std::string_view text, const std::string& origin) {
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    reject("{}, line {}: {}", origin, error.source().begin.line, error.description());
  }
}

}  // namespace

Settings Settings::from_toml(std::string_view text, const std::string& origin) {
  Settings settings;
  flatten(parse(text, origin), "", settings.values_);
  return settings;
}

void Settings::override_with(const Settings& other, const std::string& origin) {
  for (const auto& [key, value] : other.values_.items()) {
    if (!values_.contains(key)) {
      std::vector<std::string> known;
      for (const auto& [name, unused] : values_.items()) known.push_back(name);
      reject("{}: unknown setting '{}'; the known ones are {}", origin, key, fmt::join(known, ", "));
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
  if (equals == std::string::npos || equals == 0) reject("--set {}: expected key=value", assignment);
  const std::string key = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  const std::string origin = "--set " + assignment;
  toml::table table;
  try {
    table = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    table = toml::table{{"value", value}};
  }
  Settings settings;
  settings.values_[key] = value_of(*table.get("value"), key);
  override_with(settings, origin);
}

const Json& Settings::at(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) reject("settings: '{}' is missing from the preset", key);
  return *found;
}

double Settings::number(const std::string& key) const { return at(key).get<double>(); }

Index Settings::integer(const std::string& key) const { return at(key).get<Index>(); }

Index Settings::integer_at_least(const std::string& key, Index least) const {
  const Index value = integer(key);
  if (value < least) reject("settings: {} is {}; it must be at least {}", key, value, least);
  return value;
}

std::string Settings::word(const std::string& key) const { return at(key).get<std::string>(); }

std::vector<std::string> Settings::words(const std::string& key) const {
  const Json& list = at(key);
  if (!list.empty() && !list.front().is_string()) reject("settings: '{}' takes one list of words; given: {}", key, kind_of(list));
  return list.get<std::vector<std::string>>();
}

std::vector<Index> Settings::integers(const std::string& key) const {
  const Json& list = at(key);
  if (!list.empty() && !list.front().is_number_integer()) reject("settings: '{}' takes one list of integers; given: {}", key, kind_of(list));
  return list.get<std::vector<Index>>();
}

}  // namespace slicecheck
