#include "gateway/clients/proposals.h"

#include <utility>
#include <vector>

#include "gateway/clients/client_table.h"
#include "gateway/crypto/ids.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::clients {
namespace {

using store::v1::StoredProposal;

constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
// In one round; the rest in the next.
constexpr int64_t kMostDue = 64;

absl::Status NotOpen() {
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "the proposal is not open any more");
}

const std::string& PersonOf(const CallerContext& caller) {
  static const std::string* const nobody = new std::string;
  return caller.person.has_value() ? caller.person->id : *nobody;
}

// By their tokens where both came with one, else by registration: two
// certificates of one person cannot be told apart, two logins of one provider
// can.
bool IsAnother(const CallerContext& caller, const StoredProposal& proposal) {
  const std::string& person = PersonOf(caller);
  if (!person.empty() && !proposal.person().empty()) {
    return person != proposal.person();
  }
  return caller.client_id != proposal.client_id();
}

}  // namespace

bool Proposals::Needed(const CallerContext& caller) const {
  return !caller.client_id.empty() && mode() != ApprovalRules::Mode::kAtOnce;
}

void Proposals::SetBuilder(std::string method, Build build) {
  builders_[std::move(method)] = std::move(build);
}

absl::StatusOr<Proposals::Row> Proposals::Read(store::Connection* connection,
                                               std::string_view id) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT proposal_no, state, doc FROM proposals "
                          "WHERE proposal_id = $1"));
  query.Bind(id);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND, "no proposal has this id");
  }
  Row row;
  row.number = query.Int64(0);
  row.id = std::string(id);
  row.state = static_cast<v1::ProposalState>(query.Int64(1));
  const std::string_view doc = query.Blob(2);
  if (!row.doc.ParseFromArray(doc.data(), static_cast<int>(doc.size()))) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a kept proposal does not parse");
  }
  return row;
}

absl::Status Proposals::Close(store::Connection* writer, const Row& row,
                              v1::ProposalState state) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto update, writer->Prepare("UPDATE proposals SET state = $2, doc = $3 "
                                   "WHERE proposal_no = $1"));
  const std::string bytes = row.doc.SerializeAsString();
  update.Bind(row.number, int64_t{state}, bytes);
  return update.Run();
}

v1::Proposal Proposals::Show(const Row& row) {
  v1::Proposal shown;
  shown.set_id(row.id);
  shown.set_method(row.doc.method());
  SetTime(row.doc.time_us(), shown.mutable_create_time());
  if (row.doc.effective_us() != 0) {
    SetTime(row.doc.effective_us(), shown.mutable_effective_time());
  }
  shown.set_state(row.state);
  shown.set_target(row.doc.target());
  *shown.mutable_changes() = row.doc.changes();
  shown.set_proposed_by(row.doc.client_id());
  shown.set_proposer(row.doc.person());
  shown.set_decided_by(row.doc.decided_by());
  shown.set_decider(row.doc.decider());
  if (row.doc.decided_us() != 0) {
    SetTime(row.doc.decided_us(), shown.mutable_decide_time());
  }
  return shown;
}

