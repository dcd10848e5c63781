#ifndef CONSENTRY_GATEWAY_DELIVERY_TRANSPORT_H_
#define CONSENTRY_GATEWAY_DELIVERY_TRANSPORT_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/sender.pb.h"

namespace consentry::delivery {

// How a formatted message leaves. Used by one thread at a time; may block as
// long as its time-outs say.
class MailTransport {
 public:
  virtual ~MailTransport() = default;

  // Hands one message to the next system. OK: that system has it.
  //   Unavailable         nothing can be sent now; try all later
  //   Aborted             this one was put off (4xx); try it later
  //   FailedPrecondition  this one was refused for good (5xx)
  // Messages name neither address nor content. `id` is "msg_...".
  virtual absl::Status Deliver(const std::string& id, const std::string& from,
                               const std::string& to,
                               const std::string& mail) = 0;
};

// By SMTP (RFC 5321): one connection for one message, TLS as configured with
// the server's certificate checked, no proxy. A call ends soon after `*stop`.
// PermissionDenied, NotFound ...: the password's file is not as it must be.
absl::StatusOr<std::unique_ptr<MailTransport>> MakeSmtp(
    const config::v1::Smtp& config, const std::atomic<bool>* stop);

// Into a folder, which is made where it is missing (mode 0700).
absl::StatusOr<std::unique_ptr<MailTransport>> MakeFileDrop(
    const config::v1::FileDrop& config);

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_TRANSPORT_H_
