#ifndef CONSENTRY_GATEWAY_ERASURE_RESEAL_H_
#define CONSENTRY_GATEWAY_ERASURE_RESEAL_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "consentry/store/v1/erasure.pb.h"
#include "gateway/erasure/holdings.h"
#include "gateway/store/change.h"

namespace consentry::erasure {

// Seals what the job keeps of one customer under the current generation of her
// data key, and opens each value once to prove it, inside of a change. Of a
// record stay the values kept, the time and the purpose of collection and the
// source; of the head the id, the kinds of what is kept and the joins with
// others of whom something is kept; holds in force as they are. Nothing that is
// left can be compared with what is gone: the key of digests is a new one, and
// the digests are random.
//
// A value that cannot be sealed anew is not kept: its field goes into
// job->failed. The head says that the customer is restricted to the grounds
// (GDPR Art. 18). Writes subjects.version; the caller touches her.
absl::Status ResealMember(store::ChangeContext& context, const Member& member,
                          const std::vector<uint64_t>& keeping,
                          store::v1::ErasureJob* job);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_RESEAL_H_
