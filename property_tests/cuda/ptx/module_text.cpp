#include "cuda/ptx/module_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace ptx {
namespace {

bool is_blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

[[noreturn]] void refuse(std::string_view what, std::string_view where) {
  throw Fault(Check::unsupported, fmt::format("PTX that is not known: {}: {}", what, where.substr(0, 200)));
}

std::string without_comments(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "//") == 0) {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.compare(i, 2, "/*") == 0) {
      const std::size_t end = text.find("*/", i + 2);
      i = end == std::string_view::npos ? text.size() : end + 2;
    } else {
      out += text[i++];
    }
  }
  return out;
}

/// The position after the brace that closes the one at `open`.
std::size_t after_braces(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i + 1;
    }
  }
  refuse("a brace that is never closed", text.substr(open));
}

/// The next word of a declaration; "name[4]" is one word.
std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::size_t end = static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), is_blank) - rest.begin());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::uint64_t parse_number(std::string_view word, std::string_view where) {
  const bool hexadecimal = word.starts_with("0x") || word.starts_with("0X");
  const char* begin = word.data() + (hexadecimal ? 2 : 0);
  const char* end = word.data() + word.size();
  const bool negative = !hexadecimal && word.starts_with('-');
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(begin + (negative ? 1 : 0), end, value, hexadecimal ? 16 : 10);
  if (error != std::errc{} || stop != end) {
    refuse("number", where);
  }
  return negative ? ~value + 1 : value;
}

Space space_of(std::string_view word) {
  if (word == ".global") return Space::global;
  if (word == ".const") return Space::constant;
  if (word == ".shared") return Space::shared;
  if (word == ".local") return Space::local;
  if (word == ".param") return Space::parameter;
  return Space::generic;
}

std::uint64_t hash_without_line_numbers(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with(".loc ") || line.starts_with(".loc\t")) {
      continue;
    }
    for (const char c : line) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    }
    hash = (hash ^ static_cast<unsigned char>('\n')) * 0x100000001B3;
  }
  return hash;
}

/// ".visible .entry name(parameters) .maxntid 128" and the body.
KernelText kernel_from(std::string_view head, std::string_view body) {
  KernelText kernel;
  const std::size_t after_entry = head.find(".entry") + 6;
  const std::size_t open = std::min(head.find('('), head.size());
  std::string_view name = trimmed(head.substr(after_entry, open - after_entry));
  kernel.name = name.substr(0, static_cast<std::size_t>(std::find_if(name.begin(), name.end(), is_blank) - name.begin()));
  if (open != head.size()) {
    for (const std::string_view parameter : split(head.substr(open + 1, head.find(')', open) - open - 1), ',')) {
      kernel.parameters.push_back(parse_variable(parameter));
    }
  }
  if (const std::size_t at = head.find(".maxntid"); at != std::string_view::npos) {
    std::string_view rest = head.substr(at + std::strlen(".maxntid"));
    rest = rest.substr(0, std::min(rest.find('.'), rest.size()));
    kernel.max_threads = 1;
    for (const std::string_view extent : split(trimmed(rest), ',')) {
      kernel.max_threads *= static_cast<unsigned>(parse_number(extent, head));
    }
  }
  kernel.body = body;
  kernel.hash = hash_without_line_numbers(fmt::format("{}\n{}", head, body));
  return kernel;
}

ModuleVariable module_variable(std::string_view statement) {
  ModuleVariable variable;
  variable.declaration = parse_variable(statement);
  const Variable& declaration = variable.declaration;
  variable.contents = std::make_unique<std::byte[]>(std::max<std::uint64_t>(declaration.bytes, 1));
  if (declaration.is_extern) {
    variable.refused = "a variable of another module";
  }
  const std::size_t equals = statement.find('=');
  if (equals == std::string_view::npos) {
    return variable;
  }
  std::string_view values = trimmed(statement.substr(equals + 1));
  if (values.starts_with('{')) {
    values = values.substr(1, values.size() - 2);
  }
  std::uint64_t at = 0;
  for (const std::string_view value : split(values, ',')) {
    try {
      std::uint64_t number = 0;
      if (value.starts_with("0f") || value.starts_with("0d")) {
        number = parse_number(fmt::format("0x{}", value.substr(2)), statement);
      } else {
        number = parse_number(value, statement);
      }
      if (at + declaration.type.bytes() > declaration.bytes) {
        refuse("more values than the array has", statement);
      }
      std::memcpy(variable.contents.get() + at, &number, declaration.type.bytes());
      at += declaration.type.bytes();
    } catch (const Fault&) {
      variable.refused = "its initial value is not a list of numbers";
      break;
    }
  }
  return variable;
}

