#include "gateway/rights/agent_book.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/vault/head_edit.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::rights {
namespace {

using store::v1::AgentDoc;

constexpr uint32_t kSchema = 1;
constexpr size_t kDigestBytes = 32;

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored agent does not open");
}
absl::Status NoAgent() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no agent has this id");
}

std::string_view BytesOf(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

crypto::FactContext ContextOf(const crypto::ObjectId& id, uint32_t generation) {
  return {crypto::FactTable::kRightsAgent, id, "", kSchema, generation};
}

absl::StatusOr<AgentDoc> Open(const crypto::SubjectKeys& keys,
                              const crypto::ObjectId& id, uint32_t generation,
                              std::string_view sealed) {
  const auto opened =
      crypto::FactOpener::Open(keys, ContextOf(id, generation), sealed);
  AgentDoc doc;
  if (!opened.ok() ||
      !doc.ParseFromArray(opened->view().data(),
                          static_cast<int>(opened->view().size()))) {
    return Corrupt();
  }
  return doc;
}

bool IsHexDigest(std::string_view text) {
  return text.size() == 2 * kDigestBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isxdigit(c); });
}

v1::Agent Show(const AgentDoc& doc, const std::string& subject_id) {
  v1::Agent agent;
  agent.set_id(doc.id());
  agent.set_subject_id(subject_id);
  agent.set_display_name(doc.display_name());
  for (const int kind : doc.kinds()) {
    agent.add_kinds(static_cast<v1::RightsKind>(kind));
  }
  for (const int choice : doc.choices()) {
    agent.add_choices(static_cast<v1::ConsentAction>(choice));
  }
  agent.set_guardian(doc.guardian());
  agent.set_permission_digest(absl::BytesToHexString(doc.permission_digest()));
  if (doc.expire_us() != 0)
    SetTime(doc.expire_us(), agent.mutable_expire_time());
  if (doc.revoke_us() != 0)
    SetTime(doc.revoke_us(), agent.mutable_revoke_time());
  return agent;
}

absl::StatusOr<AgentDoc> DocOf(const v1::Agent& agent) {
  absl::Status fault =
      MakeError(v1::ERROR_REASON_FIELD_INVALID, "the agent is not complete");
  bool faulty = false;
  const auto add = [&](const char* field, const char* description) {
    AddFieldViolation(&fault, {field, description});
    faulty = true;
  };
  AgentDoc doc;
  if (agent.display_name().empty() || agent.display_name().size() > 256) {
    add("agent.display_name", "must have 1 to 256 bytes");
  }
  if (agent.kinds().empty() && agent.choices().empty() && !agent.guardian()) {
    add("agent.kinds", "at least one, or a choice");
  }
  const std::set<int> kinds(agent.kinds().begin(), agent.kinds().end());
  for (const int kind : kinds) {
    if (kind == v1::RIGHTS_KIND_UNSPECIFIED || !v1::RightsKind_IsValid(kind)) {
      add("agent.kinds", "no such kind");
      break;
    }
    doc.add_kinds(kind);
  }
  const std::set<int> choices(agent.choices().begin(), agent.choices().end());
  for (const int choice : choices) {
    if (choice == v1::CONSENT_ACTION_UNSPECIFIED ||
        !v1::ConsentAction_IsValid(choice)) {
      add("agent.choices", "no such choice");
      break;
    }
    doc.add_choices(choice);
  }
  if (IsHexDigest(agent.permission_digest())) {
    doc.set_permission_digest(
        absl::HexStringToBytes(agent.permission_digest()));
  } else {
    add("agent.permission_digest", "must be SHA-256, 64 hexadecimal digits");
  }
  if (faulty) return fault;
  doc.set_id(crypto::NewId(crypto::IdKind::kAgent));
  doc.set_display_name(agent.display_name());
  doc.set_guardian(agent.guardian());
  if (agent.has_expire_time()) {
    doc.set_expire_us(MicrosOf(agent.expire_time()));
  }
  return doc;
}

}  // namespace

absl::StatusOr<AgentBook::Row> AgentBook::Read(store::Connection* connection,
                                               const crypto::SlotFile& slots,
                                               const crypto::ObjectId& id) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT agent_no, subject, row_gen, doc "
                          "FROM rights_agents WHERE agent_id = $1"));
  query.Bind(BytesOf(id));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return NoAgent();
  Row row;
  row.agent_no = query.Int64(0);
  row.id = id;
  row.subject = static_cast<uint64_t>(query.Int64(1));
  row.row_generation = static_cast<uint32_t>(query.Int64(2));
  const auto keys = slots.Load(row.subject);
  // Erased: destroyed, or freed since.
  if (absl::IsFailedPrecondition(keys.status()) ||
      absl::IsNotFound(keys.status())) {
    return NoAgent();
  }
  CONSENTRY_RETURN_IF_ERROR(keys.status());
  CONSENTRY_ASSIGN_OR_RETURN(
      row.doc, Open(*keys, row.id, row.row_generation, query.Blob(3)));
  return row;
}

