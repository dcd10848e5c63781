#ifndef CONSENTRY_GATEWAY_ERASURE_ERASER_H_
#define CONSENTRY_GATEWAY_ERASURE_ERASER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/erasure/erasure_parts.h"
#include "gateway/erasure/erasure_rows.h"
#include "gateway/store/change.h"

namespace consentry::erasure {

// Carries erasures out (PROTOCOLS D1), each step a change of the store with its
// entry, or an idempotent write beside it:
//
//   waiting -> begun: the entry that tells the destruction; what is kept is
//              planned, and can no longer be cancelled
//   -> resealed: what is kept is sealed under a new generation of the data key
//              and opened once to prove it; of the audit key likewise
//   -> keys destroyed: one synced write of the slots, which names the entry
//   -> rows gone: in steps of bounded size; the index of the log forgets
//   -> done: the certificate. When the first ground ends it begins anew.
//
// A crash leaves an erasure between two steps, and the step begins again.
// Whoever has something of the customer in memory afterwards can neither store
// nor open it. No step looks at rows of anybody else.
//
// Used by one thread at a time.
class Eraser {
 public:
  explicit Eraser(const ErasureParts* parts) : parts_(*parts) {}

  // Finishes what has begun. Before anything is served. Once the keys are
  // destroyed nothing of the customer can be served: an erasure that fails
  // behind that, such as on a broken index of the log, is logged and left to
  // Run().
  absl::Status Recover();
  // The same, then what is due: erasures whose wait is over, grounds and holds
  // that have ended, suppressed identifiers whose time is over. Goes on after
  // an erasure that fails; answers the first failure.
  absl::Status Run();

 private:
  absl::Status Advance(int64_t id, bool begin);
  absl::Status Begin(Erasure* erasure);
  absl::Status AddGenerations(const Erasure& erasure);
  absl::Status Reseal(Erasure* erasure);
  absl::Status DestroyKeys(Erasure* erasure);
  absl::Status RemoveRows(Erasure* erasure);
  absl::Status End(Erasure* erasure);

  absl::Status ApplyBegin(store::ChangeContext& context, int64_t id,
                          store::v1::Leaf* leaf);
  absl::Status ApplyReseal(store::ChangeContext& context, Erasure* erasure,
                           store::v1::Leaf* leaf);
  absl::StatusOr<bool> ApplyRemove(store::ChangeContext& context,
                                   Erasure* erasure);
  absl::Status ApplyEnd(store::ChangeContext& context, Erasure* erasure,
                        store::v1::Leaf* leaf);

  using Apply =
      absl::AnyInvocable<absl::Status(store::ChangeContext&, store::v1::Leaf*)>;
  // One change with an entry of the gateway itself.
  absl::StatusOr<store::ChangeOutcome> Commit(std::string_view event,
                                              int64_t id, Apply apply);
  void Step(std::string_view step) const;
  absl::Status EndHolds();

  const ErasureParts& parts_;
};

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_ERASER_H_
