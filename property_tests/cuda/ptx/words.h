#pragma once
/// An opcode with its modifiers, taken apart: "ld.global.nc.v2.f32".

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "cuda/ptx/module_text.h"

namespace ptx {

/// Each modifier is taken once by the decoder that knows it; what is left over makes the instruction unknown.
class Words {
 public:
  explicit Words(std::string_view opcode) : words_(split(opcode, '.')) {
    if (!words_.empty()) {
      name = words_.front();
      words_.erase(words_.begin());
    }
  }

  /// Whether the modifier is there; it is taken.
  bool take(std::string_view word) {
    const auto found = std::find(words_.begin(), words_.end(), word);
    if (found == words_.end()) {
      return false;
    }
    words_.erase(found);
    return true;
  }

  /// The first of `choices` that is there, or "".
  std::string_view take_one(std::initializer_list<std::string_view> choices) {
    for (const std::string_view choice : choices) {
      if (take(choice)) {
        return choice;
      }
    }
    return {};
  }

  void drop(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) {
      take(word);
    }
  }

  /// The next word that is a type; bits = 0 if there is none.
  Type take_type() {
    for (auto word = words_.begin(); word != words_.end(); ++word) {
      if (const Type type = parse_type(*word); type.bits != 0) {
        words_.erase(word);
        return type;
      }
    }
    return {};
  }

  /// The first modifier of all, or "".
  std::string_view take_front() {
    if (words_.empty()) {
      return {};
    }
    const std::string_view word = words_.front();
    words_.erase(words_.begin());
    return word;
  }

  [[nodiscard]] const std::vector<std::string_view>& left() const { return words_; }

  std::string_view name;

 private:
  std::vector<std::string_view> words_;
};

}  // namespace ptx
