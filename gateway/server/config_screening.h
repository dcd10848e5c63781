#ifndef CONSENTRY_GATEWAY_SERVER_CONFIG_SCREENING_H_
#define CONSENTRY_GATEWAY_SERVER_CONFIG_SCREENING_H_

#include <filesystem>
#include <vector>

#include "consentry/config/v1/gateway.pb.h"
#include "proto/support/error.h"

namespace consentry::server {

// What is wrong with the part about outputs and reviews, apart from files.
// Pure.
std::vector<FieldViolation> CheckScreening(
    const config::v1::GatewayConfig& message);

// Makes its paths absolute, from the configuration's folder, and names the key
// of releases where the owner has not.
void ResolveScreeningPaths(const std::filesystem::path& folder,
                           config::v1::GatewayConfig* message);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_CONFIG_SCREENING_H_