void AgentBook::Commit(const clients::CallerContext& caller,
                       std::string request_id, std::string canonical,
                       bool negative,
                       std::function<absl::Status(store::ChangeContext&)> apply,
                       Done done) const {
  store::Change change;
  change.negative = negative;
  if (!request_id.empty()) {
    change.request =
        store::RequestBinding{caller.client_id, std::move(request_id),
                              caller.method, options_.digests->Of(canonical)};
  }
  change.apply = std::move(apply);
  options_.committer->CommitChange(
      std::move(change),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        v1::Agent agent;
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
        } else if (!agent.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
        } else {
          done(std::move(agent));
        }
      });
}

void AgentBook::Authorize(const clients::CallerContext& caller,
                          const v1::AuthorizeAgentRequest& request,
                          Done done) const {
  auto doc = DocOf(request.agent());
  if (!doc.ok()) {
    done(doc.status());
    return;
  }
  const auto find = [&]() -> absl::StatusOr<uint64_t> {
    CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                               options_.subjects->MakeKey(request.subject()));
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                               options_.subjects->Resolve(lease.get(), key));
    if (subject) return *subject;
    return MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                     "no such customer, or not open to this caller");
  };
  const auto subject = find();
  if (!subject.ok()) {
    done(subject.status());
    return;
  }
  v1::AuthorizeAgentRequest canonical = request;
  canonical.clear_request_id();
  Commit(
      caller, request.request_id(), canonical.SerializeAsString(),
      /*negative=*/false,
      [this, caller, subject = *subject,
       doc = *std::move(doc)](store::ChangeContext& context) -> absl::Status {
        auto head = vault::HeadEdit::Begin(&context, *options_.slots, subject);
        CONSENTRY_RETURN_IF_ERROR(head.status());
        CONSENTRY_ASSIGN_OR_RETURN(
            const crypto::ObjectId id,
            crypto::ParseId(crypto::IdKind::kAgent, doc.id()));
        CONSENTRY_ASSIGN_OR_RETURN(
            const std::string sealed,
            crypto::Sealer::Seal(head->keys(), ContextOf(id, 1),
                                 doc.SerializeAsString()));
        CONSENTRY_ASSIGN_OR_RETURN(
            auto query,
            context.connection()->Prepare(
                "INSERT INTO rights_agents (agent_no, agent_id, subject, "
                "row_gen, doc) VALUES ($1, $2, $3, $4, $5)"));
        query.Bind(context.number(), BytesOf(id), static_cast<int64_t>(subject),
                   1, sealed);
        CONSENTRY_RETURN_IF_ERROR(query.Run());
        store::v1::Leaf leaf = clients::LeafOf(*options_.configuration(),
                                               caller, context.now_us());
        leaf.set_change_number(static_cast<uint64_t>(context.number()));
        leaf.add_details("agent=" + doc.id());
        const crypto::SubjectTag tag =
            crypto::ComputeSubjectTag(head->keys(), options_.log_origin,
                                      crypto::MonthOf(context.now_us()));
        const std::string subject_id = head->head().public_id();
        CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
        auto* told = leaf.add_subjects();
        told->set_tag(tag.data(), tag.size());
        told->set_version(static_cast<uint64_t>(context.number()));
        told->add_changes("agent=authorized");
        context.SetEntry(leaf.SerializeAsString());
        context.SetResult(Show(doc, subject_id).SerializeAsString());
        return absl::OkStatus();
      },
      std::move(done));
}

absl::Status AgentBook::RevokeIn(store::Connection* connection,
                                 const crypto::SubjectKeys& keys,
                                 std::string_view agent_id, int64_t now_us) {
  const auto id = crypto::ParseId(crypto::IdKind::kAgent, agent_id);
  if (!id.ok()) return NoAgent();
  CONSENTRY_ASSIGN_OR_RETURN(
      auto found,
      connection->Prepare("SELECT agent_no, row_gen, doc FROM rights_agents "
                          "WHERE agent_id = $1 AND subject = $2"));
  found.Bind(BytesOf(*id), static_cast<int64_t>(keys.subject()));
  CONSENTRY_ASSIGN_OR_RETURN(const bool here, found.Step());
  if (!here) return NoAgent();
  const int64_t agent_no = found.Int64(0);
  const auto generation = static_cast<uint32_t>(found.Int64(1));
  CONSENTRY_ASSIGN_OR_RETURN(AgentDoc doc,
                             Open(keys, *id, generation, found.Blob(2)));
  if (doc.revoke_us() != 0) return absl::OkStatus();
  doc.set_revoke_us(now_us);
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::Sealer::Seal(keys, ContextOf(*id, generation + 1),
                           doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("UPDATE rights_agents SET row_gen = $2, "
                                      "doc = $3 WHERE agent_no = $1"));
  return query.Bind(agent_no, generation + 1, sealed).Run();
}

