#include "gateway/upkeep/link_replay.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::upkeep {
namespace {

// Joined already, or parted; or gone since.
bool IsDone(const absl::Status& status) {
  return absl::IsNotFound(status) ||
         ReasonOf(status) == v1::ERROR_REASON_STATE_INVALID;
}

}  // namespace

absl::Status LinkReplay::Redo(const ReplayEntry& entry,
                              const store::v1::Leaf& leaf) {
  std::vector<uint64_t> joined;
  bool parted = false;
  for (const auto& [subject, lines] : entry.subjects) {
    for (const ReplayLine& line : lines) {
      if (line.scope != "link") continue;
      if (line.state == "merged") joined.push_back(subject);
      parted = parted || line.state == "undone";
    }
  }
  vault::Merges::Decision decision;
  decision.decided_by = "restore";
  decision.note = absl::StrCat("entry ", entry.index, " of the log");
  decision.leaf = leaf;
  for (size_t i = 1; i < joined.size(); ++i) {
    const store::ChangeOutcome outcome = committer_->CommitChangeAndWait(
        merges_.Merge(joined[0], joined[i], decision));
    if (IsDone(outcome.status)) continue;
    CONSENTRY_RETURN_IF_ERROR(outcome.status);
    int64_t now = 0;
    if (absl::SimpleAtoi(outcome.result, &now)) renumbered_[entry.merge] = now;
  }
  if (!parted) return absl::OkStatus();
  const auto known = renumbered_.find(entry.merge);
  const absl::Status undone =
      committer_
          ->CommitChangeAndWait(merges_.Undo(
              known == renumbered_.end() ? entry.merge : known->second,
              decision))
          .status;
  return IsDone(undone) ? absl::OkStatus() : undone;
}

}  // namespace consentry::upkeep
