#include "gateway/crypto/identifiers.h"

#include <algorithm>
#include <cstddef>

#include "gateway/crypto/calling_codes.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr size_t kMaxLocalBytes = 64;
constexpr size_t kMaxDomainBytes = 255;
constexpr size_t kMaxLabelBytes = 63;
constexpr size_t kMinPhoneDigits = 7;
constexpr size_t kMaxPhoneDigits = 15;

constexpr char32_t kBad = 0xffffffff;

// Takes one code point off the front; kBad for ill-formed UTF-8.
char32_t TakeCodePoint(std::string_view* text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>((*text)[i]);
  };
  const unsigned char lead = byte(0);
  size_t length = 1;
  char32_t value = lead;
  char32_t least = 0;
  if (lead >= 0x80) {
    if (lead >= 0xc2 && lead <= 0xdf) {
      length = 2, value = lead & 0x1f, least = 0x80;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = 3, value = lead & 0x0f, least = 0x800;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      length = 4, value = lead & 0x07, least = 0x10000;
    } else {
      return kBad;
    }
    if (text->size() < length) return kBad;
    for (size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xc0) != 0x80) return kBad;
      value = value << 6 | (byte(i) & 0x3f);
    }
    if (value < least || value > 0x10ffff ||
        (value >= 0xd800 && value <= 0xdfff)) {
      return kBad;
    }
  }
  text->remove_prefix(length);
  return value;
}

bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f); }

// Spaces and characters that show nothing: what stands around a value in an
// export by accident, and what inside of one would only deceive the eye.
bool IsBlank(char32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0xa0 || c == 0xad ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) ||
         c == 0x3000 || c == 0xfeff;
}

absl::Status CheckText(std::string_view value) {
  if (value.size() > kMaxIdentifierBytes) {
    return absl::InvalidArgumentError("the identifier is too long");
  }
  if (!IsValidUtf8(value)) {
    return absl::InvalidArgumentError("the identifier is not valid UTF-8");
  }
  return absl::OkStatus();
}

// `value` must be valid UTF-8.
std::string_view Trim(std::string_view value) {
  while (!value.empty()) {
    std::string_view rest = value;
    if (!IsBlank(TakeCodePoint(&rest))) break;
    value = rest;
  }
  while (!value.empty()) {
    size_t start = value.size() - 1;
    while ((static_cast<unsigned char>(value[start]) & 0xc0) == 0x80) --start;
    std::string_view last = value.substr(start);
    if (!IsBlank(TakeCodePoint(&last))) break;
    value = value.substr(0, start);
  }
  return value;
}

