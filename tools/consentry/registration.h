#ifndef CONSENTRY_TOOLS_CONSENTRY_REGISTRATION_H_
#define CONSENTRY_TOOLS_CONSENTRY_REGISTRATION_H_

#include <memory>
#include <string>

#include "consentry/v1/admin_service.pb.h"

namespace grpc {
class Channel;
class Status;
}  // namespace grpc

namespace consentry::tools {

// Registers a system and gets it a certificate: makes a key here, has the
// gateway's authority certify it, and writes FOLDER/clients/ID.key and .pem. On
// an error no file is left. `admin` calls as an administrator. `registered`
// receives the registration.
grpc::Status RegisterWithNewKey(const std::shared_ptr<grpc::Channel>& admin,
                                const v1::Client& client, uint32_t valid_days,
                                const std::string& folder,
                                v1::Client* registered);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_REGISTRATION_H_
