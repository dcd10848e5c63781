#ifndef CONSENTRY_TOOLS_CONSENTRY_RPC_ERROR_H_
#define CONSENTRY_TOOLS_CONSENTRY_RPC_ERROR_H_

#include <ostream>
#include <string>

namespace grpc {
class Status;
}

namespace consentry::tools {

// The stable reason of an error of the API ("PURPOSE_NOT_ALLOWED"), from its
// details; empty when it carries none, such as a refused connection.
std::string ReasonOf(const grpc::Status& status);

// Says what went wrong, for a person: reason, message, every faulty field, and
// what to do where we know it. The exit code that fits.
int PrintError(const grpc::Status& status, std::ostream& err);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_RPC_ERROR_H_
