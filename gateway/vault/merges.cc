#include "gateway/vault/merges.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "gateway/crypto/subject_tag.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/head_edit.h"
#include "gateway/vault/subject_reader.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

using store::ChangeContext;
using store::Query;

constexpr int64_t kMergesPerChange = 1 << 16;

absl::Status WrongState(std::string_view message) {
  return MakeError(v1::ERROR_REASON_STATE_INVALID, message);
}

std::set<uint64_t> MembersOf(uint64_t subject,
                             const store::v1::SubjectHead& head) {
  std::set<uint64_t> members = {subject};
  for (int64_t other : head.links()) {
    members.insert(static_cast<uint64_t>(other));
  }
  return members;
}

void SetLinks(const std::set<uint64_t>& members, uint64_t self,
              store::v1::SubjectHead* head) {
  head->clear_links();
  for (uint64_t member : members) {
    if (member != self) head->add_links(static_cast<int64_t>(member));
  }
}

struct Row {
  uint64_t subject = 0;
  uint64_t other = 0;
  int64_t state = 0;
  std::string grounds;
};

absl::StatusOr<Row> ReadRow(store::Connection* connection, int64_t merge_id) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare("SELECT subject, into_subject, state, doc "
                          "FROM merges WHERE merge_id = $1"));
  query.Bind(merge_id);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return WrongState("there is no such merge");
  Row row;
  row.subject = static_cast<uint64_t>(query.Int64(0));
  row.other = static_cast<uint64_t>(query.Int64(1));
  row.state = query.Int64(2);
  row.grounds = std::string(query.Blob(3));
  return row;
}

absl::Status WriteRow(ChangeContext& context, int64_t merge_id, const Row& row,
                      MergeState state) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      context.connection()->Prepare(
          "INSERT INTO merges (merge_id, subject, into_subject, state, "
          "change_number, doc) VALUES ($1, $2, $3, $4, $5, $6) "
          "ON CONFLICT (merge_id) DO UPDATE SET state = excluded.state, "
          "change_number = excluded.change_number, doc = excluded.doc"));
  return query
      .Bind(merge_id, static_cast<int64_t>(row.subject),
            static_cast<int64_t>(row.other), static_cast<int64_t>(state),
            context.number(), row.grounds)
      .Run();
}

// The merges in force that touch `subject`.
absl::StatusOr<std::vector<std::pair<uint64_t, uint64_t>>> EdgesOf(
    store::Connection* connection, uint64_t subject, int64_t but) {
  std::vector<std::pair<uint64_t, uint64_t>> edges;
  for (std::string_view sql :
       {std::string_view("SELECT merge_id, subject, into_subject, state "
                         "FROM merges WHERE subject = $1"),
        std::string_view("SELECT merge_id, subject, into_subject, state "
                         "FROM merges WHERE into_subject = $1")}) {
    CONSENTRY_ASSIGN_OR_RETURN(Query query, connection->Prepare(sql));
    query.Bind(static_cast<int64_t>(subject));
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      if (query.Int64(0) == but ||
          query.Int64(3) != static_cast<int64_t>(MergeState::kMerged)) {
        continue;
      }
      edges.emplace_back(static_cast<uint64_t>(query.Int64(1)),
                         static_cast<uint64_t>(query.Int64(2)));
    }
  }
  return edges;
}

// Everybody whom merges in force, but for one, join with `subject`.
absl::StatusOr<std::set<uint64_t>> ComponentOf(store::Connection* connection,
                                               uint64_t subject, int64_t but) {
  std::set<uint64_t> members = {subject};
  std::vector<uint64_t> open = {subject};
  while (!open.empty()) {
    const uint64_t next = open.back();
    open.pop_back();
    using Edges = std::vector<std::pair<uint64_t, uint64_t>>;
    CONSENTRY_ASSIGN_OR_RETURN(const Edges edges,
                               EdgesOf(connection, next, but));
    for (const auto& [a, b] : edges) {
      for (uint64_t end : {a, b}) {
        if (members.insert(end).second) open.push_back(end);
      }
    }
  }
  return members;
}

constexpr std::string_view kSelectRecords =
    "SELECT m.merge_id, m.subject, m.into_subject, m.state, m.change_number, "
    "m.doc, s.public_id, o.public_id FROM merges m "
    "JOIN subjects s ON s.subject = m.subject "
    "JOIN subjects o ON o.subject = m.into_subject ";

absl::StatusOr<crypto::ObjectId> AsId(std::string_view bytes) {
  crypto::ObjectId id;
  if (bytes.size() != id.size()) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT, "an id is not whole");
  }
  std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

// The row of kSelectRecords that `query` stands on.
absl::StatusOr<MergeRecord> ReadRecord(const crypto::SlotFile& slots,
                                       Query& query) {
  MergeRecord record;
  record.merge_id = query.Int64(0);
  record.subject = static_cast<uint64_t>(query.Int64(1));
  record.other = static_cast<uint64_t>(query.Int64(2));
  record.state = static_cast<MergeState>(query.Int64(3));
  record.change_number = query.Int64(4);
  CONSENTRY_ASSIGN_OR_RETURN(record.subject_id, AsId(query.Blob(6)));
  CONSENTRY_ASSIGN_OR_RETURN(record.other_id, AsId(query.Blob(7)));
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::SubjectKeys keys,
                             slots.Load(record.subject));
  CONSENTRY_ASSIGN_OR_RETURN(record.grounds,
                             OpenGrounds(keys, record.other, query.Blob(5)));
  return record;
}

