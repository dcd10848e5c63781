#include "gateway/vault/head_codec.h"

#include "absl/status/status.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

using crypto::FactContext;
using crypto::FactTable;

constexpr uint32_t kHeadSchema = 1;
constexpr uint32_t kMetaSchema = 1;
constexpr uint32_t kValueSchema = 1;
constexpr uint32_t kLinkSchema = 1;

absl::Status Corrupt(std::string_view what) {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT, what);
}

FactContext HeadContext(uint64_t subject, int64_t version) {
  return {.table = FactTable::kSubjectHead,
          .row = subject,
          .field = {},
          .schema = kHeadSchema,
          .row_generation = static_cast<uint32_t>(version)};
}

FactContext MetaContext(const crypto::ObjectId& record, std::string_view kind,
                        uint32_t row_generation) {
  return {.table = FactTable::kRecordMeta,
          .row = record,
          .field = kind,
          .schema = kMetaSchema,
          .row_generation = row_generation};
}

FactContext LinkContext(uint64_t other) {
  return {.table = FactTable::kSubjectLink,
          .row = other,
          .field = {},
          .schema = kLinkSchema,
          .row_generation = 0};
}

// Opens and parses; `what` names the value in errors.
template <class Message>
absl::StatusOr<Message> OpenAs(const crypto::SubjectKeys& keys,
                               const FactContext& context,
                               std::string_view sealed, std::string_view what) {
  absl::StatusOr<crypto::Plaintext> opened =
      crypto::FactOpener::Open(keys, context, sealed);
  if (!opened.ok()) {
    if (absl::IsDataLoss(opened.status())) return Corrupt(what);
    return opened.status();
  }
  Message message;
  if (!message.ParseFromArray(opened->view().data(),
                              static_cast<int>(opened->size()))) {
    return Corrupt(what);
  }
  return message;
}

}  // namespace

absl::StatusOr<std::string> SealHead(const crypto::SubjectKeys& keys,
                                     const store::v1::SubjectHead& head) {
  std::string plain = head.SerializeAsString();
  const WipeAtEnd wipe(&plain);
  return crypto::Sealer::Seal(
      keys, HeadContext(keys.subject(), static_cast<int64_t>(head.version())),
      plain);
}

absl::StatusOr<store::v1::SubjectHead> OpenHead(const crypto::SubjectKeys& keys,
                                                int64_t version,
                                                std::string_view sealed) {
  CONSENTRY_ASSIGN_OR_RETURN(store::v1::SubjectHead head,
                             OpenAs<store::v1::SubjectHead>(
                                 keys, HeadContext(keys.subject(), version),
                                 sealed, "a subject's head does not verify"));
  if (head.version() != static_cast<uint64_t>(version)) {
    WipeMessage(&head);
    return Corrupt("a subject's head is of another version");
  }
  return head;
}

absl::StatusOr<std::string> SealMeta(const crypto::SubjectKeys& keys,
                                     const crypto::ObjectId& record,
                                     std::string_view kind,
                                     uint32_t row_generation,
                                     const store::v1::RecordMeta& meta) {
  std::string plain = meta.SerializeAsString();
  const WipeAtEnd wipe(&plain);
  return crypto::Sealer::Seal(keys, MetaContext(record, kind, row_generation),
                              plain);
}

absl::StatusOr<store::v1::RecordMeta> OpenMeta(
    const crypto::SubjectKeys& keys, const crypto::ObjectId& record,
    std::string_view kind, uint32_t row_generation,
    const store::v1::RecordBlob& blob) {
  CONSENTRY_ASSIGN_OR_RETURN(
      store::v1::RecordMeta meta,
      OpenAs<store::v1::RecordMeta>(keys,
                                    MetaContext(record, kind, row_generation),
                                    blob.meta(), "a record does not verify"));
  bool complete = meta.digests_size() == blob.fields_size();
  for (int i = 0; complete && i < meta.digests_size(); ++i) {
    complete = meta.digests(i).field() == blob.fields(i).field();
  }
  if (!complete) {
    WipeMessage(&meta);
    return Corrupt("a record lacks fields or has too many");
  }
  return meta;
}

absl::StatusOr<std::string> SealGrounds(
    const crypto::SubjectKeys& keys, uint64_t other,
    const store::v1::MergeGrounds& grounds) {
  return crypto::Sealer::Seal(keys, LinkContext(other),
                              grounds.SerializeAsString());
}

absl::StatusOr<store::v1::MergeGrounds> OpenGrounds(
    const crypto::SubjectKeys& keys, uint64_t other, std::string_view sealed) {
  return OpenAs<store::v1::MergeGrounds>(keys, LinkContext(other), sealed,
                                         "a merge does not verify");
}

crypto::FieldContext ValueContext(const crypto::ObjectId& record,
                                  std::string_view field_name,
                                  uint32_t row_generation) {
  return {.table = crypto::FieldTable::kRecord,
          .row = record,
          .field = field_name,
          .schema = kValueSchema,
          .row_generation = row_generation};
}

crypto::FieldContext IdentifierContext(uint64_t digest,
                                       std::string_view name_space) {
  return {.table = crypto::FieldTable::kIdentifier,
          .row = digest,
          .field = name_space,
          .schema = kValueSchema,
          .row_generation = 0};
}

}  // namespace consentry::vault
