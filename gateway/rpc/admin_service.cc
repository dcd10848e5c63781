#include "gateway/rpc/admin_service.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/limits.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::rpc {
namespace {

using Api = v1::AdminService;

template <class T>
using Result = absl::StatusOr<T>;

template <class Below>
using Upkeep = Api::WithCallbackMethod_GetKeyStatus<
    Api::WithCallbackMethod_RotateKeys<Api::WithCallbackMethod_CreateBackup<
        Api::WithCallbackMethod_ListBackups<
            Api::WithCallbackMethod_RunRetention<Below>>>>>;

template <class Below>
using Merging = Api::WithCallbackMethod_ListMerges<
    Api::WithCallbackMethod_MergeSubjects<Api::WithCallbackMethod_UndoMerge<
        Api::WithCallbackMethod_DismissMerge<Below>>>>;

template <class Below>
using Deciding = Api::WithCallbackMethod_ApproveProposal<
    Api::WithCallbackMethod_RejectProposal<
        Api::WithCallbackMethod_ListProposals<Api::WithCallbackMethod_LinkLogin<
            Api::WithCallbackMethod_UnlinkLogin<
                Api::WithCallbackMethod_ResolveStaff<Below>>>>>>;

using Served = Api::WithCallbackMethod_CreateClient<
    Api::WithCallbackMethod_GetClient<Api::WithCallbackMethod_ListClients<
        Api::WithCallbackMethod_UpdateClient<
            Api::WithCallbackMethod_RenewClient<
                Api::WithCallbackMethod_RevokeClient<
                    Api::WithCallbackMethod_GetPolicy<
                        Api::WithCallbackMethod_UpdatePolicy<
                            Api::WithCallbackMethod_ListPolicyVersions<
                                Api::WithCallbackMethod_DiffPolicy<
                                    Api::WithCallbackMethod_GetStatus<
                                        Api::WithCallbackMethod_Suspend<
                                            Deciding<Merging<Upkeep<
                                                Api::Service>>>>>>>>>>>>>>>;

int PageSize(int32_t asked) { return asked == 0 ? kDefaultPageSize : asked; }

class AdminServer final : public Served {
 public:
  AdminServer(Pipeline* pipeline, const AdminCapabilities& capabilities)
      : pipeline_(pipeline), can_(capabilities) {}

