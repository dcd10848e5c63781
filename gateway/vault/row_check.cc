#include "gateway/vault/row_check.h"

#include <algorithm>
#include <utility>

#include "gateway/vault/join.h"
#include "gateway/vault/value_check.h"
#include "gateway/vault/wipe.h"
#include "proto/support/timestamp.h"

namespace consentry::vault {
namespace {

using config::v1::LegalFact;

// Clocks of sources may be ahead by time zones.
constexpr int64_t kMaxAheadUs = int64_t{24} * 3600 * 1000 * 1000;

// Columns are echoed in faults, so they are cut and cleaned: a hostile row
// could carry a value in the place of a name.
std::string SafeColumn(std::string_view name) {
  constexpr size_t kMax = 64;
  std::string safe;
  for (char c : name.substr(0, kMax)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-';
    safe.push_back(plain ? c : '?');
  }
  return safe.empty() ? "row" : safe;
}

// Of the years 1970 to 9999.
bool IsTime(const google::protobuf::Timestamp& time) {
  constexpr int64_t kLastSecond = 253402300799;
  return time.seconds() >= 0 && time.seconds() <= kLastSecond &&
         time.nanos() >= 0 && time.nanos() <= 999999999;
}

bool IsShared(const CatalogIndex& catalog,
              const NormalizedIdentifier& identifier,
              const IdentifierSpec& spec) {
  (void)catalog;
  if (identifier.type == v1::IDENTIFIER_TYPE_EMAIL &&
      IsRoleAddress(identifier.value)) {
    return true;
  }
  return std::any_of(spec.never_join.begin(), spec.never_join.end(),
                     [&](const std::unique_ptr<re2::RE2>& pattern) {
                       return re2::RE2::FullMatch(identifier.value, *pattern);
                     });
}

class RowChecker {
 public:
  RowChecker(const v1::ImportRow& row, const RowCheckOptions& options)
      : row_(row), options_(options) {}

  CheckedRow Run() {
    CheckShape();
    if (out_.quarantined) return std::move(out_);
    CheckValues();
    CheckRequired();
    CheckIdentifiers();
    CheckLegalFacts();
    CheckTime();
    CheckChoices();
    return std::move(out_);
  }

 private:
  void HoldBackRow(std::string_view column, v1::ErrorReason reason) {
    AddFault(&out_, column, reason, true);
  }
  void HoldBack(std::string_view column, v1::ErrorReason reason) {
    AddFault(&out_, column, reason, false);
  }

  void CheckShape() {
    out_.kind = options_.catalog->FindKind(row_.kind());
    if (out_.kind == nullptr) {
      HoldBackRow("row", v1::ERROR_REASON_FIELD_UNKNOWN);
      return;
    }
    if (row_.identifiers_size() > kMaxIdentifiersPerRow ||
        row_.values_size() > kMaxValuesPerRow ||
        row_.choices_size() > kMaxChoicesPerRow ||
        row_.source_key().size() > kMaxSourceKeyBytes) {
      HoldBackRow("row", v1::ERROR_REASON_TOO_LARGE);
      return;
    }
    if (row_.source_key().empty() || !crypto::IsValidUtf8(row_.source_key())) {
      HoldBackRow("source_key", v1::ERROR_REASON_FIELD_INVALID);
      return;
    }
    out_.source_key = row_.source_key();
  }

