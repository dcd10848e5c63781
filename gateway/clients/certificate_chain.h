#ifndef CONSENTRY_GATEWAY_CLIENTS_CERTIFICATE_CHAIN_H_
#define CONSENTRY_GATEWAY_CLIENTS_CERTIFICATE_CHAIN_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace consentry::clients {

// OK when the first certificate of `pem`, with the others of that text between,
// leads to one of the authorities in `roots_pem` at that time, for use as a TLS
// client (RFC 5280). What the TLS handshake will say, said before a
// registration is made. InvalidArgument otherwise. Any thread.
absl::Status CheckChain(std::string_view pem, std::string_view roots_pem,
                        int64_t now_us);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CERTIFICATE_CHAIN_H_
