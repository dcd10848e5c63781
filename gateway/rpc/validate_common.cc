#include "gateway/rpc/validate_common.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/utf8.h"

namespace consentry::rpc {
namespace {

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsKeyChar(char c) {
  return IsLower(c) || IsDigit(c) || c == '_' || c == '.' || c == '-';
}

template <class Predicate>
bool All(std::string_view text, Predicate predicate) {
  for (const char c : text) {
    if (!predicate(c)) return false;
  }
  return true;
}

void CheckContextText(std::string_view value, const char* field, bool hash,
                      FaultList* faults) {
  const bool good = All(value, [hash](char c) {
    return IsKeyChar(c) || IsUpper(c) || (hash && c == '#');
  });
  if (value.size() > kMaxContextBytes || !good) {
    faults->Add(Dot("context", field),
                hash ? "must be at most 64 characters of [A-Za-z0-9_.#-]"
                     : "must be at most 64 characters of [A-Za-z0-9_.-]");
  }
}

}  // namespace

std::string At(std::string_view field, int index) {
  return absl::StrCat(std::string(field), "[", index, "]");
}

std::string Dot(std::string_view field, std::string_view sub) {
  return absl::StrCat(std::string(field), ".", std::string(sub));
}

void CheckKey(std::string_view value, std::string field, FaultList* faults,
              size_t most) {
  if (value.empty()) {
    faults->Add(std::move(field), "is required");
  } else if (value.size() > most || !All(value, IsKeyChar)) {
    faults->Add(std::move(field), absl::StrCat("must be at most ", most,
                                               " characters of [a-z0-9_.-]"));
  }
}

void CheckText(std::string_view value, std::string field, size_t most,
               FaultList* faults) {
  if (value.size() > most) {
    faults->AddTooMany(std::move(field), most);
  } else if (!IsUtf8(value) || !All(value, [](char c) {
               const auto u = static_cast<unsigned char>(c);
               return u >= 0x20 && u != 0x7f;
             })) {
    faults->Add(std::move(field),
                "must be UTF-8 text without control characters");
  }
}

void CheckRequestId(std::string_view value, FaultList* faults) {
  if (value.empty()) return;
  bool good = value.size() == 36;
  for (size_t i = 0; good && i < value.size(); ++i) {
    const char c = value[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    good = dash
               ? c == '-'
               : IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }
  if (!good) faults->Add("request_id", "must be a UUID or empty");
}

void CheckToken(std::string_view value, std::string field, size_t most,
                FaultList* faults) {
  if (value.size() > most ||
      !All(value, [](char c) { return c > 0x20 && c < 0x7f; })) {
    faults->Add(std::move(field), "is no token of this gateway");
  }
}

void CheckPage(int32_t size, int32_t most, std::string_view token,
               FaultList* faults) {
  if (size < 0 || size > most) {
    faults->Add("page_size", absl::StrCat("must be 0 to ", most));
  }
  CheckToken(token, "page_token", kMaxPageTokenBytes, faults);
}

void CheckChannel(v1::Channel channel, std::string field, FaultList* faults) {
  if (!v1::Channel_IsValid(channel)) {
    faults->Add(std::move(field), "no such channel");
  }
}

void CheckContext(const v1::CallContext& context, FaultList* faults) {
  CheckContextText(context.acting_person(), "acting_person", false, faults);
  CheckContextText(context.reason_code(), "reason_code", false, faults);
  CheckContextText(context.ticket(), "ticket", true, faults);
}

void CheckTime(bool present, const google::protobuf::Timestamp& time,
               std::string field, FaultList* faults) {
  // 1900-01-01 and 10000-01-01.
  constexpr int64_t kFrom = -2'208'988'800;
  constexpr int64_t kTo = 253'402'300'800;
  if (!present) return;
  if (time.seconds() < kFrom || time.seconds() >= kTo || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    faults->Add(std::move(field), "must be a time of the years 1900 to 9999");
  }
}

void CheckIdentifier(const v1::Identifier& identifier, const std::string& field,
                     FaultList* faults) {
  const bool named = identifier.type() == v1::IDENTIFIER_TYPE_EXTERNAL_ID ||
                     identifier.type() == v1::IDENTIFIER_TYPE_CUSTOM;
  if (identifier.type() == v1::IDENTIFIER_TYPE_UNSPECIFIED ||
      !v1::IdentifierType_IsValid(identifier.type())) {
    faults->Add(Dot(field, "type"), "is required");
  }
  if (named) {
    CheckKey(identifier.namespace_(), Dot(field, "namespace"), faults,
             kMaxNamespaceBytes);
  } else if (!identifier.namespace_().empty()) {
    faults->Add(Dot(field, "namespace"), "is for EXTERNAL_ID and CUSTOM alone");
  }
  if (identifier.value().empty()) {
    faults->Add(Dot(field, "value"), "is required");
  } else {
    CheckText(identifier.value(), Dot(field, "value"), kMaxIdentifierBytes,
              faults);
  }
}

void CheckSubject(bool present, const v1::SubjectRef& subject,
                  std::string field, FaultList* faults) {
  if (!present) {
    faults->Add(std::move(field), "is required");
    return;
  }
  switch (subject.ref_case()) {
    case v1::SubjectRef::kId:
      CheckToken(subject.id(), Dot(field, "id"), kMaxTokenBytes, faults);
      if (subject.id().empty()) faults->Add(Dot(field, "id"), "is empty");
      break;
    case v1::SubjectRef::kIdentifier:
      CheckIdentifier(subject.identifier(), Dot(field, "identifier"), faults);
      break;
    case v1::SubjectRef::kPseudonym:
      CheckToken(subject.pseudonym(), Dot(field, "pseudonym"), kMaxTokenBytes,
                 faults);
      if (subject.pseudonym().empty()) {
        faults->Add(Dot(field, "pseudonym"), "is empty");
      }
      break;
    case v1::SubjectRef::REF_NOT_SET:
      faults->Add(std::move(field),
                  "needs an id, an identifier or a pseudonym");
      break;
  }
}

void CheckSubjects(
    const google::protobuf::RepeatedPtrField<v1::SubjectRef>& subjects,
    int most, FaultList* faults) {
  if (subjects.empty()) faults->Add("subjects", "is required");
  if (subjects.size() > most) {
    faults->AddTooMany("subjects", static_cast<size_t>(most));
    return;
  }
  for (int i = 0; i < subjects.size(); ++i) {
    CheckSubject(true, subjects[i], At("subjects", i), faults);
  }
}

void CheckFields(const Strings& fields, FaultList* faults) {
  if (fields.empty()) faults->Add("fields", "is required");
  if (fields.size() > kMaxFields) {
    faults->AddTooMany("fields", kMaxFields);
    return;
  }
  for (int i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i];
    const size_t dot = name.find('.');
    const bool good =
        name.size() <= kMaxFieldNameBytes && dot != std::string_view::npos &&
        dot > 0 && dot + 1 < name.size() &&
        All(name.substr(0, dot),
            [](char c) { return IsLower(c) || IsDigit(c) || c == '_'; }) &&
        (name.substr(dot + 1) == "*" || All(name.substr(dot + 1), [](char c) {
           return IsLower(c) || IsDigit(c) || c == '_';
         }));
    if (!good) {
      faults->Add(At("fields", i), "must be kind.field or kind.*");
    }
  }
}

void CheckValue(const v1::Value& value, std::string field, FaultList* faults) {
  switch (value.kind_case()) {
    case v1::Value::kStringValue:
      if (value.string_value().size() > kMaxValueBytes) {
        faults->AddTooMany(std::move(field), kMaxValueBytes);
      }
      break;
    case v1::Value::kDateValue:
      CheckText(value.date_value(), std::move(field), 10, faults);
      break;
    case v1::Value::kTimeValue:
      CheckTime(true, value.time_value(), std::move(field), faults);
      break;
    case v1::Value::kMoneyValue:
      if (value.money_value().currency().size() != 3 ||
          !All(value.money_value().currency(), IsUpper)) {
        faults->Add(Dot(field, "currency"), "must be an ISO 4217 code");
      }
      break;
    default:
      break;
  }
}

void CheckLanguage(std::string_view language, std::string field,
                   FaultList* faults) {
  if (language.size() > kMaxLanguageBytes || !All(language, [](char c) {
        return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '-';
      })) {
    faults->Add(std::move(field), "must be a BCP 47 tag");
  }
}

void CheckNotice(const v1::NoticeRef& notice, const std::string& field,
                 FaultList* faults) {
  CheckKey(notice.id(), Dot(field, "id"), faults);
  if (notice.version() == 0) {
    faults->Add(Dot(field, "version"), "is required, from 1");
  }
  CheckLanguage(notice.language(), Dot(field, "language"), faults);
  const std::string& hash = notice.text_hash();
  if (!hash.empty() && (hash.size() != 64 || !All(hash, [](char c) {
                          return IsDigit(c) || (c >= 'a' && c <= 'f');
                        }))) {
    faults->Add(Dot(field, "text_hash"),
                "must be 64 lower-case hexadecimal digits");
  }
}

void CheckPurposes(const Strings& purposes, int least, FaultList* faults) {
  if (purposes.size() < least) faults->Add("purposes", "is required");
  if (purposes.size() > kMaxConsentPurposes) {
    faults->AddTooMany("purposes", kMaxConsentPurposes);
    return;
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < purposes.size(); ++i) {
    CheckKey(purposes[i], At("purposes", i), faults);
    if (!seen.insert(purposes[i]).second) {
      faults->Add(At("purposes", i), "stands twice");
    }
  }
}

}  // namespace consentry::rpc