char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetterOrDigit(char c) {
  return IsDigit(c) || (LowerAscii(c) >= 'a' && LowerAscii(c) <= 'z');
}
bool IsBeyondAscii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// Dot-string of RFC 5321 section 4.1.2, with RFC 6531's letters.
bool IsLocalPart(std::string_view local) {
  if (local.empty() || local.size() > kMaxLocalBytes || local.front() == '.' ||
      local.back() == '.' || local.find("..") != std::string_view::npos) {
    return false;
  }
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~.";
  return std::all_of(local.begin(), local.end(), [&](char c) {
    return IsLetterOrDigit(c) || IsBeyondAscii(c) ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool IsDomain(std::string_view domain) {
  if (domain.size() > kMaxDomainBytes) return false;
  size_t labels = 0;
  std::string_view last;
  while (true) {
    const size_t dot = domain.find('.');
    const std::string_view label = domain.substr(0, dot);
    if (label.empty() || label.size() > kMaxLabelBytes ||
        label.front() == '-' || label.back() == '-') {
      return false;
    }
    if (!std::all_of(label.begin(), label.end(), [](char c) {
          return IsLetterOrDigit(c) || c == '-' || IsBeyondAscii(c);
        })) {
      return false;
    }
    ++labels;
    last = label;
    if (dot == std::string_view::npos) break;
    domain.remove_prefix(dot + 1);
  }
  // A last label of digits alone is an address, not a name.
  return labels >= 2 && !std::all_of(last.begin(), last.end(), IsDigit);
}

// Digits of a phone number, with a leading '+' where it had one. Empty for
// anything that is no number.
std::string PhoneDigits(std::string_view value) {
  std::string digits;
  while (!value.empty()) {
    // As in +44 (0)20: a trunk zero, which elsewhere than behind a country
    // code, or at the front, makes no sense.
    if (value.substr(0, 3) == "(0)" && !digits.empty() && digits[0] != '+' &&
        digits.substr(0, 2) != "00") {
      return "";
    }
    const char32_t c = TakeCodePoint(&value);
    if (c >= '0' && c <= '9') {
      digits.push_back(static_cast<char>(c));
    } else if (c == '+' && digits.empty()) {
      digits.push_back('+');
    } else if (!(IsBlank(c) || c == '-' || c == '.' || c == '/' || c == '(' ||
                 c == ')' || (c >= 0x2010 && c <= 0x2015))) {
      return "";
    }
  }
  return digits;
}

absl::Status BadPhone() {
  return absl::InvalidArgumentError("not a telephone number");
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    if (TakeCodePoint(&text) == kBad) return false;
  }
  return true;
}

absl::StatusOr<std::string> NormalizeEmail(std::string_view value) {
  CONSENTRY_RETURN_IF_ERROR(CheckText(value));
  value = Trim(value);
  const size_t at = value.rfind('@');
  const absl::Status bad = absl::InvalidArgumentError("not an e-mail address");
  if (at == std::string_view::npos) return bad;
  const std::string_view local = value.substr(0, at);
  std::string_view domain = value.substr(at + 1);
  if (!domain.empty() && domain.back() == '.') domain.remove_suffix(1);
  if (!IsLocalPart(local) || !IsDomain(domain)) return bad;
  for (std::string_view rest = value; !rest.empty();) {
    const char32_t c = TakeCodePoint(&rest);
    if (IsBlank(c) || IsControl(c)) return bad;
  }
  std::string normal(local);
  normal += '@';
  normal += domain;
  std::transform(normal.begin(), normal.end(), normal.begin(), LowerAscii);
  return normal;
}

absl::StatusOr<std::string> NormalizePhone(std::string_view value,
                                           std::string_view default_country) {
  CONSENTRY_RETURN_IF_ERROR(CheckText(value));
  std::string digits = PhoneDigits(Trim(value));
  if (digits.empty()) return BadPhone();
  const CallingCode* country = FindCallingCode(default_country);

  if (digits[0] == '+') {
    digits.erase(0, 1);
  } else if (digits.substr(0, 2) == "00") {
    digits.erase(0, 2);
  } else if (country != nullptr && country->international == "011" &&
             digits.substr(0, 3) == "011") {
    digits.erase(0, 3);
  } else {
    if (country == nullptr) {
      return absl::InvalidArgumentError(
          "a telephone number without a country code, and no default country");
    }
    if (!country->trunk.empty() &&
        digits.substr(0, country->trunk.size()) == country->trunk) {
      digits.erase(0, country->trunk.size());
    }
    digits.insert(0, country->code);
  }
  const CallingCode* named = CallingCodeOf(digits);
  if (named != nullptr && named->trunk.substr(0, 1) == "0") {
    const auto has_trunk = [&] {
      return std::string_view(digits).substr(
                 named->code.size(), named->trunk.size()) == named->trunk;
    };
    if (has_trunk()) digits.erase(named->code.size(), named->trunk.size());
    // A second one is no number of that country.
    if (has_trunk()) return BadPhone();
  }
  if (digits.size() < kMinPhoneDigits || digits.size() > kMaxPhoneDigits ||
      digits[0] == '0') {
    return BadPhone();
  }
  return "+" + digits;
}

absl::StatusOr<std::string> NormalizeExternalId(std::string_view value) {
  CONSENTRY_RETURN_IF_ERROR(CheckText(value));
  if (value.empty()) return absl::InvalidArgumentError("an empty identifier");
  for (std::string_view rest = value; !rest.empty();) {
    if (IsControl(TakeCodePoint(&rest))) {
      return absl::InvalidArgumentError("a control character in an identifier");
    }
  }
  return std::string(value);
}

absl::StatusOr<std::string> NormalizeCustom(std::string_view value) {
  CONSENTRY_RETURN_IF_ERROR(CheckText(value));
  std::string normal;
  for (std::string_view rest = Trim(value); !rest.empty();) {
    const std::string_view before = rest;
    if (IsBlank(TakeCodePoint(&rest))) {
      if (normal.back() != ' ') normal.push_back(' ');
    } else {
      normal += before.substr(0, before.size() - rest.size());
    }
  }
  return NormalizeExternalId(normal);
}

absl::StatusOr<std::string> NormalizeIdentifier(
    IdentifierType type, std::string_view value,
    std::string_view default_country) {
  switch (type) {
    case IdentifierType::kEmail:
      return NormalizeEmail(value);
    case IdentifierType::kPhone:
      return NormalizePhone(value, default_country);
    case IdentifierType::kExternalId:
      return NormalizeExternalId(value);
    case IdentifierType::kCustom:
      return NormalizeCustom(value);
  }
  return absl::InvalidArgumentError("no such type of identifier");
}

}  // namespace consentry::crypto
