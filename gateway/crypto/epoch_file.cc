#include "gateway/crypto/epoch_file.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/secret.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr std::string_view kMagic = "CSTRYEPO";
constexpr uint32_t kVersion = 1;
constexpr size_t kFileIdBytes = 16;
constexpr size_t kHeaderBytes = 8 + 4 + 4 + kFileIdBytes;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t kCommitmentBytes = 32;
constexpr size_t kPrefixBytes = kHeaderBytes + kNonceBytes + kCommitmentBytes;
constexpr size_t kEntryBytes = 24 + 2 * kKeyBytes;
// Weekly epochs for a lifetime, and a bound on what is read.
constexpr size_t kMaxEntries = 8192;
constexpr size_t kMaxFileBytes =
    kPrefixBytes + 4 + kMaxEntries * kEntryBytes + kTagBytes;

constexpr uint8_t kKindEpoch = 1;
constexpr uint8_t kKindSuppression = 2;
constexpr uint8_t kKindSystem = 3;
constexpr uint8_t kKindSlotIntegrity = 4;

struct Entry {
  uint8_t kind = 0;
  EpochState state = EpochState::kCurrent;
  uint32_t id = 0;
  int64_t created_us = 0;
  int64_t destroyed_us = 0;
  SecretBytes<kKeyBytes> key;
  SecretBytes<kKeyBytes> key2;
};

Entry NewEntry(uint8_t kind, uint32_t id, int64_t now_us) {
  Entry entry;
  entry.kind = kind;
  entry.id = id;
  entry.created_us = now_us;
  entry.key = SecretBytes<kKeyBytes>::Random();
  if (kind == kKindEpoch) entry.key2 = SecretBytes<kKeyBytes>::Random();
  return entry;
}

SecretBuffer Serialize(const std::vector<Entry>& entries) {
  SecretBuffer content(4 + entries.size() * kEntryBytes);
  uint8_t* out = content.mutable_data();
  StoreBigEndian(static_cast<uint32_t>(entries.size()), out);
  out += 4;
  for (const Entry& entry : entries) {
    out[0] = entry.kind;
    out[1] = static_cast<uint8_t>(entry.state);
    StoreBigEndian(uint16_t{0}, out + 2);
    StoreBigEndian(entry.id, out + 4);
    StoreBigEndian(entry.created_us, out + 8);
    StoreBigEndian(entry.destroyed_us, out + 16);
    std::memcpy(out + 24, entry.key.data(), kKeyBytes);
    std::memcpy(out + 24 + kKeyBytes, entry.key2.data(), kKeyBytes);
    out += kEntryBytes;
  }
  return content;
}

absl::StatusOr<std::vector<Entry>> Parse(const SecretBuffer& content) {
  const absl::Status bad = absl::DataLossError("the epoch file is malformed");
  if (content.size() < 4) return bad;
  const auto count = LoadBigEndian<uint32_t>(content.data());
  if (count > kMaxEntries || content.size() != 4 + count * kEntryBytes) {
    return bad;
  }
  std::vector<Entry> entries(count);
  const uint8_t* in = content.data() + 4;
  for (Entry& entry : entries) {
    entry.kind = in[0];
    entry.state = static_cast<EpochState>(in[1]);
    entry.id = LoadBigEndian<uint32_t>(in + 4);
    entry.created_us = LoadBigEndian<int64_t>(in + 8);
    entry.destroyed_us = LoadBigEndian<int64_t>(in + 16);
    entry.key = SecretBytes<kKeyBytes>::CopyOf(KeyView(in + 24, kKeyBytes));
    entry.key2 =
        SecretBytes<kKeyBytes>::CopyOf(KeyView(in + 24 + kKeyBytes, kKeyBytes));
    if (entry.kind < kKindEpoch || entry.kind > kKindSlotIntegrity ||
        entry.state < EpochState::kCurrent ||
        entry.state > EpochState::kDestroyed || entry.id == 0) {
      return bad;
    }
    in += kEntryBytes;
  }
  return entries;
}

void Commit(KeyView key, const uint8_t* header_and_nonce, uint8_t* out) {
  crypto_generichash_blake2b(out, kCommitmentBytes, header_and_nonce,
                             kHeaderBytes + kNonceBytes, key.data(), kKeyBytes);
}

