#ifndef CONSENTRY_GATEWAY_ERASURE_HOLDINGS_H_
#define CONSENTRY_GATEWAY_ERASURE_HOLDINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/erasure.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"
#include "policy/engine/bundle.h"
#include "policy/rights/erasure_plan.h"

namespace consentry::erasure {

// One record with its values still sealed.
struct HeldRecord {
  int64_t number = 0;
  crypto::ObjectId id{};
  std::string kind;
  uint32_t kind_number = 0;
  uint32_t row_generation = 0;
  store::v1::RecordBlob blob;
  store::v1::RecordMeta meta;
  // Of each field of the blob: "order.total"; "order.#123" for one that the
  // catalog does not know any more.
  std::vector<std::string> fields;
};

// A customer as the store has her. Heads are wiped at the end.
struct Member {
  explicit Member(crypto::SubjectKeys of) : keys(std::move(of)) {}
  Member(Member&&) = default;
  Member& operator=(Member&&) = default;
  ~Member();

  uint64_t subject() const { return keys.subject(); }

  crypto::SubjectKeys keys;
  int64_t version = 0;
  store::v1::SubjectHead head;
  std::vector<HeldRecord> records;
};

// Keys, head and all records of one customer; one step for each record, none
// for anything of others. NotFound when there is no such customer.
absl::StatusOr<Member> ReadMember(store::Connection* connection,
                                  const crypto::SlotFile& slots,
                                  const policy::Bundle& bundle,
                                  uint64_t subject);
// She and all who are joined with her, she first.
absl::StatusOr<std::vector<Member>> ReadMembers(store::Connection* connection,
                                                const crypto::SlotFile& slots,
                                                const policy::Bundle& bundle,
                                                uint64_t subject);

// What an erasure of these would do.
struct GroupPlan {
  // Fields by name, then "identifiers", "facts" and "choices" as far as there
  // are any.
  std::vector<store::v1::ErasedField> outcomes;
  std::vector<store::v1::KeptRecord> kept;
  // Members of whom something is kept.
  std::vector<uint64_t> keeping;
  int64_t next_us = 0;
};
GroupPlan PlanGroup(const policy::Bundle& bundle,
                    const std::vector<Member>& members,
                    const std::vector<policy::Retained>& retained,
                    int64_t now_us);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_HOLDINGS_H_