/// A statement outside kernels that ends with a semicolon.
void add_statement(std::string_view statement, ModuleText& out) {
  if (statement.empty() || statement.starts_with(".pragma") || statement.find(".func") != std::string_view::npos) {
    return;
  }
  const Variable declaration = parse_variable(statement.substr(0, statement.find('=')));
  if (declaration.space == Space::shared) {
    out.shared[declaration.name] = declaration;
  } else if (declaration.space == Space::global || declaration.space == Space::constant) {
    out.variables[declaration.name] = module_variable(statement);
  } else {
    refuse("statement", statement);
  }
}

/// Directives that end with their line.
bool is_line_directive(std::string_view text) {
  constexpr std::array<std::string_view, 5> words{".version", ".target", ".address_size", ".file", ".loc"};
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.starts_with(word) && is_blank(text[word.size()]); });
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    depth += c == '{' || c == '[' || c == '(' ? 1 : c == '}' || c == ']' || c == ')' ? -1 : 0;
    if (c == separator && depth == 0) {
      parts.push_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  if (const std::string_view last = trimmed(text.substr(begin)); !last.empty()) {
    parts.push_back(last);
  }
  return parts;
}

Type parse_type(std::string_view word) {
  if (word == "pred") {
    return {'p', 1};
  }
  Type type;
  if (word.size() < 2 || std::strchr("busf", word[0]) == nullptr) {
    return type;
  }
  unsigned bits = 0;
  const auto [stop, error] = std::from_chars(word.data() + 1, word.data() + word.size(), bits);
  if (error == std::errc{} && stop == word.data() + word.size()) {
    type = {word[0], bits};
  }
  return type;
}

Variable parse_variable(std::string_view statement) {
  Variable variable;
  std::uint64_t count = 1;
  std::string_view rest = statement;
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
    if (const Type type = word.starts_with('.') ? parse_type(word.substr(1)) : Type{}; type.bits != 0) {
      variable.type = type;
    } else if (word == ".align") {
      variable.align = parse_number(next_word(rest), statement);
    } else if (word == ".extern") {
      variable.is_extern = true;
    } else if (space_of(word) != Space::generic) {
      variable.space = space_of(word);
    } else if (!word.starts_with('.')) {
      const std::size_t bracket = std::min(word.find('['), word.size());
      variable.name = word.substr(0, bracket);
      for (std::string_view extents = word.substr(bracket); !extents.empty();) {
        const std::size_t close = extents.find(']');
        count *= close == 1 ? 0 : parse_number(extents.substr(1, close - 1), statement);
        extents.remove_prefix(close + 1);
      }
    }
  }
  variable.bytes = count * variable.type.bytes();
  variable.align = std::max<std::uint64_t>(variable.align, variable.type.bytes());
  return variable;
}

ModuleText split_module(std::string_view raw) {
  const std::string clean = without_comments(raw);
  std::string_view text = clean;
  ModuleText out;
  while (!(text = trimmed(text)).empty()) {
    if (is_line_directive(text)) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
      continue;
    }
    const std::size_t brace = text.find('{');
    const std::size_t semicolon = text.find(';');
    const std::string_view head = trimmed(text.substr(0, std::min({brace, semicolon, text.size()})));
    const bool has_body =
        brace < semicolon && (head.find(".entry") != std::string_view::npos || head.find(".func") != std::string_view::npos || head.starts_with(".section"));
    if (has_body) {
      const std::size_t end = after_braces(text, brace);
      if (head.find(".entry") != std::string_view::npos) {
        KernelText kernel = kernel_from(head, text.substr(brace + 1, end - brace - 2));
        std::string name = kernel.name;
        out.kernels.insert_or_assign(std::move(name), std::move(kernel));
      }
      text.remove_prefix(end);
    } else {
      if (semicolon == std::string_view::npos) {
        refuse("the end of the module", text);
      }
      add_statement(trimmed(text.substr(0, semicolon)), out);
      text.remove_prefix(semicolon + 1);
    }
  }
  return out;
}

}  // namespace ptx
