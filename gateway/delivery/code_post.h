#ifndef CONSENTRY_GATEWAY_DELIVERY_CODE_POST_H_
#define CONSENTRY_GATEWAY_DELIVERY_CODE_POST_H_

#include "gateway/consent/code_sender.h"
#include "gateway/delivery/sender.h"

namespace consentry::delivery {

// Codes of double opt-ins, by e-mail. Safe for many threads.
class CodePost final : public consent::CodeSender {
 public:
  // `sender` outlives the object.
  explicit CodePost(const Sender* sender) : sender_(sender) {}

  bool Reaches(v1::IdentifierType type) const override;
  absl::Status Send(store::ChangeContext* context,
                    const consent::CodeMessage& message) const override;

 private:
  const Sender* const sender_;
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_CODE_POST_H_
