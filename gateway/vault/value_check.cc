#include "gateway/vault/value_check.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/crypto/identifiers.h"

namespace consentry::vault {
namespace {

using config::v1::FieldType;
using v1::Value;

constexpr v1::ErrorReason kOk = v1::ERROR_REASON_UNSPECIFIED;
constexpr v1::ErrorReason kMalformed = v1::ERROR_REASON_VALUE_MALFORMED;
constexpr v1::ErrorReason kOutOfRange = v1::ERROR_REASON_VALUE_OUT_OF_RANGE;
constexpr v1::ErrorReason kNoValue = v1::ERROR_REASON_NO_VALUE;

absl::string_view Absl(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() &&
         absl::ascii_isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() &&
         absl::ascii_isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

std::string Upper(std::string_view text) {
  return absl::AsciiStrToUpper(Absl(text));
}

bool AllOf(std::string_view text, bool (*test)(unsigned char)) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return test(static_cast<unsigned char>(c));
  });
}

size_t CodePoints(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool HasControls(std::string_view text, bool lines_allowed) {
  return std::any_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (lines_allowed && (byte == '\n' || byte == '\r' || byte == '\t')) {
      return false;
    }
    return byte < 0x20 || byte == 0x7f;
  });
}

bool IsLanguage(std::string_view text) {
  // The shape of BCP 47 section 2.1: subtags of 1 to 8, the first of 2 or 3.
  size_t part = 0;
  size_t parts = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '-') {
      const auto c = static_cast<unsigned char>(text[i]);
      if (!absl::ascii_isalnum(c)) return false;
      if (parts == 0 && !absl::ascii_isalpha(c)) return false;
      ++part;
      continue;
    }
    if (part == 0 || part > 8) return false;
    if (parts == 0 && (part < 2 || part > 3)) return false;
    ++parts;
    part = 0;
  }
  return true;
}

bool IsUrl(std::string_view text) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (text.substr(0, scheme.size()) == scheme) {
      const std::string_view rest = text.substr(scheme.size());
      return !rest.empty() && rest.front() != '/' &&
             rest.find(' ') == std::string_view::npos;
    }
  }
  return false;
}

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, 16> address;
  return inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool IsPostalCode(std::string_view text) {
  return text.size() >= 2 && text.size() <= 12 &&
         AllOf(text, [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == ' ' || c == '-';
         });
}

bool IsCurrency(std::string_view text) {
  return text.size() == 3 &&
         AllOf(text, [](unsigned char c) { return absl::ascii_isupper(c); });
}

// "-12.50" in minor units of a currency with `digits` of them.
std::optional<int64_t> ParseAmount(std::string_view text, int digits) {
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  int64_t amount = 0;
  int after_point = -1;
  bool any = false;
  for (char c : text) {
    if (c == '.' && after_point < 0) {
      after_point = 0;
      continue;
    }
    if (c < '0' || c > '9' || amount > INT64_MAX / 100) return std::nullopt;
    any = true;
    if (after_point >= 0 && ++after_point > digits) {
      if (c != '0') return std::nullopt;
      continue;
    }
    amount = amount * 10 + (c - '0');
  }
  if (!any || after_point == 0) return std::nullopt;
  for (int i = std::max(after_point, 0); i < digits; ++i) {
    if (amount > INT64_MAX / 10) return std::nullopt;
    amount *= 10;
  }
  return negative ? -amount : amount;
}

v1::ErrorReason CheckBounds(const FieldSpec& spec, double number) {
  const config::v1::Validation& rule = spec.field->validation();
  if (rule.has_min() && number < rule.min()) return kOutOfRange;
  if (rule.has_max() && number > rule.max()) return kOutOfRange;
  return kOk;
}

// The tests that hold for every type, on the value as a text.
v1::ErrorReason CheckText(const FieldSpec& spec, const std::string& text) {
  if (CodePoints(text) > spec.max_length) return kOutOfRange;
  if (spec.pattern != nullptr && !re2::RE2::FullMatch(text, *spec.pattern)) {
    return kMalformed;
  }
  if (!spec.values.empty() && spec.values.find(text) == spec.values.end()) {
    return kOutOfRange;
  }
  return kOk;
}

