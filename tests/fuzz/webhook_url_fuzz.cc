// Addresses that registrations, configurations and requests name: whatever is
// taken holds nothing that another parser could read differently.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/clients/webhook_url.h"
#include "gateway/delivery/address_guard.h"
#include "gateway/delivery/mail.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (consentry::clients::IsWebhookUrl(text)) {
    const std::string_view authority = text.substr(
        text.find("//") + 2, text.find_first_of("/?", 8) - text.find("//") - 2);
    if (text.size() > 512 ||
        authority.find_first_of("@\\# \r\n\t") != std::string_view::npos) {
      abort();
    }
  }
  if (consentry::delivery::IsPlainAddress(text)) {
    if (text.find_first_of("\r\n \t<>,;:\"\\()[]") != std::string_view::npos ||
        text.find('@') != text.rfind('@')) {
      abort();
    }
    consentry::delivery::Mail mail;
    mail.id = "msg_x";
    mail.from_address = "a@b.example";
    mail.to = std::string(text);
    mail.subject = "x";
    mail.body = std::string(text) + "\n";
    if (!consentry::delivery::FormatMail(mail).ok()) abort();
  }
  const auto network = consentry::delivery::ParseNetwork(text);
  if (network.ok() && (network->bits < 0 || network->bits > 128)) abort();
  return 0;
}
