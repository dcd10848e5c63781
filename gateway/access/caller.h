#ifndef CONSENTRY_GATEWAY_ACCESS_CALLER_H_
#define CONSENTRY_GATEWAY_ACCESS_CALLER_H_

#include "gateway/clients/caller_context.h"

namespace consentry::access {

using clients::ConfigurationSource;
using Caller = clients::CallerContext;

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_CALLER_H_
