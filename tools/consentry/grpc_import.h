#ifndef CONSENTRY_TOOLS_CONSENTRY_GRPC_IMPORT_H_
#define CONSENTRY_TOOLS_CONSENTRY_GRPC_IMPORT_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "tools/consentry/importer.h"

namespace consentry::tools {

// A call of DataService.ImportRecords over `channel`. `ended`, when given, gets
// how the call ended, with its details; it must outlive the transport.
std::unique_ptr<ImportTransport> OpenImport(
    const std::shared_ptr<grpc::Channel>& channel, grpc::Status* ended);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_GRPC_IMPORT_H_
