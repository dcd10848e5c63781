#include "gateway/access/merge_desk.h"

#include <memory>
#include <utility>
#include <vector>

#include "gateway/crypto/ids.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::access {
namespace {

using vault::MergeRecord;
using vault::MergeState;

v1::MergeState Shown(MergeState state) {
  switch (state) {
    case MergeState::kCandidate:
      return v1::MERGE_STATE_CANDIDATE;
    case MergeState::kMerged:
      return v1::MERGE_STATE_JOINED;
    case MergeState::kUndone:
      return v1::MERGE_STATE_UNDONE;
    case MergeState::kDismissed:
      return v1::MERGE_STATE_DISMISSED;
  }
  return v1::MERGE_STATE_UNSPECIFIED;
}

MergeState Stored(v1::MergeState state) {
  switch (state) {
    case v1::MERGE_STATE_JOINED:
      return MergeState::kMerged;
    case v1::MERGE_STATE_UNDONE:
      return MergeState::kUndone;
    case v1::MERGE_STATE_DISMISSED:
      return MergeState::kDismissed;
    default:
      return MergeState::kCandidate;
  }
}

v1::Merge Show(const crypto::OpaqueTokens& tokens, const MergeRecord& record) {
  v1::Merge merge;
  merge.set_id(tokens.Encode(crypto::TokenKind::kMerge,
                             static_cast<uint64_t>(record.merge_id)));
  for (const crypto::ObjectId& id : {record.subject_id, record.other_id}) {
    merge.add_subject_ids(crypto::FormatId(crypto::IdKind::kSubject, id));
  }
  SetTime(record.grounds.time_us(), merge.mutable_create_time());
  merge.set_ground(record.grounds.ground());
  for (const int32_t type : record.grounds.identifier_types()) {
    merge.add_identifier_types(static_cast<v1::IdentifierType>(type));
  }
  merge.set_state(Shown(record.state));
  merge.set_decided_by(record.state == MergeState::kUndone
                           ? record.grounds.undone_by()
                           : record.grounds.decided_by());
  if (record.grounds.undone_us() != 0) {
    SetTime(record.grounds.undone_us(), merge.mutable_undo_time());
  }
  return merge;
}

}  // namespace

absl::StatusOr<v1::ListMergesResponse> MergeDesk::List(v1::MergeState state,
                                                       int64_t after,
                                                       size_t limit,
                                                       int64_t* next) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::vector<MergeRecord> records,
      options_.merges->List(lease.get(), Stored(state), after, limit));
  v1::ListMergesResponse page;
  for (const MergeRecord& record : records) {
    *page.add_merges() = Show(*options_.tokens, record);
  }
  *next = records.size() == limit && limit > 0 ? records.back().merge_id : 0;
  return page;
}

absl::StatusOr<uint64_t> MergeDesk::FindSubject(store::Connection* connection,
                                                const std::string& id) const {
  v1::SubjectRef ref;
  ref.set_id(id);
  CONSENTRY_ASSIGN_OR_RETURN(const auto key, options_.subjects->MakeKey(ref));
  CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                             options_.subjects->Resolve(connection, key));
  if (subject) return *subject;
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no customer has this id");
}

absl::StatusOr<int64_t> MergeDesk::FindMerge(std::string_view id) const {
  const auto number = options_.tokens->Decode(crypto::TokenKind::kMerge, id);
  if (number.ok()) return static_cast<int64_t>(*number);
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no join has this id");
}

template <class Request>
vault::Merges::Decision MergeDesk::DecisionOf(const Caller& caller,
                                              const Request& request) const {
  vault::Merges::Decision decision;
  decision.decided_by = request.context().acting_person().empty()
                            ? caller.client_id
                            : request.context().acting_person();
  if constexpr (requires { request.note(); }) decision.note = request.note();
  decision.leaf = clients::LeafOf(*options_.configuration(), caller,
                                  options_.committer->NowUs());
  decision.result = [tokens = options_.tokens](const MergeRecord& record) {
    return Show(*tokens, record).SerializeAsString();
  };
  return decision;
}

template <class Request>
void MergeDesk::Commit(const Caller& caller, Request request,
                       absl::StatusOr<store::Change> change, Done done) const {
  if (!change.ok()) {
    done(change.status());
    return;
  }
  if (!request.request_id().empty()) {
    const std::string request_id = request.request_id();
    request.clear_request_id();
    change->request = store::RequestBinding{
        .client = clients::RequesterOf(caller),
        .request_id = request_id,
        .method = caller.method,
        .request_hash = options_.digests->Of(clients::CanonicalBytes(request))};
  }
  options_.committer->CommitChange(
      *std::move(change),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
          return;
        }
        v1::Merge merge;
        if (!merge.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
          return;
        }
        done(std::move(merge));
      });
}

void MergeDesk::Merge(const Caller& caller,
                      const v1::MergeSubjectsRequest& request,
                      Done done) const {
  const auto change = [&]() -> absl::StatusOr<store::Change> {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        const uint64_t first, FindSubject(lease.get(), request.subject_ids(0)));
    CONSENTRY_ASSIGN_OR_RETURN(
        const uint64_t second,
        FindSubject(lease.get(), request.subject_ids(1)));
    return options_.merges->Merge(first, second, DecisionOf(caller, request));
  };
  Commit(caller, request, change(), std::move(done));
}

void MergeDesk::Undo(const Caller& caller, const v1::UndoMergeRequest& request,
                     Done done) const {
  const auto change = [&]() -> absl::StatusOr<store::Change> {
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t merge, FindMerge(request.id()));
    return options_.merges->Undo(merge, DecisionOf(caller, request));
  };
  Commit(caller, request, change(), std::move(done));
}

void MergeDesk::Dismiss(const Caller& caller,
                        const v1::DismissMergeRequest& request,
                        Done done) const {
  const auto change = [&]() -> absl::StatusOr<store::Change> {
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t merge, FindMerge(request.id()));
    return options_.merges->Dismiss(merge, DecisionOf(caller, request));
  };
  Commit(caller, request, change(), std::move(done));
}

}  // namespace consentry::access
