#ifndef CONSENTRY_PROTO_SUPPORT_UTF8_H_
#define CONSENTRY_PROTO_SUPPORT_UTF8_H_

#include <cstddef>
#include <string_view>

namespace consentry {

// Whether `text` is well-formed UTF-8 (RFC 3629): no overlong forms, no
// surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// The longest start of `text` of at most `most` bytes that splits no character.
// `text` is well-formed UTF-8.
std::string_view CutUtf8(std::string_view text, size_t most);

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_UTF8_H_
