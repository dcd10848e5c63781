#include "gateway/delivery/mail.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace consentry::delivery {
namespace {

// RFC 2045: lines of quoted-printable have at most 76 characters.
constexpr size_t kMaxEncodedLine = 76;
// RFC 2047: an encoded word has at most 75; in base64 that is 45 bytes, cut to
// a multiple of three below it with room for "=?UTF-8?B?" and "?=".
constexpr size_t kBytesPerWord = 42;
constexpr size_t kMaxAddress = 254;
constexpr size_t kMaxLocalPart = 64;
constexpr char kHex[] = "0123456789ABCDEF";

bool IsAtom(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) !=
             std::string_view::npos;
}

bool IsHost(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool HoldsControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

// Text of a header: as it is where it is plain ASCII, else as encoded words,
// cut between characters.
std::string EncodeHeader(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
  if (plain && text.find("=?") == std::string_view::npos) {
    return std::string(text);
  }
  std::string encoded;
  while (!text.empty()) {
    size_t end = std::min(kBytesPerWord, text.size());
    while (end < text.size() &&
           (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
      --end;
    }
    if (!encoded.empty()) encoded += "\r\n ";
    const absl::string_view word(text.data(), end);
    absl::StrAppend(&encoded, "=?UTF-8?B?", absl::Base64Escape(word), "?=");
    text.remove_prefix(end);
  }
  return encoded;
}

// A name beside an address, quoted where it is plain ASCII.
std::string EncodeName(std::string_view name) {
  const std::string encoded = EncodeHeader(name);
  if (encoded != name) return encoded;
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// RFC 2045 6.7.
std::string EncodeBody(std::string_view body) {
  std::string encoded;
  size_t line = 0;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (c == '\n') {
      encoded += "\r\n";
      line = 0;
      continue;
    }
    const bool last = i + 1 == body.size() || body[i + 1] == '\n';
    // A dot alone on a line ends a message of SMTP; the library doubles it, and
    // encoded it needs no care at all.
    const bool literal = c >= ' ' && c <= '~' && c != '=' &&
                         !(c == ' ' && last) && !(c == '.' && line == 0);
    const size_t width = literal ? 1 : 3;
    if (line + width > kMaxEncodedLine - 1) {
      encoded += "=\r\n";
      line = 0;
    }
    if (literal) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '=';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
    line += width;
  }
  return encoded;
}

}  // namespace

bool IsPlainAddress(std::string_view address) {
  const size_t at = address.find('@');
  if (at == std::string_view::npos || address.size() > kMaxAddress) {
    return false;
  }
  const std::string_view local = address.substr(0, at);
  const std::string_view domain = address.substr(at + 1);
  const auto dots_ok = [](std::string_view text) {
    return !text.empty() && text.front() != '.' && text.back() != '.' &&
           text.find("..") == std::string_view::npos;
  };
  return local.size() <= kMaxLocalPart && dots_ok(local) && dots_ok(domain) &&
         local.front() != '-' && domain.front() != '-' &&
         std::all_of(local.begin(), local.end(), IsAtom) &&
         std::all_of(domain.begin(), domain.end(), IsHost);
}

absl::StatusOr<std::string> FormatMail(const Mail& mail) {
  if (!IsPlainAddress(mail.from_address) || !IsPlainAddress(mail.to)) {
    return absl::InvalidArgumentError("an address that mail cannot be sent to");
  }
  for (const std::string* header :
       {&mail.id, &mail.from_name, &mail.subject, &mail.language}) {
    if (HoldsControl(*header)) {
      return absl::InvalidArgumentError("a header holds a control character");
    }
  }
  const std::string domain =
      mail.from_address.substr(mail.from_address.find('@') + 1);
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view value) {
    text += name;
    text += ": ";
    text += value;
    text += "\r\n";
  };
  add("From", mail.from_name.empty() ? mail.from_address
                                     : EncodeName(mail.from_name) + " <" +
                                           mail.from_address + ">");
  add("To", mail.to);
  add("Subject", EncodeHeader(mail.subject));
  add("Date",
      absl::FormatTime(absl::RFC1123_full, absl::FromUnixMicros(mail.time_us),
                       absl::UTCTimeZone()));
  add("Message-ID", "<" + mail.id + "@" + domain + ">");
  add("MIME-Version", "1.0");
  add("Content-Type", "text/plain; charset=utf-8");
  add("Content-Transfer-Encoding", "quoted-printable");
  if (!mail.language.empty()) add("Content-Language", mail.language);
  // RFC 3834: no answering machine answers it.
  add("Auto-Submitted", "auto-generated");
  text += "\r\n";
  text += EncodeBody(mail.body);
  return text;
}

}  // namespace consentry::delivery
