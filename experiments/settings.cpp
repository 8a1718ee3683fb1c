#include "settings.h"

/// What toml++ 3.3 takes for granted some broken texts violate. It would leave that to assert or, with NDEBUG, to the optimiser: undefined behaviour. Here it
/// throws. No other file includes toml++.
struct ViolatedAssumption {};
static void violated() { throw ViolatedAssumption(); }
#undef NDEBUG
#undef TOML_ASSERT
#define TOML_ASSERT(expression) (static_cast<bool>(expression) ? void() : violated())

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

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

/// No control characters, which TOML has nowhere. And few dots: tables hold tables, and what takes them apart calls itself for every level: a line a.a.a.a… of
/// a megabyte would end the process. Dots in words and comments count too.
void check_characters(std::string_view text, const std::string& origin) {
  constexpr std::size_t kMostDots = 1000;
  std::size_t line = 1;
  std::size_t dots = 0;
  for (const char c : text) {
    if (c == '\n') ++line;
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)  // toml++ takes some for the beginning of a name
      reject("{}, line {}: a control character (0x{:02x})", origin, line, static_cast<unsigned char>(c));
    if (c == '.' && ++dots > kMostDots) reject("{}, line {}: more than {} dots in a row of names", origin, line, kMostDots);
    if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) dots = 0;
  }
}

/// TOML that says the same in ASCII: in double quotes a character becomes its escape, in comments a question mark. toml++ looks characters beyond ASCII up in
/// tables with holes, and what it does at a hole is undefined; likewise where no name follows the bracket of a section. Nothing, and the place in `wrong`,
/// where such a character stands elsewhere or is no UTF-8, and at the bracket of a section without a name.
std::optional<std::string> in_ascii(std::string_view text, std::size_t& wrong) {
  std::string out;
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  const auto same = [&](std::size_t k, char c) { return k < text.size() && text[k] == c; };
  const auto beyond = [&] { return static_cast<unsigned char>(text[at]) >= 0x80; };
  const auto copy = [&](std::size_t count) {
    out += text.substr(at, count);
    at += std::min(count, text.size() - at);
  };
  int depth = 0;  // brackets that are open
  bool line_begins = true;
  while (at < text.size() && !beyond()) {
    const char quote = text[at];
    if (quote == '[' && depth == 0 && line_begins) {
      const auto name = std::min(text.find_first_not_of(" \t", same(at + 1, '[') ? at + 2 : at + 1), text.size());
      if (name < text.size() && std::isalnum(static_cast<unsigned char>(text[name])) == 0 &&
          std::string_view("_-\"'").find(text[name]) == std::string_view::npos)
        break;
    }
    if (quote == '[' || quote == '{') ++depth;
    if (quote == ']' || quote == '}') --depth;
    line_begins = quote == '\n' || (line_begins && (quote == ' ' || quote == '\t' || quote == '\r'));
    if (quote == '#')
      for (; at < text.size() && text[at] != '\n'; ++at) out += beyond() ? '?' : text[at];
    else if (quote != '"' && quote != '\'')
      copy(1);
    else {
      const bool several_lines = same(at + 1, quote) && same(at + 2, quote);
      for (copy(several_lines ? 3 : 1); at < text.size();) {
        if (beyond()) {
          const std::size_t size = static_cast<unsigned char>(text[at]) >= 0xF0 ? 4 : static_cast<unsigned char>(text[at]) >= 0xE0 ? 3 : 2;
          if (quote == '\'' || !is_plain_text(text.substr(at, size))) break;
          std::uint32_t code = static_cast<unsigned char>(text[at]) & (0xFFU >> (size + 1));
          for (std::size_t k = 1; k < size; ++k) code = code << 6 | (static_cast<unsigned char>(text[at + k]) & 0x3FU);
          out += fmt::format("\\U{:08X}", code);
          at += size;
        } else if (quote == '"' && text[at] == '\\') {
          copy(1);
          if (at == text.size() || beyond()) break;
          copy(1);
        } else if (several_lines && same(at, quote) && same(at + 1, quote) && same(at + 2, quote)) {
          for (copy(3); same(at, quote);) copy(1);
          break;
        } else if (!several_lines && (text[at] == quote || text[at] == '\n')) {
          copy(1);
          break;
        } else {
          copy(1);
        }
      }
    }
  }
  wrong = at;
  if (at < text.size()) return std::nullopt;
  return out;
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
  check_characters(text, origin);
  std::size_t wrong = 0;
  const auto ascii = in_ascii(text, wrong);
  if (!ascii)
    reject("{}, line {}: expected {}; found '{}'", origin, 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(wrong), '\n'),
           text[wrong] == '[' ? "a name in the brackets" : "UTF-8, and what is not ASCII in double quotes", shown_text(text.substr(wrong)));
  try {
    return toml::parse(*ascii, origin);
  } catch (const toml::parse_error& error) {
    reject("{}, line {}: {}", origin, error.source().begin.line, shown_text(error.description(), 300));
  } catch (const ViolatedAssumption&) {
    reject("{}: this is no TOML, in a way that its reader cannot place (a date or a time that breaks off, say; no setting is one)", origin);
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
  check_characters(value, origin);
  toml::table table;
  try {
    std::size_t wrong = 0;
    const auto ascii = in_ascii("value = " + value, wrong);
    table = ascii ? toml::parse(*ascii) : toml::table{{"value", value}};
  } catch (const toml::parse_error&) {
    table = toml::table{{"value", value}};
  } catch (const ViolatedAssumption&) {
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
