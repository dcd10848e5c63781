#include "gateway/erasure/holdings.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/vault/field_number.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/record_number.h"
#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

using store::Query;

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a record is not one of ours");
}

using Names = std::map<uint32_t, std::string>;

Names NamesOf(const policy::Bundle& bundle) {
  Names names;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const std::string& name =
        bundle.field_name(static_cast<policy::FieldId>(i));
    names[vault::FieldNumber(name)] = name;
  }
  return names;
}

absl::Status ReadRecords(store::Connection* connection,
                         const policy::Bundle& bundle, Member* member) {
  const Names names = NamesOf(bundle);
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(
          "SELECT record_no, kind, record_id, row_gen, fields FROM records "
          "WHERE record_no BETWEEN $1 AND $2 ORDER BY record_no"));
  query.Bind(vault::RecordNumber(member->subject(), 0, 0),
             vault::RecordNumber(member->subject(), vault::kMaxKindPosition,
                                 vault::kMaxRecordIndex));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return absl::OkStatus();
    HeldRecord record;
    record.number = query.Int64(0);
    const auto position = static_cast<int>(
        record.number >> vault::kRecordIndexBits & vault::kMaxKindPosition);
    if (position >= member->head.kinds_size()) return Corrupt();
    record.kind = member->head.kinds(position).kind();
    // What an erasure has taken and not yet removed.
    if (record.kind.empty()) continue;
    record.kind_number = static_cast<uint32_t>(query.Int64(1));
    const std::string_view id = query.Blob(2);
    record.row_generation = static_cast<uint32_t>(query.Int64(3));
    const std::string_view fields = query.Blob(4);
    if (id.size() != record.id.size() ||
        !record.blob.ParseFromArray(fields.data(),
                                    static_cast<int>(fields.size()))) {
      return Corrupt();
    }
    std::copy(id.begin(), id.end(), record.id.begin());
    CONSENTRY_ASSIGN_OR_RETURN(
        record.meta, vault::OpenMeta(member->keys, record.id, record.kind,
                                     record.row_generation, record.blob));
    for (const store::v1::SealedField& field : record.blob.fields()) {
      const auto known = names.find(field.field());
      record.fields.push_back(
          known != names.end()
              ? known->second
              : absl::StrCat(record.kind, ".#", field.field()));
    }
    member->records.push_back(std::move(record));
  }
}

void AddOutcome(std::string_view target,
                std::vector<store::v1::ErasedField>* outcomes) {
  outcomes->emplace_back().set_field(std::string(target));
}

}  // namespace

Member::~Member() {
  vault::WipeMessage(&head);
  for (HeldRecord& record : records) vault::WipeMessage(&record.meta);
}

absl::StatusOr<Member> ReadMember(store::Connection* connection,
                                  const crypto::SlotFile& slots,
                                  const policy::Bundle& bundle,
                                  uint64_t subject) {
  absl::StatusOr<crypto::SubjectKeys> keys = slots.Load(subject);
  if (absl::IsFailedPrecondition(keys.status())) {
    return absl::NotFoundError("the subject's keys are destroyed");
  }
  if (!keys.ok()) return keys.status();
  Member member(*std::move(keys));
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query,
        connection->Prepare(
            "SELECT version, head FROM subjects WHERE subject = $1"));
    query.Bind(static_cast<int64_t>(subject));
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return absl::NotFoundError("no such subject");
    member.version = query.Int64(0);
    CONSENTRY_ASSIGN_OR_RETURN(
        member.head,
        vault::OpenHead(member.keys, member.version, query.Blob(1)));
  }
  CONSENTRY_RETURN_IF_ERROR(ReadRecords(connection, bundle, &member));
  return member;
}

absl::StatusOr<std::vector<Member>> ReadMembers(store::Connection* connection,
                                                const crypto::SlotFile& slots,
                                                const policy::Bundle& bundle,
                                                uint64_t subject) {
  std::vector<Member> members;
  CONSENTRY_ASSIGN_OR_RETURN(Member first,
                             ReadMember(connection, slots, bundle, subject));
  members.push_back(std::move(first));
  const std::vector<int64_t> links(members[0].head.links().begin(),
                                   members[0].head.links().end());
  for (const int64_t other : links) {
    absl::StatusOr<Member> member =
        ReadMember(connection, slots, bundle, static_cast<uint64_t>(other));
    if (absl::IsNotFound(member.status())) continue;
    if (!member.ok()) return member.status();
    members.push_back(*std::move(member));
  }
  return members;
}

GroupPlan PlanGroup(const policy::Bundle& bundle,
                    const std::vector<Member>& members,
                    const std::vector<policy::Retained>& retained,
                    int64_t now_us) {
  std::vector<policy::HeldValue> values;
  for (const Member& member : members) {
    for (const HeldRecord& record : member.records) {
      for (const std::string& field : record.fields) {
        values.push_back({field, record.meta.collected_us()});
      }
    }
  }
  const policy::ErasurePlan plan = policy::PlanErasure(
      bundle.catalog(), bundle.profile(), values, retained, now_us);

  GroupPlan group;
  group.next_us = plan.next_us;
  size_t value = 0;
  bool identifiers = false, facts = false, choices = false;
  for (const Member& member : members) {
    bool keeps = false;
    for (const HeldRecord& record : member.records) {
      store::v1::KeptRecord kept;
      kept.set_number(record.number);
      for (int i = 0; i < record.blob.fields_size(); ++i) {
        if (plan.values[value++].has_value()) {
          kept.add_fields(record.blob.fields(i).field());
        }
      }
      if (kept.fields().empty()) continue;
      keeps = true;
      group.kept.push_back(std::move(kept));
    }
    if (keeps) group.keeping.push_back(member.subject());
    const store::v1::SubjectHead& head = member.head;
    identifiers = identifiers || !head.identifiers().empty();
    facts = facts || !head.residences().empty() || !head.locations().empty() ||
            !head.birth_dates().empty();
    choices = choices || head.consent_events() > 0 ||
              !head.objections().empty() || !head.opt_outs().empty();
  }
  for (const policy::PlannedField& planned : plan.fields) {
    store::v1::ErasedField& outcome = group.outcomes.emplace_back();
    outcome.set_field(planned.field);
    if (!planned.kept.has_value()) continue;
    outcome.set_kept(true);
    outcome.set_ground(planned.kept->ground);
    outcome.set_document(planned.kept->document);
    outcome.set_until_us(planned.kept->until_us);
  }
  if (identifiers) AddOutcome("identifiers", &group.outcomes);
  if (facts) AddOutcome("facts", &group.outcomes);
  if (choices) AddOutcome("choices", &group.outcomes);
  return group;
}

}  // namespace consentry::erasure
