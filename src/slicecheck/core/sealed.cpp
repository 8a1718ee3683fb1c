#include "slicecheck/core/sealed.h"

#include <boost/crc.hpp>

namespace slicecheck {

using Json = nlohmann::json;

namespace {

std::uint32_t crc32(const std::vector<std::uint8_t>& bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

/// Only what `seal` writes: definite lengths, no tags, few levels, nothing longer than the bytes that are left. The reader behind it calls itself for every
/// level, of arrays and of strings in pieces alike: a megabyte of brackets would end the process.
class Structure {
 public:
  explicit Structure(std::string_view bytes) : rest_(bytes) {}
  void check() {
    item(kLevels);
    if (!rest_.empty()) throw std::invalid_argument("bytes follow its end");
  }

 private:
  static constexpr int kLevels = 16;

  std::uint64_t take(std::size_t count) {
    if (count > rest_.size()) throw std::invalid_argument("it is cut");
    std::uint64_t value = 0;
    for (const char byte : rest_.substr(0, count)) value = value << 8 | static_cast<std::uint8_t>(byte);
    rest_.remove_prefix(count);
    return value;
  }

  void item(int levels) {
    if (levels == 0) throw std::invalid_argument("it is nested too deeply");
    const auto head = static_cast<unsigned>(take(1));
    const unsigned kind = head >> 5;
    std::uint64_t value = head & 31U;
    if (value > 27) throw std::invalid_argument("a length is missing");
    if (value >= 24) value = take(std::size_t{1} << (value - 24));
    constexpr unsigned kBytes = 2, kText = 3, kArray = 4, kMap = 5, kTag = 6;
    if (kind == kTag) throw std::invalid_argument("it has a tag");
    if (kind < kBytes || kind > kTag) return;
    if (value > rest_.size()) throw std::invalid_argument("it is cut");
    if (kind <= kText) {
      rest_.remove_prefix(value);
      return;
    }
    for (std::uint64_t k = 0; k < (kind == kMap ? 2 : 1) * value; ++k) item(levels - 1);
    static_assert(kArray + 1 == kMap);
  }

  std::string_view rest_;
};

/// @throws std::exception of some kind for what is no CBOR of the sort that `seal` writes.
Json from_cbor(std::string_view bytes) {
  Structure(bytes).check();
  return Json::from_cbor(bytes);
}

}  // namespace

std::string seal(const Json& body) {
  auto bytes = Json::to_cbor(body);
  const auto checksum = crc32(bytes);
  std::string sealed;
  Json::to_cbor(Json{{"crc32", checksum}, {"body", Json::binary(std::move(bytes))}}, sealed);
  return sealed;
}

Json unseal(std::string_view bytes) {
  const Json sealed = from_cbor(bytes);
  const auto& body = sealed.at("body").get_binary();
  if (sealed.at("crc32") != crc32(body)) throw std::invalid_argument("its checksum does not fit");
  return from_cbor({reinterpret_cast<const char*>(body.data()), body.size()});
}

}  // namespace slicecheck
