#ifndef CONSENTRY_GATEWAY_CRYPTO_EPOCH_FILE_H_
#define CONSENTRY_GATEWAY_CRYPTO_EPOCH_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/root_key.h"
#include "proto/support/mutex.h"

namespace consentry::crypto {

// The one small file with the random keys that wrap all others: per epoch a
// wrapping key and a blind-index key; beside them the suppression keys, the
// system keys and the key that guards the slot file. Sealed as a whole under
// the root key, so that every changed bit is found. No backup of data may
// contain it.
//
//   file    := "CSTRYEPO" version:u32 reserved:u32 file_id:16
//              nonce:24 commitment:32 ciphertext tag:16
//   content := count:u32 entry*
//   entry   := kind:u8 state:u8 zero:u16 id:u32 created_us:i64
//              destroyed_us:i64 key:32 key2:32
//
// (big-endian; all before the ciphertext is associated data). A change writes
// a sibling, syncs it, renames it, syncs the folder, then overwrites the old
// file's blocks with zeros; a crash leaves the old or the new content.
//
// Safe for many threads. Only the process that holds the store lock may open
// it.
class EpochFile {
 public:
  // A new file with epoch 1. AlreadyExists.
  static absl::StatusOr<std::unique_ptr<EpochFile>> Create(
      audit::FileSystem* fs, const std::string& path, const RootKey& root,
      int64_t now_us);

  // NotFound; DataLoss when the content does not verify: damaged, or sealed
  // under another root key; FailedPrecondition when a newer version wrote it.
  static absl::StatusOr<std::unique_ptr<EpochFile>> Open(
      audit::FileSystem* fs, const std::string& path, const RootKey& root);

  // The keys as of now. Never null.
  std::shared_ptr<const EpochKeys> keys() const;

  // Each of these is durable when it returns OK. After an error keys() is as
  // before, and calling again is allowed (but see DestroyEpoch).

  // Makes a new current epoch and retires the one before. Its id.
  absl::StatusOr<uint32_t> AddEpoch(int64_t now_us);

  // Destroys the keys of a retired epoch: whatever they still wrap is lost for
  // good, which is the point of it. Idempotent. FailedPrecondition for the
  // current epoch; NotFound. Unavailable when the file was replaced but the
  // blocks of the old one could not be overwritten: the epoch is gone from
  // keys(), and the caller must not claim that it is gone from the disk.
  absl::Status DestroyEpoch(uint32_t id, int64_t now_us);

  // New keys for what comes; the older ones stay for what they made.
  absl::StatusOr<uint32_t> AddSuppressionKey(int64_t now_us);
  absl::StatusOr<uint32_t> AddSystemKey(int64_t now_us);

  // All keys, for a backup that is sealed to the recovery key.
  SecretBuffer Export() const;
  // Makes the file at `path` from what Export gave, sealed under `root`; what
  // lies there is replaced and overwritten. DataLoss when it is none of that.
  static absl::StatusOr<std::unique_ptr<EpochFile>> Import(
      audit::FileSystem* fs, const std::string& path, const RootKey& root,
      std::span<const uint8_t> content);

  // Seals the file under another root key.
  absl::Status ChangeRootKey(const RootKey& root);

 private:
  EpochFile(audit::FileSystem* fs, std::string path, std::string file_id,
            GuardedKey seal_key);

  static absl::StatusOr<std::shared_ptr<const EpochKeys>> BuildKeys(
      const SecretBuffer& content);
  // Writes `content` and, once it is durable, makes it what keys() shows.
  absl::Status Store(SecretBuffer content) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<uint32_t> AddNumbered(uint8_t kind, int64_t now_us);

  audit::FileSystem* const fs_;
  const std::string path_;
  const std::string file_id_;

  mutable Mutex mu_;
  GuardedKey seal_key_ ABSL_GUARDED_BY(mu_);
  SecretBuffer content_ ABSL_GUARDED_BY(mu_);  // As `content` above.
  std::shared_ptr<const EpochKeys> keys_ ABSL_GUARDED_BY(mu_);
  // Blocks of a replaced file could not be overwritten.
  bool residue_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_EPOCH_FILE_H_
