#include "cuda/ptx/symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>

namespace ptx {
namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view name) { throw Fault(Check::unsupported, fmt::format("{} '{}'", what, name)); }

std::uint64_t aligned(std::uint64_t value, std::uint64_t to) { return to == 0 ? value : (value + to - 1) / to * to; }

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::optional<std::uint64_t> whole_number(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || stop != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

/// 12, -12, 0x1F, 0f3F800000 (bits of an f32), 0d3FF0000000000000 (bits of an f64); an unsigned suffix U is allowed.
std::optional<std::uint64_t> parse_immediate(std::string_view text) {
  if (text.empty() || !(is_digit(text[0]) || text[0] == '-')) {
    return std::nullopt;
  }
  if (text[0] == '-') {
    const auto value = parse_immediate(text.substr(1));
    return value ? std::optional(~*value + 1) : std::nullopt;
  }
  const std::string_view prefix = text.substr(0, 2);
  if ((prefix == "0f" || prefix == "0F") && text.size() == 10) return whole_number(text.substr(2), 16);
  if ((prefix == "0d" || prefix == "0D") && text.size() == 18) return whole_number(text.substr(2), 16);
  if (text.ends_with('U')) text.remove_suffix(1);
  if (prefix == "0x" || prefix == "0X") return whole_number(text.substr(2), 16);
  return whole_number(text, 10);
}

}  // namespace

Symbols::Symbols(const KernelText& text, const ModuleText& module, Kernel& kernel) : module_(module), kernel_(kernel), scopes_(1) {
  kernel_.register_bytes = warp_size * 8;  // the first place takes results that nobody wants
  for (const Variable& parameter : text.parameters) {
    kernel_.parameter_bytes = aligned(kernel_.parameter_bytes, parameter.align);
    variables_[parameter.name] = kernel_.parameter_bytes;
    kernel_.parameters.push_back({kernel_.parameter_bytes, parameter.bytes});
    kernel_.parameter_bytes += parameter.bytes;
  }
}

bool Symbols::declare(std::string_view statement) {
  if (statement.starts_with(".reg")) {
    std::string_view rest = trimmed(statement.substr(4));
    const std::size_t end = rest.find_first_of(" \t\n");
    const Type type = parse_type(rest.substr(1, end - 1));
    if (type.bits == 0 || type.bits == 8 || type.bits > 64) {
      refuse("registers of type", rest.substr(0, end));
    }
    for (const std::string_view name : split(rest.substr(end), ',')) {
      if (const std::size_t bracket = name.find('<'); bracket != std::string_view::npos) {
        const auto count = whole_number(name.substr(bracket + 1, name.find('>') - bracket - 1), 10);
        scopes_.back().ranges[std::string(name.substr(0, bracket))] = {type, static_cast<unsigned>(count.value_or(0))};
      } else {
        scopes_.back().registers[std::string(name)] = new_register(type);
      }
    }
    return true;
  }
  if (statement.starts_with(".local") || statement.starts_with(".shared")) {
    const Variable variable = parse_variable(statement);
    std::uint64_t& top = variable.space == Space::local ? kernel_.local_bytes : kernel_.static_shared_bytes;
    top = aligned(top, variable.align);
    variables_[variable.name] = top;
    top += variable.bytes;
    return true;
  }
  return false;
}

void Symbols::add_label(std::string_view name, std::uint32_t index) {
  if (!labels_.emplace(name, index).second) {
    refuse("two labels", name);
  }
}

void Symbols::add_table(std::string_view name, std::vector<std::string_view> labels) { tables_[std::string(name)] = std::move(labels); }

std::uint32_t Symbols::label(std::string_view name) const {
  const auto found = labels_.find(name);
  if (found == labels_.end()) {
    refuse("label", name);
  }
  return found->second;
}

std::uint32_t Symbols::table(std::string_view name) {
  const auto found = tables_.find(name);
  if (found == tables_.end()) {
    refuse("table of labels", name);
  }
  std::vector<std::uint32_t>& targets = kernel_.tables.emplace_back();
  for (const std::string_view target : found->second) {
    targets.push_back(label(target));
  }
  return static_cast<std::uint32_t>(kernel_.tables.size() - 1);
}

Symbols::Register Symbols::new_register(Type type) {
  if (type.kind == 'p') {
    return {type, kernel_.predicates++};
  }
  const std::uint32_t place = kernel_.register_bytes;
  kernel_.register_bytes += warp_size * type.bytes();
  return {type, place};
}

const Symbols::Register* Symbols::find_register(std::string_view name) {
  for (std::size_t depth = scopes_.size(); depth-- > 0;) {
    Scope& scope = scopes_[depth];
    if (const auto found = scope.registers.find(name); found != scope.registers.end()) {
      return &found->second;
    }
    std::size_t digits = name.size();
    while (digits > 0 && is_digit(name[digits - 1])) {
      --digits;
    }
    if (const auto range = scope.ranges.find(name.substr(0, digits)); range != scope.ranges.end()) {
      const auto [type, count] = range->second;
      if (const auto index = whole_number(name.substr(digits), 10); index && *index < count) {
        return &scope.registers.emplace(name, new_register(type)).first->second;
      }
    }
  }
  return nullptr;
}

