#pragma once
/// Settings of an experiment: a preset, then a file, then `--set key=value`, each overriding what it names.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// Values under dotted keys (`evaluation.directions`). The preset declares every key with its type; nothing else can be set. Whoever asks for a value of
/// another kind than the preset's gets an InputError that names the key.
class Settings {
 public:
  /// @throws InputError, beginning with `origin`, for text that is not valid TOML (with line and reason), numbers that are not finite, a key given twice.
  static Settings from_toml(std::string_view text, const std::string& origin);

  /// Overrides from a TOML file. @throws InputError for unknown keys, other types, a missing file.
  void override_from_file(const std::filesystem::path& path);
  /// Overrides from `key=value`, the value written as in TOML; a bare word is taken as a string. @throws InputError likewise.
  void override_from_text(const std::string& assignment);

  [[nodiscard]] double number(const std::string& key) const;
  [[nodiscard]] Index integer(const std::string& key) const;
  /// An integer that must be at least `least`. @throws InputError naming the key.
  [[nodiscard]] Index integer_at_least(const std::string& key, Index least) const;
  [[nodiscard]] std::string word(const std::string& key) const;
  [[nodiscard]] bool truth(const std::string& key) const;
  [[nodiscard]] std::vector<std::string> words(const std::string& key) const;
  [[nodiscard]] std::vector<Index> integers(const std::string& key) const;

  [[nodiscard]] const nlohmann::ordered_json& json() const { return values_; }

 private:
  void override_with(const Settings& other, const std::string& origin);
  [[nodiscard]] const nlohmann::ordered_json& at(const std::string& key) const;
  [[noreturn]] void reject_kind(const std::string& key, std::string_view expected) const;

  nlohmann::ordered_json values_ = nlohmann::ordered_json::object();  // flat: dotted key → value
};

}  // namespace slicecheck
