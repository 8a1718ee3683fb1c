#include <algorithm>
#include <limits>
#include <type_traits>

#include "cuda/ptx/operations.h"

namespace ptx {
namespace {

using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

/// An unsigned type in which products of T wrap without promotion to a signed one.
template <class T>
using Wrapping = std::conditional_t<sizeof(T) == 2, u32, std::make_unsigned_t<T>>;

template <class T>
T wrapping_product(T a, T b) {
  return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
}

template <class T>
T wrapping_sum(T a, T b) {
  return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
}

template <class T>
T wrapping_difference(T a, T b) {
  return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
}

__extension__ using i128 = __int128;
__extension__ using u128 = unsigned __int128;

/// The upper half of the product.
template <class T>
T high_product(T a, T b) {
  using Whole = std::conditional_t<std::is_signed_v<T>, i128, u128>;
  return static_cast<T>((static_cast<Whole>(a) * static_cast<Whole>(b)) >> std::numeric_limits<std::make_unsigned_t<T>>::digits);
}

template <class T>
T quotient(T a, T b) {
  if (b == 0) {
    throw Fault(Check::arithmetic, "integer division by zero");
  }
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) {
      return wrapping_difference(T{0}, a);
    }
  }
  return static_cast<T>(a / b);
}

template <class T>
T remainder(T a, T b) {
  return wrapping_difference(a, wrapping_product(quotient(a, b), b));
}

template <class T>
T shift_left(T a, u32 by) {
  return by >= sizeof(T) * 8 ? T{0} : static_cast<T>(static_cast<Wrapping<T>>(a) << by);
}

template <class T>
T shift_right(T a, u32 by) {
  constexpr u32 width = sizeof(T) * 8;
  if (std::is_signed_v<T>) {
    return static_cast<T>(a >> std::min(by, width - 1));
  }
  return by >= width ? T{0} : static_cast<T>(a >> by);
}

template <class T>
T reversed_bits(T a) {
  T out = 0;
  for (unsigned bit = 0; bit < sizeof(T) * 8; ++bit) {
    out = static_cast<T>(out | static_cast<T>(((a >> bit) & 1) << (sizeof(T) * 8 - 1 - bit)));
  }
  return out;
}

/// bfe: `length` bits from `start` on (both taken modulo 256), extended by the field's highest bit where T is signed.
template <class T>
T extracted_field(T a, u32 start, u32 length) {
  constexpr u32 width = sizeof(T) * 8;
  const u32 first = start & 0xFF;
  const u32 count = length & 0xFF;
  const u32 sign_bit = count == 0 ? 0 : std::min(first + count - 1, width - 1);
  const bool sign = std::is_signed_v<T> && count != 0 && ((a >> sign_bit) & 1) != 0;
  T out = 0;
  for (u32 bit = 0; bit < width; ++bit) {
    const bool value = bit < count && first + bit < width ? ((a >> (first + bit)) & 1) != 0 : sign;
    out = static_cast<T>(out | static_cast<T>(static_cast<std::make_unsigned_t<T>>(value) << bit));
  }
  return out;
}

/// bfi: b with `length` bits from `start` on replaced by the lowest bits of a.
template <class T>
T inserted_field(T a, T b, u32 start, u32 length) {
  constexpr u32 width = sizeof(T) * 8;
  const u32 first = start & 0xFF;
  const u32 count = std::min(length & 0xFF, width);
  if (first >= width || count == 0) {
    return b;
  }
  const T field = static_cast<T>((count == width ? ~T{0} : static_cast<T>((T{1} << count) - 1)) << first);
  return static_cast<T>((b & ~field) | ((a << first) & field));
}

/// bfind: the position of the highest bit that differs from the sign; all ones if there is none.
template <class T>
u32 highest_bit(T a) {
  using U = std::make_unsigned_t<T>;
  const U value = static_cast<U>(std::is_signed_v<T> && a < 0 ? ~a : a);
  return value == 0 ? ~u32{0} : static_cast<u32>(std::numeric_limits<U>::digits - 1 - std::countl_zero(value));
}

