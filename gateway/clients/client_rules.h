#ifndef CONSENTRY_GATEWAY_CLIENTS_CLIENT_RULES_H_
#define CONSENTRY_GATEWAY_CLIENTS_CLIENT_RULES_H_

#include <cstdint>
#include <vector>

#include "consentry/v1/admin_service.pb.h"
#include "policy/engine/bundle.h"
#include "proto/support/error.h"

namespace consentry::clients {

// Bounds of a registration. Lists are read on every change of the
// configuration and stand in each bundle; no real system needs more.
inline constexpr int kMaxPurposes = 64;
inline constexpr int kMaxCategories = 128;
inline constexpr int kMaxSources = 64;
inline constexpr int kMaxAttests = 256;
inline constexpr int kMaxTextBytes = 256;
inline constexpr int64_t kMaxLifetimeUs = int64_t{825} * 24 * 3600 * 1'000'000;

// Everything that is wrong with what an administrator asks for, against the
// policy that would hold; empty: nothing. `path` begins every field name
// ("client."). Looks at what is asked for alone: not at id clashes, etags,
// keys or output fields.
//
// The purposes must be of one side: direct marketing, targeted advertising,
// profiling and sale on the one, service and support on the other, never both
// (PROTOCOLS H1). Purposes of other classes go with either.
std::vector<FieldViolation> CheckClient(const v1::Client& client,
                                        const policy::Bundle& bundle,
                                        int64_t now_us, std::string_view path);

// Whether the purposes are of both sides under this policy.
bool MixesClasses(const v1::Client& client, const policy::Bundle& bundle);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CLIENT_RULES_H_
