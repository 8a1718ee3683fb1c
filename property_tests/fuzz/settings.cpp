/// TOML settings: a file, an override of a preset, and --set key=value.

#include "settings.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "fuzz.h"

namespace slicecheck::fuzz {
namespace {

using Json = nlohmann::ordered_json;

/// A value as TOML.
std::string toml_of(const Json& value) {
  if (value.is_array()) {
    std::string list;
    for (const Json& element : value) list += (list.empty() ? "" : ", ") + toml_of(element);
    return "[" + list + "]";
  }
  if (value.is_number_float()) {
    const std::string digits = fmt::format("{}", value.get<double>());
    return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
  }
  // JSON's escapes are TOML's, but for one control character that JSON leaves as it is.
  std::string text = value.dump();
  for (auto at = text.find('\x7F'); at != std::string::npos; at = text.find('\x7F', at)) text.replace(at, 1, "\\u007F");
  return text;
}

std::size_t numbers_and_words(const Json& value) {
  if (!value.is_array()) return value.is_string() ? value.get_ref<const std::string&>().size() : 1;
  std::size_t count = 1;
  for (const Json& element : value) count += numbers_and_words(element);
  return count;
}

bool all_finite(const Json& value) {
  if (value.is_array()) return std::all_of(value.begin(), value.end(), all_finite);
  return !value.is_number_float() || std::isfinite(value.get<double>());
}

/// One answer from each way to ask; nothing but an InputError may come instead.
void ask(const Settings& settings, const std::string& key, const Json& value) {
  const auto asked = [](const auto& question) {
    try {
      question();
    } catch (const InputError&) {
    }
  };
  asked([&] { (void)settings.words(key); });
  asked([&] { (void)settings.integers(key); });
  if (value.is_number()) require(settings.number(key) == value.get<double>(), "number");
  if (value.is_number_integer()) require(settings.integer(key) == value.get<Index>(), "integer");
  if (value.is_string()) require(settings.word(key) == value.get<std::string>(), "word");
}

constexpr std::string_view kPreset = R"(steps = 100
step_size = 0.5
targets = ["two-moons"]
hidden = [8, 4]
scheme = "sgd"
shuffled = true
none = []
[evaluation]
batches = 3
)";

void as_file(std::string_view text) {
  Settings settings;
  if (!accepts("preset", [&] { settings = Settings::from_toml(text, "preset"); })) return;
  const Json& json = settings.json();
  require(json.is_object(), "settings are an object");
  std::string again;
  std::size_t amount = 0;
  for (const auto& [key, value] : json.items()) {
    require(all_finite(value), "numbers are finite");
    if (value.is_array())
      for (const Json& element : value) require(element.type() == value.front().type(), "a list has one kind");
    amount += numbers_and_words(value);
    again += toml_of(Json(key)) + " = " + toml_of(value) + "\n";
    ask(settings, key, value);
  }
  require(amount <= text.size(), "no more values than bytes");
  // Keys come in TOML's order, which is not that of the flat names.
  require(nlohmann::json(Settings::from_toml(again, "again").json()) == nlohmann::json(json), "what is written is read again");
}

/// The preset's keys with the preset's kinds, whatever was set.
void kinds_stay(const Settings& settings) {
  static const Json preset = Settings::from_toml(kPreset, "preset").json();
  const Json& now = settings.json();
  require(now.size() == preset.size(), "no key comes or goes");
  for (const auto& [key, value] : preset.items())
    require(now.at(key).type() == value.type() || (value.is_number_integer() && now.at(key).is_number_integer()), "kinds stay");
  (void)now.dump();  // as into the manifest: throws where a word is no UTF-8
}

void as_override(std::string_view text) {
  const auto path = scratch().file("mine.toml", text);
  Settings settings = Settings::from_toml(kPreset, "preset");
  if (accepts("mine.toml", [&] { settings.override_from_file(path); })) kinds_stay(settings);
}

void as_assignment(const std::string& assignment) {
  const Settings before = Settings::from_toml(kPreset, "preset");
  Settings settings = before;
  if (!accepts("--set ", [&] { settings.override_from_text(assignment); })) return;
  kinds_stay(settings);
  std::size_t changed = 0;
  for (const auto& [key, value] : settings.json().items())
    if (before.json().at(key) != value) {
      ++changed;
      require(assignment.starts_with(key + "="), "the setting that is named is set");
    }
  require(changed <= 1, "one setting is set");
  require(assignment.find('\n') == std::string::npos, "no second line is dropped");
}

}  // namespace
}  // namespace slicecheck::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slicecheck::fuzz;
  const std::string text(view(data, size));
  as_file(text);
  as_override(text);
  as_assignment(text);
  return 0;
}
