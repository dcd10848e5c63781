#ifndef CONSENTRY_GATEWAY_ERASURE_HOLDS_H_
#define CONSENTRY_GATEWAY_ERASURE_HOLDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/erasure.pb.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"
#include "policy/rights/erasure_plan.h"

namespace consentry::erasure {

// A row of `holds`.
struct Hold {
  int64_t id = 0;
  crypto::ObjectId public_id{};
  uint64_t subject = 0;
  bool in_force = false;
  store::v1::HeldBack doc;
};

// DATA_CORRUPT for a row that does not open; NOT_FOUND where a row is asked for
// by name and there is none, or its customer's keys are gone.
absl::StatusOr<Hold> FindHold(store::Connection* connection,
                              const crypto::SlotFile& slots,
                              std::string_view public_id);
// Those in force about one customer, oldest first.
absl::StatusOr<std::vector<Hold>> HoldsOn(store::Connection* connection,
                                          const crypto::SubjectKeys& keys);
// Newest first, numbers below `before`; of one customer where `subject` is
// given, ended ones too where asked.
absl::StatusOr<std::vector<Hold>> ListHolds(store::Connection* connection,
                                            const crypto::SlotFile& slots,
                                            std::optional<uint64_t> subject,
                                            bool include_ended, int64_t before,
                                            size_t limit);
// Up to `limit` ids of holds in force whose end has come.
absl::StatusOr<std::vector<std::string>> EndedHolds(
    store::Connection* connection, const crypto::SlotFile& slots,
    int64_t now_us, int64_t limit);

// Inserts it, or replaces state and content.
absl::Status WriteHold(store::ChangeContext& context,
                       const crypto::SubjectKeys& keys, const Hold& hold);

// As the plan of an erasure takes them.
std::vector<policy::Retained> RetainedBy(const std::vector<Hold>& holds);

// Whether one of them names no field: it keeps everything.
bool AnyHoldsAll(const std::vector<Hold>& holds);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_HOLDS_H_
