#include "gateway/crypto/slot_format.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/key_access.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr std::string_view kMagic = "CSTRYSLT";
constexpr size_t kMacBytes = 32;
constexpr size_t kHeaderFields = 8 + 4 + 4 + 16 + 8 + 8 + 8 + 8 + 8;
constexpr size_t kFrontBytes = 32;
constexpr size_t kSlotNonceBytes = 16;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kFrontBytes + kSlotNonceBytes + kSlotKeysBytes + kTagBytes ==
              kSlotBytes);
static_assert(kSlotRedoMax >= 512);

// One key guards four kinds of bytes; the first byte hashed tells them apart.
constexpr uint8_t kMacHeader = 1;
constexpr uint8_t kMacDeadSlot = 2;
constexpr uint8_t kMacRedo = 3;

void Mac(const EpochKeys& keys, uint8_t use, const SlotFileId& id,
         std::string_view bytes, std::span<uint8_t> out) {
  const KeyView key = EpochKeyAccess::SlotIntegrity(keys);
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, key.data(), key.size(), out.size());
  crypto_generichash_blake2b_update(&state, &use, 1);
  crypto_generichash_blake2b_update(&state, id.data(), id.size());
  crypto_generichash_blake2b_update(&state, Bytes(bytes), bytes.size());
  crypto_generichash_blake2b_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof(state));
}

bool AllZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c == '\0'; });
}

// How far back the previous generation lies. It fits: generations are added
// one by one, and the previous one must go before the next comes.
uint8_t Back(uint32_t current, const std::optional<uint32_t>& previous) {
  return previous.has_value() ? static_cast<uint8_t>(current - *previous) : 0;
}

std::optional<uint32_t> Previous(uint32_t current, uint8_t back) {
  if (back == 0) return std::nullopt;
  return current - back;
}

void EncodeFront(SlotState state, uint32_t epoch, const SlotInfo& info,
                 uint8_t* out) {
  out[0] = kSlotVersion;
  out[1] = static_cast<uint8_t>(state);
  out[2] = Back(info.data_generation, info.previous_data_generation);
  out[3] = Back(info.audit_generation, info.previous_audit_generation);
  StoreBigEndian(epoch, out + 4);
  StoreBigEndian(info.data_generation, out + 8);
  StoreBigEndian(info.audit_generation, out + 12);
  StoreBigEndian(info.created_day, out + 16);
  StoreBigEndian(uint32_t{0}, out + 20);
  StoreBigEndian(info.log_index, out + 24);
}

// File, subject and front: what a slot's tag covers besides the keys.
struct SlotScope {
  uint8_t bytes[16 + 8 + kFrontBytes];

  SlotScope(const SlotFileId& id, uint64_t subject, const uint8_t* front) {
    std::memcpy(bytes, id.data(), 16);
    StoreBigEndian(subject, bytes + 16);
    std::memcpy(bytes + 24, front, kFrontBytes);
  }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes), sizeof(bytes)};
  }
};

void SlotNonce(const uint8_t* random, uint64_t subject, uint8_t* out) {
  std::memcpy(out, random, kSlotNonceBytes);
  StoreBigEndian(subject, out + kSlotNonceBytes);
}

absl::Status Damaged() { return absl::DataLossError("a key slot is damaged"); }

}  // namespace

std::string EncodeSlotHeader(const EpochKeys& keys, const SlotFileId& id,
                             const SlotHeader& header) {
  std::string bytes(kMagic);
  AppendBigEndian(kSlotFileVersion, &bytes);
  AppendBigEndian(static_cast<uint32_t>(kSlotBytes), &bytes);
  bytes.append(reinterpret_cast<const char*>(id.data()), id.size());
  AppendBigEndian(header.sequence, &bytes);
  AppendBigEndian(header.slots, &bytes);
  AppendBigEndian(header.erased_through, &bytes);
  AppendBigEndian(header.log_size, &bytes);
  AppendBigEndian(header.created_us, &bytes);
  uint8_t mac[kMacBytes];
  Mac(keys, kMacHeader, id, bytes, mac);
  bytes.append(reinterpret_cast<const char*>(mac), kMacBytes);
  bytes.resize(kSlotHeaderBytes, '\0');
  return bytes;
}