template <class T>
u32 shift_to_highest_bit(T a) {
  const u32 position = highest_bit(a);
  return position == ~u32{0} ? position : static_cast<u32>(sizeof(T) * 8 - 1) - position;
}

/// bmsk.clamp: `length` ones from `start` on.
u32 bit_mask(u32 start, u32 length) {
  if (start >= 32 || length == 0) {
    return 0;
  }
  return (length >= 32 ? ~u32{0} : (u32{1} << length) - 1) << start;
}

/// prmt: each nibble of the selector picks a byte of (b, a), or its sign.
u32 permuted_bytes(u32 a, u32 b, u32 selector) {
  const u64 bytes = u64{b} << 32 | a;
  u32 out = 0;
  for (u32 i = 0; i < 4; ++i) {
    const u32 nibble = selector >> (4 * i) & 0xF;
    u32 byte = static_cast<u32>(bytes >> (8 * (nibble & 7)) & 0xFF);
    if ((nibble & 8) != 0) {
      byte = (byte & 0x80) != 0 ? 0xFF : 0;
    }
    out |= byte << (8 * i);
  }
  return out;
}

/// lop3: the truth table's bit 4a + 2b + c, at each position.
u32 three_way_logic(u32 a, u32 b, u32 c, u32 table) {
  u32 out = 0;
  for (u32 row = 0; row < 8; ++row) {
    if ((table >> row & 1) != 0) {
      out |= ((row & 4) != 0 ? a : ~a) & ((row & 2) != 0 ? b : ~b) & ((row & 1) != 0 ? c : ~c);
    }
  }
  return out;
}

u32 funnel_left(u32 low, u32 high, u32 by) { return static_cast<u32>((u64{high} << 32 | low) >> (32 - by)); }
u32 funnel_right(u32 low, u32 high, u32 by) { return static_cast<u32>((u64{high} << 32 | low) >> by); }

template <class T>
Signature for_any_integer(std::string_view name) {
  if (name == "add") return elementwise<T, T, T>([](T a, T b) { return wrapping_sum(a, b); });
  if (name == "sub") return elementwise<T, T, T>([](T a, T b) { return wrapping_difference(a, b); });
  if (name == "mul.lo") return elementwise<T, T, T>([](T a, T b) { return wrapping_product(a, b); });
  if (name == "mul.hi") return elementwise<T, T, T>([](T a, T b) { return high_product(a, b); });
  if (name == "mad.lo") return elementwise<T, T, T, T>([](T a, T b, T c) { return wrapping_sum(wrapping_product(a, b), c); });
  if (name == "mad.hi") return elementwise<T, T, T, T>([](T a, T b, T c) { return wrapping_sum(high_product(a, b), c); });
  if (name == "div") return elementwise<T, T, T>([](T a, T b) { return quotient(a, b); });
  if (name == "rem") return elementwise<T, T, T>([](T a, T b) { return remainder(a, b); });
  if (name == "min") return elementwise<T, T, T>([](T a, T b) { return std::min(a, b); });
  if (name == "max") return elementwise<T, T, T>([](T a, T b) { return std::max(a, b); });
  if (name == "and") return elementwise<T, T, T>([](T a, T b) { return static_cast<T>(a & b); });
  if (name == "or") return elementwise<T, T, T>([](T a, T b) { return static_cast<T>(a | b); });
  if (name == "xor") return elementwise<T, T, T>([](T a, T b) { return static_cast<T>(a ^ b); });
  if (name == "not") return elementwise<T, T>([](T a) { return static_cast<T>(~a); });
  if (name == "shl") return elementwise<T, T, u32>([](T a, u32 by) { return shift_left(a, by); });
  if (name == "shr") return elementwise<T, T, u32>([](T a, u32 by) { return shift_right(a, by); });
  return {};
}

template <class T>
Signature for_signed(std::string_view name) {
  if (name == "abs") return elementwise<T, T>([](T a) { return a < 0 ? wrapping_difference(T{0}, a) : a; });
  if (name == "neg") return elementwise<T, T>([](T a) { return wrapping_difference(T{0}, a); });
  return {};
}

