// A recovery key as somebody may type it: what is accepted reads back as the
// same key from its own display; and anything as a sealed backup.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/crypto/recovery_key.h"

using namespace consentry::crypto;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const key = new RecoveryKey(RecoveryKey::Generate());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = RecoveryKey::Parse(text);
  if (parsed.ok()) {
    const SecretBuffer shown = parsed->Display();
    const auto again = RecoveryKey::Parse(
        {reinterpret_cast<const char*>(shown.data()), shown.size()});
    if (!again.ok() || !again->Confirm(parsed->public_key()).ok()) {
      std::abort();
    }
  }
  if (key->Open({data, size}).ok()) std::abort();
  return 0;
}