  void CheckValues() {
    for (const auto& [key, value] : row_.values()) {
      const auto found = out_.kind->fields.find(key);
      if (found == out_.kind->fields.end()) {
        HoldBack(SafeColumn(row_.kind() + "." + key),
                 v1::ERROR_REASON_FIELD_UNKNOWN);
        continue;
      }
      const FieldSpec& spec = found->second;
      CheckedValue checked;
      checked.spec = &spec;
      const v1::ErrorReason reason =
          CheckValue(spec, value, options_.home_country, &checked.value);
      if (reason == v1::ERROR_REASON_NO_VALUE) continue;
      if (reason != v1::ERROR_REASON_UNSPECIFIED) {
        AddFault(&out_, spec.full_name, reason,
                 spec.field->validation().required());
        continue;
      }
      if (spec.field->legal_fact() != LegalFact::UNSPECIFIED) {
        if (!options_.may_write_legal_facts) {
          HoldBack(spec.full_name, v1::ERROR_REASON_LEGAL_FACT_NOT_ALLOWED);
          WipeMessage(&checked.value);
          continue;
        }
        TakeLegalFact(spec.field->legal_fact(), checked.value);
      }
      out_.values.push_back(std::move(checked));
    }
    std::sort(out_.values.begin(), out_.values.end(),
              [](const CheckedValue& a, const CheckedValue& b) {
                return a.spec->number < b.spec->number;
              });
  }

  void CheckRequired() {
    for (const auto& named : out_.kind->fields) {
      const FieldSpec& spec = named.second;
      if (!spec.field->validation().required()) continue;
      const bool present = std::any_of(
          out_.values.begin(), out_.values.end(),
          [&](const CheckedValue& value) { return value.spec == &spec; });
      const bool told = std::any_of(out_.faults.begin(), out_.faults.end(),
                                    [&](const v1::ImportFault& fault) {
                                      return fault.column() == spec.full_name;
                                    });
      if (!present && !told) {
        HoldBackRow(spec.full_name, v1::ERROR_REASON_FIELD_INVALID);
      } else if (!present) {
        out_.quarantined = true;
      }
    }
  }

  void CheckIdentifiers() {
    for (const v1::Identifier& identifier : row_.identifiers()) {
      Take(identifier, /*derived=*/false);
    }
    for (const IdentifierSpec& spec : options_.catalog->identifiers()) {
      if (spec.type->field().empty()) continue;
      for (const CheckedValue& value : out_.values) {
        if (value.spec->full_name != spec.type->field() ||
            value.value.kind_case() != v1::Value::kStringValue) {
          continue;
        }
        v1::Identifier derived;
        const std::string& key = spec.type->key();
        if (key == "email") {
          derived.set_type(v1::IDENTIFIER_TYPE_EMAIL);
        } else if (key == "phone") {
          derived.set_type(v1::IDENTIFIER_TYPE_PHONE);
        } else if (key == "external_id") {
          derived.set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
          derived.set_namespace_(std::string(options_.source));
        } else {
          derived.set_type(v1::IDENTIFIER_TYPE_CUSTOM);
          derived.set_namespace_(key);
        }
        derived.set_value(value.value.string_value());
        Take(derived, /*derived=*/true);
        WipeMessage(&derived);
      }
    }
  }

  void Take(const v1::Identifier& identifier, bool derived) {
    const std::string column =
        IdentifierColumn(identifier.type(), identifier.namespace_());
    const IdentifierSpec* spec = options_.catalog->FindIdentifier(
        identifier.type(), identifier.namespace_());
    if (spec == nullptr) {
      HoldBack(column, v1::ERROR_REASON_FIELD_UNKNOWN);
      return;
    }
    absl::StatusOr<NormalizedIdentifier> normalized =
        NormalizeIdentifier(identifier, options_.home_country);
    if (!normalized.ok()) {
      // Of a field the value stays, being well-formed as such.
      if (!derived) HoldBack(column, v1::ERROR_REASON_VALUE_MALFORMED);
      return;
    }
    for (CheckedIdentifier& known : out_.identifiers) {
      if (known.identifier.type == normalized->type &&
          known.identifier.name_space == normalized->name_space &&
          known.identifier.value == normalized->value) {
        known.verified = known.verified || identifier.verified();
        return;
      }
    }
    CheckedIdentifier checked;
    checked.verified = identifier.verified();
    checked.strong = spec->type->strong();
    checked.shared = IsShared(*options_.catalog, *normalized, *spec);
    checked.identifier = *std::move(normalized);
    out_.identifiers.push_back(std::move(checked));
  }

