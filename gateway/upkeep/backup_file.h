#ifndef CONSENTRY_GATEWAY_UPKEEP_BACKUP_FILE_H_
#define CONSENTRY_GATEWAY_UPKEEP_BACKUP_FILE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "consentry/store/v1/backup.pb.h"
#include "gateway/crypto/backup_stream.h"
#include "gateway/crypto/ids.h"

namespace consentry::upkeep {

// Files of backups. Big-endian.
//
//   file  := magic:8 version:u32 key_bytes:u32 id:15 zero:1 sealed_key
//            stream_header:24 frame*
//   frame := length:u32 sealed:length
//
// A frame is a serialised BackupFrame, sealed as crypto/backup_stream.h says;
// the first is bound to all that stands before it. The first frame holds the
// header, the last the end, and nothing follows.
enum class BackupKind { kData, kKeys };

inline constexpr uint32_t kBackupVersion = 1;
// Of a frame before it is sealed.
inline constexpr size_t kMaxBackupFrame = size_t{4} << 20;

// Writes a backup beside its final name, and gives it that name only once it is
// whole and synced. Without Finish() nothing is left. Used by one thread.
class BackupWriter {
 public:
  // `sealed_key` is that of `stream`, sealed for the one who will restore.
  // AlreadyExists; ResourceExhausted when the volume is full, from any call.
  static absl::StatusOr<std::unique_ptr<BackupWriter>> Create(
      audit::FileSystem* fs, std::string path, BackupKind kind,
      const crypto::ObjectId& id, std::string_view sealed_key,
      std::unique_ptr<crypto::StreamSealer> stream);
  BackupWriter(const BackupWriter&) = delete;
  BackupWriter& operator=(const BackupWriter&) = delete;
  ~BackupWriter();

  // The header first, the end last.
  absl::Status Write(const store::v1::BackupFrame& frame);

  // BLAKE2b-256 over the plain frames so far but the end, in order: what the
  // signature in the end is over.
  std::string Digest() const;

  // Reads back what was written, frame by frame, then names it. Its size in
  // bytes. DataLoss when what was read is not what was written.
  absl::StatusOr<uint64_t> Finish();

 private:
  BackupWriter(audit::FileSystem* fs, std::string path,
               std::unique_ptr<crypto::StreamSealer> stream);

  audit::FileSystem* const fs_;
  const std::string path_;
  const std::string working_path_;
  const std::unique_ptr<crypto::StreamSealer> stream_;
  std::unique_ptr<audit::File> file_;
  std::string prefix_;
  std::string pending_;
  uint64_t written_ = 0;
  uint64_t frames_ = 0;
  bool ended_ = false;
  bool finished_ = false;
  crypto_generichash_blake2b_state digest_{};
};

// Reads a backup: outside bytes. Used by one thread.
class BackupReader {
 public:
  // How the stream's key is opened.
  using OpenStream = std::function<absl::StatusOr<crypto::StreamOpener>(
      const crypto::ObjectId& id, std::string_view sealed_key,
      std::string_view header)>;

  // Reads the header. NotFound; InvalidArgument for a file that is no backup of
  // that kind; FailedPrecondition when a newer version wrote it; DataLoss when
  // it is damaged, cut short or not made for these keys.
  static absl::StatusOr<std::unique_ptr<BackupReader>> Open(
      audit::FileSystem* fs, const std::string& path, BackupKind kind,
      const OpenStream& open);

  const store::v1::BackupHeader& header() const { return header_; }

  // The next frame behind the header; nullopt once the end was read. DataLoss
  // for anything else.
  absl::StatusOr<std::optional<store::v1::BackupFrame>> Next();

  // Of the end, once Next() gave nullopt.
  const store::v1::BackupEnd& end() const { return end_; }
  // What the end's signature is over.
  std::string Digest() const;

 private:
  BackupReader(std::unique_ptr<audit::File> file, crypto::StreamOpener stream,
               std::string prefix)
      : file_(std::move(file)),
        stream_(std::move(stream)),
        prefix_(std::move(prefix)),
        at_(prefix_.size()) {}

  absl::StatusOr<store::v1::BackupFrame> ReadFrame(bool* last);

  const std::unique_ptr<audit::File> file_;
  crypto::StreamOpener stream_;
  const std::string prefix_;
  uint64_t at_ = 0;
  bool first_ = true;
  bool ended_ = false;
  store::v1::BackupHeader header_;
  store::v1::BackupEnd end_;
  crypto_generichash_blake2b_state digest_{};
};

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_BACKUP_FILE_H_