absl::StatusOr<SlotFileId> PeekSlotFileId(std::string_view bytes) {
  if (bytes.size() < kSlotHeaderBytes ||
      bytes.substr(0, kMagic.size()) != kMagic) {
    return absl::DataLossError("this is not a header of a key slot file");
  }
  const uint8_t* in = Bytes(bytes);
  const auto version = LoadBigEndian<uint32_t>(in + 8);
  if (version > kSlotFileVersion) {
    return absl::FailedPreconditionError(
        "the key slots were written by a newer version: start that version");
  }
  if (version != kSlotFileVersion ||
      LoadBigEndian<uint32_t>(in + 12) != kSlotBytes) {
    return absl::DataLossError("the header of the key slots is malformed");
  }
  SlotFileId id;
  std::copy_n(in + 16, id.size(), id.begin());
  return id;
}

absl::StatusOr<SlotHeader> DecodeSlotHeader(const EpochKeys& keys,
                                            const SlotFileId& id,
                                            std::string_view bytes) {
  CONSENTRY_ASSIGN_OR_RETURN(const SlotFileId found, PeekSlotFileId(bytes));
  uint8_t mac[kMacBytes];
  Mac(keys, kMacHeader, id, bytes.substr(0, kHeaderFields), mac);
  const uint8_t* in = Bytes(bytes);
  if (found != id || sodium_memcmp(mac, in + kHeaderFields, kMacBytes) != 0 ||
      !AllZero(bytes.substr(kHeaderFields + kMacBytes))) {
    return absl::DataLossError(
        "the header of the key slots does not verify: it is damaged, or the "
        "epoch file is another one");
  }
  SlotHeader header;
  header.sequence = LoadBigEndian<uint64_t>(in + 32);
  header.slots = LoadBigEndian<uint64_t>(in + 40);
  header.erased_through = LoadBigEndian<uint64_t>(in + 48);
  header.log_size = LoadBigEndian<uint64_t>(in + 56);
  header.created_us = LoadBigEndian<int64_t>(in + 64);
  return header;
}

std::array<uint8_t, 16> NewSlotNonce() {
  std::array<uint8_t, 16> nonce;
  randombytes_buf(nonce.data(), nonce.size());
  return nonce;
}

std::string EncodeLiveSlot(const EpochKeys& keys, const SlotFileId& id,
                           uint64_t subject, const SlotInfo& info,
                           std::span<const uint8_t, kSlotKeysBytes> slot_keys,
                           std::span<const uint8_t, 16> nonce) {
  std::string bytes(kSlotBytes, '\0');
  uint8_t* out = MutableBytes(&bytes);
  EncodeFront(SlotState::kLive, keys.current(), info, out);
  std::memcpy(out + kFrontBytes, nonce.data(), kSlotNonceBytes);
  uint8_t full_nonce[kSlotNonceBytes + 8];
  SlotNonce(nonce.data(), subject, full_nonce);
  const SlotScope scope(id, subject, out);
  const KeyView key = *EpochKeyAccess::SlotWrap(keys, keys.current());
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      out + kFrontBytes + kSlotNonceBytes, nullptr, slot_keys.data(),
      slot_keys.size(), scope.bytes, sizeof(scope.bytes), nullptr, full_nonce,
      key.data());
  return bytes;
}

std::string EncodeDeadSlot(const EpochKeys& keys, const SlotFileId& id,
                           uint64_t subject, const SlotInfo& info) {
  std::string bytes(kSlotBytes, '\0');
  uint8_t* out = MutableBytes(&bytes);
  SlotInfo dead = info;
  dead.previous_data_generation.reset();
  dead.previous_audit_generation.reset();
  EncodeFront(info.state, 0, dead, out);
  const SlotScope scope(id, subject, out);
  Mac(keys, kMacDeadSlot, id, scope.view(),
      std::span(out + kSlotBytes - kTagBytes, kTagBytes));
  return bytes;
}

