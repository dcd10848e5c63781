#ifndef CONSENTRY_GATEWAY_SERVER_CONFIG_DELIVERY_H_
#define CONSENTRY_GATEWAY_SERVER_CONFIG_DELIVERY_H_

#include <filesystem>
#include <vector>

#include "consentry/config/v1/gateway.pb.h"
#include "proto/support/error.h"

namespace consentry::server {

// What is wrong with the parts about writing to people and recipients, apart
// from files. Pure.
std::vector<FieldViolation> CheckDelivery(
    const config::v1::GatewayConfig& message);

// Makes their relative paths absolute, from the configuration's folder.
void ResolveDeliveryPaths(const std::filesystem::path& folder,
                          config::v1::GatewayConfig* message);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_CONFIG_DELIVERY_H_
