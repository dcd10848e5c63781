#include "gateway/upkeep/backup_file.h"

#include <algorithm>
#include <utility>

#include "gateway/crypto/byte_order.h"
#include "proto/support/status_macros.h"

namespace consentry::upkeep {
namespace {

using crypto::AppendBigEndian;
using crypto::Bytes;
using crypto::LoadBigEndian;
using store::v1::BackupFrame;

constexpr size_t kMagicBytes = 8;
constexpr size_t kFrontBytes = kMagicBytes + 4 + 4 + 16;
constexpr uint32_t kMaxSealedKey = 1024;
constexpr size_t kMaxSealedFrame = kMaxBackupFrame + crypto::kStreamOverhead;
constexpr size_t kDigestBytes = 32;
// Written at once.
constexpr size_t kBuffer = size_t{1} << 20;

std::string_view MagicOf(BackupKind kind) {
  return kind == BackupKind::kData ? "CSTRYBAK" : "CSTRYBKY";
}

std::string DigestOf(const crypto_generichash_blake2b_state& state) {
  crypto_generichash_blake2b_state copy = state;
  std::string digest(kDigestBytes, '\0');
  crypto_generichash_blake2b_final(
      &copy, reinterpret_cast<uint8_t*>(digest.data()), digest.size());
  return digest;
}

absl::Status CutShort() {
  return absl::DataLossError("the backup is cut short");
}

}  // namespace

BackupWriter::BackupWriter(audit::FileSystem* fs, std::string path,
                           std::unique_ptr<crypto::StreamSealer> stream)
    : fs_(fs),
      path_(std::move(path)),
      working_path_(path_ + ".new"),
      stream_(std::move(stream)) {
  crypto_generichash_blake2b_init(&digest_, nullptr, 0, kDigestBytes);
}

BackupWriter::~BackupWriter() {
  if (finished_ || file_ == nullptr) return;
  file_.reset();
  fs_->Remove(working_path_).IgnoreError();
}

absl::StatusOr<std::unique_ptr<BackupWriter>> BackupWriter::Create(
    audit::FileSystem* fs, std::string path, BackupKind kind,
    const crypto::ObjectId& id, std::string_view sealed_key,
    std::unique_ptr<crypto::StreamSealer> stream) {
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs->Exists(path));
  if (exists) return absl::AlreadyExistsError("a backup of that name exists");
  std::unique_ptr<BackupWriter> writer(
      new BackupWriter(fs, std::move(path), std::move(stream)));
  CONSENTRY_ASSIGN_OR_RETURN(const bool left,
                             fs->Exists(writer->working_path_));
  if (left) CONSENTRY_RETURN_IF_ERROR(fs->Remove(writer->working_path_));
  CONSENTRY_ASSIGN_OR_RETURN(
      writer->file_,
      fs->Open(writer->working_path_, audit::FileSystem::Mode::kCreate));
  std::string& prefix = writer->prefix_;
  prefix = MagicOf(kind);
  AppendBigEndian(kBackupVersion, &prefix);
  AppendBigEndian(static_cast<uint32_t>(sealed_key.size()), &prefix);
  prefix.append(reinterpret_cast<const char*>(id.data()), id.size());
  prefix.push_back('\0');
  prefix.append(sealed_key);
  prefix += writer->stream_->header();
  writer->pending_ = prefix;
  return writer;
}

absl::Status BackupWriter::Write(const BackupFrame& frame) {
  if (ended_) return absl::FailedPreconditionError("the backup has its end");
  const std::string plain = frame.SerializeAsString();
  if (plain.size() > kMaxBackupFrame) {
    return absl::InternalError("a frame of a backup is too long");
  }
  ended_ = frame.has_end();
  if (!ended_) {
    crypto_generichash_blake2b_update(&digest_, Bytes(plain), plain.size());
  }
  const std::string sealed =
      stream_->Seal(plain, frames_ == 0 ? prefix_ : std::string(), ended_);
  ++frames_;
  AppendBigEndian(static_cast<uint32_t>(sealed.size()), &pending_);
  pending_ += sealed;
  if (pending_.size() < kBuffer && !ended_) return absl::OkStatus();
  CONSENTRY_RETURN_IF_ERROR(file_->WriteAt(written_, pending_));
  written_ += pending_.size();
  pending_.clear();
  return absl::OkStatus();
}

std::string BackupWriter::Digest() const { return DigestOf(digest_); }

absl::StatusOr<uint64_t> BackupWriter::Finish() {
  if (!ended_) return absl::FailedPreconditionError("the backup has no end");
  CONSENTRY_RETURN_IF_ERROR(file_->Sync());
  {
    const auto kind =
        prefix_.substr(0, kMagicBytes) == MagicOf(BackupKind::kData)
            ? BackupKind::kData
            : BackupKind::kKeys;
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto reader,
        BackupReader::Open(
            fs_, working_path_, kind,
            [this](const crypto::ObjectId&, std::string_view,
                   std::string_view) { return stream_->Reopen(); }));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const auto frame, reader->Next());
      if (!frame.has_value()) break;
    }
    if (reader->Digest() != Digest()) {
      return absl::DataLossError("what was read back is not what was written");
    }
  }
  file_.reset();
  CONSENTRY_RETURN_IF_ERROR(fs_->Rename(working_path_, path_));
  finished_ = true;
  const size_t slash = path_.rfind('/');
  CONSENTRY_RETURN_IF_ERROR(fs_->SyncDirectory(slash == std::string::npos ? "."
                                               : slash == 0
                                                   ? "/"
                                                   : path_.substr(0, slash)));
  return written_;
}