class LeafBuilder {
 public:
  LeafBuilder(const ChangeContext& context, const store::v1::Leaf& leaf,
              std::string_view log_origin)
      : leaf_(leaf),
        log_origin_(log_origin),
        month_(crypto::MonthOf(context.now_us())),
        number_(context.number()) {
    leaf_.set_time_us(context.now_us());
    leaf_.set_change_number(static_cast<uint64_t>(number_));
  }

  // In the order of HeadEdit::Write.
  void Add(const HeadEdit& edit, std::string_view change) {
    const crypto::SubjectTag tag =
        crypto::ComputeSubjectTag(edit.keys(), log_origin_, month_);
    store::v1::LeafSubject* subject = leaf_.add_subjects();
    subject->set_tag(std::string(tag.begin(), tag.end()));
    subject->set_version(static_cast<uint64_t>(number_));
    subject->set_effect(v1::EFFECT_PERMIT);
    subject->add_changes(std::string(change));
  }

  void Name(int64_t merge_id) {
    leaf_.add_details("merge=" + std::to_string(merge_id));
  }

  std::string Finish() const { return leaf_.SerializeAsString(); }

 private:
  store::v1::Leaf leaf_;
  const std::string_view log_origin_;
  const crypto::Month month_;
  const int64_t number_;
};

}  // namespace

store::Change Merges::Merge(uint64_t subject, uint64_t other,
                            Decision decision) const {
  store::Change change;
  change.negative = true;
  change.apply = [options = options_, subject, other,
                  decision = std::move(decision)](ChangeContext& context) {
    return Merges(options).ApplyMerge(context, subject, other, decision);
  };
  return change;
}

store::Change Merges::Undo(int64_t merge_id, Decision decision) const {
  store::Change change;
  change.negative = true;
  change.apply = [options = options_, merge_id,
                  decision = std::move(decision)](ChangeContext& context) {
    return Merges(options).ApplyUndo(context, merge_id, decision);
  };
  return change;
}

store::Change Merges::Dismiss(int64_t merge_id, Decision decision) const {
  store::Change change;
  change.apply = [options = options_, merge_id,
                  decision = std::move(decision)](ChangeContext& context) {
    return Merges(options).ApplyDismiss(context, merge_id, decision);
  };
  return change;
}

absl::Status Merges::ApplyMerge(ChangeContext& context, uint64_t subject,
                                uint64_t other,
                                const Decision& decision) const {
  if (subject == other) return WrongState("a subject is one with itself");
  CONSENTRY_ASSIGN_OR_RETURN(
      HeadEdit first, HeadEdit::Begin(&context, *options_.slots, subject));
  CONSENTRY_ASSIGN_OR_RETURN(HeadEdit second,
                             HeadEdit::Begin(&context, *options_.slots, other));
  std::set<uint64_t> members = MembersOf(subject, first.head());
  if (members.find(other) != members.end()) {
    return WrongState("they are joined already");
  }
  members.merge(MembersOf(other, second.head()));
  if (members.size() > kMaxGroup) {
    return MakeError(v1::ERROR_REASON_TOO_LARGE,
                     "more subjects than may be joined");
  }

  LeafBuilder leaf(context, decision.leaf, options_.log_origin);
  for (uint64_t member : members) {
    CONSENTRY_ASSIGN_OR_RETURN(
        HeadEdit edit, HeadEdit::Begin(&context, *options_.slots, member));
    SetLinks(members, member, &edit.head());
    CONSENTRY_RETURN_IF_ERROR(edit.Write(options_.cache));
    leaf.Add(edit, "link=merged");
  }

  store::v1::MergeGrounds grounds;
  grounds.set_ground("human");
  grounds.set_decided_by(decision.decided_by);
  grounds.set_note(decision.note);
  grounds.set_time_us(context.now_us());
  Row row;
  row.subject = subject;
  row.other = other;
  // A candidate that led here becomes the merge.
  int64_t merge_id = context.number() * kMergesPerChange;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query,
        context.connection()->Prepare(
            "SELECT merge_id, subject, into_subject FROM merges WHERE "
            "state = $1 AND ((subject = $2 AND into_subject = $3) OR "
            "(subject = $3 AND into_subject = $2)) ORDER BY merge_id LIMIT 1"));
    query.Bind(static_cast<int64_t>(MergeState::kCandidate),
               static_cast<int64_t>(subject), static_cast<int64_t>(other));
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (found) {
      merge_id = query.Int64(0);
      row.subject = static_cast<uint64_t>(query.Int64(1));
      row.other = static_cast<uint64_t>(query.Int64(2));
    }
  }
  const crypto::SubjectKeys& keys =
      row.subject == subject ? first.keys() : second.keys();
  CONSENTRY_ASSIGN_OR_RETURN(row.grounds,
                             SealGrounds(keys, row.other, grounds));
  CONSENTRY_RETURN_IF_ERROR(
      WriteRow(context, merge_id, row, MergeState::kMerged));
  leaf.Name(merge_id);
  context.SetEntry(leaf.Finish());
  return SetResult(context, merge_id, decision);
}

