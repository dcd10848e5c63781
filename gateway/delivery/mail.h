#ifndef CONSENTRY_GATEWAY_DELIVERY_MAIL_H_
#define CONSENTRY_GATEWAY_DELIVERY_MAIL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace consentry::delivery {

// Whether `address` can stand in an envelope and in a header as it is: one
// local part and one domain of printable ASCII, nothing that a header or SMTP
// gives a meaning to (RFC 5321 4.1.2: no quoted local parts, no literals).
bool IsPlainAddress(std::string_view address);

// One message to one person.
struct Mail {
  // "msg_...", the same in every attempt.
  std::string id;
  std::string from_address;
  std::string from_name;  // UTF-8, may be empty.
  std::string to;
  std::string subject;  // UTF-8.
  std::string body;     // UTF-8, lines end with "\n".
  std::string language;
  int64_t time_us = 0;
};

// As RFC 5322 bytes with CRLF: plain text, quoted-printable. InvalidArgument
// when an address is not plain, or a header holds a control character: so no
// part of it can begin another header. Pure.
absl::StatusOr<std::string> FormatMail(const Mail& mail);

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_MAIL_H_