v1::ErrorReason CheckMoney(const FieldSpec& spec, const Value& in,
                           std::string_view text, v1::Money* out) {
  if (in.has_money_value()) {
    *out = in.money_value();
    out->set_currency(Upper(Trim(out->currency())));
    if (!IsCurrency(out->currency())) return kMalformed;
  } else {
    const size_t space = text.rfind(' ');
    if (space == std::string_view::npos) return kMalformed;
    out->set_currency(Upper(Trim(text.substr(space))));
    if (!IsCurrency(out->currency())) return kMalformed;
    const std::optional<int64_t> amount =
        ParseAmount(Trim(text.substr(0, space)), MinorDigits(out->currency()));
    if (!amount.has_value()) return kMalformed;
    out->set_minor_units(*amount);
  }
  if (v1::ErrorReason reason = CheckText(spec, out->currency());
      !spec.values.empty() && reason != kOk) {
    return reason;
  }
  return CheckBounds(spec, static_cast<double>(out->minor_units()) /
                               std::pow(10, MinorDigits(out->currency())));
}

v1::ErrorReason CheckNumber(const FieldSpec& spec, const Value& in,
                            std::string_view text, Value* out) {
  std::string canonical;
  double number = 0;
  if (spec.field->type() == FieldType::INT) {
    int64_t value = 0;
    if (in.kind_case() == Value::kIntValue) {
      value = in.int_value();
    } else if (!absl::SimpleAtoi(Absl(text), &value)) {
      return kMalformed;
    }
    out->set_int_value(value);
    number = static_cast<double>(value);
    canonical = std::to_string(value);
  } else {
    if (in.kind_case() == Value::kDoubleValue) {
      number = in.double_value();
    } else if (in.kind_case() == Value::kIntValue) {
      number = static_cast<double>(in.int_value());
    } else if (!absl::SimpleAtod(Absl(text), &number)) {
      return kMalformed;
    }
    if (!std::isfinite(number)) return kMalformed;
    out->set_double_value(number);
    canonical = std::string(text);
  }
  if (v1::ErrorReason reason = CheckBounds(spec, number); reason != kOk) {
    return reason;
  }
  // A double has no one text to hold a pattern against.
  if (canonical.empty()) return kOk;
  return CheckText(spec, canonical);
}

v1::ErrorReason CheckTime(const FieldSpec& spec, const Value& in,
                          std::string_view text, Value* out) {
  constexpr int64_t kFirst = -62135596800;  // 0001-01-01
  constexpr int64_t kLast = 253402300799;   // 9999-12-31
  switch (spec.field->type()) {
    case FieldType::DATE: {
      const std::string day = in.kind_case() == Value::kDateValue
                                  ? in.date_value()
                                  : std::string(text);
      if (!ParseDate(day).has_value()) return kMalformed;
      out->set_date_value(day);
      return CheckText(spec, day);
    }
    default: {
      google::protobuf::Timestamp time;
      if (in.kind_case() == Value::kTimeValue) {
        time = in.time_value();
      } else {
        absl::Time parsed;
        std::string error;
        if (!absl::ParseTime(absl::RFC3339_full, Absl(text), &parsed, &error)) {
          return kMalformed;
        }
        time.set_seconds(absl::ToUnixSeconds(parsed));
        time.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(
            parsed - absl::FromUnixSeconds(time.seconds()))));
      }
      if (time.nanos() < 0 || time.nanos() > 999999999) return kMalformed;
      if (time.seconds() < kFirst || time.seconds() > kLast) {
        return kOutOfRange;
      }
      *out->mutable_time_value() = time;
      return kOk;
    }
  }
}

v1::ErrorReason CheckString(const FieldSpec& spec, std::string_view text,
                            std::string_view home_country, Value* out) {
  std::string value(text);
  bool good = crypto::IsValidUtf8(value) &&
              !HasControls(value, spec.field->type() == FieldType::TEXT);
  switch (spec.field->type()) {
    case FieldType::EMAIL:
    case FieldType::PHONE: {
      absl::StatusOr<std::string> normal =
          spec.field->type() == FieldType::EMAIL
              ? crypto::NormalizeEmail(text)
              : crypto::NormalizePhone(text, home_country);
      good = normal.ok();
      if (good) value = *std::move(normal);
      break;
    }
    case FieldType::COUNTRY:
    case FieldType::REGION: {
      const std::optional<std::string> region = NormalizeRegion(text);
      const bool is_country = region.has_value() && region->size() == 2;
      good = region.has_value() &&
             (spec.field->type() == FieldType::REGION || is_country);
      if (good) value = *region;
      break;
    }
    case FieldType::POSTAL_CODE:
      good = good && IsPostalCode(text);
      break;
    case FieldType::LANGUAGE:
      good = good && IsLanguage(text);
      break;
    case FieldType::URL:
      good = good && IsUrl(text);
      break;
    case FieldType::IP_ADDRESS:
      good = good && IsIpAddress(value);
      break;
    default:
      break;
  }
  if (!good) return kMalformed;
  const v1::ErrorReason reason = CheckText(spec, value);
  if (reason == kOk) out->set_string_value(std::move(value));
  return reason;
}

