#ifndef CONSENTRY_GATEWAY_CONSENT_CODE_SENDER_H_
#define CONSENTRY_GATEWAY_CONSENT_CODE_SENDER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "consentry/v1/common.pb.h"
#include "gateway/store/change.h"

namespace consentry::consent {

// A code on its way to a contact point.
struct CodeMessage {
  // Where the customer says she is reached; as given, not normalised.
  v1::Identifier to;
  uint64_t subject = 0;
  // BCP 47, of the notice that she was shown; may be empty.
  std::string language;
  // As she is to type it: "7K4Q-X2MD".
  std::string code;
  // Void from then on.
  int64_t expire_us = 0;
};

// What sends codes; the part that writes to people implements it. Safe for many
// threads.
class CodeSender {
 public:
  virtual ~CodeSender() = default;

  // Whether codes reach identifiers of this type at all.
  virtual bool Reaches(v1::IdentifierType type) const = 0;

  // Adds the message to the change that makes the code, so that neither stands
  // without the other. Does not wait. An error undoes the change.
  virtual absl::Status Send(store::ChangeContext* context,
                            const CodeMessage& message) const = 0;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_CODE_SENDER_H_
