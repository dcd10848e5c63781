#ifndef CONSENTRY_GATEWAY_UPKEEP_REINDEX_H_
#define CONSENTRY_GATEWAY_UPKEEP_REINDEX_H_

#include <cstdint>

#include "absl/status/status.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/store/engine.h"
#include "gateway/upkeep/held_record.h"

namespace consentry::upkeep {

// What a reindexing came across.
struct Reindexed {
  int64_t names = 0;
  int64_t source_rows = 0;
  // Names that stand in the head without their sealed value: nobody can be
  // found by them any more.
  int64_t lost = 0;
};

// Makes the rows of lookup, logins and source_rows of one subject anew, under
// the current epoch's blind-index key alone. Values are opened inside of crypto
// (Reindexer) and given to nobody. What source_rows held beside the key (digest
// of the content) stays. On the writer's connection, inside a transaction.
absl::Status ReindexSubject(store::Connection* connection,
                            const crypto::EpochKeys& epochs,
                            const HeldSubject& held, Reindexed* counts);

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_REINDEX_H_
