#ifndef CONSENTRY_GATEWAY_VAULT_MERGES_H_
#define CONSENTRY_GATEWAY_VAULT_MERGES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/write_set.h"

namespace consentry::vault {

// One row of merges.
struct MergeRecord {
  int64_t merge_id = 0;
  uint64_t subject = 0;
  uint64_t other = 0;
  // What the two are called outside.
  crypto::ObjectId subject_id{};
  crypto::ObjectId other_id{};
  MergeState state = MergeState::kCandidate;
  int64_t change_number = 0;
  store::v1::MergeGrounds grounds;
};

// Joins subjects by links, each way, and takes that back. A merge moves no row
// and no key: every member keeps what it holds, and readers look at all of
// them, so that undoing it restores every head exactly, but for its version.
//
// The functions that make a Change run their work inside apply, on the
// committer's thread, on at most kMaxGroup subjects. Both kinds of change are
// negative: merged, the prohibitions of each member hold for all; apart again,
// none may be shown what is another's.
class Merges {
 public:
  struct Options {
    // All outlive the changes made.
    const crypto::SlotFile* slots = nullptr;
    HeadCache* cache = nullptr;
    std::string log_origin;
  };
  explicit Merges(const Options& options) : options_(options) {}

  // Who decides, and the audit entry without subjects, time and number.
  struct Decision {
    // Opaque id of the person.
    std::string decided_by;
    // Reason in words, without data about the customer; at most 500 bytes.
    std::string note;
    store::v1::Leaf leaf;
    // Makes what a repetition of the request is answered with, of the row as
    // it stands then. None: its number.
    std::function<std::string(const MergeRecord&)> result;
  };

  // Joins two subjects, and with them all that either is joined with. Outcome:
  // STATE_INVALID when they are joined already, TOO_LARGE beyond kMaxGroup,
  // NotFound for a subject that does not exist.
  store::Change Merge(uint64_t subject, uint64_t other,
                      Decision decision) const;

  // Takes one merge back. STATE_INVALID unless it is in force. Subjects stay
  // joined as far as other merges join them.
  store::Change Undo(int64_t merge_id, Decision decision) const;

  // Records that a candidate is two people. STATE_INVALID unless it is one.
  store::Change Dismiss(int64_t merge_id, Decision decision) const;

  // NotFound when there is no such row, or a subject of it is gone.
  absl::StatusOr<MergeRecord> Get(store::Connection* connection,
                                  int64_t merge_id) const;

  // Up to `limit` rows in the state given with numbers above `after`,
  // ascending.
  absl::StatusOr<std::vector<MergeRecord>> List(store::Connection* connection,
                                                MergeState state, int64_t after,
                                                size_t limit) const;

 private:
  absl::Status SetResult(store::ChangeContext& context, int64_t merge_id,
                         const Decision& decision) const;
  absl::Status ApplyMerge(store::ChangeContext& context, uint64_t subject,
                          uint64_t other, const Decision& decision) const;
  absl::Status ApplyUndo(store::ChangeContext& context, int64_t merge_id,
                         const Decision& decision) const;
  absl::Status ApplyDismiss(store::ChangeContext& context, int64_t merge_id,
                            const Decision& decision) const;

  const Options options_;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_MERGES_H_
