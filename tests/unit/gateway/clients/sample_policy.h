#ifndef CONSENTRY_TESTS_UNIT_GATEWAY_CLIENTS_SAMPLE_POLICY_H_
#define CONSENTRY_TESTS_UNIT_GATEWAY_CLIENTS_SAMPLE_POLICY_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "gateway/clients/configuration.h"
#include "policy/packs/packs.h"
#include "tests/testing/status_matchers.h"

namespace consentry::clients {

// The sample catalog and purposes with all legal packs, as a German shop.
inline store::v1::StoredPolicy SampleSources() {
  store::v1::StoredPolicy sources;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    auto* text = file.name == "catalog.txtpb" ? sources.mutable_catalog()
                                              : sources.mutable_purposes();
    *text = std::string(file.content);
  }
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    auto* pack = sources.add_packs();
    pack->set_name(std::string(file.name));
    pack->set_text(std::string(file.content));
  }
  sources.mutable_profile()->set_home("DE");
  return sources;
}

inline std::shared_ptr<const Policy> SamplePolicy() {
  static const std::shared_ptr<const Policy> policy = [] {
    auto compiled = CompilePolicy(SampleSources());
    EXPECT_OK(compiled);
    return *std::move(compiled);
  }();
  return policy;
}

inline constexpr char kSupport[] = "essential.service.operations.support";
inline constexpr char kService[] = "essential.service.operations";
inline constexpr char kMarketing[] = "marketing.communications.email";
inline constexpr char kAnalytics[] = "analytics.reporting";

// A registration as the table holds it; `digit` makes its key.
inline v1::Client StoredClient(const std::string& id, char digit) {
  v1::Client client;
  client.set_id(id);
  client.set_role(v1::ROLE_SERVICE);
  client.add_purposes(kSupport);
  client.add_read_categories("user.contact");
  client.set_state(v1::CLIENT_STATE_ACTIVE);
  client.set_version(1);
  client.set_public_key_hash(std::string(64, digit));
  client.mutable_expire_time()->set_seconds(4'000'000'000);
  return client;
}

}  // namespace consentry::clients

#endif  // CONSENTRY_TESTS_UNIT_GATEWAY_CLIENTS_SAMPLE_POLICY_H_
