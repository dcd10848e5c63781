#ifndef CONSENTRY_PROTO_SUPPORT_UTF8_H_
#define CONSENTRY_PROTO_SUPPORT_UTF8_H_

#include <string_view>

namespace consentry {

// Whether `text` is well-formed UTF-8 (RFC 3629): no overlong forms, no
// surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_UTF8_H_
