#ifndef CONSENTRY_PROTO_SUPPORT_REDACT_H_
#define CONSENTRY_PROTO_SUPPORT_REDACT_H_

#include <string>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace consentry {

// One line of text about a message of the public API that may stand in a log:
//
//   subject { identifier { type: IDENTIFIER_TYPE_EMAIL value: <personal> } }
//
// A field of class PERSONAL or above shows as <personal>, <special> or
// <secret>, whatever is in it. A message of another package holds fields that
// nobody has classified and shows as <unclassified>, Timestamp and Duration
// excepted; unknown fields show as their number. Texts are escaped and cut at
// kMaxRedactedText bytes, the whole at kMaxRedactedLine. DebugString() of a
// request has no place in a log. Pure; safe from any thread.
std::string Redact(const google::protobuf::Message& message);

inline constexpr size_t kMaxRedactedText = 128;
inline constexpr size_t kMaxRedactedLine = 4096;

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_REDACT_H_