absl::Status Merges::SetResult(ChangeContext& context, int64_t merge_id,
                               const Decision& decision) const {
  if (!decision.result) {
    context.SetResult(std::to_string(merge_id));
    return absl::OkStatus();
  }
  CONSENTRY_ASSIGN_OR_RETURN(const MergeRecord record,
                             Get(context.connection(), merge_id));
  context.SetResult(decision.result(record));
  return absl::OkStatus();
}

absl::Status Merges::ApplyUndo(ChangeContext& context, int64_t merge_id,
                               const Decision& decision) const {
  store::Connection* connection = context.connection();
  CONSENTRY_ASSIGN_OR_RETURN(Row row, ReadRow(connection, merge_id));
  if (row.state != static_cast<int64_t>(MergeState::kMerged)) {
    return WrongState("the merge is not in force");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      HeadEdit first, HeadEdit::Begin(&context, *options_.slots, row.subject));
  CONSENTRY_ASSIGN_OR_RETURN(store::v1::MergeGrounds grounds,
                             OpenGrounds(first.keys(), row.other, row.grounds));

  LeafBuilder leaf(context, decision.leaf, options_.log_origin);
  for (uint64_t member : MembersOf(row.subject, first.head())) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::set<uint64_t> component,
                               ComponentOf(connection, member, merge_id));
    CONSENTRY_ASSIGN_OR_RETURN(
        HeadEdit edit, HeadEdit::Begin(&context, *options_.slots, member));
    if (MembersOf(member, edit.head()) == component) continue;
    SetLinks(component, member, &edit.head());
    CONSENTRY_RETURN_IF_ERROR(edit.Write(options_.cache));
    leaf.Add(edit, "link=undone");
  }
  grounds.set_undone_by(decision.decided_by);
  grounds.set_undone_us(context.now_us());
  CONSENTRY_ASSIGN_OR_RETURN(row.grounds,
                             SealGrounds(first.keys(), row.other, grounds));
  CONSENTRY_RETURN_IF_ERROR(
      WriteRow(context, merge_id, row, MergeState::kUndone));
  leaf.Name(merge_id);
  context.SetEntry(leaf.Finish());
  return SetResult(context, merge_id, decision);
}

absl::Status Merges::ApplyDismiss(ChangeContext& context, int64_t merge_id,
                                  const Decision& decision) const {
  CONSENTRY_ASSIGN_OR_RETURN(Row row, ReadRow(context.connection(), merge_id));
  if (row.state != static_cast<int64_t>(MergeState::kCandidate)) {
    return WrongState("the merge is no candidate");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      HeadEdit subject,
      HeadEdit::Begin(&context, *options_.slots, row.subject));
  CONSENTRY_ASSIGN_OR_RETURN(
      store::v1::MergeGrounds grounds,
      OpenGrounds(subject.keys(), row.other, row.grounds));
  grounds.set_decided_by(decision.decided_by);
  grounds.set_note(decision.note);
  CONSENTRY_ASSIGN_OR_RETURN(row.grounds,
                             SealGrounds(subject.keys(), row.other, grounds));
  CONSENTRY_RETURN_IF_ERROR(
      WriteRow(context, merge_id, row, MergeState::kDismissed));
  CONSENTRY_RETURN_IF_ERROR(subject.Write(options_.cache));
  LeafBuilder leaf(context, decision.leaf, options_.log_origin);
  leaf.Add(subject, "link=dismissed");
  context.SetEntry(leaf.Finish());
  return SetResult(context, merge_id, decision);
}

absl::StatusOr<MergeRecord> Merges::Get(store::Connection* connection,
                                        int64_t merge_id) const {
  CONSENTRY_ASSIGN_OR_RETURN(Query query,
                             connection->Prepare(std::string(kSelectRecords) +
                                                 "WHERE m.merge_id = $1"));
  query.Bind(merge_id);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return absl::NotFoundError("no such merge");
  return ReadRecord(*options_.slots, query);
}

absl::StatusOr<std::vector<MergeRecord>> Merges::List(
    store::Connection* connection, MergeState state, int64_t after,
    size_t limit) const {
  std::vector<MergeRecord> records;
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, connection->Prepare(std::string(kSelectRecords) +
                                       "WHERE m.state = $1 AND m.merge_id > $2 "
                                       "ORDER BY m.merge_id LIMIT $3"));
  query.Bind(static_cast<int64_t>(state), after, static_cast<int64_t>(limit));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    CONSENTRY_ASSIGN_OR_RETURN(MergeRecord record,
                               ReadRecord(*options_.slots, query));
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace consentry::vault
