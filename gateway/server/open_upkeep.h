#ifndef CONSENTRY_GATEWAY_SERVER_OPEN_UPKEEP_H_
#define CONSENTRY_GATEWAY_SERVER_OPEN_UPKEEP_H_

#include <functional>
#include <memory>
#include <string_view>

#include "gateway/server/config.h"
#include "gateway/upkeep/upkeep_desk.h"

namespace consentry::server {

// What upkeep works on; all outlive the desk.
struct UpkeepParts {
  clients::ConfigurationSource configuration;
  store::Committer* committer = nullptr;
  store::ReaderPool* readers = nullptr;
  crypto::EpochFile* epochs = nullptr;
  crypto::SlotFile* slots = nullptr;
  vault::HeadCache* cache = nullptr;
  store::Engine* engine = nullptr;
  audit::AuditLog* log = nullptr;
  const audit::Signer* signer = nullptr;
  const base::Clock* clock = nullptr;
  // Told of each step before it is taken. May be null.
  std::function<void(std::string_view step)> on_step = nullptr;
};

// A desk as `config` asks for it; not started.
std::unique_ptr<upkeep::UpkeepDesk> OpenUpkeep(const Config& config,
                                               const UpkeepParts& parts);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_OPEN_UPKEEP_H_
