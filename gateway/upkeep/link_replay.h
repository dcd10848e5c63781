#ifndef CONSENTRY_GATEWAY_UPKEEP_LINK_REPLAY_H_
#define CONSENTRY_GATEWAY_UPKEEP_LINK_REPLAY_H_

#include <cstdint>
#include <map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/store/committer.h"
#include "gateway/upkeep/log_replay.h"
#include "gateway/vault/merges.h"

namespace consentry::upkeep {

// Customers who were joined behind a backup are joined again, since the
// prohibitions of each hold for all; who was parted is parted again, since
// nobody may be shown what is another's. One thread.
class LinkReplay {
 public:
  // Both outlive it.
  LinkReplay(const vault::Merges* merges, store::Committer* committer)
      : merges_(*merges), committer_(committer) {}

  // In the order of the log, before the other lines of the entry. `leaf`: what
  // tells it, without subjects. Who is not here any more is passed over.
  absl::Status Redo(const ReplayEntry& entry, const store::v1::Leaf& leaf);

 private:
  const vault::Merges& merges_;
  store::Committer* const committer_;
  // Numbers of joins then, and of the same ones now.
  std::map<int64_t, int64_t> renumbered_;
};

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_LINK_REPLAY_H_
