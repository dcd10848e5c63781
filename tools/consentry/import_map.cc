#include "tools/consentry/import_map.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "tools/consentry/countries.h"
#include "tools/consentry/fold.h"
#include "tools/consentry/import_map_check.h"

namespace consentry::tools {
namespace {

using config::v1::FieldType;
using config::v1::LetterCase;
using config::v1::MappedChoice;
using config::v1::MappedField;
using config::v1::MappedRecord;
using google::protobuf::RepeatedPtrField;

constexpr v1::ErrorReason kMalformed = v1::ERROR_REASON_VALUE_MALFORMED;

// Spaces of any kind around a cell are dirt of the export.
std::string_view Trim(std::string_view text) {
  for (;;) {
    if (!text.empty() &&
        absl::ascii_isspace(static_cast<unsigned char>(text.front()))) {
      text.remove_prefix(1);
    } else if (!text.empty() &&
               absl::ascii_isspace(static_cast<unsigned char>(text.back()))) {
      text.remove_suffix(1);
    } else if (text.substr(0, 2) == "\xC2\xA0") {
      text.remove_prefix(2);
    } else if (text.size() >= 2 && text.substr(text.size() - 2) == "\xC2\xA0") {
      text.remove_suffix(2);
    } else {
      return text;
    }
  }
}

bool ContainsWord(const RepeatedPtrField<std::string>& words,
                  const std::string& folded) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return FoldWord(word) == folded;
  });
}

std::string WithCase(std::string text, LetterCase::Value letter_case) {
  // Beyond ASCII letters stay as they are: their case is no matter of bytes.
  switch (letter_case) {
    case LetterCase::LOWER:
      return absl::AsciiStrToLower(text);
    case LetterCase::UPPER:
      return absl::AsciiStrToUpper(text);
    case LetterCase::TITLE: {
      const bool upper = std::none_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_islower(static_cast<unsigned char>(c));
      });
      const bool lower = std::none_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isupper(static_cast<unsigned char>(c));
      });
      if (!upper && !lower) return text;
      bool start = true;
      for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        c = start ? absl::ascii_toupper(byte) : absl::ascii_tolower(byte);
        start = c == ' ' || c == '-' || c == '\'';
      }
      return text;
    }
    default:
      return text;
  }
}

void SetTime(int64_t unix_us, google::protobuf::Timestamp* out) {
  *out = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(unix_us);
}

