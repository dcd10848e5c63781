#ifndef CONSENTRY_GATEWAY_SERVER_TAG_RESOLVER_H_
#define CONSENTRY_GATEWAY_SERVER_TAG_RESOLVER_H_

#include <string>

#include "gateway/crypto/slot_file.h"
#include "gateway/trail/trail_index.h"

namespace consentry::server {

// Computes the tags of every living subject in the months asked for, under each
// generation of its audit key. `slots` outlives the result.
trail::TagResolver MakeTagResolver(const crypto::SlotFile* slots,
                                   std::string log_origin);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_TAG_RESOLVER_H_