  void TakeLegalFact(LegalFact::Value fact, const v1::Value& value) {
    switch (fact) {
      case LegalFact::RESIDENCE:
        out_.residence = value.string_value();
        break;
      case LegalFact::LOCATION:
        out_.location = value.string_value();
        break;
      case LegalFact::BIRTH_DATE:
        out_.birth_date = value.date_value();
        break;
      default:
        break;
    }
  }

  // What the row says as a fact outweighs what a field of it says.
  void CheckLegalFacts() {
    const v1::LegalFacts& facts = row_.legal_facts();
    if (!facts.residence().empty()) {
      const std::optional<std::string> region =
          NormalizeRegion(facts.residence());
      if (!options_.may_write_legal_facts) {
        HoldBack("residence", v1::ERROR_REASON_LEGAL_FACT_NOT_ALLOWED);
      } else if (!region.has_value()) {
        HoldBack("residence", v1::ERROR_REASON_VALUE_MALFORMED);
      } else {
        out_.residence = *region;
      }
    }
    if (!facts.birth_date().empty()) {
      if (!options_.may_write_legal_facts) {
        HoldBack("birth_date", v1::ERROR_REASON_LEGAL_FACT_NOT_ALLOWED);
      } else if (!ParseDate(facts.birth_date()).has_value()) {
        HoldBack("birth_date", v1::ERROR_REASON_VALUE_MALFORMED);
      } else {
        out_.birth_date = facts.birth_date();
      }
    }
  }

  void CheckTime() {
    out_.collected_us = options_.now_us;
    if (!row_.has_collect_time()) return;
    const google::protobuf::Timestamp& time = row_.collect_time();
    if (!IsTime(time)) {
      HoldBackRow("collect_time", v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
      return;
    }
    out_.collected_told = true;
    out_.new_relationship = row_.new_relationship();
    out_.collected_us = MicrosOf(time);
    if (out_.collected_us > options_.now_us + kMaxAheadUs) {
      HoldBackRow("collect_time", v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
    }
  }

  void CheckChoices() {
    for (const v1::ImportedChoice& choice : row_.choices()) {
      // A choice without a date proves nothing.
      if (!choice.has_capture_time() || choice.purpose().empty()) {
        HoldBack("choices", v1::ERROR_REASON_VALUE_MALFORMED);
        continue;
      }
      if (!IsTime(choice.capture_time())) {
        HoldBack("choices", v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
        continue;
      }
      out_.choices.push_back(choice);
    }
  }

  const v1::ImportRow& row_;
  const RowCheckOptions& options_;
  CheckedRow out_;
};

}  // namespace

CheckedRow::~CheckedRow() {
  for (CheckedValue& value : values) WipeMessage(&value.value);
  WipeString(&source_key);
  WipeString(&birth_date);
}

void AddFault(CheckedRow* row, std::string_view column, v1::ErrorReason reason,
              bool whole_row) {
  v1::ImportFault fault;
  fault.set_column(std::string(column));
  fault.set_reason(reason);
  fault.set_row_quarantined(whole_row);
  row->faults.push_back(std::move(fault));
  if (whole_row) row->quarantined = true;
}

std::string IdentifierColumn(v1::IdentifierType type,
                             std::string_view name_space) {
  switch (type) {
    case v1::IDENTIFIER_TYPE_EMAIL:
      return "email";
    case v1::IDENTIFIER_TYPE_PHONE:
      return "phone";
    case v1::IDENTIFIER_TYPE_EXTERNAL_ID:
      return "external_id." + SafeColumn(name_space);
    case v1::IDENTIFIER_TYPE_CUSTOM:
      return "custom." + SafeColumn(name_space);
    default:
      return "identifier";
  }
}

CheckedRow CheckRow(const v1::ImportRow& row, const RowCheckOptions& options) {
  return RowChecker(row, options).Run();
}

}  // namespace consentry::vault