v1::ErrorReason CheckBool(const Value& in, std::string_view text, Value* out) {
  if (in.kind_case() == Value::kBoolValue) {
    out->set_bool_value(in.bool_value());
    return kOk;
  }
  const std::string lower = absl::AsciiStrToLower(Absl(text));
  for (std::string_view yes : {"true", "yes", "1"}) {
    if (lower == yes) {
      out->set_bool_value(true);
      return kOk;
    }
  }
  for (std::string_view no : {"false", "no", "0"}) {
    if (lower == no) {
      out->set_bool_value(false);
      return kOk;
    }
  }
  return kMalformed;
}

// Whether a value of this kind can be of the type at all; a text always can.
bool KindFits(FieldType::Value type, Value::KindCase kind) {
  if (kind == Value::kStringValue) return true;
  switch (type) {
    case FieldType::INT:
      return kind == Value::kIntValue;
    case FieldType::DOUBLE:
      return kind == Value::kDoubleValue || kind == Value::kIntValue;
    case FieldType::BOOL:
      return kind == Value::kBoolValue;
    case FieldType::DATE:
      return kind == Value::kDateValue;
    case FieldType::TIMESTAMP:
      return kind == Value::kTimeValue;
    case FieldType::MONEY:
      return kind == Value::kMoneyValue;
    default:
      return false;
  }
}

}  // namespace

int MinorDigits(std::string_view currency) {
  for (std::string_view none :
       {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF",
        "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}) {
    if (currency == none) return 0;
  }
  for (std::string_view three :
       {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}) {
    if (currency == three) return 3;
  }
  return 2;
}

v1::ErrorReason CheckValue(const FieldSpec& spec, const Value& in,
                           std::string_view home_country, Value* out) {
  out->Clear();
  if (in.kind_case() == Value::KIND_NOT_SET) return kNoValue;
  if (!KindFits(spec.field->type(), in.kind_case())) return kMalformed;
  std::string_view text;
  if (in.kind_case() == Value::kStringValue) {
    text = Trim(in.string_value());
    if (text.empty()) return kNoValue;
  }
  v1::ErrorReason reason = kMalformed;
  switch (spec.field->type()) {
    case FieldType::INT:
    case FieldType::DOUBLE:
      reason = CheckNumber(spec, in, text, out);
      break;
    case FieldType::BOOL:
      reason = CheckBool(in, text, out);
      break;
    case FieldType::DATE:
    case FieldType::TIMESTAMP:
      reason = CheckTime(spec, in, text, out);
      break;
    case FieldType::MONEY:
      reason = CheckMoney(spec, in, text, out->mutable_money_value());
      break;
    default:
      reason = CheckString(spec, text, home_country, out);
  }
  if (reason != kOk) out->Clear();
  return reason;
}

std::optional<int32_t> ParseDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const auto number = [&](size_t from, size_t length) {
    int value = 0;
    const char* begin = text.data() + from;
    const auto [end, error] = std::from_chars(begin, begin + length, value);
    return error == std::errc() && end == begin + length && value >= 0 &&
                   *begin != '-'
               ? value
               : -1;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  if (year < 1800 || year > 2200) return std::nullopt;
  const absl::CivilDay civil(year, month, day);
  if (civil.year() != year || civil.month() != month || civil.day() != day) {
    return std::nullopt;
  }
  return static_cast<int32_t>(civil - absl::CivilDay(1970, 1, 1));
}

std::optional<std::string> NormalizeRegion(std::string_view text) {
  std::string code = Upper(Trim(text));
  // What many systems write for GB and GR, and ISO 3166 gives to no country.
  if (code.substr(0, 2) == "UK") code.replace(0, 2, "GB");
  if (code.substr(0, 2) == "EL") code.replace(0, 2, "GR");
  const auto alpha = [](unsigned char c) { return absl::ascii_isupper(c); };
  const auto alnum = [](unsigned char c) {
    return absl::ascii_isupper(c) || absl::ascii_isdigit(c);
  };
  const std::string_view view = code;
  if (view.size() < 2 || !AllOf(view.substr(0, 2), alpha)) return std::nullopt;
  if (view.size() == 2) return code;
  if (view.size() < 4 || view.size() > 6 || view[2] != '-' ||
      !AllOf(view.substr(3), alnum)) {
    return std::nullopt;
  }
  return code;
}

}  // namespace consentry::vault