store::Change Proposals::ProposeChange(
    const CallerContext& caller, StoredProposal proposal,
    std::function<std::string(const std::string& id)> result) const {
  const std::string id = crypto::NewId(crypto::IdKind::kProposal);
  proposal.set_client_id(caller.client_id);
  proposal.set_person(PersonOf(caller));
  const int64_t wait_us = mode() == ApprovalRules::Mode::kAfterWait
                              ? options_.rules.wait_us
                              : int64_t{0};
  store::Change change;
  change.apply = [registry = options_.registry, caller, proposal, id, wait_us,
                  result = std::move(result)](
                     store::ChangeContext& context) -> absl::Status {
    StoredProposal doc = proposal;
    doc.set_time_us(context.now_us());
    if (wait_us > 0) doc.set_effective_us(context.now_us() + wait_us);
    const int64_t due_us =
        context.now_us() + (wait_us > 0 ? wait_us : kLifetimeUs);
    CONSENTRY_ASSIGN_OR_RETURN(
        auto insert, context.connection()->Prepare(
                         "INSERT INTO proposals (proposal_no, proposal_id, "
                         "state, due_hour, doc) VALUES ($1, $2, $3, $4, $5)"));
    const std::string bytes = doc.SerializeAsString();
    insert.Bind(context.number(), id, int64_t{v1::PROPOSAL_STATE_OPEN},
                due_us / kHourUs, bytes);
    CONSENTRY_RETURN_IF_ERROR(insert.Run());
    store::v1::Leaf leaf =
        LeafOf(*registry->current(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("proposal=" + id);
    leaf.add_details("target=" + doc.target());
    leaf.add_details("state=proposed");
    context.SetEntry(CanonicalBytes(leaf));
    context.SetResult(result(id));
    return absl::OkStatus();
  };
  return change;
}

void Proposals::Propose(
    const CallerContext& caller, StoredProposal proposal,
    std::optional<store::RequestBinding> binding,
    std::function<std::string(const std::string& id)> result,
    store::ChangeCompletion done) {
  store::Change change =
      ProposeChange(caller, std::move(proposal), std::move(result));
  change.request = std::move(binding);
  options_.committer->CommitChange(std::move(change), std::move(done));
}

absl::Status Proposals::ProposeAndWait(const CallerContext& self,
                                       StoredProposal proposal) {
  return options_.committer
      ->CommitChangeAndWait(ProposeChange(
          self, std::move(proposal), [](const std::string& id) { return id; }))
      .status;
}

absl::StatusOr<ConfigurationWriter::Plan> Proposals::PlanFor(
    const CallerContext& caller, const Row& row) const {
  const auto builder = builders_.find(row.doc.method());
  if (builder == builders_.end()) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "this program does not know what was proposed");
  }
  CONSENTRY_ASSIGN_OR_RETURN(ConfigurationWriter::Edit edit,
                             builder->second(row.doc));
  ConfigurationWriter::Plan plan;
  plan.caller = caller;
  // What a widening takes away elsewhere is not worked out.
  plan.negative = true;
  plan.edit = [id = row.id, caller, edit = std::move(edit)](
                  store::Connection* writer, int64_t now,
                  ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(Row open, Read(writer, id));
    if (open.state != v1::PROPOSAL_STATE_OPEN ||
        now - open.doc.time_us() >= kLifetimeUs) {
      return NotOpen();
    }
    if (!open.doc.client_id().empty()) {
      const auto proposer = ReadClient(writer, open.doc.client_id());
      if (!proposer.ok() || proposer->state() != v1::CLIENT_STATE_ACTIVE) {
        return MakeError(v1::ERROR_REASON_STATE_INVALID,
                         "its proposer is no active registration any more");
      }
    }
    CONSENTRY_RETURN_IF_ERROR(edit(writer, now, draft));
    open.doc.set_decided_by(caller.client_id);
    open.doc.set_decider(PersonOf(caller));
    open.doc.set_decided_us(now);
    open.state = v1::PROPOSAL_STATE_APPROVED;
    CONSENTRY_RETURN_IF_ERROR(Close(writer, open, open.state));
    draft->details.push_back("proposal=" + id);
    draft->details.push_back("method=" + open.doc.method());
    if (!open.doc.client_id().empty()) {
      draft->details.push_back("proposed_by=" + open.doc.client_id());
    }
    if (!open.doc.person().empty()) {
      draft->details.push_back("proposer=" + open.doc.person());
    }
    draft->result = Show(open).SerializeAsString();
    return absl::OkStatus();
  };
  return plan;
}

namespace {

// Hands a kept v1::Proposal over.
store::ChangeCompletion Tell(Proposals::Done done) {
  return [done = std::move(done)](store::ChangeOutcome outcome) mutable {
    if (!outcome.status.ok()) {
      done(std::move(outcome.status));
      return;
    }
    v1::Proposal proposal;
    if (proposal.ParseFromString(outcome.result)) {
      done(std::move(proposal));
    } else {
      done(MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a kept result does not parse"));
    }
  };
}

}  // namespace

void Proposals::Approve(const CallerContext& caller,
                        const v1::ApproveProposalRequest& request, Done done) {
  const auto plan = [&]() -> absl::StatusOr<ConfigurationWriter::Plan> {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const Row row, Read(lease.get(), request.id()));
    if (!IsAnother(caller, row.doc)) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "whoever proposes does not approve: it takes another "
                       "person");
    }
    if (row.state != v1::PROPOSAL_STATE_OPEN && request.request_id().empty()) {
      return NotOpen();
    }
    CONSENTRY_ASSIGN_OR_RETURN(auto made, PlanFor(caller, row));
    v1::ApproveProposalRequest canonical = request;
    canonical.clear_request_id();
    made.request = BindRequest(caller, request.request_id(), canonical);
    return made;
  };
  auto made = plan();
  if (!made.ok()) {
    done(made.status());
    return;
  }
  options_.writer->Commit(*std::move(made), Tell(std::move(done)));
}

