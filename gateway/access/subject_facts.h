#ifndef CONSENTRY_GATEWAY_ACCESS_SUBJECT_FACTS_H_
#define CONSENTRY_GATEWAY_ACCESS_SUBJECT_FACTS_H_

#include <memory>
#include <span>

#include "consentry/store/v1/subject.pb.h"
#include "gateway/vault/head_cache.h"
#include "policy/engine/bundle.h"
#include "policy/engine/facts.h"

namespace consentry::access {

// What a decision reads, from the heads of one subject and of all that are
// joined with it: residences, restrictions, objections, opt-outs and every
// other negative of any member; the latest birth date; a grant only of a member
// whose identity is verified. A fact that cannot be read is marked unreadable,
// never left out. Pure.
policy::SubjectFacts MakeFacts(
    const policy::Bundle& bundle,
    std::span<const store::v1::SubjectHead* const> heads);

// The facts of a group as it was read; for a subject that is joined with none
// they are kept beside the cached head. `bundle` is kept alive by the result's
// users elsewhere: by the configuration in use.
std::shared_ptr<const policy::SubjectFacts> FactsOf(
    const std::shared_ptr<const policy::Bundle>& bundle,
    std::span<const std::shared_ptr<const vault::CachedSubject>> members);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_SUBJECT_FACTS_H_
