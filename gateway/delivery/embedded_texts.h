#ifndef CONSENTRY_GATEWAY_DELIVERY_EMBEDDED_TEXTS_H_
#define CONSENTRY_GATEWAY_DELIVERY_EMBEDDED_TEXTS_H_

#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::delivery {

// texts/messages.txtpb.
absl::Span<const EmbeddedFile> EmbeddedTexts();

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_EMBEDDED_TEXTS_H_
