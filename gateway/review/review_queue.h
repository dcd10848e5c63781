#ifndef CONSENTRY_GATEWAY_REVIEW_REVIEW_QUEUE_H_
#define CONSENTRY_GATEWAY_REVIEW_REVIEW_QUEUE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "gateway/crypto/grant.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"

namespace consentry::review {

// A case that another part puts before a human.
struct NewReview {
  // What is looked at: "scr_...", "dec_..." or "rgt_...". May be empty for a
  // hand-over.
  std::string target;
  // Number of the subject that it is about; her keys seal it.
  uint64_t subject = 0;
  v1::ReviewTrigger trigger = v1::REVIEW_TRIGGER_UNSPECIFIED;
  // Ids of the rules that held it.
  std::vector<std::string> rules;
  // "model@version"; empty: no model.
  std::string model;
  // When it must be decided; 0: as the queue is configured for its trigger.
  int64_t due_us = 0;
  // 1 (first) to 5; 0: as the queue is configured for its trigger.
  int32_t priority = 0;
  // Needs a second reviewer.
  bool high_risk = false;
  // The person for whom the machine made what is looked at, by opaque id: she
  // does not decide it. Empty: nobody.
  std::string made_for;
};

struct QueuedReview {
  // "rev_...".
  std::string id;
  int64_t due_us = 0;
};

// The queue as parts above and beside it see it. Safe for the committer's store
// thread.
class ReviewQueue {
 public:
  virtual ~ReviewQueue() = default;

  // Writes the row of a new review inside of the change that needs it, and adds
  // nothing to its entry: whoever calls names the review there. One for each
  // call: the same target twice is two reviews.
  virtual absl::StatusOr<QueuedReview> Enqueue(store::ChangeContext& context,
                                               const NewReview& review) = 0;
};

// What becomes of what was looked at.
enum class Ruling {
  // As the machine proposed.
  kRelease,
  // With another outcome, given in words.
  kReleaseChanged,
  // With the opposite outcome. What has no opposite is blocked.
  kReverse,
  // Not at all.
  kBlock,
};

// What a reviewer must see of a target, opened (GDPR Art. 22(3): all inputs and
// the output).
struct TargetCase {
  uint64_t subject = 0;
  // Of the machine's output.
  std::string purpose;
  // Fields of the purpose that lie in the categories that it was made from,
  // "kind.field", for the reading of inputs.
  std::vector<std::string> input_fields;
  // In words; hold personal data.
  std::string proposal;
  std::string explanation;
  // Rules, and counts or thresholds.
  std::vector<std::string> findings;
};

// Decisions on readings ("dec_..."): they stand in the log, and nothing waits
// for a review of them.
class DecidedReads {
 public:
  virtual ~DecidedReads() = default;

  // Whom it is about and what it says, without a value. NOT_FOUND for what is
  // no decision, or about nobody who is held. May wait for the index of the
  // log: for workers.
  virtual absl::StatusOr<TargetCase> Find(std::string_view decision) = 0;
};

// Where a review's decision takes effect. Whoever makes what can be reviewed
// implements it; targets that it does not know are NOT_FOUND.
class ReviewTarget {
 public:
  virtual ~ReviewTarget() = default;

  // Inside of the change that decides the review; fills nothing of the entry
  // but `subject`'s changes or details. STATE_INVALID when the target waits for
  // no human any more. `new_outcome`: with kReleaseChanged, and perhaps with
  // kReverse; in words.
  virtual absl::Status Apply(store::ChangeContext& context,
                             std::string_view target, Ruling ruling,
                             std::string_view new_outcome,
                             store::v1::Leaf* leaf) = 0;

  // Opened under `grant`, which access mints for human review. Reads the store.
  virtual absl::StatusOr<TargetCase> Describe(store::Connection* connection,
                                              std::string_view target,
                                              const crypto::Grant& grant) = 0;
};

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_REVIEW_QUEUE_H_
