#ifndef CONSENTRY_GATEWAY_SERVER_OPEN_UPKEEP_H_
#define CONSENTRY_GATEWAY_SERVER_OPEN_UPKEEP_H_

#include <memory>

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
};

// A desk as `config` asks for it; not started.
std::unique_ptr<upkeep::UpkeepDesk> OpenUpkeep(const Config& config,
                                               const UpkeepParts& parts);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_OPEN_UPKEEP_H_
