#include "gateway/access/subject_export.h"

#include <map>
#include <utility>

#include "gateway/crypto/ids.h"
#include "gateway/crypto/opener.h"
#include "gateway/vault/all_records.h"
#include "gateway/vault/field_number.h"
#include "gateway/vault/head_codec.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored value does not open");
}

absl::StatusOr<ExportedRecord> OpenRecord(
    const policy::Bundle& bundle,
    const std::map<uint32_t, policy::FieldId>& names,
    const vault::CachedSubject& member, const vault::StoredRecord& record,
    const crypto::Grant& grant) {
  ExportedRecord opened;
  opened.id = crypto::FormatId(crypto::IdKind::kRecord, record.id);
  opened.kind = record.kind;
  opened.source = record.meta.source();
  opened.source_key = record.meta.source_key();
  opened.purpose = record.meta.purpose();
  opened.collected_us = record.meta.collected_us();
  opened.updated_us = record.meta.updated_us();
  for (const auto& sealed : record.blob.fields()) {
    const auto known = names.find(sealed.field());
    if (known == names.end()) {
      ++opened.unknown_fields;
      continue;
    }
    const auto plaintext = crypto::Opener::Open(
        grant, member.keys(),
        vault::FieldContextOf(record, bundle.field_name(known->second)),
        sealed.sealed());
    ExportedValue value{known->second, {}};
    if (!plaintext.ok() || !value.value.ParseFromArray(
                               plaintext->view().data(),
                               static_cast<int>(plaintext->view().size()))) {
      return Corrupt();
    }
    opened.values.push_back(std::move(value));
  }
  return opened;
}

}  // namespace

absl::StatusOr<std::vector<ExportedRecord>> ExportFields(
    store::Connection* connection, const policy::Bundle& bundle,
    const vault::CachedSubject& member,
    const std::vector<policy::FieldId>& fields, const crypto::Grant& grant) {
  std::map<uint32_t, policy::FieldId> names;
  for (const policy::FieldId field : fields) {
    names[vault::FieldNumber(bundle.field_name(field))] = field;
  }
  std::vector<ExportedRecord> found;
  CONSENTRY_ASSIGN_OR_RETURN(const auto records,
                             vault::ReadAllRecords(connection, member));
  for (const vault::StoredRecord& record : records) {
    CONSENTRY_ASSIGN_OR_RETURN(
        ExportedRecord opened,
        OpenRecord(bundle, names, member, record, grant));
    if (!opened.values.empty()) found.push_back(std::move(opened));
  }
  return found;
}

absl::StatusOr<SubjectExport> ExportSubject(const vault::SubjectReader& reader,
                                            store::Connection* connection,
                                            const policy::Bundle& bundle,
                                            uint64_t subject,
                                            const crypto::Grant& grant) {
  std::map<uint32_t, policy::FieldId> names;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const policy::FieldId field{static_cast<uint16_t>(i)};
    names[vault::FieldNumber(bundle.field_name(field))] = field;
  }
  SubjectExport out;
  vault::SubjectReader::HeadOptions options;
  options.past_cache = true;
  options.keep = false;
  CONSENTRY_ASSIGN_OR_RETURN(out.members,
                             reader.ReadGroup(connection, subject, options));
  for (const auto& member : out.members) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto records,
                               vault::ReadAllRecords(connection, *member));
    for (const vault::StoredRecord& record : records) {
      CONSENTRY_ASSIGN_OR_RETURN(
          ExportedRecord opened,
          OpenRecord(bundle, names, *member, record, grant));
      out.records.push_back(std::move(opened));
    }
    for (const auto& held : member->head().identifiers()) {
      if (held.sealed().empty()) continue;
      const auto plaintext = crypto::Opener::Open(
          grant, member->keys(),
          vault::IdentifierContext(held.digest(), held.name_space()),
          held.sealed());
      if (!plaintext.ok()) return Corrupt();
      ExportedIdentifier identifier;
      identifier.identifier.set_type(
          static_cast<v1::IdentifierType>(held.type()));
      identifier.identifier.set_namespace_(held.name_space());
      identifier.identifier.set_value(std::string(plaintext->view()));
      identifier.identifier.set_verified(held.verified());
      identifier.source = held.source();
      identifier.collected_us = held.collected_us();
      out.identifiers.push_back(std::move(identifier));
    }
  }
  return out;
}

}  // namespace consentry::access
