#include "gateway/crypto/subject_tag.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>

#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/key_access.h"

namespace consentry::crypto {
namespace {

constexpr char kLabel[] = "consentry subject tag v1";

SubjectTag Tag(KeyView audit_key, std::string_view origin, Month month) {
  uint8_t length[4];
  StoreBigEndian(static_cast<uint32_t>(origin.size()), length);
  uint8_t month_bytes[4];
  StoreBigEndian(month, month_bytes);
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, audit_key.data(), audit_key.size(),
                                  32);
  crypto_generichash_blake2b_update(
      &state, reinterpret_cast<const uint8_t*>(kLabel), sizeof(kLabel));
  crypto_generichash_blake2b_update(&state, length, sizeof(length));
  crypto_generichash_blake2b_update(&state, Bytes(origin), origin.size());
  crypto_generichash_blake2b_update(&state, month_bytes, sizeof(month_bytes));
  uint8_t hash[32];
  crypto_generichash_blake2b_final(&state, hash, sizeof(hash));
  sodium_memzero(&state, sizeof(state));
  SubjectTag tag;
  std::copy_n(hash, tag.size(), tag.begin());
  return tag;
}

}  // namespace

Month MonthOf(int64_t time_us) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::microseconds>(
          std::chrono::microseconds(time_us)));
  const std::chrono::year_month_day date(day);
  return static_cast<Month>(static_cast<int>(date.year())) * 100 +
         static_cast<unsigned>(date.month());
}

SubjectTag RandomTag() {
  SubjectTag tag;
  randombytes_buf(tag.data(), tag.size());
  return tag;
}

SubjectTag ComputeSubjectTag(const SubjectKeys& keys, std::string_view origin,
                             Month month) {
  return Tag(SubjectKeyAccess::AuditKey(keys), origin, month);
}

absl::StatusOr<SubjectTag> ComputeSubjectTag(const SubjectKeys& keys,
                                             uint32_t audit_generation,
                                             std::string_view origin,
                                             Month month) {
  const std::optional<KeyView> key =
      SubjectKeyAccess::AuditKey(keys, audit_generation);
  if (!key.has_value()) {
    return absl::NotFoundError("the audit key of that generation is gone");
  }
  return Tag(*key, origin, month);
}

}  // namespace consentry::crypto