std::string Seal(KeyView key, std::string_view file_id,
                 const SecretBuffer& content) {
  std::string file(kMagic);
  AppendBigEndian(kVersion, &file);
  AppendBigEndian(uint32_t{0}, &file);
  file.append(file_id);
  file.resize(kPrefixBytes + content.size() + kTagBytes);
  uint8_t* out = MutableBytes(&file);
  uint8_t* nonce = out + kHeaderBytes;
  randombytes_buf(nonce, kNonceBytes);
  Commit(key, out, nonce + kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      out + kPrefixBytes, nullptr, content.data(), content.size(), out,
      kPrefixBytes, nullptr, nonce, key.data());
  return file;
}

// `file_id` is set from the header.
absl::StatusOr<SecretBuffer> Unseal(KeyView key, std::string_view file,
                                    std::string* file_id) {
  if (file.size() < 12 || file.substr(0, kMagic.size()) != kMagic) {
    return absl::DataLossError("this is not an epoch file");
  }
  const uint8_t* in = Bytes(file);
  const auto version = LoadBigEndian<uint32_t>(in + kMagic.size());
  if (version > kVersion) {
    return absl::FailedPreconditionError(
        "the epoch file was written by a newer version: start that version");
  }
  if (version != kVersion || file.size() < kPrefixBytes + kTagBytes) {
    return absl::DataLossError("the epoch file is malformed");
  }
  const uint8_t* nonce = in + kHeaderBytes;
  uint8_t commitment[kCommitmentBytes];
  Commit(key, in, commitment);
  if (sodium_memcmp(commitment, nonce + kNonceBytes, kCommitmentBytes) != 0) {
    return absl::DataLossError(
        "the epoch file does not verify: it is damaged, or the root key is "
        "another one");
  }
  SecretBuffer content(file.size() - kPrefixBytes - kTagBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          content.mutable_data(), nullptr, nullptr, in + kPrefixBytes,
          file.size() - kPrefixBytes, in, kPrefixBytes, nonce,
          key.data()) != 0) {
    return absl::DataLossError("the epoch file is damaged");
  }
  *file_id =
      std::string(file.substr(kHeaderBytes - kFileIdBytes, kFileIdBytes));
  return content;
}

// Overwrites what a replaced or left-over file holds.
absl::Status Wipe(audit::File* file) {
  CONSENTRY_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  const auto length =
      static_cast<size_t>(std::min<uint64_t>(size, kMaxFileBytes));
  CONSENTRY_RETURN_IF_ERROR(file->WriteAt(0, std::string(length, '\0')));
  return file->Sync();
}

// A sibling that a crash left holds keys that may be destroyed later.
absl::Status WipeLeftOver(audit::FileSystem* fs, const std::string& path) {
  const std::string sibling = path + ".new";
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs->Exists(sibling));
  if (!exists) return absl::OkStatus();
  const absl::StatusOr<std::string> left =
      audit::ReadFile(fs, sibling, kMaxFileBytes);
  const absl::StatusOr<std::string> file =
      audit::ReadFile(fs, path, kMaxFileBytes);
  if (!file.ok() && file.status().code() != absl::StatusCode::kNotFound) {
    return file.status();
  }
  // Where renaming is not atomic, both names may lead to the one file.
  const bool same = left.ok() && file.ok() && *left == *file;
  if (!same) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::unique_ptr<audit::File> open,
        fs->Open(sibling, audit::FileSystem::Mode::kReadWrite));
    CONSENTRY_RETURN_IF_ERROR(Wipe(open.get()));
  }
  return fs->Remove(sibling);
}

}  // namespace

