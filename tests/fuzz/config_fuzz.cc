#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/server/config.h"

// A configuration is read or refused; what is read listens where it is safe.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config =
      consentry::server::ParseConfig("fuzz.txtpb", text, {"eu-gdpr"});
  if (config.ok() && !config->listen.loopback &&
      !config->message.listener().open_to_network()) {
    std::abort();
  }
  (void)consentry::server::ParseAddress(text);
  return 0;
}
