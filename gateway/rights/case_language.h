#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_LANGUAGE_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_LANGUAGE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/store/engine.h"
#include "gateway/vault/head_cache.h"
#include "policy/engine/bundle.h"

// In which language a customer is answered.
namespace consentry::rights {

// "de" of "de-AT" where letters and messages are written in it (German,
// English, French, Spanish); else empty.
std::string KnownLanguage(std::string_view tag);

// What most people write at that place, ISO 3166 with or without a
// subdivision: "fr" of "CA-QC"; empty where it is none of those.
std::string_view LanguageOfPlace(std::string_view place);

// The first known one of: what the request asks for, what the customer's data
// say, where the business is at home; else English.
std::string ChooseLanguage(std::string_view asked, std::string_view held,
                           std::string_view home);

// What the newest record says in a field of type LANGUAGE, of anybody in the
// group; empty where no such field is held. Opens those fields and nothing
// else, for her own case. DATA_CORRUPT; STATE_INVALID as access::RightsGrant.
absl::StatusOr<std::string> HeldLanguage(
    store::Connection* connection, const policy::Bundle& bundle,
    const std::vector<std::shared_ptr<const vault::CachedSubject>>& group);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_LANGUAGE_H_