absl::StatusOr<std::unique_ptr<BackupReader>> BackupReader::Open(
    audit::FileSystem* fs, const std::string& path, BackupKind kind,
    const OpenStream& open) {
  CONSENTRY_ASSIGN_OR_RETURN(auto file,
                             fs->Open(path, audit::FileSystem::Mode::kRead));
  CONSENTRY_ASSIGN_OR_RETURN(std::string prefix, file->ReadAt(0, kFrontBytes));
  if (prefix.size() < kMagicBytes ||
      std::string_view(prefix).substr(0, kMagicBytes) != MagicOf(kind)) {
    return absl::InvalidArgumentError(kind == BackupKind::kData
                                          ? "the file is no backup of data"
                                          : "the file is no backup of keys");
  }
  if (prefix.size() < kFrontBytes) return CutShort();
  const uint8_t* const bytes = Bytes(prefix);
  if (LoadBigEndian<uint32_t>(bytes + kMagicBytes) != kBackupVersion) {
    return absl::FailedPreconditionError(
        "another version of the program wrote the backup");
  }
  const auto key_bytes = LoadBigEndian<uint32_t>(bytes + kMagicBytes + 4);
  if (key_bytes > kMaxSealedKey) {
    return absl::DataLossError("the head of the backup is damaged");
  }
  crypto::ObjectId id;
  std::copy_n(prefix.begin() + kMagicBytes + 8, id.size(), id.begin());
  const size_t rest = key_bytes + crypto::kStreamHeaderBytes;
  CONSENTRY_ASSIGN_OR_RETURN(const std::string tail,
                             file->ReadAt(kFrontBytes, rest));
  if (tail.size() < rest) return CutShort();
  prefix += tail;
  auto stream = open(id, std::string_view(tail).substr(0, key_bytes),
                     std::string_view(tail).substr(key_bytes));
  if (!stream.ok()) {
    return absl::DataLossError(
        kind == BackupKind::kData
            ? "the backup of data is damaged, or not of these keys"
            : "the backup of keys is damaged, or sealed to another recovery "
              "key");
  }
  std::unique_ptr<BackupReader> reader(
      new BackupReader(std::move(file), *std::move(stream), std::move(prefix)));
  crypto_generichash_blake2b_init(&reader->digest_, nullptr, 0, kDigestBytes);
  bool last = false;
  CONSENTRY_ASSIGN_OR_RETURN(BackupFrame first, reader->ReadFrame(&last));
  if (!first.has_header() || last ||
      first.header().id() !=
          std::string(reinterpret_cast<const char*>(id.data()), id.size())) {
    return absl::DataLossError("the backup does not begin with its header");
  }
  reader->header_ = std::move(*first.mutable_header());
  return reader;
}

absl::StatusOr<BackupFrame> BackupReader::ReadFrame(bool* last) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string length, file_->ReadAt(at_, 4));
  if (length.size() < 4) return CutShort();
  const auto bytes = LoadBigEndian<uint32_t>(Bytes(length));
  if (bytes > kMaxSealedFrame) {
    return absl::DataLossError("a frame of the backup is damaged");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed,
                             file_->ReadAt(at_ + 4, bytes));
  if (sealed.size() < bytes) return CutShort();
  auto plain = stream_.Open(sealed, first_ ? prefix_ : std::string(), last);
  if (!plain.ok()) {
    return absl::DataLossError(
        "a frame of the backup is damaged or not in its place");
  }
  first_ = false;
  at_ += 4 + bytes;
  BackupFrame frame;
  if (!frame.ParseFromArray(plain->data(), static_cast<int>(plain->size()))) {
    return absl::DataLossError("a frame of the backup is not one of ours");
  }
  if (!frame.has_end()) {
    crypto_generichash_blake2b_update(&digest_, plain->data(), plain->size());
  }
  return frame;
}

absl::StatusOr<std::optional<BackupFrame>> BackupReader::Next() {
  if (ended_) return std::optional<BackupFrame>();
  bool last = false;
  CONSENTRY_ASSIGN_OR_RETURN(BackupFrame frame, ReadFrame(&last));
  if (frame.has_end() != last || frame.has_header() ||
      frame.content_case() == BackupFrame::CONTENT_NOT_SET) {
    return absl::DataLossError("a frame of the backup is out of place");
  }
  if (!last) return std::optional<BackupFrame>(std::move(frame));
  CONSENTRY_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  if (size != at_) {
    return absl::DataLossError("something follows the end of the backup");
  }
  ended_ = true;
  end_ = std::move(*frame.mutable_end());
  return std::optional<BackupFrame>();
}

std::string BackupReader::Digest() const { return DigestOf(digest_); }

}  // namespace consentry::upkeep
