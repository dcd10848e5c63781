#ifndef CONSENTRY_GATEWAY_VAULT_WIPE_H_
#define CONSENTRY_GATEWAY_VAULT_WIPE_H_

#include <google/protobuf/message.h>

namespace consentry::vault {

// Overwrites every text and byte string that `message` holds, at any depth,
// and clears it. What protobuf or the caller copied elsewhere is not reached.
// Map fields are not supported: their keys cannot be written.
void WipeMessage(google::protobuf::Message* message);

// The same for one string.
void WipeString(std::string* text);

// Wipes a message or string at the end of a scope.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(google::protobuf::Message* message) : message_(message) {}
  explicit WipeAtEnd(std::string* text) : text_(text) {}
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  ~WipeAtEnd() {
    if (message_ != nullptr) WipeMessage(message_);
    if (text_ != nullptr) WipeString(text_);
  }

 private:
  google::protobuf::Message* const message_ = nullptr;
  std::string* const text_ = nullptr;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_WIPE_H_
