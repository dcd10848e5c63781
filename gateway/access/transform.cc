#include "gateway/access/transform.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/civil_day.h"
#include "policy/engine/age_bands.h"

namespace consentry::access {
namespace {

using base::DayOf;
using base::ParseDay;

constexpr int64_t kMicrosPerSecond = 1'000'000;

// A date value, or the UTC day of a time value.
std::optional<std::chrono::year_month_day> DateOf(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kDateValue:
      return ParseDay(value.date_value());
    case v1::Value::kStringValue:
      return ParseDay(value.string_value());
    case v1::Value::kTimeValue:
      return DayOf(value.time_value().seconds() * kMicrosPerSecond);
    default:
      return std::nullopt;
  }
}

v1::Value Text(std::string text) {
  v1::Value value;
  value.set_string_value(std::move(text));
  return value;
}

std::optional<int> YearsBetween(const std::chrono::year_month_day& born,
                                const std::chrono::year_month_day& today) {
  if (born > today) return std::nullopt;
  const int years =
      static_cast<int>(today.year()) - static_cast<int>(born.year());
  const bool before_birthday =
      today.month() < born.month() ||
      (today.month() == born.month() && today.day() < born.day());
  return before_birthday ? years - 1 : years;
}

std::optional<v1::Value> AgeBand(const v1::Value& value, int64_t now_us) {
  const auto day = DateOf(value);
  if (!day) return std::nullopt;
  const auto age = YearsBetween(*day, DayOf(now_us));
  if (!age) return std::nullopt;
  int first = 0;
  for (const int next : policy::kAgeBandStarts) {
    if (*age < next) return Text(absl::StrCat(first, "-", next - 1));
    first = next;
  }
  return Text(absl::StrCat(first, "+"));
}

// "US-CA" -> "US-CA"; "DE" -> "DE". Regions are held as ISO 3166-2, countries
// as ISO 3166-1; free text has no region that could be told from a street.
std::optional<v1::Value> Place(const v1::Value& value, bool country_only) {
  if (value.kind_case() != v1::Value::kStringValue) return std::nullopt;
  const std::string& text = value.string_value();
  const auto upper = [&](size_t i) { return text[i] >= 'A' && text[i] <= 'Z'; };
  if (text.size() < 2 || !upper(0) || !upper(1)) return std::nullopt;
  if (text.size() == 2) return Text(text);
  if (text[2] != '-' || text.size() > 6) return std::nullopt;
  return Text(country_only ? text.substr(0, 2) : text);
}

std::optional<v1::Value> PostalPrefix(const v1::Value& value) {
  if (value.kind_case() != v1::Value::kStringValue) return std::nullopt;
  std::string prefix;
  for (const char c : value.string_value()) {
    if (c == ' ' || c == '-') continue;
    if (static_cast<unsigned char>(c) >= 0x80) return std::nullopt;
    prefix.push_back(c);
    if (prefix.size() == 2) return Text(std::move(prefix));
  }
  return std::nullopt;
}

// Bytes of the first UTF-8 character.
size_t FirstCharacter(std::string_view text) {
  if (text.empty()) return 0;
  size_t length = 1;
  while (length < text.size() &&
         (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
    ++length;
  }
  return length;
}

std::string MaskText(std::string_view text) {
  // What is one character long must not be shown whole.
  const auto start = [](std::string_view of) {
    const size_t first = FirstCharacter(of);
    return std::string(of.substr(0, first < of.size() ? first : 0)) + "***";
  };
  const size_t at = text.rfind('@');
  if (at != std::string_view::npos && at > 0) {
    return start(text.substr(0, at)) + std::string(text.substr(at));
  }
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  if (digits.size() >= 6 && digits.size() * 2 >= text.size()) {
    return "***" + digits.substr(digits.size() - 2);
  }
  return start(text);
}

std::optional<v1::Value> Mask(const v1::Value& value) {
  if (value.kind_case() != v1::Value::kStringValue ||
      value.string_value().empty()) {
    return std::nullopt;
  }
  return Text(MaskText(value.string_value()));
}

double RoundTwoDigits(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  // Too small for the scale to be a number.
  if (std::abs(x) < 1e-300) return 0;
  const double scale =
      std::pow(10.0, 1.0 - std::floor(std::log10(std::abs(x))));
  return std::round(x * scale) / scale;
}

std::optional<v1::Value> Round(const v1::Value& value) {
  v1::Value result = value;
  const auto integral = [](int64_t x) {
    return static_cast<int64_t>(
        std::llround(RoundTwoDigits(static_cast<double>(x))));
  };
  switch (value.kind_case()) {
    case v1::Value::kIntValue:
      result.set_int_value(integral(value.int_value()));
      return result;
    case v1::Value::kDoubleValue:
      result.set_double_value(RoundTwoDigits(value.double_value()));
      if (!std::isfinite(result.double_value())) return std::nullopt;
      return result;
    case v1::Value::kMoneyValue:
      result.mutable_money_value()->set_minor_units(
          integral(value.money_value().minor_units()));
      return result;
    default:
      return std::nullopt;
  }
}

std::optional<v1::Value> Pseudonym(const v1::Value& value,
                                   const TransformContext& context) {
  if (!context.pseudonym || value.kind_case() == v1::Value::KIND_NOT_SET) {
    return std::nullopt;
  }
  return Text(context.pseudonym(value.SerializeAsString()));
}

}  // namespace

std::optional<v1::Value> ApplyTransform(v1::Transform transform,
                                        const v1::Value& value,
                                        const TransformContext& context) {
  switch (transform) {
    case v1::TRANSFORM_NONE:
      return value;
    case v1::TRANSFORM_AGE_BAND:
      return AgeBand(value, context.now_us);
    case v1::TRANSFORM_YEAR: {
      const auto day = DateOf(value);
      if (!day) return std::nullopt;
      v1::Value year;
      year.set_int_value(static_cast<int>(day->year()));
      return year;
    }
    case v1::TRANSFORM_MONTH: {
      const auto day = DateOf(value);
      if (!day) return std::nullopt;
      const auto digits = [](int number, size_t width) {
        std::string text = std::to_string(number);
        return std::string(width - std::min(width, text.size()), '0') + text;
      };
      return Text(
          digits(static_cast<int>(day->year()), 4) + "-" +
          digits(static_cast<int>(static_cast<unsigned>(day->month())), 2));
    }
    case v1::TRANSFORM_REGION:
      return Place(value, /*country_only=*/false);
    case v1::TRANSFORM_COUNTRY:
      return Place(value, /*country_only=*/true);
    case v1::TRANSFORM_POSTAL_PREFIX:
      return PostalPrefix(value);
    case v1::TRANSFORM_MASK:
      return Mask(value);
    case v1::TRANSFORM_PSEUDONYM:
      return Pseudonym(value, context);
    case v1::TRANSFORM_ROUND:
      return Round(value);
    default:
      return std::nullopt;
  }
}

}  // namespace consentry::access
