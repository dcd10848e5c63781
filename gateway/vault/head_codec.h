#ifndef CONSENTRY_GATEWAY_VAULT_HEAD_CODEC_H_
#define CONSENTRY_GATEWAY_VAULT_HEAD_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/subject_keys.h"

namespace consentry::vault {

// How heads, metas and identifiers are sealed: what is bound to what. Pure but
// for the nonce; safe for many threads.
//
// A head is bound to its subject and version: the same bytes stand in
// subjects.head while they are current and in facts.head afterwards. A meta is
// bound to its record, kind and row generation. Opening fails with DataLoss
// (reason DATA_CORRUPT) when bytes were changed or moved, and with NotFound
// when their key generation is gone.

absl::StatusOr<std::string> SealHead(const crypto::SubjectKeys& keys,
                                     const store::v1::SubjectHead& head);
absl::StatusOr<store::v1::SubjectHead> OpenHead(const crypto::SubjectKeys& keys,
                                                int64_t version,
                                                std::string_view sealed);

absl::StatusOr<std::string> SealMeta(const crypto::SubjectKeys& keys,
                                     const crypto::ObjectId& record,
                                     std::string_view kind,
                                     uint32_t row_generation,
                                     const store::v1::RecordMeta& meta);

// Also holds the fields of `blob` against the list in the meta, so that none
// can be taken away.
absl::StatusOr<store::v1::RecordMeta> OpenMeta(
    const crypto::SubjectKeys& keys, const crypto::ObjectId& record,
    std::string_view kind, uint32_t row_generation,
    const store::v1::RecordBlob& blob);

// Why two subjects are, were or might be one; sealed under the key of the one
// whose row of merges it is, bound to the other.
absl::StatusOr<std::string> SealGrounds(const crypto::SubjectKeys& keys,
                                        uint64_t other,
                                        const store::v1::MergeGrounds& grounds);
absl::StatusOr<store::v1::MergeGrounds> OpenGrounds(
    const crypto::SubjectKeys& keys, uint64_t other, std::string_view sealed);

// The context of one value of a record. The views must outlive the result.
crypto::FieldContext ValueContext(const crypto::ObjectId& record,
                                  std::string_view field_name,
                                  uint32_t row_generation);

// The context of HeldIdentifier.sealed. The row is the identifier's digest:
// lookup's own key is a blind index, which a rotation replaces.
crypto::FieldContext IdentifierContext(uint64_t digest,
                                       std::string_view name_space);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_HEAD_CODEC_H_
