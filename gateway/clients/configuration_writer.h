#ifndef CONSENTRY_GATEWAY_CLIENTS_CONFIGURATION_WRITER_H_
#define CONSENTRY_GATEWAY_CLIENTS_CONFIGURATION_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "gateway/clients/caller_context.h"
#include "gateway/clients/registry.h"
#include "gateway/store/committer.h"

namespace consentry::clients {

// What one change of the configuration may edit beside the table of clients.
struct ConfigurationDraft {
  // As in force before the change; 32 bytes, empty before the first.
  std::string policy_hash;
  std::set<std::string, std::less<>> suspended_purposes;
  // Set together with a new `policy_hash`, so that it is not compiled again.
  std::shared_ptr<const Policy> policy;
  // What the call, and a repetition with its request_id, is answered with.
  std::string result;
  // "client=crm": for the entry. No personal data.
  std::vector<std::string> details;
  // Run once the store holds the change, with the new configuration. May be
  // null.
  std::function<void()> on_stored;
};

// Changes of the configuration: each one Change, its entry first, a new bundle,
// a new epoch, and the registry's memory swapped before any further read is let
// through. Safe for many threads.
class ConfigurationWriter {
 public:
  // Both outlive the writer.
  ConfigurationWriter(store::Committer* committer, Registry* registry)
      : committer_(committer), registry_(registry) {}

  // Edits tables and draft; runs on the committer's store thread, perhaps more
  // than once, each time from the start.
  using Edit = std::function<absl::Status(
      store::Connection* writer, int64_t now_us, ConfigurationDraft* draft)>;
  struct Plan {
    // Whose it is; method and event of the entry. An empty client_id stands for
    // the gateway itself.
    CallerContext caller;
    Edit edit;
    // Takes something away, or may: it bites on reads in flight.
    bool negative = false;
    std::optional<store::RequestBinding> request;
  };
  void Commit(Plan plan, store::ChangeCompletion done);
  // For start and offline commands.
  store::ChangeOutcome CommitAndWait(Plan plan);

  // The time by which reads judge registrations: never before the newest entry.
  int64_t NowUs() const { return committer_->NowUs(); }

 private:
  store::Change MakeChange(Plan plan);

  store::Committer* const committer_;
  Registry* const registry_;
};

// Binds a write to its request_id; nullopt when the caller gave none. `request`
// is the message without it.
std::optional<store::RequestBinding> BindRequest(
    const CallerContext& caller, std::string_view request_id,
    const google::protobuf::Message& request);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CONFIGURATION_WRITER_H_
