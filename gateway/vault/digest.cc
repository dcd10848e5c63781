#include "gateway/vault/digest.h"

#include <locale.h>
#include <wctype.h>

#include <cstdlib>

#include "gateway/vault/wipe.h"

namespace consentry::vault {
namespace {

// glibc's tables of Unicode, the same whatever the process's own locale.
locale_t UnicodeLocale() {
  static const locale_t locale =
      newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(nullptr));
  return locale;
}

// Reads one code point at `*at` of well-formed UTF-8; 0 when it is not.
uint32_t NextCodePoint(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const uint32_t first = byte(*at);
  size_t length = 1;
  uint32_t code = first;
  if (first >= 0xf0 && first < 0xf8) {
    length = 4;
    code = first & 0x07;
  } else if (first >= 0xe0) {
    length = 3;
    code = first & 0x0f;
  } else if (first >= 0xc0) {
    length = 2;
    code = first & 0x1f;
  } else if (first >= 0x80) {
    return 0;
  }
  if (first >= 0xf8 || text.size() - *at < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(*at + i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(*at + i) & 0x3f);
  }
  *at += length;
  return code;
}

void AppendCodePoint(uint32_t code, std::string* out) {
  const auto put = [&](uint32_t byte) {
    out->push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

uint32_t LowerCase(uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  const locale_t locale = UnicodeLocale();
  if (locale == static_cast<locale_t>(nullptr)) return code;
  return static_cast<uint32_t>(towlower_l(static_cast<wint_t>(code), locale));
}

bool IsSpace(uint32_t code) {
  return code == ' ' || (code >= 0x09 && code <= 0x0d) || code == 0xa0 ||
         code == 0x3000 || (code >= 0x2000 && code <= 0x200a);
}

}  // namespace

Digester::Digester(std::string_view key) {
  if (key.size() != kDigestKeyBytes) std::abort();
  crypto_generichash_blake2b_init(&state_,
                                  reinterpret_cast<const uint8_t*>(key.data()),
                                  key.size(), kDigestKeyBytes);
}

void Digester::AddNumber(uint64_t number) {
  std::array<uint8_t, 8> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(number >> (8 * i));
  }
  crypto_generichash_blake2b_update(&state_, bytes.data(), bytes.size());
}

void Digester::AddText(std::string_view text) {
  AddNumber(text.size());
  crypto_generichash_blake2b_update(
      &state_, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

void Digester::AddValue(const v1::Value& value) {
  AddNumber(static_cast<uint64_t>(value.kind_case()));
  if (value.kind_case() == v1::Value::kStringValue) {
    AddText(value.string_value());
    return;
  }
  // Value has no maps and few fields: its serialisation is canonical.
  std::string bytes = value.SerializeAsString();
  const WipeAtEnd wipe(&bytes);
  AddText(bytes);
}

uint64_t Digester::Short() {
  const std::string digest = Long();
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) {
    number = number << 8 | static_cast<unsigned char>(digest[i]);
  }
  return number;
}

std::string Digester::Long() {
  std::string digest(kDigestKeyBytes, '\0');
  crypto_generichash_blake2b_final(
      &state_, reinterpret_cast<uint8_t*>(digest.data()), digest.size());
  return digest;
}

uint64_t ValueDigest(std::string_view digest_key, uint32_t field,
                     const v1::Value& value) {
  Digester digester(digest_key);
  digester.AddNumber(field);
  if (value.kind_case() == v1::Value::kStringValue) {
    std::string folded = FoldText(value.string_value());
    const WipeAtEnd wipe(&folded);
    digester.AddText(folded);
  } else {
    digester.AddValue(value);
  }
  return digester.Short();
}

std::string FoldText(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  bool space = false;
  for (size_t at = 0; at < text.size();) {
    const uint32_t code = NextCodePoint(text, &at);
    if (code == 0) return std::string(text);
    if (IsSpace(code)) {
      space = !folded.empty();
      continue;
    }
    if (space) folded.push_back(' ');
    space = false;
    AppendCodePoint(LowerCase(code), &folded);
  }
  return folded;
}

}  // namespace consentry::vault
