#ifndef CONSENTRY_GATEWAY_CONSENT_SHOWN_STATES_H_
#define CONSENTRY_GATEWAY_CONSENT_SHOWN_STATES_H_

#include <map>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.pb.h"
#include "gateway/vault/head_cache.h"
#include "policy/engine/bundle.h"

namespace consentry::consent {

// How the ledger's answers show states of choices. Pure; safe for many threads.

// A purpose that nobody has chosen about.
v1::ConsentState NoneState(const std::string& purpose);

// Appends `known`, and each of `purposes` that is not in it with `status`: a
// customer whom nobody knows is told of like one who has just said so.
void AddUnknown(const std::vector<std::string>& purposes,
                v1::ConsentStatus status,
                const std::map<std::string, v1::ConsentState>& known,
                google::protobuf::RepeatedPtrField<v1::ConsentState>* states);

// Adds one member's state for a purpose to `held`, what holds for all who are
// one person, as decisions see it (policy::Outweighs). A grant of one who is
// joined counts only when that one's identity is verified.
void AddState(const vault::CachedSubject& member, bool joined,
              v1::ConsentState state, v1::ConsentState* held);

// Says of a consent that stands, "notice_not_asked_for", where bases of its
// purpose name notices and it was given on none of them: it permits nothing.
void SayWhetherAskedFor(const policy::Bundle& bundle, v1::ConsentState* state);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_SHOWN_STATES_H_
