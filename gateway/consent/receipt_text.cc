#include "gateway/consent/receipt_text.h"

#include <google/protobuf/util/json_util.h>

#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

using google::protobuf::util::JsonParseOptions;
using google::protobuf::util::JsonPrintOptions;

void Require(bool present, const std::string& path, const char* name,
             std::vector<std::string>* missing) {
  if (!present) missing->push_back(path + name);
}

void CheckProcessing(const v1::ReceiptProcessing& processing,
                     const std::string& path,
                     std::vector<std::string>* missing) {
  Require(!processing.privacy_notice().empty(), path, "privacy_notice",
          missing);
  Require(!processing.language().empty(), path, "language", missing);
  Require(!processing.purpose().empty(), path, "purpose", missing);
  Require(!processing.lawful_basis().empty(), path, "lawful_basis", missing);
  Require(!processing.pii_information().empty(), path, "pii_information",
          missing);
  for (int i = 0; i < processing.pii_information_size(); ++i) {
    Require(!processing.pii_information(i).pii_type().empty(),
            absl::StrCat(path, "pii_information[", i, "]."), "pii_type",
            missing);
  }
  Require(!processing.pii_controllers().empty(), path, "pii_controllers",
          missing);
  Require(!processing.storage_locations().empty(), path, "storage_locations",
          missing);
  Require(!processing.retention_period().empty(), path, "retention_period",
          missing);
  Require(!processing.jurisdiction().empty(), path, "jurisdiction", missing);
  Require(!processing.recipient_third_parties().empty(), path,
          "recipient_third_parties", missing);
  Require(!processing.withdrawal_method().empty(), path, "withdrawal_method",
          missing);
}

void CheckParty(const v1::ReceiptParty& party, const std::string& path,
                std::vector<std::string>* missing) {
  Require(!party.party_id().empty(), path, "party_id", missing);
  Require(!party.party_address().empty(), path, "party_address", missing);
  Require(!party.party_name().empty(), path, "party_name", missing);
  Require(!party.party_contact().empty(), path, "party_contact", missing);
  Require(!party.party_type().empty(), path, "party_type", missing);
}

void CheckEvent(const v1::ReceiptEvent& event, const std::string& path,
                std::vector<std::string>* missing) {
  Require(!event.event_time().empty(), path, "event_time", missing);
  Require(!event.validity_duration().empty(), path, "validity_duration",
          missing);
  Require(!event.entity_id().empty(), path, "entity_id", missing);
  Require(!event.event_type().empty(), path, "event_type", missing);
  Require(!event.event_state().empty(), path, "event_state", missing);
}

}  // namespace

absl::StatusOr<std::string> WriteReceipt(const v1::ReceiptRecord& record) {
  JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(record, &json, options)
           .ok()) {
    return absl::InternalError("a receipt cannot be written as JSON");
  }
  if (json.empty() || json.back() != '\n') json.push_back('\n');
  return json;
}

std::string SignedText(std::string_view json) {
  std::string text = kReceiptHeader;
  text += json;
  return text;
}

absl::StatusOr<std::string> FormatReceiptFile(const v1::ConsentReceipt& receipt,
                                              const audit::NoteVerifier& key) {
  audit::Note note;
  note.text = SignedText(receipt.json());
  note.signatures.push_back({key.name(), key.key_id(), receipt.signature()});
  std::string file = audit::FormatNote(note);
  CONSENTRY_RETURN_IF_ERROR(ReadReceiptFile(file, key).status());
  return file;
}

absl::StatusOr<v1::ReceiptRecord> ReadReceiptFile(
    std::string_view bytes, const audit::NoteVerifier& key) {
  CONSENTRY_ASSIGN_OR_RETURN(const audit::Note note, audit::ParseNote(bytes));
  if (note.text.rfind(kReceiptHeader, 0) != 0) {
    return absl::InvalidArgumentError("not a consent receipt");
  }
  switch (
      audit::CheckNote(note, std::span<const audit::NoteVerifier>(&key, 1))) {
    case audit::NoteTrust::kVerified:
      break;
    case audit::NoteTrust::kUnknownKey:
      return absl::DataLossError("not signed by this key");
    case audit::NoteTrust::kBadSignature:
      return absl::DataLossError("the signature does not fit the text");
  }
  JsonParseOptions options;
  options.ignore_unknown_fields = true;
  v1::ReceiptRecord record;
  if (!google::protobuf::util::JsonStringToMessage(
           note.text.substr(sizeof(kReceiptHeader) - 1), &record, options)
           .ok()) {
    return absl::InvalidArgumentError("the receipt is no JSON of this kind");
  }
  const auto missing = MissingFields(record);
  if (!missing.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the receipt lacks ", absl::StrJoin(missing, ", ")));
  }
  return record;
}

std::vector<std::string> MissingFields(const v1::ReceiptRecord& record) {
  std::vector<std::string> missing;
  Require(!record.schema_version().empty(), "", "schema_version", &missing);
  Require(!record.receipt_id().empty(), "", "receipt_id", &missing);
  Require(!record.record_id().empty(), "", "record_id", &missing);
  Require(!record.pii_principal_id().empty(), "", "pii_principal_id", &missing);
  Require(!record.pii_processing().empty(), "", "pii_processing", &missing);
  Require(!record.party_identification().empty(), "", "party_identification",
          &missing);
  Require(!record.event().empty(), "", "event", &missing);
  for (int i = 0; i < record.pii_processing_size(); ++i) {
    CheckProcessing(record.pii_processing(i),
                    absl::StrCat("pii_processing[", i, "]."), &missing);
  }
  for (int i = 0; i < record.party_identification_size(); ++i) {
    CheckParty(record.party_identification(i),
               absl::StrCat("party_identification[", i, "]."), &missing);
  }
  for (int i = 0; i < record.event_size(); ++i) {
    CheckEvent(record.event(i), absl::StrCat("event[", i, "]."), &missing);
  }
  return missing;
}

}  // namespace consentry::consent