void AgentBook::Revoke(const clients::CallerContext& caller,
                       const v1::RevokeAgentRequest& request, Done done) const {
  const auto id = crypto::ParseId(crypto::IdKind::kAgent, request.id());
  if (!id.ok()) {
    done(NoAgent());
    return;
  }
  v1::RevokeAgentRequest canonical = request;
  canonical.clear_request_id();
  Commit(
      caller, request.request_id(), canonical.SerializeAsString(),
      /*negative=*/true,
      [this, caller, id = *id](store::ChangeContext& context) -> absl::Status {
        context.MarkNegative();
        CONSENTRY_ASSIGN_OR_RETURN(
            Row row, Read(context.connection(), *options_.slots, id));
        auto head =
            vault::HeadEdit::Begin(&context, *options_.slots, row.subject);
        CONSENTRY_RETURN_IF_ERROR(head.status());
        if (row.doc.revoke_us() == 0) row.doc.set_revoke_us(context.now_us());
        ++row.row_generation;
        CONSENTRY_ASSIGN_OR_RETURN(
            const std::string sealed,
            crypto::Sealer::Seal(head->keys(),
                                 ContextOf(row.id, row.row_generation),
                                 row.doc.SerializeAsString()));
        CONSENTRY_ASSIGN_OR_RETURN(auto query, context.connection()->Prepare(
                                                   "UPDATE rights_agents SET "
                                                   "row_gen = $2, doc = $3 "
                                                   "WHERE agent_no = $1"));
        query.Bind(row.agent_no, row.row_generation, sealed);
        CONSENTRY_RETURN_IF_ERROR(query.Run());
        store::v1::Leaf leaf = clients::LeafOf(*options_.configuration(),
                                               caller, context.now_us());
        leaf.set_change_number(static_cast<uint64_t>(context.number()));
        leaf.add_details("agent=" + row.doc.id());
        const crypto::SubjectTag tag =
            crypto::ComputeSubjectTag(head->keys(), options_.log_origin,
                                      crypto::MonthOf(context.now_us()));
        const std::string subject_id = head->head().public_id();
        CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
        auto* told = leaf.add_subjects();
        told->set_tag(tag.data(), tag.size());
        told->set_version(static_cast<uint64_t>(context.number()));
        told->add_changes("agent." + row.doc.id() + "=revoked");
        context.SetEntry(leaf.SerializeAsString());
        context.SetResult(Show(row.doc, subject_id).SerializeAsString());
        return absl::OkStatus();
      },
      std::move(done));
}

absl::StatusOr<std::vector<v1::Agent>> AgentBook::List(
    store::Connection* connection, const vault::CachedSubject& subject,
    int64_t after, size_t limit, int64_t* next) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT agent_no, agent_id, row_gen, doc "
                          "FROM rights_agents WHERE subject = $1 AND "
                          "($2 = 0 OR agent_no < $2) "
                          "ORDER BY agent_no DESC LIMIT $3"));
  query.Bind(static_cast<int64_t>(subject.subject()), after,
             static_cast<int64_t>(limit));
  std::vector<v1::Agent> agents;
  *next = 0;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) break;
    crypto::ObjectId id{};
    const std::string_view bytes = query.Blob(1);
    if (bytes.size() != id.size()) return Corrupt();
    std::copy(bytes.begin(), bytes.end(), id.begin());
    CONSENTRY_ASSIGN_OR_RETURN(
        const AgentDoc doc,
        Open(subject.keys(), id, static_cast<uint32_t>(query.Int64(2)),
             query.Blob(3)));
    agents.push_back(Show(doc, subject.head().public_id()));
    *next = query.Int64(0);
  }
  if (agents.size() < limit) *next = 0;
  return agents;
}

absl::StatusOr<AgentBook::Recorded> AgentBook::Find(
    store::Connection* connection, std::string_view agent_id) const {
  const auto id = crypto::ParseId(crypto::IdKind::kAgent, agent_id);
  if (!id.ok()) return NoAgent();
  CONSENTRY_ASSIGN_OR_RETURN(Row row, Read(connection, *options_.slots, *id));
  return Recorded{row.subject, std::move(row.doc)};
}

absl::StatusOr<AgentDoc> AgentBook::FindPower(store::Connection* connection,
                                              const crypto::SubjectKeys& keys,
                                              std::string_view agent_id,
                                              int64_t now_us) const {
  CONSENTRY_ASSIGN_OR_RETURN(Recorded found, Find(connection, agent_id));
  if (found.subject != keys.subject() || found.doc.revoke_us() != 0 ||
      (found.doc.expire_us() != 0 && found.doc.expire_us() <= now_us)) {
    return NoAgent();
  }
  return std::move(found.doc);
}

}  // namespace consentry::rights