v1::IdentifierType IdentifierTypeOf(const std::string& type) {
  if (type == "email") return v1::IDENTIFIER_TYPE_EMAIL;
  if (type == "phone") return v1::IDENTIFIER_TYPE_PHONE;
  if (type == "external_id") return v1::IDENTIFIER_TYPE_EXTERNAL_ID;
  return v1::IDENTIFIER_TYPE_CUSTOM;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ImportMapper>> ImportMapper::Create(
    const config::v1::ImportMap& map, const TextProto& text,
    const std::vector<std::string>& header, int64_t file_us) {
  if (absl::Status status = text.Fail(CheckImportMap(map, &header));
      !status.ok()) {
    return status;
  }
  return std::unique_ptr<ImportMapper>(new ImportMapper(map, header, file_us));
}

ImportMapper::ImportMapper(const config::v1::ImportMap& map,
                           const std::vector<std::string>& header,
                           int64_t file_us)
    : map_(map), file_us_(file_us) {
  for (size_t i = 0; i < header.size(); ++i) columns_[header[i]] = i;
  for (const std::string& word : map_.empty_words()) {
    empty_words_.push_back(absl::AsciiStrToLower(word));
  }
}

std::string ImportMapper::Cell(const CsvRow& row,
                               const std::string& column) const {
  const auto found = columns_.find(column);
  if (found == columns_.end() || found->second >= row.fields.size()) return "";
  std::string cell(Trim(row.fields[found->second]));
  const std::string lower = absl::AsciiStrToLower(cell);
  if (std::find(empty_words_.begin(), empty_words_.end(), lower) !=
      empty_words_.end()) {
    return "";
  }
  return cell;
}

bool ImportMapper::Holds(const CsvRow& row,
                         const config::v1::Condition& test) const {
  const std::string cell = Cell(row, test.column());
  if (test.present()) return !cell.empty();
  return ContainsWord(test.equals(), FoldWord(cell));
}

bool ImportMapper::HoldsAll(
    const CsvRow& row,
    const RepeatedPtrField<config::v1::Condition>& tests) const {
  return std::all_of(tests.begin(), tests.end(),
                     [&](const auto& test) { return Holds(row, test); });
}

std::optional<CellTime> ImportMapper::Time(
    const std::string& cell,
    const RepeatedPtrField<std::string>& formats) const {
  const auto& used = formats.empty() ? map_.date_formats() : formats;
  return ParseAnyCellTime(cell,
                          std::vector<std::string>(used.begin(), used.end()),
                          map_.utc_offset_minutes());
}

std::string ImportMapper::Residence(const CsvRow& row, MappedRow* out) const {
  const auto& residence = map_.residence();
  std::string country = Cell(row, residence.country());
  const std::string region = Cell(row, residence.region());
  if (country.empty()) country = residence.default_country();
  if (country.empty()) return "";
  const auto code = FindResidence(country, region);
  if (!code.has_value()) {
    out->faults.push_back({residence.country(), kMalformed, false});
    return "";
  }
  return *code;
}

void ImportMapper::MapIdentifiers(const CsvRow& row,
                                  const std::string& phone_country,
                                  v1::ImportRow* common, MappedRow* out) const {
  (void)out;
  for (const auto& mapped : map_.identifiers()) {
    std::string value = Cell(row, mapped.column());
    if (value.empty()) continue;
    v1::Identifier* identifier = common->add_identifiers();
    identifier->set_type(IdentifierTypeOf(mapped.type()));
    if (identifier->type() == v1::IDENTIFIER_TYPE_PHONE) {
      value = InternationalPhone(value, phone_country);
    } else if (identifier->type() == v1::IDENTIFIER_TYPE_EXTERNAL_ID) {
      identifier->set_namespace_(
          mapped.namespace_().empty() ? map_.source() : mapped.namespace_());
    } else if (identifier->type() == v1::IDENTIFIER_TYPE_CUSTOM) {
      identifier->set_namespace_(mapped.type());
    }
    identifier->set_value(value);
    bool verified = mapped.verified();
    if (!mapped.verified_column().empty()) {
      const std::string word = Cell(row, mapped.verified_column());
      verified =
          mapped.verified_words().empty()
              ? ParseCellBool(word).value_or(FoldWord(word) == "verified")
              : ContainsWord(mapped.verified_words(), FoldWord(word));
    }
    identifier->set_verified(verified);
  }
}

void ImportMapper::MapFacts(const CsvRow& row, const std::string& residence,
                            v1::ImportRow* first, MappedRow* out) const {
  if (!residence.empty()) {
    first->mutable_legal_facts()->set_residence(residence);
  }
  const std::string birth = Cell(row, map_.birth_date().column());
  if (!birth.empty()) {
    const auto time = Time(birth, map_.birth_date().formats());
    if (time.has_value()) {
      first->mutable_legal_facts()->set_birth_date(DateText(*time));
    } else {
      out->faults.push_back({map_.birth_date().column(), kMalformed, false});
    }
  }
}

void ImportMapper::MapChoices(const CsvRow& row, v1::ImportRow* first,
                              MappedRow* out) const {
  for (const MappedChoice& mapped : map_.choices()) {
    const std::string cell = Cell(row, mapped.column());
    if (cell.empty()) continue;
    const std::string word = FoldWord(cell);
    v1::ConsentAction action = v1::CONSENT_ACTION_UNSPECIFIED;
    if (ContainsWord(mapped.give(), word)) action = v1::CONSENT_ACTION_GIVE;
    // Words in two lists: the negative wins.
    if (ContainsWord(mapped.refuse(), word)) action = v1::CONSENT_ACTION_REFUSE;
    if (ContainsWord(mapped.withdraw(), word)) {
      action = v1::CONSENT_ACTION_WITHDRAW;
    }
    if (action == v1::CONSENT_ACTION_UNSPECIFIED) {
      if (ContainsWord(mapped.ignore(), word)) continue;
      out->faults.push_back({mapped.column(), kMalformed, false});
      continue;
    }
    std::optional<int64_t> captured_us;
    const std::string& date_column = mapped.captured().column();
    const std::string date = Cell(row, date_column);
    if (!date.empty()) {
      const auto time = Time(date, mapped.captured().formats());
      if (time.has_value()) captured_us = time->unix_us;
    }
    if (!captured_us.has_value() && action == v1::CONSENT_ACTION_GIVE) {
      out->faults.push_back(
          {date_column.empty() ? mapped.column() : date_column, kMalformed,
           false});
      continue;
    }
    // A negative choice is never lost for want of a date.
    if (!captured_us.has_value() && !date.empty()) {
      out->faults.push_back({date_column, kMalformed, false});
    }
    v1::ImportedChoice* choice = first->add_choices();
    choice->set_purpose(mapped.purpose());
    choice->set_action(action);
    SetTime(captured_us.value_or(file_us_), choice->mutable_capture_time());
    std::string method = Cell(row, mapped.method_column());
    if (method.empty()) method = mapped.method();
    choice->set_method(method.substr(0, 64));
    choice->set_channel(static_cast<v1::Channel>(mapped.channel()));
    if (!mapped.notice_id().empty()) {
      v1::NoticeRef* notice = choice->mutable_notice();
      notice->set_id(mapped.notice_id());
      notice->set_version(mapped.notice_version());
      std::string language =
          absl::AsciiStrToLower(Cell(row, mapped.notice_language_column()));
      if (language.empty()) language = mapped.notice_language();
      notice->set_language(language);
    }
  }
}

std::optional<std::string> ImportMapper::FieldText(
    const CsvRow& row, const MappedField& field,
    const std::string& phone_country) const {
  if (field.type() == FieldType::REGION && field.columns_size() == 2) {
    const auto region =
        FindResidence(Cell(row, field.columns(0)), Cell(row, field.columns(1)));
    // A country alone is no region.
    return region.has_value() && region->size() > 2 ? *region : "";
  }
  std::string text = field.constant();
  for (const std::string& column : field.columns()) {
    const std::string cell = Cell(row, column);
    if (cell.empty()) continue;
    if (!text.empty()) text += field.join().empty() ? " " : field.join();
    text += cell;
  }
  if (text.empty()) return text;
  if (!field.values().empty()) {
    const std::string word = FoldWord(text);
    bool known = false;
    for (const auto& [from, to] : field.values()) {
      if (FoldWord(from) != word) continue;
      text = to;
      known = true;
    }
    if (!known && field.only_values()) return std::nullopt;
    if (known) return text;
  }
  switch (field.type()) {
    case FieldType::DATE: {
      const auto time = Time(text, field.formats());
      if (!time.has_value()) return std::nullopt;
      return DateText(*time);
    }
    case FieldType::TIMESTAMP: {
      const auto time = Time(text, field.formats());
      if (!time.has_value()) return std::nullopt;
      return TimeText(*time);
    }
    case FieldType::INT:
    case FieldType::DOUBLE:
      return ParseCellNumber(text, map_.decimal_comma());
    case FieldType::MONEY: {
      std::string currency =
          absl::AsciiStrToUpper(Cell(row, field.currency_column()));
      if (currency.empty()) currency = field.currency();
      return ParseCellMoney(text, currency, map_.decimal_comma());
    }
    case FieldType::BOOL: {
      const auto value = ParseCellBool(text);
      if (!value.has_value()) return std::nullopt;
      return *value ? "true" : "false";
    }
    case FieldType::PHONE:
      return InternationalPhone(text, phone_country);
    case FieldType::COUNTRY:
      return FindCountry(text);
    case FieldType::REGION:
      return FindResidence(text, "");
    default:
      return WithCase(std::move(text), field.letter_case());
  }
}

bool ImportMapper::MapRecord(const CsvRow& row, const MappedRecord& record,
                             const std::string& phone_country,
                             v1::ImportRow* to, MappedRow* out) const {
  to->set_kind(record.kind());
  std::string key;
  for (const std::string& column : record.key()) {
    const std::string cell = Cell(row, column);
    if (cell.empty()) {
      out->faults.push_back({column, v1::ERROR_REASON_FIELD_INVALID, true});
      return false;
    }
    // No cell holds it, so ("a", "bc") and ("ab", "c") stay apart.
    if (!key.empty()) key.push_back('\x1f');
    key += cell;
  }
  to->set_source_key(key);
  for (const MappedField& field : record.fields()) {
    const auto text = FieldText(row, field, phone_country);
    if (!text.has_value()) {
      out->faults.push_back(
          {field.columns_size() > 0 ? field.columns(0) : field.field(),
           kMalformed, false});
      continue;
    }
    if (!text->empty()) {
      (*to->mutable_values())[field.field()].set_string_value(*text);
    }
  }
  return true;
}

MappedRow ImportMapper::Map(const CsvRow& row) const {
  MappedRow out;
  if (map_.skip_size() > 0 && HoldsAll(row, map_.skip())) {
    out.skipped = true;
    return out;
  }
  const std::string residence = Residence(row, &out);
  std::string phone_country =
      FindCountry(Cell(row, map_.phone_country_column())).value_or("");
  if (phone_country.empty()) phone_country = residence.substr(0, 2);
  if (phone_country.empty()) phone_country = map_.phone_country();

  v1::ImportRow common;
  common.set_number(row.number);
  MapIdentifiers(row, phone_country, &common, &out);
  if (common.identifiers_size() == 0) {
    out.faults.push_back({"row", v1::ERROR_REASON_IDENTIFIER_MISSING, true});
    return out;
  }
  if (!map_.collected().column().empty()) {
    const std::string cell = Cell(row, map_.collected().column());
    if (!cell.empty()) {
      const auto time = Time(cell, map_.collected().formats());
      if (time.has_value()) {
        SetTime(time->unix_us, common.mutable_collect_time());
      } else {
        out.faults.push_back({map_.collected().column(), kMalformed, false});
      }
    }
  }
  for (const MappedRecord& record : map_.records()) {
    if (!HoldsAll(row, record.when())) continue;
    v1::ImportRow mapped = common;
    if (!MapRecord(row, record, phone_country, &mapped, &out)) continue;
    if (out.rows.empty()) {
      MapFacts(row, residence, &mapped, &out);
      MapChoices(row, &mapped, &out);
    }
    out.rows.push_back(std::move(mapped));
  }
  if (out.rows.empty() && out.faults.empty()) out.skipped = true;
  return out;
}

std::string ImportMapper::ColumnOf(std::string_view name) const {
  for (const MappedRecord& record : map_.records()) {
    for (const MappedField& field : record.fields()) {
      if (absl::StrCat(record.kind(), ".", field.field()) == name &&
          field.columns_size() > 0) {
        return field.columns(0);
      }
    }
  }
  for (const auto& identifier : map_.identifiers()) {
    const std::string& type = identifier.type();
    const std::string name_space = identifier.namespace_().empty()
                                       ? map_.source()
                                       : identifier.namespace_();
    if (name == type || name == "custom." + type ||
        (type == "external_id" && name == "external_id." + name_space)) {
      return identifier.column();
    }
  }
  if (name == "residence" && !map_.residence().country().empty()) {
    return map_.residence().country();
  }
  if (name == "birth_date" && !map_.birth_date().column().empty()) {
    return map_.birth_date().column();
  }
  if (name == "collect_time" && !map_.collected().column().empty()) {
    return map_.collected().column();
  }
  if (name == "choices" && map_.choices_size() > 0) {
    return map_.choices(0).column();
  }
  if (name == "source_key" && map_.records_size() > 0) {
    return map_.records(0).key(0);
  }
  return std::string(name);
}

}  // namespace consentry::tools
