#ifndef CONSENTRY_AUDIT_LOG_BASE64_H_
#define CONSENTRY_AUDIT_LOG_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace consentry::audit {

// Standard base64 with padding (RFC 4648 section 4).
std::string Base64Of(std::string_view bytes);

// None for anything that Base64Of would not have written: one text for one
// value, so that no two files say the same.
std::optional<std::string> FromBase64(std::string_view text);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_BASE64_H_
