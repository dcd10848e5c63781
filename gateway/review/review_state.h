#ifndef CONSENTRY_GATEWAY_REVIEW_REVIEW_STATE_H_
#define CONSENTRY_GATEWAY_REVIEW_REVIEW_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/review.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "gateway/review/review_queue.h"

// What may become of a review, whoever comes first: pure, times are those of
// the change. Each function leaves the document as it is when it fails.
//
// A claim lasts until its lease ends; nobody has to take it back. A review that
// is high risk is decided by two persons who agree, or by a third of more
// authority. Nothing but a person's decision ends a review: a due time that
// passes sends it to a person of more authority (PROTOCOLS J5).
namespace consentry::review {

// Who may decide what.
struct Powers {
  // Opaque ids; empty: every reviewer.
  std::vector<std::string> authorities;
  // Empty: as `authorities`.
  std::vector<std::string> higher;
  // There is one such person: a wait stands in for the second one (H3). So it
  // does for two of whom nothing proves that they are two.
  bool single_operator = false;
  int64_t single_wait_us = int64_t{24} * 3600 * 1'000'000;
};

inline constexpr int64_t kMaxLeaseUs = int64_t{28'800} * 1'000'000;

bool IsOpen(const store::v1::ReviewDoc& doc);
// Somebody's claim is in force.
bool IsHeld(const store::v1::ReviewDoc& doc, int64_t now_us);
// CLAIMED while somebody's claim is in force.
v1::ReviewState ShownState(const store::v1::ReviewDoc& doc, int64_t now_us);

// Notes who asks for it. STATE_INVALID when too many others did.
absl::Status NoteRequester(const store::v1::ReviewActor& who,
                           store::v1::ReviewDoc* doc);
// This system asked for it.
bool IsAskedForBy(std::string_view client_id, const store::v1::ReviewDoc& doc);
// Notes a person who had a part in what is looked at, or spoke for the
// customer. Nobody where `person` is empty. STATE_INVALID when too many are.
absl::Status Bar(const std::string& person, store::v1::ReviewDoc* doc);

// OK when this person may decide it next, apart from claims. PERMISSION_MISSING
// without the authority; STATE_INVALID when it is decided, when she is one of
// those who asked for it or is barred, or when another person must look, and be
// proven another.
absl::Status MayDecide(const store::v1::ReviewActor& who, int64_t now_us,
                       const Powers& powers, const store::v1::ReviewDoc& doc);

// Takes or renews the claim. STATE_INVALID while another holds it; the errors
// of MayDecide.
absl::Status Claim(const store::v1::ReviewActor& who, int64_t lease_us,
                   int64_t now_us, const Powers& powers,
                   store::v1::ReviewDoc* doc);
// STATE_INVALID unless `who` holds it now.
absl::Status CheckHolds(const store::v1::ReviewActor& who, int64_t now_us,
                        const store::v1::ReviewDoc& doc);
absl::Status GiveBack(const store::v1::ReviewActor& who, int64_t now_us,
                      store::v1::ReviewDoc* doc);

// Her decision, which ends her claim. What the target is to do; none: it is not
// final, and a second or a higher person looks next.
absl::StatusOr<std::optional<Ruling>> Decide(const store::v1::ReviewActor& who,
                                             v1::ReviewVerdict verdict,
                                             std::string_view reason_code,
                                             int64_t now_us,
                                             const Powers& powers,
                                             store::v1::ReviewDoc* doc);

// Asks the customer and gives it back: it waits for her, or for its due time.
absl::Status AskCustomer(const store::v1::ReviewActor& who, int64_t now_us,
                         store::v1::ReviewDoc* doc);

// The customer said something. STATE_INVALID when it is decided. A claim stays;
// whoever was about to decide reads it again.
absl::Status HearCustomer(store::v1::ReviewDoc* doc);

// The customer is written to about it: a decision about her waits, or she asked
// for it. Not about an advertisement that a rule holds back, nor about what was
// drawn at random.
bool ConcernsHer(const store::v1::ReviewDoc& doc);

// False: its due time has not passed. Otherwise it is counted, escalated, put
// off by its term, and free to be claimed; samples are not escalated.
bool TimeOut(int64_t now_us, store::v1::ReviewDoc* doc);

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_REVIEW_STATE_H_
