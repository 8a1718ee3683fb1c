#include <fmt/format.h>

#include <charconv>

#include "cuda/ptx/decode.h"

namespace ptx {
namespace {

struct Item {
  enum class Kind : std::uint8_t { open_scope, close_scope, directive, instruction };
  Kind kind = Kind::instruction;
  std::string_view text;
  int line = 0;
};

/// Walks over a kernel's body once: scopes, statements and labels.
class BodyReader {
 public:
  BodyReader(std::string_view body, Symbols& symbols) : rest_(body), symbols_(symbols) {}

  std::vector<Item> read() {
    while (!(rest_ = trimmed(rest_)).empty()) {
      if (rest_.starts_with(".loc ") || rest_.starts_with(".loc\t")) {
        read_line_number();
      } else if (rest_.front() == '{') {
        items_.push_back({Item::Kind::open_scope, {}, line_});
        rest_.remove_prefix(1);
      } else if (rest_.front() == '}') {
        items_.push_back({Item::Kind::close_scope, {}, line_});
        rest_.remove_prefix(1);
      } else if (!read_label()) {
        read_statement();
      }
    }
    return std::move(items_);
  }

 private:
  /// ".loc file line column": the line.
  void read_line_number() {
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view words = rest_.substr(4, end - 4);
    const std::size_t file = std::min(words.find_first_not_of(" \t"), words.size());
    const std::size_t gap = std::min(words.find_first_of(" \t", file), words.size());
    const std::size_t line = std::min(words.find_first_not_of(" \t", gap), words.size());
    std::from_chars(words.data() + line, words.data() + words.size(), line_);
    rest_.remove_prefix(end);
  }

  bool read_label() {
    const std::size_t end = std::min(rest_.find_first_of(":;{ \t\n"), rest_.size());
    if (end == rest_.size() || rest_[end] != ':' || rest_.substr(end).starts_with("::")) {
      return false;
    }
    const std::string_view name = rest_.substr(0, end);
    rest_ = trimmed(rest_.substr(end + 1));
    if (rest_.starts_with(".branchtargets")) {
      const std::size_t semicolon = rest_.find(';');
      symbols_.add_table(name, split(rest_.substr(std::string_view(".branchtargets").size(), semicolon - std::string_view(".branchtargets").size()), ','));
      rest_.remove_prefix(semicolon + 1);
    } else {
      symbols_.add_label(name, instructions_);
    }
    return true;
  }

  void read_statement() {
    const std::size_t end = rest_.find(';');
    if (end == std::string_view::npos) {
      throw Fault(Check::unsupported, fmt::format("a statement that does not end: {}", rest_.substr(0, 100)));
    }
    const std::string_view text = trimmed(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    if (text.starts_with('.')) {
      items_.push_back({Item::Kind::directive, text, line_});
    } else if (!text.empty()) {
      items_.push_back({Item::Kind::instruction, text, line_});
      ++instructions_;
    }
  }

  std::string_view rest_;
  Symbols& symbols_;
  std::vector<Item> items_;
  std::uint32_t instructions_ = 0;
  int line_ = 0;
};

}  // namespace

Kernel decode_kernel(const KernelText& text, const ModuleText& module) {
  Kernel kernel;
  kernel.name = text.name;
  kernel.max_threads = text.max_threads;
  Symbols symbols(text, module, kernel);
  for (const Item& item : BodyReader(text.body, symbols).read()) {
    switch (item.kind) {
      case Item::Kind::open_scope: symbols.open_scope(); break;
      case Item::Kind::close_scope: symbols.close_scope(); break;
      case Item::Kind::directive:
        // Arguments of a call (.param) are declared before it; the call itself is refused.
        if (!item.text.starts_with(".pragma") && !item.text.starts_with(".param") && !symbols.declare(item.text)) {
          throw Fault(Check::unsupported, fmt::format("directive '{}' in kernel {}", item.text, text.name));
        }
        break;
      case Item::Kind::instruction:
        kernel.code.push_back(decode(item.text, symbols));
        kernel.code.back().line = item.line;
        break;
    }
  }
  symbols.finish();
  return kernel;
}

}  // namespace ptx