/// Products of twice the width.
template <class T, class Wide>
Signature for_narrow(std::string_view name) {
  if (name == "mul.wide") return elementwise<Wide, T, T>([](T a, T b) { return static_cast<Wide>(static_cast<Wide>(a) * static_cast<Wide>(b)); });
  if (name == "mad.wide") {
    return elementwise<Wide, T, T, Wide>([](T a, T b, Wide c) { return wrapping_sum(static_cast<Wide>(static_cast<Wide>(a) * static_cast<Wide>(b)), c); });
  }
  return {};
}

/// Operations on the bits of 32- and 64-bit words.
template <class T>
Signature for_words(std::string_view name) {
  using U = std::make_unsigned_t<T>;
  if (name == "popc") return elementwise<u32, T>([](T a) { return static_cast<u32>(std::popcount(static_cast<U>(a))); });
  if (name == "clz") return elementwise<u32, T>([](T a) { return static_cast<u32>(std::countl_zero(static_cast<U>(a))); });
  if (name == "brev") return elementwise<U, U>([](U a) { return reversed_bits(a); });
  if (name == "bfind") return elementwise<u32, T>([](T a) { return highest_bit(a); });
  if (name == "bfind.shiftamt") return elementwise<u32, T>([](T a) { return shift_to_highest_bit(a); });
  if (name == "bfe") return elementwise<T, T, u32, u32>([](T a, u32 start, u32 length) { return extracted_field(a, start, length); });
  if (name == "bfi") return elementwise<U, U, U, u32, u32>([](U a, U b, u32 start, u32 length) { return inserted_field(a, b, start, length); });
  return {};
}

/// Operations that exist for b32 only.
Signature for_b32(std::string_view name) {
  if (name == "bmsk.clamp") return elementwise<u32, u32, u32>([](u32 start, u32 length) { return bit_mask(start, length); });
  if (name == "prmt") return elementwise<u32, u32, u32, u32>([](u32 a, u32 b, u32 c) { return permuted_bytes(a, b, c); });
  if (name == "lop3") return elementwise<u32, u32, u32, u32, u32>([](u32 a, u32 b, u32 c, u32 table) { return three_way_logic(a, b, c, table); });
  if (name == "shf.l.wrap") return elementwise<u32, u32, u32, u32>([](u32 a, u32 b, u32 by) { return funnel_left(a, b, by & 31); });
  if (name == "shf.l.clamp") return elementwise<u32, u32, u32, u32>([](u32 a, u32 b, u32 by) { return funnel_left(a, b, std::min(by, 32U)); });
  if (name == "shf.r.wrap") return elementwise<u32, u32, u32, u32>([](u32 a, u32 b, u32 by) { return funnel_right(a, b, by & 31); });
  if (name == "shf.r.clamp") return elementwise<u32, u32, u32, u32>([](u32 a, u32 b, u32 by) { return funnel_right(a, b, std::min(by, 32U)); });
  return {};
}

/// The first that knows the name.
template <class... Candidates>
Signature first_known(Candidates... candidates) {
  Signature found;
  ((found = found.operation != nullptr ? found : candidates()), ...);
  return found;
}

}  // namespace

Signature integer_operation(std::string_view name, Type type) {
  const bool is_signed = type.kind == 's';
  const auto any = [&]<class T>(T) { return [&] { return for_any_integer<T>(name); }; };
  const auto words = [&]<class T>(T) { return [&] { return for_words<T>(name); }; };
  switch (type.bits) {
    case 16:
      return is_signed ? first_known(
                             any(i16{}), [&] { return for_signed<i16>(name); }, [&] { return for_narrow<i16, i32>(name); })
                       : first_known(any(u16{}), [&] { return for_narrow<u16, u32>(name); });
    case 32:
      return is_signed ? first_known(
                             any(i32{}), words(i32{}), [&] { return for_signed<i32>(name); }, [&] { return for_narrow<i32, i64>(name); })
                       : first_known(
                             any(u32{}), words(u32{}), [&] { return for_narrow<u32, u64>(name); }, [&] { return for_b32(name); });
    case 64: return is_signed ? first_known(any(i64{}), words(i64{}), [&] { return for_signed<i64>(name); }) : first_known(any(u64{}), words(u64{}));
    default: return {};
  }
}

}  // namespace ptx
