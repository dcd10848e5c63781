#ifndef CONSENTRY_GATEWAY_UPKEEP_HELD_RECORD_H_
#define CONSENTRY_GATEWAY_UPKEEP_HELD_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"

namespace consentry::upkeep {

// A subject's head with the keys that opened it. Wiped at the end.
struct HeldSubject {
  explicit HeldSubject(crypto::SubjectKeys of) : keys(std::move(of)) {}
  HeldSubject(HeldSubject&&) = default;
  HeldSubject& operator=(HeldSubject&&) = default;
  ~HeldSubject();

  crypto::SubjectKeys keys;
  int64_t version = 0;
  store::v1::SubjectHead head;
};

// nullopt when there is no such subject or her keys are destroyed.
// DATA_CORRUPT when the head does not verify.
absl::StatusOr<std::optional<HeldSubject>> ReadHeldSubject(
    store::Connection* connection, const crypto::SlotFile& slots,
    uint64_t subject);

// A record as it lies in the store, with what stands about it in its meta. No
// value of it is opened. What the meta says in words is wiped at the end.
struct HeldRecord {
  HeldRecord() = default;
  HeldRecord(HeldRecord&&) = default;
  HeldRecord& operator=(HeldRecord&&) = default;
  ~HeldRecord();

  int64_t number = 0;
  crypto::ObjectId id{};
  std::string kind;
  uint32_t row_generation = 0;
  int64_t due_month = 0;
  store::v1::RecordBlob blob;
  store::v1::RecordMeta meta;
};

// The record with this number; nullopt when there is none. `head` is that of
// its subject. DATA_CORRUPT when it does not verify.
absl::StatusOr<std::optional<HeldRecord>> ReadHeldRecord(
    store::Connection* connection, const crypto::SubjectKeys& keys,
    const store::v1::SubjectHead& head, int64_t number);

// All records of the subject, in the order of their numbers.
absl::StatusOr<std::vector<HeldRecord>> ReadHeldRecords(
    store::Connection* connection, const crypto::SubjectKeys& keys,
    const store::v1::SubjectHead& head);

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_HELD_RECORD_H_
