#ifndef CONSENTRY_TESTS_PROMISES_ASKING_H_
#define CONSENTRY_TESTS_PROMISES_ASKING_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tests/e2e/test_gateway.h"

// Asking a gateway for data, in every way that there is.
namespace consentry::testing {

// The calls of DataService whose answers can hold, or hang on, a customer's
// data.
enum class Way { kRead, kBatch, kStream, kSelect, kCheck };
inline constexpr Way kWays[] = {Way::kRead, Way::kBatch, Way::kStream,
                                Way::kSelect, Way::kCheck};
const char* NameOf(Way way);

struct Question {
  // kRead and kCheck ask about the first; kSelect asks about everybody.
  std::vector<v1::SubjectRef> subjects;
  std::string purpose;
  std::vector<std::string> fields;
  v1::Channel channel = v1::CHANNEL_INTERNAL;
  v1::CallContext context;
  bool want_pseudonym = false;
  // Of kSelect alone.
  std::string page_token;
  int page_size = 0;
  // Sent beside the request.
  std::multimap<std::string, std::string> metadata;
};

struct Told {
  grpc::Status status;
  // One for each customer that was answered about; of kCheck the decision
  // alone.
  std::vector<v1::ReadSubjectResponse> results;
  std::string next_page_token;
  // Everything that came back: messages, error and its details, metadata.
  std::string bytes;

  v1::ErrorReason reason() const { return ReasonOf(status); }
  // At least one value came.
  bool has_values() const;
  bool Holds(const std::string& text) const {
    return bytes.find(text) != std::string::npos;
  }
};

Told Ask(Way way, const std::shared_ptr<grpc::Channel>& channel,
         const Question& question);

v1::SubjectRef ById(const std::string& id);
v1::SubjectRef ByEmail(const std::string& address);
v1::SubjectRef ByPseudonym(const std::string& pseudonym);

// A context with a deadline.
std::unique_ptr<grpc::ClientContext> Timed(int seconds = 20);

// A customer's profile, to be written by a client that may.
v1::WriteRecordRequest ProfileOf(const std::string& key,
                                 const std::string& email,
                                 const std::string& residence = "DE");

// A service that may do all that a service can be allowed to.
v1::Client FullClient(const std::string& id, const std::string& purpose);

// Writes it and returns the customer's id; fails the test where it cannot.
std::string MustWrite(const std::shared_ptr<grpc::Channel>& channel,
                      const v1::WriteRecordRequest& request);

// Every entry of the log, in order, as compliance sees it.
std::vector<v1::AuditEntry> EntriesOf(const TestGateway& gateway);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_PROMISES_ASKING_H_