absl::StatusOr<SlotInfo> DecodeSlot(const EpochKeys& keys, const SlotFileId& id,
                                    uint64_t subject, std::string_view bytes,
                                    std::span<uint8_t, kSlotKeysBytes> out) {
  std::memset(out.data(), 0, out.size());
  if (bytes.size() != kSlotBytes) return Damaged();
  const uint8_t* in = Bytes(bytes);
  if (in[0] != kSlotVersion || in[1] > 2) return Damaged();
  SlotInfo info;
  info.state = static_cast<SlotState>(in[1]);
  info.epoch = LoadBigEndian<uint32_t>(in + 4);
  info.data_generation = LoadBigEndian<uint32_t>(in + 8);
  info.audit_generation = LoadBigEndian<uint32_t>(in + 12);
  info.previous_data_generation = Previous(info.data_generation, in[2]);
  info.previous_audit_generation = Previous(info.audit_generation, in[3]);
  info.created_day = LoadBigEndian<uint32_t>(in + 16);
  info.log_index = LoadBigEndian<uint64_t>(in + 24);

  const SlotScope scope(id, subject, in);
  if (info.state != SlotState::kLive) {
    uint8_t tag[kTagBytes];
    Mac(keys, kMacDeadSlot, id, scope.view(), tag);
    if (sodium_memcmp(tag, in + kSlotBytes - kTagBytes, kTagBytes) != 0 ||
        !AllZero(bytes.substr(kFrontBytes, kSlotNonceBytes + kSlotKeysBytes))) {
      return Damaged();
    }
    return info;
  }
  const std::optional<KeyView> key = EpochKeyAccess::SlotWrap(keys, info.epoch);
  if (!key.has_value()) {
    return absl::NotFoundError("the epoch that wraps a key slot has no key");
  }
  uint8_t nonce[kSlotNonceBytes + 8];
  SlotNonce(in + kFrontBytes, subject, nonce);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          out.data(), nullptr, nullptr, in + kFrontBytes + kSlotNonceBytes,
          kSlotKeysBytes + kTagBytes, scope.bytes, sizeof(scope.bytes), nonce,
          key->data()) != 0) {
    sodium_memzero(out.data(), out.size());
    return Damaged();
  }
  return info;
}

std::string EncodeSlotRedo(const EpochKeys& keys, const SlotFileId& id,
                           std::span<const SlotWrite> writes) {
  std::string bytes;
  bytes.reserve(4 + writes.size() * (8 + kSlotBytes) + kMacBytes);
  AppendBigEndian(static_cast<uint32_t>(writes.size()), &bytes);
  for (const SlotWrite& write : writes) {
    AppendBigEndian(write.subject, &bytes);
    bytes += write.bytes;
  }
  uint8_t mac[kMacBytes];
  Mac(keys, kMacRedo, id, bytes, mac);
  bytes.append(reinterpret_cast<const char*>(mac), kMacBytes);
  return bytes;
}

absl::StatusOr<std::vector<SlotWrite>> DecodeSlotRedo(const EpochKeys& keys,
                                                      const SlotFileId& id,
                                                      std::string_view bytes) {
  const absl::Status bad = absl::DataLossError("no whole redo record");
  if (bytes.size() < 4) return bad;
  const auto count = LoadBigEndian<uint32_t>(Bytes(bytes));
  const size_t length = 4 + size_t{count} * (8 + kSlotBytes);
  if (count == 0 || count > kSlotRedoMax || bytes.size() < length + kMacBytes) {
    return bad;
  }
  uint8_t mac[kMacBytes];
  Mac(keys, kMacRedo, id, bytes.substr(0, length), mac);
  if (sodium_memcmp(mac, Bytes(bytes) + length, kMacBytes) != 0) return bad;
  std::vector<SlotWrite> writes(count);
  size_t at = 4;
  for (SlotWrite& write : writes) {
    write.subject = LoadBigEndian<uint64_t>(Bytes(bytes) + at);
    write.bytes = std::string(bytes.substr(at + 8, kSlotBytes));
    at += 8 + kSlotBytes;
  }
  return writes;
}

}  // namespace consentry::crypto
