#ifndef CONSENTRY_GATEWAY_CLIENTS_CLIENT_CHANGE_H_
#define CONSENTRY_GATEWAY_CLIENTS_CLIENT_CHANGE_H_

#include <string>
#include <vector>

#include "consentry/v1/admin_service.pb.h"

namespace consentry::clients {

// Whether `after` may anything that `before` may not, or is bound by less: more
// purposes, categories, channels, sources, permissions, attestations or
// delegated roles, higher limits, a later end, fewer duties of context; and
// whatever changes where data goes and on what ground. A title is no power.
// Looks at neither key nor state. Pure.
bool Widens(const v1::Client& before, const v1::Client& after);

// What differs, a line each, for whoever approves: "purposes +
// marketing.email". At most 64 lines. Against an empty `before`: all of it.
// Pure.
std::vector<std::string> DescribeChange(const v1::Client& before,
                                        const v1::Client& after);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CLIENT_CHANGE_H_
