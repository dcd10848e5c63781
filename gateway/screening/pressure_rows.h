#ifndef CONSENTRY_GATEWAY_SCREENING_PRESSURE_ROWS_H_
#define CONSENTRY_GATEWAY_SCREENING_PRESSURE_ROWS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"
#include "gateway/vault/head_cache.h"
#include "policy/conduct/pressure.h"

namespace consentry::screening {

// What reached one customer and all who are joined with her.
struct Pressure {
  conduct::ContactHistory history;
  // Generations of the rows that it was read from, in the order of members; 0:
  // no row. Equal ones mean an equal history.
  std::vector<int64_t> generations;
};

// Rows of pressure, sealed under the subject's key. A contact is reserved in
// the change that releases its output, before it is delivered, so that nothing
// is counted that was not released, and nothing released that was not counted,
// whatever crashes. Reads need no change; writes the committer's connection.
// DATA_CORRUPT where a row does not open. Stateless; safe for many threads.
class PressureRows {
 public:
  using Members = std::span<const std::shared_ptr<const vault::CachedSubject>>;

  static absl::StatusOr<Pressure> Read(store::Connection* connection,
                                       Members members);
  // Whether Read would give the same history still.
  static absl::StatusOr<bool> IsCurrent(store::Connection* connection,
                                        Members members, const Pressure& read);

  // Adds what a release charges, or a refusal, to the customer's own row.
  static absl::Status Add(store::Connection* connection,
                          const crypto::SubjectKeys& keys,
                          const conduct::Rulebook& rules,
                          const conduct::Contact& contact);
  static absl::Status Add(store::Connection* connection,
                          const crypto::SubjectKeys& keys,
                          const conduct::Refusal& refusal, int64_t now_us);
};

store::v1::PressureContact StoredContact(const conduct::Contact& contact);
conduct::Contact ContactOf(const store::v1::PressureContact& stored);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_PRESSURE_ROWS_H_