// Builds EpochKeys, whose fields only EpochFile may set.
absl::StatusOr<std::shared_ptr<const EpochKeys>> EpochFile::BuildKeys(
    const SecretBuffer& content) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Entry> entries, Parse(content));
  std::shared_ptr<EpochKeys> keys(new EpochKeys());
  // Ids rise, so walking backwards gives the newest first.
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    switch (entry->kind) {
      case kKindEpoch:
        keys->infos_.insert(
            keys->infos_.begin(),
            {entry->id, entry->state, entry->created_us, entry->destroyed_us});
        if (entry->state == EpochState::kDestroyed) break;
        keys->usable_.push_back(entry->id);
        keys->epochs_.push_back({entry->id,
                                 GuardedKey::CopyOf(entry->key.view()),
                                 GuardedKey::CopyOf(entry->key2.view())});
        if (entry->state == EpochState::kCurrent) keys->current_ = entry->id;
        break;
      case kKindSuppression:
        keys->suppression_ids_.push_back(entry->id);
        keys->suppression_.push_back(
            {entry->id, GuardedKey::CopyOf(entry->key.view())});
        break;
      case kKindSystem:
        keys->system_.push_back(
            {entry->id, GuardedKey::CopyOf(entry->key.view())});
        if (entry->state == EpochState::kCurrent) {
          keys->system_current_ = entry->id;
        }
        break;
      case kKindSlotIntegrity:
        keys->slot_integrity_ = GuardedKey::CopyOf(entry->key.view());
        break;
      default:
        break;
    }
  }
  if (keys->current_ == 0 || keys->system_current_ == 0 ||
      keys->suppression_.empty() || keys->slot_integrity_.empty()) {
    return absl::DataLossError("the epoch file lacks keys");
  }
  return std::shared_ptr<const EpochKeys>(std::move(keys));
}

EpochFile::EpochFile(audit::FileSystem* fs, std::string path,
                     std::string file_id, GuardedKey seal_key)
    : fs_(fs),
      path_(std::move(path)),
      file_id_(std::move(file_id)),
      seal_key_(std::move(seal_key)) {}

absl::StatusOr<std::unique_ptr<EpochFile>> EpochFile::Create(
    audit::FileSystem* fs, const std::string& path, const RootKey& root,
    int64_t now_us) {
  EnsureSodium();
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs->Exists(path));
  if (exists) return absl::AlreadyExistsError(path + " exists");
  CONSENTRY_RETURN_IF_ERROR(WipeLeftOver(fs, path));

  std::string file_id(kFileIdBytes, '\0');
  randombytes_buf(file_id.data(), file_id.size());
  std::unique_ptr<EpochFile> file(new EpochFile(
      fs, path, std::move(file_id), root.Derive(KeyPurpose::kEpochFile)));
  std::vector<Entry> entries;
  entries.push_back(NewEntry(kKindSlotIntegrity, 1, now_us));
  entries.push_back(NewEntry(kKindEpoch, 1, now_us));
  entries.push_back(NewEntry(kKindSuppression, 1, now_us));
  entries.push_back(NewEntry(kKindSystem, 1, now_us));
  MutexLock lock(&file->mu_);
  CONSENTRY_RETURN_IF_ERROR(file->Store(Serialize(entries)));
  return file;
}

absl::StatusOr<std::unique_ptr<EpochFile>> EpochFile::Open(
    audit::FileSystem* fs, const std::string& path, const RootKey& root) {
  EnsureSodium();
  CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                             audit::ReadFile(fs, path, kMaxFileBytes));
  GuardedKey seal_key = root.Derive(KeyPurpose::kEpochFile);
  std::string file_id;
  CONSENTRY_ASSIGN_OR_RETURN(SecretBuffer content,
                             Unseal(seal_key.view(), bytes, &file_id));
  CONSENTRY_ASSIGN_OR_RETURN(auto keys, BuildKeys(content));
  CONSENTRY_RETURN_IF_ERROR(WipeLeftOver(fs, path));
  std::unique_ptr<EpochFile> file(
      new EpochFile(fs, path, std::move(file_id), std::move(seal_key)));
  MutexLock lock(&file->mu_);
  file->content_ = std::move(content);
  file->keys_ = std::move(keys);
  return file;
}

