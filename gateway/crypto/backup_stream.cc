#include "gateway/crypto/backup_stream.h"

#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

static_assert(kKeyBytes == crypto_secretstream_xchacha20poly1305_KEYBYTES);

constexpr uint32_t kKeySchema = 1;

SystemContext KeyContext(const ObjectId& id) {
  return {.table = SystemTable::kBackup,
          .row = id,
          .field = "stream_key",
          .schema = kKeySchema,
          .row_generation = 0};
}

absl::Status Damaged() {
  return absl::DataLossError("a frame is damaged or not in its place");
}

}  // namespace

absl::StatusOr<StreamOpener> StreamOpener::Begin(std::span<const uint8_t> key,
                                                 std::string_view header) {
  StreamOpener opener;
  if (key.size() != kKeyBytes || header.size() != kStreamHeaderBytes ||
      crypto_secretstream_xchacha20poly1305_init_pull(
          &opener.state_, Bytes(header), key.data()) != 0) {
    return absl::DataLossError("the head of the backup is damaged");
  }
  return opener;
}

absl::StatusOr<StreamOpener> StreamOpener::WithSystemKey(
    const EpochKeys& keys, const ObjectId& id, std::string_view sealed_key,
    std::string_view header) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const Plaintext key, SystemSeal::Open(keys, KeyContext(id), sealed_key));
  return Begin(std::span(reinterpret_cast<const uint8_t*>(key.view().data()),
                         key.size()),
               header);
}

absl::StatusOr<StreamOpener> StreamOpener::WithRecoveryKey(
    const RecoveryKey& key, std::string_view sealed_key,
    std::string_view header) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const SecretBuffer opened,
      key.Open(std::span(reinterpret_cast<const uint8_t*>(sealed_key.data()),
                         sealed_key.size())));
  return Begin(opened.view(), header);
}

absl::StatusOr<SecretBuffer> StreamOpener::Open(std::string_view frame,
                                                std::string_view associated,
                                                bool* last) {
  if (frame.size() < kStreamOverhead) return Damaged();
  SecretBuffer plain(frame.size() - kStreamOverhead);
  uint8_t nothing = 0;
  uint8_t tag = 0;
  if (crypto_secretstream_xchacha20poly1305_pull(
          &state_, plain.empty() ? &nothing : plain.mutable_data(), nullptr,
          &tag, Bytes(frame), frame.size(), Bytes(associated),
          associated.size()) != 0) {
    return Damaged();
  }
  *last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
  return plain;
}

StreamSealer::StreamSealer()
    : key_(SecretBytes<kKeyBytes>::Random()),
      header_(kStreamHeaderBytes, '\0'),
      state_{} {
  crypto_secretstream_xchacha20poly1305_init_push(
      &state_, MutableBytes(&header_), key_.data());
}

absl::StatusOr<std::string> StreamSealer::KeyForSystem(
    const EpochKeys& keys, const ObjectId& id) const {
  return SystemSeal::Seal(
      keys, KeyContext(id),
      std::string_view(reinterpret_cast<const char*>(key_.data()),
                       key_.size()));
}

absl::StatusOr<std::string> StreamSealer::KeyForRecovery(
    const RecoveryPublicKey& key) const {
  return SealToRecoveryKey(key, key_.view());
}

std::string StreamSealer::Seal(std::string_view plain,
                               std::string_view associated, bool last) {
  std::string frame(plain.size() + kStreamOverhead, '\0');
  crypto_secretstream_xchacha20poly1305_push(
      &state_, MutableBytes(&frame), nullptr, Bytes(plain), plain.size(),
      Bytes(associated), associated.size(),
      last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
  return frame;
}

absl::StatusOr<StreamOpener> StreamSealer::Reopen() const {
  return StreamOpener::Begin(key_.view(), header_);
}

}  // namespace consentry::crypto
