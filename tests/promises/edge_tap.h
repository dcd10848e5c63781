#ifndef CONSENTRY_TESTS_PROMISES_EDGE_TAP_H_
#define CONSENTRY_TESTS_PROMISES_EDGE_TAP_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "consentry/v1/data_service.pb.h"

// What a server of this process hands to its transport, seen on gRPC itself.
namespace consentry::testing {

// A message that the server is about to send; nothing of it was sent yet, and
// it is not before the tap returned.
struct Sending {
  // Without the service: "ReadSubject".
  std::string_view method;
  const grpc::ServerContextBase* call = nullptr;
  const void* message = nullptr;

  // What the caller sent beside its request, as a number.
  std::optional<int> NumberIn(const char* metadata_key) const;
  // The answers of a call of DataService that hold values; of every other call
  // none.
  std::vector<const v1::ReadSubjectResponse*> Released() const;
};

// Every server that is built after it shows what it sends. `tap` is called on
// many threads at once, for as long as the process lives.
void TapServers(std::function<void(const Sending&)> tap);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_PROMISES_EDGE_TAP_H_