Operand Symbols::slot(std::uint64_t value, unsigned bits) {
  const Operand operand{static_cast<std::uint32_t>(kernel_.constants.size()), static_cast<std::uint16_t>(bits), Bank::constants};
  const std::size_t bytes = bits / 8;
  kernel_.constants.resize(kernel_.constants.size() + warp_size * bytes);
  for (unsigned lane = 0; lane < warp_size; ++lane) {
    std::memcpy(kernel_.constants.data() + operand.offset + lane * bytes, &value, bytes);
  }
  return operand;
}

Operand Symbols::constant(std::uint64_t value, unsigned bits) {
  if (bits < 64) {
    value &= (std::uint64_t{1} << bits) - 1;
  }
  const auto key = std::pair(bits, value);
  const auto found = constants_.find(key);
  return found != constants_.end() ? found->second : constants_.emplace(key, slot(value, bits)).first->second;
}

/// Gives the name an address in variables_ or a place among the dynamic arrays.
bool Symbols::find_variable(std::string_view name) {
  if (variables_.contains(name) || dynamic_.contains(name)) {
    return true;
  }
  if (const auto found = module_.shared.find(name); found != module_.shared.end()) {
    const Variable& variable = found->second;
    if (variable.is_extern) {
      dynamic_[variable.name] = variable.align;
    } else {
      kernel_.static_shared_bytes = aligned(kernel_.static_shared_bytes, variable.align);
      variables_[variable.name] = kernel_.static_shared_bytes;
      kernel_.static_shared_bytes += variable.bytes;
    }
    return true;
  }
  if (const auto found = module_.variables.find(name); found != module_.variables.end()) {
    if (!found->second.refused.empty()) {
      refuse(found->second.refused, name);
    }
    variables_[std::string(name)] = reinterpret_cast<std::uint64_t>(found->second.contents.get());
    return true;
  }
  return false;
}

Operand Symbols::value(std::string_view text, unsigned bits) {
  if (const Register* found = find_register(text); found != nullptr) {
    if (found->type.kind == 'p' || (bits != 0 && found->type.bits != bits)) {
      refuse(fmt::format("register of {} bits where {} are read:", found->type.bits, bits), text);
    }
    return {found->place, static_cast<std::uint16_t>(found->type.bits), Bank::registers};
  }
  const auto special = std::find(special_registers.begin(), special_registers.end(), text);
  if (special != special_registers.end() && (bits == 32 || bits == 0)) {
    return {static_cast<std::uint32_t>((special - special_registers.begin()) * warp_size * 4), 32, Bank::special};
  }
  if (bits == 0) {
    bits = 64;
  }
  if (const auto immediate = parse_immediate(text); immediate) {
    return constant(*immediate, bits);
  }
  if (!find_variable(text)) {
    refuse("name", text);
  }
  if (const auto found = variables_.find(text); found != variables_.end()) {
    return constant(found->second, bits);
  }
  return dynamic_slots_.emplace_back(slot(0, bits));
}

Operand Symbols::destination(std::string_view text, unsigned bits) {
  if (text == "_") {
    return {0, static_cast<std::uint16_t>(bits == 0 ? 64 : bits), Bank::registers};
  }
  const Operand operand = value(text, bits);
  if (operand.bank != Bank::registers) {
    refuse("result", text);
  }
  return operand;
}

PredicateOperand Symbols::predicate(std::string_view text) {
  const bool negated = text.starts_with('!');
  if (negated) {
    text = trimmed(text.substr(1));
  }
  if (const auto immediate = parse_immediate(text); immediate) {
    return {predicate_true, negated != (*immediate == 0)};
  }
  const Register* found = find_register(text);
  if (found == nullptr || found->type.kind != 'p') {
    refuse("predicate", text);
  }
  return {found->place, negated};
}

PredicateOperand Symbols::predicate_destination(std::string_view text) {
  if (text == "_") {
    return {predicate_sink, false};
  }
  const PredicateOperand operand = predicate(text);
  if (operand.negated || operand.index == predicate_true) {
    refuse("result", text);
  }
  return operand;
}

AddressOperand Symbols::address(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) {
    refuse("address", text);
  }
  std::string_view base = trimmed(text.substr(1, text.size() - 2));
  AddressOperand out;
  if (const std::size_t plus = base.find('+'); plus != std::string_view::npos) {
    out.offset = static_cast<std::int64_t>(number(trimmed(base.substr(plus + 1))));
    base = trimmed(base.substr(0, plus));
  }
  out.base = value(base, 0);
  if (out.base.bits < 32) {
    refuse("address", text);
  }
  return out;
}

std::uint64_t Symbols::number(std::string_view text) const {
  const auto value = parse_immediate(text);
  if (!value) {
    refuse("number", text);
  }
  return *value;
}

void Symbols::finish() {
  if (dynamic_.empty()) {
    return;
  }
  std::uint64_t align = 16;
  for (const auto& [name, wanted] : dynamic_) {
    align = std::max(align, wanted);
  }
  kernel_.static_shared_bytes = aligned(kernel_.static_shared_bytes, align);
  for (const Operand& operand : dynamic_slots_) {
    const std::size_t bytes = operand.bits / 8;
    for (unsigned lane = 0; lane < warp_size; ++lane) {
      std::memcpy(kernel_.constants.data() + operand.offset + lane * bytes, &kernel_.static_shared_bytes, bytes);
    }
  }
}

}  // namespace ptx
