#include "gateway/delivery/code_post.h"

namespace consentry::delivery {

bool CodePost::Reaches(v1::IdentifierType type) const {
  return type == v1::IDENTIFIER_TYPE_EMAIL && sender_->configured();
}

absl::Status CodePost::Send(store::ChangeContext* context,
                            const consent::CodeMessage& message) const {
  return sender_->SendCode(*context, "code.double_opt_in", message.language,
                           message.to.value(), message.subject,
                           {{"code", message.code}}, message.expire_us);
}

}  // namespace consentry::delivery
