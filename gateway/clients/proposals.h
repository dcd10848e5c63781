#ifndef CONSENTRY_GATEWAY_CLIENTS_PROPOSALS_H_
#define CONSENTRY_GATEWAY_CLIENTS_PROPOSALS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/identity.pb.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/clients/registry.h"
#include "gateway/store/committer.h"
#include "gateway/store/engine.h"
#include "gateway/store/reader_pool.h"

namespace consentry::clients {

// How what gives power takes effect.
struct ApprovalRules {
  enum class Mode {
    kAtOnce,     // Development.
    kAfterWait,  // One operator alone: a wait stands for the second person.
    kByAnother,  // Another person approves.
  };
  Mode mode = Mode::kByAnother;
  int64_t wait_us = int64_t{24} * 3600 * 1'000'000;
  // Until then all takes effect at once: the gateway is being set up.
  int64_t setup_ends_us = 0;

  Mode At(int64_t now_us) const {
    return now_us < setup_ends_us ? Mode::kAtOnce : mode;
  }
};

// Changes of power that wait (PROTOCOLS H3). A proposal is a row and an entry
// of the log and changes nothing; approving runs the change and closes the row
// in one transaction. A proposal whose proposer is no longer an active
// registration never takes effect, so that revoking a stolen certificate stops
// what was proposed with it. Safe for many threads.
class Proposals {
 public:
  struct Options {
    // All outlive this.
    ConfigurationWriter* writer = nullptr;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const Registry* registry = nullptr;
    ApprovalRules rules;
  };
  // Who nobody approved within this is over.
  static constexpr int64_t kLifetimeUs = int64_t{30} * 24 * 3600 * 1'000'000;

  explicit Proposals(Options options) : options_(std::move(options)) {}

  const ApprovalRules& rules() const { return options_.rules; }
  ApprovalRules::Mode mode() const {
    return options_.rules.At(options_.committer->NowUs());
  }
  // Whether what this caller asks for waits. The gateway itself (init, offline
  // commands) waits for nobody: it has no client_id.
  bool Needed(const CallerContext& caller) const;

  // Makes the edit of a stored proposal, when its time has come; everything is
  // checked anew then. Set at start, one for each method.
  using Build = std::function<absl::StatusOr<ConfigurationWriter::Edit>(
      const store::v1::StoredProposal&)>;
  void SetBuilder(std::string method, Build build);

  // Records `proposal`, of which method, request, target and changes are set.
  // `result` makes what the call is answered with, of the proposal's id.
  void Propose(const CallerContext& caller, store::v1::StoredProposal proposal,
               std::optional<store::RequestBinding> binding,
               std::function<std::string(const std::string& id)> result,
               store::ChangeCompletion done);

  // The same for the gateway itself, at start.
  absl::Status ProposeAndWait(const CallerContext& self,
                              store::v1::StoredProposal proposal);

  // Takes back one of the gateway's own that another replaced. Waits.
  absl::Status Supersede(const std::string& id);

  // The rest reads the store: for a worker. NOT_FOUND; STATE_INVALID for one
  // that is not open, and for one's own; what the change itself is refused
  // with, and then the proposal stays open.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Proposal>)>;
  void Approve(const CallerContext& caller,
               const v1::ApproveProposalRequest& request, Done done);
  void Reject(const CallerContext& caller,
              const v1::RejectProposalRequest& request, Done done);

  // Newest first, with a number below `before`. `next`: where the following
  // page begins, 0 when there is none.
  absl::StatusOr<v1::ListProposalsResponse> List(store::Connection* connection,
                                                 v1::ProposalState state,
                                                 int64_t before, int limit,
                                                 int64_t* next) const;
  absl::StatusOr<int64_t> CountOpen(store::Connection* connection) const;

  // Puts into force what has waited long enough, and closes what nobody
  // approved in time. Waits; every minute, on a thread of its own.
  absl::Status RunDue();

 private:
  store::Change ProposeChange(
      const CallerContext& caller, store::v1::StoredProposal proposal,
      std::function<std::string(const std::string& id)> result) const;
  struct Row {
    int64_t number = 0;
    std::string id;
    v1::ProposalState state = v1::PROPOSAL_STATE_UNSPECIFIED;
    store::v1::StoredProposal doc;
  };
  static absl::StatusOr<Row> Read(store::Connection* connection,
                                  std::string_view id);
  static absl::Status Close(store::Connection* writer, const Row& row,
                            v1::ProposalState state);
  static v1::Proposal Show(const Row& row);
  absl::StatusOr<ConfigurationWriter::Plan> PlanFor(const CallerContext& caller,
                                                    const Row& row) const;
  absl::Status End(const std::string& id, v1::ProposalState state,
                   const std::string& why);

  const Options options_;
  std::map<std::string, Build, std::less<>> builders_;
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_PROPOSALS_H_
