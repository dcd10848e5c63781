#ifndef CONSENTRY_TESTS_E2E_REQUESTS_H_
#define CONSENTRY_TESTS_E2E_REQUESTS_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "consentry/v1/common.pb.h"

// Parts of requests that most tests over the wire make.
namespace consentry::testing {

// A context whose call ends after half a minute.
inline std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(30));
  return context;
}

inline v1::SubjectRef EmailRef(const std::string& address) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  ref.mutable_identifier()->set_value(address);
  return ref;
}

// A number in the system "crm".
inline v1::SubjectRef CrmRef(const std::string& number) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
  ref.mutable_identifier()->set_namespace_("crm");
  ref.mutable_identifier()->set_value(number);
  return ref;
}

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_E2E_REQUESTS_H_
