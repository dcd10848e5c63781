#ifndef CONSENTRY_GATEWAY_ACCESS_SUBJECT_EXPORT_H_
#define CONSENTRY_GATEWAY_ACCESS_SUBJECT_EXPORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/common.pb.h"
#include "gateway/crypto/grant.h"
#include "gateway/store/engine.h"
#include "gateway/vault/subject_reader.h"
#include "policy/engine/bundle.h"

namespace consentry::access {

struct ExportedValue {
  policy::FieldId field{};
  v1::Value value;
};

struct ExportedRecord {
  // "rec_...".
  std::string id;
  std::string kind;
  std::string source;
  // The source's own key of the record.
  std::string source_key;
  // Of collection.
  std::string purpose;
  int64_t collected_us = 0;
  int64_t updated_us = 0;
  // In the order of the record.
  std::vector<ExportedValue> values;
  // Values whose field the catalog no longer knows: held, and not readable.
  size_t unknown_fields = 0;
};

struct ExportedIdentifier {
  v1::Identifier identifier;
  std::string source;
  int64_t collected_us = 0;
};

// Everything that is held of one customer and of all who are joined with her,
// opened.
struct SubjectExport {
  // Herself first.
  std::vector<std::shared_ptr<const vault::CachedSubject>> members;
  std::vector<ExportedRecord> records;
  std::vector<ExportedIdentifier> identifiers;
};

// Opens every value, in one state of the store. `grant` is that of her own case
// (rights_grant.h); whoever calls writes the entry, with the members' versions,
// before anything of it leaves. NotFound when there is no such subject;
// DATA_CORRUPT when a value does not open. Reads for milliseconds: for a
// worker.
absl::StatusOr<SubjectExport> ExportSubject(const vault::SubjectReader& reader,
                                            store::Connection* connection,
                                            const policy::Bundle& bundle,
                                            uint64_t subject,
                                            const crypto::Grant& grant);

// These fields of one member alone, opened in the same way; records that hold
// none of them are left out. As ExportSubject.
absl::StatusOr<std::vector<ExportedRecord>> ExportFields(
    store::Connection* connection, const policy::Bundle& bundle,
    const vault::CachedSubject& member,
    const std::vector<policy::FieldId>& fields, const crypto::Grant& grant);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_SUBJECT_EXPORT_H_
