#ifndef CONSENTRY_GATEWAY_ACCESS_SNAPSHOT_H_
#define CONSENTRY_GATEWAY_ACCESS_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/access/read_plan.h"
#include "gateway/store/engine.h"
#include "gateway/vault/subject_reader.h"
#include "policy/engine/facts.h"

namespace consentry::access {

// Step 1. One subject, with all that are joined with it, at one version each.
// Values are still sealed.
struct Snapshot {
  // The subject itself first; empty when there is none, or its keys are gone.
  std::vector<std::shared_ptr<const vault::CachedSubject>> members;
  // For each member its records of the plan's kinds, a set for each.
  std::vector<std::vector<std::shared_ptr<const vault::RecordSet>>> records;
  // Null when there is no subject.
  std::shared_ptr<const policy::SubjectFacts> facts;

  bool known() const { return !members.empty(); }
};

// Names of a subject as a call may give them, once looked at.
struct SubjectName {
  // Set when the name already is a number: from a pseudonym, or a walk.
  uint64_t subject = 0;
  vault::LookupKey key;
};

// Takes a snapshot. An unknown name takes the steps of a known one and is an
// answer, not an error. Errors: the store or a key could not be read
// (STORE_UNAVAILABLE, KEY_UNAVAILABLE, DATA_CORRUPT).
absl::StatusOr<Snapshot> TakeSnapshot(
    const vault::SubjectReader& reader, store::Connection* connection,
    const ReadPlan& plan, const SubjectName& name,
    const vault::SubjectReader::HeadOptions& options);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_SNAPSHOT_H_
