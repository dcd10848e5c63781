#include "gateway/access/snapshot.h"

#include <utility>

#include "gateway/access/subject_facts.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

// What the parts below answer, as the API names it.
absl::Status Translate(const absl::Status& status) {
  if (ReasonOf(status)) return status;
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "stored bytes do not verify");
    case absl::StatusCode::kResourceExhausted:
      return MakeError(v1::ERROR_REASON_KEY_UNAVAILABLE,
                       "no room in locked memory for a key");
    default:
      return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                       "the store could not be read");
  }
}

using Members = std::vector<std::shared_ptr<const vault::CachedSubject>>;

// The subject that lookup led to, with all that are joined with it. Their heads
// vouch for the name.
absl::StatusOr<Members> ReadNamed(const vault::SubjectReader& reader,
                                  store::Connection* connection,
                                  uint64_t subject, const SubjectName& name,
                                  vault::SubjectReader::HeadOptions options) {
  CONSENTRY_ASSIGN_OR_RETURN(Members members,
                             reader.ReadGroup(connection, subject, options));
  const auto known = [&] {
    return name.subject != 0 || vault::IsKnownBy(members[0]->head(), name.key);
  };
  if (known()) return members;
  // The head in the cache may be older than the row of lookup.
  options.past_cache = true;
  CONSENTRY_ASSIGN_OR_RETURN(members,
                             reader.ReadGroup(connection, subject, options));
  if (known()) return members;
  return absl::DataLossError("a name leads to somebody else");
}

absl::StatusOr<Snapshot> Take(
    const vault::SubjectReader& reader, store::Connection* connection,
    const ReadPlan& plan, const SubjectName& name,
    const vault::SubjectReader::HeadOptions& options) {
  Snapshot snapshot;
  std::optional<uint64_t> subject = name.subject;
  if (name.subject == 0) {
    CONSENTRY_ASSIGN_OR_RETURN(subject, reader.Resolve(connection, name.key));
  }
  if (subject) {
    auto members = ReadNamed(reader, connection, *subject, name, options);
    if (members.ok()) {
      snapshot.members = *std::move(members);
    } else if (!absl::IsNotFound(members.status())) {
      return members.status();
    }
  }
  if (!snapshot.known()) {
    reader.ReadDecoy(connection, name.key, plan.kinds, options);
    return snapshot;
  }
  snapshot.records.reserve(snapshot.members.size());
  for (const auto& member : snapshot.members) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto records, reader.SharedRecords(connection, *member, plan.kinds));
    snapshot.records.push_back(std::move(records));
  }
  snapshot.facts =
      FactsOf(plan.configuration->policy().bundle, snapshot.members);
  return snapshot;
}

}  // namespace

absl::StatusOr<Snapshot> TakeSnapshot(
    const vault::SubjectReader& reader, store::Connection* connection,
    const ReadPlan& plan, const SubjectName& name,
    const vault::SubjectReader::HeadOptions& options) {
  auto snapshot = Take(reader, connection, plan, name, options);
  if (!snapshot.ok()) return Translate(snapshot.status());
  return snapshot;
}

}  // namespace consentry::access