  grpc::ServerUnaryReactor* CreateClient(grpc::CallbackServerContext* context,
                                         const v1::CreateClientRequest* request,
                                         v1::Client* response) override {
    return StartUnary(
        pipeline_, create_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::CreateClientRequest& asked,
               v1::Client* out, Completion done) {
          can_.clients->Create(CallerOf(call, {}), asked,
                               asked.validate_only()
                                   ? Audited(call, out, std::move(done))
                                   : Answer(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* UpdateClient(grpc::CallbackServerContext* context,
                                         const v1::UpdateClientRequest* request,
                                         v1::Client* response) override {
    return StartUnary(
        pipeline_, update_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::UpdateClientRequest& asked,
               v1::Client* out, Completion done) {
          can_.clients->Update(CallerOf(call, {}), asked,
                               asked.validate_only()
                                   ? Audited(call, out, std::move(done))
                                   : Answer(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* RenewClient(grpc::CallbackServerContext* context,
                                        const v1::RenewClientRequest* request,
                                        v1::Client* response) override {
    return StartUnary(
        pipeline_, renew_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RenewClientRequest& asked,
               v1::Client* out, Completion done) {
          can_.clients->Renew(CallerOf(call, {}), asked,
                              Answer(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* RevokeClient(grpc::CallbackServerContext* context,
                                         const v1::RevokeClientRequest* request,
                                         v1::Client* response) override {
    return StartUnary(
        pipeline_, revoke_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RevokeClientRequest& asked,
               v1::Client* out, Completion done) {
          can_.clients->Revoke(CallerOf(call, {}), asked,
                               Answer(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* Suspend(grpc::CallbackServerContext* context,
                                    const v1::SuspendRequest* request,
                                    v1::SuspendResponse* response) override {
    return StartUnary(
        pipeline_, suspend_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::SuspendRequest& asked,
               v1::SuspendResponse* out, Completion done) {
          can_.clients->Suspend(
              CallerOf(call, {}), asked,
              [tokens = can_.tokens, out, done = std::move(done)](
                  Result<clients::ClientAdmin::Suspended> ended) mutable {
                if (ended.ok()) {
                  out->set_audit_reference(tokens->Encode(
                      crypto::TokenKind::kAudit,
                      crypto::LogPosition{.index = ended->log_index, .item = 0}
                          .Pack()));
                  out->set_proposal_id(ended->proposal_id);
                }
                done(ended.status());
              });
        });
  }

  grpc::ServerUnaryReactor* GetClient(grpc::CallbackServerContext* context,
                                      const v1::GetClientRequest* request,
                                      v1::Client* response) override {
    return StartUnary(
        pipeline_, get_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::GetClientRequest& asked,
               v1::Client* out, Completion done) {
          const auto* found = call.configuration().FindById(asked.id());
          if (found == nullptr) {
            done(
                MakeError(v1::ERROR_REASON_NOT_FOUND, "no client has this id"));
            return;
          }
          Audited(call, out, std::move(done))(
              clients::ShowClient(found->client(), call.arrived_us()));
        });
  }

  grpc::ServerUnaryReactor* ListClients(
      grpc::CallbackServerContext* context,
      const v1::ListClientsRequest* request,
      v1::ListClientsResponse* response) override {
    return StartUnary(
        pipeline_, list_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListClientsRequest& asked,
               v1::ListClientsResponse* out, Completion done) {
          auto page = List(call, asked);
          if (page.ok()) {
            Audited(call, out, std::move(done))(std::move(page));
          } else {
            done(page.status());
          }
        });
  }

  grpc::ServerUnaryReactor* GetPolicy(grpc::CallbackServerContext* context,
                                      const v1::GetPolicyRequest* request,
                                      v1::Policy* response) override {
    return OnWorker<v1::Policy>(
        get_policy_, context, request, response,
        [this](const CallInfo&,
               const v1::GetPolicyRequest& asked) -> Result<v1::Policy> {
          CONSENTRY_ASSIGN_OR_RETURN(auto lease, can_.readers->Acquire());
          return can_.policy->Get(lease.get(), asked.hash());
        });
  }

  grpc::ServerUnaryReactor* UpdatePolicy(grpc::CallbackServerContext* context,
                                         const v1::UpdatePolicyRequest* request,
                                         v1::Policy* response) override {
    return StartUnary(
        pipeline_, update_policy_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::UpdatePolicyRequest& asked,
               v1::Policy* out, Completion done) {
          auto end = asked.validate_only() ? Audited(call, out, std::move(done))
                                           : Answer(out, std::move(done));
          Submit([this, &call, &asked, end = std::move(end)]() mutable {
            can_.policy->Update(CallerOf(call, {}), asked, std::move(end));
          });
        });
  }

  grpc::ServerUnaryReactor* ListPolicyVersions(
      grpc::CallbackServerContext* context,
      const v1::ListPolicyVersionsRequest* request,
      v1::ListPolicyVersionsResponse* response) override {
    return OnWorker<v1::ListPolicyVersionsResponse>(
        list_policies_, context, request, response,
        [this](const CallInfo& call, const v1::ListPolicyVersionsRequest& asked)
            -> Result<v1::ListPolicyVersionsResponse> {
          int64_t before = INT64_MAX;
          if (!asked.page_token().empty()) {
            CONSENTRY_ASSIGN_OR_RETURN(const std::string position,
                                       OpenPage(call, asked.page_token()));
            std::from_chars(position.data(), position.data() + position.size(),
                            before);
          }
          CONSENTRY_ASSIGN_OR_RETURN(auto lease, can_.readers->Acquire());
          int64_t next = 0;
          CONSENTRY_ASSIGN_OR_RETURN(
              auto versions,
              can_.policy->List(lease.get(), before,
                                PageSize(asked.page_size()), &next));
          v1::ListPolicyVersionsResponse page;
          page.mutable_versions()->Assign(versions.begin(), versions.end());
          if (next != 0) {
            CONSENTRY_ASSIGN_OR_RETURN(*page.mutable_next_page_token(),
                                       SealPage(call, std::to_string(next)));
          }
          return page;
        });
  }

  grpc::ServerUnaryReactor* DiffPolicy(
      grpc::CallbackServerContext* context,
      const v1::DiffPolicyRequest* request,
      v1::DiffPolicyResponse* response) override {
    return OnWorker<v1::DiffPolicyResponse>(
        diff_policy_, context, request, response,
        [this](const CallInfo& call, const v1::DiffPolicyRequest& asked) {
          return can_.diff->Run(asked, call.arrived_us());
        });
  }

  grpc::ServerUnaryReactor* ListMerges(
      grpc::CallbackServerContext* context,
      const v1::ListMergesRequest* request,
      v1::ListMergesResponse* response) override {
    return OnWorker<v1::ListMergesResponse>(
        list_merges_, context, request, response,
        [this](const CallInfo& call, const v1::ListMergesRequest& asked)
            -> Result<v1::ListMergesResponse> {
          int64_t after = 0;
          // The state is part of the place: a token leads on in its own list.
          const std::string state = v1::MergeState_Name(asked.state()) + ":";
          if (!asked.page_token().empty()) {
            CONSENTRY_ASSIGN_OR_RETURN(const std::string position,
                                       OpenPage(call, asked.page_token()));
            if (position.rfind(state, 0) != 0) return WrongPage();
            std::from_chars(position.data() + state.size(),
                            position.data() + position.size(), after);
          }
          int64_t next = 0;
          CONSENTRY_ASSIGN_OR_RETURN(
              v1::ListMergesResponse page,
              can_.merges->List(
                  asked.state(), after,
                  static_cast<size_t>(PageSize(asked.page_size())), &next));
          if (next != 0) {
            CONSENTRY_ASSIGN_OR_RETURN(
                *page.mutable_next_page_token(),
                SealPage(call, state + std::to_string(next)));
          }
          return page;
        });
  }

  grpc::ServerUnaryReactor* MergeSubjects(
      grpc::CallbackServerContext* context,
      const v1::MergeSubjectsRequest* request, v1::Merge* response) override {
    return Decide(merge_, context, request, response,
                  &access::MergeDesk::Merge);
  }

  grpc::ServerUnaryReactor* UndoMerge(grpc::CallbackServerContext* context,
                                      const v1::UndoMergeRequest* request,
                                      v1::Merge* response) override {
    return Decide(undo_merge_, context, request, response,
                  &access::MergeDesk::Undo);
  }

  grpc::ServerUnaryReactor* DismissMerge(grpc::CallbackServerContext* context,
                                         const v1::DismissMergeRequest* request,
                                         v1::Merge* response) override {
    return Decide(dismiss_merge_, context, request, response,
                  &access::MergeDesk::Dismiss);
  }

  grpc::ServerUnaryReactor* GetKeyStatus(grpc::CallbackServerContext* context,
                                         const v1::GetKeyStatusRequest* request,
                                         v1::KeyStatus* response) override {
    return OnWorker<v1::KeyStatus>(
        key_status_, context, request, response,
        [this](const CallInfo&, const v1::GetKeyStatusRequest&) {
          return can_.upkeep->KeyStatus();
        });
  }

  grpc::ServerUnaryReactor* RotateKeys(grpc::CallbackServerContext* context,
                                       const v1::RotateKeysRequest* request,
                                       v1::KeyStatus* response) override {
    return StartUnary(
        pipeline_, rotate_keys_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RotateKeysRequest& asked,
               v1::KeyStatus* out, Completion done) {
          can_.upkeep->RotateKeys(CallerOf(call, {}), asked,
                                  Answer(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* CreateBackup(grpc::CallbackServerContext* context,
                                         const v1::CreateBackupRequest* request,
                                         v1::Backup* response) override {
    return StartUnary(
        pipeline_, create_backup_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::CreateBackupRequest& asked,
               v1::Backup* out, Completion done) {
          Submit([this, &call, &asked,
                  end = Answer(out, std::move(done))]() mutable {
            end(can_.upkeep->CreateBackup(CallerOf(call, {}), asked));
          });
        });
  }

  grpc::ServerUnaryReactor* ListBackups(
      grpc::CallbackServerContext* context,
      const v1::ListBackupsRequest* request,
      v1::ListBackupsResponse* response) override {
    return OnWorker<v1::ListBackupsResponse>(
        list_backups_, context, request, response,
        [this](const CallInfo& call, const v1::ListBackupsRequest& asked)
            -> Result<v1::ListBackupsResponse> {
          std::string before;
          if (!asked.page_token().empty()) {
            CONSENTRY_ASSIGN_OR_RETURN(before,
                                       OpenPage(call, asked.page_token()));
          }
          std::string next;
          CONSENTRY_ASSIGN_OR_RETURN(
              v1::ListBackupsResponse page,
              can_.upkeep->ListBackups(
                  before, static_cast<size_t>(PageSize(asked.page_size())),
                  &next));
          if (!next.empty()) {
            CONSENTRY_ASSIGN_OR_RETURN(*page.mutable_next_page_token(),
                                       SealPage(call, next));
          }
          return page;
        });
  }

  grpc::ServerUnaryReactor* RunRetention(
      grpc::CallbackServerContext* context,
      const v1::RunRetentionRequest* request,
      v1::RunRetentionResponse* response) override {
    return StartUnary(
        pipeline_, retention_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RunRetentionRequest& asked,
               v1::RunRetentionResponse* out, Completion done) {
          auto end = asked.dry_run() ? Audited(call, out, std::move(done))
                                     : Answer(out, std::move(done));
          Submit([this, &call, &asked, end = std::move(end)]() mutable {
            if (asked.dry_run()) {
              end(can_.upkeep->DryRunRetention());
            } else {
              can_.upkeep->RunRetention(CallerOf(call, {}), asked,
                                        std::move(end));
            }
          });
        });
  }

  grpc::ServerUnaryReactor* ApproveProposal(
      grpc::CallbackServerContext* context,
      const v1::ApproveProposalRequest* request,
      v1::ApproveProposalResponse* response) override {
    return StartUnary(
        pipeline_, approve_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ApproveProposalRequest& asked,
               v1::ApproveProposalResponse* out, Completion done) {
          // Perhaps it compiles a policy.
          Submit([this, &call, &asked, out, done = std::move(done)]() mutable {
            can_.proposals->Approve(
                CallerOf(call, {}), asked,
                [out, done = std::move(done)](
                    Result<v1::Proposal> proposal) mutable {
                  const absl::Status status = proposal.status();
                  if (status.ok()) {
                    *out->mutable_proposal() = *std::move(proposal);
                  }
                  done(status);
                });
          });
        });
  }

  grpc::ServerUnaryReactor* RejectProposal(
      grpc::CallbackServerContext* context,
      const v1::RejectProposalRequest* request,
      v1::Proposal* response) override {
    return StartUnary(
        pipeline_, reject_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RejectProposalRequest& asked,
               v1::Proposal* out, Completion done) {
          can_.proposals->Reject(CallerOf(call, {}), asked,
                                 Answer(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ListProposals(
      grpc::CallbackServerContext* context,
      const v1::ListProposalsRequest* request,
      v1::ListProposalsResponse* response) override {
    return OnWorker<v1::ListProposalsResponse>(
        list_proposals_, context, request, response,
        [this](const CallInfo& call, const v1::ListProposalsRequest& asked)
            -> Result<v1::ListProposalsResponse> {
          int64_t before = INT64_MAX;
          // The state is part of the place: a token leads on in its own list.
          const std::string state = v1::ProposalState_Name(asked.state()) + ":";
          if (!asked.page_token().empty()) {
            CONSENTRY_ASSIGN_OR_RETURN(const std::string position,
                                       OpenPage(call, asked.page_token()));
            if (position.rfind(state, 0) != 0) return WrongPage();
            std::from_chars(position.data() + state.size(),
                            position.data() + position.size(), before);
          }
          CONSENTRY_ASSIGN_OR_RETURN(auto lease, can_.readers->Acquire());
          int64_t next = 0;
          CONSENTRY_ASSIGN_OR_RETURN(
              v1::ListProposalsResponse page,
              can_.proposals->List(lease.get(), asked.state(), before,
                                   PageSize(asked.page_size()), &next));
          if (next != 0) {
            CONSENTRY_ASSIGN_OR_RETURN(
                *page.mutable_next_page_token(),
                SealPage(call, state + std::to_string(next)));
          }
          return page;
        });
  }

  grpc::ServerUnaryReactor* LinkLogin(
      grpc::CallbackServerContext* context, const v1::LinkLoginRequest* request,
      v1::LinkLoginResponse* response) override {
    return StartUnary(
        pipeline_, link_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::LinkLoginRequest& asked,
               v1::LinkLoginResponse* out, Completion done) {
          Submit([this, &call, &asked,
                  end = Told(call, out, std::move(done))]() mutable {
            can_.logins->Link(CallerOf(call, {}), asked, std::move(end));
          });
        });
  }

  grpc::ServerUnaryReactor* UnlinkLogin(
      grpc::CallbackServerContext* context,
      const v1::UnlinkLoginRequest* request,
      v1::UnlinkLoginResponse* response) override {
    return StartUnary(
        pipeline_, unlink_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::UnlinkLoginRequest& asked,
               v1::UnlinkLoginResponse* out, Completion done) {
          Submit([this, &call, &asked,
                  end = Told(call, out, std::move(done))]() mutable {
            can_.logins->Unlink(CallerOf(call, {}), asked, std::move(end));
          });
        });
  }

  grpc::ServerUnaryReactor* ResolveStaff(grpc::CallbackServerContext* context,
                                         const v1::ResolveStaffRequest* request,
                                         v1::StaffMember* response) override {
    return StartUnary(
        pipeline_, resolve_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ResolveStaffRequest& asked,
               v1::StaffMember* out, Completion done) {
          store::v1::Leaf leaf = clients::LeafOf(
              call.configuration(), CallerOf(call, asked.context()),
              call.arrived_us());
          leaf.add_details("person=" + asked.acting_person());
          Submit([this, &asked,
                  end = AuditedAs(std::move(leaf), out,
                                  std::move(done))]() mutable {
            const auto find = [&]() -> Result<v1::StaffMember> {
              CONSENTRY_ASSIGN_OR_RETURN(auto lease, can_.readers->Acquire());
              return can_.staff->Find(lease.get(), asked.acting_person());
            };
            end(find());
          });
        });
  }

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const v1::GetStatusRequest* request,
                                      v1::GatewayStatus* response) override {
    return OnWorker<v1::GatewayStatus>(
        status_, context, request, response,
        [this](const CallInfo&, const v1::GetStatusRequest&) {
          return can_.status();
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.AdminService/" + name);
  }

  // Ends a call with the outcome of a change: its entry is written already.
  template <class T>
  static absl::AnyInvocable<void(Result<T>)> Answer(T* out, Completion done) {
    return [out, done = std::move(done)](Result<T> result) mutable {
      const absl::Status status = result.status();
      if (status.ok()) *out = *std::move(result);
      done(status);
    };
  }

  // The same where the part below writes no entry about what it refuses.
  template <class T>
  absl::AnyInvocable<void(Result<T>)> Told(const CallInfo& call, T* out,
                                           Completion done) const {
    return [pipeline = pipeline_, &call, out,
            done = std::move(done)](Result<T> result) mutable {
      const absl::Status status = result.status();
      if (status.ok()) {
        *out = *std::move(result);
      } else {
        pipeline->NoteRefusal(call, status);
      }
      done(status);
    };
  }

  // The same for what is no change: the entry first, then the answer.
  template <class T>
  absl::AnyInvocable<void(Result<T>)> Audited(const CallInfo& call, T* out,
                                              Completion done) const {
    return AuditedAs(LeafOf(call), out, std::move(done));
  }
  template <class T>
  absl::AnyInvocable<void(Result<T>)> AuditedAs(store::v1::Leaf entry, T* out,
                                                Completion done) const {
    return [committer = can_.committer, leaf = std::move(entry), out,
            done = std::move(done)](Result<T> result) mutable {
      if (!result.ok()) {
        done(result.status());
        return;
      }
      *out = *std::move(result);
      leaf.set_released_nothing(true);
      CommitEntry(committer, std::move(leaf),
                  [done = std::move(done)](const absl::Status& status,
                                           store::ReleaseTicket ticket,
                                           uint64_t) mutable {
                    Tickets tickets;
                    tickets.push_back(std::move(ticket));
                    done(status, std::move(tickets));
                  });
    };
  }

  void Submit(absl::AnyInvocable<void()> task) const {
    // A refused task is destroyed, which ends its call.
    can_.workers->TrySubmit(std::move(task));
  }

  // A read that may take milliseconds: on a worker, its entry first.
  template <class Response, class Request, class Read>
  grpc::ServerUnaryReactor* OnWorker(const Method* method,
                                     grpc::CallbackServerContext* context,
                                     const Request* request, Response* response,
                                     Read read) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, read](const CallInfo& call, const Request& asked, Response* out,
                     Completion done) {
          Submit([&call, &asked, read,
                  end = Audited(call, out, std::move(done))]() mutable {
            end(read(call, asked));
          });
        });
  }

  // A decision about two customers: found on a worker, then committed.
  template <class Request, class Member>
  grpc::ServerUnaryReactor* Decide(const Method* method,
                                   grpc::CallbackServerContext* context,
                                   const Request* request, v1::Merge* response,
                                   Member decide) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, decide](const CallInfo& call, const Request& asked,
                       v1::Merge* out, Completion done) {
          Submit([this, &call, &asked, decide,
                  end = Answer(out, std::move(done))]() mutable {
            (can_.merges->*decide)(CallerOf(call, asked.context()), asked,
                                   std::move(end));
          });
        });
  }

  static absl::Status WrongPage() {
    return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                     "the page token is not of this query, or too old");
  }
  Result<std::string> OpenPage(const CallInfo& call,
                               std::string_view token) const {
    auto position =
        can_.page_tokens->Open(clients::RequesterOf(CallerOf(call, {})),
                               call.method().name, token, call.arrived_us());
    if (position.ok()) return position;
    return WrongPage();
  }
  Result<std::string> SealPage(const CallInfo& call,
                               std::string_view position) const {
    return can_.page_tokens->Seal(clients::RequesterOf(CallerOf(call, {})),
                                  call.method().name, position,
                                  call.arrived_us());
  }

  Result<v1::ListClientsResponse> List(
      const CallInfo& call, const v1::ListClientsRequest& asked) const {
    const auto& all = call.configuration().registrations();
    auto it = all.begin();
    if (!asked.page_token().empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(const std::string last,
                                 OpenPage(call, asked.page_token()));
      it = all.upper_bound(last);
    }
    v1::ListClientsResponse page;
    for (int i = 0; i < PageSize(asked.page_size()) && it != all.end();
         ++i, ++it) {
      *page.add_clients() =
          clients::ShowClient(it->second->client(), call.arrived_us());
    }
    if (it != all.end()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          *page.mutable_next_page_token(),
          SealPage(call, page.clients(page.clients_size() - 1).id()));
    }
    return page;
  }

  Pipeline* const pipeline_;
  const AdminCapabilities can_;
  const Method* const create_ = Get("CreateClient");
  const Method* const get_ = Get("GetClient");
  const Method* const list_ = Get("ListClients");
  const Method* const update_ = Get("UpdateClient");
  const Method* const renew_ = Get("RenewClient");
  const Method* const revoke_ = Get("RevokeClient");
  const Method* const suspend_ = Get("Suspend");
  const Method* const get_policy_ = Get("GetPolicy");
  const Method* const update_policy_ = Get("UpdatePolicy");
  const Method* const list_policies_ = Get("ListPolicyVersions");
  const Method* const diff_policy_ = Get("DiffPolicy");
  const Method* const list_merges_ = Get("ListMerges");
  const Method* const merge_ = Get("MergeSubjects");
  const Method* const undo_merge_ = Get("UndoMerge");
  const Method* const dismiss_merge_ = Get("DismissMerge");
  const Method* const key_status_ = Get("GetKeyStatus");
  const Method* const rotate_keys_ = Get("RotateKeys");
  const Method* const create_backup_ = Get("CreateBackup");
  const Method* const list_backups_ = Get("ListBackups");
  const Method* const retention_ = Get("RunRetention");
  const Method* const status_ = Get("GetStatus");
  const Method* const approve_ = Get("ApproveProposal");
  const Method* const reject_ = Get("RejectProposal");
  const Method* const list_proposals_ = Get("ListProposals");
  const Method* const link_ = Get("LinkLogin");
  const Method* const unlink_ = Get("UnlinkLogin");
  const Method* const resolve_ = Get("ResolveStaff");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(
    Pipeline* pipeline, const AdminCapabilities& capabilities) {
  return std::make_unique<AdminServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