absl::Status EpochFile::Store(SecretBuffer content) {
  CONSENTRY_ASSIGN_OR_RETURN(auto keys, BuildKeys(content));
  CONSENTRY_RETURN_IF_ERROR(WipeLeftOver(fs_, path_));
  std::unique_ptr<audit::File> old;
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs_->Exists(path_));
  if (exists) {
    CONSENTRY_ASSIGN_OR_RETURN(
        old, fs_->Open(path_, audit::FileSystem::Mode::kReadWrite));
  }
  CONSENTRY_RETURN_IF_ERROR(audit::ReplaceFile(
      fs_, path_, Seal(seal_key_.view(), file_id_, content)));
  content_ = std::move(content);
  keys_ = std::move(keys);
  if (old != nullptr && !Wipe(old.get()).ok()) residue_ = true;
  return absl::OkStatus();
}

std::shared_ptr<const EpochKeys> EpochFile::keys() const {
  MutexLock lock(&mu_);
  return keys_;
}

absl::StatusOr<uint32_t> EpochFile::AddNumbered(uint8_t kind, int64_t now_us) {
  MutexLock lock(&mu_);
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<Entry> entries, Parse(content_));
  if (entries.size() >= kMaxEntries) {
    return absl::ResourceExhaustedError("the epoch file is full");
  }
  uint32_t id = 0;
  for (Entry& entry : entries) {
    if (entry.kind != kind) continue;
    id = std::max(id, entry.id);
    if (entry.state == EpochState::kCurrent) entry.state = EpochState::kRetired;
  }
  entries.push_back(NewEntry(kind, id + 1, now_us));
  CONSENTRY_RETURN_IF_ERROR(Store(Serialize(entries)));
  return id + 1;
}

absl::StatusOr<uint32_t> EpochFile::AddEpoch(int64_t now_us) {
  return AddNumbered(kKindEpoch, now_us);
}

absl::StatusOr<uint32_t> EpochFile::AddSuppressionKey(int64_t now_us) {
  return AddNumbered(kKindSuppression, now_us);
}

absl::StatusOr<uint32_t> EpochFile::AddSystemKey(int64_t now_us) {
  return AddNumbered(kKindSystem, now_us);
}

absl::Status EpochFile::DestroyEpoch(uint32_t id, int64_t now_us) {
  MutexLock lock(&mu_);
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<Entry> entries, Parse(content_));
  const auto found =
      std::find_if(entries.begin(), entries.end(), [id](const Entry& entry) {
        return entry.kind == kKindEpoch && entry.id == id;
      });
  if (found == entries.end()) return absl::NotFoundError("no such epoch");
  if (found->state == EpochState::kCurrent) {
    return absl::FailedPreconditionError(
        "the current epoch cannot be destroyed: add a new one first");
  }
  if (found->state != EpochState::kDestroyed) {
    found->state = EpochState::kDestroyed;
    found->destroyed_us = now_us;
    found->key = SecretBytes<kKeyBytes>();
    found->key2 = SecretBytes<kKeyBytes>();
    CONSENTRY_RETURN_IF_ERROR(Store(Serialize(entries)));
  }
  if (residue_) {
    return absl::UnavailableError(
        "the epoch is destroyed, but blocks of an older epoch file could not "
        "be overwritten");
  }
  return absl::OkStatus();
}

SecretBuffer EpochFile::Export() const {
  MutexLock lock(&mu_);
  return SecretBuffer::CopyOf(content_.view());
}

absl::StatusOr<std::unique_ptr<EpochFile>> EpochFile::Import(
    audit::FileSystem* fs, const std::string& path, const RootKey& root,
    std::span<const uint8_t> content) {
  EnsureSodium();
  std::string file_id(kFileIdBytes, '\0');
  randombytes_buf(file_id.data(), file_id.size());
  std::unique_ptr<EpochFile> file(new EpochFile(
      fs, path, std::move(file_id), root.Derive(KeyPurpose::kEpochFile)));
  MutexLock lock(&file->mu_);
  CONSENTRY_RETURN_IF_ERROR(file->Store(SecretBuffer::CopyOf(content)));
  return file;
}

absl::Status EpochFile::ChangeRootKey(const RootKey& root) {
  MutexLock lock(&mu_);
  GuardedKey before = std::move(seal_key_);
  seal_key_ = root.Derive(KeyPurpose::kEpochFile);
  const absl::Status stored = Store(SecretBuffer::CopyOf(content_.view()));
  if (!stored.ok()) seal_key_ = std::move(before);
  return stored;
}

}  // namespace consentry::crypto
