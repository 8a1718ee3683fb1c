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

}  // namespace

std::string seal(const Json& body) {
  auto bytes = Json::to_cbor(body);
  const auto checksum = crc32(bytes);
  std::string sealed;
  Json::to_cbor(Json{{"crc32", checksum}, {"body", Json::binary(std::move(bytes))}}, sealed);
  return sealed;
}

Json unseal(std::string_view bytes) {
  const Json sealed = Json::from_cbor(bytes);
  const auto& body = sealed.at("body").get_binary();
  if (sealed.at("crc32") != crc32(body)) throw std::invalid_argument("its checksum does not fit");
  return Json::from_cbor(static_cast<const std::vector<std::uint8_t>&>(body));
}

}  // namespace slicecheck
