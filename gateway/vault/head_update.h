#ifndef CONSENTRY_GATEWAY_VAULT_HEAD_UPDATE_H_
#define CONSENTRY_GATEWAY_VAULT_HEAD_UPDATE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "consentry/store/v1/subject.pb.h"
#include "gateway/vault/row_check.h"

namespace consentry::vault {

// How a head takes in what a row says. Pure. Each is false, and the head as it
// was, when a bound is reached: forgetting a fact could lift a protection.
inline constexpr int kMaxSourcedTexts = 32;
inline constexpr int kMaxHeldIdentifiers = 64;
// Open contexts kept, the newest of them; a purpose needs only one.
inline constexpr int kMaxContexts = 32;

// A source replaces what it said before about the fact, if the new word is
// later; of one time both stand, as those of different sources do.
bool TakeSourcedText(
    std::string_view value, std::string_view source, int64_t collected_us,
    google::protobuf::RepeatedPtrField<store::v1::SourcedText>* texts);

// `digest` as IdentifierDigest makes it.
bool TakeIdentifier(const CheckedIdentifier& identifier, uint64_t digest,
                    std::string_view source, int64_t collected_us,
                    store::v1::SubjectHead* head);

// A source has verified one of the identifiers: who the customer is rests on
// more than her own word.
bool HasVerifiedIdentity(const store::v1::SubjectHead& head);

// Where a new record of the kind stands within its subject.
struct RecordPlace {
  uint32_t position = 0;
  uint32_t index = 0;
};
// Counts one more record of the kind. None at kMaxRecordsPerKind, or when the
// numbers of record_number.h are used up.
std::optional<RecordPlace> AddRecord(std::string_view kind,
                                     store::v1::SubjectHead* head);
// The kind's position in `head`; none when there never was a record of it.
std::optional<uint32_t> KindPosition(std::string_view kind,
                                     const store::v1::SubjectHead& head);
uint32_t RecordCount(std::string_view kind, const store::v1::SubjectHead& head);

// A record of a kind that is context opens one, or closes it.
void TakeContext(const CheckedRow& row, std::string_view source,
                 store::v1::SubjectHead* head);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_HEAD_UPDATE_H_