void Proposals::Reject(const CallerContext& caller,
                       const v1::RejectProposalRequest& request, Done done) {
  store::Change change;
  change.negative = true;
  v1::RejectProposalRequest canonical = request;
  canonical.clear_request_id();
  change.request = BindRequest(caller, request.request_id(), canonical);
  change.apply = [registry = options_.registry, caller,
                  request](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(Row row,
                               Read(context.connection(), request.id()));
    if (row.state != v1::PROPOSAL_STATE_OPEN) return NotOpen();
    row.state = IsAnother(caller, row.doc) ? v1::PROPOSAL_STATE_REJECTED
                                           : v1::PROPOSAL_STATE_WITHDRAWN;
    row.doc.set_decided_by(caller.client_id);
    row.doc.set_decider(PersonOf(caller));
    row.doc.set_decided_us(context.now_us());
    row.doc.set_reason_code(request.reason_code());
    CONSENTRY_RETURN_IF_ERROR(Close(context.connection(), row, row.state));
    CallerContext told = caller;
    told.context.set_reason_code(request.reason_code());
    store::v1::Leaf leaf = LeafOf(*registry->current(), told, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("proposal=" + row.id);
    leaf.add_details(row.state == v1::PROPOSAL_STATE_REJECTED
                         ? "state=rejected"
                         : "state=withdrawn");
    context.SetEntry(CanonicalBytes(leaf));
    context.SetResult(Show(row).SerializeAsString());
    return absl::OkStatus();
  };
  options_.committer->CommitChange(std::move(change), Tell(std::move(done)));
}

absl::StatusOr<v1::ListProposalsResponse> Proposals::List(
    store::Connection* connection, v1::ProposalState state, int64_t before,
    int limit, int64_t* next) const {
  if (state == v1::PROPOSAL_STATE_UNSPECIFIED) {
    state = v1::PROPOSAL_STATE_OPEN;
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "SELECT proposal_no, proposal_id, doc FROM proposals WHERE state = "
          "$1 AND proposal_no < $2 ORDER BY proposal_no DESC LIMIT $3"));
  query.Bind(int64_t{state}, before, int64_t{limit} + 1);
  v1::ListProposalsResponse page;
  *next = 0;
  int64_t last = 0;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) break;
    if (page.proposals_size() == limit) {
      *next = last;
      break;
    }
    Row row;
    row.number = query.Int64(0);
    row.id = std::string(query.Blob(1));
    row.state = state;
    const std::string_view doc = query.Blob(2);
    if (!row.doc.ParseFromArray(doc.data(), static_cast<int>(doc.size()))) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a kept proposal does not parse");
    }
    *page.add_proposals() = Show(row);
    last = row.number;
  }
  return page;
}

absl::StatusOr<int64_t> Proposals::CountOpen(
    store::Connection* connection) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT count(*) FROM proposals WHERE state = $1"));
  query.Bind(int64_t{v1::PROPOSAL_STATE_OPEN});
  CONSENTRY_RETURN_IF_ERROR(query.Step().status());
  return query.Int64(0);
}

absl::Status Proposals::Supersede(const std::string& id) {
  return End(id, v1::PROPOSAL_STATE_WITHDRAWN, "superseded");
}

absl::Status Proposals::End(const std::string& id, v1::ProposalState state,
                            const std::string& why) {
  store::Change change;
  change.apply = [registry = options_.registry, id, state,
                  why](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(Row open, Read(context.connection(), id));
    if (open.state != v1::PROPOSAL_STATE_OPEN) return NotOpen();
    open.doc.set_decided_us(context.now_us());
    open.doc.set_reason_code(why);
    CONSENTRY_RETURN_IF_ERROR(Close(context.connection(), open, state));
    CallerContext self;
    self.event = "system.proposal_ended";
    store::v1::Leaf leaf = LeafOf(*registry->current(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("proposal=" + id);
    leaf.add_details("state=" + why);
    context.SetEntry(CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  return options_.committer->CommitChangeAndWait(std::move(change)).status;
}

absl::Status Proposals::RunDue() {
  const int64_t now_us = options_.committer->NowUs();
  std::vector<Row> due;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    std::vector<std::string> ids;
    {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto query, lease->Prepare("SELECT proposal_id FROM proposals WHERE "
                                     "state = $1 AND due_hour <= $2 ORDER BY "
                                     "due_hour LIMIT $3"));
      query.Bind(int64_t{v1::PROPOSAL_STATE_OPEN}, now_us / kHourUs, kMostDue);
      for (;;) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
        if (!more) break;
        ids.emplace_back(query.Blob(0));
      }
    }
    for (const std::string& id : ids) {
      CONSENTRY_ASSIGN_OR_RETURN(Row row, Read(lease.get(), id));
      due.push_back(std::move(row));
    }
  }
  absl::Status worst;
  for (const Row& row : due) {
    absl::Status status;
    if (now_us - row.doc.time_us() >= kLifetimeUs) {
      status = End(row.id, v1::PROPOSAL_STATE_EXPIRED, "expired");
    } else if (options_.rules.mode == ApprovalRules::Mode::kAfterWait &&
               row.doc.effective_us() != 0 &&
               row.doc.effective_us() <= now_us) {
      CallerContext self;
      self.event = "system.proposal_effective";
      auto plan = PlanFor(self, row);
      status = plan.ok()
                   ? options_.writer->CommitAndWait(*std::move(plan)).status
                   : plan.status();
      // What was refused stays refused; a store that was busy did not refuse.
      if (!status.ok() && !absl::IsUnavailable(status)) {
        status = End(row.id, v1::PROPOSAL_STATE_FAILED, "failed");
      }
    }
    if (!status.ok()) worst = status;
  }
  return worst;
}

}  // namespace consentry::clients
