#ifndef CONSENTRY_GATEWAY_CLIENTS_WEBHOOK_URL_H_
#define CONSENTRY_GATEWAY_CLIENTS_WEBHOOK_URL_H_

#include <string_view>

namespace consentry::clients {

// Whether a registration may name this address to be told at: "https://", or
// "http://" where the host is loopback; a host name or address, a port, a path
// and a query of printable ASCII; neither user nor fragment; at most 512
// characters. What a name resolves to is checked when it is connected to. Pure.
bool IsWebhookUrl(std::string_view url);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_WEBHOOK_URL_H_
