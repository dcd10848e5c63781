#ifndef CONSENTRY_GATEWAY_SERVER_NOTIFY_H_
#define CONSENTRY_GATEWAY_SERVER_NOTIFY_H_

#include <string_view>

namespace consentry::server {

// Tells the service manager how the gateway does, as sd_notify(3) does: a
// datagram to the socket that NOTIFY_SOCKET names. Does nothing without one.
// Any thread.
void NotifyServiceManager(std::string_view state);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_NOTIFY_H_
